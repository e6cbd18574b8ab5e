"""`mirabench status`: how far a run is, at work or dead, from its output folder alone."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from mirabench.cli.terminal import duration, interruptible, stdout_console


def status(
    folder: Annotated[Path, typer.Argument(help="The output folder of a run.")],
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
    serve: Annotated[
        int | None,
        typer.Option(min=1, max=65535, help="Serve it to Prometheus on this port of 127.0.0.1."),
    ] = None,
) -> None:
    """Show how far a run is, how long it still takes, and what it took so far.

    Works while the run is under way and after it was killed; a killed run is resumed by giving its command
    again. Exit code 0: it is at work or ended; 1: it was interrupted.
    """
    from mirabench.work.status import status_of

    found = status_of(folder)
    if serve is not None:
        _serve(folder, serve)
        return
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        _show(found)
    raise typer.Exit(1 if found["state"] == "interrupted" else 0)


def _serve(folder: Path, port: int) -> None:
    from mirabench.work.prometheus import serve

    server = serve(folder, port)
    typer.echo(f"http://127.0.0.1:{port}/metrics", err=True)
    with interruptible():
        try:
            while True:
                time.sleep(3600)
        finally:
            server.shutdown()


def _show(found: Mapping[str, Any]) -> None:
    from rich.table import Table

    table = Table(title=_headline(found), show_header=False)
    for name, text in _rows(found).items():
        table.add_row(name, text)
    stdout_console().print(table)
    if found["state"] == "interrupted":
        typer.echo("give the command of the run again to resume it")


def _headline(found: Mapping[str, Any]) -> str:
    if "total" not in found:
        return f"{found['state']}: nothing is finished yet"
    return f"{found['state']}: {found['done']} of {found['total']}"


def _rows(found: Mapping[str, Any]) -> dict[str, str]:
    """What is worth a row: name -> text."""
    rows = {n: str(found[n]) for n in ("failed", "rejected", "reused", "retries") if found.get(n)}
    return {**_times(found), **rows, **_costs(found), "process": _process(found)}


def _times(found: Mapping[str, Any]) -> dict[str, str]:
    rows = {}
    if found["state"] == "running" and found.get("eta_seconds") is not None:
        rows["left"] = duration(found["eta_seconds"])
    if "seconds" in found:
        rows["since it began"] = duration(found["seconds"])
    if "updated" in found:
        rows["last noted"] = f"{duration(max(0.0, time.time() - found['updated']))} ago"
    return rows


def _costs(found: Mapping[str, Any]) -> dict[str, str]:
    rows = {}
    if found.get("cache_hit_share") is not None:
        rows["from the cache"] = f"{found['cache_hit_share']:.0%} of features"
    taken = {"decoding": found.get("decode_seconds"), "networks": found.get("network_seconds")}
    slowest = sorted(found.get("feature_seconds", {}).items(), key=lambda pair: -pair[1])[:5]
    taken |= {f"feature {name}": seconds for name, seconds in slowest}
    rows |= {name: f"{s:.1f} s, over all workers" for name, s in taken.items() if s}
    for name, size in found.get("peak_memory_bytes", {}).items():
        rows[f"peak memory, {name.replace('_', ' ')}"] = f"{size / 2**20:.0f} MiB"
    return rows


def _process(found: Mapping[str, Any]) -> str:
    return f"{found.get('process', '?')} on {found.get('host', '?')}"
