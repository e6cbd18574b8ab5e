"""A session that gathers selected frames into batches of a fixed size for a network.

The size is a constant of the feature and not of the stream, so the network sees the same batches
however the frames arrive.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from mirabench.features.api import FeatureTable, as_table
from mirabench.video.frames import FrameBatch, UInt8Array

Rows = NDArray[np.float32]


class BatchedSession:
    """Rows of a per-frame network, under the column `rows`, with `seconds` beside them.

    Args:
        network: uint8 RGB (N, H, W, 3) -> float32 (N, ...).
        size: Frames to a batch.
    """

    def __init__(self, network: Callable[[UInt8Array], Rows], size: int) -> None:
        self._network, self._size = network, size
        self._waiting: list[UInt8Array] = []
        self._rows: list[Rows] = []
        self._seconds: list[float] = []

    def push(self, batch: FrameBatch) -> None:
        """Take frames; whole batches are looked at when they are full."""
        for frame, seconds in zip(batch.data, batch.seconds.tolist(), strict=True):
            self._waiting.append(frame)
            self._seconds.append(seconds)
            if len(self._waiting) == self._size:
                self._flush()

    def _flush(self) -> None:
        rows = self._network(np.stack(self._waiting))
        # DINO's rows are one token of all a picture has: a view would keep the others alive, 0.6 MB a frame
        self._rows.append(rows.copy())
        self._waiting = []

    def finish(self) -> FeatureTable:
        """Look at the rest, and give the table."""
        if self._waiting:
            self._flush()
        return as_table(seconds=self._seconds, rows=np.concatenate(self._rows))
