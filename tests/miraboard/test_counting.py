"""The process that counts votes ends with its board."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psutil

BOARD = """
import os, signal, sys, time
from miraboard.settings import Settings
from miraboard.votes.counting import Apart
if __name__ == "__main__":
    apart = Apart(Settings(database=sys.argv[1]), {})
    pool = apart._running()
    pool.submit(os.getpid).result()
    print(next(iter(pool._processes)), flush=True)
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_the_child_ends_with_a_board_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "board.py"
    script.write_text(BOARD)
    told: Any = subprocess.run(
        [sys.executable, str(script), f"sqlite:///{tmp_path / 'b.db'}"], capture_output=True
    )
    pid = int(told.stdout)
    for _ in range(200):
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return
        time.sleep(0.05)  # waits for the process, at most
    raise AssertionError(f"the child {pid} lives on")
