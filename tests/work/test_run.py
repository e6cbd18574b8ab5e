"""The loop: nothing lost, nothing doubled, failures tried again and then set aside."""

from __future__ import annotations

import json
import random
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import toywork
from toywork import Deeds, Shelf

from mirabench.errors import OutputError
from mirabench.work.item import FAILED, OK, REJECTED, Item, Outcome
from mirabench.work.journal import RETRY, FileJournal, Line, append_text, retry
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Held, Kept, Policy, Progress, Run


def go(
    folder: Path,
    deeds: Sequence[Any],
    *,
    workers: int = 0,
    shelf: Shelf | None = None,
    **options: Any,
) -> Progress:
    (folder / "marks").mkdir(parents=True, exist_ok=True)
    listener = options.pop("listener", None)
    with LocalExecutor(workers) as executor:
        return Run(
            Deeds(marks=folder / "marks"),
            toywork.keyed(deeds),
            executor,
            journal=FileJournal.of(folder, "deeds"),
            store=shelf or Shelf(),
            policy=Policy(**options),
            listener=listener,
        ).go()


def worked(folder: Path, item: str) -> int:
    return Deeds(marks=folder / "marks").times(item)


@pytest.mark.parametrize("workers", [1, 2])
def test_a_deadly_item_is_tried_given_up_and_harms_nothing(tmp_path: Path, workers: int) -> None:
    shelf = Shelf()
    ended = go(tmp_path, ["a", "die", "b"], workers=workers, shelf=shelf)
    assert (ended.ok, ended.failed, ended.done) == (2, 1, 3)
    assert shelf.values["i1"] == ("lost", 0)
    assert worked(tmp_path, "i1") == 3


def test_nothing_but_a_deadly_item_ends(tmp_path: Path) -> None:
    assert go(tmp_path, ["die"], workers=2).failed == 1


def test_what_failed_is_quarantined_until_it_is_to_be_retried(tmp_path: Path) -> None:
    assert go(tmp_path, ["a", "raise"], tries=2).failed == 1
    assert worked(tmp_path, "i1") == 2
    assert go(tmp_path, ["a", "raise"], tries=2).reused == 2
    assert worked(tmp_path, "i1") == 2
    assert retry(tmp_path) == {"deeds": ["i1"]}
    assert retry(tmp_path) == {}
    again = go(tmp_path, ["a", "mended"], tries=2)
    assert (again.reused, again.ok, worked(tmp_path, "i0")) == (1, 1, 1)


def test_more_tries_reach_what_fewer_had_given_up(tmp_path: Path) -> None:
    go(tmp_path, ["raise"], tries=1)
    assert go(tmp_path, ["raise"], tries=3).failed == 1
    assert worked(tmp_path, "i0") == 3


def test_finished_work_is_not_done_again(tmp_path: Path) -> None:
    go(tmp_path, ["a", "b"])
    ended = go(tmp_path, ["a", "b", "c"])
    assert (ended.total, ended.reused, ended.ok) == (3, 2, 1)
    assert [worked(tmp_path, f"i{n}") for n in range(3)] == [1, 1, 1]


def test_results_are_kept_before_the_journal_says_so(tmp_path: Path) -> None:
    journal = FileJournal.of(tmp_path, "deeds")
    seen: list[int] = []

    class Watching(Shelf):
        def keep(self, held: Sequence[Held]) -> Kept:
            seen.append(len(journal.read()))
            return super().keep(held)

    go(tmp_path, ["a", "b", "c"], flush_items=1, shelf=Watching())
    assert seen == [0, 1, 2]
    assert [line.kept for line in journal.read().values()] == ["batch 1", "batch 2", "batch 3"]


def test_results_that_cannot_be_kept_are_not_done(tmp_path: Path) -> None:
    class Full(Shelf):
        def keep(self, held: Sequence[Held]) -> Kept:
            if len(self.kept) == 2:
                raise OutputError("the disk is full")
            return super().keep(held)

    with pytest.raises(OutputError, match="full"):
        go(tmp_path, ["a", "b", "c", "d"], flush_items=1, shelf=Full())
    assert go(tmp_path, ["a", "b", "c", "d"]).reused == 2


