"""A video whose decoder kills or holds up its process."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import NoReturn

from mirabench.video.decode import open_video
from mirabench.video.frames import FrameBatch, VideoInfo


class DeadlyVideo:
    """Says what it is, like any video; whoever decodes it dies, or waits."""

    def __init__(self, path: Path, *, hangs: bool = False) -> None:
        self._info = replace(open_video(path).info, path="deadly", sha256="0" * 64)
        self._hangs = hangs

    @property
    def info(self) -> VideoInfo:
        return self._info

    def frames(self, *, chunk_bytes: int = 0) -> Iterator[FrameBatch]:
        if self._hangs:
            time.sleep(300)
        os.kill(os.getpid(), signal.SIGKILL)
        yield from ()


def die(_: object) -> NoReturn:
    """An attack, or any other function of one thing, that takes its process along."""
    os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("it is dead")
