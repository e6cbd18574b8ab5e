"""A package with one metric, ready to be changed: `mirabench metrics new NAME`.

What is written is a metric that works (the change of mean luma), its test and its README; it passes
the conformance kit as it is. The texts are in `templates/`, with `$name` where a name goes.
"""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from pathlib import Path
from string import Template

from mirabench import registry
from mirabench.errors import InputError, OutputError
from mirabench.files import write_text

_FILES = {
    "pyproject.toml": "pyproject.toml.txt",
    "README.md": "README.md.txt",
    "{module}.py": "module.py.txt",
    "test_{module}.py": "test_module.py.txt",
}
"""File of the package -> its template."""


def new_package(name: str, output: Path | None = None) -> Path:
    """Write a package for a metric of this name; gives its folder.

    Args:
        name: Of the metric: lower-case letters, digits and underscores, registered by nobody.
        output: The package's folder, new or empty; `mirabench-<name>` in the current one without.

    Raises:
        InputError: the name cannot be a metric's, or is taken.
        OutputError: the folder holds files, or cannot be written.
    """
    _require_free(name)
    package = f"mirabench-{name.replace('_', '-')}"
    folder = output or Path(package)
    module = f"mirabench_{name}"
    words = {
        "name": name,
        "package": package,
        "module": module,
        "constant": name.upper(),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise OutputError(f"{folder} is not empty: name a new folder with --output")
        for file, template in _FILES.items():
            text = (files("mirabench.testing") / "templates" / template).read_text("utf-8")
            write_text(folder / file.format(module=module), Template(text).substitute(words))
    except OSError as error:
        raise OutputError.writing(folder, error) from error
    return folder


def _require_free(name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", name) or keyword.iskeyword(name):
        raise InputError(
            f"{name!r} cannot be a metric's name: use lower-case letters, digits and single "
            "underscores, as in exposure_pumping"
        )
    if name in registry.names(registry.METRICS):
        raise InputError(f"a metric {name!r} is already installed: choose another name")
