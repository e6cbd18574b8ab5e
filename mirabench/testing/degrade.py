"""Ways to spoil a clip: pure functions of uint8 RGB frames (T, H, W, 3), seeded and deterministic.

The first half breaks time (what moves, repeats or stops), the second each picture. Unless it says
otherwise, a strength of 0 gives the clip back and more spoils it more.
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from mirabench.errors import InputError
from mirabench.video.frames import UInt8Array

FPS = 24


def wobble(clip: UInt8Array, amplitude: float = 6.0, fps: float = FPS) -> UInt8Array:
    """Bend every frame by waves that travel: no rigid scene moves so. `amplitude` in px."""
    height, width = clip.shape[1:3]
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    bent = []
    for t, frame in enumerate(clip):
        phase = 2 * math.pi * t / fps
        dx = amplitude * np.sin(y / height * 7 + 1.3 * phase) * np.cos(x / width * 5 - 0.7 * phase)
        dy = amplitude * np.sin(x / width * 8 - 1.1 * phase)
        maps = (x + dx.astype(np.float32), y + dy.astype(np.float32))
        bent.append(cv2.remap(frame, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101))
    return np.stack(bent)


def flicker(clip: UInt8Array, amplitude: float = 0.04, seed: int = 0) -> UInt8Array:
    """Random gain per frame, of `amplitude` standard deviation."""
    gains = 1 + amplitude * np.random.default_rng(seed).standard_normal(len(clip))
    lit = [cv2.convertScaleAbs(f, alpha=max(0.0, g)) for f, g in zip(clip, gains, strict=True)]
    return np.asarray(lit, np.uint8)


def alternate(clip: UInt8Array, amplitude: float = 0.04) -> UInt8Array:
    """Gain 1 + `amplitude` in even frames and 1 - `amplitude` in odd ones: flicker at half the rate."""
    signs = np.where(np.arange(len(clip)) % 2, -1.0, 1.0)
    gains = np.maximum(0.0, 1 + amplitude * signs)
    lit = [cv2.convertScaleAbs(f, alpha=g) for f, g in zip(clip, gains, strict=True)]
    return np.asarray(lit, np.uint8)


def freeze_tail(clip: UInt8Array, share: float = 1 / 3) -> UInt8Array:
    """The last `share` of the frames repeat the frame before them."""
    start = max(1, int(len(clip) * (1 - share)))
    return np.take(clip, np.minimum(np.arange(len(clip)), start - 1), axis=0)


def looped(clip: UInt8Array, period: int) -> UInt8Array:
    """The first `period` frames, there and back, again and again, as long as the clip."""
    there = np.arange(period)
    cycle = np.concatenate([there, there[-2:0:-1]])
    return np.take(clip, cycle[np.arange(len(clip)) % len(cycle)], axis=0)


def doubled(clip: UInt8Array) -> UInt8Array:
    """Every frame twice, as long as the clip."""
    return np.take(clip, np.arange(len(clip)) // 2, axis=0)


def cut(clip: UInt8Array, other: UInt8Array) -> UInt8Array:
    """The first half of one clip and the second half of another of the same shape.

    Raises:
        InputError: The shapes differ.
    """
    if clip.shape != other.shape:
        raise InputError(f"clips to cut together have one shape, not {clip.shape}, {other.shape}")
    middle = len(clip) // 2
    return np.concatenate([clip[:middle], other[middle:]])


def blur(clip: UInt8Array, sigma: float) -> UInt8Array:
    """Gaussian blur, sigma in px."""
    return clip if sigma <= 0 else np.stack([cv2.GaussianBlur(f, (0, 0), sigma) for f in clip])


def noise(clip: UInt8Array, sigma: float, seed: int = 0) -> UInt8Array:
    """Gaussian noise of `sigma` levels, new in every frame and equal in the three channels."""
    generator = np.random.default_rng(seed)
    grain = (
        sigma * generator.standard_normal((*shape, 1)) for shape in [clip.shape[1:3]] * len(clip)
    )
    return np.stack([_levels(f + g) for f, g in zip(clip, grain, strict=True)])


def blocks(clip: UInt8Array, strength: float) -> UInt8Array:
    """JPEG compression of each frame at quality 100 (1 - strength); 0 still rounds a little."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, round(100 * (1 - min(1.0, max(0.0, strength))))]
    coded = [cv2.imencode(".jpg", np.ascontiguousarray(f[..., ::-1]), flags)[1] for f in clip]
    return np.stack([cv2.imdecode(c, cv2.IMREAD_COLOR)[..., ::-1] for c in coded])


def saturation(clip: UInt8Array, share: float) -> UInt8Array:
    """Colour mixed with grey: 0 is grey, 1 the clip itself, more is more colourful."""
    grey = clip.mean(axis=-1, keepdims=True, dtype=np.float32)
    return _levels(grey + np.float32(share) * (clip - grey))


def gamma(clip: UInt8Array, exponent: float) -> UInt8Array:
    """Levels in [0, 1] to the power of `exponent`: 1 is the clip itself, more is darker."""
    table = _levels(255 * (np.arange(256) / 255) ** exponent)
    return np.take(table, clip)


def _levels(values: np.ndarray) -> UInt8Array:
    levels: UInt8Array = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return levels
