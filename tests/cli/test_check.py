"""`mirabench check`: exit codes, table, JUnit XML, Markdown, reports."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as ET

import clipkit
import pytest

from mirabench.checks.junit import junit_xml
from mirabench.checks.markdown import markdown
from mirabench.checks.requirement import requirement
from mirabench.checks.result import RequirementResult
from mirabench.cli.main import main
from mirabench.report.model import load_report
from mirabench.video.encode import write_video

Run = Callable[..., tuple[int, str, str]]
FILE = """
videos: clips/*.mp4
suite: small.toml
checks:
  - {metric: sharpness, min: 0}
  - {metric: exposure, max: 1}
"""


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with five clips, a suite and a check file that passes."""
    for number in range(5):
        clip = clipkit.panning(frames=8, dx=1.0, size=(64, 48), seed=number)
        write_video(tmp_path / "clips" / f"{number}.mp4", clip)
        write_video(tmp_path / "blurred" / f"{number}.mp4", clipkit.blur(clip, 2.0))
    (tmp_path / "small.toml").write_text(
        'name = "small"\nversion = 1\nmetrics = [{ name = "sharpness" }, { name = "exposure" }]\n'
    )
    (tmp_path / "a.mirabench.yaml").write_text(FILE)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `mirabench check ...` in this process: (exit code, stdout, stderr)."""

    def call(*words: str) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["mirabench", "check", *words])
        with pytest.raises(SystemExit) as stopped:
            main()
        said = capsys.readouterr()
        return int(stopped.value.code or 0), said.out, said.err

    return call


def check_file(folder: Path, checks: str, more: str = "") -> str:
    text = f"videos: clips\nsuite: small.toml\n{more}\nchecks: [{checks}]\n"
    (folder / "b.mirabench.yaml").write_text(text)
    return "b.mirabench.yaml"


def test_all_passed_is_0_and_a_table(here: Path, run: Run) -> None:
    code, out, err = run("a.mirabench.yaml")
    assert (code, err) == (0, "".join(f"[{n + 1}/5] {n}\n" for n in range(5)))
    assert out.count("passed") == 2


def test_one_failed_is_1_and_says_why(here: Path, run: Run) -> None:
    name = check_file(here, "{metric: sharpness, min: 1}, {metric: exposure, min: 0}")
    code, out, _ = run("a.mirabench.yaml", name)
    assert code == 1
    assert out.count("passed") == 3
    assert "below min 1" in out
    strip = out.split("film strip")[1].split()[0]
    assert Path(strip).parent == here / "mirabench-checks" / "film-strips"
    assert Path(strip).exists()


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("videos: none/*.mp4\nchecks: [{metric: sharpness, min: 0}]", "matches nothing as a glob"),
        ("videos: empty\nchecks: [{metric: sharpness, min: 0}]", "no video in"),
        ("videos: clips\nchecks: [{metric: camera_motion_agreement, min: 0}]", "no clip has a pr"),
        (
            "videos: clips\nchecks: [{metric: noise, not_worse_than: baseline}]",
            "add `baseline: report.json`",
        ),
        ("videos: clips\nchecks: [{metric: noise, not_worse_than: x}]", "cannot read the report"),
    ],
)
def test_a_check_that_cannot_be_made_is_2_and_the_others_are_made(
    here: Path, run: Run, text: str, sentence: str
) -> None:
    (here / "empty").mkdir()
    (here / "one.toml").write_text(
        'name = "one"\nversion = 1\n'
        'metrics = [{ name = "sharpness" }, { name = "noise" }, { name = "camera_motion_agreement" }]\n'
    )
    (here / "b.mirabench.yaml").write_text(f"suite: one.toml\n{text}\n")
    code, out, _ = run("b.mirabench.yaml", "a.mirabench.yaml")
    assert code == 2
    assert out.count("passed") == 2
    assert sentence in out


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("c.mirabench.yaml", "cannot read c.mirabench.yaml: No such file or directory"),
        ("b.mirabench.yaml", "line 4: unknown metric 'sharpnes': did you mean sharpness?"),
    ],
)
def test_a_file_that_is_not_valid_is_2_and_one_line(
    here: Path, run: Run, name: str, sentence: str
) -> None:
    check_file(here, "{metric: sharpnes, min: 0}")
    code, out, err = run("a.mirabench.yaml", name)
    assert (code, out) == (2, "")
    assert err.startswith("mirabench: ")
    assert sentence in err
    assert err.count("\n") == 1


def test_junit_has_a_case_for_each_check(here: Path, run: Run) -> None:
    name = check_file(here, "{metric: sharpness, min: 1}, {metric: exposure, min: 0}")
    run(name, "--junit", "out/j.xml")
    suite = ET.parse("out/j.xml").getroot().find("testsuite")
    assert suite is not None
    assert suite.attrib == {
        "name": name, "tests": "2", "failures": "1", "errors": "0", "skipped": "0",
    }  # fmt: skip
    failed, passed = suite.findall("testcase")
    assert failed.attrib["name"] == "sharpness min 1"
    assert "film strip" in failed.findtext("failure", "")
    assert passed.find("failure") is None
    assert float(passed.find("properties/property").attrib["value"]) > 0


def test_the_summary_goes_where_it_is_asked_for(here: Path, run: Run) -> None:
    run("a.mirabench.yaml", "--summary", "s.md")
    text = Path("s.md").read_text()
    assert text.startswith("### a.mirabench.yaml: 2 of 2 checks passed\n")
    assert "| sharpness min 0 | " in text


def test_the_summary_is_added_to_that_of_the_ci_step(
    here: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_STEP_SUMMARY", str(here / "step.md"))
    Path("step.md").write_text("before\n")
    run("a.mirabench.yaml")
    assert Path("step.md").read_text().startswith("before\n### a.mirabench.yaml")
    run("a.mirabench.yaml", "--summary", "s.md")
    assert Path("step.md").read_text().count("###") == 1


def test_reports_are_written_to_the_output_folder(here: Path, run: Run) -> None:
    _, out, _ = run("a.mirabench.yaml", "--output", "out")
    page = Path("out/a-small/report.html")
    assert f"report: {page}" in out
    assert load_report(page.parent).summary["sharpness"].n == 5


def test_a_baseline_is_written_then_held(here: Path, run: Run) -> None:
    name = check_file(here, "{metric: sharpness, not_worse_than: baseline}")
    code, out, _ = run(name, "--baseline", "old/b.json", "--update-baseline")
    assert code == 0
    assert f"baseline: {here / 'old' / 'b.json'}" in out
    assert run(name, "--baseline", "old/b.json")[0] == 0
    shutil.copytree("blurred", "clips", dirs_exist_ok=True)
    code, out, _ = run(name, "--baseline", "old/b.json")
    assert code == 1
    assert "significantly worse than in the baseline" in out


def test_a_baseline_of_another_suite_is_2(here: Path, run: Run) -> None:
    name = check_file(here, "{metric: sharpness, not_worse_than: baseline}")
    run(name, "--baseline", "b.json", "--update-baseline")
    raw = json.loads(Path("b.json").read_text())
    raw["suite"]["digest"] = "0" * 16
    Path("b.json").write_text(json.dumps(raw))
    code, out, _ = run(name, "--baseline", "b.json")
    assert code == 2
    assert "belongs to another suite, small v1 (0000000000000000)" in out


def test_an_unknown_device_is_2(here: Path, run: Run) -> None:
    code, _, err = run("a.mirabench.yaml", "--device", "gpu")
    assert code == 2
    assert "unknown device 'gpu': did you mean cpu" in err


def test_an_update_with_nowhere_to_go_is_2(here: Path, run: Run) -> None:
    code, _, err = run("a.mirabench.yaml", "--update-baseline")
    assert code == 2
    assert "add --baseline FILE" in err


class TestStrangersText:
    """File names and prompts come from anywhere."""

    OUTCOMES = (
        RequirementResult(
            requirement(metric="a|b_c", min=0.0),
            "failed",
            ("bad <script> \x00 name | `x`",),
        ),
    )

    def test_does_not_break_the_table(self) -> None:
        text = markdown({Path("x_y.yaml"): self.OUTCOMES})
        assert "| a\\|b\\_c min 0 |" in text
        assert "&lt;script&gt;" in text

    def test_does_not_break_the_xml(self) -> None:
        root = ET.fromstring(junit_xml({Path("x.yaml"): self.OUTCOMES}).split("\n", 1)[1])
        assert root.find(".//failure").attrib["message"] == "bad <script> \ufffd name | `x`"
