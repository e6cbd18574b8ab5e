"""A check file is read strictly: what is wrong with it is one sentence with its line."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from mirabench.checks.file import read_check_file
from mirabench.checks.requirement import Requirement
from mirabench.errors import InputError, MissingExtraError

GOOD = """\
videos: [outputs/*.mp4, more/]
suite: lite
prompts: prompts.csv
baseline: old/report.json
checks:
  - metric: sharpness
    min: 0.3
    max: 1
  - {metric: warping_error, not_worse_than: baseline}
"""


def written(folder: Path, text: str) -> Path:
    path = folder / "checks.mirabench.yaml"
    path.write_text(text)
    return path


def test_a_good_file_is_understood(tmp_path: Path) -> None:
    file = read_check_file(written(tmp_path, GOOD))
    assert [str(asked) for asked in file.spec.checks] == [
        "sharpness min 0.3, max 1",
        "warping_error not worse than baseline",
    ]
    assert file.lines == (6, 9)
    assert file.suite.name == "lite"


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    file = read_check_file(written(tmp_path, GOOD))
    assert file.videos == [str(tmp_path / "outputs/*.mp4"), str(tmp_path / "more")]
    assert file.beside("prompts.csv") == tmp_path / "prompts.csv"


def test_a_folder_whose_name_looks_like_a_pattern_is_no_pattern(tmp_path: Path) -> None:
    folder = tmp_path / "run[1]"
    folder.mkdir()
    file = read_check_file(written(folder, GOOD))
    assert file.videos[0] == str(tmp_path / "run[[]1]" / "outputs/*.mp4")


def test_a_suite_file_stands_beside_the_check_file(rendered: Path, tmp_path: Path) -> None:
    (tmp_path / "small.toml").write_text((rendered / "small.toml").read_text())
    text = "videos: .\nsuite: small.toml\nchecks: [{metric: sharpness, min: 0}]"
    assert read_check_file(written(tmp_path, text)).suite.name == "small"


CHECKS = "checks: [{metric: sharpness, min: 0.1}]\n"
BAD = {
    "a typo in a key": (
        "videos: a\nsuit: lite\n" + CHECKS,
        "line 2: unknown key 'suit': did you mean 'suite'?",
    ),
    "a typo in a check": (
        "videos: a\nchecks:\n  - metric: sharpness\n    mni: 0.1\n",
        "line 4: unknown key 'mni': did you mean 'min'?",
    ),
    "a typo in the key of the metric": (
        "videos: a\nchecks:\n  - metrik: sharpness\n    min: 0.1\n",
        "line 3: unknown key 'metrik': did you mean 'metric'?",
    ),
    "a key like no other": (
        "videos: a\nzzz: 1\n" + CHECKS,
        "line 2: unknown key 'zzz': known are videos, suite",
    ),
    "a missing key": (CHECKS, "line 1: the key 'videos' is missing"),
    "a duplicate key": (
        "videos: a\nvideos: b\n" + CHECKS,
        "line 2: the key 'videos' is duplicated",
    ),
    "an unknown metric": (
        "videos: a\nchecks:\n  - {metric: sharpnes, min: 0.1}\n",
        "line 3: unknown metric 'sharpnes': did you mean sharpness?",
    ),
    "a metric of another suite": (
        "videos: a\nchecks: [{metric: fvd, max: 1}]\n",
        "line 2: the suite lite does not measure fvd",
    ),
    "an unknown suite": (
        "videos: a\nsuite: light\n" + CHECKS,
        "line 2: unknown suite 'light': did you mean lite?",
    ),
    "a min above the max": (
        "videos: a\nchecks:\n  - metric: sharpness\n    min: 2\n    max: 1\n",
        "line 3: sharpness can never pass: min 2 is above max 1",
    ),
    "nothing asked": (
        "videos: a\nchecks:\n  - metric: sharpness\n",
        "line 3: sharpness requires nothing",
    ),
    "a NaN": (
        "videos: a\nchecks:\n  - {metric: sharpness, min: .nan}\n",
        "line 3: min: input should be a finite number, not nan",
    ),
    "text for a number": (
        "videos: a\nchecks:\n  - {metric: sharpness, min: high}\n",
        "line 3: min: input should be a valid number, not 'high'",
    ),
    "no checks": ("videos: a\nchecks: []\n", "line 2: checks: list should have at least 1 item"),
    "a list": ("- a\n", "line 1: "),
    "an empty file": ("", "line 1: "),
    "not valid YAML": ("videos: [a\nchecks: }\n", "line 2: not valid YAML"),
    "an object of Python": ("videos: !!python/object:os.system {}\n", "not valid YAML"),
}


@pytest.mark.parametrize(("text", "sentence"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_one_sentence_with_its_line(
    tmp_path: Path, text: str, sentence: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(InputError) as caught:
        read_check_file(path)
    message = str(caught.value)
    assert message.startswith(f"{path}, ")
    assert sentence in message
    assert "\n" not in message


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"cannot read .*No such file"):
        read_check_file(tmp_path / "no.mirabench.yaml")


def test_bytes_that_are_no_text_are_said(tmp_path: Path) -> None:
    path = tmp_path / "x.mirabench.yaml"
    path.write_bytes(b"videos: \xff\xfe\n")
    with pytest.raises(InputError, match="not valid YAML"):
        read_check_file(path)


def test_without_pyyaml_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml", None)
    with pytest.raises(MissingExtraError, match=r"\.\[check\]"):
        read_check_file(written(tmp_path, GOOD))


def test_the_plugin_loads_nothing_heavy() -> None:
    code = "import sys, mirabench.pytest_plugin; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"numpy", "cv2", "av", "pydantic", "yaml", "scipy", "typer", "jinja2", "torch"}
    assert not heavy & set(done.stdout.split())


def test_the_check_file_of_the_docs_is_one(tmp_path: Path) -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
    (text,) = re.findall(
        r"^```yaml\n(# checks.mirabench.yaml\n.*?)^```", page.read_text(), re.S | re.M
    )
    file = read_check_file(written(tmp_path, text))
    told = set(
        re.findall(r"`(\w+)`", " ".join(re.findall(r"^\| (`.*?) \|", page.read_text(), re.M)))
    )
    assert set(type(file.spec).model_fields) | set(Requirement.model_fields) <= told


def test_the_workflow_of_the_docs_runs_the_check_of_the_docs() -> None:
    page = Path(__file__).resolve().parents[2] / "docs" / "checks.md"
    (text,) = re.findall(
        r"^```yaml\n(# .github.*?)^```", page.read_text(), re.DOTALL | re.MULTILINE
    )
    steps = yaml.safe_load(text)["jobs"]["check"]["steps"]
    assert any("mirabench check checks.mirabench.yaml" in step.get("run", "") for step in steps)
