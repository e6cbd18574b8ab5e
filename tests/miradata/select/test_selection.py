"""What becomes of each clip, and queries that read tables and nothing else."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import tablekit as kit

from mirabench.errors import InputError, MissingExtraError
from miradata.select.levels import Level, Rule, Thresholds
from miradata.select.selection import fates, kept_ids
from miradata.tables.query import query, where
from miradata.tables.store import Tables

THRESHOLDS = Thresholds(
    name="t",
    version="1",
    limits=(Rule(metric="luma", most=0.9, origin="ours"),),
    levels=(
        Level(name="full"),
        Level(name="lively", rules=(Rule(metric="motion", least=2.0, origin="ours"),)),
    ),
)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    kit.write(
        tmp_path,
        videos=[kit.video()],
        clips=[
            kit.clip("a", 0, 0, 30),
            kit.clip("b", 1, 30, 60),
            kit.clip("c", 2, 60, 62, status="rejected", reason="short: 2 s"),
            kit.clip("d", 3, 62, 90),
            kit.clip("e", 4, 90, 99),
        ],
        scores=[
            *kit.scores("luma", a=0.5, b=0.5, d=0.99, e=0.5),
            *kit.scores("motion", a=3.0, b=1.0, d=4.0, e=5.0),
        ],
        dups=[kit.double("a", "a"), kit.double("e", "a"), kit.double("b", "b")],
    )
    return tmp_path


def test_each_clip_leaves_at_the_first_thing_that_is_against_it(folder: Path) -> None:
    tables = Tables(folder)
    found = {f.clip_id: (f.step, f.reason, f.level) for f in fates(tables, THRESHOLDS, "lively")}
    assert found == {
        "a": ("kept", "", 1),
        "b": ("level", "motion 1 is below 2", 0),
        "c": ("length", "short: 2 s", -1),
        "d": ("limit", "luma 0.99 is above 0.9", -1),
        "e": ("duplicate", "shows the same as a (hash, similarity 1)", 1),
    }
    assert kept_ids(tables, THRESHOLDS) == ["a", "b"]
    assert kept_ids(tables, THRESHOLDS, "lively") == ["a"]


def test_a_double_takes_the_place_of_a_best_one_that_breaks_a_limit(tmp_path: Path) -> None:
    tables = kit.write(
        tmp_path,
        videos=[kit.video()],
        clips=[kit.clip(name, i, i, i + 1) for i, name in enumerate("abc")],
        scores=kit.scores("luma", a=0.99, b=0.5, c=0.5),
        dups=[kit.double("a", "a"), kit.double("b", "a"), kit.double("c", "a")],
    )
    found = {f.clip_id: (f.step, f.reason) for f in fates(tables, THRESHOLDS)}
    assert found["a"][0] == "limit"
    assert found["b"] == ("kept", "")
    assert found["c"] == ("duplicate", "shows the same as b (hash, similarity 1)")


def test_a_folder_without_scores_keeps_what_is_long_enough(tmp_path: Path) -> None:
    tables = kit.write(tmp_path, videos=[kit.video()], clips=[kit.clip("a", 0)])
    assert kept_ids(tables, THRESHOLDS, "lively") == ["a"]


def test_overview_has_a_column_for_each_metric(folder: Path) -> None:
    found = where(folder, "motion > 2 AND NOT duplicate", "clip_id, motion, luma, seconds")
    assert found.to_pylist() == [
        {"clip_id": "a", "motion": 3.0, "luma": 0.5, "seconds": 30.0},
        {"clip_id": "d", "motion": 4.0, "luma": 0.99, "seconds": 28.0},
    ]


def test_sql_sees_every_table(folder: Path) -> None:
    found = query(folder, "SELECT status, count(*) AS n FROM clips GROUP BY 1 ORDER BY 1")
    assert found.to_pylist() == [{"status": "ok", "n": 4}, {"status": "rejected", "n": 1}]
    assert query(folder, "SELECT count(*) AS n FROM captions").to_pylist() == [{"n": 0}]
    assert query(folder, "WITH x AS (SELECT 1 AS n) SELECT n FROM x").to_pylist() == [{"n": 1}]


@pytest.mark.parametrize("sql", [
    "DROP VIEW clips",
    "COPY (SELECT 1) TO 'out.csv'",
    "COPY clips TO 'tables/out.parquet'",
    "SELECT 1; DROP VIEW clips",
    "SELECT * FROM read_csv('/etc/passwd')",
    "SELECT * FROM '/etc/passwd'",
    "SELECT * FROM read_text('secret.txt')",
    "ATTACH 'x.db'",
    "INSTALL httpfs",
    "SET enable_external_access = true",
    "PRAGMA database_list",
    "SELEC 1",
    "SELECT nope FROM clips",
    "",
])  # fmt: skip
def test_a_query_reads_tables_and_nothing_else(
    folder: Path, sql: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "secret.txt").write_text("secret")
    monkeypatch.chdir(folder)
    before = sorted(p.name for p in folder.rglob("*"))
    with pytest.raises(InputError) as caught:
        query(folder, sql)
    assert "\n" not in str(caught.value)
    assert sorted(p.name for p in folder.rglob("*")) == before


@pytest.mark.parametrize("condition", ["1=1) UNION SELECT 1 --", "true; DROP VIEW clips", "(", ""])
def test_a_condition_that_is_none_is_refused(folder: Path, condition: str) -> None:
    with pytest.raises(InputError):
        where(folder, condition)


def test_a_folder_without_tables_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no tables"):
        query(tmp_path, "SELECT 1")


def test_a_missing_duckdb_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(MissingExtraError, match=r"\.\[data\]"):
        query(folder, "SELECT 1")
