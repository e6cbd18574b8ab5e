"""Strangers' bytes become JSON, and strangers' text stays text.

Everything here runs before a schema looks at the data: size, nesting, finite numbers, plain text.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from mirabench.errors import MirabenchError

MAX_BYTES = 16 * 2**20
"""A report of 2,000 clips and 21 metrics has about 6 MB."""
MAX_DEPTH = 24
MAX_TEXT = 8_000
"""Characters of one text; the longest prompt of the bundled sets has about 3,000."""

_MARKUP = re.compile(
    r"<\s*[/!?a-z]|&(#\w+|lt|gt|amp|quot|apos);|(javascript|vbscript|data)\s*:\S", re.I
)
_ZIPPED = (b"PK\x03\x04", b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd")


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a submission is refused."""

    code: str
    """Short and stable, for programs."""
    text: str
    """For people: what is wrong, where, and what to do."""

    def __str__(self) -> str:
        return f"{self.code}: {self.text}"


class SubmissionRefused(MirabenchError):  # noqa: N818  # nothing went wrong: the server works as it should
    """A submission is not accepted; `reasons` say why."""

    def __init__(self, *reasons: Reason) -> None:
        self.reasons = reasons
        super().__init__("refused: " + "; ".join(map(str, reasons)))


def refuse(code: str, text: str) -> SubmissionRefused:
    """The refusal with one reason."""
    return SubmissionRefused(Reason(code, text))


def parse_json(data: bytes) -> dict[str, Any]:
    """The JSON object in some bytes, every number finite and every text plain.

    Raises:
        SubmissionRefused: too large, compressed, not UTF-8, nested too deep, no JSON object, a duplicate key, a
            number that is not finite, or a text that is not plain.
    """
    if len(data) > MAX_BYTES:
        raise refuse("too-large", f"{len(data):,} bytes, the limit is {MAX_BYTES:,}")
    if data.startswith(_ZIPPED):
        raise refuse("compressed", "send the report.json itself, not an archive")
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise refuse("not-utf8", f"the report is not UTF-8 text: {error.reason}") from error
    if depth(text) > MAX_DEPTH:
        raise refuse("nested", f"JSON nested deeper than {MAX_DEPTH} levels is not a report")
    try:
        found = json.loads(text, object_pairs_hook=_unique, parse_constant=_not_finite)
    except ValueError as error:
        raise refuse("not-json", f"the report is not JSON: {error}") from error
    if not isinstance(found, dict):
        raise refuse("not-json", "the report is not a JSON object")
    check_values(found)
    return found


def depth(text: str) -> int:
    """How deep brackets nest outside of strings; linear, and without recursion.

    Example:
        >>> depth('{"a": ["[[["]}')
        2
    """
    deepest = level = 0
    for match in re.finditer(r'"(?:[^"\\]|\\.)*"|[\[{\]}]', text):
        mark = match.group()
        if mark in "[{":
            level += 1
            deepest = max(deepest, level)
        elif mark in "]}":
            level -= 1
    return deepest


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise refuse("duplicate-key", "a JSON object contains a duplicate key")
    return found


def _not_finite(name: str) -> float:
    raise refuse("not-finite", f"the report holds {name}, which is not a measurement")


def check_values(value: Any) -> None:
    """Every number finite, every text plain, keys too.

    Raises:
        SubmissionRefused: one is not; the reason tells where.
    """
    for place, leaf in _leaves(value, ""):
        if isinstance(leaf, float) and not math.isfinite(leaf):
            raise refuse("not-finite", f"{place} is {leaf}, which is not a measurement")
        if isinstance(leaf, str):
            check_text(leaf, place)


def _leaves(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            yield f"a key of {place or 'the report'}", key
            yield from _leaves(inner, f"{place}.{key}" if place else key)
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            yield from _leaves(inner, f"{place}[{number}]")
    else:
        yield place, value


def check_text(text: str, place: str) -> None:
    """A text is plain: no markup, no script address, no control or direction-changing characters.

    Raises:
        SubmissionRefused: it is not, or it is too long.
    """
    if len(text) > MAX_TEXT:
        raise refuse(
            "text-too-long", f"{place} has {len(text):,} characters, the limit is {MAX_TEXT:,}"
        )
    if _MARKUP.search(text):
        raise refuse("markup", f"{place} holds markup or a script address: plain text only")
    if any(_hidden(c) for c in text):
        raise refuse("control-characters", f"{place} holds control or invisible characters")


def _hidden(character: str) -> bool:
    # Cf: zero-width and direction marks, which make one name look like another; joiners are words' own
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}
