"""The prompt files as the tests read them: plain CSV, with no code of ours in between."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

Scene = dict[str, str]

ROOT = Path(__file__).resolve().parents[3]
PROMPTS = ROOT / "prompts"


def read_scenes(name: str) -> list[Scene]:
    with (PROMPTS / name).open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file, strict=True))


@pytest.fixture(scope="session")
def prompts_folder() -> Path:
    return PROMPTS


@pytest.fixture(scope="session")
def scenes() -> list[Scene]:
    """The fifty scenes of mirabench-v2."""
    return read_scenes("mirabench-v2.csv")


@pytest.fixture(scope="session")
def first_scenes() -> list[Scene]:
    """The fifty scenes of mirabench-v1."""
    return read_scenes("mirabench-v1.csv")


@pytest.fixture(scope="session")
def smoke() -> list[Scene]:
    """The six scenes of the smoke set."""
    return read_scenes("smoke.csv")


@pytest.fixture(scope="session")
def samples() -> list[Scene]:
    """The published MiraData sample table, where a checkout has it beside the repository."""
    path = ROOT.parent / "shared" / "data" / "miradata_v1_100_samples.csv"
    if not path.exists():
        pytest.skip("the MiraData sample table is not here")
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))
