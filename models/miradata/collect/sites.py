"""Collect videos from the sites that yt-dlp knows; behind the extra `sites`, slow on purpose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench.extras import needs_extra
from mirabench.video.decode import sha256_of
from miradata.collect.manifest import Collected, Manifest, file_name, require_rights


@dataclass(frozen=True, slots=True)
class SiteSettings:
    """What yt-dlp may do."""

    rights: str = ""
    """On what ground you may fetch and use these videos; required."""
    height: int = 720
    """The best picture up to this height."""
    seconds_between: float = 5.0
    bytes_per_second: float = 2e6


def collect_site(
    urls: Sequence[str],
    folder: Path,
    settings: SiteSettings,
    *,
    downloader: Callable[[dict[str, Any]], Any] | None = None,
) -> Iterator[Collected]:
    """Fetch videos from the sites that yt-dlp knows (extra `sites`).

    `downloader` makes yt-dlp's object from its options; another one serves tests.

    Raises:
        InputError: `rights` is empty.
        MissingExtraError: yt-dlp is missing.
    """
    require_rights(settings.rights)
    if downloader is None:
        with needs_extra("sites", "downloading from sites needs yt-dlp"):
            from yt_dlp import YoutubeDL  # extra `sites`
        downloader = YoutubeDL
    manifest = Manifest(folder, settings.rights)
    for url in urls:
        found = _site_video(url, folder, settings, downloader)
        manifest.add(found)
        yield found


def _site_video(
    url: str, folder: Path, settings: SiteSettings, downloader: Callable[[dict[str, Any]], Any]
) -> Collected:
    name = file_name(url)
    target = folder / f"{Path(name).stem}.mp4"
    if target.is_file():
        return Collected(url, "present", target.name, sha256_of(target), target.stat().st_size)
    height = settings.height
    options = {
        "format": f"bv*[height<={height}]+ba/b[height<={height}]/bv*[height<={height}]",
        "merge_output_format": "mp4",
        "outtmpl": {"default": str(target).replace("%", "%%")},
        "sleep_interval": settings.seconds_between,
        "ratelimit": settings.bytes_per_second,
        "noplaylist": True,
        "quiet": True,
        "continuedl": True,
    }
    try:
        with downloader(options) as session:
            code = session.download([url])
    except Exception as error:  # a site's page can break yt-dlp anywhere; the others go on
        return Collected(url, "failed", reason=str(error)[:500] or type(error).__name__)
    if code or not target.is_file():
        return Collected(url, "failed", reason="yt-dlp left no file: see its messages")
    return Collected(url, "fetched", target.name, sha256_of(target), target.stat().st_size)
