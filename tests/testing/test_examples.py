"""The example clips are written with a manifest that evaluates as it stands."""

from __future__ import annotations

from pathlib import Path

import pytest

import mirabench
from mirabench.inputs.prompts import ASPECTS
from mirabench.metrics.camera_caption import asked_moves
from mirabench.testing import examples
from mirabench.testing.examples import example_clips, write_examples


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Twelve frames of each, a third of the size."""
    monkeypatch.setattr(examples, "FRAMES", 12)
    monkeypatch.setattr(examples, "SIZE", (160, 90))


@pytest.mark.usefixtures("short")
class TestWritten:
    def test_the_manifest_is_an_input(self, tmp_path: Path) -> None:
        manifest = write_examples(tmp_path / "new")
        report = mirabench.evaluate(manifest, metrics=["sharpness"], cache=False)
        assert [v.id for v in report.videos] == ["ball-freeze", "room-dolly", "room-wobble"]
        assert str(tmp_path) not in manifest.read_text()

    def test_each_has_every_caption(self) -> None:
        for example in example_clips():
            assert set(example.captions) == set(ASPECTS)
            assert all(len(text.split()) > 8 for text in example.captions.values())


def test_the_camera_captions_ask_for_what_the_cameras_do() -> None:
    assert asked_moves(examples._ROOM["camera"]) == ["right", "in"]
    assert asked_moves(examples._BALL["camera"]) == ["right", "moving"]
