"""Clips and captions as batches, each batch a pure function of the seed and its number.

Nothing is drawn from a global generator and no loader state is kept, so a run that is resumed at
any step sees the same clips, strides, captions and noise as one that never stopped.
"""

from __future__ import annotations

import logging
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from mirabench.errors import ManifestError
from mirabench.inputs.prompts import ASPECTS
from mirabench.inputs.tables import TABLE_SUFFIXES, Row, read_rows
from mirabench.video.decode import open_video

VIDEO_SUFFIXES = frozenset({".mp4", ".mkv", ".mov", ".webm", ".avi"})
PATH_COLUMNS = ("file_path", "path", "video_path", "video")
CAPTION_MIX = {"short": 0.33, "dense": 0.33, "all": 0.34}
"""How often a sample gets the short, the dense, or all captions with their labels."""

FRAMES_AT_ONCE = 16
LENGTHS = 8
"""Kinds of length that a batch tells apart."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Clip:
    """One training clip: a file and its captions."""

    path: Path
    captions: Mapping[str, str]
    """Kind (`short`, `dense`, `all`) -> text; at least one."""


class Fault(NamedTuple):
    """Why a clip of the table cannot be used."""

    clip: str
    reason: str


def read_clips(source: Path) -> tuple[list[Clip], list[Fault]]:
    """The usable clips of a table or folder, and what is wrong with the others.

    A table has MiraData's columns: a path (`file_path`, relative to the table) and
    `short_caption`, `dense_caption`, ...; `tag` is optional. A folder holds video files, each with
    its caption in a .txt file of the same name.

    Raises:
        ManifestError: the source is neither.
    """
    clips: list[Clip] = []
    faults: list[Fault] = []
    for path, captions in _listed(source):
        if not path.is_file():
            faults.append(Fault(str(path), "missing file"))
        elif not captions:
            faults.append(Fault(str(path), "missing caption"))
        else:
            clips.append(Clip(path, captions))
    return clips, faults


def _listed(source: Path) -> list[tuple[Path, dict[str, str]]]:
    if source.is_dir():
        found = (p for p in source.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES)
        files = sorted(p for p in found if not p.name.startswith("."))  # hidden: not finished
        return [(file, _text_beside(file)) for file in files]
    if source.suffix.lower() in TABLE_SUFFIXES and source.is_file():
        rows = read_rows(source)
        return [
            (source.parent / row.first(PATH_COLUMNS), captions_of(row))
            for row in rows
            if row.first(PATH_COLUMNS)
        ]
    raise ManifestError(
        f"no training data at {source}: give a table ({', '.join(sorted(TABLE_SUFFIXES))}) "
        "or a folder of video files with .txt captions"
    )


def _text_beside(video: Path) -> dict[str, str]:
    caption = video.with_suffix(".txt")
    text = caption.read_text(encoding="utf-8").strip() if caption.is_file() else ""
    return {"short": text} if text else {}


def captions_of(row: Row) -> dict[str, str]:
    """The captions that a sample may get, from the structured ones of a table's row."""
    parts = {aspect: row.values.get(f"{aspect}_caption", "").strip() for aspect in ASPECTS}
    parts["short"] = parts["short"] or row.first(("caption", "prompt", "text"))
    tag = row.values.get("tag", "").strip()
    lead = f"{tag}. " if tag else ""
    captions = {kind: lead + parts[kind] for kind in ("short", "dense") if parts[kind]}
    labelled = [f"{name.replace('_', ' ')}: {text}" for name, text in parts.items() if text]
    if len(labelled) > 1:
        captions["all"] = " ".join([f"tag: {tag}"] * bool(tag) + labelled)
    return captions


def report_faults(faults: Sequence[Fault], usable: int, min_usable: float) -> None:
    """Count and name unusable clips; go on if enough remain.

    Raises:
        ManifestError: fewer than `min_usable` of the clips, or none, can be used.
    """
    counts = Counter(fault.reason.split(":")[0] for fault in faults)
    summary = ", ".join(f"{number} {reason}" for reason, number in sorted(counts.items()))
    names = "; ".join(f"{fault.clip} ({fault.reason})" for fault in faults[:5])
    if faults:
        more = ", ..." if len(faults) > 5 else ""
        text = f"{len(faults)} of {usable + len(faults)} clips cannot be used: {summary}: {names}{more}"
        log.warning("%s", text)
    total = usable + len(faults)
    if usable == 0 or usable < min_usable * total:
        raise ManifestError(
            f"only {usable} of {total} training clips are usable ({summary or 'the table is empty'}): "
            "repair the table, or lower min_usable"
        )


