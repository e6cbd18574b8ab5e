"""The captions as prose: length, language, camera words that match the tags, no duplicates."""

from __future__ import annotations

import re
from collections import Counter
from itertools import combinations

import pytest

from mirabench.inputs.prompts import read_prompts
from mirabench.metrics.camera_caption import asked_moves, sentences_of_the_camera
from mirabench.metrics.camera_motion_agreement import caption_of

Scene = dict[str, str]

WORDS = {
    "short_caption": (6, 22),
    "dense_caption": (50, 130),
    "main_object_caption": (45, 90),
    "background_caption": (40, 80),
    "camera_caption": (50, 90),
    "style_caption": (15, 46),
}
"""Fewest and most words. MiraData's tables have a few texts of several hundred, which no generator reads."""
SPREAD = {
    "short_caption": (9, 14, 21),
    "dense_caption": (68, 87, 105),
    "main_object_caption": (56, 66, 81),
    "background_caption": (46, 59, 71),
    "camera_caption": (53, 64, 77),
    "style_caption": (22, 28, 39),
}
"""Tenth, middle and ninetieth percentile of words in MiraData's published sample of a hundred rows."""
MAX_SHARED_5GRAMS = 0.02
"""Bound on the Jaccard overlap of word 5-grams of two captions of one kind.

A copied clause of eight words in two captions of ninety gives 0.025; the largest value in the set is
0.016, two camera captions that share the phrase of a move.
"""
COPIED_RUN = 8
"""So many words in a row shared with another data set count as copied."""

DIRECTED_MOVES = re.compile(
    r"\b(?:(?P<pan>pans?|panning)|(?P<truck>trucks?|trucking)|(?P<tilt>tilts?|tilting)"
    r"|(?P<pedestal>pedestals?|pedestalling)|(?P<zoom>zooms?|zooming)"
    r"|(?P<dolly>dolly|dollies|dollying))\b"
    r"(?:(?:\s+[\w'-]+){0,2}?\s+(?P<direction>left|right|up|down|in|out)\b)?"
    r"|\b(?:(?P<roll>rolls?|rolling)|(?P<orbit>orbits?|orbiting)|(?P<static>static)"
    r"|(?P<handheld>handheld)|(?P<tracking>tracks?|tracking))\b",
    re.IGNORECASE,
)

MEDIUM = {
    "rendered": re.compile(r"\b(?:render\w*|3D|comput\w+|CG)\b"),
    "painted": re.compile(r"\b(?:paint\w*|watercolour|gouache|ink|pastel|acrylic|oils?)\b"),
    "real": re.compile(
        r"\b(?:film\w*|footage|photograph\w*|cinematography|documentary|time-lapse|operator)\b",
        re.IGNORECASE,
    ),
}
HEARD = re.compile(
    r"\b(?:hear|heard|sounds?|silen\w+|loud\w*|nois\w+|thunder|whistl\w+|creak\w*|hiss\w*|roar\w*"
    r"|chords?|tunes?|music\w*|hum|hums|humming|boom\w*|murmur\w*|crackl\w*|chirp\w*|ticks?|ticking"
    r"|echo\w*)\b",
    re.IGNORECASE,
)
WORN = re.compile(
    r"testament to|tapestry|bustling|vibrant|breathtaking|mesmeri[sz]ing|stunning|captivating"
    r"|dance of|symphony|whimsical|ethereal|nestled|a sense of|captures the essence|delve"
    r"|the (?:video|scene|clip) (?:shows|begins|opens|depicts)|(?:first|last|final) frame",
    re.IGNORECASE,
)
AMERICAN = re.compile(
    r"\b(?:color\w*|gray\w*|center\w*|meters?|traveling|plow\w*|curbs?|neighbor\w*|toward)\b"
)


def sentences(text: str) -> list[str]:
    return re.split(r"(?<=[.!?])\s+", text)


def grams(text: str, n: int) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9'-]+", text.lower())
    return {tuple(words[i : i + n]) for i in range(len(words) - n + 1)}


