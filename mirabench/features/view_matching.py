"""Keypoints of views and their matches."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol, runtime_checkable

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.errors import UnknownNameError
from mirabench.features.networks import network, require_torch, running
from mirabench.shapes import Float32, Float64
from mirabench.video.frames import IntArray, UInt8Array

RATIO = 0.85
"""Of the distances to the two nearest descriptors, above which a match is ambiguous; the reference's."""
MATCHERS: dict[str, tuple[str, ...]] = {"sift": (), "lightglue": ("disk-depth", "disk-lightglue")}
"""Name -> the weight cards that it needs."""


class Keypoints(NamedTuple):
    """What is recognised in a view."""

    points: Float64[np.ndarray, "K 2"]
    """px of the analysed picture, x before y."""
    descriptors: NDArray[Any]
    """(K, D)."""


@runtime_checkable
class Matcher(Protocol):
    """Finds keypoints, and the same ones in another view."""

    def detect(self, rgb: UInt8Array) -> Keypoints:
        """The keypoints of a picture (H, W, 3)."""
        ...

    def match(self, one: Keypoints, two: Keypoints) -> IntArray:
        """(N, 2): rows of `one` and of `two`; a keypoint may be in several."""
        ...


def matcher_of(name: str, keypoints: int) -> Matcher:
    """A matcher by name.

    Raises:
        UnknownNameError: no such matcher.
    """
    if name not in MATCHERS:
        raise UnknownNameError("matcher", name, MATCHERS)
    return Sift(keypoints) if name == "sift" else LearnedMatcher(keypoints)


class Sift:
    """SIFT (Lowe, IJCV 2004, in OpenCV), and Lowe's ratio test in both directions."""

    def __init__(self, keypoints: int) -> None:
        self._sift = cv2.SIFT_create(nfeatures=keypoints)

    def detect(self, rgb: UInt8Array) -> Keypoints:
        """The strongest keypoints."""
        found, descriptors = self._sift.detectAndCompute(
            cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), None
        )
        points = np.asarray(cv2.KeyPoint_convert(found), np.float64).reshape(-1, 2)
        if descriptors is None:
            descriptors = np.zeros((0, 128))
        # SIFT's descriptors are whole numbers from 0 to 255: a byte holds them exactly
        return Keypoints(points, np.asarray(descriptors).astype(np.uint8))

    def match(self, one: Keypoints, two: Keypoints) -> IntArray:
        """All matches that pass the ratio test in one direction or the other."""
        if min(len(one.points), len(two.points)) < 2:
            return np.zeros((0, 2), np.int64)
        # sums of products of bytes are exact in float32, in whatever order a library adds them up
        here, away = (v.descriptors.astype(np.float32) for v in (one, two))
        squared = (here**2).sum(axis=1)[:, None] + (away**2).sum(axis=1) - 2 * (here @ away.T)
        there, back = _unambiguous(squared), _unambiguous(squared.T)[:, ::-1]
        return np.unique(np.concatenate([there, back]), axis=0)


class LearnedMatcher:
    """DISK keypoints, matched by LightGlue: both by kornia (extra `torch`), nothing drawn at random."""

    def __init__(self, keypoints: int) -> None:
        require_torch("the matcher lightglue is a network")
        from mirabench.nets import lightglue  # extra `torch`

        self._keypoints, self._nets = keypoints, lightglue
        self._disk = network("disk-depth", lightglue.load_disk)
        self._glue = network("disk-lightglue", lightglue.load_lightglue)
        self._size = (1, 1)

    def detect(self, rgb: UInt8Array) -> Keypoints:
        """The strongest keypoints; all pictures must be of one size."""
        import torch  # extra `torch`

        self._size = (rgb.shape[1], rgb.shape[0])
        with running("fp32") as device:
            picture = torch.from_numpy(np.ascontiguousarray(rgb)).to(device).movedim(-1, 0) / 255
            points, descriptors = self._nets.detect(self._disk, picture, self._keypoints)
        return Keypoints(np.asarray(points.cpu(), np.float64), np.asarray(descriptors.cpu()))

    def match(self, one: Keypoints, two: Keypoints) -> IntArray:
        """The matches that LightGlue believes, each keypoint in one at most."""
        import torch  # extra `torch`

        if min(len(one.points), len(two.points)) < 2:
            return np.zeros((0, 2), np.int64)
        with running("fp32") as device:
            pair = [
                (
                    torch.from_numpy(v.points).float().to(device),
                    torch.from_numpy(v.descriptors).to(device),
                )
                for v in (one, two)
            ]
            found = self._nets.match(self._glue, pair[0], pair[1], self._size)
        return np.asarray(found.cpu(), np.int64).reshape(-1, 2)


def _unambiguous(squared: Float32[np.ndarray, "K L"]) -> IntArray:
    """(N, 2): each row whose nearest column is clearly nearer than the second, and that column."""
    two = np.argpartition(squared, 1, axis=1)[:, :2]
    distance = np.take_along_axis(squared, two, axis=1)
    nearest = np.take_along_axis(two, distance.argmin(axis=1)[:, None], axis=1)[:, 0]
    kept = distance.min(axis=1) < RATIO**2 * distance.max(axis=1)
    return np.stack([np.flatnonzero(kept), nearest[kept]], axis=1).astype(np.int64)
