"""`mirabench examples`: render captioned clips with known answers, for trying the commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def examples(
    folder: Annotated[Path, typer.Argument(help="Folder for the clips and their manifest.")],
) -> None:
    """Render three short clips and a manifest with their captions.

    One is a rigid room and a steady camera, one the same with flicker and wobble, one freezes.
    """
    from mirabench.testing.examples import write_examples

    typer.echo(f"manifest: {write_examples(folder)}")
