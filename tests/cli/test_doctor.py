"""`mirabench doctor` says what works here, and what does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from mirabench.cli import doctor
from mirabench.cli.main import app


def facts() -> tuple[int, dict[str, dict[str, object]]]:
    result = CliRunner().invoke(app, ["doctor", "--json"])
    return result.exit_code, json.loads(result.stdout)


def test_a_sound_installation_scores_a_clip(tmp_path: Path) -> None:
    code, found = facts()
    assert code == 0
    assert list(found) == list(doctor._PROBES)
    assert found["versions"]["numpy"]
    assert found["extras"]["torch"] == "installed"
    assert str(found["codecs"]["h264"]).startswith("decoded by")
    assert found["cache"]["folder"] == str(tmp_path / "feature-cache")
    assert float(str(found["clip"]["flow_magnitude"])) > 0


def test_a_missing_package_of_an_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        doctor, "requires", lambda _: ["numpy>=1", 'no-such-package>=2; extra == "torch"']
    )
    assert doctor._extras() == {"torch": "not installed (no no-such-package)"}


def test_one_broken_part_hides_no_other_and_a_clip_that_fails_makes_the_code_1(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def broken() -> dict[str, object]:
        raise OSError("the disk is gone")

    monkeypatch.setitem(doctor._PROBES, "cache", broken)
    monkeypatch.setitem(doctor._PROBES, "clip", broken)
    code, found = facts()
    assert code == 1
    assert found["cache"] == {"error": "unexpected OSError: the disk is gone"}
    assert "numpy" in found["versions"]


def test_text_is_for_people() -> None:
    result = CliRunner().invoke(app, ["doctor"])
    assert result.exit_code == 0
    for heading in doctor._PROBES:
        assert f"{heading}\n" in result.stdout
