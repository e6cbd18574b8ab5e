"""A folder that a Hugging Face Space runs as it is, or any host of containers.

It holds the Space's card, `app.py`, what to install, and a `Dockerfile`; the version installed is the one
that wrote the folder.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from mirabench.errors import InputError, OutputError
from mirabench.files import write_text

SOURCES = ("README.md", "app.py", "Dockerfile")


def write_space(folder: Path, wheel: Path | None = None) -> list[Path]:
    """Write the folder; returns its files.

    Args:
        folder: New or empty.
        wheel: Of mirabench, copied into the folder and installed from there; None installs this version
            from the package index.

    Raises:
        OutputError: the folder has something in it already, or cannot be written.
        InputError: there is no such wheel.
    """
    if wheel is not None and not wheel.is_file():
        raise InputError(f"no wheel at {wheel}: `make dist` writes one into dist/")
    if folder.exists() and any(folder.iterdir()):
        raise OutputError(f"{folder} is not empty: name a new folder, so that nothing is mixed")
    written = []
    for name in SOURCES:
        text = (files("miraboard") / "deploy" / name).read_text(encoding="utf-8")
        write_text(folder / name, text)
        written.append(folder / name)
    wanted = f"mirabench[leaderboard,postgres]=={version('mirabench')}"
    if wheel is not None:
        written.append(Path(shutil.copy(wheel, folder)))
        wanted = f"./{wheel.name}[leaderboard,postgres]"
    write_text(folder / "requirements.txt", f"{wanted}\n")
    return [*written, folder / "requirements.txt"]
