"""Tables: one schema version, exact columns, sorted rows, files that are whole or not there."""

import errno
from pathlib import Path
from typing import BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from mirabench.errors import InputError, OutputError, UnknownNameError
from mirabench.files import replacing
from miradata.tables import schema
from miradata.tables.query import query
from miradata.tables.store import Tables, table_of


def join(i: int, video: str = "v") -> dict[str, object]:
    votes = {"emb_a": 0.5, "emb_b": None, "vlm_a": None, "vlm_b": True}
    return {"video_id": video, "i": i, **votes, "joined": False, "status": "ok", "reason": ""}


def test_every_table_has_key_columns_of_its_own():
    for table, keys in schema.KEYS.items():
        assert set(keys) <= set(schema.SCHEMAS[table].names)
    assert schema.KEYS.keys() == schema.SCHEMAS.keys()


def test_rows_come_back_sorted_by_key_from_all_stages(tmp_path: Path):
    tables = Tables(tmp_path)
    tables.write("joins", "one", table_of("joins", [join(2), join(0)]))
    tables.write("joins", "two", table_of("joins", [join(1)]))
    assert [row["i"] for row in tables.rows("joins")] == [0, 1, 2]


def test_a_file_that_is_being_written_is_no_part_of_a_table(tmp_path: Path):
    tables = Tables(tmp_path)
    whole = tables.write("joins", "one", table_of("joins", [join(0)]))
    with replacing(whole.with_name("two.parquet")) as part:
        part.write_bytes(whole.read_bytes()[:50])
        assert [row["i"] for row in tables.rows("joins")] == [0]
        assert query(tmp_path, "SELECT count(*) AS n FROM joins").to_pylist() == [{"n": 1}]
        part.write_bytes(whole.read_bytes())


def test_text_that_is_no_utf_8_is_kept_as_its_escape(tmp_path: Path):
    tables = Tables(tmp_path)
    odd = {**join(0), "reason": "cannot read caf\udce9.webm", "video_id": "\ud83d"}
    tables.add_part("joins", "s", "d", [("k", odd)])
    [row] = tables.part("joins", "s", "d", ["k"]).to_pylist()
    assert row["reason"] == "cannot read caf\\udce9.webm"
    assert row["video_id"] == "\\ud83d"


def test_the_order_of_writing_leaves_the_same_bytes(tmp_path: Path):
    rows = [join(i, v) for v in "ab" for i in range(3)]
    first = Tables(tmp_path / "1").write("joins", "s", table_of("joins", rows))
    second = Tables(tmp_path / "2").write("joins", "s", table_of("joins", rows[::-1]))
    assert first.read_bytes() == second.read_bytes()


def test_a_table_that_no_stage_has_written_is_empty(tmp_path: Path):
    assert Tables(tmp_path).read("clips").num_rows == 0
    assert Tables(tmp_path).read("events").num_rows == 0


def test_unknown_tables_are_refused_with_the_nearest_name(tmp_path: Path):
    with pytest.raises(UnknownNameError, match="clips"):
        Tables(tmp_path).read("clipz")


@pytest.mark.parametrize("change", [{"extra": 1}, {"joined": ...}], ids=["too many", "lacking"])
def test_a_row_must_have_exactly_the_columns(change: dict[str, object]):
    row = {k: v for k, v in (join(0) | change).items() if v is not ...}
    with pytest.raises(ValueError, match="columns"):
        table_of("joins", [row])


def test_another_schema_version_is_refused(tmp_path: Path):
    path = tmp_path / "tables" / "joins" / "s.parquet"
    path.parent.mkdir(parents=True)
    old = schema.SCHEMAS["joins"].with_metadata({"miradata_schema_version": "0"})
    pq.write_table(pa.Table.from_pylist([join(0)], schema=old), path)
    with pytest.raises(InputError, match="version 0"):
        Tables(tmp_path).read("joins")


def test_a_damaged_file_is_named(tmp_path: Path):
    path = tmp_path / "tables" / "joins" / "s.parquet"
    path.parent.mkdir(parents=True)
    path.write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match=r"s\.parquet"):
        Tables(tmp_path).read("joins")


def test_a_full_disk_leaves_the_old_file_and_no_other(tmp_path, monkeypatch):
    tables = Tables(tmp_path)
    path = tables.write("joins", "s", table_of("joins", [join(0)]))
    before = path.read_bytes()

    def full(table: pa.Table, file: BinaryIO, **_: object) -> None:
        file.write(b"PAR1")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(OutputError, match="free some space"):
        tables.write("joins", "s", table_of("joins", [join(1)]))
    assert path.read_bytes() == before
    assert [p.name for p in path.parent.iterdir()] == ["s.parquet"]


def test_ids_follow_content_alone():
    assert schema.clip_id("a", 0, 5) == schema.clip_id("a", 0, 5)
    others = {schema.clip_id("a", 0, 6), schema.clip_id("a", 1, 5), schema.clip_id("b", 0, 5)}
    assert len(others | {schema.clip_id("a", 0, 5)}) == 4
    assert schema.video_id("a") != schema.video_id("b")
