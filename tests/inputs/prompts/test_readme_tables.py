"""The tables of `prompts/README.md` are recomputed from the CSV, so that they cannot go stale."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

import pytest

Scene = dict[str, str]

CATEGORIES = ("human", "animal", "object", "landscape")
CAPTIONS = {
    "short_caption": "Short",
    "dense_caption": "Dense",
    "main_object_caption": "Main object",
    "background_caption": "Background",
    "style_caption": "Style",
    "camera_caption": "Camera",
}
TAGS = {
    "motion": ("low", "medium", "high"),
    "setting": ("indoor", "outdoor"),
    "time_of_day": ("dawn", "day", "dusk", "night"),
    "style": ("real", "rendered", "painted"),
}
SPECIAL_TOKENS = 2
"""CLIP's and ViCLIP's text towers count a start and an end token in their limit."""


def structured(scene: Scene) -> str:
    """The structured form as the README defines it."""
    return " ".join(f"{label}: {scene[column]}" for column, label in CAPTIONS.items())


TEXTS: dict[str, Callable[[Scene], str]] = {
    "form short": lambda scene: scene["short_caption"],
    "form dense": lambda scene: scene["dense_caption"],
    "form structured": structured,
    "main object caption": lambda scene: scene["main_object_caption"],
    "background caption": lambda scene: scene["background_caption"],
    "style caption": lambda scene: scene["style_caption"],
    "camera caption": lambda scene: scene["camera_caption"],
}


def table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)


def coverage_of_moves(scenes: list[Scene]) -> str:
    moves = list(dict.fromkeys(m for s in scenes for m in s["camera_moves"].split(";")))
    rows = []
    for move in sorted(moves):
        asking = [s["category"] for s in scenes if move in s["camera_moves"].split(";")]
        rows.append([move, *[asking.count(c) for c in CATEGORIES], len(asking)])
    return table(["camera move", *CATEGORIES, "scenes"], rows)


def coverage_of_tags(scenes: list[Scene]) -> str:
    rows = []
    for column, values in TAGS.items():
        for value in values:
            having = [s["category"] for s in scenes if s[column] == value]
            counts = [having.count(c) for c in CATEGORIES]
            rows.append([f"{column} = {value}", *counts, len(having)])
    groups = {"0": (0, 0), "1": (1, 1), "2 to 4": (2, 4), "5 or more": (5, 99)}
    for name, (low, high) in groups.items():
        having = [s["category"] for s in scenes if low <= int(s["num_subjects"]) <= high]
        counts = [having.count(c) for c in CATEGORIES]
        rows.append([f"num_subjects = {name}", *counts, len(having)])
    return table(["tag", *CATEGORIES, "scenes"], rows)


def word_counts(scenes: list[Scene]) -> str:
    rows = []
    for name, text in TEXTS.items():
        counts = [len(text(s).split()) for s in scenes]
        rows.append([name, min(counts), f"{mean(counts):.1f}", max(counts)])
    return table(["text", "fewest words", "mean", "most"], rows)


def token_counts(scenes: list[Scene], encode: Callable[[str], list[int]]) -> str:
    rows = []
    for name, text in TEXTS.items():
        counts = [len(encode(text(s))) + SPECIAL_TOKENS for s in scenes]
        cells: list[object] = [name, min(counts), f"{mean(counts):.1f}", max(counts)]
        for limit in (32, 77):
            cut = mean(count > limit for count in counts)
            room = limit - SPECIAL_TOKENS
            read = mean(min(1.0, room / (count - SPECIAL_TOKENS)) for count in counts)
            cells += [f"{100 * cut:.0f} %", f"{100 * read:.0f} %"]
        rows.append(cells)
    head = ["text", "fewest tokens", "mean", "most", "cut at 32", "read", "cut at 77", "read"]
    return table(head, rows)


def t5_bound(scenes: list[Scene]) -> str:
    rows = []
    for name, text in TEXTS.items():
        least = [len(text(s).split()) + 1 for s in scenes]
        certain = sum(n > 77 for n in least)
        rows.append([name, min(least), max(least), f"{certain} of {len(scenes)}"])
    return table(["text", "at least (fewest)", "at least (most)", "certainly cut at 77"], rows)


@pytest.fixture(scope="module")
def readme(prompts_folder: Path) -> str:
    return (prompts_folder / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "make",
    [coverage_of_moves, coverage_of_tags, word_counts, t5_bound],
    ids=lambda make: make.__name__,
)
def test_readme_holds_the_table_of(
    make: Callable[[list[Scene]], str], scenes: list[Scene], readme: str
) -> None:
    expected = make(scenes)
    assert expected in readme, f"put this table into prompts/README.md:\n{expected}"


def test_readme_holds_the_table_of_clip_tokens(scenes: list[Scene], readme: str) -> None:
    open_clip = pytest.importorskip("open_clip", reason="CLIP's tokenizer is in the extra `torch`")
    expected = token_counts(scenes, open_clip.SimpleTokenizer().encode)
    assert expected in readme, f"put this table into prompts/README.md:\n{expected}"


def test_readme_shows_the_structured_form_of_a_real_scene(scenes: list[Scene], readme: str) -> None:
    by_id = {scene["id"]: scene for scene in scenes}
    assert structured(by_id["object-06"]) in " ".join(readme.replace("\n> ", " ").split())
