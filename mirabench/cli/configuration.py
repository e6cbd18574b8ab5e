"""Defaults of options from a file: `mirabench.toml`, or `[tool.mirabench]` in `pyproject.toml`.

A table is named as a command, a key as an option without its dashes; what the command line says goes first.
The file of the nearest folder counts, from the working folder upwards; paths in it start at its folder.

    [evaluate]
    suite = "lite"
    workers = 4
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any, get_args

from mirabench import toml
from mirabench.errors import InputError, UnknownNameError

FILE_NAME = "mirabench.toml"


def found_file(folder: Path) -> Path | None:
    """The nearest configuration file, from a folder upwards; None when there is none.

    Raises:
        InputError: a `pyproject.toml` on the way is not valid TOML.
    """
    for place in (folder, *folder.parents):
        own, project = place / FILE_NAME, place / "pyproject.toml"
        if own.is_file():
            return own
        if project.is_file() and "mirabench" in _read(project).get("tool", {}):
            return project
    return None


def defaults_from(path: Path, group: Any, context: Any) -> dict[str, Any]:
    """The defaults that a file gives, as click takes them: command -> option -> value.

    Args:
        path: The file.
        group: The root command, of Typer's.
        context: Its context.

    Raises:
        InputError: the file cannot be read, or is not a table of tables.
        UnknownNameError: no such command or option; the nearest names are offered.
    """
    content = _read(path)
    tables = (
        content.get("tool", {}).get("mirabench", {}) if path.name == "pyproject.toml" else content
    )
    if not isinstance(tables, dict):
        raise InputError(f"{path}: write tool.mirabench as a table with commands below it")
    return _of_group(path, tables, group, context)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = toml.loads(path.read_text(encoding="utf-8"))
        return content
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (toml.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not valid TOML: {error}") from error


def _of_group(path: Path, tables: Mapping[str, Any], group: Any, context: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, table in tables.items():
        commands = group.list_commands(context)
        if not isinstance(table, dict):
            raise InputError(_no_table(path, name, commands))
        if name not in commands:
            raise UnknownNameError(f"command in {path}", name, commands)
        command = group.get_command(context, name)
        if hasattr(command, "list_commands"):
            found[name] = _of_group(path, table, command, context)
        elif command is not None:
            found[name] = _of_command(path, table, command)
    return found


def _no_table(path: Path, name: str, commands: Collection[str]) -> str:
    if name in commands:
        return f"{path}: write {name} as a table, [{name}], with options below it"
    example = "[tool.mirabench.evaluate]" if path.name == "pyproject.toml" else "[evaluate]"
    return f"{path}: {name} stands in no command's table: write it below that of its command, as {example}"


def _of_command(path: Path, table: Mapping[str, Any], command: Any) -> dict[str, Any]:
    options = {
        _plain(option): parameter
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in parameter.opts
        if option.startswith("--")
    }
    found: dict[str, Any] = {}
    for key, value in table.items():
        if _plain(key) not in options:
            raise UnknownNameError(f"option of {command.name} in {path}", key, options)
        option = options[_plain(key)]
        found[str(option.name)] = _value(path.parent, option, value)
    return found


def _plain(name: str) -> str:
    return name.lstrip("-").replace("_", "-")


def _value(folder: Path, option: Any, value: Any) -> Any:
    if option.multiple:
        return [
            _one(folder, option, each) for each in (value if isinstance(value, list) else [value])
        ]
    return _one(folder, option, value)


def _one(folder: Path, option: Any, value: Any) -> Any:
    """A path starts at the folder of its file, as everything that a file names."""
    return str(folder / value) if _is_path(option) and isinstance(value, str) else value


def _is_path(option: Any) -> bool:
    """Newer versions of Typer keep the annotation, older ones click's type."""
    descriptor = getattr(option, "type_descriptor", None)
    if descriptor is None:
        return "path" in option.type.name.lower()
    annotation = descriptor.annotation
    return Path in (annotation, *get_args(annotation))
