"""What an output folder knows of its run: `run.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from mirabench import __version__
from mirabench.errors import InputError
from mirabench.files import write_text
from miradata.config import Config, config_of
from miradata.tables.schema import VERSION

RUN_FILE = "run.json"


@dataclass(frozen=True, slots=True)
class Remembered:
    """What an output folder knows of its run."""

    config: Config
    root: Path
    """The folder of source videos."""
    absent: tuple[str, ...]
    """What was not measured, done or fetched, one sentence each."""


def remember(output: Path, config: Config, root: Path, absent: tuple[str, ...]) -> None:
    """Write down how an output folder is made.

    Raises:
        OutputError: it cannot be written.
    """
    kept = {
        "mirabench": __version__,
        "schema_version": VERSION,
        "root": str(root),
        "absent": list(absent),
        "config": config.model_dump(mode="json", exclude_unset=True),
    }
    write_text(output / RUN_FILE, json.dumps(kept, indent=2) + "\n")


def remembered(output: Path) -> Remembered:
    """What an output folder knows of its run.

    Raises:
        InputError: it is the output of no run.
    """
    path = output / RUN_FILE
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Remembered(config_of(kept["config"]), Path(kept["root"]), tuple(kept["absent"]))
    except FileNotFoundError as error:
        raise InputError(
            f"{output} is the output of no run: start one with `mirabench curate run`"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path} cannot be read ({error}): run the pipeline again") from error
