"""Optional parts: importing what an extra brings, or saying which extra that is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from mirabench.errors import MissingExtraError

OURS = ("mirabench", "miraboard", "miradata", "miradit", "miraprompts")


@contextmanager
def needs_extra(extra: str, why: str) -> Iterator[None]:
    """Imports in this block that fail say which extra brings the package.

    Args:
        extra: The extra, as in `pyproject.toml`.
        why: What needs it, as the beginning of a sentence: `queries need duckdb`.

    Raises:
        MissingExtraError: something that is not ours cannot be imported.
    """
    try:
        yield
    except MissingExtraError:
        raise
    except ImportError as error:
        package = (error.name or "").split(".")[0]
        if package in OURS:  # a bug of ours, which no installation would mend
            raise
        told = f"{why} ({package} is not installed)" if package and package not in why else why
        raise MissingExtraError(extra, told) from error
