"""Any name that a file system holds goes in, through and out, and no two files share an id."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest
from clipkit import panning
from hypothesis import given
from hypothesis import strategies as st

import mirabench
from mirabench.files import readable
from mirabench.report.model import load_report
from mirabench.video.encode import write_video

NAMES = {
    "no UTF-8": b"caf\xe9.mp4",
    "looks like its escape": b"caf\\udce9.mp4",
    "another byte": b"caf\xe8.mp4",
    "two lines": b"new\nline.mp4",
    "a terminal's escape": b"bell\x07\x1b[31m.mp4",
    "quotes": b"q'\"<>&,;.mp4",
    "a dash first": b"-x.mp4",
    "a formula": b"=1+1.mp4",
    "a glob": b"[1]*.mp4",
    "as long as can be": b"x" * 251 + b".mp4",
    "composed": "\u00e9.mp4".encode(),
    "decomposed": "e\u0301.mp4".encode(),
    "upper case": b"A.mp4",
    "lower case": b"a.mp4",
    "right to left": "شريط.mp4".encode(),
    "emoji": "😀.mp4".encode(),
    "no character": "￾.mp4".encode(),
    "a colon": b"take:2.mp4",
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("names") / os.fsdecode(b"d\xff")
    clip = write_video(found / "first.mp4", panning(12))
    for name in NAMES.values():
        shutil.copy(clip, found / os.fsdecode(name))
    clip.unlink()
    return found


def paths_of(report: mirabench.Report) -> set[bytes]:
    return {os.fsencode(Path(video.path).name) for video in report.videos}


def run(*command: str, expected: int = 0) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "mirabench", *command],
        capture_output=True,
        env={
            **os.environ,
            "LC_ALL": "C",
            "LANG": "C",
            "PYTHONUTF8": "0",
            "PYTHONCOERCECLOCALE": "0",
        },
    )
    assert done.returncode == expected, done.stderr.decode(errors="replace")
    return done


def test_a_folder_of_them_is_scored_compared_and_checked_in_the_c_locale(
    folder: Path, tmp_path: Path
) -> None:
    for out in ("one", "two"):
        run("evaluate", str(folder), "--metrics", "sharpness", "-o", str(tmp_path / out))
    report = load_report(tmp_path / "one")
    assert paths_of(report) == set(NAMES.values())
    assert {v.error for v in report.videos} == {None}
    ids = [video.id for video in report.videos]
    assert len(set(ids)) == len(NAMES)
    assert all(text.isprintable() for text in ids)
    table = (tmp_path / "one" / "scores.csv").read_bytes().decode("utf-8")
    assert {row["video_id"] for row in csv.DictReader(io.StringIO(table))} == set(ids)
    page = (tmp_path / "one" / "report.html").read_bytes().decode("utf-8")
    assert "caf\\udce9" in page
    json.loads((tmp_path / "one" / "run.json").read_bytes().decode("utf-8"))
    run("compare", str(tmp_path / "one"), str(tmp_path / "two"), "-o", str(tmp_path / "cmp"))
    check = tmp_path / "names.mirabench.yaml"
    check.write_text(
        "videos: clips\nchecks:\n  - {metric: sharpness, min: 0.99, each_clip: true}\n"
    )
    (tmp_path / "clips").symlink_to(folder)
    run("check", str(check), "--junit", str(tmp_path / "junit.xml"),
        "--summary", str(tmp_path / "summary.md"), "-o", str(tmp_path / "checks"), expected=1)  # fmt: skip
    ElementTree.parse(tmp_path / "junit.xml")
    (tmp_path / "summary.md").read_bytes().decode("utf-8")


@pytest.mark.parametrize("name", NAMES.values(), ids=NAMES)
def test_one_of_them_by_its_path(folder: Path, name: bytes) -> None:
    report = mirabench.evaluate([folder / os.fsdecode(name)], metrics=["sharpness"])
    assert paths_of(report) == {name}
    assert report.videos[0].error is None


def test_a_glob_finds_them(folder: Path) -> None:
    assert paths_of(mirabench.evaluate([folder / "*.mp4"], metrics=["sharpness"])) == set(
        NAMES.values()
    )


def test_a_manifest_names_them_by_the_escape_that_reports_show(
    folder: Path, tmp_path: Path
) -> None:
    shutil.copytree(folder, tmp_path / "clips")
    (
        tmp_path / "clips" / "caf\\udce9.mp4"
    ).unlink()  # an existing file of that very name comes first
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("video_path\nclips/caf\\udce9.mp4\nclips/caf\\udce8.mp4\nclips/é.mp4\n")
    report = mirabench.evaluate(manifest, metrics=["sharpness"])
    assert {video.error for video in report.videos} == {None}
    assert paths_of(report) == {b"caf\xe9.mp4", b"caf\xe8.mp4", "é.mp4".encode()}


PARTS = st.sampled_from(["\\", "u", "udce9", "u000a", "\udce9", "\n", "a", "é", "\x9b", "\ufffe"])


@given(st.lists(PARTS, max_size=8).map("".join), st.lists(PARTS, max_size=8).map("".join))
def test_different_names_read_differently(one: str, two: str) -> None:
    assert (readable(one) == readable(two)) == (one == two)
    assert readable(one).isprintable()
    readable(one).encode("utf-8")


@pytest.mark.parametrize("name", ["clip 1", "é", "😀", "a\\b", "شريط", "-x", "x/y"])
def test_ordinary_names_stay(name: str) -> None:
    assert readable(name) == name
