"""Names to objects: built-ins and strangers' plugins through the same entry points.

A package adds a metric with one line in its own `pyproject.toml`:

    [project.entry-points."mirabench.metrics"]
    jerk = "my_package.jerk:Jerk"

Listing names imports nothing; an object is imported when it is first asked for.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mirabench.errors import MirabenchError, PluginError, UnknownNameError

METRICS = "mirabench.metrics"
FEATURES = "mirabench.features"
SUITES = "mirabench.suites"
GENERATORS = "mirabench.generators"
COMMANDS = "mirabench.commands"
STAGES = "mirabench.stages"
"""Of a data pipeline; a callable that makes one from a run's setting (see docs/miradata.md)."""

KINDS = {
    METRICS: "metric",
    FEATURES: "feature",
    SUITES: "suite",
    GENERATORS: "generator",
    COMMANDS: "command",
    STAGES: "stage",
}


@cache
def _table(group: str) -> dict[str, dict[str, EntryPoint]]:
    """Name -> what is registered under it -> the entry point; more than one is a quarrel."""
    table: dict[str, dict[str, EntryPoint]] = {}
    for point in entry_points(group=group):
        table.setdefault(point.name, {}).setdefault(point.value, point)
    return table


def names(group: str) -> list[str]:
    """Every registered name of a group, sorted; imports nothing."""
    return sorted(_table(group))


def load(group: str, name: str) -> Any:
    """The object registered under `name`.

    Raises:
        UnknownNameError: nobody registered that name; the nearest known names are offered.
        PluginError: two packages register it, or the entry point does not import.
        MissingExtraError: it says itself which extra it lacks.
    """
    table = _table(group)
    if name not in table:
        raise UnknownNameError(KINDS[group], name, table)
    if len(table[name]) > 1:
        raise PluginError(
            f"two packages register the {KINDS[group]} {name!r} "
            f"({' and '.join(sorted(table[name]))}): uninstall one, or ask its author to rename it"
        )
    (point,) = table[name].values()
    try:
        return point.load()
    except MirabenchError:
        raise
    except (Exception, SystemExit) as error:  # a stranger's module may raise anything on import
        raise PluginError(
            f"the {KINDS[group]} {name!r} ({point.value}) does not load "
            f"({type(error).__name__}: {error}): tell its author, or uninstall its package"
        ) from error


def refresh() -> None:
    """Look at the installed packages again; needed only after installing one in this process."""
    _table.cache_clear()
