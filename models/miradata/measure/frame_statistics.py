"""What is measured of a clip's pictures, as features: they stream, they are cached, they share a pass.

`luma` and `signature` are here; motion, aesthetic score and RAFT's flow are the benchmark's own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import cv2
import numpy as np

from mirabench.extras import needs_extra
from mirabench.features.api import FeatureTable, as_table
from mirabench.functional import sharpness
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo
from mirabench.video.resize import Resize
from mirabench.video.sampling import evenly
from miradata.frames.embedding import CLIP_CARD, embed, unit

REC709 = np.array([[0.2126, 0.7152, 0.0722]])
"""Weights of R, G and B in luma."""


@dataclass(frozen=True, slots=True)
class Luma:
    """Feature `luma`: `mean` (N,) Rec.709 luma of `count` frames, 0 (black) to 1 (white)."""

    count: int = 16
    name: ClassVar[str] = "luma"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> None:
        """Every pixel counts."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """The middles of `count` equal parts."""
        return evenly(video, self.count)

    def open(self, video: VideoInfo) -> _LumaSession:
        """Start on a clip."""
        del video
        return _LumaSession()


class _LumaSession:
    def __init__(self) -> None:
        self._means: list[float] = []

    def push(self, batch: FrameBatch) -> None:
        for frame in batch.data:
            self._means.append(float(REC709[0] @ cv2.mean(frame)[:3]) / 255)

    def finish(self) -> FeatureTable:
        return as_table(mean=self._means)


@dataclass(frozen=True, slots=True)
class Signature:
    """Feature `signature`: what tells a clip from others, from `count` frames in order.

    `hashes` (N,) uint64 perceptual hashes; `vector` (D,) the mean of the frames' embeddings, of unit
    length (zero when no frame has anything to tell by); `sharpness` (N,) 0 to 1.
    """

    count: int = 5
    embedder: str = "dct"
    name: ClassVar[str] = "signature"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> Resize:
        """Shrunk: neither hashes nor embeddings depend on finer detail."""
        return Resize(max_short_side=240)

    @property
    def weights(self) -> tuple[str, ...]:
        """The card behind the embedder, if it has one."""
        return (CLIP_CARD,) if self.embedder == "clip" else ()

    def select(self, video: VideoInfo) -> IntArray:
        """The middles of `count` equal parts."""
        return evenly(video, self.count)

    def open(self, video: VideoInfo) -> _SignatureSession:
        """Start on a clip."""
        del video
        return _SignatureSession(self.embedder)


class _SignatureSession:
    def __init__(self, embedder: str) -> None:
        self._embedder = embedder
        self._frames: list[UInt8Array] = []

    def push(self, batch: FrameBatch) -> None:
        self._frames.extend(batch.data)  # a handful, small

    def finish(self) -> FeatureTable:
        vector = embed(self._embedder, self._frames).mean(axis=0, dtype=np.float64)
        return as_table(
            hashes=np.asarray(perceptual_hashes(self._frames), np.uint64),
            vector=unit(vector[None])[0],
            sharpness=sharpness(np.stack(self._frames)),
        )


def perceptual_hashes(frames: Sequence[UInt8Array]) -> list[int]:
    """64-bit pHash of uint8 RGB frames (H, W, 3), as the library `imagehash` computes it.

    Raises:
        MissingExtraError: imagehash is not installed.
    """
    with needs_extra("data", "finding duplicates needs imagehash"):
        import imagehash  # extra `data`
        from PIL import Image
    return [int(str(imagehash.phash(Image.fromarray(frame))), 16) for frame in frames]
