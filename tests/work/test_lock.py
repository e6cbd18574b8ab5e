"""An output folder is for one run at a time, and whoever asks whether it is taken does not take it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from filelock import FileLock

from mirabench.errors import InputError, OutputError
from mirabench.work.journal import LOCK, LOOKED_AT_SECONDS, is_locked, locked


class TestLock:
    def test_a_folder_is_for_one_run_at_a_time(self, tmp_path: Path) -> None:
        first, second = locked(tmp_path / "out"), locked(tmp_path / "out")
        with first, pytest.raises(InputError, match="another run is active in"), second:
            pass
        with locked(tmp_path / "out"):
            pass

    def test_another_process_is_refused_and_a_killed_one_leaves_it_free(
        self, tmp_path: Path
    ) -> None:
        hold = (
            "import sys, time; from pathlib import Path; from mirabench.work.journal import locked\n"
            "with locked(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
        )
        holder = subprocess.Popen(
            [sys.executable, "-c", hold, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match="another run"), locked(tmp_path):
            pass
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        holder.stdout.close()
        with locked(tmp_path):
            pass

    def test_a_moments_look_from_outside_does_not_keep_a_run_away(self, tmp_path: Path) -> None:
        look = FileLock(tmp_path / LOCK, thread_local=False)
        look.acquire()
        end = threading.Timer(LOOKED_AT_SECONDS / 3, look.release)
        end.start()
        with locked(tmp_path):
            assert is_locked(tmp_path)
        end.join()

    def test_one_thread_may_begin_what_another_ends(self, tmp_path: Path) -> None:
        held = locked(tmp_path)
        thread = threading.Thread(target=held.__enter__)
        thread.start()
        thread.join()
        assert is_locked(tmp_path)
        held.__exit__(None, None, None)
        with locked(tmp_path):
            pass

    def test_a_folder_that_cannot_be_locked_is_named(self, tmp_path: Path) -> None:
        (tmp_path / LOCK).mkdir()
        with pytest.raises(OutputError, match=f"cannot write {tmp_path}:"), locked(tmp_path):
            pass

    def test_a_folder_that_cannot_be_made_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("in the way")
        with pytest.raises(OutputError), locked(tmp_path / "file" / "out"):
            pass

    def test_nothing_of_it_stays_in_the_results(self, tmp_path: Path) -> None:
        with locked(tmp_path):
            assert (tmp_path / LOCK).is_file()
        assert list(tmp_path.iterdir()) == []

    def test_a_lock_that_somebody_removed_harms_nothing(self, tmp_path: Path) -> None:
        with locked(tmp_path):
            (tmp_path / LOCK).unlink()


class TestWhetherARunIsActive:
    def test_in_a_folder_that_no_run_was_in(self, tmp_path: Path) -> None:
        assert is_locked(tmp_path) is False
        assert list(tmp_path.iterdir()) == []

    def test_while_one_is_and_after_it(self, tmp_path: Path) -> None:
        with locked(tmp_path):
            waits = []
            for _ in range(3):
                began = time.perf_counter()
                assert is_locked(tmp_path) is True
                waits.append(time.perf_counter() - began)
            assert min(waits) < 0.9  # it asks and does not wait
        assert is_locked(tmp_path) is False

    def test_a_lock_that_a_killed_run_left_is_free_and_stays_free(self, tmp_path: Path) -> None:
        (tmp_path / LOCK).touch()
        assert is_locked(tmp_path) is False
        other = FileLock(tmp_path / LOCK)
        other.acquire(timeout=0)  # it would raise if the question still held the lock
        other.release()

    def test_a_lock_that_cannot_be_opened_is_somebodys(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def refused(lock: FileLock, **options: float) -> None:
            raise PermissionError("another user's")

        (tmp_path / LOCK).touch()
        monkeypatch.setattr(FileLock, "acquire", refused)
        assert is_locked(tmp_path) is True
