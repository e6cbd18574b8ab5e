"""Which paths are videos: suffixes, frame folders, natural order, gaps in frame numbers."""

from __future__ import annotations

import re
from itertools import pairwise
from pathlib import Path

from mirabench.errors import VideoError

VIDEO_SUFFIXES = frozenset(
    {".mp4", ".mov", ".mkv", ".webm", ".avi", ".gif", ".m4v", ".mpg", ".mpeg", ".ts"}
)
PICTURE_SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff"})


def natural_key(text: str) -> list[tuple[int, int, str]]:
    """A sort key under which `frame_10` comes after `frame_9`."""
    parts = re.findall(r"\d+|\D+", text)
    return [(0, int(p), "") if p.isdigit() else (1, 0, p.lower()) for p in parts]


def is_video_file(path: Path) -> bool:
    """Whether the suffix is one of a video container."""
    return path.suffix.lower() in VIDEO_SUFFIXES


def is_picture(path: Path) -> bool:
    """Whether the suffix is one of a picture."""
    return path.suffix.lower() in PICTURE_SUFFIXES


def is_frame_folder(path: Path) -> bool:
    """Whether a folder holds pictures and no videos, so that it is one clip."""
    try:
        files = [p for p in path.iterdir() if p.is_file() and not p.name.startswith(".")]
    except OSError:
        return False
    return any(map(is_picture, files)) and not any(map(is_video_file, files))


def frame_files(folder: Path) -> list[Path]:
    """The pictures of a frame folder in natural order.

    Raises:
        VideoError: the folder cannot be listed, holds no picture, or a number is missing.
    """
    try:
        found = [p for p in folder.iterdir() if is_picture(p) and not p.name.startswith(".")]
    except OSError as error:
        raise VideoError(f"cannot list {folder}: {error.strerror or error}") from error
    if not found:
        raise VideoError(f"{folder} holds no frames (png, jpg, webp, bmp or tif)")
    files = sorted(found, key=lambda p: natural_key(p.name))
    _refuse_gaps(files)
    return files


def _refuse_gaps(files: list[Path]) -> None:
    numbers = [_number(file) for file in files]
    known = [n for n in numbers if n is not None]
    if len(known) != len(files) or len(files) < 3:
        return  # not a numbered sequence
    step = min(b - a for a, b in pairwise(known))
    for before, after, file in zip(known, known[1:], files[1:], strict=False):
        if after - before != max(step, 1):
            raise VideoError(
                f"{file.parent}: frame {before + max(step, 1)} is missing (numbers go from "
                f"{before} to {after}); write the missing frames or renumber the files"
            )


def _number(file: Path) -> int | None:
    groups = re.findall(r"\d+", file.stem)
    return int(groups[-1]) if groups else None