class Video(NamedTuple):
    """The frames of a file at their training size, read as they are asked for."""

    parts: Iterator[Tensor]
    """In order, each (N, 3, H, W) float in [-1, 1], at most `FRAMES_AT_ONCE` of them."""
    fps: float


def read_video(path: Path, sizes: Sequence[tuple[int, int]]) -> Video:
    """A file's frames, their short side resized (bilinear, antialiased) and their centre cropped.

    Raises:
        VideoError: the file is not readable; a damaged one says so while its parts are read.
    """
    video = open_video(path)
    height, width = nearest_size(video.info.height, video.info.width, sizes)

    def parts() -> Iterator[Tensor]:
        for batch in video.frames():
            for data in torch.split(torch.from_numpy(batch.data), FRAMES_AT_ONCE):
                yield _fill(data.permute(0, 3, 1, 2).float() / 127.5 - 1, height, width)

    return Video(parts(), float(video.info.fps))


def nearest_size(height: int, width: int, sizes: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """The size whose shape is nearest; of equal shapes the largest that the clip fills."""
    shape = np.log(width / height)

    def distance(size: tuple[int, int]) -> tuple[float, bool, int]:
        too_large = size[0] > height or size[1] > width
        area = size[0] * size[1]
        return round(abs(np.log(size[1] / size[0]) - shape), 3), too_large, -area

    return min(sizes, key=distance)


def _fill(frames: Tensor, height: int, width: int) -> Tensor:
    scale = max(height / frames.shape[2], width / frames.shape[3])
    size = [max(height, round(frames.shape[2] * scale)), max(width, round(frames.shape[3] * scale))]
    if size != list(frames.shape[2:]):
        frames = F.interpolate(frames, size=size, mode="bilinear", antialias=True)
    top, left = (size[0] - height) // 2, (size[1] - width) // 2
    return frames[:, :, top : top + height, left : left + width].clamp(-1, 1)


class FrameRange(NamedTuple):
    """Which frames of a file a sample is."""

    start: int
    stride: int
    length: int


def draw_frame_range(
    frames: int, longest: int, max_stride: int, rng: np.random.Generator
) -> FrameRange:
    """A random stride and start; a clip too short for the stride gets the largest that fits."""
    length = min(longest, frames)
    stride = int(rng.integers(1, max_stride + 1))
    if (length - 1) * stride + 1 > frames:
        stride = max(1, frames // length)
    start = int(rng.integers(0, frames - (length - 1) * stride))
    return FrameRange(start, stride, length)


def draw_caption(
    captions: Mapping[str, str], uncond_probability: float, rng: np.random.Generator
) -> str:
    """One of the captions, or the empty text."""
    if rng.random() < uncond_probability:
        return ""
    kinds = [kind for kind in CAPTION_MIX if kind in captions]
    weights = np.array([CAPTION_MIX[kind] for kind in kinds])
    return captions[str(rng.choice(kinds, p=weights / weights.sum()))]


class Sample(NamedTuple):
    """A training clip as its cache holds it."""

    moments: Tensor
    """(N, 8, H, W): means and log variances of every frame's latents."""
    fps: float
    captions: Mapping[str, str]


class Batch(NamedTuple):
    """What one micro step trains on."""

    latents: Tensor
    """(B, 4, F, H, W), unpadded parts sampled from their posteriors and scaled; padding 0."""
    extent: Tensor
    """(B, 3) frames, rows and columns that are not padding."""
    fps: Tensor
    """(B,) frames per second after the stride, integer."""
    captions: list[str]

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(
            self.latents.to(device), self.extent.to(device), self.fps.to(device), self.captions
        )


@dataclass(frozen=True)
class Batches(torch.utils.data.Dataset[Batch]):
    """Batch number k of a run, for any k; clips of one shape and of like length share a batch.

    A batch holds as many clips as fit into the tokens of `batch_size` longest clips of the largest shape, the
    padding behind shorter ones counted. One pass over the clips is an epoch, and has each of them once.
    """

    read: Callable[[int], Sample]
    groups: Mapping[tuple[int, ...], Sequence[int]]
    """Latent shape and number of frames -> the clips that have it."""
    num_frames: int
    max_stride: int
    uncond_probability: float
    batch_size: int
    scaling_factor: float
    seed: int
    first: int = 0
    """Number of the batch that index 0 stands for."""
    every: int = 1
    """Distance between batches: the number of processes."""
    count: int = 1

    def __len__(self) -> int:
        return self.count

    def __getitem__(self, index: int) -> Batch:
        if not 0 <= index < self.count:
            raise IndexError(index)
        number = self.first + index * self.every
        rng = np.random.default_rng((self.seed, number))
        samples = [self.read(i) for i in self.plan(number)]
        drawn = [self._draw(sample, rng) for sample in samples]
        captions = [draw_caption(s.captions, self.uncond_probability, rng) for s in samples]
        latents, extent = pad([latents for latents, _ in drawn])
        return Batch(latents, extent, torch.tensor([fps for _, fps in drawn]), captions)

    def plan(self, number: int) -> list[int]:
        """The clips of a batch."""
        counts = self.counts
        epoch, place = divmod(number, len(counts))
        rng = np.random.default_rng((self.seed, epoch, 1))
        ends = np.cumsum(counts)
        chosen = int(rng.permutation(len(counts))[place])
        return self._order(rng)[ends[chosen] - counts[chosen] : ends[chosen]]

    def _order(self, rng: np.random.Generator) -> list[int]:
        """Every clip once: by shape, then by length, at random where these are alike."""
        order: list[int] = []
        for groups in self._buckets.values():
            bucket = [i for group in groups for i in self.groups[group]]
            order += rng.permutation(np.asarray(bucket)).tolist()
        return order

    @cached_property
    def _buckets(self) -> dict[tuple[tuple[int, ...], int], list[tuple[int, ...]]]:
        """(Shape, longest length) -> the groups whose clips may take each other's places; longest first.

        Their lengths differ by less than an eighth of the longest clip, which bounds the padding.
        """
        width = -(-self.num_frames // LENGTHS)
        found: dict[tuple[tuple[int, ...], int], list[tuple[int, ...]]] = {}
        for group in sorted(self.groups, key=lambda group: (group[:-1], -group[-1])):
            longest = min(-(-group[-1] // width) * width, self.num_frames)
            found.setdefault((group[:-1], longest), []).append(group)
        return found

    @cached_property
    def counts(self) -> list[int]:
        """Clips of each batch of an epoch, before the batches are shuffled; the same in every epoch."""
        buckets = self._buckets
        budget = self.batch_size * self.num_frames * max(_area(shape) for shape, _ in buckets)
        counts: list[int] = []
        begun: tuple[tuple[int, ...], int] | None = None  # shape and longest clip of the last batch
        for (shape, longest), groups in buckets.items():
            for _ in range(sum(len(self.groups[group]) for group in groups)):
                fits = begun is not None and begun[0] == shape
                if fits and begun and (counts[-1] + 1) * begun[1] * _area(shape) <= budget:
                    counts[-1] += 1
                else:
                    counts.append(1)
                    begun = shape, longest
        return counts

    def _draw(self, sample: Sample, rng: np.random.Generator) -> tuple[Tensor, int]:
        drawn = draw_frame_range(len(sample.moments), self.num_frames, self.max_stride, rng)
        frames = sample.moments[drawn.start :: drawn.stride][: drawn.length].float()
        mean, log_variance = frames.chunk(2, dim=1)
        noise = torch.from_numpy(rng.standard_normal(mean.shape, dtype=np.float32))
        latents = mean + torch.exp(0.5 * log_variance.clamp(-30, 20)) * noise
        fps = max(1, int(sample.fps / drawn.stride))
        return latents.permute(1, 0, 2, 3) * self.scaling_factor, fps


def _area(shape: tuple[int, ...]) -> int:
    """Latents of a frame; a shape is (channels, rows, columns)."""
    return math.prod(shape[1:])


def pad(clips: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Clips (C, F, H, W) of any size as one batch, zeros behind their ends, and their extents."""
    extent = torch.tensor([clip.shape[1:] for clip in clips])
    largest = extent.amax(dim=0).tolist()
    batch = torch.zeros(len(clips), clips[0].shape[0], *largest)
    for place, clip in zip(batch, clips, strict=True):
        _, f, h, w = clip.shape
        place[:, :f, :h, :w] = clip
    return batch, extent
