"""Values beside the journal: the last one of a key counts, and a torn line costs itself alone."""

from __future__ import annotations

import contextlib
import gc
import json
import resource
import tempfile
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import toywork
from toywork import Deeds, Shelf

from mirabench.errors import OutputError
from mirabench.work.item import FAILED, OK, REJECTED, Item, Outcome
from mirabench.work.journal import FailureJournal, FileJournal, Line, retry
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Held, Policy, Progress, Run
from mirabench.work.store import LineStore, MemoryStore, SpillStore


def held(key: str, value: Any) -> Held:
    return Held(key, Item(f"item {key}", "", None), Outcome(value), 1, 0.5)


class TestLineStore:
    def test_values_are_there_in_the_next_run(self, tmp_path: Path) -> None:
        first = LineStore(tmp_path, "score")
        assert first.values == {}
        first.keep([held("a", {"x": 1}), held("b", [1.5, None])])
        first.keep([held("c", "grün \u2028")])
        assert first.values == {"a": {"x": 1}, "b": [1.5, None], "c": "grün \u2028"}
        assert LineStore(tmp_path, "score").values == first.values

    def test_they_lie_beside_the_journal_by_the_name_of_the_work(self, tmp_path: Path) -> None:
        store = LineStore(tmp_path, "score")
        store.keep([held("a", 1)])
        assert store.path == tmp_path / "journal" / "score.values.jsonl"
        assert store.path.is_file()
        assert LineStore(tmp_path, "other").values == {}

    def test_it_says_what_was_kept_and_where(self, tmp_path: Path) -> None:
        one, two = held("a", 1), held("b", 2)
        kept = LineStore(tmp_path, "score").keep([one, two])
        assert kept.outcomes == [one.outcome, two.outcome]
        assert kept.where == "score.values.jsonl"

    def test_the_last_value_of_a_key_counts(self, tmp_path: Path) -> None:
        store = LineStore(tmp_path, "score")
        for value in (1, 2, 3):
            store.keep([held("a", value)])
        assert LineStore(tmp_path, "score").values == {"a": 3}

    @pytest.mark.parametrize(
        "torn", [b'{"key": "b", "val', b"\xff\xfe\n", b'{"value": 3}\n', b"[1]\n", b"\n"]
    )
    def test_a_torn_line_costs_itself_alone(self, tmp_path: Path, torn: bytes) -> None:
        store = LineStore(tmp_path, "score")
        store.keep([held("a", 1)])
        with store.path.open("ab") as file:
            file.write(torn)
        store.keep([held("c", 3)])
        assert LineStore(tmp_path, "score").values == {"a": 1, "c": 3}

    def test_each_value_is_a_line_of_json(self, tmp_path: Path) -> None:
        store = LineStore(tmp_path, "score")
        store.keep([held("a", 1), held("b", {"x": [2]})])
        lines = [json.loads(line) for line in store.path.read_text().splitlines()]
        assert lines == [{"key": "a", "value": 1}, {"key": "b", "value": {"x": [2]}}]

    def test_a_folder_that_cannot_be_written_is_said(self, tmp_path: Path) -> None:
        (tmp_path / "journal").write_text("a file where the folder should be")
        with pytest.raises(OutputError, match=r"score\.values\.jsonl"):
            LineStore(tmp_path, "score").keep([held("a", 1)])


def test_memory_keeps_the_last_value_of_a_key() -> None:
    store = MemoryStore()
    assert store.values == {}
    one, two = held("a", 1), held("a", 2)
    kept = store.keep([one, held("b", 3), two])
    assert store.values == {"a": 2, "b": 3}
    assert list(kept.outcomes) == [one.outcome, Outcome(3), two.outcome]
    assert kept.where == ""


@pytest.fixture
def spill(tmp_path: Path) -> Iterator[SpillStore]:
    store = SpillStore(tmp_path)
    yield store
    store.close()


@pytest.fixture(params=["memory", "file"])
def fleeting(request: pytest.FixtureRequest, spill: SpillStore) -> MemoryStore | SpillStore:
    """A store that lives as long as the process."""
    return spill if request.param == "file" else MemoryStore()


class TestFleetingStores:
    def test_give_back_what_was_kept_and_put(self, fleeting: MemoryStore | SpillStore) -> None:
        one, two = held("a", {"x": [1, None]}), held("b", "grün" * 5000)
        kept = fleeting.keep([one, two])
        fleeting.put("c", (3, Path("c")))
        assert (list(kept.outcomes), kept.where) == ([one.outcome, two.outcome], "")
        found = [fleeting[key] for key in ("c", "a", "b")]
        assert found == [(3, Path("c")), {"x": [1, None]}, "grün" * 5000]

    def test_the_last_value_of_a_key_counts_however_often_others_were_read(
        self, fleeting: MemoryStore | SpillStore
    ) -> None:
        fleeting.keep([held("a", "long " * 99), held("b", 2)])
        assert fleeting["a"] == "long " * 99
        fleeting.put("a", "short")
        fleeting.keep([held("c", None)])
        assert (fleeting["a"], fleeting["b"], fleeting["c"]) == ("short", 2, None)

    def test_know_their_keys_and_no_others(self, fleeting: MemoryStore | SpillStore) -> None:
        fleeting.put("a", None)
        assert "a" in fleeting and "b" not in fleeting
        with pytest.raises(KeyError, match="b"):
            fleeting["b"]


