"""A clip under any name that a file system holds goes through every command, and every file is UTF-8."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import clipkit
import pytest

from mirabench.report.model import load_report
from mirabench.video.encode import write_video

NAMES = [b"caf\xe9.mp4", b'\xff,"<b>&\\x.mp4']

pytestmark = pytest.mark.skipif(
    sys.platform in {"win32", "darwin"}, reason="its file systems hold no such names"
)


def mirabench(folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    return subprocess.run(
        [sys.executable, "-m", "mirabench", *arguments], cwd=folder, capture_output=True,
        env={**os.environ, "LC_ALL": "C", "GITHUB_STEP_SUMMARY": "steps.md"},
    )  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs over the clips, a check against a baseline, and a comparison."""
    folder = tmp_path_factory.mktemp("names")
    for number, name in enumerate(NAMES):
        made = write_video(folder / "made.mp4", clipkit.panning(frames=14, seed=number))
        (folder / "in").mkdir(exist_ok=True)
        made.rename(folder / "in" / os.fsdecode(name))
    (folder / "c.mirabench.yaml").write_text(
        "videos: in\nbaseline: base.json\nchecks:\n"
        "  - {metric: sharpness, min: 100}\n  - {metric: sharpness, not_worse_than: baseline}\n"
    )
    commands = [
        ("evaluate", "in", "--metrics", "sharpness", "-o", "one", "--json"),
        ("evaluate", "in", "--metrics", "sharpness", "-o", "two"),
        ("evaluate", "in", "--metrics", "sharpness", "-o", "three", "--jsonl"),
        ("report", "one"),
        ("check", "c.mirabench.yaml", "--update-baseline", "-o", "checked"),
        ("check", "c.mirabench.yaml", "--junit", "j.xml", "--summary", "s.md", "-o", "checked"),
        ("compare", "one", "two", "-o", "compared"),
    ]
    for words in commands:
        done = mirabench(folder, *words)
        assert done.returncode == (words[0] == "check"), done.stderr.decode("utf-8", "replace")
        assert b"Traceback" not in done.stderr
        done.stdout.decode("utf-8")
        (folder / f"{'-'.join(words[:2])}.stdout".replace("/", "-")).write_bytes(done.stdout)
    return folder


def test_every_file_is_utf_8(folder: Path) -> None:
    texts = {".json", ".csv", ".html", ".md", ".xml", ".stdout"}
    written = [path for path in folder.rglob("*") if path.suffix in texts]
    assert {path.suffix for path in written} == texts
    for path in written:
        assert path.read_bytes().decode("utf-8"), path


def test_the_report_gives_the_exact_names_back(folder: Path) -> None:
    paths = [folder / video.path for video in load_report(folder / "one").videos]
    assert sorted(os.fsencode(path.name) for path in paths) == sorted(NAMES)
    assert all(path.is_file() for path in paths)
    raw = json.loads((folder / "one" / "report.json").read_bytes())
    assert raw["videos"][0]["path"] == str(paths[0].relative_to(folder))


def test_the_comparison_pairs_the_clips(folder: Path) -> None:
    found = json.loads((folder / "compared" / "compare.json").read_bytes())
    assert "caf\\\\udce9" in json.dumps(found)


def test_a_line_for_each_clip_is_its_entry_of_the_report(folder: Path) -> None:
    lines = (folder / "evaluate-in.stdout").read_bytes().decode("utf-8").splitlines()
    raw = json.loads((folder / "three" / "report.json").read_bytes())
    assert {json.loads(line)["path"] for line in lines} == {v["path"] for v in raw["videos"]}
    assert len(lines) == len(NAMES)
