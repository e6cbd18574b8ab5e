"""Code blocks of the docs do what they say."""

from __future__ import annotations

import itertools
import re
import shlex
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PathDistribution
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import typer

import mirabench
from mirabench import registry
from mirabench.cli.main import app
from mirabench.errors import InputError
from mirabench.features.api import as_table
from mirabench.metrics.api import ClipInputs
from mirabench.suites.api import MetricChoice
from mirabench.video import ArrayVideo

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
]


def blocks(page: Path, language: str) -> list[str]:
    found = re.findall(r"^```(\S*)\n(.*?)^```$", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return [text for name, text in found if name == language]


def named(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "python")], ids=named)
def test_python_blocks_run(
    page: Path, clips: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "here"
    shutil.copytree(clips, folder)
    monkeypatch.chdir(folder)
    module = ModuleType("docs_block")  # dataclasses look their module up
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for number, text in enumerate(blocks(page, "python"), start=1):
        exec(compile(text, f"{named(page)} block {number}", "exec"), vars(module))


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "toml")], ids=named)
def test_toml_blocks_are_toml(page: Path) -> None:
    for text in blocks(page, "toml"):
        assert tomllib.loads(text)


@pytest.mark.parametrize("page", [p for p in PAGES if blocks(p, "sh")], ids=named)
def test_commands_and_options_exist(page: Path) -> None:
    joined = (text.replace("\\\n", " ") for text in blocks(page, "sh"))
    lines = [line for text in joined for line in text.splitlines()]
    for words in (shlex.split(line, comments=True) for line in lines):
        if words[:1] == ["mirabench"]:
            known = options(words[1:])
            assert {w for w in words if w.startswith("-")} <= known, words


def options(words: list[str]) -> set[str]:
    """The options of the command that the words name, and of the groups on the way to it."""
    command, known = typer.main.get_command(app), set()
    while True:
        known |= {name for parameter in command.params for name in parameter.opts}
        words = list(itertools.dropwhile(lambda word: word.startswith("-"), words))
        if not words or not hasattr(command, "get_command"):
            return known
        command, words = command.get_command(None, words[0]), words[1:]


class TestTheMetricOfAddAMetric:
    """A stranger copies two blocks into two files and installs them."""

    PAGE = ROOT / "docs" / "add-a-metric.md"

    @pytest.fixture
    def installed(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
        """The registered name; the folder looks to Python as pip would leave it."""
        project = tomllib.loads(blocks(self.PAGE, "toml")[0])["project"]
        ((group, points),) = project["entry-points"].items()
        ((name, target),) = points.items()
        (tmp_path / f"{target.split(':')[0]}.py").write_text(blocks(self.PAGE, "python")[0])
        facts = tmp_path / f"{project['name'].replace('-', '_')}-{project['version']}.dist-info"
        facts.mkdir()
        (facts / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n"
        )
        (facts / "entry_points.txt").write_text(f"[{group}]\n{name} = {target}\n")
        assert PathDistribution(facts).entry_points.names == {name}
        monkeypatch.syspath_prepend(str(tmp_path))
        registry.refresh()
        yield name
        registry.refresh()
        sys.modules.pop(target.split(":")[0], None)

    def test_reads_a_table_made_by_hand(self, installed: str) -> None:
        metric = MetricChoice(installed).build()
        motion = as_table(
            seconds=[0.5, 1.0, 1.5], dt=[0.5] * 3, camera=[0.0, 5.0, 5.0], width=3, height=4
        )
        info = ArrayVideo(np.zeros((4, 4, 3, 3), np.uint8), fps=2).info
        # 0, 2, 2 diagonals a second: changes of 4 and 0 diagonals per second squared
        assert metric.compute(ClipInputs(info, {"motion": motion})).value == pytest.approx(2.0)

    def test_scores_a_clip_beside_ours(self, installed: str, clips: Path) -> None:
        report = mirabench.evaluate(clips / "clips", metrics=[installed, "camera_motion"])
        summary = report.summary[installed]
        assert (summary.n, summary.coverage) == (2, 1.0)
        assert summary.ci_low is None  # two clips are too few for an interval
        assert report.videos[0].scores[installed].protocol.startswith(f"{installed}@1:")

    def test_a_formula_has_no_parameter_to_set(self, installed: str, clips: Path) -> None:
        with pytest.raises(
            InputError, match=f"'{installed}' has no parameter 'ceiling': it has none"
        ):
            mirabench.score(str(clips / "clip.mp4"), installed, ceiling=1e-6)
