"""Child processes lose at most the item in hand, and no item takes the driver along."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Sequence
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from pathlib import Path
from typing import Any

import psutil
import pytest
import toywork
from toywork import Deeds

from mirabench.errors import WorkError
from mirabench.work.item import FAILED, REJECTED, Done
from mirabench.work.local import LocalExecutor, _does_not_start, died
from mirabench.work.process import ChildProcess

SUPPORT = Path(toywork.__file__).parent


def done(deeds: Sequence[Any], workers: int, **settings: Any) -> list[Done]:
    with LocalExecutor(workers) as executor:
        found = dict(executor.run(Deeds(**settings), toywork.items(deeds)))
    assert sorted(found) == list(range(len(deeds)))
    return [found[n] for n in range(len(deeds))]


def values(found: Sequence[Done]) -> list[str]:
    return [one.outcome.value[0] for one in found]


def processes(found: Sequence[Done]) -> set[int]:
    return {one.outcome.value[1] for one in found} - {0}


def test_no_workers_work_in_this_process() -> None:
    assert processes(done(["a", "b"], 0)) == {os.getpid()}


@pytest.mark.parametrize("settings", [{"light": True}, {"threads": 3}], ids=["light", "waiting"])
def test_light_and_waiting_work_stays_in_this_process(settings: dict[str, Any]) -> None:
    found = done(["a", "b", "raise"], 2, **settings)
    assert values(found) == ["a", "b", "lost"]
    assert processes(found) == {os.getpid()}


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("deed", ["die", "exit"])
def test_a_lone_deadly_item_does_not_take_the_driver_along(workers: int, deed: str) -> None:
    # a child has begun, so the death is the item's: with nothing else to do it is still isolated
    [lost] = done([deed], workers)
    assert (lost.outcome.status, lost.outcome.value) == (FAILED, ("lost", 0))
    assert ("SIGKILL, out of memory?" if deed == "die" else "exit code 7") in lost.outcome.reason


class DeadOnArrival:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> tuple[Any, ...]:
        return os._exit, (3,)


def test_a_process_that_dies_before_it_ever_worked_is_no_items_fault() -> None:
    with pytest.raises(WorkError) as caught:
        done([DeadOnArrival()], 1)
    assert str(caught.value) == (
        "a worker process does not start (exit code 3): a script that starts workers needs "
        '`if __name__ == "__main__":` around the call; or work without them (workers=0)'
    )


def test_processes_that_are_gone_before_they_are_given_anything_are_told_with_their_end(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resource_tracker.ensure_running()  # with the true interpreter
    program = shutil.which("false")
    assert program
    monkeypatch.setattr("multiprocessing.spawn._python_exe", os.fsencode(program))
    send = Connection.send

    def late(connection: Connection, message: object) -> None:
        while multiprocessing.active_children():
            time.sleep(0.01)  # waits for the processes, at most
        send(connection, message)

    monkeypatch.setattr(Connection, "send", late)
    with pytest.raises(WorkError, match=r"does not start \(exit code 1\): a script"):
        done(["a"], 1)


def test_later_deaths_on_arrival_cost_their_item() -> None:
    """A child has worked, so processes do start here."""
    found = done(["a", DeadOnArrival(), "b"], 1)
    assert values(found) == ["a", "lost", "b"]
    assert found[1].outcome.reason.startswith("its process died (exit code 3): it may need")


def test_a_deadly_item_is_lost_and_no_other() -> None:
    deeds = ["a", "die", *(f"i{n}" for n in range(30)), "die"]
    found = done(deeds, 2)
    assert values(found) == ["a", "lost", *deeds[2:-1], "lost"]
    assert len(processes(found)) <= 2 + 2  # each death costs one process


def test_what_an_item_raises_costs_the_process_nothing() -> None:
    found = done(["a", "raise", "b"], 1)
    assert values(found) == ["a", "lost", "b"]
    assert found[1].outcome.reason == "unexpected ValueError: no i1"
    assert len(processes(found)) == 1


def test_an_item_beyond_its_time_is_ended_and_the_rest_go_on() -> None:
    work = toywork.Patient()
    with LocalExecutor(2) as executor:
        results = executor.run(work, toywork.items(["hang", "a", "b"]))
        rest = [next(results), next(results)]
        work.limit.append(0.5)  # only now, so that no busy machine makes it that of the others
        [(position, lost)] = list(results)
    assert sorted((n, done.outcome.value[0]) for n, done in rest) == [(1, "a"), (2, "b")]
    assert (position, lost.outcome.value) == (0, ("lost", 0))
    assert lost.outcome.status == REJECTED
    assert lost.outcome.reason == "stopped after 0.5 s: it hangs, or needs a longer time limit"
    assert lost.seconds == 0.5


def test_what_is_lost_is_told_with_its_reason_and_took_no_time() -> None:
    with LocalExecutor(1) as executor:
        work, items = toywork.Telling(), toywork.items(["a", "die", lambda: None, "b"])
        found = dict(executor.run(work, items))
    for position in (1, 2):
        lost = found[position]
        assert lost.outcome.value == (f"i{position}: {lost.outcome.reason}", 0)
        assert lost.seconds == 0.0
    assert [found[n].outcome.value[0] for n in (0, 3)] == ["a", "b"]


def test_an_item_has_all_its_time_and_no_more() -> None:
    began = time.monotonic()
    with LocalExecutor(1) as executor:
        [(_, lost)] = executor.run(toywork.Telling(seconds=1.5), toywork.items(["hang"]))
    assert time.monotonic() - began >= 1.5
    assert lost.outcome.value == (f"i0: {lost.outcome.reason}", 0)
    assert values(done(["doze"], 1, seconds=200.0)) == ["doze"]


def test_a_process_that_died_while_idle_is_nobodys_loss() -> None:
    with LocalExecutor(1) as executor:
        [process] = processes([d for _, d in executor.run(Deeds(), toywork.items(["a"]))])
        psutil.Process(process).kill()
        while lives(process):
            time.sleep(0.01)
        found = list(executor.run(Deeds(), toywork.items(["b", "c"])))
    assert [(n, one.outcome.value[0]) for n, one in found] == [(0, "b"), (1, "c")]


def test_an_item_that_a_dying_process_never_took_up_is_nobodys_loss() -> None:
    """What a process that is ending is sent lands in its pipe, as what a stopped one is sent does."""
    with LocalExecutor(1) as executor:
        [process] = processes([d for _, d in executor.run(Deeds(), toywork.items(["a"]))])
        os.kill(process, signal.SIGSTOP)
        later = threading.Timer(0.5, os.kill, (process, signal.SIGKILL))
        later.start()
        found = list(executor.run(Deeds(), toywork.items(["b", "c"])))
        later.join()
    assert [(n, one.outcome.value[0]) for n, one in found] == [(0, "b"), (1, "c")]


def test_a_death_without_a_known_ending_has_no_brackets() -> None:
    assert died("") == "its process died: it may need more memory than there is"
    assert died("exit code 3").startswith("its process died (exit code 3): ")


def test_processes_that_end_without_a_reason_are_told_so() -> None:
    assert _does_not_start("").startswith("a worker process does not start (no reason given): ")


def test_one_process_unless_more_are_asked_for() -> None:
    assert repr(LocalExecutor()) == "LocalExecutor(1)"


def test_a_time_limit_does_not_count_the_start_of_a_process() -> None:
    child = ChildProcess()
    [item] = toywork.items(["hang"])
    try:
        child.give(Deeds(), item, 0)
        assert child.seconds_left(0.0) is None  # not heard of yet, however long it takes to start
        while not child.begun:
            wait(child.waitables)
            assert child.receive() is None
        assert 0 < child.seconds_left(1000.0) <= 1000
        assert child.seconds_left(-1.0) < -1.0
        assert child.seconds_left(None) is None
    finally:
        child.kill()


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("deed", [lambda: None, "unpicklable result"], ids=["item", "result"])
def test_what_cannot_be_pickled_is_the_items_failure(deed: Any, workers: int) -> None:
    found = done(["a", deed, "b"], workers)
    assert values(found) == ["a", "lost", "b"]
    assert "pickle" in found[1].outcome.reason.lower()


def test_processes_serve_one_run_after_the_other() -> None:
    with LocalExecutor(1) as executor:
        first = [d for _, d in executor.run(Deeds(), toywork.items(["a"]))]
        second = [d for _, d in executor.run(Deeds(seconds=9.0), toywork.items(["b"]))]
        [process] = processes(first)
        assert processes(second) == {process}
    assert not psutil.pid_exists(process)


def test_closing_midway_ends_what_is_under_way() -> None:
    executor = LocalExecutor(2)
    results = executor.run(Deeds(), toywork.items(["a", "hang", "hang"]))
    [process] = processes([next(results)[1]])
    began = time.monotonic()
    with contextlib.closing(executor):
        results.close()
    assert time.monotonic() - began < 20
    assert not psutil.pid_exists(process)


def test_what_the_work_prints_goes_to_the_log(tmp_path: Path) -> None:
    log = tmp_path / "work.log"
    with LocalExecutor(1, log=log) as executor:
        list(executor.run(Deeds(), toywork.items(["print"])))
    assert log.read_text() == "a word\n"


def script(tmp_path: Path, *lines: str) -> list[str]:
    path = tmp_path / "script.py"
    head = f"import sys; sys.path.insert(0, {str(SUPPORT)!r})\nimport toywork\n"
    path.write_text(head + textwrap.dedent("\n".join(lines)))
    return [sys.executable, str(path)]


def test_a_script_without_a_main_guard_is_told_so(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        "from mirabench.work.local import LocalExecutor",
        "with LocalExecutor(1) as executor:",
        "    list(executor.run(toywork.Deeds(), toywork.items(['a'])))",
    )
    found = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert WorkError.__name__ in found.stderr
    assert '`if __name__ == "__main__":`' in found.stderr


def test_workers_die_with_a_driver_that_is_killed(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        "import os, psutil, signal",
        "from mirabench.work.local import LocalExecutor",
        "if __name__ == '__main__':",
        "    run = LocalExecutor(2).run(toywork.Deeds(), toywork.items(['a', 'hang', 'b']))",
        "    next(run), next(run)",
        "    print(*(child.pid for child in psutil.Process().children()), flush=True)",
        "    os.kill(os.getpid(), signal.SIGKILL)",
    )
    found = subprocess.run(command, capture_output=True, text=True, timeout=200)
    pids = [int(pid) for pid in found.stdout.split()]
    assert len(pids) >= 2  # the one that hangs, too
    deadline = time.monotonic() + 100
    while any(map(lives, pids)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert not any(map(lives, pids))


def lives(pid: int) -> bool:
    """A dead process without its parent stays in the list until somebody collects it."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    return False


def test_a_driver_that_forgets_to_close_still_ends(tmp_path: Path) -> None:
    command = script(
        tmp_path,
        "from mirabench.work.local import LocalExecutor",
        "executor = LocalExecutor(1)",
        "if __name__ == '__main__':",
        "    print([d.outcome.value[0] for _, d in executor.run(toywork.Deeds(), toywork.items(['a']))])",
    )
    found = subprocess.run(command, capture_output=True, text=True, timeout=200)
    assert (found.returncode, found.stdout) == (0, "['a']\n")
