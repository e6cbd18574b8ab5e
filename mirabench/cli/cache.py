"""`mirabench cache`: inspect and clean the feature cache."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from mirabench.features.cache import CacheInfo, FeatureCache

app = typer.Typer(no_args_is_help=True)
Folder = Annotated[
    Path | None,
    typer.Option(
        "--cache", help="The cache (default: $MIRABENCH_CACHE or the user's cache folder)."
    ),
]


def _open(folder: Path | None) -> FeatureCache:
    from mirabench.features.cache import FeatureCache, default_cache_folder

    return FeatureCache(folder or default_cache_folder())


def _megabytes(info: CacheInfo) -> str:
    return f"{info.entries} entries, {info.bytes / 1e6:.1f} MB"


@app.command()
def info(cache: Folder = None) -> None:
    """Print where the cache is and how much it holds."""
    found = _open(cache).info()
    typer.echo(f"{found.folder}: {_megabytes(found)}")


@app.command()
def prune(
    cache: Folder = None,
    *,
    max_gb: Annotated[float | None, typer.Option(min=0, help="Keep at most this much.")] = None,
    max_age_days: Annotated[
        float | None, typer.Option(min=0, help="Remove entries unused for this long.")
    ] = None,
) -> None:
    """Remove the least recently used entries."""
    from mirabench.errors import InputError

    if max_gb is None and max_age_days is None:
        raise InputError("state how much to keep: --max-gb 5, --max-age-days 30, or both")
    max_bytes = None if max_gb is None else int(max_gb * 1e9)
    typer.echo(
        f"removed {_megabytes(_open(cache).prune(max_bytes=max_bytes, max_age_days=max_age_days))}"
    )


@app.command()
def clear(cache: Folder = None) -> None:
    """Remove everything."""
    typer.echo(f"removed {_megabytes(_open(cache).clear())}")
