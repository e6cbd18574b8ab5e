"""The pictures of the documentation are those of the prompt file as it is."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).resolve().parents[3] / "docs"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("prompt_coverage", DOCS / "prompt_coverage.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_pictures_are_not_stale(drawing):
    assert drawing.main(["--check"]) == 0, "run python docs/prompt_coverage.py"


def test_the_matrix_counts_what_the_file_holds(drawing):
    scene = dict.fromkeys(drawing.TAGS, "") | {"id": "x", "category": "human", "style": "real"}
    svg = drawing.coverage_svg([scene, scene | {"style": "painted"}, scene])
    counts = [line for line in svg.splitlines() if 'text-anchor="middle"' in line]
    # of the last columns (real, rendered, painted)
    assert [line.split(">")[1].split("<")[0] for line in counts][-3:] == ["2", "0", "1"]


def test_every_tag_of_the_file_has_its_column(drawing):
    for scene in drawing.read_scenes():
        for column, values in drawing.TAGS.items():
            assert set(scene[column].split(";")) <= set(values)
