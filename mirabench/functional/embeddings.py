"""What embeddings of frames and captions tell: how alike, and how alike over time."""

from __future__ import annotations

import numpy as np

from mirabench.errors import InputError, MetricError, NotApplicable
from mirabench.functional.arrays import vectors
from mirabench.shapes import Float64, Real


def embedding_consistency(embeddings: Real[np.ndarray, "T D"]) -> Float64[np.ndarray, " N"]:
    """For each frame after the first, the mean of its positive cosines with the last frame and the first.

    (max(0, cos(z_t-1, z_t)) + max(0, cos(z_1, z_t))) / 2 for t = 2..T: MiraData, arXiv 2407.06358, public code
    `evaluation/temporal_dino_consistency.py:15-50`. The mean is the metric.

    Args:
        embeddings: One row per frame, of any length but 0.

    Returns:
        T - 1 values, 0 to 1. Equal frames give 1.

    Raises:
        NotApplicable: there is one frame only.
        MetricError: a number is not finite.
        InputError: the embeddings are no (T, D) of numbers.

    Example:
        >>> right_up_up = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]])
        >>> embedding_consistency(right_up_up).tolist()  # (0 + 0) / 2, (1 + 0) / 2
        [0.0, 0.5]
    """
    z = vectors(embeddings)
    if len(z) < 2:
        raise NotApplicable("the clip has one frame: consistency needs at least two")
    z /= np.maximum(np.linalg.norm(z, axis=1, keepdims=True), 1e-12)
    last = (z[1:] * z[:-1]).sum(axis=1)
    first = z[1:] @ z[0]
    return np.asarray((np.maximum(last, 0) + np.maximum(first, 0)) / 2)


def cosine_similarity(one: Real[np.ndarray, " D"], two: Real[np.ndarray, " D"]) -> float:
    """Cosine of the angle between two embeddings, -1 to 1; their lengths do not matter.

    Args:
        one: Say, of a video.
        two: Say, of its caption.

    Raises:
        MetricError: one of them is zero, and so has no direction; or a number is not finite.
        InputError: they are not vectors of numbers.

    Example:
        >>> cosine_similarity(np.array([3.0, 4.0]), np.array([5.0, 0.0]))
        0.6
    """
    a, b = vectors(one[None])[0], vectors(two[None])[0]
    lengths = np.linalg.norm(a) * np.linalg.norm(b)
    if lengths == 0:
        raise MetricError("an embedding of length 0 has no direction: no angle can be measured")
    return float(a @ b / lengths)


def sentence_margins(
    frames: Real[np.ndarray, "N D"],
    sentences: Real[np.ndarray, "S D"],
    others: Real[np.ndarray, "K D"],
) -> Float64[np.ndarray, " S"]:
    """How much better each sentence fits the frames than other sentences do.

    mean over frames v of cos(v, u_j) - mean over k of cos(v, u_k), u_k the others.

    Args:
        frames: Embeddings of frames, of any length but 0.
        sentences: Of the sentences asked about.
        others: Of sentences about something else.

    Returns:
        A margin a sentence, -2 to 2; about 0 for a sentence that fits no better than the others.

    Raises:
        MetricError: an embedding has length 0, or a number is not finite.
        InputError: they are no (N, D), (S, D) and (K, D) of numbers, or of different D.

    Example:
        >>> right, up = np.array([[1.0, 0.0]]), np.array([[0.0, 2.0]])
        >>> sentence_margins(right, np.concatenate([right, up]), up).tolist()
        [1.0, 0.0]
    """
    v, own, other = (_directions(x) for x in (frames, sentences, others))
    if not v.shape[1] == own.shape[1] == other.shape[1]:
        raise InputError(
            f"embeddings of {v.shape[1]}, {own.shape[1]} and {other.shape[1]} dimensions make no angle"
        )
    mean = v.mean(axis=0)
    return np.asarray(own @ mean - (other @ mean).mean())


def _directions(rows: Real[np.ndarray, "N D"]) -> Float64[np.ndarray, "N D"]:
    found = vectors(rows)
    lengths = np.linalg.norm(found, axis=1, keepdims=True)
    if not len(found) or (lengths == 0).any():
        raise MetricError("an embedding of length 0 has no direction: no angle can be measured")
    return np.asarray(found / lengths)
