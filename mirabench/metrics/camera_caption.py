"""What a caption asks of the camera: words to moves.

A small vocabulary of film language, read clause by clause; a move that the clause denies ("without
panning", "does not zoom") is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

MOVES: Mapping[str, str] = {
    "left": r"\b(?:pan(?:s|ning|ned)?|truck(?:s|ing|ed)?|slid(?:e|es|ing)|swe(?:ep|eps|eping|pt)|"
    r"mov(?:e|es|ing)|glid(?:e|es|ing)|travel(?:s|ling|ing)?)\b[^.;,]{0,30}?\bleft(?:wards?)?\b",
    "right": r"\b(?:pan(?:s|ning|ned)?|truck(?:s|ing|ed)?|slid(?:e|es|ing)|swe(?:ep|eps|eping|pt)|"
    r"mov(?:e|es|ing)|glid(?:e|es|ing)|travel(?:s|ling|ing)?)\b[^.;,]{0,30}?\bright(?:wards?)?\b",
    "up": r"\b(?:tilt(?:s|ing|ed)?|pedestal(?:s|ing)?|cran(?:e|es|ing)|boom(?:s|ing)?|ris(?:e|es|ing)|"
    r"mov(?:e|es|ing)|lift(?:s|ing)?)\b[^.;,]{0,30}?\bup(?:wards?)?\b|\bcamera (?:slowly )?rises\b",
    "down": r"\b(?:tilt(?:s|ing|ed)?|pedestal(?:s|ing)?|cran(?:e|es|ing)|boom(?:s|ing)?|"
    r"mov(?:e|es|ing)|lower(?:s|ing)?|descend(?:s|ing)?)\b[^.;,]{0,30}?\bdown(?:wards?)?\b",
    "in": r"\bzoom(?:s|ing|ed)?\b[^.;,]{0,30}?\bin\b|\bdoll(?:y|ies|ying)\b[^.;,]{0,20}?\b(?:in|forwards?)\b|"
    r"\bpush(?:es|ing)?[- ]in\b|\bmov(?:e|es|ing)\b[^.;,]{0,30}?\b(?:closer|forwards?)\b",
    "out": r"\bzoom(?:s|ing|ed)?\b[^.;,]{0,30}?\bout\b|\bdoll(?:y|ies|ying)\b[^.;,]{0,20}?\b(?:out|back(?:wards?)?)\b|"
    r"\bpull(?:s|ing)?[- ](?:back|out|away)\b|\bmov(?:e|es|ing)\b[^.;,]{0,30}?\b(?:backwards?|away)\b",
    "roll": r"\broll(?:s|ing|ed)?\b",
    "horizontal": r"\bpan(?:s|ning|ned)?\b|\btruck(?:s|ing)\b|\borbit(?:s|ing|ed)?\b|\barc(?:s|ing)\b|\bcircl(?:es|ing)\b",
    "vertical": r"\btilt(?:s|ing|ed)?\b|\bpedestal(?:s|ing)?\b",
    "depth": r"\bzoom(?:s|ing|ed)?\b|\bdoll(?:y|ies|ying)\b",
    "moving": r"\btracking shot\b|\btrack(?:s|ing)\b|\bfollow(?:s|ing)\b|\bhandheld\b|\bhand-held\b",
    "handheld": r"\bhand-?held\b|\bshak(?:y|es|ing|e)\b|\bjitter(?:s|y)?\b",
    "static": r"\bstatic\b|\blocked[- ]off\b|\bstationary\b|\bfixed\b|\btripod\b|\bmotionless\b|"
    r"\bdoes(?: not|n't) move\b|\bremains? still\b|\bstays? still\b",
}
"""Move -> pattern. The undirected moves serve where a caption names no direction."""

_DIRECTED = {
    "horizontal": ("left", "right"),
    "vertical": ("up", "down"),
    "depth": ("in", "out"),
    "moving": ("handheld",),
}
_DENIED = re.compile(
    r"\b(?:no|not|never|without|neither|nor|rather than|instead of|free of|n't)\b[^.;,]{0,25}$"
)


def asked_moves(caption: str) -> list[str]:
    """The camera moves that a caption asks for, in the order of `MOVES`.

    Example:
        >>> asked_moves("The camera pans slowly to the left, then zooms in. It never tilts.")
        ['left', 'in']
        >>> asked_moves("A quiet lake at dawn.")
        []
    """
    text = caption.lower()
    found = [move for move, pattern in MOVES.items() if _asked(pattern, text)]
    return [
        move for move in found if not any(directed in found for directed in _DIRECTED.get(move, ()))
    ]


def _asked(pattern: str, text: str) -> bool:
    return any(not _DENIED.search(text[: hit.start()]) for hit in re.finditer(pattern, text))