def test_a_store_may_find_that_a_result_is_no_good(tmp_path: Path) -> None:
    class Strict(Shelf):
        def keep(self, held: Sequence[Held]) -> Kept:
            kept = super().keep(held)
            return Kept([Outcome(o.value, FAILED, "a copy") for o in kept.outcomes])

    ended = go(tmp_path, ["a"], tries=2, shelf=Strict())
    assert (ended.ok, ended.failed, worked(tmp_path, "i0")) == (0, 1, 2)


def test_results_are_held_no_longer_than_asked(tmp_path: Path) -> None:
    by_number, by_time = Shelf(), Shelf()
    go(tmp_path / "n", ["a"] * 5, flush_items=2, flush_seconds=1e9, shelf=by_number)
    go(tmp_path / "s", ["a"] * 3, flush_items=99, flush_seconds=0.0, shelf=by_time)
    assert [len(batch) for batch in by_number.kept] == [2, 2, 1]
    assert [len(batch) for batch in by_time.kept] == [1, 1, 1]


def test_results_are_due_at_the_very_end_of_their_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = iter(float(n) for n in range(100))  # a second passes between two looks
    monkeypatch.setattr("mirabench.work.run.time.monotonic", lambda: next(clock))
    shelf = Shelf()
    # held since 0, looked at after the first result at 1 and after the second at 2
    go(tmp_path, ["a"] * 5, flush_items=99, flush_seconds=2.0, shelf=shelf)
    assert [len(batch) for batch in shelf.kept] == [2, 2, 1]


def test_a_store_that_loses_an_outcome_is_a_bug(tmp_path: Path) -> None:
    class Forgetful(Shelf):
        def keep(self, held: Sequence[Held]) -> Kept:
            return Kept(super().keep(held).outcomes[:-1])

    with pytest.raises(ValueError, match="shorter"):
        go(tmp_path, ["a", "b"], shelf=Forgetful())
    assert FileJournal.of(tmp_path, "deeds").read() == {}


def test_progress_counts_and_estimates(tmp_path: Path) -> None:
    go(tmp_path, ["a"])
    told: list[Progress] = []
    began = time.perf_counter()
    go(tmp_path, ["a", "b", "raise", "c"], listener=told.append, tries=2)
    seconds = [p.seconds for p in told]
    assert (
        seconds == sorted(seconds) and 0 < seconds[0] <= seconds[-1] < time.perf_counter() - began
    )
    assert [(p.ok, p.failed, p.done) for p in told] == [
        (1, 0, 2), (1, 0, 2), (2, 0, 3), (2, 1, 4), (2, 1, 4),
    ]  # fmt: skip
    assert [p.item for p in told] == ["i1", "i2", "i3", "i2", ""]
    assert [p.ended for p in told] == [False] * 4 + [True]
    first = told[0]
    assert first.eta_seconds == pytest.approx(2 * first.seconds)
    assert Progress("w", 3, 1).eta_seconds is None


def test_an_item_given_twice_is_a_bug(tmp_path: Path) -> None:
    twice = {"x": Item("same", "", 1), "y": Item("same", "", 2)}
    with pytest.raises(ValueError, match="duplicate"):
        Run(Deeds(), twice, LocalExecutor(0), journal=FileJournal(tmp_path / "j"), store=Shelf())


@pytest.mark.parametrize(("status", "reason"), [("odd", "r"), (REJECTED, ""), (FAILED, "")])
def test_an_outcome_that_explains_nothing_is_a_bug(status: str, reason: str) -> None:
    with pytest.raises(ValueError, match=r"status|reason"):
        Outcome(None, status, reason)