def moves_named(text: str) -> list[str]:
    """The camera moves that a caption names, each once, in the order of their first mention.

    A directed verb without its direction within three words gives e.g. `pan-?`, which no tag equals.
    """
    names = []
    for match in DIRECTED_MOVES.finditer(text):
        groups = match.groupdict()
        direction = groups.pop("direction")
        verb = next(name for name, word in groups.items() if word)
        directed = verb in {"pan", "truck", "tilt", "pedestal", "zoom", "dolly"}
        names.append(f"{verb}-{(direction or '?').lower()}" if directed else verb)
    return list(dict.fromkeys(names))


@pytest.mark.parametrize(
    ("text", "moves"),
    [
        ("It pans left, then the lens zooms slowly out.", ["pan-left", "zoom-out"]),
        ("Handheld at first, it ends static.", ["handheld", "static"]),
        ("The camera zooms out until both fit in.", ["zoom-out"]),
        ("It pans with the dog and its flock to the left.", ["pan-?"]),
        ("Tracking the boat, it rolls, orbits and tilts down.", ["tracking", "roll", "orbit", "tilt-down"]),
        ("It dollies in, and dollies in again.", ["dolly-in"]),
        ("Nothing of the kind.", []),
    ],
)  # fmt: skip
def test_the_recogniser_reads_moves_in_order(text: str, moves: list[str]) -> None:
    assert moves_named(text) == moves


def test_camera_captions_name_exactly_the_tagged_moves_in_order(scenes: list[Scene]) -> None:
    wrong = {
        scene["id"]: (scene["camera_moves"], named)
        for scene in scenes
        if (named := moves_named(scene["camera_caption"])) != scene["camera_moves"].split(";")
    }
    assert not wrong


@pytest.mark.parametrize("column", WORDS)
def test_caption_lengths_are_those_of_miradata(column: str, scenes: list[Scene]) -> None:
    low, high = WORDS[column]
    counts = {scene["id"]: len(scene[column].split()) for scene in scenes}
    assert not {key: n for key, n in counts.items() if not low <= n <= high}


@pytest.mark.parametrize("column", WORDS)
def test_lengths_spread_as_those_of_miradata(column: str, scenes: list[Scene]) -> None:
    counts = sorted(len(scene[column].split()) for scene in scenes)
    found = [counts[round(share * (len(counts) - 1))] for share in (0.1, 0.5, 0.9)]
    for ours, theirs in zip(found, SPREAD[column], strict=True):
        assert abs(ours - theirs) <= max(3, 0.12 * theirs), (found, SPREAD[column])


@pytest.mark.data
def test_the_spread_is_that_of_the_sample(samples: list[Scene]) -> None:
    for column, wanted in SPREAD.items():
        counts = sorted(n for row in samples if 0 < (n := len(row[column].split())) < 400)
        found = tuple(counts[round(share * (len(counts) - 1))] for share in (0.1, 0.5, 0.9))
        assert all(abs(a - b) <= 2 for a, b in zip(found, wanted, strict=True)), (column, found)


@pytest.mark.parametrize("column", ["short_caption", "dense_caption"])
def test_each_form_names_the_medium_of_a_painted_or_rendered_scene(
    column: str, scenes: list[Scene]
) -> None:
    made = [scene for scene in scenes if scene["style"] != "real"]
    assert len(made) == 19
    assert not [s["id"] for s in made if not MEDIUM[s["style"]].search(s[column])]


def test_a_quarter_of_the_dense_captions_ask_for_their_camera_moves_and_no_others(
    scenes: list[Scene],
) -> None:
    asking = {}
    for scene in scenes:
        text = sentences_of_the_camera(scene["dense_caption"])
        if text:
            asking[scene["id"]] = (moves_named(text), scene["camera_moves"].split(";"))
    assert not {key: moves for key, moves in asking.items() if moves[0] != moves[1]}
    assert len(asking) == pytest.approx(0.25 * len(scenes), abs=1)
    assert {key.split("-")[0] for key in asking} == {scene["category"] for scene in scenes}


