"""A run's folder holds the older report or the newer one, whatever write fails and wherever a kill falls."""

from __future__ import annotations

import errno
import io
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import clipkit
import pytest
from reportkit import clip, report

import mirabench
from mirabench.errors import OutputError
from mirabench.files import READY, finish_replacing, replacing_together
from mirabench.report.files import write_run
from mirabench.report.page_data import PageFile
from mirabench.video.encode import write_video

OLD = report([clip("old", "p", sharpness=0.5)])
NEW = report([clip("new", "p", sharpness=0.7)])
OLD_PAGE = [
    PageFile("report-data/rows-0000-00000000aa.js", "old rows"),
    PageFile("report-data/clips-0000-00000000aa.js", "old clips"),
    PageFile("report.html", "old page"),
]
NEW_PAGE = [
    PageFile("report-data/rows-0000-00000000bb.js", "new rows"),
    PageFile("report-data/clips-0000-00000000aa.js", "old clips"),
    PageFile("report.html", "new page"),
]
STEPS: list[tuple[Any, str]] = [
    (io, "open"), (os, "fsync"), (os, "link"), (os, "mkdir"), (os, "replace"), (shutil, "copy2"),
]  # fmt: skip


def content(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() if path.is_file() else b""
        for path in folder.rglob("*")
    }


def write_new(folder: Path) -> None:
    write_run(folder, NEW, NEW_PAGE, {"run": "new"})


@pytest.fixture
def old(tmp_path: Path) -> Path:
    write_run(tmp_path / "old", OLD, OLD_PAGE, {"run": "old"})
    return tmp_path / "old"


def disturbed(patch: pytest.MonkeyPatch, fails: Callable[[int, str], bool]) -> list[str]:
    """Let the steps for which `fails(number, name)` holds find the disk full; gives the steps taken."""
    taken: list[str] = []
    for module, name in STEPS:
        real = getattr(module, name)

        def step(*args: Any, _real: Any = real, _name: str = name, **more: Any) -> Any:
            if _name == "open" and "w" not in (args[1] if len(args) > 1 else more.get("mode", "r")):
                return _real(*args, **more)
            taken.append(_name)
            if fails(len(taken) - 1, _name):
                raise OSError(errno.ENOSPC, "No space left on device")
            return _real(*args, **more)

        patch.setattr(module, name, step)
    return taken


def outcomes(old: Path, scene: Path, again: Collection[str] = ()) -> set[str]:
    """What became of the folder when each step in turn finds the disk full, and later ones named in `again`."""
    shutil.copytree(old, scene / "new")
    with pytest.MonkeyPatch.context() as patch:
        steps = disturbed(patch, lambda number, name: False)
        write_new(scene / "new")
    assert {"open", "fsync", "replace"} <= set(steps)
    before, after = content(old), content(scene / "new")
    found = set()
    for failing, step in enumerate(steps):
        folder = Path(shutil.copytree(old, scene / str(failing)))
        error = None
        with pytest.MonkeyPatch.context() as patch:
            disturbed(patch, lambda at, name, n=failing: at == n or (at > n and name in again))  # type: ignore[misc]
            try:
                write_new(folder)
            except OutputError as raised:
                error = raised
        assert content(folder) == (before if error else after), (failing, step, error)
        # without second names there are copies; a folder that is there need not be made
        assert error or step in {"link", "mkdir", "fsync"}, (failing, step)
        found.add("old" if error else "new")
    return found


def test_after_a_step_that_failed_the_older_report_is_as_it_was(old: Path, tmp_path: Path) -> None:
    assert outcomes(old, tmp_path) == {"old", "new"}


def test_on_a_disk_that_stays_full_the_older_report_is_as_it_was(old: Path, tmp_path: Path) -> None:
    # what is there already may still be renamed on a full disk
    again = {"open", "fsync", "link", "mkdir", "copy2"}
    assert "old" in outcomes(old, tmp_path, again)


def test_the_first_report_of_a_folder_is_whole_or_not_there(tmp_path: Path) -> None:
    (tmp_path / "nothing").mkdir()
    assert "old" in outcomes(tmp_path / "nothing", tmp_path)


def test_an_error_says_which_file_could_not_be_written(old: Path, tmp_path: Path) -> None:
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(OutputError, match=r"old/scores\.csv.*free some space"),
    ):
        full = iter([False, True])  # the second file that is written
        disturbed(patch, lambda at, name: name == "open" and next(full))
        write_new(old)


