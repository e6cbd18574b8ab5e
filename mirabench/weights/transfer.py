"""One file from one source: huggingface_hub for the hub's addresses, pooch for all others."""

from __future__ import annotations

import http
import io
import logging
import os
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from mirabench.errors import OutputError, WeightsError
from mirabench.extras import needs_extra
from mirabench.partial_file import PartialFile, Progress, reason_of, status_of
from mirabench.weights.card import HubFile, Mirror

if TYPE_CHECKING:
    from tqdm.std import tqdm

log = logging.getLogger(__name__)

_DRY_ATTEMPTS = 3  # attempts in a row that bring nothing before a source counts as dead


class TransferError(WeightsError):
    """One address did not deliver; the next mirror may."""


def fetch(source: Mirror, target: Path, progress: Progress | None = None) -> None:
    """Download what a source serves.

    Args:
        source: The address.
        target: Final path; appears only when every byte is there.
        progress: Told after each chunk.

    Raises:
        TransferError: the address answers with an error, a web page, or goes silent repeatedly.
        OutputError: the disk is too small or cannot be written.
        MissingExtraError: huggingface_hub or pooch is not installed.
    """
    if (hub := source.hub()) is not None:
        _from_hub(source.url, hub, target, progress)
    else:
        _over_http(source.url, target, progress)


def discard_partial(target: Path) -> None:
    """Forget what an earlier `fetch` left behind for `target`."""
    PartialFile(target).discard()


def _from_hub(url: str, hub: HubFile, target: Path, progress: Progress | None) -> None:
    with needs_extra("download", "downloads from the Hugging Face hub need huggingface_hub"):
        from huggingface_hub import hf_hub_download  # extra `download`
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx's or httpx2's
    folder = target.with_name(target.name + ".hub")
    # huggingface_hub reads it when it is imported, which may be too early
    endpoint = os.environ.get("HF_ENDPOINT", "").rstrip("/") or None
    try:
        found = hf_hub_download(
            hub.repo, hub.path, repo_type=hub.kind.removesuffix("s"), revision=hub.revision,
            local_dir=folder, endpoint=endpoint, tqdm_class=_bar(progress),
        )  # fmt: skip
        Path(found).replace(target)
    except (HTTPError, OSError, ValueError) as error:
        if (
            isinstance(error, OSError) and error.errno
        ):  # the disk: what the network raises has no such number
            raise OutputError.writing(target, error) from error
        raise TransferError(f"{url}: {reason_of(error)}") from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _bar(progress: Progress | None) -> type[tqdm]:
    """What huggingface_hub takes for a progress bar; it prints nothing and tells `progress`."""
    from tqdm.std import tqdm  # huggingface_hub needs it

    class Told(tqdm):  # type: ignore[misc]  # tqdm has no types
        def __init__(self, *args: object, **options: object) -> None:
            super().__init__(*args, **{**options, "file": io.StringIO()})

        def update(self, n: float | None = 1) -> bool | None:
            told: bool | None = super().update(n)
            if progress is not None:
                progress(int(self.n), None if self.total is None else int(self.total))
            return told

    return Told


def _over_http(url: str, target: Path, progress: Progress | None) -> None:
    with needs_extra("download", "downloading needs pooch, which brings requests"):
        from requests import RequestException  # extra `download`
    part, dry = PartialFile(target), 0
    while True:
        before = part.size
        try:
            part.attempt(url, begins=partial(_refuse, url, part), progress=progress)
            break
        except RequestException as error:
            reason, status = reason_of(error), status_of(error) or 0
            if 400 <= status < 500 and status != http.HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                raise TransferError(f"{url}: {reason}") from error
        except OSError as error:
            raise OutputError.writing(part.path, error) from error
        dry = 0 if part.size > before else dry + 1
        if dry >= _DRY_ATTEMPTS:
            kept = f" ({part.size} bytes are kept for the next try)" if part.size else ""
            raise TransferError(f"{url}: {reason}{kept}")
        log.debug("%s: %s, trying again from byte %d", url, reason, part.size)
    part.complete()


def _refuse(url: str, part: PartialFile, headers: Mapping[str, str], total: int | None) -> None:
    # A login or error page with status 200 would otherwise be pinned as the weights.
    if headers.get("Content-Type", "").startswith("text/html"):
        raise TransferError(f"{url}: the server sent a web page instead of the file")
    free, lacking = shutil.disk_usage(part.path.parent).free, (total or 0) - part.size
    if lacking > free:
        raise OutputError(
            f"{part.path.parent} has {free / 1e9:.1f} GB free and {part.target.stem} needs "
            f"{lacking / 1e9:.1f} GB more: free some space or name another folder with "
            f"MIRABENCH_WEIGHTS"
        )
