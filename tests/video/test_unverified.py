"""Where damage could not be seen, the report says so; where it could, it says nothing."""

from __future__ import annotations

from pathlib import Path

import mutants
import pytest
from mutants import Kind

import mirabench
from mirabench.report.files import scores_csv
from mirabench.report.page import page_files
from mirabench.video.unverified import unverified

TOLD = {
    "huffyuv": Kind(".avi", "huffyuv", "yuv422p"),
    "utvideo": Kind(".avi", "utvideo", "yuv420p"),
    "dv": Kind(".mov", "dnxhd", "yuv422p", {"profile": "dnxhr_sq"}),
    "raw": Kind(".avi", "rawvideo", "yuv420p"),
    "msmpeg4": Kind(".avi", "msmpeg4"),
}
KNOWN = ("mp4-h264", "mp4-hevc", "webm-vp9", "webm-vp8", "mov-mjpeg", "ts-mpeg2", "gif")


def made(kind: Kind, folder: Path) -> Path:
    frames = mutants.film()
    if kind.codec == "dnxhd":  # takes no smaller ones
        frames = frames.repeat(2, axis=1).repeat(2, axis=2)
    return kind.write(folder / f"clip{kind.suffix}", frames)


@pytest.mark.parametrize("name", TOLD)
def test_a_codec_that_hides_damage_is_told(tmp_path: Path, name: str) -> None:
    assert "checksum" in unverified(made(TOLD[name], tmp_path))


@pytest.mark.parametrize("name", KNOWN)
def test_a_codec_that_shows_damage_is_not(tmp_path: Path, name: str) -> None:
    assert unverified(made(mutants.KINDS[name], tmp_path)) == ""


def test_checksums_of_the_container_do_for_any_codec(tmp_path: Path) -> None:
    checked = Kind(".mkv", "msmpeg4", container_options={"write_crc32": "1"})
    plain = Kind(".mkv", "msmpeg4", container_options={"write_crc32": "0"})
    assert unverified(made(checked, tmp_path)) == ""
    assert unverified(made(plain, tmp_path)) != ""


def test_every_place_of_a_report_says_so_and_the_score_stays_ok(tmp_path: Path) -> None:
    made(TOLD["msmpeg4"], tmp_path)
    report = mirabench.evaluate(tmp_path, metrics=["sharpness"], cache=tmp_path / "cache")
    [video] = report.videos
    assert list(video.health) == ["unverified"]
    assert video.scores["sharpness"].status == "ok"
    assert report.summary["sharpness"].n == 1
    assert scores_csv(report).splitlines()[1].endswith(",unverified")
    [page] = [file.text for file in page_files(report, {})]
    assert '<span class="badge " title="msmpeg4' in page
    assert "○ unverified" in page
    again = mirabench.evaluate(tmp_path, metrics=["sharpness"], cache=tmp_path / "cache")
    assert again.videos[0].health == video.health, "read from the cache"


def test_what_is_damaged_is_not_also_unverified(tmp_path: Path) -> None:
    path = made(Kind(".mkv", "msmpeg4", container_options={"write_crc32": "0"}), tmp_path)
    path.write_bytes(path.read_bytes()[:-2000])
    report = mirabench.evaluate([path], metrics=["sharpness"], cache=False)
    assert "unverified" not in report.videos[0].health
    assert "damaged" in report.videos[0].health
