"""What commands share on a terminal: tables that fit, progress bars, Ctrl-C, and lists of names as options.

Rich is imported when it is used, so that `--help` starts fast.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress

PIPE_COLUMNS = 160
"""A pipe has no width to fit; cutting cells there would lose what a script looks for."""


def stdout_console(pipe_columns: int = PIPE_COLUMNS) -> Console:
    """Rich's console on stdout, as wide as the terminal, or as `pipe_columns` where there is none."""
    from rich.console import Console

    console = Console()
    return console if console.is_terminal else Console(width=pipe_columns)


def progress_bars() -> Progress:
    """Bars on stderr with counts, the time taken and the time left; invisible where it is no terminal."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description:>8}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[item]}"),
        console=Console(stderr=True),
        disable=not (sys.stderr.isatty() and shows_progress()),
    )


@contextmanager
def interruptible() -> Iterator[None]:
    """Work that is kept when it is interrupted: Ctrl-C says so and ends with exit code 130."""
    import typer

    try:
        yield
    except KeyboardInterrupt:
        sys.stderr.write(
            "\nmirabench: interrupted; finished work is kept; run the same command again to resume\n"
        )
        raise typer.Exit(130) from None


def shows_progress() -> bool:
    """Whether progress is wanted on stderr: `--quiet` silences the log, and progress with it."""
    return logging.getLogger("mirabench").isEnabledFor(logging.WARNING)


def prints_lines() -> bool:
    """Whether progress is to be told line by line: it is wanted, and there is no terminal for a bar."""
    return shows_progress() and not sys.stderr.isatty()


def split_names(given: Iterable[str] | None) -> list[str]:
    """The names of an option that is repeated, or lists names separated by commas.

    Example:
        >>> split_names(["sharpness, noise", "motion"])
        ['sharpness', 'noise', 'motion']
    """
    return [name for item in given or () for part in item.split(",") if (name := part.strip())]


def duration(seconds: float) -> str:
    """Seconds as people say them.

    Example:
        >>> duration(75), duration(7300)
        ('1 min 15 s', '2 h 01 min')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {rest:02d} s"
