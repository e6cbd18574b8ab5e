"""What a prompt set holds, and what is wrong with it: all problems at once, for people."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

from mirabench.extras import needs_extra
from mirabench.inputs.prompts.prompt import ASPECTS, FORMS, Prompt
from mirabench.inputs.prompts.reading import ID_COLUMNS, prompt_of, prompt_rows
from mirabench.inputs.tables import Row

MANY_VALUES = 20
"""A column with more different values is prose, not a tag to count."""


@dataclass(frozen=True, slots=True)
class Lengths:
    """Fewest, mean and most of something over some texts."""

    count: int
    fewest: int
    mean: float
    most: int


@dataclass(frozen=True, slots=True)
class PromptStats:
    """What a set holds."""

    prompts: int
    lengths: Mapping[str, Lengths]
    """Of the texts in each form (or `prompt`), and of each kind of caption, in the unit asked for."""
    tags: Mapping[str, Mapping[str, int]]
    """Column -> value -> prompts; values joined by `;` count one by one."""


def count_words(text: str) -> int:
    """Words as white space divides them."""
    return len(text.split())


def clip_token_counter() -> Callable[[str], int]:
    """A function that counts tokens as CLIP's text towers do, start and end included (limit: 77).

    Raises:
        MissingExtraError: open_clip, which carries the tokenizer, is not installed.
    """
    with needs_extra("torch", "counting CLIP's tokens needs open_clip"):
        from open_clip import SimpleTokenizer  # extra `torch`
    tokenizer = SimpleTokenizer()
    return lambda text: len(tokenizer.encode(text)) + 2


def stats_of(prompts: Iterable[Prompt], count: Callable[[str], int] = count_words) -> PromptStats:
    """Lengths by form and caption, and how often each tag occurs."""
    listed = list(prompts)
    texts: dict[str, list[str]] = {}
    for prompt in listed:
        texts.setdefault(_form_of(prompt), []).append(prompt.text)
    for aspect in ASPECTS:
        # the forms of a scene share its captions: each counts once
        captions = dict.fromkeys(p.captions[aspect] for p in listed if p.captions.get(aspect))
        if captions:
            texts[f"{aspect} caption"] = list(captions)
    return PromptStats(
        len(listed), {name: _lengths(map(count, found)) for name, found in texts.items()},
        _tag_counts(listed),
    )  # fmt: skip


def _form_of(prompt: Prompt) -> str:
    form = prompt.id.rpartition("/")[2]
    return f"form {form}" if form in FORMS else "prompt"


def _lengths(counts: Iterable[int]) -> Lengths:
    found = list(counts)
    return Lengths(len(found), min(found), mean(found), max(found))


def _tag_counts(prompts: list[Prompt]) -> dict[str, dict[str, int]]:
    columns = dict.fromkeys(column for prompt in prompts for column in prompt.tags)
    counted = {
        column: Counter(
            value for p in prompts for value in p.tags.get(column, "").split(";") if value
        )
        for column in columns
    }
    return {c: dict(sorted(n.items())) for c, n in counted.items() if 0 < len(n) <= MANY_VALUES}


def find_problems(path: Path) -> list[str]:
    """Everything that makes a table of prompts unusable, or distorts what is measured with it.

    Raises:
        ManifestError: the file cannot be read as a table at all.
    """
    rows = prompt_rows(path)
    problems = [problem for row in rows for problem in _row_problems(row)]
    named = [(row, key) for row in rows if (key := row.first(ID_COLUMNS))]
    problems += _twins(named, "id", same_name)
    texts = [(row, prompt.text) for row, key in named if (prompt := prompt_of(row, key))]
    problems += _twins(texts, "text", lambda text: " ".join(same_name(text).split()))
    return problems


def same_name(text: str) -> str:
    """A key under which texts that some file systems take for one name are equal."""
    return unicodedata.normalize("NFC", text).casefold()


def _row_problems(row: Row) -> list[str]:
    key = row.first(ID_COLUMNS)
    found = [] if key else ["no id: give each prompt an `id` column"]
    prompt = prompt_of(row, key)
    if prompt is None or not prompt.text:
        return [
            f"{row.where}: {problem}"
            for problem in [*found, "no text: fill its `prompt` or `short_caption`"]
        ]
    found += [
        f"its {aspect}_caption is empty" for aspect, text in prompt.captions.items() if not text
    ]
    for what, text in (("id", key), ("text", prompt.text), *prompt.captions.items()):
        found += [f"its {what} holds {strange}" for strange in _strange_characters(text)]
    return [f"{row.where} ({key}): {problem}" for problem in found]


def _strange_characters(text: str) -> list[str]:
    found = []
    if any(unicodedata.category(c) == "Cc" for c in text):
        found.append("a line break or control character")
    if "\ufffd" in text:
        found.append("U+FFFD, left by a wrong encoding")
    return found


def _twins(values: Iterable[tuple[Row, str]], what: str, key: Callable[[str], str]) -> list[str]:
    first: dict[str, tuple[Row, str]] = {}
    problems = []
    for row, value in values:
        earlier, before = first.setdefault(key(value), (row, value))
        if earlier is not row:
            alike = "the same" if before == value else "the same but for case or unicode form,"
            problems.append(
                f"{row.where}: its {what} is {alike} as in {earlier.where}: {value!r:.60}"
            )
    return problems
