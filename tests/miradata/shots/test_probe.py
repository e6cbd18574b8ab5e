"""`probe`: every file ends as one row, with what it is or why it is of no use."""

import time
from pathlib import Path

import badvideos
import pytest

from mirabench.work.item import Item, perform
from miradata.collect.sources import SourceVideo, find_sources
from miradata.shots.probe import Probe
from miradata.stage_run import StageRun
from miradata.tables.schema import video_id
from miradata.tables.store import Tables


def probed(path: Path) -> dict[str, object]:
    stage = Probe((SourceVideo(path, path.name, "here", "u"),))
    [item] = stage.items(Tables(path.parent))
    done = perform(stage, item)
    [row] = done.outcome.value["videos"]
    assert done.outcome.status == row["status"]
    return dict(row)


@pytest.mark.parametrize("name", badvideos.UNUSABLE)
def test_a_file_of_no_use_is_rejected_with_its_reason(tmp_path, name):
    suffix, make = badvideos.UNUSABLE[name]
    make(tmp_path / f"bad{suffix}")
    row = probed(tmp_path / f"bad{suffix}")
    assert row["status"] == "rejected"
    assert str(row["reason"]).startswith(f"{name.partition('-')[0]}: ")
    assert row["path"] == f"bad{suffix}"


def test_four_sparse_gigabytes_are_refused_without_being_read(tmp_path):
    badvideos.UNUSABLE["sparse"][1](tmp_path / "bad.mp4")
    start = time.process_time()
    row = probed(tmp_path / "bad.mp4")
    assert time.process_time() - start < 0.5  # reading them takes seconds
    assert row["bytes"] == 4 * 2**30
    assert row["sha256"] == ""


def test_a_good_video_is_described(tmp_path):
    row = probed(badvideos.good(tmp_path / "a.mp4"))
    assert row["status"] == "ok"
    assert row["reason"] == ""
    facts = {
        "width": 160, "height": 96, "fps": 24.0, "num_frames": 24, "duration_ns": 1_000_000_000,
        "codec": "h264", "pixel_format": "yuv420p", "bit_depth": 8, "rotation": 0,
        "variable_rate": False, "interlaced": False, "source": "here", "url": "u",
    }  # fmt: skip
    assert {k: row[k] for k in facts} == facts
    assert row["video_id"] == video_id(str(row["sha256"]))


def test_a_variable_rate_is_seen_and_its_duration_right(tmp_path):
    row = probed(badvideos.variable_rate(tmp_path / "a.mp4"))
    assert row["status"] == "ok"
    assert row["variable_rate"] is True
    assert row["duration_ns"] == pytest.approx(4.5e9, abs=0.3e9)


def test_a_turned_picture_is_described_upright(tmp_path):
    row = probed(badvideos.rotated(tmp_path / "a.mp4"))
    assert (row["width"], row["height"], abs(int(str(row["rotation"])))) == (96, 160, 90)


def test_ten_bits_and_interlacing_are_noted(tmp_path):
    assert probed(badvideos.ten_bits(tmp_path / "a.mp4"))["bit_depth"] == 10
    assert probed(badvideos.interlaced(tmp_path / "b.mp4"))["interlaced"] is True


def test_a_wrong_suffix_is_noted_and_the_video_taken(tmp_path):
    badvideos.good(tmp_path / "a.mkv").rename(tmp_path / "a.mp4")
    row = probed(tmp_path / "a.mp4")
    assert row["status"] == "ok"
    assert str(row["reason"]).startswith("extension: the file is matroska")


def test_a_file_that_is_gone_is_a_row_too(tmp_path):
    row = probed(tmp_path / "gone.mp4")
    assert row["status"] == "rejected"
    assert str(row["reason"]).startswith("unreadable: ")


def test_of_equal_files_the_first_path_counts(tmp_path):
    (tmp_path / "in" / "b").mkdir(parents=True)
    first = badvideos.good(tmp_path / "in" / "a.mp4")
    (tmp_path / "in" / "b" / "c.mp4").write_bytes(first.read_bytes())
    StageRun(tmp_path / "out").one(Probe(tuple(find_sources(tmp_path / "in"))))
    rows = {row["path"]: row for row in Tables(tmp_path / "out").rows("videos")}
    assert rows["a.mp4"]["status"] == "ok"
    assert rows["b/c.mp4"]["status"] == "rejected"
    assert rows["b/c.mp4"]["reason"] == "duplicate: same bytes as a.mp4"
    assert rows["b/c.mp4"]["video_id"] != rows["a.mp4"]["video_id"]


def test_a_probe_that_breaks_leaves_a_row(tmp_path):
    source = SourceVideo(tmp_path / "a.mp4", "a.mp4")
    [row] = Probe((source,)).failed(Item("a.mp4", "c", source), "boom")["videos"]
    assert (row["status"], row["reason"], row["path"]) == ("failed", "boom", "a.mp4")
