"""Feature `nsfw_frames`: an image classifier's probability that a frame is not safe for work."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from mirabench.errors import InputError
from mirabench.features.batched import BatchedSession
from mirabench.features.networks import running
from mirabench.video.frames import IntArray, UInt8Array, VideoInfo
from mirabench.video.sampling import every_frame
from miradata.frames.hub import loaded

LABEL = "nsfw"


@dataclass(frozen=True, slots=True)
class NsfwFrames:
    """`nsfw_frames`: `rows` (N, 1), 0 to 1, by a classifier with a class `nsfw`."""

    model: str
    """A hub name that is in the cache, or a folder."""
    name: ClassVar[str] = "nsfw_frames"
    version: ClassVar[int] = 1

    @property
    def resize(self) -> None:
        """The network has its own preprocessing."""
        return

    def select(self, video: VideoInfo) -> IntArray:
        """Every picture that is shown."""
        return every_frame(video)

    def open(self, video: VideoInfo) -> BatchedSession:
        """Start on a clip.

        Raises:
            MissingExtraError: transformers is not installed.
            WeightsMissingError: the model is not on this machine.
            InputError: the model has no class `nsfw`.
        """
        del video
        processor, net, column = _classifier(self.model)

        def network(frames: UInt8Array) -> NDArray[np.float32]:
            inputs = processor(images=list(frames), return_tensors="pt")
            with running("fp32") as device:
                net.to(device)
                logits = net(**inputs.to(device)).logits.float()
                share: NDArray[np.float32] = logits.softmax(dim=-1)[:, [column]].cpu().numpy()
            return share

        return BatchedSession(network, 8)


@cache
def _classifier(name: str) -> tuple[Any, Any, int]:
    """The preprocessing, the network, and the class's column."""
    net = loaded(name, "AutoModelForImageClassification")
    columns = {str(label).lower(): int(column) for column, label in net.config.id2label.items()}
    if LABEL not in columns:
        raise InputError(f"the classifier {name} has no class {LABEL!r}: it has {sorted(columns)}")
    return loaded(name, "AutoImageProcessor"), net, columns[LABEL]
