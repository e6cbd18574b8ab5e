"""Strangers' bytes become JSON, and strangers' text stays text.

Everything here runs before a schema looks at the data: size, nesting, finite numbers, plain text. Each check
looks at every byte a fixed number of times, whatever the bytes are: no expression that can go back, no place
spelled out before it is needed, no number longer than a number is.
"""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from mirabench.errors import MirabenchError

MAX_BYTES = 16 * 2**20
"""A report of 2,000 clips and 21 metrics has about 6 MB."""
MAX_DEPTH = 24
MAX_VALUES = 1_000_000
"""A report of 2,000 clips and 21 metrics has about 220,000."""
MAX_TEXT = 8_000
"""Characters of one text; the longest prompt of the bundled sets has about 3,000."""
MAX_DIGITS = 40
"""Characters of one number; Python writes none with more than 24."""
MAX_NUMBER = 1e15
"""Of a fraction, so that sums and squares of thousands stay finite."""
MAX_WHOLE = 10**20
"""Of a whole number: seeds have up to 64 bits."""
_KEY_SHOWN = 40
"""Characters of a key in a reason's place."""

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

    def __reduce__(self) -> tuple[type[SubmissionRefused], tuple[Reason, ...]]:
        return type(self), self.reasons  # it crosses a process, reasons and all


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
    found = load_json(text)
    if not isinstance(found, dict):
        raise refuse("not-json", "the report is not a JSON object")
    check_values(found)
    return found


def load_json(text: str) -> Any:
    """What JSON holds, once its nesting and size are known to be harmless; its texts may be anything.

    Raises:
        SubmissionRefused: nested too deep, too much, no JSON, a duplicate key, or a number that is none.
    """
    structure = measure(text.encode())
    if structure.depth > MAX_DEPTH:
        raise refuse("nested", f"JSON nested deeper than {MAX_DEPTH} levels is not a report")
    if structure.values > MAX_VALUES:
        raise refuse(
            "too-many-values", f"{structure.values:,} values, a report has at most {MAX_VALUES:,}"
        )
    try:
        found: Any = json.loads(
            text, object_pairs_hook=_unique, parse_constant=_not_finite, parse_int=_whole,
            parse_float=_fraction,
        )  # fmt: skip
    except ValueError as error:
        raise refuse("not-json", f"the report is not JSON: {error}") from error
    return found


class Structure(NamedTuple):
    """How much JSON there is, told from its brackets and commas alone."""

    depth: int
    """Levels of nesting."""
    values: int
    """Commas and opening brackets outside of strings: no fewer than half of the values."""


def measure(data: bytes) -> Structure:
    """How deep JSON nests and how much it holds; a few passes over the bytes, without recursion.

    Where the bytes are no JSON, the part before the first mistake is measured as a parser would meet it.

    Example:
        >>> measure(b'{"a": ["[[["], "b": 2}')
        Structure(depth=2, values=3)
    """
    # escapes begin at the start of a run of backslashes, so pairs go first, and what is left is a quote's
    plain = np.frombuffer(data.replace(b"\\\\", b"").replace(b'\\"', b""), np.uint8)
    outside = np.cumsum(plain == ord('"'), dtype=np.uint8) % 2 == 0
    opened = ((plain == ord("[")) | (plain == ord("{"))) & outside
    closed = ((plain == ord("]")) | (plain == ord("}"))) & outside
    levels = np.cumsum(opened.astype(np.int8) - closed.astype(np.int8), dtype=np.int32)
    commas = int(((plain == ord(",")) & outside).sum())
    return Structure(int(levels.max(initial=0)), commas + int(opened.sum()))


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise refuse("duplicate-key", "a JSON object contains a duplicate key")
    return found


def _not_finite(name: str) -> float:
    raise refuse("not-finite", f"the report holds {name}, which is not a measurement")


def _whole(text: str) -> int:
    _short_enough(text)
    found = int(text)
    if abs(found) > MAX_WHOLE:
        raise refuse("too-large-number", f"the report holds {text}, which no measurement reaches")
    return found


def _fraction(text: str) -> float:
    _short_enough(text)
    found = float(text)
    if not abs(found) <= MAX_NUMBER:
        code = "too-large-number" if math.isfinite(found) else "not-finite"
        raise refuse(code, f"the report holds {text}, which no measurement reaches")
    return found


def _short_enough(text: str) -> None:
    if len(text) > MAX_DIGITS:
        raise refuse(
            "endless-number", f"a number of {len(text):,} characters, the limit is {MAX_DIGITS}"
        )


_Place = tuple[Any, str | int]
"""Where a value is: the place around it, and its key or number there; spelled out only in a reason."""


def check_values(value: Any) -> None:
    """Every number finite and of a size that is measured, every text plain, keys too.

    Raises:
        SubmissionRefused: one is not; the reason tells where.
    """
    for place, leaf in _leaves(value):
        if isinstance(leaf, float) and not abs(leaf) <= MAX_NUMBER:
            code = "too-large-number" if math.isfinite(leaf) else "not-finite"
            raise refuse(code, f"{_spelled(place)} is {leaf:g}, which is not a measurement")
        if isinstance(leaf, str) and (problem := _problem(leaf)):
            raise refuse(problem.code, f"{_spelled(place)} {problem.text}")


def _leaves(value: Any) -> Iterator[tuple[_Place | None, Any]]:
    """Every key, number and text, with its place; without recursion."""
    waiting: list[tuple[_Place | None, Any]] = [(None, value)]
    while waiting:
        place, found = waiting.pop()
        if isinstance(found, dict):
            for key, inner in found.items():
                yield (place, "a key"), key
                waiting.append(((place, key), inner))
        elif isinstance(found, list):
            waiting += [((place, number), inner) for number, inner in enumerate(found)]
        else:
            yield place, found


def _spelled(place: _Place | None) -> str:
    """`videos[3].scores.noise`, long keys cut."""
    parts: list[str] = []
    while place is not None:
        place, key = place
        shown = f"[{key}]" if isinstance(key, int) else f".{key}"
        parts.append(shown if len(shown) <= _KEY_SHOWN else f"{shown[:_KEY_SHOWN]}...")
    text = "".join(reversed(parts)).removeprefix(".")
    return "".join(c for c in text if not _hidden(c)) or "the report"


def check_text(text: str, place: str) -> None:
    """A text is plain: no markup, no script address, no control or direction-changing characters.

    Raises:
        SubmissionRefused: it is not, or it is too long.
    """
    if problem := _problem(text):
        raise refuse(problem.code, f"{place} {problem.text}")


def _problem(text: str) -> Reason | None:
    """What is wrong with a text, to be said after its place."""
    if len(text) > MAX_TEXT:
        return Reason("text-too-long", f"has {len(text):,} characters, the limit is {MAX_TEXT:,}")
    if _MARKUP.search(text):
        return Reason("markup", "holds markup or a script address: plain text only")
    if not (text.isascii() and text.isprintable()) and any(map(_hidden, set(text))):
        return Reason("control-characters", "holds control or invisible characters")
    return None


def _hidden(character: str) -> bool:
    # Cf: zero-width and direction marks, which make one name look like another; joiners are words' own
    if character in "\n\t\u200c\u200d":
        return False
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co"}