@pytest.mark.parametrize("name", ["mirabench-v2", "smoke"])
def test_the_camera_is_judged_where_the_text_asks_for_it(name: str) -> None:
    for prompt in read_prompts(name).values():
        form = prompt.id.split("/")[1]
        asked = asked_moves(caption_of(prompt))
        if form == "structured":
            assert asked == asked_moves(prompt.captions["camera"]) != [], prompt.id
        elif form == "short":
            assert asked == [], (prompt.id, prompt.text)
        else:
            assert asked == [] or len(asked) == len(prompt.tags["camera_moves"].split(";")), (
                prompt.id
            )


def test_a_short_or_style_caption_is_one_sentence_and_a_dense_one_more_than_three(
    scenes: list[Scene],
) -> None:
    for scene in scenes:
        assert len(sentences(scene["short_caption"])) == 1, scene["id"]
        assert len(sentences(scene["style_caption"])) == 1, scene["id"]
        assert len(sentences(scene["dense_caption"])) > 3, scene["id"]


@pytest.mark.parametrize("column", [*WORDS, "event"])
def test_text_is_plain_english_prose(column: str, scenes: list[Scene]) -> None:
    for scene in scenes:
        text = scene[column]
        assert re.fullmatch(r"[A-Z0-9][A-Za-z0-9 ,.;:'-]*\.", text), (scene["id"], text)
        assert not AMERICAN.search(text), (scene["id"], text)
        assert not WORN.search(text), (scene["id"], text)


@pytest.mark.parametrize("column", [*WORDS, "event"])
def test_nothing_is_asked_for_that_only_ears_could_check(column: str, scenes: list[Scene]) -> None:
    assert not {scene["id"]: found for scene in scenes if (found := HEARD.findall(scene[column]))}


def test_style_captions_name_the_tagged_medium_and_no_other(scenes: list[Scene]) -> None:
    for scene in scenes:
        named = {style for style, words in MEDIUM.items() if words.search(scene["style_caption"])}
        if scene["style"] == "real":
            assert named == {"real"}, (scene["id"], named)
        else:
            assert named - {"real"} == {scene["style"]}, (scene["id"], named)


def test_no_sentence_is_used_twice(scenes: list[Scene]) -> None:
    uses = Counter(s for scene in scenes for column in WORDS for s in sentences(scene[column]))
    assert not [sentence for sentence, n in uses.items() if n > 1]


@pytest.mark.parametrize("column", WORDS)
def test_no_two_captions_of_a_kind_are_near_duplicates(column: str, scenes: list[Scene]) -> None:
    sets = {scene["id"]: grams(scene[column], 5) for scene in scenes}
    close = {
        (a, b): overlap
        for a, b in combinations(sets, 2)
        if (overlap := len(sets[a] & sets[b]) / len(sets[a] | sets[b])) > MAX_SHARED_5GRAMS
    }
    assert not close


@pytest.mark.parametrize("column", WORDS)
def test_openings_vary(column: str, scenes: list[Scene]) -> None:
    openings = Counter(" ".join(scene[column].lower().split()[:3]) for scene in scenes)
    assert max(openings.values()) <= 2, openings.most_common(3)


def test_the_near_duplicate_bound_catches_a_copied_clause(scenes: list[Scene]) -> None:
    a, b = scenes[0]["dense_caption"], scenes[1]["dense_caption"]
    copied = b + " " + " ".join(a.split()[:COPIED_RUN])
    shared, either = grams(a, 5) & grams(copied, 5), grams(a, 5) | grams(copied, 5)
    assert len(shared) / len(either) > MAX_SHARED_5GRAMS


@pytest.mark.data
def test_nothing_is_copied_from_the_published_sample_table(
    scenes: list[Scene], samples: list[Scene]
) -> None:
    theirs = {run for row in samples for column in WORDS for run in grams(row[column], COPIED_RUN)}
    ours = {run for scene in scenes for column in WORDS for run in grams(scene[column], COPIED_RUN)}
    assert len(theirs) > 10_000
    assert not ours & theirs
