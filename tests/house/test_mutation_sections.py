"""What `make mutate` names is there: renamed tests would silently hold nothing any more."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = ROOT / "tests" / "mutation" / "run.py"


def named() -> list[str]:
    """Every file and folder that the mutation run names: modules and tests."""
    strings = {
        node.value
        for node in ast.walk(ast.parse(RUN.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    roots = ("mirabench/", "miraboard/", "tests/")
    return sorted({text.partition("::")[0] for text in strings if text.startswith(roots)})


@pytest.mark.parametrize("path", named())
def test_what_the_mutation_run_names_is_there(path: str) -> None:
    below = "leaderboard" if path.startswith("miraboard/") else "."
    assert (ROOT / below / path).exists()


def test_the_run_names_modules_and_tests_of_both_packages() -> None:
    assert {path.partition("/")[0] for path in named()} == {"mirabench", "miraboard", "tests"}