class TestSpillStore:
    @pytest.mark.parametrize("named", [True, False])
    def test_a_full_disk_is_said_with_its_place(self, tmp_path: Path, named: bool) -> None:
        store = SpillStore(tmp_path if named else None)
        store.put("a", 1)
        place = tmp_path if named else Path(tempfile.gettempdir())
        limits = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (100, limits[1]))
        try:
            with pytest.raises(OutputError, match=f"cannot write {place}/results under way: "):
                store.keep([held("b", "x" * 1000)])
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert store["a"] == 1 and "b" not in store
        with contextlib.suppress(OSError):
            store.close()

    def test_it_lies_in_the_folder_asked_for_without_a_name(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            SpillStore(tmp_path / "missing")
        store = SpillStore(tmp_path)
        store.put("a", 1)
        assert list(tmp_path.iterdir()) == []
        store.close()

    def test_forgotten_in_a_circle_its_file_is_closed_without_a_warning(
        self, tmp_path: Path
    ) -> None:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            store = SpillStore(tmp_path)
            file = weakref.ref(store._file)
            circle: list[object] = [store]
            circle.append(circle)
            del store, circle
            gc.collect()
        assert (said, file()) == ([], None)

    def test_closed_it_gives_nothing_any_more(self, spill: SpillStore) -> None:
        spill.put("a", 1)
        spill.close()
        with pytest.raises(ValueError, match="closed"):
            spill["a"]


class TestForgettingFailures:
    @pytest.fixture
    def journal(self, tmp_path: Path) -> FileJournal:
        journal = FileJournal.of(tmp_path, "score")
        journal.add(
            [
                Line("k1", "b", FAILED, "broke", 3, "x"),
                Line("k2", "a", FAILED, "broke", 1, ""),
                Line("k3", "c", OK, "", 1, "x"),
                Line("k4", "d", REJECTED, "too short", 1, "x"),
            ]
        )
        return journal

    def test_names_what_is_tried_again_and_leaves_the_rest(self, journal: FileJournal) -> None:
        assert journal.forget_failures() == ["a", "b"]
        assert set(journal.read()) == {"k3", "k4"}
        assert journal.forget_failures() == []

    def test_is_a_line_that_says_whose_failures_are_forgotten(self, journal: FileJournal) -> None:
        journal.forget_failures()
        added = [json.loads(line) for line in journal.path.read_text().splitlines()][4:]
        assert added == [
            {"key": key, "item": item, "status": "retry", "reason": "", "attempt": 0, "kept": ""}
            for key, item in (("k1", "b"), ("k2", "a"))
        ]

    def test_looks_into_every_journal_of_a_folder_and_no_other_file(
        self, journal: FileJournal, tmp_path: Path
    ) -> None:
        FileJournal.of(tmp_path, "fine").add([Line("k", "x", OK, "", 1, "")])
        values = journal.path.with_name("score.values.jsonl")
        values.write_text('{"key": "k", "value": 1}\n')
        line = {"key": "v", "item": "v", "status": FAILED, "reason": "r", "attempt": 1, "kept": ""}
        journal.path.with_name("other.values.jsonl").write_text(json.dumps(line) + "\n")
        assert retry(tmp_path) == {"score": ["a", "b"]}
        assert values.read_text() == '{"key": "k", "value": 1}\n'


class TestAJournalOfFailures:
    @pytest.fixture
    def journal(self, tmp_path: Path) -> FailureJournal:
        return FailureJournal(FileJournal.of(tmp_path, "score"))

    def test_forgets_what_went_well(self, journal: FailureJournal) -> None:
        failure = Line("b", "item b", FAILED, "died", 4, "")
        journal.add([Line("a", "item a", OK, "", 1, ""), failure])
        assert journal.read() == {"b": failure}
        journal.add([Line("b", "item b", OK, "", 5, "")])
        assert journal.read() == {}

    def test_begins_with_nothing_and_may_begin_twice(self, journal: FailureJournal) -> None:
        journal.add([Line("b", "b", FAILED, "died", 4, "")])
        journal.begin()
        assert not journal.lines.path.exists()
        journal.begin()
        assert journal.read() == {}

    def test_a_file_that_cannot_be_removed_is_named(self, journal: FailureJournal) -> None:
        journal.lines.path.mkdir(parents=True)
        with pytest.raises(OutputError, match=f"cannot write {journal.lines.path}:"):
            journal.begin()

    def test_does_not_wait_for_the_disk_as_a_journal_of_results_does(
        self, journal: FailureJournal, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        waits: list[int] = []
        monkeypatch.setattr("mirabench.work.journal.os.fsync", waits.append)
        journal.add([Line("b", "b", FAILED, "died", 4, "")])
        assert waits == []
        journal.lines.add([Line("c", "c", FAILED, "died", 4, "")])
        assert len(waits) == 1
        assert set(journal.read()) == {"b", "c"}


class Watched(Shelf):
    """Keeps what it is given to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.given: list[Held] = []

    def keep(self, held: Any) -> Any:
        self.given += held
        return super().keep(held)


def ran(folder: Path, deeds: list[str], **options: Any) -> tuple[Watched, list[Progress], Run]:
    shelf, told = Watched(), []
    listener = told.append
    run = Run(
        Deeds(light=True), toywork.keyed(deeds), LocalExecutor(0),
        journal=FileJournal.of(folder, "deeds"), store=shelf, policy=Policy(**options),
        listener=listener,
    )  # fmt: skip
    run.go()
    return shelf, told, run


class TestARun:
    def test_hands_over_key_item_attempt_and_time(self, tmp_path: Path) -> None:
        shelf, _, _ = ran(tmp_path, ["a", "raise"], tries=2)
        assert [(h.key, h.item.id, h.attempt) for h in shelf.given] == [
            ("k0", "i0", 1), ("k1", "i1", 1), ("k1", "i1", 2)
        ]  # fmt: skip
        assert all(0 < h.seconds < 60 for h in shelf.given)

    def test_writes_what_became_of_each_item(self, tmp_path: Path) -> None:
        _, _, run = ran(tmp_path, ["a", "raise"], tries=2)
        lines = FileJournal.of(tmp_path, "deeds").read()
        assert lines == run.lines
        assert lines["k0"] == Line("k0", "i0", OK, "", 1, "batch 1")
        assert (lines["k1"].status, lines["k1"].attempt, lines["k1"].kept) == (FAILED, 2, "batch 2")
        assert "no i1" in lines["k1"].reason

    @pytest.mark.parametrize(("items", "batches"), [(1, 5), (2, 3), (3, 2), (5, 1), (256, 1)])
    def test_keeps_results_in_batches_of_the_size_asked(
        self, tmp_path: Path, items: int, batches: int
    ) -> None:
        shelf, _, _ = ran(tmp_path, ["a"] * 5, flush_items=items, flush_seconds=1e9)
        assert len(shelf.kept) == batches
        assert sorted(i for batch in shelf.kept for i in batch) == [f"i{n}" for n in range(5)]

    def test_keeps_each_result_at_once_when_none_may_wait(self, tmp_path: Path) -> None:
        shelf, _, _ = ran(tmp_path, ["a"] * 4, flush_items=256, flush_seconds=0.0)
        assert [len(batch) for batch in shelf.kept] == [1, 1, 1, 1]

    def test_tells_after_each_item_and_at_the_end(self, tmp_path: Path) -> None:
        _, told, _ = ran(tmp_path, ["a", "raise", "b"], tries=1)
        assert [p.item for p in told] == ["i0", "i1", "i2", ""]
        assert [p.ended for p in told] == [False, False, False, True]
        assert [(p.ok, p.failed, p.done) for p in told] == [
            (1, 0, 1), (1, 1, 2), (2, 1, 3), (2, 1, 3)
        ]  # fmt: skip
        assert all(p.work == "deeds" and p.total == 3 and p.reused == 0 for p in told)
        assert [p.seconds for p in told] == sorted(p.seconds for p in told)

    def test_counts_what_earlier_runs_did(self, tmp_path: Path) -> None:
        ran(tmp_path, ["a", "raise"], tries=1)
        shelf, told, _ = ran(tmp_path, ["a", "raise", "b"], tries=1)
        assert [h.item.id for h in shelf.given] == ["i2"]
        assert (told[-1].reused, told[-1].ok, told[-1].done, told[-1].total) == (2, 1, 3, 3)


class TestProgress:
    def test_estimates_from_the_items_of_this_run_alone(self) -> None:
        found = Progress("w", 10, 4, ok=1, rejected=1, failed=1, seconds=6.0)
        assert found.done == 7
        assert found.eta_seconds == pytest.approx(6.0)  # 2 s an item, 3 are left

    def test_estimates_nothing_before_the_first_item(self) -> None:
        assert Progress("w", 10, 4, seconds=6.0).eta_seconds is None

    def test_is_at_its_end_with_nothing_left(self) -> None:
        assert Progress("w", 3, 1, ok=2, seconds=1.0).eta_seconds == 0.0
