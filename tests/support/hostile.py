"""What strangers send a board: bytes that freeze a parser, numbers that are none; how a refusal must be."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from miraboard.board import Board

Raw = dict[str, Any]


def refused(board: Board, data: bytes, card: Raw, **named: Any) -> set[str]:
    """The codes of a refusal that is as it must be: sentences, and one line more in the log."""
    before = len(board.store.log(10_000))
    answer = board.submit(data, card, "10.0.0.1", **named)
    assert not answer.accepted
    assert all(10 < len(r.text) < 700 and "\n" not in r.text for r in answer.reasons)
    assert len(board.store.log(10_000)) == before + 1
    return {r.code for r in answer.reasons}


FAMILIES: dict[str, Callable[[int], bytes]] = {
    "unterminated-string": lambda n: b'"' + b'\\"' * (n // 2),
    "unterminated-key": lambda n: b'{"' + b"k" * n,
    "backslashes": lambda n: b"\\" * n,
    "escaped-backslashes": lambda n: b'["' + b"\\\\" * (n // 2) + b'"]',
    "unicode-escapes": lambda n: b'["' + b"\\u0041" * (n // 6) + b'"]',
    "lone-surrogates": lambda n: b"[" + b",".join([b'"\\ud800"'] * (n // 9)) + b"]",
    "quotes": lambda n: b'"' * n,
    "opening": lambda n: b"[" * n,
    "opening-objects": lambda n: b'{"a":' * (n // 5),
    "closing": lambda n: b"]" * n,
    "empty-lists": lambda n: b"[" + b",".join([b"[]"] * (n // 3)) + b"]",
    "empty-objects": lambda n: b"[" + b",".join([b"{}"] * (n // 3)) + b"]",
    "huge-integer": lambda n: b"[" + b"9" * n + b"]",
    "huge-negative": lambda n: b"[-" + b"9" * n + b"]",
    "huge-fraction": lambda n: b"[0." + b"9" * n + b"]",
    "huge-exponent": lambda n: b"[1e" + b"9" * n + b"]",
    "many-numbers": lambda n: b'{"a":[' + b",".join([b"1.5"] * (n // 4)) + b"]}",
    "many-strings": lambda n: b'{"a":[' + b",".join([b'"abc"'] * (n // 6)) + b"]}",
    "long-keys-many-leaves": lambda n: (
        b'{"' + b"k" * (n // 2) + b'":[' + b",".join([b"1"] * (n // 4)) + b"]}"
    ),
    "many-keys": lambda n: (
        b"{" + b",".join(b'"%07d":1' % i for i in range(n // 12)) + b"}"
    ),
    "markup-starts": lambda n: b'{"a":[' + b",".join([b'"' + b"<" * 7000 + b'"'] * (n // 7003)) + b"]}",
    "entity-starts": lambda n: b'{"a":[' + b",".join([b'"' + b"&#a" * 2300 + b'"'] * (n // 6903)) + b"]}",
    "near-utf8": lambda n: b'{"a":"' + "é".encode() * (n // 2) + b"\xc3",
    "blanks": lambda n: b" " * n,
    "commas": lambda n: b"[" + b"," * n,
    "colons": lambda n: b"{" + b":" * n,
}  # fmt: skip


NUMBERS: dict[str, tuple[str, Any]] = {
    f"{place}={value!r}": (place, value)
    for place, values in {
        "videos.0.scores.noise.value": [
            1.7e308, -1.7e308, 1e16, True, "1.0", None, [], {}, 10**30, -1.0, 256.0
        ],
        "videos.0.width": ["320", 320.5, True, 10**25, -1, 0],
        "videos.0.fps": ["24", True, 1e300, 0, -24.0],
        "videos.0.num_frames": ["48", 48.5, False],
        "summary.noise.mean": [1.7e308, "0.5", True],
        "summary.noise.n": ["8", 8.5, True, -8, 10**19],
        "summary.noise.coverage": ["1.0", 2.0, -1.0],
        "summary.noise.ci_low": [-1.7e308, "0"],
        "summary.noise.higher_is_better": ["no", 0, None],
        "partial": ["no", 0, 1, None],
        "suite.version": ["1", 1.5, True],
        "provenance.seed": [1.7e308, -(10**40)],
        "videos.0.health": [[], "static", {"static": 1}],
        "videos.0.scores": [[], None, {"noise": 1.0}],
        "videos": [{}, None, "all", [1]],
        "protocols": [[], {"noise@1:0": None}],
        "videos.0.id": [1, None, ""],
    }.items()
    for value in values
}  # fmt: skip


def put(raw: Raw, place: str, value: Any) -> None:
    *way, last = place.split(".")
    found: Any = raw
    for key in way:
        found = found[int(key)] if isinstance(found, list) else found[key]
    found[last] = value
