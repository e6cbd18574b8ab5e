"""`mirabench reference`: real clips once measured, to compare with in seconds."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from mirabench.cli.options import AllowNoncommercial, Cache, Device, Fps, Metrics, Suite, Workers
from mirabench.cli.terminal import split_names

app = typer.Typer(no_args_is_help=True)


@app.command("build")
def build(  # the options of a command
    inputs: Annotated[
        list[str],
        typer.Argument(
            help="Reference clips: files, frame folders, folders, globs, or a manifest.",
            show_default=False,
        ),
    ],
    *,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file, ending in .npz.")],
    suite: Suite = "lite",
    metrics: Metrics = None,
    workers: Workers = 1,
    device: Device = "auto",
    allow_noncommercial: AllowNoncommercial = False,
    fps: Fps = None,
    cache: Cache = None,
) -> None:
    """Measure reference clips once, and write what later runs compare with.

    `mirabench evaluate --reference FILE` then decodes none of them.
    """
    from mirabench.errors import InputError
    from mirabench.files import require_writable
    from mirabench.run.build_reference import build_reference, prepare_reference
    from mirabench.run.reference import write_statistics
    from mirabench.run.score import Options, cache_folder
    from mirabench.weights.licence import noncommercial_allowed

    if output.suffix != ".npz":
        raise InputError(f"{output} does not end in .npz: name the file for example reference.npz")
    job = prepare_reference(inputs, suite=suite, metrics=split_names(metrics) or None, fps=fps)
    require_writable(output.parent)
    allowed = allow_noncommercial or noncommercial_allowed()
    options = Options(workers, cache_folder(cache or True), device=device, noncommercial=allowed)
    found = build_reference(job, options)
    write_statistics(output, found)
    sys.stdout.write(
        f"{output}: {len(found.clips)} of {len(job.reference)} clips, {len(found.values)} clip metrics, "
        f"{len(found.vectors)} distances\n"
    )


@app.command("show")
def show(
    reference: Annotated[str, typer.Argument(help="A file, or `embedded`.", show_default=False)],
) -> None:
    """Print where a reference comes from and what it holds, as JSON."""
    from mirabench.run.reference import load_statistics

    found = load_statistics(reference)
    told = {
        "name": found.name,
        "sha256": found.sha256,
        "made": dict(found.made),
        "clips": [dict(clip) for clip in found.clips],
        "clip_metrics": {name: len(values) for name, values in found.values.items()},
        "set_metrics": {name: sum(map(len, rows)) for name, rows in found.vectors.items()},
        "weights": dict(found.weights),
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
