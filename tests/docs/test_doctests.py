"""The examples in docstrings run and give what they say, in every package."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = {
    "mirabench": "mirabench",
    "miradata": "models/miradata",
    "miradit": "models/miradit",
    "miraboard": "leaderboard/miraboard",
}
"""Package -> its folder."""


def modules_with_examples() -> list[str]:
    """Dotted names; found in the text, so that nothing is imported to know them."""
    found = []
    for package, folder in PACKAGES.items():
        for file in sorted((ROOT / folder).rglob("*.py")):
            if ">>> " in file.read_text(encoding="utf-8"):
                parts = file.relative_to(ROOT / folder).with_suffix("").parts
                found.append(".".join((package, *(p for p in parts if p != "__init__"))))
    return found


MODULES = modules_with_examples()


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_hold(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = importlib.import_module(name)
    monkeypatch.chdir(tmp_path)  # what an example writes is nobody's
    result = doctest.testmod(module)
    assert result.attempted, "the `>>>` of this module is in no docstring that doctest finds"
    assert not result.failed


def test_a_wrong_example_would_be_seen() -> None:
    text = ">>> 1 + 1\n3\n"
    runner = doctest.DocTestRunner(verbose=False)
    example = doctest.DocTestParser().get_doctest(text, {}, "wrong", None, 0)
    assert runner.run(example, out=lambda _: None).failed == 1


def test_there_are_examples_in_mirabench() -> None:
    assert sum(name.startswith("mirabench.") for name in MODULES) >= 20
