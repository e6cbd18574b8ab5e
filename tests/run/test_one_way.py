"""From clips to report.json: few rooms, and each step of a run once, in order."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import Any

import clipkit

from mirabench.cli.main import app
from mirabench.video.encode import write_video

STEPS = [
    "mirabench.run.prepare.prepare",
    "mirabench.run.evaluate.run",
    "mirabench.run.score.score_clips",
    "mirabench.run.assemble.assemble",
    "mirabench.report.files.write_run",
]
PACKAGE = Path(sys.modules["mirabench"].__file__ or "").parent


def calls_of(*arguments: str) -> list[tuple[str, str]]:
    """(room, function) of every call inside mirabench, in order."""
    found: list[tuple[str, str]] = []

    def note(frame: FrameType, event: str, _: Any) -> None:
        module = frame.f_globals.get("__name__", "")
        if event == "call" and module.startswith("mirabench."):
            room = module.split(".")[1]
            if (PACKAGE / room).is_dir():
                found.append((room, f"{module}.{frame.f_code.co_name}"))

    sys.setprofile(note)
    try:
        app(list(arguments), standalone_mode=False)
    except SystemExit:
        pass
    finally:
        sys.setprofile(None)
    return found


def test_a_run_enters_each_step_once_and_at_most_twelve_rooms(tmp_path: Path) -> None:
    write_video(tmp_path / "clips" / "pan.mp4", clipkit.panning(frames=16, size=(64, 48)))
    calls = calls_of(
        "evaluate", str(tmp_path / "clips"), "--output", str(tmp_path / "report"), "--no-cache"
    )
    assert (tmp_path / "report" / "report.json").is_file()
    assert [name for _, name in calls if name in STEPS] == STEPS
    rooms = list(dict.fromkeys(room for room, _ in calls))
    assert len(rooms) <= 12, rooms
