"""The metrics that a name, a module or a file stands for."""

from __future__ import annotations

import importlib
import inspect
import sys
from pathlib import Path
from types import ModuleType

from mirabench import registry
from mirabench.errors import InputError, PluginError, UnknownNameError
from mirabench.metrics.api import Metric
from mirabench.suites.api import MetricChoice


def find_metrics(text: str) -> list[Metric]:
    """A registered name, `package.module`, `package.module:Class` or a path to a `.py` file.

    Modules are looked for in the current folder too. A module stands for every metric it defines.

    Raises:
        UnknownNameError: no such metric, and no such module.
        InputError: the module does not import, has no such class, or defines no metric.
    """
    if text in registry.names(registry.METRICS):
        return [MetricChoice(text).build()]
    place, _, name = text.partition(":")
    module = _module(place)
    classes = [_class(module, name)] if name else _metric_classes(module)
    if not classes:
        raise InputError(f"the module {place} defines no class with a `spec`, so no metric")
    return [_built(found) for found in classes]


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


def _class(module: ModuleType, name: str) -> type:
    found = getattr(module, name, None)
    if not inspect.isclass(found):
        known = ", ".join(c.__name__ for c in _metric_classes(module)) or "none"
        raise InputError(f"{module.__name__} has no class {name!r}: its metrics are {known}")
    return found


def _metric_classes(module: ModuleType) -> list[type]:
    return [
        kind
        for kind in vars(module).values()
        if inspect.isclass(kind)
        and kind.__module__ == module.__name__
        and hasattr(kind, "spec")
        and (hasattr(kind, "compute") or hasattr(kind, "compare"))
    ]


def _built(kind: type) -> Metric:
    try:
        metric = kind()
    except TypeError as error:
        raise PluginError(
            f"the metric {kind.__name__} cannot be built without arguments: {error}; "
            "give its parameters defaults"
        ) from error
    if not isinstance(metric, Metric):
        raise PluginError(f"the class {kind.__name__} has no `spec`, so it is no metric")
    return metric
