"""Which clips stay, and why the others do not: stored scores and duplicates seen through thresholds.

The order is length, limits, duplicates, level, so that each clip leaves at the first thing that is
against it. Nothing is decoded.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any, NamedTuple

from miradata.select.levels import Thresholds, decide
from miradata.tables.schema import OK
from miradata.tables.scores import score_values
from miradata.tables.store import Tables

KEPT, LENGTH, LIMIT, DUPLICATE, LEVEL = "kept", "length", "limit", "duplicate", "level"
"""What became of a clip: it stays, or what it left at."""


class Fate(NamedTuple):
    """What became of one clip."""

    clip_id: str
    step: str
    """`kept`, or what it left at: `length`, `limit`, `duplicate` or `level`."""
    reason: str = ""
    """Why it left."""
    metric: str = ""
    """The metric that a limit or level is about."""
    level: int = -1
    """The strictest level it is in, duplicates aside; -1 is none."""


def fates(tables: Tables, thresholds: Thresholds, level: str = "") -> list[Fate]:
    """What becomes of every clip when `level` is published; in the order of the clips' table.

    Raises:
        UnknownNameError: the thresholds have no such level.
    """
    wanted = thresholds.index(level)
    clips = tables.rows("clips")
    values = score_values(tables, [clip["clip_id"] for clip in clips], thresholds.metrics)
    decisions = decide(thresholds, values, len(clips))
    able = {
        clip["clip_id"]
        for clip, decision in zip(clips, decisions, strict=True)
        if clip["status"] == OK and decision.level >= 0
    }
    duplicates = _duplicates(tables, able)
    found = []
    for clip, decision in zip(clips, decisions, strict=True):
        name = clip["clip_id"]
        if clip["status"] != OK:
            fate = Fate(name, LENGTH, clip["reason"])
        elif decision.level < 0:
            fate = Fate(name, LIMIT, decision.reason, decision.metric)
        elif name in duplicates:
            fate = Fate(name, DUPLICATE, duplicates[name], level=decision.level)
        elif decision.level < wanted:
            fate = Fate(name, LEVEL, decision.reason, decision.metric, decision.level)
        else:
            fate = Fate(name, KEPT, level=decision.level)
        found.append(fate)
    return found


def kept_ids(tables: Tables, thresholds: Thresholds, level: str = "") -> list[str]:
    """The clips that stay when `level` is published.

    Raises:
        UnknownNameError: the thresholds have no such level.
    """
    return [fate.clip_id for fate in fates(tables, thresholds, level) if fate.step == KEPT]


def _duplicates(tables: Tables, able: set[str]) -> dict[str, str]:
    """Clip -> what it is a duplicate of, as a sentence.

    Of a group whose best clip does not keep the limits, the first that does takes its place. Only
    the limits count for that, which all levels share: so levels stay nested.
    """
    groups: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables.rows("dups"):
        groups[row["group"]].append(row)
    found = {}
    for best, rows in groups.items():
        candidates = [best, *(row["clip_id"] for row in rows)]
        stays = next((name for name in candidates if name in able), best)
        for row in rows:
            if row["clip_id"] != stays:
                found[row["clip_id"]] = (
                    f"shows the same as {stays} ({row['kind']}, similarity {row['similarity']:.4g})"
                )
    return found
