"""A folder that a Hugging Face Space runs as it is, or any host of containers.

It holds the Space's card, `app.py`, what to install, and a `Dockerfile`; the version installed is the one
that wrote the folder. The `Dockerfile` needs no other file: it alone deploys a board.
"""

from __future__ import annotations

import shutil
from importlib.metadata import version
from importlib.resources import files
from pathlib import Path

from mirabench.errors import InputError, OutputError
from mirabench.files import write_text

SOURCES = ("README.md", "app.py")


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
    wanted = _wanted()
    texts = {name: _source(name) for name in SOURCES} | {"Dockerfile": dockerfile()}
    if wheel is not None:
        texts["Dockerfile"] = dockerfile(wheel.name)
        wanted = f"./{wheel.name}[leaderboard,postgres]"
    texts["requirements.txt"] = f"{wanted}\n"
    for name, text in texts.items():
        write_text(folder / name, text)
    copied = [] if wheel is None else [Path(shutil.copy(wheel, folder))]
    return [*(folder / name for name in texts), *copied]


def dockerfile(wheel: str = "") -> str:
    """The text of a Dockerfile that needs no other file, unless a wheel beside it is to be installed.

    Args:
        wheel: Its file's name.
    """
    wanted = f"/tmp/{wheel}[leaderboard,postgres]" if wheel else _wanted()
    copied = f"COPY {wheel} /tmp/\n" if wheel else ""
    return _source("Dockerfile").format(
        wanted=wanted, copied=copied, context="." if wheel else "- < Dockerfile"
    )


def _wanted() -> str:
    return f"mirabench[leaderboard,postgres]=={version('mirabench')}"


def _source(name: str) -> str:
    return (files("miraboard") / "deploy" / name).read_text(encoding="utf-8")
