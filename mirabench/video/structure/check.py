"""A file's structure against itself: what a container says of its lengths must come out.

FFmpeg reads on where it can, and so does not say when a file lacks its end or a piece of its middle.
These checks read lengths and checksums only, never a picture.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import BinaryIO

from mirabench.video.structure.asf import asf_damage
from mirabench.video.structure.avi import avi_damage
from mirabench.video.structure.boxes import box_damage
from mirabench.video.structure.elements import element_damage
from mirabench.video.structure.gif import gif_damage
from mirabench.video.structure.ts import ts_damage

Check = Callable[[BinaryIO, int], str]
_CHECKS: dict[str, Check] = {
    "mov": box_damage,
    "matroska": element_damage,
    "asf": asf_damage,
    "avi": avi_damage,
    "gif": gif_damage,
    "mpegts": ts_damage,
}
"""First word of FFmpeg's name of a container -> its check."""


def structural_damage(path: Path, container: str) -> str:
    """What is wrong with a file's structure, in words; empty when it is whole or not known.

    Args:
        path: The file.
        container: FFmpeg's name of its format, `mov,mp4,...`.

    Raises:
        OSError: the file cannot be read.
    """
    check = _CHECKS.get(container.split(",")[0])
    if check is None:
        return ""
    with path.open("rb") as file:
        return check(file, path.stat().st_size)
