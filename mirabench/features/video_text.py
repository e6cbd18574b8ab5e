"""Features of ViCLIP-L/14: `viclip_video`, an embedding of eight frames, and `viclip_text`, of a caption."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureTable, as_table
from mirabench.features.networks import network, running
from mirabench.inputs.prompts import ASPECTS, Prompt
from mirabench.video.frames import FrameBatch, IntArray, UInt8Array, VideoInfo

if TYPE_CHECKING:
    from mirabench.nets.viclip import ViClip

FRAMES = 8


def _viclip() -> ViClip:
    from mirabench.nets import viclip  # extra `torch`

    return network("viclip-l-14", viclip.load)


@dataclass(frozen=True, slots=True)
class ViclipVideo:
    """Extractor of the feature `viclip_video`: `embedding` (768,), not normalised.

    The frames are the middles of eight equal intervals of the clip; a shorter clip repeats frames.
    """

    antialias: bool = True
    """Of the resize: on since torchvision 0.17; the reference's README pins 0.13, which had none."""
    precision: str = "fp32"
    name: ClassVar[str] = "viclip_video"
    version: ClassVar[int] = 1
    resize = None  # native size
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("viclip-l-14",)

    def select(self, video: VideoInfo) -> IntArray:
        """The distinct frames among the eight."""
        return np.unique(middle_frames(video.num_frames))

    def open(self, video: VideoInfo) -> _Session:
        """Start on a clip."""
        return _Session(_viclip(), self, middle_frames(video.num_frames))


def middle_frames(num_frames: int, count: int = FRAMES) -> IntArray:
    """(count,) the middle frame of each of `count` equal intervals of the clip."""
    ends = np.linspace(0, num_frames, count + 1).astype(np.int64)
    middles: IntArray = np.minimum((ends[:-1] + ends[1:] - 1) // 2, num_frames - 1).clip(0)
    return middles


class _Session:
    def __init__(self, net: ViClip, settings: ViclipVideo, order: IntArray) -> None:
        self._net, self._settings, self._order = net, settings, order
        self._frames: dict[int, UInt8Array] = {}

    def push(self, batch: FrameBatch) -> None:
        for frame, index in zip(batch.data, batch.index.tolist(), strict=True):
            self._frames[index] = frame.copy()  # not a view, which would keep its whole batch alive

    def finish(self) -> FeatureTable:
        from mirabench.nets.preprocess import for_viclip

        frames = np.stack([self._frames[i] for i in self._order.tolist()])
        video = for_viclip(frames, antialias=self._settings.antialias)
        with running(self._settings.precision) as device:
            embedding = self._net.encode_video(video[None].to(device))[0].float().cpu().numpy()
        return as_table(embedding=embedding)


@dataclass(frozen=True, slots=True)
class ViclipText:
    """Extractor of the feature `viclip_text`: `embedding` (768,) and `tokens`, the caption's full length.

    Only the first 32 tokens are read, start and end included; `tokens` tells how many there were.
    """

    aspect: str = "dense"
    """Which caption: one of MiraData's aspects."""
    precision: str = "fp32"
    name: ClassVar[str] = "viclip_text"
    version: ClassVar[int] = 1
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("viclip-l-14",)

    def __post_init__(self) -> None:
        if self.aspect not in ASPECTS:
            raise ValueError(
                f"unknown caption aspect {self.aspect!r}: known are {', '.join(ASPECTS)}"
            )

    def text_of(self, prompt: Prompt) -> str:
        """The caption.

        Raises:
            NotApplicable: the prompt has no such caption, or an empty one.
        """
        caption = prompt.caption(self.aspect)
        if not caption:
            missing = "empty" if caption == "" else "missing"
            raise NotApplicable(f"the {self.aspect.replace('_', ' ')} caption is {missing}")
        return caption

    def embed(self, text: str) -> FeatureTable:
        """The embedding of a caption."""
        net = _viclip()
        from open_clip import get_tokenizer

        from mirabench.nets.viclip import tokenize

        length = len(get_tokenizer("ViT-B-32").encode(text)) + 2
        with running(self.precision) as device:
            embedding = net.encode_text(tokenize([text]).to(device))[0].float().cpu().numpy()
        return as_table(embedding=embedding, tokens=length)
