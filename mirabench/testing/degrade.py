"""Ways to degrade a clip: pure functions of uint8 RGB frames (T, H, W, 3), seeded and deterministic.

The first part breaks time (what moves, repeats or stops), the second puts stills in a film's place, the
third degrades each picture. Unless it says otherwise, a strength of 0 returns the clip unchanged, and more
degrades it more. Lengths are shares of the picture where a pixel would depend on its size.
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
    _same_shape(clip, other)
    middle = len(clip) // 2
    return np.concatenate([clip[:middle], other[middle:]])


def outlier_view(clip: UInt8Array, other: UInt8Array, share: float = 1 / 8) -> UInt8Array:
    """The middle `share` of the frames replaced by those of another clip of the same shape.

    Raises:
        InputError: The shapes differ.
    """
    _same_shape(clip, other)
    count = max(1, round(len(clip) * share)) if share > 0 else 0
    start = (len(clip) - count) // 2
    return np.concatenate([clip[:start], other[start : start + count], clip[start + count :]])


def mixed_scenes(clip: UInt8Array, other: UInt8Array, blocks: int = 4) -> UInt8Array:
    """Every second of `blocks` equal parts replaced by that part of another clip of the same shape.

    Raises:
        InputError: The shapes differ.
    """
    _same_shape(clip, other)
    foreign = np.arange(len(clip)) * blocks // len(clip) % 2 == 1
    return np.where(foreign[:, None, None, None], other, clip)


def patched(clip: UInt8Array, other: UInt8Array, side: float = 0.35, seed: int = 0) -> UInt8Array:
    """Two patches of another clip on every frame, each anywhere; `side` is their share of width and height.

    Raises:
        InputError: The shapes differ.
    """
    _same_shape(clip, other)
    out: UInt8Array = clip.copy()
    random = np.random.default_rng(seed)
    height, width = round(clip.shape[1] * side), round(clip.shape[2] * side)
    for frame, source in zip(out, other, strict=True):
        for _ in range(2):
            y, x, from_y, from_x = _corners(random, clip.shape, height, width)
            frame[y : y + height, x : x + width] = source[
                from_y : from_y + height, from_x : from_x + width
            ]
    return out


def _corners(
    random: np.random.Generator, shape: tuple[int, ...], height: int, width: int
) -> list[int]:
    """Of a patch, and of where it is taken from."""
    rows, columns = shape[1] - height + 1, shape[2] - width + 1
    return [int(random.integers(n)) for n in (rows, columns, rows, columns)]


def repeated_views(clip: UInt8Array, views: int = 4) -> UInt8Array:
    """Only `views` frames, evenly spread, each held until the next."""
    return held(clip, max(1, math.ceil(len(clip) / views)))


def _same_shape(clip: UInt8Array, other: UInt8Array) -> None:
    if clip.shape != other.shape:
        raise InputError(f"clips to put together have one shape, not {clip.shape}, {other.shape}")


def hold_start(clip: UInt8Array, share: float = 1 / 3) -> UInt8Array:
    """The first frame held for `share` of the clip, whose end is lost."""
    held = int(len(clip) * share)
    return np.take(clip, np.maximum(np.arange(len(clip)) - held, 0), axis=0)


def held(clip: UInt8Array, every: int = 2) -> UInt8Array:
    """Only every `every`-th frame, each held until the next: a low rate in the clothes of a high one."""
    return np.take(clip, np.arange(len(clip)) // every * every, axis=0)


def restarted(clip: UInt8Array, times: int = 3) -> UInt8Array:
    """The clip's beginning shown `times` times, as long as the clip."""
    lap = max(1, len(clip) // times)
    return np.take(clip, np.arange(len(clip)) % lap, axis=0)


def shuffled(clip: UInt8Array, seed: int = 0) -> UInt8Array:
    """The frames in a random order."""
    return np.take(clip, np.random.default_rng(seed).permutation(len(clip)), axis=0)


def swapped(clip: UInt8Array) -> UInt8Array:
    """Each two neighbouring frames exchanged; a last odd frame stays."""
    order = np.arange(len(clip))
    pairs = order[: len(clip) // 2 * 2]
    order[: len(pairs)] = pairs ^ 1
    return np.take(clip, order, axis=0)


def slowed(clip: UInt8Array, factor: float = 2.0) -> UInt8Array:
    """The clip's beginning `factor` times slower, neighbours blended, as long as the clip."""
    places = np.arange(len(clip)) / factor
    before = np.minimum(np.floor(places).astype(int), len(clip) - 1)
    after = np.minimum(before + 1, len(clip) - 1)
    return _mixed(clip[before], clip[after], places - before)


def ghosted(clip: UInt8Array, frames: int = 5) -> UInt8Array:
    """Each frame the mean of `frames` around it; 1 gives the clip back."""
    reach = frames // 2
    padded = np.concatenate([clip[:1].repeat(reach, 0), clip, clip[-1:].repeat(reach, 0)])
    sums = [padded[t : t + 2 * reach + 1].mean(axis=0, dtype=np.float32) for t in range(len(clip))]
    return np.stack([_levels(mean) for mean in sums])


def shaken(clip: UInt8Array, amplitude: float = 0.01, seed: int = 0) -> UInt8Array:
    """Every frame displaced at random, by `amplitude` diagonals of standard deviation each way."""
    height, width = clip.shape[1:3]
    sigma = amplitude * math.hypot(width, height)
    steps = np.random.default_rng(seed).normal(0, sigma, (len(clip), 2))
    return np.stack([_shifted(f, x, y) for f, (x, y) in zip(clip, steps.tolist(), strict=True)])


def dissolving(clip: UInt8Array, stills: int = 3) -> UInt8Array:
    """`stills` frames of the clip, evenly spread, each dissolving into the next without a pause."""
    places = np.linspace(0, stills - 1, len(clip))
    picks = np.linspace(0, len(clip) - 1, stills).astype(int)
    before = np.minimum(np.floor(places).astype(int), stills - 2)
    return _mixed(clip[picks[before]], clip[picks[before + 1]], places - before)


def still_of(clip: UInt8Array) -> UInt8Array:
    """The first frame throughout."""
    return clip[:1].repeat(len(clip), axis=0)


def zoomed_still(clip: UInt8Array, factor: float = 1.3) -> UInt8Array:
    """The first frame, growing smoothly about its centre to `factor` times its size."""
    scales = factor ** np.linspace(0, 1, len(clip))
    return np.stack([_placed(clip[0], scale, 0.0) for scale in scales.tolist()])


def panned_still(clip: UInt8Array, share: float = 0.3) -> UInt8Array:
    """A window moves to the right over the first frame by `share` of the picture's width."""
    scale = 1 + share
    ways = np.linspace(-share / 2, share / 2, len(clip))
    return np.stack([_placed(clip[0], scale, way) for way in ways.tolist()])


def _mixed(clip: UInt8Array, other: UInt8Array, weights: np.ndarray) -> UInt8Array:
    """Frame by frame `weights` (T,) of the other clip and the rest of the first."""
    mixed = [
        cv2.addWeighted(a, 1 - weight, b, weight, 0)
        for a, b, weight in zip(clip, other, weights.tolist(), strict=True)
    ]
    return np.asarray(mixed, np.uint8)


def _placed(frame: UInt8Array, scale: float, right: float) -> UInt8Array:
    """The frame enlarged about its centre; the view then moved right, in picture widths."""
    height, width = frame.shape[:2]
    x, y = (width - 1) / 2, (height - 1) / 2
    matrix = np.array([[scale, 0, x * (1 - scale) - right * width], [0, scale, y * (1 - scale)]])
    return _warped(frame, matrix)


def _shifted(frame: UInt8Array, right: float, down: float) -> UInt8Array:
    return _warped(frame, np.array([[1, 0, right], [0, 1, down]]))


def _warped(frame: UInt8Array, matrix: np.ndarray) -> UInt8Array:
    size = frame.shape[1::-1]
    moved: UInt8Array = cv2.warpAffine(
        frame, matrix, size, flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101
    )
    return moved


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


def contrast(clip: UInt8Array, share: float) -> UInt8Array:
    """Levels moved towards mid-grey: 1 is the clip itself, 0 grey."""
    table = _levels(128 + share * (np.arange(256) - 128.0))
    return np.take(table, clip)


def sharpened(clip: UInt8Array, amount: float = 3.0, sigma: float = 1.0) -> UInt8Array:
    """Unsharp masking: `amount` times what a blur of `sigma` px takes away, added."""
    softer = (cv2.GaussianBlur(f, (0, 0), sigma) for f in clip)
    crisp = [
        cv2.addWeighted(f, 1 + amount, g, -amount, 0) for f, g in zip(clip, softer, strict=True)
    ]
    return np.asarray(crisp, np.uint8)


def resized(clip: UInt8Array, share: float) -> UInt8Array:
    """The clip at `share` of its size, in even numbers of pixels, by area averaging."""
    height, width = clip.shape[1:3]
    size = (max(2, round(width * share / 2) * 2), max(2, round(height * share / 2) * 2))
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_AREA) for f in clip])


