"""Runs: nothing lost, nothing doubled, failures tried again and then set aside."""

import contextlib
import errno
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from toystages import Squares, row

from mirabench.errors import OutputError, PluginError
from mirabench.work.item import Outcome
from mirabench.work.journal import FileJournal, append_text, retry
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy, Progress
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

NUMBERS = tuple(range(12))


def squares(folder: Path) -> dict[str, float | None]:
    rows = Tables(folder).rows("scores")
    assert len({row["clip_id"] for row in rows}) == len(rows)
    return {row["clip_id"]: row["value"] for row in rows}


def run(folder: Path, stage: Squares, **options: object) -> Progress:
    executor = options.pop("executor", None) or LocalExecutor(0)
    listener = options.pop("listener", None)
    with contextlib.closing(executor):  # type: ignore[type-var]
        made = StageRun(folder / "out", executor, Policy(**options), listener)  # type: ignore[arg-type]
        return made.one(stage)


def test_every_item_has_its_row_and_its_outcome(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path, refused=(3,)))
    found = squares(tmp_path / "out")
    assert found == {f"{n:04d}": float(n * n) for n in NUMBERS if n != 3}
    outcomes = {row["item"]: row for row in Tables(tmp_path / "out").rows("outcomes")}
    assert outcomes["0003"]["status"] == "rejected"
    assert outcomes["0003"]["reason"] == "odd: 3"
    assert sum(o["status"] == "ok" for o in outcomes.values()) == 11


@pytest.mark.parametrize("threads", [0, 4], ids=["processes", "threads"])
def test_many_workers_leave_the_same_bytes_as_one(tmp_path, threads):
    stage = Squares(NUMBERS, tmp_path, raising=(5,), threads=threads)
    run(tmp_path / "1", stage)
    run(tmp_path / "2", stage, executor=LocalExecutor(2), flush_items=3)
    one, two = (tmp_path / n / "out/tables/scores/squares.parquet" for n in "12")
    assert one.read_bytes() == two.read_bytes()


def test_an_item_that_kills_its_process_is_a_failed_row_and_costs_no_other(tmp_path):
    stage = Squares((1, 2, 3), tmp_path, deadly=(1,))
    progress = run(tmp_path, stage, executor=LocalExecutor(2), tries=1)
    assert (progress.ok, progress.failed) == (2, 1)
    found = Tables(tmp_path / "out").rows("scores")
    assert [r["reason"] for r in found if r["value"] is None] == [
        "its process died (SIGKILL, out of memory?): it may need more memory than there is"
    ]


def test_what_fails_is_tried_again_and_then_set_aside(tmp_path):
    stage = Squares(NUMBERS, tmp_path, raising=(5,), flaky=(7,))
    progress = run(tmp_path, stage, tries=3)
    assert (progress.ok, progress.failed) == (11, 1)
    lines = FileJournal.of(tmp_path / "out", "squares").read().values()
    assert {line.item: line.attempt for line in lines if line.attempt > 1} == {
        "0005": 3,
        "0007": 2,
    }
    assert squares(tmp_path / "out")["0005"] is None
    assert squares(tmp_path / "out")["0007"] == 49.0
    assert run(tmp_path, stage, tries=3).reused == 12  # quarantined: not tried a fourth time


def test_retry_lets_quarantined_items_be_tried_again(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path, raising=(5,)), tries=1)
    assert retry(tmp_path / "out") == {"squares": ["0005"]}
    progress = run(tmp_path, Squares(NUMBERS, tmp_path), tries=1)
    assert (progress.reused, progress.ok) == (11, 1)
    assert squares(tmp_path / "out")["0005"] == 25.0


def test_finished_work_is_not_done_again(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path))
    before = (tmp_path / "out/tables/scores/squares.parquet").read_bytes()
    again = run(tmp_path, Squares(NUMBERS, tmp_path, raising=NUMBERS))
    assert (again.reused, again.ok, again.failed) == (12, 0, 0)
    assert (tmp_path / "out/tables/scores/squares.parquet").read_bytes() == before


def test_other_parameters_are_other_work_and_replace_the_rows(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path))
    run(tmp_path, Squares(NUMBERS, tmp_path, power=3))
    assert squares(tmp_path / "out")["0003"] == 27.0
    assert run(tmp_path, Squares(NUMBERS, tmp_path)).reused == 12  # the old work is still known
    assert squares(tmp_path / "out")["0003"] == 9.0


