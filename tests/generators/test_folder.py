"""Finished clips join a run under the names they have."""

from __future__ import annotations

from pathlib import Path

import pytest
from fakegen import paint

from mirabench.errors import GeneratorError, InputError
from mirabench.generators.folder import Folder
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt

CAT, DOG = Prompt("cat/short", "A cat, asleep."), Prompt("dog/short", "A dog: awake!")


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    folder = tmp_path / "finished"
    for name in ("A cat, asleep.-0", "A cat, asleep.-1", "more/dog_short", "other"):
        paint(folder / f"{name}.mp4", name)
    return folder


def test_clips_are_found_by_id_or_text_and_seed(finished, tmp_path):
    outcome = generate_all(Folder(finished, "v1"), [CAT, DOG], tmp_path / "run", seeds=(0, 1))
    assert {e.id: e.status for e in outcome.entries} == {
        "cat/short/seed-0": "done",
        "cat/short/seed-1": "done",
        "dog/short/seed-0": "done",
        "dog/short/seed-1": "failed",
    }
    assert outcome.failed[0].why == (f"no file in {finished} is named after it with the seed 1")
    first = outcome.entries[0]
    brought = outcome.manifest.parent / first.path
    assert brought.read_bytes() == (finished / "A cat, asleep.-0.mp4").read_bytes()
    assert first.maker.revision == "v1"


def test_two_files_for_one_clip_are_not_chosen_between(finished, tmp_path):
    paint(finished / "dog-short.mp4", "another")
    with pytest.raises(GeneratorError, match=r"2 files in .* fit it: dog-short, more/dog_short"):
        Folder(finished).generate(DOG, seed=0, output=tmp_path / "a.mp4")


def test_the_pairing_can_be_looked_at_first(finished):
    pairing = Folder(finished).pairing([CAT, DOG])
    assert pairing.summary() == (
        "3 of 4 videos have a prompt (2 by text, 1 by id); 0 prompts have no video"
    )


@pytest.mark.parametrize(("name", "says"), [("absent", "no folder"), ("empty", "no video in")])
def test_a_folder_without_clips_is_refused(name, says, tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=says):
        Folder(tmp_path / name).describe()