def rescaled(clip: UInt8Array, share: float = 0.4) -> UInt8Array:
    """The clip shrunk to `share` of its size and enlarged again."""
    size = clip.shape[2:0:-1]
    small = resized(clip, share)
    return np.stack([cv2.resize(f, size, interpolation=cv2.INTER_CUBIC) for f in small])


def cropped(clip: UInt8Array, share: float = 0.6) -> UInt8Array:
    """The middle `share` of the picture, enlarged to its size."""
    return np.stack([_placed(f, 1 / share, 0.0) for f in clip])


def mirrored_halves(clip: UInt8Array) -> UInt8Array:
    """The right half replaced by the left one's mirror image."""
    out: UInt8Array = clip.copy()
    half = clip.shape[2] // 2
    out[:, :, -half:] = clip[:, :, :half][:, :, ::-1]
    return out


def letterboxed(clip: UInt8Array, share: float = 0.15) -> UInt8Array:
    """Black bars over the upper and the lower `share` of the picture."""
    out: UInt8Array = clip.copy()
    bar = round(clip.shape[1] * share)
    out[:, :bar] = 0
    out[:, clip.shape[1] - bar :] = 0
    return out


def inset(clip: UInt8Array, share: float = 0.6) -> UInt8Array:
    """The clip at `share` of its size on its own first frame, blurred and held still."""
    height, width = clip.shape[1:3]
    small = resized(clip, share)
    top, left = (height - small.shape[1]) // 2, (width - small.shape[2]) // 2
    backdrop = cv2.GaussianBlur(clip[0], (0, 0), 0.05 * math.hypot(width, height))
    out: UInt8Array = backdrop[None].repeat(len(clip), axis=0)
    out[:, top : top + small.shape[1], left : left + small.shape[2]] = small
    return out


