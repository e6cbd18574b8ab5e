"""What leaves the pipeline: the published table, MiraData's 18 columns, shards."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import tablekit as kit
from chatserver import GOOD_FIELDS

from mirabench.errors import InputError
from miradata.publish.export import download_ids, export_shards, export_v1, stamp
from miradata.publish.published import PUBLISHED, Publication, publication, write_published
from miradata.select.levels import load_thresholds
from miradata.tables.store import Tables
from miradata.v1.files import read_v1
from miradata.v1.rows import parse_windows

LIMITS = load_thresholds()


def caption(clip: str, window: int, status: str = "success", **given: Any) -> dict[str, Any]:
    fields = dict(GOOD_FIELDS) if status == "success" else {}
    values = {
        "clip_id": clip, "window": window, "t0_s": 120.0 * window, "t1_s": 120.0 * (window + 1),
        "model": "big", "prompt_version": "p", "status": status, "reason": "", **fields,
    }  # fmt: skip
    return kit.row("captions", **{**values, **given})


def file(clip: str, t0: float, t1: float, **given: Any) -> dict[str, Any]:
    values = {
        "clip_id": clip, "path": f"clips/{clip}.mp4", "sha256": "s", "bytes": 4, "mode": "exact",
        "t0_ns": int(t0 * kit.S), "t1_ns": int(t1 * kit.S), "frames": int((t1 - t0) * 24),
    }  # fmt: skip
    return kit.row("files", **{**values, **given})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Clip a has two windows, b one that was refused, c no captions, d no file, e is too dark."""
    kit.write(
        tmp_path,
        videos=[kit.video(url="https://h/v1.mp4", source_id="-x_1"), kit.video("v2", url=None)],
        clips=[
            kit.clip("a", 0, 0, 250), kit.clip("b", 10, 250, 300), kit.clip("c", 11, 300, 330),
            kit.clip("d", 12, 330, 360), kit.clip("e", 0, 0, 30, video_id="v2"),
        ],
        scores=kit.scores("luma_mean", a=0.5, b=0.5, c=0.5, d=0.5, e=0.01),
        captions=[caption("a", 1, dense_caption="Then it rains."), caption("a", 0),
                  caption("b", 0, "refused", reason="no")],
        files=[file("a", 0, 250), file("b", 250, 300), file("c", 300, 330),
               file("d", 330, 360, status="failed", reason="disk full")],
    )  # fmt: skip
    (tmp_path / "clips").mkdir()
    for name in "abc":
        (tmp_path / "clips" / f"{name}.mp4").write_bytes(name.encode() * 4)
    return tmp_path


def published(folder: Path, *, captions_required: bool = False) -> Publication:
    made = publication(Tables(folder), LIMITS, root=folder, captions_required=captions_required)
    write_published(folder, made)
    return made


def test_a_clip_of_two_windows_has_both_joined_in_order_and_one_by_one(folder: Path) -> None:
    row = published(folder).rows[0]
    assert row["dense_caption"] == f"{GOOD_FIELDS['dense_caption']} Then it rains."
    assert [w["t0_s"] for w in row["windows"]] == [0.0, 120.0]
    assert (row["caption_origin"], row["level"]) == ("big", "full")
    assert (row["file_path"], row["seconds"]) == ("clips/a.mp4", 250.0)


def test_every_clip_that_is_not_published_says_why(folder: Path) -> None:
    found = {f.clip_id: (f.step, f.reason) for f in published(folder, captions_required=True).fates}
    assert found == {
        "a": ("kept", ""),
        "b": ("caption", "refused: no"),
        "c": ("caption", "not captioned yet"),
        "d": ("caption", "not captioned yet"),
        "e": ("limit", "luma_mean 0.01 is below 0.08"),
    }
    lite = {f.clip_id: (f.step, f.reason) for f in published(folder).fates}
    assert lite["b"] == lite["c"] == ("kept", "")
    assert lite["d"] == ("file", "disk full")


