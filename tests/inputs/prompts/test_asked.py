"""What a generator was asked: the captions within its prompt's text, and the sentences about the camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from mirabench.errors import NotApplicable
from mirabench.inputs.prompts import Prompt, in_form
from mirabench.inputs.prompts.reading import read_file
from mirabench.metrics.camera_caption import asked_moves, sentences_of_the_camera
from mirabench.metrics.camera_motion_agreement import caption_of

CAPTIONS = {
    "short": "A barrel rolls down a hill.",
    "dense": "A barrel rolls down a hill and turns right into a gate.",
    "main_object": "The barrel is red.",
    "background": "A green hill.",
    "style": "A film.",
    "camera": "The camera tilts up, then it pans left.",
}
SCENE = Prompt("barrel", "", CAPTIONS)


@pytest.mark.parametrize(
    ("form", "moves"), [("short", []), ("dense", []), ("structured", ["left", "up"])]
)
def test_the_camera_is_judged_where_the_form_asks_for_it(form: str, moves: list[str]) -> None:
    assert asked_moves(caption_of(in_form(SCENE, form))) == moves


def test_a_caption_is_found_whatever_blanks_the_text_has() -> None:
    text = "Camera:\tThe camera tilts up,\n  then it pans left."
    assert Prompt("p", text, CAPTIONS).asks_for("camera")
    assert not Prompt("p", text, CAPTIONS).asks_for("short")
    assert not Prompt("p", text).asks_for("camera")


def test_an_empty_caption_is_never_asked_for() -> None:
    for told in (True, False):
        assert not Prompt("p", "A dog.", {"style": " "}, text_is_told=told).asks_for("style")


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("A barrel rolls down to the left, rises up and moves away.", []),
        ("A man pans for gold and holds his head still.", []),
        ("A boat turns. The camera slowly zooms in on it, then moves left.", ["left", "in"]),
        ("Slow zoom out over a lake.", ["out"]),
        ("A handheld video of a dog that runs to the right.", ["handheld"]),
        ("Pan left over a city. A ball rolls.", ["left"]),
        ("Drone shot, rising up above a forest.", ["up"]),
    ],
)
def test_in_prose_only_sentences_about_the_camera_count(text: str, moves: list[str]) -> None:
    assert asked_moves(sentences_of_the_camera(text)) == moves
    assert asked_moves(caption_of(Prompt("p", text, CAPTIONS))) == moves


def read(path: Path, table: str) -> Prompt:
    path.write_text(table, encoding="utf-8")
    return next(iter(read_file(path).values()))


def test_a_table_without_a_text_asks_for_all_its_captions(tmp_path: Path) -> None:
    columns = "id,short_caption,camera_caption"
    row = "a,A dog.,The camera pans left."
    untold = read(tmp_path / "meta.csv", f"{columns}\n{row}\n")
    assert (untold.text, untold.text_is_told) == ("A dog.", False)
    assert asked_moves(caption_of(untold)) == ["left"]
    told = read(tmp_path / "told.csv", f"{columns},prompt\n{row},A dog.\n")
    assert told.text_is_told
    assert asked_moves(caption_of(told)) == []
    empty = read(tmp_path / "empty.csv", f"{columns},prompt\n{row},\n")
    assert asked_moves(caption_of(empty)) == ["left"]


def test_an_empty_camera_caption_asks_nothing_of_the_camera() -> None:
    with pytest.raises(NotApplicable, match="camera caption is empty"):
        caption_of(Prompt("p", "The camera pans left.", {"camera": ""}))
