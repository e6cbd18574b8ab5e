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

from mirabench.errors import PluginError, UnknownNameError

METRICS = "mirabench.metrics"
FEATURES = "mirabench.features"
SUITES = "mirabench.suites"
GENERATORS = "mirabench.generators"

KINDS = {METRICS: "metric", FEATURES: "feature", SUITES: "suite", GENERATORS: "generator"}


@cache
def _table(group: str) -> dict[str, EntryPoint]:
    table: dict[str, EntryPoint] = {}
    for point in entry_points(group=group):
        other = table.setdefault(point.name, point)
        if other.value != point.value:
            raise PluginError(
                f"two packages register the {KINDS[group]} {point.name!r} "
                f"({other.value} and {point.value}): uninstall one, or ask its author to rename it"
            )
    return table


def names(group: str) -> list[str]:
    """Every registered name of a group, sorted; imports nothing."""
    return sorted(_table(group))


def load(group: str, name: str) -> Any:
    """The object registered under `name`.

    Raises:
        UnknownNameError: nobody registered that name; the nearest known names are offered.
        PluginError: the entry point does not import.
    """
    table = _table(group)
    if name not in table:
        raise UnknownNameError(KINDS[group], name, table)
    point = table[name]
    try:
        return point.load()
    except (ImportError, AttributeError) as error:
        raise PluginError(
            f"the {KINDS[group]} {name!r} ({point.value}) does not load: {error}"
        ) from error


def refresh() -> None:
    """Look at the installed packages again; needed only after installing one in this process."""
    _table.cache_clear()
