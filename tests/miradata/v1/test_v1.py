"""The published table: what its cells may hold, the id trap, windows, hostile rows, the round trip."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import ManifestError, OutputError
from miradata.v1.files import Refused, iter_v1, read_v1, write_v1
from miradata.v1.rows import (
    COLUMNS,
    V1Error,
    V1Row,
    Window,
    clip_id_of,
    format_row,
    format_windows,
    parse_row,
    parse_windows,
)

GOOD = {
    "clip_id": "1431495.1",
    "source": "youtube, hd-vila-100m",
    "video_url": "https://www.youtube.com/watch?v=-AbC_1",
    "video_id": "-AbC_1",
    "width": "1280",
    "height": "720",
    "fps": "29.97",
    "seconds": "80.833",
    "timestamp": "['00:06:21.300', '00:07:42.133']",
    "frame_number": "2425",
    "framestamp": "[11439, 13864]",
    "file_path": "video_clips/000001431/000001431495.10.mp4",
    "short_caption": "A rider, in the rain.",
    "dense_caption": 'He says "go".',
    "background_caption": "Wet streets.",
    "main_object_caption": "A motorcycle.",
    "style_caption": "Realistic.",
    "camera_caption": "It follows.",
}


def table(*rows: dict[str, str], columns: Sequence[str] = COLUMNS, end: str = "\n") -> str:
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, columns, lineterminator=end, extrasaction="ignore")
    writer.writeheader()
    writer.writerows(rows)
    return buffer.getvalue()


def rows_of(text: str, tmp_path: Path) -> list[V1Row | Refused]:
    path = tmp_path / "table.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return list(iter_v1(path))


def test_there_are_18_columns_in_the_published_order() -> None:
    assert len(COLUMNS) == 18
    assert (COLUMNS[0], COLUMNS[8], COLUMNS[12]) == ("clip_id", "timestamp", "short_caption")


def test_the_id_comes_from_the_file_name_because_the_id_column_lost_a_zero() -> None:
    assert parse_row(GOOD).clip_id == "1431495.10"


def test_times_are_exact_seconds_of_the_source() -> None:
    assert parse_row(GOOD).time_range == (Fraction("381.3"), Fraction("462.133"))


def test_windows_are_sorted_and_the_missing_ones_stay_missing() -> None:
    text = "[|||240||| 360||| C |||,|||0||| 120||| A, b |||,]"
    assert parse_windows(text) == [Window(0, 120, "A, b"), Window(240, 360, "C")]


def test_a_single_window_and_plain_text() -> None:
    assert parse_windows("[|||0||| 120||| Only. |||,]") == [Window(0, 120, "Only.")]
    assert parse_windows("Just text.") == []


def test_plain_captions_are_one_window_as_long_as_the_clip() -> None:
    (window,) = parse_row(GOOD).windows
    assert (window.start, window.end) == (0.0, 80.833)
    assert window.captions["camera_caption"] == "It follows."


def test_a_window_that_one_field_lacks_keeps_the_others() -> None:
    both = "[|||120||| 240||| B |||,|||0||| 120||| A |||,]"
    row = parse_row({**GOOD, "short_caption": both, "dense_caption": "[|||0||| 120||| D |||,]",
                     **dict.fromkeys(COLUMNS[14:], both)})  # fmt: skip
    first, second = row.windows
    assert first.captions["dense_caption"] == "D"
    assert "dense_caption" not in second.captions
    assert second.captions["short_caption"] == "B"


@given(st.lists(
    st.builds(
        Window, st.integers(0, 50).map(lambda n: n * 120.0), st.just(1e4),
        st.text(st.characters(exclude_characters="|", exclude_categories=("C", "Z")), min_size=1),
    ),
    min_size=1, max_size=8,
))  # fmt: skip
def test_windows_survive_being_written(windows: list[Window]) -> None:
    assert parse_windows(format_windows(windows)) == sorted(windows)


@pytest.mark.parametrize("text", [
    "[|||0||| 120||| A",
    "[|||0||| 120||| A |||,",
    "[|||zero||| 120||| A |||,]",
    "[|||0||| 120||| A |||,] tail",
    "[|||120||| 0||| A |||,]",
    "[|||" + "0||| 1||| a |||;|||" * 50_000,
])  # fmt: skip
def test_malformed_windows_are_refused(text: str) -> None:
    with pytest.raises(V1Error, match="window"):
        parse_windows(text)


@pytest.mark.parametrize(("column", "cell", "said"), [
    ("timestamp", "__import__('os').system('touch pwned')", "not a list of two times"),
    ("timestamp", "['00:07:42.133', '00:06:21.300']", "ends before it starts"),
    ("timestamp", "['00:61:00.000', '01:00:00.000']", "not a time HH:MM:SS.mmm"),
    ("framestamp", "[1, 2, 3]", "not a list of two whole numbers"),
    ("framestamp", "[" * 100_000, "not a list of two whole numbers"),
    ("framestamp", "[9, 2]", "ends before it starts"),
    ("fps", "nan", "not a finite number above 0"),
    ("fps", "=1+1", "not a number"),
    ("width", "0", "less than 1"),
    ("width", "12.5", "not a whole number"),
    ("seconds", "-3", "not a finite number above 0"),
    ("file_path", "../../etc/000000000001.0.mp4", "file_path is"),
    ("file_path", "/etc/000000000001.0.mp4", "file_path is"),
    ("file_path", "a/000000000001.0.mp4; rm -rf x", "file_path is"),
    ("file_path", "0" * 500_000, "file_path is"),
    ("video_id", "$(touch pwned)", "video_id is"),
    ("video_url", "javascript:alert(1)", "not an http or https address"),
    ("video_url", "https://a\nb", "not an http or https address"),
    ("video_url", "http://[", "not an http or https address"),
    ("dense_caption", "=HYPERLINK(\"http://x\")", "spreadsheet formula"),
    ("short_caption", "@SUM(1)", "spreadsheet formula"),
    ("short_caption", "+1+cmd|' /C calc'!A0", "spreadsheet formula"),
    ("short_caption", "a" * 1_000_001, "longer than 1,000,000 characters"),
    ("short_caption", "nul \0 byte", "NUL"),
])  # fmt: skip
def test_a_hostile_cell_is_refused_with_its_reason(column: str, cell: str, said: str) -> None:
    with pytest.raises(V1Error, match=said) as caught:
        parse_row({**GOOD, column: cell})
    assert column in str(caught.value)
    assert len(str(caught.value)) < 200


def test_a_bad_row_does_not_lose_the_others(tmp_path: Path) -> None:
    bad = {**GOOD, "fps": "fast", "file_path": "a/000000000001.1.mp4"}
    nul = {**GOOD, "source": "x\0y", "file_path": "a/000000000001.2.mp4"}
    good = {**GOOD, "file_path": "a/000000000001.3.mp4"}
    text = table(bad, nul, good) + "too,few,cells\n" + table(GOOD).split("\n", 1)[1]
    found = rows_of(text, tmp_path)
    assert [type(r).__name__ for r in found] == ["Refused", "Refused", "V1Row", "Refused", "V1Row"]
    refused = [r for r in found if isinstance(r, Refused)]
    assert refused[0] == Refused("table.csv row 1", "fps is 'fast', not a number")
    assert "NUL" in refused[1].reason
    assert "3 cells" in refused[2].reason


def test_a_field_longer_than_the_limit_is_one_refused_row(tmp_path: Path) -> None:
    found = rows_of(table({**GOOD, "dense_caption": "a" * 1_000_001}, GOOD), tmp_path)
    assert [type(r).__name__ for r in found] == ["Refused", "V1Row"]
    assert csv.field_size_limit() == 131_072, "the process's own limit is put back"


def test_script_text_is_kept_as_text(tmp_path: Path) -> None:
    (row,) = rows_of(table({**GOOD, "short_caption": "<script>alert(1)</script>"}), tmp_path)
    assert isinstance(row, V1Row)
    assert row.short_caption == "<script>alert(1)</script>"


def test_the_second_row_of_an_id_is_refused(tmp_path: Path) -> None:
    found = rows_of(table(GOOD, GOOD), tmp_path)
    assert isinstance(found[1], Refused)
    assert "1431495.10 is taken" in found[1].reason


@pytest.mark.parametrize(("content", "said"), [
    (table(GOOD, columns=COLUMNS[:-1]).encode(), "lacks the column camera_caption"),
    (b"", "lacks the columns clip_id"),
    (",".join(COLUMNS).encode() + b"\nk\xe9", "UTF-8"),
])  # fmt: skip
def test_a_file_that_is_no_table_is_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ManifestError, match=said) as caught:
        read_v1(tmp_path / "a.csv")
    assert "\n" not in str(caught.value)


def test_a_parquet_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "a.parquet").write_bytes(b"not parquet")
    with pytest.raises(ManifestError, match="not a valid Parquet file"):
        read_v1(tmp_path / "a.parquet")


def test_columns_beyond_the_18_are_ignored_and_not_written(tmp_path: Path) -> None:
    (row,) = rows_of(table({**GOOD, "mine": "x"}, columns=[*COLUMNS, "mine"]), tmp_path)
    assert isinstance(row, V1Row)
    write_v1(tmp_path / "out.csv", [row])
    assert (tmp_path / "out.csv").read_text().splitlines()[0] == ",".join(COLUMNS)


def test_csv_and_parquet_hold_the_same_rows(tmp_path: Path) -> None:
    row = parse_row(GOOD)
    assert write_v1(tmp_path / "t.parquet", [row]) == 1
    assert write_v1(tmp_path / "t.csv", [row]) == 1
    assert read_v1(tmp_path / "t.parquet") == read_v1(tmp_path / "t.csv") == ([row], [])


def test_parquet_keeps_the_types_of_the_columns(tmp_path: Path) -> None:
    import pyarrow.parquet as parquet

    write_v1(tmp_path / "t.parquet", [parse_row(GOOD)])
    schema = parquet.read_schema(tmp_path / "t.parquet")
    assert schema.names == list(COLUMNS)
    assert str(schema.field("clip_id").type) == "string"
    assert str(schema.field("width").type) == "int32"
    assert str(schema.field("timestamp").type).startswith("list<")


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="ends in"):
        write_v1(tmp_path / "t.xls", [])


def test_text_that_is_written_is_read_again() -> None:
    row = parse_row(GOOD)
    assert parse_row(format_row(row)) == row


@pytest.mark.parametrize(("path", "clip"), [
    ("video_clips/000000000/000000000000.4.mp4", "0.4"),
    ("video_clips/000001431/000001431495.10.mp4", "1431495.10"),
    ("000000000012.0.mkv", "12.0"),
])  # fmt: skip
def test_ids_of_paths(path: str, clip: str) -> None:
    assert clip_id_of(path) == clip


@pytest.mark.data
def test_the_published_sample_round_trips_but_for_the_lost_zero(data: Path, tmp_path: Path) -> None:
    source = data / "miradata_v1_100_samples.csv"
    if not source.is_file():
        pytest.skip("the sample table is not on this machine")
    rows, refused = read_v1(source)
    assert (len(rows), refused) == (100, [])
    write_v1(tmp_path / "again.csv", rows)
    before, after = source.read_bytes(), (tmp_path / "again.csv").read_bytes()
    assert after == before.replace(b"\n1431495.1,", b"\n1431495.10,")
    write_v1(tmp_path / "again.parquet", rows)
    assert read_v1(tmp_path / "again.parquet") == (rows, [])


@pytest.mark.data
def test_the_long_clips_of_the_published_sample_have_43_windows(data: Path) -> None:
    rows, _ = read_v1(data / "miradata_v1_100_samples.csv")
    long = [row for row in rows if row.short_caption.startswith("[|||")]
    assert len(long) == 14
    assert sum(len(row.windows) for row in long) == 43
    assert all(len(window.captions) == 6 for row in long for window in row.windows)
    assert all(w == sorted(w) for w in ([x[:2] for x in row.windows] for row in long))