def test_a_page_that_cannot_be_made_changes_nothing(old: Path) -> None:
    before = content(old)

    def broken() -> Any:
        yield NEW_PAGE[0]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_run(old, NEW, broken(), {})
    assert content(old) == before


def test_data_of_the_replaced_page_goes_and_nothing_else(old: Path) -> None:
    (old / "report-data" / "mine.js").touch()
    write_new(old)
    names = sorted(path.name for path in (old / "report-data").iterdir())
    assert names == ["clips-0000-00000000aa.js", "mine.js", "rows-0000-00000000bb.js"]
    (old / "report-data" / "mine.js").unlink()
    write_run(old, NEW, [PageFile("report.html", "one file")], {})
    assert not (old / "report-data").exists()


KILLED = """
import os, shutil, sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import test_report_files as mine

def kill_at(failing):
    taken = []
    for module, name in mine.STEPS:
        def step(*args, real=getattr(module, name), **more):
            taken.append(1)
            if len(taken) > failing:
                os._exit(7)
            return real(*args, **more)
        setattr(module, name, step)

scene = Path(sys.argv[1])
number = 0
while True:
    folder = Path(shutil.copytree(scene / "old", scene / f"killed-{number}"))
    child = os.fork()
    if not child:
        kill_at(number)
        mine.write_new(folder)
        os._exit(0)
    if os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0:
        break
    number += 1
"""


def test_wherever_a_kill_falls_the_next_run_finds_or_completes_a_whole_set(
    old: Path, tmp_path: Path
) -> None:
    write_run(tmp_path / "new", OLD, OLD_PAGE, {"run": "old"})
    write_new(tmp_path / "new")
    support = os.pathsep.join([str(Path(__file__).parents[1] / "support"), *sys.path])
    subprocess.run(
        [sys.executable, "-c", KILLED, tmp_path, Path(__file__).parent],
        check=True, env=os.environ | {"PYTHONPATH": support},
    )  # fmt: skip
    before, after = content(old), content(tmp_path / "new")
    ends = []
    for number in range(len(list(tmp_path.glob("killed-*")))):
        folder = tmp_path / f"killed-{number}"
        whole = {name: text for name, text in content(folder).items() if not name.startswith(".")}
        if whole not in (before, after):
            # the only such moments: files are being put in place, or the older page's data removed
            assert (folder / READY).exists() or whole.items() > after.items(), number
        finish_replacing(folder)
        found = content(folder)
        # the older page's data may be left when all else is new; the next report's writing removes it
        for name in before.keys() - after.keys():
            if found.keys() > after.keys():
                del found[name]
        assert found in (before, after), number
        ends.append(found == after)
    assert ends == sorted(ends), "the older report until all is written, the newer one from then on"
    assert not ends[0] and ends[-1]


def test_a_run_completes_first_what_a_killed_one_began(tmp_path: Path) -> None:
    write_video(tmp_path / "a.mp4", clipkit.panning(frames=6))
    ready = tmp_path / "out" / READY
    ready.mkdir(parents=True)
    (ready / "report.json").write_text("complete")

    def stop(done: int, total: int, clip_id: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        mirabench.evaluate(
            tmp_path / "a.mp4", metrics=["sharpness"], output=tmp_path / "out", progress=stop
        )
    assert (tmp_path / "out" / "report.json").read_text() == "complete"
    assert not ready.exists()


def test_a_folder_in_the_place_of_a_file_changes_nothing(old: Path) -> None:
    (old / "run.json").unlink()
    (old / "run.json").mkdir()
    before = content(old)
    with pytest.raises(OutputError):
        write_new(old)
    assert content(old) == before


def test_an_interrupt_while_files_are_put_in_place_takes_them_back(
    old: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, real, calls = content(old), os.replace, []

    def interrupted(*args: Any, **more: Any) -> None:
        calls.append(1)
        if len(calls) == 4:
            raise KeyboardInterrupt
        real(*args, **more)

    monkeypatch.setattr(os, "replace", interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_new(old)
    assert content(old) == before


def test_files_below_folders_come_before_those_that_refer_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = os.replace

    def noted(source: Any, target: Any, **more: Any) -> None:
        seen.append(Path(target).relative_to(tmp_path).as_posix())
        real(source, target, **more)

    monkeypatch.setattr(os, "replace", noted)
    with replacing_together(tmp_path) as aside:
        for name in ("a", "z/data", "z/y/deep"):
            (aside / name).parent.mkdir(parents=True, exist_ok=True)
            (aside / name).touch()
    assert seen[1:] == ["z/y/deep", "z/data", "a"]
