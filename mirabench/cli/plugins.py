"""Commands that other packages add to `mirabench`, by the entry-point group `mirabench.commands`.

What is registered is a `typer.Typer` app, which becomes a group of commands, or a function, which becomes one
command. A package is imported when its command is run, or when help lists all commands. One that does not
load keeps its line in the help and says when run why not; the other commands do not notice.
"""

from __future__ import annotations

import inspect
from typing import Any

import typer
from typer.core import TyperGroup

from mirabench import registry
from mirabench.cli.general import understanding_general
from mirabench.errors import MirabenchError, PluginError


class PluggableGroup(TyperGroup):
    """Our own commands in the order in which they were added, then those of other packages by name.

    All of them take the general options.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """As click does; an option that stands before its command's name is told where it belongs."""
        try:
            return super().parse_args(ctx, args)
        except Exception as found:
            # Typer brings click along under another name, or not, by version: the class is not ours to name
            error: Any = found
            option = getattr(error, "option_name", "")
            owners = [n for n, c in self.commands.items() if option in _options_of(c)]
            if owners:
                named = f"mirabench {owners[0]} {option}"
                error.message = f"{option} belongs behind the name of a command: {named}"
                error.possibilities = ()
            raise

    def list_commands(self, ctx: Any) -> list[str]:
        """The names of all commands; imports no package."""
        ours = super().list_commands(ctx)
        return ours + [name for name in registry.names(registry.COMMANDS) if name not in ours]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command of ours, else one that a package registers; None when there is neither."""
        ours = super().get_command(ctx, cmd_name)
        if ours is None and cmd_name in registry.names(registry.COMMANDS):
            ours = plugged_command(cmd_name)
        return understanding_general(ours, self)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """As click does, with the commands of packages among the names that a typo may have meant."""
        if super().get_command(ctx, args[0]) is None and args[0] not in self.list_commands(ctx):
            for name in self.list_commands(ctx):
                self.add_command(self.get_command(ctx, name), name)
        return super().resolve_command(ctx, args)


def _options_of(command: Any) -> set[str]:
    return {word for parameter in command.params for word in parameter.opts}


def plugged_command(name: str) -> Any:
    """The command that a package registers, or one in its place that raises why it cannot run."""
    try:
        return _as_command(name, registry.load(registry.COMMANDS, name))
    except MirabenchError as error:
        return _broken(name, error)


def _as_command(name: str, registered: object) -> Any:
    """A click command that has the settings of ours.

    Raises:
        PluginError: it is neither an app nor a function, or Typer cannot make a command of it.
    """
    holder = typer.Typer(rich_markup_mode=None)
    if isinstance(registered, typer.Typer):
        holder.add_typer(registered, name=name)
    elif inspect.isfunction(registered):
        holder.command(name)(registered)
    else:
        raise PluginError(
            f"the command {name!r} is a {type(registered).__name__}: "
            "register a typer.Typer app or a function"
        )
    try:
        return typer.main.get_group(holder).commands[name]
    except Exception as error:  # what Typer says of strangers' signatures has no class of its own
        raise PluginError(
            f"the command {name!r} is none that Typer understands "
            f"({type(error).__name__}: {error}): tell its author, or uninstall its package"
        ) from error


def _broken(name: str, error: MirabenchError) -> Any:
    def refuse(context: typer.Context) -> None:
        raise error

    holder = typer.Typer(rich_markup_mode=None)
    taken = {"ignore_unknown_options": True, "allow_extra_args": True}
    holder.command(name, help=f"Cannot run: {error}", context_settings=taken)(refuse)
    return typer.main.get_group(holder).commands[name]
