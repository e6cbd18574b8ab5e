"""A growing table: what most sessions collect while frames stream by."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from mirabench.features.api import Array, FeatureTable


class Rows:
    """Rows with the same named numbers, turned into columns at the end."""

    def __init__(self, *names: str) -> None:
        self._columns: dict[str, list[object]] = {name: [] for name in names}

    def add(self, **values: object) -> None:
        """Append one row; the names must be exactly those given at the start."""
        if values.keys() != self._columns.keys():
            raise ValueError(f"a row needs {sorted(self._columns)}, got {sorted(values)}")
        for name, value in values.items():
            self._columns[name].append(value)

    def __len__(self) -> int:
        return len(next(iter(self._columns.values())))

    def table(self, facts: Mapping[str, object] | None = None) -> FeatureTable:
        """The columns as arrays, with facts of the whole clip beside them."""
        columns: dict[str, Array] = {k: np.asarray(v) for k, v in self._columns.items()}
        columns.update({k: np.asarray(v) for k, v in (facts or {}).items()})
        return FeatureTable(columns)
