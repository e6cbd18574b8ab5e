"""The scorers: which numbers are read off which feature. None of them decides anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np

from mirabench.features.api import Extractor, FeatureTable
from mirabench.features.frame_embeddings import AestheticFrames
from mirabench.features.motion import Motion
from mirabench.features.raft_flow import RaftFlow
from miradata.measure.frame_statistics import Luma, Signature
from miradata.measure.nsfw import NsfwFrames
from miradata.measure.score import Number
from miradata.tables.schema import OK


@dataclass(frozen=True, slots=True)
class Colour:
    """Too bright or too dark: mean Rec.709 luma of frames, and its 10th and 90th percentile over them."""

    extractor: Luma
    metrics: ClassVar[tuple[str, ...]] = ("luma_mean", "luma_p10", "luma_p90")
    model: ClassVar[str] = "rec709"

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """0 (black) to 1 (white)."""
        means = table["mean"]
        low, high = np.percentile(means, [10, 90])
        values = (float(means.mean()), float(low), float(high))
        return {m: Number(v, len(means)) for m, v in zip(self.metrics, values, strict=True)}


@dataclass(frozen=True, slots=True)
class Flow:
    """How much moves: mean length of the fastest 5 % of pixels' flow, in picture diagonals per second.

    Diagonals per second, so that the size of the picture and the rate of looking do not matter. A clip
    of one picture moves 0.
    """

    extractor: Motion | RaftFlow
    metrics: tuple[str, ...] = ("motion",)
    model: str = "dis"

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """At least 0."""
        diagonal = float(np.hypot(table.number("width"), table.number("height")))
        pairs = table["top5"] / (table["dt"] * diagonal)
        value = float(pairs.mean()) if len(pairs) else 0.0
        return {self.metrics[0]: Number(value, len(pairs) + 1)}


@dataclass(frozen=True, slots=True)
class Signed:
    """What duplicates are found by, and the sharpness that chooses between them."""

    extractor: Signature
    metrics: ClassVar[tuple[str, ...]] = ("sharpness",)

    @property
    def model(self) -> str:
        """The embedder."""
        return f"phash+{self.extractor.embedder}"

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """0 (blurred) to 1."""
        sharp = table["sharpness"]
        return {"sharpness": Number(float(sharp.mean()), len(sharp))}

    def signature(self, table: FeatureTable) -> Mapping[str, Any]:
        """The columns of `signatures` but the id."""
        return {
            "hashes": table["hashes"].tolist(),
            "vector": table["vector"].tolist(),
            "model": self.model,
            "status": OK,
            "reason": "",
        }


@dataclass(frozen=True, slots=True)
class Aesthetic:
    """LAION's predictor on CLIP ViT-L/14, as the benchmark's aesthetic quality: mean and least frame."""

    extractor: Extractor = field(default_factory=AestheticFrames)
    metrics: ClassVar[tuple[str, ...]] = ("aesthetic", "aesthetic_min")
    model: ClassVar[str] = "laion-vit-l-14"

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """About 1 to 10."""
        rows = table["rows"].astype(np.float64)
        return {
            "aesthetic": Number(float(rows.mean()), len(rows)),
            "aesthetic_min": Number(float(rows.min()), len(rows)),
        }


@dataclass(frozen=True, slots=True)
class Nsfw:
    """An image classifier's greatest probability of `nsfw` over the frames."""

    extractor: NsfwFrames
    metrics: ClassVar[tuple[str, ...]] = ("nsfw",)

    @property
    def model(self) -> str:
        """Its name on the hub, or its folder."""
        return self.extractor.model

    def read(self, table: FeatureTable) -> Mapping[str, Number]:
        """0 to 1."""
        rows = table["rows"].astype(np.float64)
        return {"nsfw": Number(float(rows.max()), len(rows))}
