"""Clips and degradations that several tests share: seeded, small, with answers known by construction."""

from __future__ import annotations

import cv2
import numpy as np


def texture(height: int, width: int, seed: int = 0) -> np.ndarray:
    """Smooth random colour at several scales (H, W, 3), 20..235: trackable, and safe to resample."""
    random = np.random.default_rng(seed)
    picture = np.zeros((height, width, 3), np.float32)
    for scale in (4, 8, 16, 48):
        small = random.normal(size=(height // scale + 2, width // scale + 2, 3)).astype(np.float32)
        picture += cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC) * scale**0.35
    low, high = np.percentile(picture, [1, 99])
    return np.clip((picture - low) / (high - low) * 215 + 20, 0, 255).astype(np.uint8)


def still(frames: int = 24, size: tuple[int, int] = (160, 96), seed: int = 0) -> np.ndarray:
    """(T, H, W, 3) the same textured picture in every frame."""
    return np.repeat(texture(size[1], size[0], seed)[None], frames, axis=0)


def panning(
    frames: int = 24,
    dx: float = 2.0,
    dy: float = 0.0,
    size: tuple[int, int] = (160, 96),
    seed: int = 0,
) -> np.ndarray:
    """(T, H, W, 3) a window that moves over a texture by (dx, dy) px a frame: content moves against it."""
    width, height = size
    margin = int(abs(frames * max(abs(dx), abs(dy)))) + 4
    canvas = texture(height + 2 * margin, width + 2 * margin, seed)
    out = []
    for t in range(frames):
        shift = np.float32([[1, 0, -(margin + dx * t)], [0, 1, -(margin + dy * t)]])
        out.append(cv2.warpAffine(canvas, shift, (width, height), flags=cv2.INTER_LINEAR))
    return np.stack(out)


def flicker(clip: np.ndarray, amplitude: float) -> np.ndarray:
    """Every other frame brighter by `amplitude` of full scale."""
    lit = clip.astype(np.float32)
    lit[1::2] += amplitude * 255
    return np.clip(lit, 0, 255).astype(np.uint8)


def noise(clip: np.ndarray, sigma: float, seed: int = 0) -> np.ndarray:
    """Gaussian luma noise of `sigma` levels."""
    random = np.random.default_rng(seed)
    grain = random.normal(0, 1, (*clip.shape[:3], 1)) * sigma
    return np.clip(np.round(clip + grain), 0, 255).astype(np.uint8)


def blur(clip: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; sigma 0 leaves the clip as it is."""
    return clip if sigma == 0 else np.stack([cv2.GaussianBlur(f, (0, 0), sigma) for f in clip])


def blocks(clip: np.ndarray, quality: float) -> np.ndarray:
    """JPEG compression of each frame at this quality."""
    flags = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    return np.stack([cv2.imdecode(cv2.imencode(".jpg", f, flags)[1], 1) for f in clip])


def saturation(clip: np.ndarray, share: float) -> np.ndarray:
    """Colour mixed with grey: 0 grey, 1 unchanged."""
    grey = clip.mean(axis=-1, keepdims=True)
    return np.clip(grey + share * (clip - grey), 0, 255).astype(np.uint8)


def darken(clip: np.ndarray, share: float) -> np.ndarray:
    """All levels times `share`."""
    return (clip * share).astype(np.uint8)
