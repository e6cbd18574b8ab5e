"""What is installed is what is meant to be, under the project's own names."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from importlib.metadata import distribution
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[2]

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def home(name: str, folder: Path) -> str:
    """Where a fresh interpreter would import a name from; empty when it cannot."""
    code = (
        "import importlib.util\n"
        f"spec = importlib.util.find_spec({name!r})\n"
        "print(*((spec.submodule_search_locations or [spec.origin]) if spec else []))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(
    "name", ["models", "leaderboard", "prompts", "tests", "docs", "benchmarks"]
)
def test_folders_of_the_repository_are_not_importable(name: str, tmp_path: Path) -> None:
    ours = str(ROOT / name)
    assert not home(name, tmp_path).startswith(ours)


@pytest.mark.parametrize("name", ["mirabench", "miradit", "miraprompts"])
def test_the_packages_are(name: str, tmp_path: Path) -> None:
    assert home(name, tmp_path)


def test_every_folder_with_code_is_listed() -> None:
    settings = PROJECT["tool"]["setuptools"]
    places = settings["package-dir"]
    listed = set(settings["packages"])
    found = set()
    for package, place in places.items():
        for init in (ROOT / place).rglob("__init__.py"):
            inner = init.parent.relative_to(ROOT / place).parts
            found.add(".".join([package, *inner]))
    assert found == listed


def test_requirements_name_no_address() -> None:
    for file in (ROOT / "requirements").glob("*.txt"):
        assert not re.search(r"https?://|--(extra-)?index|--find-links|file:", file.read_text()), (
            file
        )


def test_the_core_takes_less_than_400_mb() -> None:
    """Beside its packages an environment holds pip with setuptools (26 MB) and compiled files (20 MB)."""
    lines = re.findall(r"^[a-z].*?(?= \\$)", (ROOT / "requirements/core.txt").read_text(), re.M)
    pins = [pin for pin in map(Requirement, lines) if pin.marker is None or pin.marker.evaluate()]
    places = [
        Path(str(found.locate_file(file)))
        for found in (distribution(pin.name) for pin in pins)
        for file in found.files or ()
    ]
    sizes = [place.stat().st_size for place in places if place.suffix != ".pyc"]
    assert len(pins) > 10 and 200e6 < sum(sizes) < 363e6


def test_every_public_name_exists() -> None:
    import mirabench

    assert sorted(mirabench.__all__) == mirabench.__all__
    assert all(hasattr(mirabench, name) for name in mirabench.__all__)


def test_make_compiles_what_is_imported_once_whatever_the_image_says() -> None:
    """Else each process of the tests compiles torch, gradio and the rest again."""
    show = "show: ; @echo compiled: $${PYTHONDONTWRITEBYTECODE-yes}"
    done = subprocess.run(
        ["make", "-s", "--eval", show, "show"], cwd=ROOT, capture_output=True, text=True, check=True,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.stdout == "compiled: yes\n"
