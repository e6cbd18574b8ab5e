"""`miradit`, also `mirabench miradit`: parse, call one function, print.

Its help needs no extra: what `dit` brings is imported when a command runs.
"""

from __future__ import annotations

import dataclasses
import logging
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from mirabench.errors import InputError, MirabenchError
from mirabench.extras import needs_extra
from miradit.registry import RELEASES, Release

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    help="MiraDiT: convert released checkpoints, and train.",
)
DTYPES = ("keep", "float32", "float16", "bfloat16")


def _miradit() -> AbstractContextManager[None]:
    return needs_extra("dit", "MiraDiT needs more packages")


@app.command()
def releases() -> None:
    """List the released checkpoints and what their weights do not state."""
    for release in RELEASES.values():
        layout = "text and frame" if release.text_spatial_cond else "text only"
        typer.echo(
            f"{release.name:<11} {release.height}x{release.width}, {release.num_frames} frames, "
            f"attention to {layout}, scale {release.scale_end}, weights {release.card}"
        )


@app.command()
def convert(
    file: Annotated[Path, typer.Argument(help="A released .pt file.")],
    output: Annotated[Path, typer.Argument(help="Folder to write.")],
    release: Annotated[
        str, typer.Option(help="Name of the release (default: from the file name).")
    ] = "",
    dtype: Annotated[str, typer.Option(help="keep, float32, float16 or bfloat16.")] = "keep",
    tokenizer: Annotated[
        str, typer.Option(help="Folder or hub name of the Flan-T5 tokenizer; empty for none.")
    ] = "google/flan-t5-xxl",
    frames: Annotated[int | None, typer.Option(help="Frames per clip.")] = None,
    height: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    width: Annotated[int | None, typer.Option(help="Pixels.")] = None,
    scale_end: Annotated[float | None, typer.Option(help="Signal scale of late steps.")] = None,
    text_spatial_cond: Annotated[
        bool | None, typer.Option(help="Whether text attention sees its frame (v0).")
    ] = None,
    out_channels: Annotated[int | None, typer.Option(help="Channels the head computes.")] = None,
    denoiser_only: Annotated[bool, typer.Option(help="Write only the denoiser.")] = False,
) -> None:
    """Convert a released .pt file to a folder that MiraDiTPipeline loads."""
    with _miradit():
        import torch

        from miradit.checkpoint import convert as convert_file

    if dtype not in DTYPES:
        raise InputError(f"--dtype {dtype}: choose one of {', '.join(DTYPES)}")
    told = {
        "num_frames": frames,
        "height": height,
        "width": width,
        "scale_end": scale_end,
        "text_spatial_cond": text_spatial_cond,
        "out_channels": out_channels,
    }
    convert_file(
        file,
        output,
        describe_release(release or file.stem, told),
        dtype=None if dtype == "keep" else getattr(torch, dtype),
        tokenizer=None if denoiser_only else _tokenizer(tokenizer),
        denoiser_only=denoiser_only,
    )
    typer.echo(f"wrote {output}")


@app.command()
def train(
    config: Annotated[str, typer.Argument(help="Name of a preset, or a TOML file.")],
    data: Annotated[str | None, typer.Option(help="Table or folder of clips.")] = None,
    output: Annotated[str | None, typer.Option(help="Folder of the run.")] = None,
    checkpoint: Annotated[str | None, typer.Option(help="Pipeline folder to start from.")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimizer steps.")] = None,
    resume: Annotated[bool, typer.Option(help="Continue from the newest state.")] = False,
) -> None:
    """Train the denoiser; use `accelerate launch` for several devices."""
    with _miradit():
        from miradit.configs import read_config
        from miradit.train import train as run

    told = {"data": data, "output": output, "checkpoint": checkpoint, "steps": steps}
    chosen = read_config(config, **{k: v for k, v in told.items() if v is not None})
    losses = run(chosen, resume=resume)
    last = f", last loss {losses[-1]:.4f}" if losses else ""
    typer.echo(f"trained {len(losses)} steps{last}: {chosen.output}/pipeline")


@app.command()
def presets() -> None:
    """List the training presets."""
    from miradit.configs import PRESETS

    for name, preset in PRESETS.items():
        sizes = ", ".join(f"{height}x{width}" for height, width in preset.sizes)
        typer.echo(f"{name:<11} {sizes}, {preset.num_frames} frames, {preset.steps} steps")


@app.command()
def shapes(
    output: Annotated[Path, typer.Argument(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Number of clips.")] = 96,
) -> None:
    """Render captioned clips of moving shapes for training `tiny`."""
    with _miradit():
        from miradit.tiny import write_shapes

    typer.echo(f"wrote {write_shapes(output, count)}")


def describe_release(name: str, told: dict[str, Any]) -> Release:
    """A release with what was told of it; an unknown one if all of it was told.

    Raises:
        InputError: an unknown release of which something was not told.
    """
    told = {key: value for key, value in told.items() if value is not None}
    if name in RELEASES:
        return dataclasses.replace(RELEASES[name], **told)
    needed = ["num_frames", "height", "width", "scale_end", "text_spatial_cond"]
    missing = [key for key in needed if key not in told]
    if missing:
        raise InputError(
            f"{name!r} is not a release, and the weights do not tell {', '.join(missing)}: name the "
            f"release with --release ({', '.join(RELEASES)}), or give these as options"
        )
    settings = {"out_channels": 4, "uncond_probability": 0.0, "max_stride": 4}
    return Release(**{"name": name, **settings, **told})


def _tokenizer(name: str) -> PreTrainedTokenizerBase | None:
    if not name:
        return None
    with _miradit():
        from transformers import AutoTokenizer
    try:
        # nothing is downloaded by surprise: the hub's cache is used, or a folder
        found: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name, local_files_only=True)
    except (OSError, ValueError) as error:
        raise InputError(
            f"no tokenizer at {name!r}: bring it with  hf download {name} --include "
            "'*token*' '*.model'  or leave it out with --tokenizer ''"
        ) from error
    return found


def main() -> None:
    """The console script: expected errors in one line, exit code 2."""
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    try:
        app()
    except MirabenchError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(2)


if __name__ == "__main__":  # for `accelerate launch -m miradit.cli`
    main()
