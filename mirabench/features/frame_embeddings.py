"""Features of single frames by networks: DINO, CLIP, the aesthetic score, MUSIQ, Inception-v3.

Each is one pass over the frames it selects, in batches. Preprocessing is the reference evaluation's
(`mirabench.nets.preprocess`); which frames are looked at is a parameter.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from mirabench.features.batched import BatchedSession
from mirabench.features.networks import network, running, runtime
from mirabench.video.frames import IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import at_times, every_frame, lexical_linspace

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 8


def embed_with(
    net: Callable[[Tensor], Tensor], prepare: Callable[[UInt8Array], Tensor], precision: str
) -> Callable[[UInt8Array], NDArray[np.float32]]:
    """A function from frames (N, H, W, 3) to rows, that prepares, runs a network and comes back."""

    def network(frames: UInt8Array) -> NDArray[np.float32]:
        prepared = prepare(frames)
        with running(precision) as device:
            rows: NDArray[np.float32] = net(prepared.to(device)).float().cpu().numpy()
        return rows

    return network


@dataclass(frozen=True, slots=True)
class _PerFrame:
    """What the extractors of this module share: which frames, how precisely.

    `precisions` of a class lists the arithmetics that a suite may choose: those in which the drift of the
    metric behind it was measured to be under 0.1 % of its range (docs/precision.md).
    """

    rate: float | None = None
    """Frames per second; None looks at every frame, as the reference does."""
    precision: str = "fp32"

    @property
    def resize(self) -> None:
        """Networks have their own preprocessing, which starts from native frames."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """Every frame, or those nearest to `rate` ticks a second."""
        return every_frame(video) if self.rate is None else at_times(video, self.rate)


@dataclass(frozen=True, slots=True)
class DinoFrames(_PerFrame):
    """`dino_frames`: DINO ViT-B/16 class tokens, `rows` (N, 768), not normalised."""

    name: ClassVar[str] = "dino_frames"
    version: ClassVar[int] = 1
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("dino-vitb16",)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import dino, preprocess  # extra `torch`

        net = network("dino-vitb16", dino.load)
        return BatchedSession(embed_with(net, preprocess.for_dino, self.precision), BATCH)


ClipModel = Literal["ViT-B/32", "ViT-L/14"]
_CLIP_CARDS = {"ViT-B/32": "clip-vit-b-32", "ViT-L/14": "clip-vit-l-14"}


def clip_tower(model: ClipModel) -> Callable[[Tensor], Tensor]:
    """CLIP's image tower by its official name."""
    from mirabench.nets import clip  # extra `torch`

    sizes = clip.VIT_B_32 if model == "ViT-B/32" else clip.VIT_L_14
    tower: Callable[[Tensor], Tensor] = network(
        _CLIP_CARDS[model], lambda path: clip.load(path, sizes)
    )
    return tower


@dataclass(frozen=True, slots=True)
class ClipFrames(_PerFrame):
    """`clip_frames`: CLIP image embeddings after the projection, `rows` (N, D), not normalised."""

    model: ClipModel = "ViT-B/32"
    name: ClassVar[str] = "clip_frames"
    version: ClassVar[int] = 1
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")

    @property
    def weights(self) -> tuple[str, ...]:
        """The card of the chosen model."""
        return (_CLIP_CARDS[self.model],)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import preprocess  # extra `torch`

        network = embed_with(clip_tower(self.model), preprocess.for_clip, self.precision)
        return BatchedSession(network, BATCH)


@dataclass(frozen=True, slots=True)
class AestheticFrames(_PerFrame):
    """`aesthetic_frames`: LAION's aesthetic score by CLIP ViT-L/14, `rows` (N, 1), about 1 to 10."""

    name: ClassVar[str] = "aesthetic_frames"
    version: ClassVar[int] = 1
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("clip-vit-l-14", "aesthetic-vit-l-14")

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import aesthetic, preprocess  # extra `torch`

        tower = clip_tower("ViT-L/14")
        head = network("aesthetic-vit-l-14", aesthetic.load)

        def score(images: Tensor) -> Tensor:
            scores: Tensor = head(tower(images).float())
            return scores

        return BatchedSession(embed_with(score, preprocess.for_clip, self.precision), BATCH)