def test_items_that_are_gone_leave_no_row(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path))
    run(tmp_path, Squares(NUMBERS[:2], tmp_path))
    assert sorted(squares(tmp_path / "out")) == ["0000", "0001"]


def test_rows_without_a_journal_line_do_not_count_twice(tmp_path):
    """A kill between the part's rename and the journal's line."""
    run(tmp_path, Squares(NUMBERS, tmp_path), flush_items=4)
    journal = tmp_path / "out/journal/squares.jsonl"
    lines = journal.read_text().splitlines(keepends=True)
    journal.write_text("".join(lines[:5]) + lines[5][:20])  # the sixth is torn
    assert run(tmp_path, Squares(NUMBERS, tmp_path)).reused == 5
    assert squares(tmp_path / "out") == {f"{n:04d}": float(n * n) for n in NUMBERS}


def test_a_line_after_a_torn_one_stands_on_its_own(tmp_path):
    path = tmp_path / "l.jsonl"
    append_text(path, '{"a": 1}\n{"b"')
    append_text(path, '{"c": 3}\n')
    assert path.read_text().splitlines() == ['{"a": 1}', '{"b"', '{"c": 3}']


def test_a_full_disk_stops_the_run_and_what_is_done_stays_done(tmp_path, monkeypatch):
    write, calls = pq.write_table, []

    def filling(*args: object, **options: object) -> None:
        calls.append(args)
        if len(calls) > 2:
            raise OSError(errno.ENOSPC, "No space left on device")
        write(*args, **options)

    with monkeypatch.context() as patch:
        patch.setattr(pq, "write_table", filling)
        with pytest.raises(OutputError, match="finished work is kept"):
            run(tmp_path, Squares(NUMBERS, tmp_path), flush_items=4)
    assert run(tmp_path, Squares(NUMBERS, tmp_path)).reused == 8
    assert len(squares(tmp_path / "out")) == 12


@pytest.mark.parametrize("stumble", ["a file", "read-only"])
def test_a_folder_that_cannot_be_written_is_said_before_any_work(tmp_path, monkeypatch, stumble):
    if stumble == "a file":
        (tmp_path / "out").write_text("where the folder should be")
    else:  # whoever runs the tests may be root, to whom nothing is read-only

        def refused(path: Path, **_: object) -> None:
            raise OSError(errno.EROFS, "Read-only file system", str(path))

        monkeypatch.setattr(Path, "touch", refused)
    with pytest.raises(OutputError, match="cannot write"):
        run(tmp_path, Squares(NUMBERS, tmp_path, flaky=NUMBERS))
    assert not list(tmp_path.glob("tried-*"))


def test_progress_counts_and_estimates(tmp_path):
    told: list[Progress] = []
    run(tmp_path, Squares(NUMBERS, tmp_path, refused=(1,)), listener=told.append)
    assert [p.done for p in told] == [*range(1, 13), 12]
    assert told[-1].ended
    assert told[0].eta_seconds is not None and told[0].eta_seconds >= 0
    assert Progress("s", 3, 3).eta_seconds is None


def test_every_try_leaves_an_event(tmp_path):
    run(tmp_path, Squares(NUMBERS, tmp_path, raising=(5,)), tries=2)
    events = Tables(tmp_path / "out").rows("events")
    assert len(events) == 13
    assert {e["error"] for e in events if e["status"] == "failed"} == {
        "unexpected ValueError: no 5"
    }
    assert [p.stem for p in (tmp_path / "out/journal").iterdir()] == ["squares"]


def test_rows_for_a_table_that_was_not_declared_are_a_bug(tmp_path):
    class Liar(Squares):
        outputs = ("clips",)

    with pytest.raises(PluginError, match="name it in its `outputs`"):
        run(tmp_path, Liar(NUMBERS[:1], tmp_path))


@pytest.mark.parametrize("value", [{"value": "much"}, {"extra": 1}], ids=["type", "column"])
def test_rows_that_a_table_cannot_hold_name_the_stage(tmp_path, value):
    class Liar(Squares):
        def work(self, item):
            return Outcome({"scores": [{**row(item.id, 1.0, "ok", ""), **value}]})

    with pytest.raises(PluginError, match="'squares' gave rows that the table `scores` cannot"):
        run(tmp_path, Liar(NUMBERS[:1], tmp_path))


def test_an_item_given_twice_is_a_bug(tmp_path):
    with pytest.raises(PluginError, match="2 times"):
        run(tmp_path, Squares((1, 1), tmp_path))
