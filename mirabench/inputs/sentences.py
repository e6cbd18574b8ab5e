"""Captions cut into sentences: deterministic, for English prose."""

from __future__ import annotations

import re

ABBREVIATIONS = frozenset(
    (
        "mr",
        "mrs",
        "ms",
        "dr",
        "st",
        "prof",
        "sr",
        "jr",
        "vs",
        "etc",
        "e.g",
        "i.e",
        "cf",
        "vol",
        "fig",
        "approx",
        "ca",
        "dept",
        "mt",
        "ft",
    )
)
"""What a full stop follows without ending a sentence; compared in lower case, without the stop."""

_END = re.compile(r"[.!?\u2026]+[\"'\u201d\u2019)\]]*\s+(?=[\"'\u201c\u2018(\[]*[A-Z0-9])")


def sentences(text: str) -> list[str]:
    """The sentences of a text, in order, without the space around them.

    One ends at `.`, `!`, `?` or an ellipsis, closing quotes and brackets included, before a space and a
    capital or a digit; not after an abbreviation or a single capital (an initial). A decimal point has no
    space after it. Line breaks end a sentence too.

    Example:
        >>> sentences('Dr. Lee walks in. "Stop!" A 2.5 m wave, e.g. of foam, rolls by')
        ['Dr. Lee walks in.', '"Stop!"', 'A 2.5 m wave, e.g. of foam, rolls by']
    """
    found: list[str] = []
    for line in text.splitlines():
        start = 0
        for end in _END.finditer(line):
            if _ends(line[start : end.start()], end.group()):
                found.append(line[start : end.end()].strip())
                start = end.end()
        found.append(line[start:].strip())
    return [sentence for sentence in found if sentence]


def _ends(before: str, stop: str) -> bool:
    if not stop.startswith(".") or stop.startswith(".."):
        return True
    last = before.split()[-1] if before.split() else ""
    word = last.strip("\"'(\u201c\u2018[")
    initial = len(word) == 1 and word.isupper() and word != "I"
    return word.lower() not in ABBREVIATIONS and not initial