def test_without_captions_the_text_beside_the_source_is_taken(folder: Path) -> None:
    (folder / "v1.txt").write_text("=A boat\n on a lake.\n")
    rows = {row["clip_id"]: row for row in published(folder).rows}
    assert rows["c"]["short_caption"] == "A boat on a lake."
    assert rows["c"]["caption_origin"] == "sidecar"
    assert rows["a"]["caption_origin"] == "big", "the model's captions come first"


def test_the_table_is_the_same_bytes_again(folder: Path) -> None:
    published(folder)
    before = (folder / PUBLISHED).read_bytes()
    published(folder)
    assert (folder / PUBLISHED).read_bytes() == before
    assert pq.read_schema(folder / PUBLISHED).metadata[b"miradata_schema_version"] == b"1"


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_our_v1_export_is_read_by_our_v1_import(folder: Path, suffix: str) -> None:
    published(folder)
    target = folder / "v1" / f"table{suffix}"
    assert export_v1(folder, target) == 3
    rows, refused = read_v1(target)
    assert refused == []
    long, short, bare = rows
    assert short.clip_id.endswith(".10"), "the zero is kept"
    assert (short.timestamp, short.seconds) == (("00:04:10.000", "00:05:00.000"), 50.0)
    assert (long.video_url, long.video_id, long.source) == ("https://h/v1.mp4", "-x_1", "ours")
    assert [w.start for w in long.windows] == [0.0, 120.0]
    assert parse_windows(long.dense_caption)[1].text == "Then it rains."
    assert bare.short_caption == "" and bare.windows == []
    assert (target.parent / short.file_path).read_bytes() == b"bbbb"


def test_exporting_again_replaces_links_and_leaves_nothing_behind(folder: Path) -> None:
    published(folder)
    for _ in range(2):
        export_v1(folder, folder / "v1" / "t.csv")
    left = [p for p in (folder / "v1").rglob("*") if p.is_file() and p.name.startswith(".")]
    assert left == []


def test_the_table_alone_can_be_exported(folder: Path) -> None:
    published(folder)
    export_v1(folder, folder / "v1" / "t.csv", videos=False)
    assert [p.name for p in (folder / "v1").iterdir()] == ["t.csv"]


def test_shards_hold_each_clip_beside_its_facts(folder: Path) -> None:
    published(folder)
    made = export_shards(folder, folder / "shards", shard_bytes=5)
    assert [p.name for p in made] == ["shard-000000.tar", "shard-000001.tar"]
    with tarfile.open(made[0]) as tar:
        assert tar.getnames() == ["a.mp4", "a.json", "b.mp4", "b.json"]
        found = tar.extractfile("a.json")
        assert found is not None
        assert json.loads(found.read())["style_caption"].startswith("Live action")
    before = made[0].read_bytes()
    export_shards(folder, folder / "shards", shard_bytes=5)
    assert made[0].read_bytes() == before


def test_nothing_published_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"mirabench curate run"):
        export_v1(tmp_path, tmp_path / "t.csv")


def test_a_file_that_is_gone_is_one_sentence(folder: Path) -> None:
    published(folder)
    (folder / "clips" / "a.mp4").unlink()
    with pytest.raises(InputError, match=r"a\.mp4 is gone"):
        export_shards(folder, folder / "shards")


def test_download_ids_do_not_depend_on_the_other_sources() -> None:
    few, many = download_ids(["b", "a"]), download_ids(["a", "b", *map(str, range(500))])
    assert {name: many[name] for name in few} == few
    assert len(set(many.values())) == 502
    assert max(many.values()) < 10**12


@pytest.mark.parametrize(("seconds", "text"), [
    (0.0, "00:00:00.000"), (59.9996, "00:01:00.000"), (3723.25, "01:02:03.250"),
    (360000.0, "100:00:00.000"),
])  # fmt: skip
def test_stamps(seconds: float, text: str) -> None:
    assert stamp(seconds) == text
