"""A new package and the examples of the docs: really built, installed, tested and checked."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import clipkit
import pytest

from mirabench.errors import InputError, OutputError
from mirabench.testing.scaffold import new_package
from mirabench.video.encode import write_video

EXAMPLES = Path(__file__).resolve().parents[2] / "docs" / "examples"


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """A new package and copies of the examples: a build writes beside what it builds."""
    folder = tmp_path_factory.mktemp("packages")
    for name in ("letterbox", "palette"):
        shutil.copytree(EXAMPLES / name, folder / name)
    return [new_package("luma_pumping", folder / "new"), folder / "letterbox", folder / "palette"]


@pytest.fixture(scope="module")
def site(sources: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which all three were built and installed, without network."""
    target = tmp_path_factory.mktemp("site")
    command = [
        sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index",
        "--no-build-isolation", "--disable-pip-version-check", "--target", str(target),
        *map(str, sources),
    ]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True)
    return target


def run(site: Path, folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", *command],
        capture_output=True, text=True, cwd=folder, env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip


def test_their_own_tests_pass(sources: list[Path], site: Path, tmp_path: Path) -> None:
    tests = [str(test) for source in sources for test in source.glob("test_*.py")]
    done = run(site, tmp_path, "pytest", "-q", "-W", "error", "-p", "no:cacheprovider", *tests)
    assert done.returncode == 0, done.stdout
    assert "11 passed" in done.stdout


def test_a_new_package_passes_the_kit_as_it_is(site: Path, tmp_path: Path) -> None:
    done = run(site, tmp_path, "mirabench", "metrics", "check", "luma_pumping", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    found = {result["check"]: result for result in json.loads(done.stdout)}
    assert {name for name, r in found.items() if r["verdict"] == "skipped"} == {"prompt"}
    assert "mirabench-luma-pumping is MIT" in found["licence"]["text"]


def test_all_three_score_beside_ours(site: Path, tmp_path: Path) -> None:
    for name, dx in (("clips/a", 2.0), ("clips/b", 1.0), ("real/c", 1.0), ("real/d", 3.0)):
        write_video(tmp_path / f"{name}.mp4", clipkit.panning(frames=15, dx=dx, size=(96, 64)))
    done = run(
        site, tmp_path, "mirabench", "evaluate", "clips", "--reference", "real", "--metrics",
        "luma_pumping,letterbox_share,palette_distance,exposure", "-o", "out",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    summary = json.loads((tmp_path / "out" / "report.json").read_text())["summary"]
    assert {name: found["n"] for name, found in summary.items()} == {
        "luma_pumping": 2, "letterbox_share": 2, "palette_distance": 2, "exposure": 2,
    }  # fmt: skip


class TestNewPackage:
    @pytest.mark.parametrize("name", ["Jerk", "2fast", "a-b", "a__b", "_a", "", "class", "../x"])
    def test_a_name_that_no_metric_can_have(self, name: str, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="cannot be a metric's name"):
            new_package(name, tmp_path / "new")
        assert not (tmp_path / "new").exists()

    def test_a_name_that_is_taken(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="'sharpness' is already installed"):
            new_package("sharpness", tmp_path / "new")

    def test_never_writes_among_other_files(self, tmp_path: Path) -> None:
        (tmp_path / "mine.txt").write_text("mine")
        with pytest.raises(OutputError, match="is not empty"):
            new_package("jerk", tmp_path)
        assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]

    def test_a_folder_that_cannot_be_made(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        with pytest.raises(OutputError, match="cannot write"):
            new_package("jerk", tmp_path / "file" / "new")

    def test_no_placeholder_is_left(self, tmp_path: Path) -> None:
        for file in new_package("jerk", tmp_path / "new").iterdir():
            assert "$" not in file.read_text(), file.name
