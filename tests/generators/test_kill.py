"""A run that is killed, or whose folder is taken, loses nothing that was finished."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from fakegen import Moody

from mirabench.errors import InputError
from mirabench.generators.manifest import read_manifest
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import sha256_of

WANTED = [Prompt(word, word) for word in ("cat", "dog", "wait", "cow")]

SCRIPT = """
import sys
from pathlib import Path
from fakegen import Moody
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt

if __name__ == "__main__":
    wanted = [Prompt(word, word) for word in ("cat", "dog", "wait", "cow")]
    generate_all(Moody(marker=sys.argv[2]), wanted, Path(sys.argv[1]))
"""


def wait_until(true: Callable[[], object], what: str) -> None:
    limit = time.monotonic() + 60
    while not true():
        assert time.monotonic() < limit, f"waited in vain until {what}"
        time.sleep(0.02)


@pytest.fixture
def blocked(tmp_path: Path):
    """A run in a process of its own that is at work on its third clip, and will not finish it."""
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)}
    folder, marker = tmp_path / "run", tmp_path / "marker"
    process = subprocess.Popen([sys.executable, script, folder, marker], env=environment)
    try:
        half = folder / ".generating" / "wait--seed-0.mp4"
        wait_until(lambda: half.exists() or process.poll() is not None, "the third clip is begun")
        yield process, folder, marker
    finally:
        process.kill()
        process.wait()


def test_a_kill_loses_the_clip_in_progress_and_leaves_no_process_behind(blocked):
    process, folder, marker = blocked
    (worker,) = [
        child
        for child in psutil.Process(process.pid).children()
        if "spawn_main" in str(child.cmdline())
    ]
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait_until(lambda: not worker.is_running(), "the generator's process ends")

    entries = read_manifest(folder / "manifest.csv")
    assert [e.status for e in entries.values()] == ["done", "done", "pending", "pending"]
    finished = [e for e in entries.values() if e.status == "done"]
    assert all(sha256_of(folder / e.path) == e.facts.sha256 for e in finished)
    assert len(list((folder / "videos").iterdir())) == 2

    marker.touch()
    again = generate_all(Moody(marker=str(marker)), WANTED, folder)
    assert (again.reused, again.failed) == (2, [])
    assert [e.facts for e in again.entries[:2]] == [e.facts for e in finished]


def test_two_runs_do_not_share_a_folder(blocked):
    _, folder, _ = blocked
    with pytest.raises(InputError, match="another run is active"):
        generate_all(Moody(), WANTED, folder)


def test_an_interrupt_ends_the_generator_too(blocked):
    process, _, _ = blocked
    children = psutil.Process(process.pid).children()
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    wait_until(lambda: not any(c.is_running() for c in children), "its processes end")