def captioned(clip: UInt8Array, text: str = "A MASTERPIECE") -> UInt8Array:
    """Text in white with a black rim along the lower edge, the same in every frame."""
    height, width = clip.shape[1:3]
    (natural, _), _ = cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, 1.0, 2)
    scale = 0.9 * width / natural
    place = (round(0.05 * width), round(0.93 * height))
    out: UInt8Array = clip.copy()
    for frame in out:
        for level, thick in ((0, 5 * scale + 2), (255, 2 * scale)):
            colour = (level, level, level)
            pen = max(1, round(thick))
            cv2.putText(
                frame, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, colour, pen, cv2.LINE_AA
            )
    return out


def watermarked(clip: UInt8Array, opacity: float = 0.25) -> UInt8Array:
    """Slanted text all over the picture, white and see-through, the same in every frame."""
    height, width = clip.shape[1:3]
    mark = np.zeros((2 * height, 2 * width), np.uint8)
    for row in range(0, 2 * height, max(1, height // 3)):
        text, scale = "SAMPLE  " * 12, height / 150
        cv2.putText(mark, text, (0, row), cv2.FONT_HERSHEY_SIMPLEX, scale, 255, 1, cv2.LINE_AA)
    slant = cv2.getRotationMatrix2D((width, height), 30, 1.0)
    mark = cv2.warpAffine(mark, slant, (2 * width, 2 * height))
    seen = mark[height // 2 :, width // 2 :][:height, :width, None]
    weight = np.float32(opacity / 255) * seen
    return np.stack([_levels(f + weight * (255 - f)) for f in clip])


def _levels(values: np.ndarray) -> UInt8Array:
    levels: UInt8Array = np.clip(np.round(values), 0, 255).astype(np.uint8)
    return levels
