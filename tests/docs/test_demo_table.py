"""The table in the README is that of the example clips."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

import mirabench
from mirabench.testing.examples import write_examples

ROOT = Path(__file__).resolve().parents[2]


def demo_table() -> ModuleType:
    spec = importlib.util.spec_from_file_location("demo_table", ROOT / "docs" / "demo_table.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
def test_the_readme_shows_what_make_demo_measures(tmp_path: Path) -> None:
    report = mirabench.evaluate(write_examples(tmp_path), metrics=list(demo_table().SHOWN))
    assert demo_table().demo_table(report) == demo_table().shown()
