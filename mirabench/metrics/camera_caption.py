"""What a caption asks of the camera: words to moves.

A small vocabulary of film language, read clause by clause; a move that the clause denies ("without
panning", "does not zoom") is not asked for.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from mirabench.inputs.sentences import sentences

_GAP = r"[^.;,]{0,30}?"
_SIDEWAYS = (
    r"\b(?:pan(?:s|ning|ned)?|truck(?:s|ing|ed)?|slid(?:e|es|ing)|swe(?:ep|eps|eping|pt)|"
    r"mov(?:e|es|ing)|glid(?:e|es|ing)|travel(?:s|ling|ing)?)\b"
)
_UPRIGHT = (
    r"\b(?:tilt(?:s|ing|ed)?|pedestal(?:s|ing)?|cran(?:e|es|ing)|boom(?:s|ing)?|ris(?:e|es|ing)|"
    r"mov(?:e|es|ing)|lift(?:s|ing)?|lower(?:s|ing)?|descend(?:s|ing)?)\b"
)
_ZOOM, _DOLLY, _MOVE = r"\bzoom(?:s|ing|ed)?\b", r"\bdoll(?:y|ies|ying)\b", r"\bmov(?:e|es|ing)\b"

MOVES: Mapping[str, str] = {
    "left": rf"{_SIDEWAYS}{_GAP}\bleft(?:wards?)?\b",
    "right": rf"{_SIDEWAYS}{_GAP}\bright(?:wards?)?\b",
    "up": rf"{_UPRIGHT}{_GAP}\bup(?:wards?)?\b|\bcamera (?:slowly )?rises\b",
    "down": rf"{_UPRIGHT}{_GAP}\bdown(?:wards?)?\b|\bcamera (?:slowly )?descends\b",
    "in": rf"{_ZOOM}{_GAP}\bin\b|{_DOLLY}{_GAP}\b(?:in|forwards?)\b|\bpush(?:es|ing)?[- ]in\b|"
    rf"{_MOVE}{_GAP}\b(?:closer|forwards?)\b",
    "out": rf"{_ZOOM}{_GAP}\bout\b|{_DOLLY}{_GAP}\b(?:out|back(?:wards?)?)\b|"
    rf"\bpull(?:s|ing)?[- ](?:back|out|away)\b|{_MOVE}{_GAP}\b(?:backwards?|away)\b",
    "roll": r"\broll(?:s|ing|ed)?\b",
    "horizontal": r"\bpan(?:s|ning|ned)?\b|\btruck(?:s|ing)\b|\borbit(?:s|ing|ed)?\b|"
    r"\barc(?:s|ing)\b|\bcircl(?:es|ing)\b",
    "vertical": r"\btilt(?:s|ing|ed)?\b|\bpedestal(?:s|ing)?\b",
    "depth": rf"{_ZOOM}|{_DOLLY}",
    "moving": r"\btracking shot\b|\btrack(?:s|ing)\b|\bfollow(?:s|ing)\b",
    "handheld": r"\bhand-?held\b|\bshak(?:y|es|ing|e)\b|\bjitter(?:s|y)?\b",
    "static": r"\bstatic\b|\blocked[- ]off\b|\bstationary\b|\bfixed\b|\btripod\b|\bmotionless\b|"
    r"\bdoes(?: not|n't) move\b|\bremains? still\b|\bstays? still\b",
}
"""Move -> pattern. The undirected moves serve where a caption names no direction."""

_DIRECTED = {
    "horizontal": ("left", "right"),
    "vertical": ("up", "down"),
    "depth": ("in", "out"),
}
_DENIED = re.compile(
    r"\b(?:no|not|never|without|neither|nor|rather than|instead of|free of|n't)\b[^.;,]{0,25}$"
)


_OF_THE_CAMERA = re.compile(
    r"\b(?:camera|lens|shots?|viewpoint|drone|dolly|dollies|dollying|hand-?held|zoom(?:s|ing)?|pedestals?|"
    r"(?:pan|tilt|truck)(?:s|ning|ing)? (?:\w+ly )?(?:to the )?(?:left|right|up|down)\b)"
)
"""What makes a sentence of a prompt one about the camera: elsewhere it is the subject that rolls or rises."""


def sentences_of_the_camera(text: str) -> str:
    """The sentences of a prompt that are about the camera; empty where there is none.

    Example:
        >>> sentences_of_the_camera("A barrel rolls down to the left. The camera pans right.")
        'The camera pans right.'
    """
    return " ".join(s for s in sentences(text) if _OF_THE_CAMERA.search(s.lower()))


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