@dataclass(frozen=True, slots=True)
class ClipIqaFrames(_PerFrame):
    """`clip_iqa_frames`: how much nearer a frame is to one text than to another, `rows` (N, 1), 0 to 1.

    softmax over 100 * cosine of CLIP ViT-B/32's embeddings of the frame and of `good` and `bad`; the share
    of `good`. The pair of texts is that of CLIP-IQA (Wang et al., AAAI 2023).
    """

    good: str = "Good photo."
    bad: str = "Bad photo."
    name: ClassVar[str] = "clip_iqa_frames"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("clip-vit-b-32",)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import clip, preprocess  # extra `torch`
        from mirabench.nets.viclip import tokenize

        tower = clip_tower("ViT-B/32")
        texts = network("clip-vit-b-32", clip.load_text, part="text")
        with running("fp32") as device:
            pair = texts(tokenize([self.good, self.bad], length=77).to(device)).float()

        def score(images: Tensor) -> Tensor:
            return preference(tower(images).float(), pair)

        return BatchedSession(embed_with(score, preprocess.for_clip, self.precision), BATCH)


def preference(images: Tensor, pair: Tensor) -> Tensor:
    """(N, 1) share of the first text in a softmax over 100 times the cosines.

    Args:
        images: (N, D) embeddings, any length.
        pair: (2, D) embeddings of the two texts, any length.
    """
    cosines = images / images.norm(dim=1, keepdim=True) @ (pair / pair.norm(dim=1, keepdim=True)).T
    shares: Tensor = (100 * cosines).softmax(dim=1)[:, :1]
    return shares


@dataclass(frozen=True, slots=True)
class MusiqFrames(_PerFrame):
    """`musiq_frames`: MUSIQ (SPAQ) imaging quality, `rows` (N, 1), about 0 to 100."""

    name: ClassVar[str] = "musiq_frames"
    version: ClassVar[int] = 1
    precisions: ClassVar[tuple[str, ...]] = ("fp32", "bf16")
    weights: ClassVar[tuple[str, ...]] = ("musiq-spaq",)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import musiq, preprocess  # extra `torch`, and `iqa` for MUSIQ

        net = network("musiq-spaq", musiq.load)
        # one frame's three scales fill a CPU already; eight frames took 1.4 times as long there
        batch = 1 if runtime().device.type == "cpu" else BATCH
        return BatchedSession(embed_with(net, preprocess.for_musiq, self.precision), batch)


@dataclass(frozen=True, slots=True)
class InceptionFrames:
    """`inception_frames`: Inception-v3 pool features of at most `count` frames, `rows` (N, 2048).

    Frames are chosen as the reference chooses files: evenly from the list of frame files in lexical
    order (frames_1, frames_10, ...). With `wrap`, pixels are wrapped around modulo 256 as they are there.
    """

    count: int = 100
    wrap: bool = False
    precision: str = "fp32"
    name: ClassVar[str] = "inception_frames"
    version: ClassVar[int] = 1
    weights: ClassVar[tuple[str, ...]] = ("inception-2015-12-05",)

    @property
    def resize(self) -> None:
        """Native frames; the squash to 299x299 is part of the preprocessing."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """At most `count` frames."""
        return lexical_linspace(video, self.count)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip."""
        del video
        from mirabench.nets import inception, preprocess  # extra `torch`

        net = network("inception-2015-12-05", inception.load)

        def prepare(frames: UInt8Array) -> Any:
            return preprocess.for_inception(frames, wrap=self.wrap)

        return BatchedSession(embed_with(net, prepare, self.precision), BATCH)
