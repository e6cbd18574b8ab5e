"""The session that gathers frames for a network: same batches however frames arrive, and bounded memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from mirabench.features.batched import BatchedSession
from mirabench.video.frames import FrameBatch

BATCH = 4
TOKENS = 10_000


def frames(first: int, count: int) -> FrameBatch:
    index = np.arange(first, first + count)
    return FrameBatch(
        data=np.broadcast_to(index[:, None, None, None], (count, 2, 2, 3)).astype(np.uint8),
        index=index,
        seconds=index / 24,
    )


def means(pictures: np.ndarray) -> np.ndarray:
    return pictures.mean(axis=(1, 2, 3))[:, None].astype(np.float32)


@pytest.mark.parametrize("chunk", [1, 3, 4, 9])
def test_the_network_sees_the_same_batches_however_frames_arrive(chunk):
    sizes = []

    def network(pictures):
        sizes.append(len(pictures))
        return means(pictures)

    session = BatchedSession(network, BATCH)
    for first in range(0, 9, chunk):
        session.push(frames(first, min(chunk, 9 - first)))
    table = session.finish()
    assert sizes == [4, 4, 1]
    assert table["rows"].ravel().tolist() == list(range(9))
    assert table["seconds"].tolist() == pytest.approx([t / 24 for t in range(9)])


def test_rows_do_not_keep_the_network_s_other_outputs_alive():
    # a transformer gives (N, tokens, D) and the row is a view of its first token
    def network(pictures):
        return np.zeros((len(pictures), TOKENS, 1), np.float32)[:, 0]

    session = BatchedSession(network, BATCH)
    tracemalloc.start()
    try:
        for first in range(0, 40, BATCH):
            session.push(frames(first, BATCH))
        held = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()
    assert held < BATCH * TOKENS * 4  # less than one batch's tokens, of the ten that were made
