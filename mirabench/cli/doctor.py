"""`mirabench doctor`: what is installed and what works here, for a bug report."""

from __future__ import annotations

import json
import re
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import Annotated, Any

import typer

from mirabench.errors import reason_for

CODECS = ("h264", "hevc", "vp9", "av1", "mpeg4", "mjpeg", "ffv1", "gif")
_OF_EXTRA = re.compile(r"(?P<package>[\w.-]+).*extra == ['\"](?P<extra>[\w-]+)['\"]")
METRICS = ("flow_magnitude", "sharpness")


def doctor(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")] = False,
) -> None:
    """Show versions, extras, codecs, devices, weights and cache, and score one rendered clip.

    Exit code 0: a clip was scored; 1: something that `lite` needs does not work.
    """
    found = {name: _tried(probe) for name, probe in _PROBES.items()}
    works = "error" not in found["clip"]
    if as_json:
        sys.stdout.write(json.dumps(found, indent=1) + "\n")
    else:
        for name, facts in found.items():
            typer.echo(name)
            for key, value in facts.items():
                typer.echo(f"  {key}: {value}")
    raise typer.Exit(0 if works else 1)


def _tried(probe: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    try:
        return probe()
    except Exception as error:  # the boundary: what is broken is what the command is for
        return {"error": reason_for(error)}


def _versions() -> dict[str, Any]:
    from mirabench import __version__
    from mirabench.features.cache import library_versions
    from mirabench.report.provenance import host_facts

    return {"mirabench": __version__, **library_versions(), **host_facts()}


def _extras() -> dict[str, Any]:
    """Extra -> `installed`, or the first package of it that is missing."""
    found: dict[str, str] = {}
    for text in requires("mirabench") or ():
        match = _OF_EXTRA.match(text)
        if match is None or match["package"] == "mirabench":
            continue
        if found.setdefault(match["extra"], "installed") == "installed":
            found[match["extra"]] = _presence(match["package"])
    return dict(sorted(found.items()))


def _presence(package: str) -> str:
    try:
        version(package)
    except PackageNotFoundError:
        return f"not installed (no {package})"
    return "installed"


def _codecs() -> dict[str, Any]:
    import av

    return {name: _decoder(av, name) for name in CODECS}


def _decoder(av: Any, name: str) -> str:
    try:
        return f"decoded by {av.codec.Codec(name, 'r').long_name}"
    except ValueError:
        return "no decoder"


def _devices() -> dict[str, Any]:
    if _presence("torch") != "installed":
        return {"cpu": "lite needs nothing else; networks need the extra `torch`"}
    from mirabench.nets.placement import devices  # extra `torch`

    return dict(devices())


def _weights() -> dict[str, Any]:
    from mirabench.weights import WeightStore, cards

    store = WeightStore()
    here = [card.name for card in cards().values() if not store.missing([card])]
    return {"folder": str(store.folder), "here": ", ".join(here) or "none"}


def _cache() -> dict[str, Any]:
    from mirabench.features.cache import FeatureCache, default_cache_folder
    from mirabench.files import require_writable

    info = FeatureCache(default_cache_folder()).info()
    require_writable(info.folder)
    return {"folder": str(info.folder), "entries": info.entries, "bytes": info.bytes}


def _configuration() -> dict[str, Any]:
    from mirabench.cli.configuration import found_file

    path = found_file(Path.cwd())
    return {"file": str(path) if path else "none"}


def _clip() -> dict[str, Any]:
    """Encode, decode and score a clip in a worker process, as `mirabench evaluate` would."""
    from mirabench.run.evaluate import evaluate
    from mirabench.testing.clips import pan
    from mirabench.video.encode import write_video

    with tempfile.TemporaryDirectory() as folder:
        clip = pan()
        path = write_video(Path(folder) / "pan.mp4", clip.frames, fps=clip.fps)
        began = time.perf_counter()
        report = evaluate([path], metrics=METRICS, cache=False, workers=1)
        seconds = time.perf_counter() - began
    [video] = report.videos
    if video.error or video.failures:
        return {"error": video.error or "; ".join(video.failures.values())}
    scores = {name: score.value for name, score in video.scores.items()}
    return {**scores, "seconds": round(seconds, 2)}


_PROBES: dict[str, Callable[[], dict[str, Any]]] = {
    "versions": _versions,
    "extras": _extras,
    "codecs": _codecs,
    "devices": _devices,
    "weights": _weights,
    "cache": _cache,
    "configuration": _configuration,
    "clip": _clip,
}
