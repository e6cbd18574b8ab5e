"""Whether what an entry point made keeps the contract of a stage; asked of every stage before anything runs."""

from __future__ import annotations

import json
import pickle
import re
from collections.abc import Mapping, Sequence
from typing import Any

from mirabench.errors import PluginError
from mirabench.work.item import Resources
from miradata.stage import Stage
from miradata.tables.schema import SCHEMAS

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_ATTRIBUTES: Mapping[str, str] = {
    "name": "a text",
    "version": "a whole number from 1",
    "inputs": "a tuple of tables",
    "outputs": "a tuple of tables",
    "resources": "`mirabench.work.item.Resources`",
}
_METHODS = ("params", "items", "work", "failed")
GUIDE = "docs/miradata.md, A stage of your own, says what a stage is"


def checked_stage(name: str, made: Any) -> Stage:
    """What was made, known to keep the contract.

    Args:
        name: The name of the entry point.
        made: What its callable returned.

    Raises:
        PluginError: it breaks the contract; the text says where.
    """
    fault = _fault(name, made)
    if fault:
        raise PluginError(f"the stage {name!r} {fault}: {GUIDE}")
    stage: Stage = made
    return stage


def require_order(stages: Sequence[Stage]) -> None:
    """Refuse an order in which a stage reads a table that a later one adds to.

    Raises:
        PluginError: a name stands twice, or the order cannot work.
    """
    for place, stage in enumerate(stages):
        for later in stages[place + 1 :]:
            if later.name == stage.name:
                raise PluginError(
                    f"the stage {stage.name!r} stands twice in `stages`: once is enough"
                )
            shared = sorted(set(stage.inputs) & set(later.outputs))
            if shared:
                raise PluginError(
                    f"the stage {stage.name!r} reads the table `{shared[0]}`, to which {later.name!r} "
                    f"adds after it: put {later.name!r} before {stage.name!r} in `stages`"
                )


def _fault(name: str, made: Any) -> str:
    for attribute, wanted in _ATTRIBUTES.items():
        if not hasattr(made, attribute):
            return f"has no `{attribute}`, {wanted}"
        value = getattr(made, attribute)
        if not _fits(attribute, value):
            return f"has `{attribute}` {value!r}, which is not {wanted}"
    if made.name != name:
        return f"calls itself {made.name!r}: both names must be the same"
    for method in _METHODS:
        if not callable(getattr(made, method, None)):
            return f"has no method `{method}`"
    return _unknown_table(made) or _unfit_values(made)


def _fits(attribute: str, value: Any) -> bool:
    if attribute == "name":
        return isinstance(value, str) and _NAME.fullmatch(value) is not None
    if attribute == "version":
        return isinstance(value, int) and not isinstance(value, bool) and value >= 1
    if attribute == "resources":
        return isinstance(value, Resources)
    return isinstance(value, tuple) and all(isinstance(table, str) for table in value)


def _unknown_table(stage: Stage) -> str:
    for table in (*stage.inputs, *stage.outputs):
        if table not in SCHEMAS:
            return f"names the table {table!r}, which is none of {', '.join(sorted(SCHEMAS))}"
    return ""


def _unfit_values(stage: Stage) -> str:
    try:
        json.dumps(stage.params())
    except (TypeError, ValueError) as error:
        return f"has `params` that are no plain JSON values ({error})"
    try:
        pickle.dumps(stage)
    except Exception as error:  # whatever a stranger's class raises when it is pickled
        return f"cannot be pickled, as workers need it ({type(error).__name__}: {error})"
    return ""
