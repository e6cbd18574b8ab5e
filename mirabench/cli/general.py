"""The options of `mirabench` itself: what they do, and how they are understood behind a command's name too.

`mirabench --quiet evaluate clips/` and `mirabench evaluate clips/ --quiet` mean the same. An option that a
command has itself, by that name or letter, stays its own.
"""

from __future__ import annotations

import logging
import sys
from copy import copy
from pathlib import Path
from typing import Any

import typer

from mirabench import __version__
from mirabench.cli.configuration import defaults_from

GENERAL = ("version", "verbose", "quiet", "config")


def print_version(asked: bool) -> None:
    """Print the version and end, if that was asked for."""
    if asked:
        typer.echo(f"mirabench {__version__}")
        raise typer.Exit


def set_log(*, verbose: bool, quiet: bool) -> None:
    """Log to stderr: warnings and our own stages, each clip, or errors only."""
    others, ours = (logging.DEBUG,) * 2 if verbose else (logging.WARNING, logging.INFO)
    if quiet:
        others = ours = logging.ERROR
    logging.basicConfig(format="%(levelname)s: %(message)s", stream=sys.stderr)
    logging.getLogger().setLevel(others)
    logging.getLogger("mirabench").setLevel(ours)


def understanding_general(command: Any, group: Any) -> Any:
    """A command, or all commands of a group, that takes the root's options too; changed in place.

    Args:
        command: Of click's or Typer's; None stays None.
        group: The root.
    """
    for below in getattr(command, "commands", {}).values():
        understanding_general(below, group)
    if command is None:
        return None
    taken = {word for parameter in command.params for word in parameter.opts}
    for option in group.params:
        words = [word for word in option.opts if word not in taken]
        if option.name in GENERAL and words:
            command.params.append(_behind(option, words))
    return command


def _behind(option: Any, words: list[str]) -> Any:
    """A copy that help leaves out and that is looked at before the others, as it may give their defaults."""
    behind = copy(option)
    behind.opts, behind.hidden, behind.expose_value, behind.is_eager = words, True, False, True
    behind.callback = _given
    return behind


def _given(context: Any, option: Any, value: Any) -> Any:
    if option.name == "version":
        print_version(bool(value))
    elif option.name == "config" and value:
        context.default_map = _defaults_of(context, Path(value))
    elif value:
        set_log(verbose=option.name == "verbose", quiet=option.name == "quiet")
    return value


def _defaults_of(context: Any, path: Path) -> dict[str, Any]:
    """What a file gives for the command of a context."""
    names, above = list[str](), context
    while above.parent is not None:
        names.insert(0, above.info_name)
        above = above.parent
    found = defaults_from(path, above.command, above)
    for name in names:
        found = found.get(name, {})
    return found
