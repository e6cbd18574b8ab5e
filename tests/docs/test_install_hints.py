"""mirabench is on no index yet: every text that says how to install it names a folder."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from mirabench.errors import MissingExtraError

ROOT = Path(__file__).resolve().parents[2]
BY_NAME = re.compile(
    r"""\b(?:pip|pipx|conda)\ install\b[^\n`]*?[\ "'](?:mirabench|miraboard|miradit|miradata)
    (?:\[[^\]\n]*\])?(?:[=<>~!]=?[^\s"'`]*)?(?=[\s"'`)]|$)""",
    re.VERBOSE | re.MULTILINE,
)
SUFFIXES = {".py", ".md", ".toml", ".txt", ".yml", ".yaml", ".html", ".j2", ".cff", ".sh", ""}


def texts() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    return [p for p in (ROOT / name for name in listed) if p.suffix in SUFFIXES and p.is_file()]


@pytest.mark.parametrize(
    "text",
    [
        'pip install "mirabench[torch]"',
        "pip install mirabench",
        "pip install -U 'mirabench>=0.1'",
        "uv pip install mirabench[all] ",
    ],
)
def test_an_installation_by_name_is_seen(text: str) -> None:
    assert BY_NAME.search(text)


@pytest.mark.parametrize(
    "text",
    [
        'pip install -e ".[torch]"',
        'pip install "./mirabench[check]"',
        'pip install -e "mirabench-camera-jerk[test]"',
        "pip install .",
    ],
)
def test_an_installation_from_a_folder_is_not(text: str) -> None:
    assert not BY_NAME.search(text)


def test_no_text_installs_by_name() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {hit.group()}"
        for path in texts()
        if path != Path(__file__)
        for hit in BY_NAME.finditer(path.read_text(encoding="utf-8"))
    ]
    assert not found


def test_no_list_of_requirements_names_it() -> None:
    lists = [*(ROOT / "requirements").glob("*.txt"), *ROOT.glob("*/requirements.txt")]
    assert len(lists) >= 4
    for file in lists:
        assert not re.search(r"^(mirabench|miraboard)\b", file.read_text(), re.MULTILINE), file


def test_the_error_tells_the_command() -> None:
    told = str(MissingExtraError("torch", "DINO needs torch"))
    assert told.endswith('pip install -e ".[torch]"')
