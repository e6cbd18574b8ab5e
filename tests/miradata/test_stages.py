"""The list of stages: built-ins and strangers by one door, the contract asked of each, order that can work."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from longfilm import FPS, shot, write_film

from mirabench import registry
from mirabench.errors import InputError, PluginError, UnknownNameError
from mirabench.work.item import Item, Outcome, Resources
from miradata.collect.sources import find_sources
from miradata.config import STAGES, config_of
from miradata.contract import checked_stage
from miradata.curation import curate, funnel_of
from miradata.pipeline import Pipeline, pipeline_of
from miradata.setting import Absent, Setting
from miradata.tables.store import Tables

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "black_bars"


@dataclass(frozen=True)
class Plain:
    """A stage that does nothing, with every part to be got wrong."""

    name: Any = "plain"
    version: Any = 1
    inputs: Any = ("clips",)
    outputs: Any = ("scores",)
    resources: Any = field(default_factory=Resources)
    chosen: Any = 1
    held: Any = None

    def params(self) -> Mapping[str, Any]:
        return {"chosen": self.chosen}

    def items(self, tables: Tables) -> Sequence[Item]:
        return []

    def work(self, item: Item) -> Outcome:
        raise AssertionError

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[Mapping[str, Any]]]:
        return {}


class WithoutParams:
    name, version, inputs, outputs, resources = "plain", 1, (), (), Resources()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    write_film(tmp_path / "in" / "film.mp4", [shot(1, 2 * FPS), shot(2, 2 * FPS)])
    return tmp_path / "in"


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> dict[str, Callable[[Setting], Any]]:
    """Callables that are registered as if packages had brought them."""
    added: dict[str, Callable[[Setting], Any]] = {}
    load = registry.load

    def loaded(group: str, name: str) -> Any:
        return added[name] if group == registry.STAGES and name in added else load(group, name)

    monkeypatch.setattr(registry, "load", loaded)
    return added


def listed(source: Path, *names: str, **given: Any) -> Pipeline:
    config = config_of({"stages": names, **given})
    return pipeline_of(config, find_sources(source), source.parent / "out")


def test_every_built_in_stage_comes_by_the_door_of_strangers(source: Path) -> None:
    assert set(STAGES) <= set(registry.names(registry.STAGES))
    made = listed(source, *STAGES)
    assert [stage.name for stage in made.stages] == [
        "probe", "split", "stitch", "length", "score", "dedup", "caption", "cut",
    ]  # fmt: skip
    assert [sentence.partition(":")[0] for sentence in made.absent] == [
        "nsfw", "aesthetic", "raft", "captions",
    ]  # fmt: skip


def test_the_list_of_the_configuration_is_what_runs_in_its_order(
    source: Path, strangers: dict[str, Callable[[Setting], Any]]
) -> None:
    strangers["plain"] = lambda setting: Plain()
    assert [s.name for s in listed(source, "probe", "split", "length", "plain").stages] == [
        "probe", "split", "length", "plain",
    ]  # fmt: skip


def test_an_unknown_stage_is_refused_with_the_nearest_name(source: Path) -> None:
    with pytest.raises(UnknownNameError, match="did you mean stitch"):
        listed(source, "probe", "stich")


@pytest.mark.parametrize(("made", "said"), [
    (None, "has no `name`, a text"),
    (replace(Plain(), name="Plain Stage"), "has `name` 'Plain Stage', which is not a text"),
    (replace(Plain(), name="other"), "calls itself 'other'"),
    (replace(Plain(), version="1"), "has `version` '1', which is not a whole number from 1"),
    (replace(Plain(), version=True), "has `version` True"),
    (replace(Plain(), inputs="clips"), "has `inputs` 'clips', which is not a tuple of tables"),
    (replace(Plain(), outputs=("score",)), "names the table 'score', which is none of"),
    (replace(Plain(), resources={"cpus": 1}), "which is not `mirabench.work.item.Resources`"),
    (replace(Plain(), chosen={1, 2}), "has `params` that are no plain JSON values"),
    (replace(Plain(), held=lambda: 0), "cannot be pickled"),
    (WithoutParams(), "has no method `params`"),
], ids=lambda value: value[:40] if isinstance(value, str) else "")  # fmt: skip
def test_what_is_no_stage_is_refused_by_name_before_anything_runs(
    source: Path, strangers: dict[str, Callable[[Setting], Any]], made: Any, said: str
) -> None:
    strangers["plain"] = lambda setting: made
    with pytest.raises(PluginError) as caught:
        listed(source, "probe", "plain")
    assert str(caught.value).startswith("the stage 'plain' ")
    assert said in str(caught.value)
    assert "docs/miradata.md" in str(caught.value)


def test_every_default_stage_keeps_the_contract(source: Path) -> None:
    for stage in listed(source, *STAGES).stages:
        assert checked_stage(stage.name, stage) is stage


def test_a_stage_that_cannot_be_made_is_named(
    source: Path, strangers: dict[str, Callable[[Setting], Any]]
) -> None:
    strangers["plain"] = lambda setting: 1 / 0  # type: ignore[return-value]
    with pytest.raises(PluginError, match=r"'plain' cannot be made: ZeroDivisionError"):
        listed(source, "plain")


def test_a_stage_may_say_why_it_is_absent(
    source: Path, strangers: dict[str, Callable[[Setting], Any]]
) -> None:
    strangers["plain"] = lambda setting: Absent("its model is not here")
    made = listed(source, "probe", "plain")
    assert [stage.name for stage in made.stages] == ["probe"]
    assert made.absent == ("plain: its model is not here",)


@pytest.mark.parametrize(("names", "said"), [
    (("probe", "length", "split"), "'length' reads the table `cuts`, to which 'split' adds after it"),
    (("dedup", "plain"), "put 'plain' before 'dedup'"),
    (("cut", "caption"), "put 'caption' before 'cut'"),
    (("probe", "split", "probe"), "'probe' stands twice"),
])  # fmt: skip
def test_an_order_that_cannot_work_is_refused(
    source: Path,
    strangers: dict[str, Callable[[Setting], Any]],
    names: tuple[str, ...],
    said: str,
) -> None:
    strangers["plain"] = lambda setting: Plain()
    with pytest.raises(PluginError, match=said.replace("(", r"\(")):
        listed(source, *names)


def test_a_shorter_list_publishes_without_what_it_leaves_out(source: Path) -> None:
    config = config_of({
        "input": str(source),
        "stages": ["probe", "split", "length", "score", "cut"],
        "length": {"min_seconds": 1.0},
        "running": {"workers": 1},
    })  # fmt: skip
    made = curate(config, source.parent / "out")
    assert list(made.progress) == ["probe", "split", "length", "score", "cut"]
    assert len(made.published.rows) == 2
    labels = [step.label for step in funnel_of(source.parent / "out")]
    assert "no duplicate" not in labels and "captioned" not in labels
    assert labels[-1] == "published"


def test_options_of_a_stage_are_checked_by_the_stage(source: Path) -> None:
    setting = Setting(config_of({"options": {"toy": {"frame": 3}}}), (), source, source)
    from miradata.config import Section

    class Options(Section):
        frames: int = 8

    with pytest.raises(InputError, match=r"options.toy: unknown key frame: did you mean frames\?"):
        setting.options("toy", Options)
    assert setting.options("other", Options).frames == 8


def test_the_example_of_the_docs_is_installed_listed_run_and_resumed(
    source: Path, tmp_path: Path
) -> None:
    """A real package of somebody else, in a process of its own."""
    shutil.copytree(EXAMPLE, tmp_path / "package")  # a build writes beside what it builds
    site = tmp_path / "site"
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-index"]
    options = ["--no-build-isolation", "--disable-pip-version-check", "--target", str(site)]
    subprocess.run([*pip, *options, tmp_path / "package"], check=True, capture_output=True)
    environment = {**os.environ, "PYTHONPATH": str(site)}
    settings = {
        "input": str(source),
        "stages": [
            "probe", "split", "stitch", "length", "score", "black_bars", "dedup", "caption", "cut",
        ],
        "options": {"black_bars": {"frames": 4}},
        "length": {"min_seconds": 1.0},
        "running": {"workers": 2},
    }  # fmt: skip
    (tmp_path / "c.yaml").write_text(json.dumps(settings))
    command = [sys.executable, "-m", "mirabench", "curate", "run", "c.yaml", "--output", "out"]
    for said in ("black_bars: 2 done, 0 from earlier", "black_bars: 0 done, 2 from earlier"):
        done = subprocess.run(
            command, capture_output=True, text=True, cwd=tmp_path, env=environment
        )
        assert done.returncode == 0, done.stderr
        assert said in done.stderr
    rows = [r for r in Tables(tmp_path / "out").rows("scores") if r["metric"] == "black_bars"]
    assert [(r["status"], r["n_frames"]) for r in rows] == [("ok", 4)] * 2
    assert "black_bars" in (tmp_path / "out" / "report.html").read_text()
    tests = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", tmp_path / "package"]
    done = subprocess.run(tests, capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert "3 passed" in done.stdout, done.stdout
