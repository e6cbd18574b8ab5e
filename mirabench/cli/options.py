"""Options that commands share: one definition, one help text, one check each."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from mirabench.errors import UnknownNameError

DEVICES = ("auto", "cpu", "cuda", "mps")


def _known_device(device: str) -> str:
    if device.split(":")[0] not in DEVICES:
        raise UnknownNameError("device", device, DEVICES)
    return device


Suite = Annotated[str, typer.Option(help="Name of a suite, or a TOML file.")]
Metrics = Annotated[
    list[str] | None,
    typer.Option(help="Only these metrics; repeat the option or separate names by commas."),
]
Workers = Annotated[int, typer.Option(min=1, help="Number of scoring processes.")]
Device = Annotated[
    str,
    typer.Option(help="Device for networks: auto, cpu, cuda, cuda:1, mps.", callback=_known_device),
]
AllowNoncommercial = Annotated[
    bool,
    typer.Option(
        "--allow-noncommercial", help="Allow weights whose licence forbids commercial use."
    ),
]
Fps = Annotated[
    float | None, typer.Option(min=0.01, help="Frame rate of frame folders (default 24).")
]
Cache = Annotated[
    Path | None,
    typer.Option(help="Feature cache (default: $MIRABENCH_CACHE or the user's cache folder)."),
]
NoCache = Annotated[
    bool, typer.Option("--no-cache", help="Do not store features; the run cannot be resumed.")
]
ClipTimeout = Annotated[
    float, typer.Option(min=0, help="Seconds allowed per clip; 0 means no limit.")
]
EXECUTORS = ("local", "ray")


def _known_executor(executor: str) -> str:
    if executor not in EXECUTORS:
        raise UnknownNameError("executor", executor, EXECUTORS)
    return executor


Executor = Annotated[
    str,
    typer.Option(
        help="Where the work is done: local (processes of this machine) or ray (a cluster).",
        callback=_known_executor,
    ),
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        help="Address of a running Ray cluster; auto: this machine's (default: one is started here)."
    ),
]
RayGpus = Annotated[
    float,
    typer.Option(
        min=0, help="Share of a GPU that Ray keeps for each worker whose work is a network."
    ),
]
