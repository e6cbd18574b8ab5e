"""Whether two numbers of a metric were made in the same way, and in which way they were not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from mirabench.compare.pairs import Pair
from mirabench.report.model import Report

_MOST_NAMED = 3


def protocols_of(report: Report, metric: str) -> set[str]:
    """The protocol ids behind a metric's scores, or behind its value."""
    return {p for p in report.summary[metric].protocols if p}


def unlike(a: Report, b: Report, metric: str, pairs: Iterable[Pair]) -> str:
    """In which settings a metric's two protocols differ, as a phrase; empty when it may be compared.

    A metric of clips is judged pair by pair: clips of several file formats may stand side by side in one
    report, as long as each answers one of its own kind.
    """
    if a.summary[metric].scope == "set":
        ours, theirs = protocols_of(a, metric), protocols_of(b, metric)
        found = [(p, q) for p in sorted(ours) for q in sorted(theirs)] if ours != theirs else []
    else:
        found = [
            (pair.a.scores[metric].protocol, pair.b.scores[metric].protocol)
            for pair in pairs
            if metric in pair.a.scores and metric in pair.b.scores
        ]
    for p, q in found:
        if p != q:
            return _named(a.protocols.get(p, {}), b.protocols.get(q, {})) or f"{p} and {q}"
    return ""


def _named(a: Mapping[str, Any], b: Mapping[str, Any]) -> str:
    settings = [f"{place} {ours} and {theirs}" for place, ours, theirs in _settings(a, b)]
    more = len(settings) - _MOST_NAMED
    return ", ".join(settings[:_MOST_NAMED]) + (f" and {more} more" if more > 0 else "")


def _settings(a: Any, b: Any, place: str = "") -> Iterator[tuple[str, str, str]]:
    """(where, here, there) of every value that differs in two nested descriptions."""
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        for key in dict.fromkeys((*a, *b)):
            inside = f"{place}.{key}" if place else str(key)
            yield from _settings(a.get(key, "absent"), b.get(key, "absent"), inside)
    elif a != b:
        yield place, _text(a), _text(b)


def _text(value: Any) -> str:
    text = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
