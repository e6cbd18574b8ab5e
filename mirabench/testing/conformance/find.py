"""The metrics that a name, a module or a file stands for."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from mirabench import registry
from mirabench.errors import InputError, PluginError, UnknownNameError
from mirabench.metrics.api import ClipFormula, Metric, SetFormula, code_of
from mirabench.suites.api import MetricChoice


def find_metrics(text: str) -> list[Metric]:
    """A registered name, `package.module`, `package.module:NAME` or a path to a `.py` file.

    Modules are looked for in the current folder too. A module stands for every metric it defines.

    Raises:
        UnknownNameError: no such metric, and no such module.
        InputError: the module does not import, has no such metric, or defines no metric.
    """
    if text in registry.names(registry.METRICS):
        return [MetricChoice(text).build()]
    place, _, name = text.partition(":")
    module = _module(place)
    found = [_named(module, name)] if name else list(_metrics_in(module).values())
    if not found:
        raise InputError(f"the module {place} defines nothing with a `spec`, so no metric")
    return [_built(metric) for metric in found]


def _module(place: str) -> ModuleType:
    path = Path(place)
    folder = path.resolve().parent if path.suffix == ".py" else Path.cwd()
    if path.suffix == ".py" and not path.is_file():
        raise InputError(f"there is no file {place}: name a metric, a module or a file")
    name = path.stem if path.suffix == ".py" else place
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name == name.split(".")[0] and path.suffix != ".py":
            raise UnknownNameError("metric", place, registry.names(registry.METRICS)) from error
        raise InputError(f"the module {place} does not import: {error}") from error
    except Exception as error:  # whatever a stranger's module raises
        raise InputError(
            f"the module {place} does not import: {type(error).__name__}: {error}"
        ) from error


def _named(module: ModuleType, name: str) -> object:
    found = getattr(module, name, None)
    if not inspect.isclass(found) and not isinstance(found, Metric):
        known = ", ".join(_metrics_in(module)) or "none"
        raise InputError(f"{module.__name__} has no metric {name!r}: its metrics are {known}")
    return found


def _metrics_in(module: ModuleType) -> dict[str, object]:
    """The metrics that a module defines, classes and formulas, by their names in it."""
    return {
        name: found
        for name, found in vars(module).items()
        if (inspect.isclass(found) or isinstance(found, ClipFormula | SetFormula))
        and hasattr(found, "spec")
        and (hasattr(found, "compute") or hasattr(found, "compare"))
        and _home(found) == module.__name__
    }


def _home(found: Any) -> str:
    return str((found if inspect.isclass(found) else code_of(found)).__module__)


def _built(found: object) -> Metric:
    if not inspect.isclass(found):
        assert isinstance(found, Metric)  # or it would not have been found
        return found
    try:
        metric = found()
    except TypeError as error:
        raise PluginError(
            f"the metric {found.__name__} cannot be built without arguments: {error}; "
            "give its parameters defaults"
        ) from error
    if not isinstance(metric, Metric):
        raise PluginError(f"the class {found.__name__} has no `spec`, so it is not a metric")
    return metric
