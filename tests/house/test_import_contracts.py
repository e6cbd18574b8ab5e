"""The import contracts in `pyproject.toml` catch what they are there to catch, in every package."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
CONFIG = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CONTRACTS = re.findall(r'contracts\]\]\nname = "([^"]*)"', CONFIG)
PLACES = {
    "mirabench": "mirabench",
    "miraboard": "leaderboard/miraboard",
    "miradata": "models/miradata",
    "miradit": "models/miradit",
    "miraprompts": "prompts",
}
FORBIDDEN = [
    ("mirabench.video.frames", "mirabench.metrics.api"),
    ("mirabench.nets.raft", "mirabench.features.api"),
    ("mirabench.report.model", "mirabench.suites.api"),
    ("mirabench.files", "mirabench.registry"),
    ("mirabench.run.plan", "mirabench.cli.evaluate"),
    ("mirabench.metrics.motion", "mirabench.nets.raft"),
    ("mirabench.features.api", "miradit.registry"),
    ("mirabench.cli.check", "miraboard.settings"),
    ("mirabench.work.item", "mirabench.inputs.samples"),
    ("mirabench.functional.flow", "mirabench.features.api"),
    ("mirabench.weights.card", "torch"),
    ("miraboard.settings", "torch"),
    ("miradata.tables.store", "miradata.select.levels"),
    ("miradata.frames.clip_range", "miradata.captions.grid"),
    ("miradit.vae", "miradit.pipeline"),
    ("miraboard.store", "miraboard.app"),
    ("miradit.data", "miradata.tables.schema"),
    ("miraboard.pages", "miradata.report.page"),
    ("miraprompts", "mirabench.errors"),
]


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    program = Path(sys.executable).parent / "lint-imports"
    return subprocess.run(
        [program, "--config", folder / "pyproject.toml", "--no-cache"],
        cwd=folder, capture_output=True, text=True,
    )  # fmt: skip


@pytest.fixture(scope="module")
def spoiled(tmp_path_factory: pytest.TempPathFactory) -> str:
    """What import-linter says of a copy of all packages with every forbidden import, and a room too many."""
    folder = tmp_path_factory.mktemp("spoiled")
    for package, place in PLACES.items():
        shutil.copytree(ROOT / place, folder / package, ignore=shutil.ignore_patterns("*.pyc"))
    for importer, imported in FORBIDDEN:
        path = folder.joinpath(*importer.split("."))
        file = path.with_suffix(".py") if not path.is_dir() else path / "__init__.py"
        text = file.read_text(encoding="utf-8")
        file.write_text(f"{text}\nimport {imported}\n", encoding="utf-8")
    for package in ("mirabench", "miradata", "miradit", "miraboard"):
        (folder / package / "broom_cupboard.py").touch()
    (folder / "pyproject.toml").write_text(CONFIG, encoding="utf-8")
    done = lint(folder)
    assert done.returncode == 1
    return re.sub(r"\s+", " ", done.stdout)


def test_the_packages_as_they_are_keep_all_contracts() -> None:
    done = lint(ROOT)
    assert done.returncode == 0, done.stdout
    assert f"{len(CONTRACTS)} kept, 0 broken" in done.stdout


@pytest.mark.parametrize("contract", CONTRACTS)
def test_every_contract_can_break(spoiled: str, contract: str) -> None:
    assert f"{contract} BROKEN" in spoiled


@pytest.mark.parametrize(("importer", "imported"), FORBIDDEN, ids=" imports ".join)
def test_a_forbidden_import_is_named(spoiled: str, importer: str, imported: str) -> None:
    assert f"{importer} -> {imported} " in spoiled


def test_a_room_that_stands_nowhere_is_named(spoiled: str) -> None:
    for package in ("mirabench", "miradata", "miradit", "miraboard"):
        assert f"{package}.broom_cupboard" in spoiled


def test_no_module_is_imported_by_its_name_in_a_string() -> None:
    """What a string imports, no contract sees; what entry points name is the registry's."""
    for place in PLACES.values():
        for file in (ROOT / place).rglob("*.py"):
            text = file.read_text(encoding="utf-8")
            found = re.findall(r"import_module\(\s*f?[\"'](mira\w*)", text)
            assert not found, f"{file} imports {found} by a string"