class TestJournal:
    def test_the_last_line_counts(self, tmp_path: Path) -> None:
        journal = FileJournal(tmp_path / "j.jsonl")
        first, last = Line("k", "i", FAILED, "r", 1, ""), Line("k", "i", OK, "", 2, "here")
        journal.add([first])
        journal.add([last])
        assert journal.read() == {"k": last}

    @pytest.mark.parametrize("seed", range(5))
    def test_a_torn_end_costs_its_line_alone(self, tmp_path: Path, seed: int) -> None:
        journal = FileJournal(tmp_path / "j.jsonl")
        lines = [Line(f"k{n}", f"i{n}", OK, "", 1, "") for n in range(8)]
        journal.add(lines)
        whole = journal.path.read_bytes()
        cut = random.Random(seed).randrange(1, len(whole))
        journal.path.write_bytes(whole[:cut])
        journal.add([Line("after", "i", OK, "", 1, "")])
        survived = whole[:cut].count(b"\n")
        expected = {f"k{n}" for n in range(survived)} | {"after"}
        # the cut may fall on the very end of a line, which is then whole without its newline
        assert expected <= set(journal.read()) <= expected | {f"k{survived}"}

    def test_a_line_after_a_torn_one_stands_on_its_own(self, tmp_path: Path) -> None:
        path = tmp_path / "l.jsonl"
        append_text(path, '{"a": 1}\n{"b"')
        append_text(path, '{"c": 3}\n')
        assert path.read_text().splitlines() == ['{"a": 1}', '{"b"', '{"c": 3}']

    @pytest.mark.parametrize(
        "spoiled",
        [b"\xff\xfe\n", b"\0\0\0\0\n", b"[1]\n", b"{}\n"],
        ids=["no text", "zeros", "list", "empty"],
    )
    def test_a_line_that_the_disk_spoiled_costs_itself_alone(
        self, tmp_path: Path, spoiled: bytes
    ) -> None:
        journal = FileJournal(tmp_path / "j.jsonl")
        first, last = Line("k", "i", OK, "", 1, ""), Line("l", "視頻", OK, "", 1, "")
        journal.add([first])
        with journal.path.open("ab") as file:
            file.write(spoiled)
        journal.add([last])
        assert journal.read() == {"k": first, "l": last}

    def test_what_is_to_be_retried_without_a_try_is_simply_pending(self, tmp_path: Path) -> None:
        journal = FileJournal(tmp_path / "j.jsonl")
        journal.add([Line("k", "i", RETRY, "", 0, "")])  # the line of the failure was spoiled
        assert journal.read() == {}

    def test_missing_folders_are_made(self, tmp_path: Path) -> None:
        append_text(tmp_path / "run" / "journal" / "l.jsonl", "1\n")
        append_text(tmp_path / "run" / "journal" / "l.jsonl", "2\n")
        assert (tmp_path / "run" / "journal" / "l.jsonl").read_text() == "1\n2\n"

    def test_a_file_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "journal").write_text("a file where the folder should be")
        with pytest.raises(OutputError, match="cannot write"):
            FileJournal.of(tmp_path, "x").add([Line("k", "i", OK, "", 1, "")])


DRIVER = """
import os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import toywork
from mirabench.work.journal import FileJournal
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy, Run, Kept

folder, left = Path(sys.argv[2]), int(sys.argv[3])

class Files:
    left = left

    def keep(self, held):
        for h in held:
            (folder / "results" / h.item.id).write_text(h.outcome.value[0])
        self.left -= 1
        if self.left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return Kept([h.outcome for h in held])

if __name__ == "__main__":
    with LocalExecutor(2) as executor:
        Run(toywork.Deeds(marks=folder / "marks"), toywork.keyed([f"v{n}" for n in range(300)]), executor,
            journal=FileJournal.of(folder, "deeds"), store=Files(), policy=Policy(flush_items=1)).go()
    os._exit(0)
"""


def test_a_killed_driver_resumes_and_redoes_at_most_what_was_in_hand(tmp_path: Path) -> None:
    (tmp_path / "marks").mkdir()
    (tmp_path / "results").mkdir()
    script = tmp_path / "driver.py"
    script.write_text(DRIVER)
    moments, kills = random.Random(0), 0
    for _ in range(12):
        left = moments.randrange(5, 60)
        command = [sys.executable, str(script), str(Path(toywork.__file__).parent), str(tmp_path)]
        code = subprocess.run([*command, str(left)], timeout=60).returncode
        if code == 0:
            break
        kills += 1
    else:
        assert subprocess.run([*command, "0"], timeout=120).returncode == 0
    assert kills > 0
    results = {path.name: path.read_text() for path in (tmp_path / "results").iterdir()}
    assert results == {f"i{n}": f"v{n}" for n in range(300)}
    work = len(list((tmp_path / "marks").iterdir()))
    assert (
        work <= 300 + kills * 3
    )  # two in the children's hands, one kept but not yet in the journal
    lines = (tmp_path / "journal/deeds.jsonl").read_text().splitlines()
    assert len({json.loads(line)["key"] for line in lines if line.endswith("}")}) == 300
