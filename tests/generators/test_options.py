"""Generators are found by name and built from `key=value` texts, typed by their fields."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Literal

import pytest

from mirabench import registry
from mirabench.errors import InputError, PluginError, UnknownNameError
from mirabench.generators.api import Generator, build
from mirabench.generators.command import Command
from mirabench.inputs.prompts import Prompt


@dataclass(frozen=True)
class Stranger:
    """A generator as another package would write it."""

    model: str
    steps: int = 20
    scale: float | None = 1.5
    fast: bool = False
    mode: Literal["slow", "quick"] = "slow"
    folder: Path = Path()

    name: ClassVar[str] = "stranger"

    def describe(self) -> dict[str, str]:
        return {"revision": self.model}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        output.touch()


@dataclass(frozen=True)
class NoGenerator:
    """Lacks everything."""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A package that registers the classes above, as pip would leave it."""
    info = tmp_path / "stranger-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: stranger\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[mirabench.generators]\nstranger = stranger_plugin:Stranger\n"
        "hollow = stranger_plugin:NoGenerator\nplain = stranger_plugin:function\n"
    )
    (tmp_path / "stranger_plugin.py").write_text("def function(): ...\n")
    monkeypatch.syspath_prepend(tmp_path)
    import stranger_plugin

    stranger_plugin.Stranger, stranger_plugin.NoGenerator = Stranger, NoGenerator
    registry.refresh()
    yield
    monkeypatch.undo()
    registry.refresh()


def test_the_built_in_generators_are_registered():
    assert {"command", "diffusers", "folder", "http"} <= set(registry.names(registry.GENERATORS))


def test_a_built_in_is_built_from_texts():
    template = "render --prompt={prompt} --output={output}"
    assert build("command", [f"template={template}", "revision=a=b"]) == Command(template, "a=b")


def test_options_are_typed_by_their_fields(installed):
    made = build(
        "stranger",
        ["model=m", "steps=3", "scale=none", "fast=yes", "mode=quick", "folder=a/b"],
    )
    assert made == Stranger("m", 3, None, True, "quick", Path("a/b"))
    assert isinstance(made, Generator)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["stepz=3", "model=m"], "unknown option of the generator 'stranger' 'stepz': did you mean steps?"),
        (["model"], "option 'model' of the generator 'stranger': write it as key=value"),
        ([], "the generator 'stranger' needs model: --option model=..."),
        (["model=m", "steps=few"], "option steps=few: steps is a whole number"),
        (["model=m", "scale=big"], "option scale=big: scale is a number"),
        (["model=m", "fast=perhaps"], "option fast=perhaps: fast is true or false"),
        (["model=m", "mode=quik"], "unknown value of the option mode 'quik': did you mean quick?"),
    ],
    ids=["unknown", "no equals sign", "missing", "int", "float", "bool", "choice"],
)  # fmt: skip
def test_a_wrong_option_is_refused_with_what_would_be_right(options, says, installed):
    with pytest.raises(InputError) as error:
        build("stranger", options)
    assert str(error.value) == says


def test_an_unknown_generator_offers_the_nearest():
    with pytest.raises(UnknownNameError, match="unknown generator 'comand': did you mean command"):
        build("comand")


@pytest.mark.parametrize("name", ["hollow", "plain"])
def test_what_is_no_generator_is_said_to_be_none(name, installed):
    with pytest.raises(PluginError, match=name):
        build(name)
