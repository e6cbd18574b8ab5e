"""`mirabench compare` as its user runs it: tables, files, exit codes, and one sentence for each mistake."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from reportkit import clip, report

from mirabench.cli.main import main
from mirabench.report.model import Report


@dataclass(frozen=True)
class Done:
    code: int
    out: str
    err: str


class Shell:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch, self._capsys = monkeypatch, capsys

    def __call__(self, *arguments: object) -> Done:
        self._monkeypatch.setattr(sys, "argv", ["mirabench", "compare", *map(str, arguments)])
        with pytest.raises(SystemExit) as exit_:
            main()
        output = self._capsys.readouterr()
        return Done(int(exit_.value.code or 0), output.out, output.err)

    def fails(self, *arguments: object) -> str:
        """The one sentence of a command that cannot be run."""
        done = self(*arguments)
        assert done.code == 2
        assert len(done.err.strip().splitlines()) == 1, done.err
        return done.err


@pytest.fixture
def compare(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shell:
    return Shell(monkeypatch, capsys)


def made(shift: float = 0.0, *, digest: str = "d" * 10, prompt: str = "p") -> Report:
    return report(
        [
            clip(f"{prompt}{i}/seed-0", f"{prompt}{i}", sharpness=0.3 + i / 100 + shift, noise=2.0)
            for i in range(10)
        ],
        digest=digest,
    )


def put(folder: Path, found: Report) -> Path:
    folder.mkdir()
    (folder / "report.json").write_text(found.to_json())
    return folder


@pytest.fixture
def base(tmp_path: Path) -> Path:
    return put(tmp_path / "base", made())


@pytest.fixture
def worse(tmp_path: Path) -> Path:
    return put(tmp_path / "worse", made(-0.1))


def test_the_table_has_a_verdict_for_each_metric(compare: Shell, base: Path, worse: Path) -> None:
    done = compare(base, worse)
    assert done.code == 0
    assert "worse minus base" in done.out
    assert "worse against base: better on none; worse on 1 (sharpness)" in done.out
    assert "equivalent on 1" in done.out
    assert "10 pairs (10 by prompt and seed)" in done.out


def test_being_worse_fails_only_when_asked_to(compare: Shell, base: Path, worse: Path) -> None:
    assert compare(base, worse).code == 0
    assert compare(base, worse, "--fail-on-worse").code == 1
    assert compare(worse, base, "--fail-on-worse").code == 0
    assert compare(base, worse, "--fail-on-worse", "--metrics", "noise").code == 0


def test_json_alone_on_the_terminal(compare: Shell, base: Path, worse: Path) -> None:
    found = json.loads(compare(base, worse, "--json", "-").out)
    assert found["contrasts"][0]["metrics"]["sharpness"]["verdict"] == "worse"
    assert found["contrasts"][0]["metrics"]["sharpness"]["mean"] == pytest.approx(-0.1)


def test_json_in_a_file_and_a_folder_with_the_page(
    compare: Shell, base: Path, worse: Path, tmp_path: Path
) -> None:
    done = compare(base, worse, "--json", tmp_path / "c.json", "--output", tmp_path / "out")
    assert "compare.html" in done.out
    assert (tmp_path / "c.json").read_text() == (tmp_path / "out" / "compare.json").read_text()
    page = (tmp_path / "out" / "compare.html").read_text()
    assert "▲ worse" in page
    assert "not in the feature cache" in page


def test_three_runs_are_each_compared_with_the_first(
    compare: Shell, base: Path, worse: Path, tmp_path: Path
) -> None:
    third = put(tmp_path / "third", made(0.1))
    out = compare(base, worse, third / "report.json").out
    assert "worse against base: better on none; worse on 1" in out
    assert "third against base: better on 1 (sharpness)" in out


class TestMistakes:
    def test_no_common_prompt(self, compare: Shell, base: Path, tmp_path: Path) -> None:
        other = put(tmp_path / "other", made(prompt="q"))
        assert "have no prompt and no clip id in common" in compare.fails(base, other)

    def test_other_suite(self, compare: Shell, base: Path, tmp_path: Path) -> None:
        other = put(tmp_path / "other", made(digest="e" * 10))
        assert "(dddddddddd) and other with mine v1 (eeeeeeeeee)" in compare.fails(base, other)
        assert compare(base, other, "--across").code == 0

    def test_nan_in_a_report(self, compare: Shell, base: Path, tmp_path: Path) -> None:
        other = put(tmp_path / "other", made())
        path = other / "report.json"
        path.write_text(path.read_text().replace('"value": 2.0', '"value": NaN', 1))
        assert "videos.0.scores.noise.value: Input should be a finite number" in compare.fails(
            base, other
        )

    def test_newer_schema(self, compare: Shell, base: Path, tmp_path: Path) -> None:
        other = put(tmp_path / "other", made())
        path = other / "report.json"
        path.write_text(
            path.read_text().replace('"schema_version": "1.3"', '"schema_version": "7.0"')
        )
        assert "has schema version '7.0', this mirabench reads 1.3" in compare.fails(base, other)

    def test_the_same_file_twice(self, compare: Shell, base: Path) -> None:
        assert "are the same file" in compare.fails(base, base / "report.json")

    def test_a_missing_file(self, compare: Shell, base: Path, tmp_path: Path) -> None:
        assert "cannot read the report" in compare.fails(base, tmp_path / "nowhere.json")

    def test_one_report(self, compare: Shell, base: Path) -> None:
        assert "needs two reports" in compare.fails(base)

    def test_an_unknown_metric(self, compare: Shell, base: Path, worse: Path) -> None:
        assert "did you mean sharpness?" in compare.fails(base, worse, "--metrics", "sharpnes")

    def test_an_unwritable_folder(self, compare: Shell, base: Path, worse: Path) -> None:
        assert "cannot write" in compare.fails(base, worse, "--output", base / "report.json")
