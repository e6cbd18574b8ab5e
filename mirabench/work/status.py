"""How far a run is, in a small file of its output folder: for people and programs that look in from outside.

The file is written anew at most once a second, so it tells of a killed run how far it came. Whether a run is
still at work is told by the lock of its folder, which the system frees when a process ends, however it ends.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

from mirabench.errors import InputError, OutputError
from mirabench.files import write_bytes
from mirabench.work.journal import FOLDER, is_locked
from mirabench.work.run import Progress

log = logging.getLogger(__name__)

FILE = "status.json"
"""In the journal's folder."""
SECONDS_BETWEEN = 1.0
"""Between two writes of the file."""

State = Literal["running", "interrupted", "ended"]


def no_facts() -> Mapping[str, Any]:
    """Nothing beside the counts."""
    return {}


class StatusFile:
    """Writes how far a run is; a listener of runs. Trouble with the disk is said once and harms nothing."""

    def __init__(
        self, folder: Path, *, work: str = "", facts: Callable[[], Mapping[str, Any]] = no_facts
    ) -> None:
        """Where to write.

        Args:
            folder: The output folder.
            work: Names exactly what the run does; another text is another run.
            facts: More to tell, asked for at each write: JSON.
        """
        self.path = folder / FOLDER / FILE
        self._work, self._facts = work, facts
        self._started, self._told = time.time(), float("-inf")
        self._pace: Progress | None = None
        self._silenced = False

    def continues(self) -> bool:
        """Whether the last run in the folder did the same work and was interrupted."""
        found = _stored(self.path)
        return found.get("identity") == self._work and found.get("ended") is False

    def tell(self, pace: Progress) -> None:
        """Note how far the run is, if the last note is old enough."""
        self._pace = pace
        if time.monotonic() - self._told >= SECONDS_BETWEEN:
            self._write(ended=False)

    def end(self) -> None:
        """Note that the run ended well."""
        self._write(ended=True)

    def _write(self, *, ended: bool) -> None:
        self._told = time.monotonic()
        text = json.dumps(self._content(ended=ended), indent=1) + "\n"
        try:
            write_bytes(self.path, text.encode(), flush=False)
        except OutputError as error:
            if not self._silenced:
                log.warning("`mirabench status` will know nothing new of this run: %s", error)
            self._silenced = True

    def _content(self, *, ended: bool) -> dict[str, Any]:
        pace = self._pace
        counts = {} if pace is None else _counts(pace, ended=ended)
        about = {
            "identity": self._work,
            "ended": ended,
            "started": self._started,
            "updated": time.time(),
            "process": os.getpid(),
            "host": socket.gethostname(),
        }
        return {**about, **counts, **self._facts()}


def _counts(pace: Progress, *, ended: bool) -> dict[str, Any]:
    left = pace.eta_seconds
    return {
        "work": pace.work,
        "total": pace.total,
        "done": pace.done,
        "reused": pace.reused,
        "rejected": pace.rejected,
        "failed": pace.failed,
        "seconds": round(pace.seconds, 3),
        "eta_seconds": 0.0 if ended else None if left is None else round(left, 1),
        "item": pace.item,
    }


def status_of(folder: Path) -> dict[str, Any]:
    """What is known of the run in an output folder: `state`, and all that its file tells.

    Raises:
        InputError: no run was ever at work there.
    """
    path = folder / FOLDER / FILE
    running = is_locked(folder)
    found = _stored(path)
    if not found and not running:
        raise InputError(
            f"{folder} is the output folder of no run: there is no {FOLDER}/{FILE} in it"
        )
    ended: State = "ended" if found.get("ended") else "interrupted"
    return {"state": "running" if running else ended, **found}


def _stored(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
