"""The prompt sets as tables: files, cards, columns, tags, counts and balance."""

from __future__ import annotations

import hashlib
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

Scene = dict[str, str]

COLUMNS = [
    "id",
    "category",
    "camera_moves",
    "motion",
    "setting",
    "time_of_day",
    "style",
    "num_subjects",
    "event",
    "short_caption",
    "dense_caption",
    "main_object_caption",
    "background_caption",
    "camera_caption",
    "style_caption",
]
CAMERA_MOVES = (
    "static",
    "pan-left",
    "pan-right",
    "tilt-up",
    "tilt-down",
    "zoom-in",
    "zoom-out",
    "dolly-in",
    "dolly-out",
    "truck-left",
    "truck-right",
    "pedestal-up",
    "pedestal-down",
    "roll",
    "orbit",
    "handheld",
    "tracking",
)
TAGS = {
    "category": {"human": 13, "animal": 13, "object": 12, "landscape": 12},
    "motion": {"low": 19, "medium": 17, "high": 14},
    "setting": {"outdoor": 31, "indoor": 19},
    "time_of_day": {"day": 21, "night": 14, "dawn": 8, "dusk": 7},
    "style": {"real": 31, "rendered": 11, "painted": 8},
}
FORMS = ("short", "dense", "structured")


def moves_of(scene: Scene) -> list[str]:
    return scene["camera_moves"].split(";")


@pytest.fixture(scope="module")
def cards(prompts_folder: Path) -> dict[str, Any]:
    cards: dict[str, Any] = tomllib.loads((prompts_folder / "cards.toml").read_text("utf-8"))
    return cards


def test_every_prompt_file_has_a_card_and_every_card_a_file(
    prompts_folder: Path, cards: dict[str, Any]
) -> None:
    assert {card["file"] for card in cards.values()} == {
        path.name for path in prompts_folder.glob("*.csv")
    }
    assert all(card["file"] == f"{name}.csv" for name, card in cards.items())


@pytest.mark.parametrize("name", ["mirabench-v1", "mirabench-v2", "smoke"])
def test_a_card_tells_digest_counts_columns_licence_and_origin(
    name: str, prompts_folder: Path, cards: dict[str, Any], request: pytest.FixtureRequest
) -> None:
    card = cards[name]
    rows = request.getfixturevalue(
        {"mirabench-v1": "first_scenes", "mirabench-v2": "scenes", "smoke": "smoke"}[name]
    )
    digest = hashlib.sha256((prompts_folder / card["file"]).read_bytes()).hexdigest()
    assert card["sha256"] == digest, f"set sha256 of {name} in cards.toml to {digest}"
    assert card["scenes"] == len(rows)
    assert card["forms"] == list(FORMS)
    assert card["prompts"] == len(rows) * len(FORMS)
    assert card["columns"] == COLUMNS
    assert card["licence"] == "CC-BY-4.0"
    assert card["title"] and card["version"] and card["provenance"]


def test_fifty_scenes_give_150_prompts(scenes: list[Scene], cards: dict[str, Any]) -> None:
    assert len(scenes) == 50
    assert cards["mirabench-v2"]["prompts"] == 150


def test_columns_are_exactly_these_in_this_order(scenes: list[Scene], smoke: list[Scene]) -> None:
    assert [*scenes[0]] == [*smoke[0]] == COLUMNS


def test_no_cell_is_empty_or_padded_or_holds_a_line_break(scenes: list[Scene]) -> None:
    for scene in scenes:
        for column, text in scene.items():
            assert text and text == " ".join(text.split()), (scene["id"], column)


def test_ids_are_category_and_running_number(scenes: list[Scene]) -> None:
    seen: Counter[str] = Counter()
    for scene in scenes:
        seen[scene["category"]] += 1
        assert scene["id"] == f"{scene['category']}-{seen[scene['category']]:02d}"


@pytest.mark.parametrize("column", TAGS)
def test_tags_are_in_the_vocabulary_and_balanced_as_documented(
    column: str, scenes: list[Scene]
) -> None:
    assert Counter(scene[column] for scene in scenes) == TAGS[column]


def test_every_category_meets_every_motion_setting_and_style(scenes: list[Scene]) -> None:
    for column in ("motion", "setting", "style"):
        pairs = {(scene["category"], scene[column]) for scene in scenes}
        assert len(pairs) == len(TAGS["category"]) * len(TAGS[column]), column


def test_number_of_subjects_is_a_count(scenes: list[Scene]) -> None:
    assert all(re.fullmatch(r"0|[1-9]\d?", scene["num_subjects"]) for scene in scenes)
    none = {scene["category"] for scene in scenes if scene["num_subjects"] == "0"}
    assert none == {"landscape"}, "only a landscape may be without a main subject"


def test_each_scene_has_two_or_three_different_moves_of_the_vocabulary(scenes: list[Scene]) -> None:
    for scene in scenes:
        moves = moves_of(scene)
        assert len(set(moves)) == len(moves) in (2, 3), scene["id"]
        assert set(moves) <= set(CAMERA_MOVES), scene["id"]


@pytest.mark.parametrize("move", CAMERA_MOVES)
def test_each_camera_move_is_asked_for_in_five_scenes_and_two_categories(
    move: str, scenes: list[Scene]
) -> None:
    asking = [scene for scene in scenes if move in moves_of(scene)]
    assert len(asking) >= 5
    assert len({scene["category"] for scene in asking}) >= 2


@pytest.mark.parametrize("pair", ["pan", "tilt", "zoom", "dolly", "truck", "pedestal"])
def test_opposite_moves_are_asked_for_about_equally_often(pair: str, scenes: list[Scene]) -> None:
    uses = Counter(move for scene in scenes for move in moves_of(scene) if move.startswith(pair))
    assert len(uses) == 2
    assert max(uses.values()) - min(uses.values()) <= 2


def test_events_are_one_sentence_with_a_course(scenes: list[Scene]) -> None:
    for scene in scenes:
        event = scene["event"]
        assert re.fullmatch(r"[A-Z][^.!?]*\.", event), scene["id"]
        assert 14 <= len(event.split()) <= 32, scene["id"]
    assert len({scene["event"] for scene in scenes}) == len(scenes)


def test_smoke_is_a_verbatim_subset_that_touches_every_tag(
    scenes: list[Scene], smoke: list[Scene]
) -> None:
    assert len(smoke) == 6
    assert all(scene in scenes for scene in smoke)
    for column, values in TAGS.items():
        assert {scene[column] for scene in smoke} == set(values), column
    missing = set(CAMERA_MOVES) - {move for scene in smoke for move in moves_of(scene)}
    assert missing == {"pedestal-up"}
