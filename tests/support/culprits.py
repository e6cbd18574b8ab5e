"""Metrics that each break one rule, and the features that some of them need, for the kit to catch."""

from __future__ import annotations

import contextlib
import os
import random
import socket
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from mirabench.errors import NotApplicable
from mirabench.features.api import FeatureRef, as_table
from mirabench.metrics.api import Curve, Measured, MetricSpec, SetMeasured
from mirabench.video.sampling import every_frame

PULSE = FeatureRef.of("pulse")


def spec(name: str, **more: Any) -> MetricSpec:
    settled = {
        "name": name, "version": 1, "dimension": "visual quality", "summary": "What a test measures",
        "unit": "", "range": (float("-inf"), float("inf")), "higher_is_better": True,
        "needs": {"pulse": PULSE}, "source": "a test", "degenerate_when": ("black",),
    }  # fmt: skip
    return MetricSpec(**{**settled, **more})


@dataclass(frozen=True)
class Honest:
    """Breaks nothing."""

    spec: ClassVar[MetricSpec] = spec(
        "unblemished", resolution_invariant=True, fps_invariant=True, worsened_by=("gamma", 3.0)
    )

    def compute(self, clip):
        return Measured(float(clip["pulse"]["signature"].mean()))


@dataclass(frozen=True)
class Nameless(Honest):
    spec: ClassVar[MetricSpec] = spec("No Name", summary="")


@dataclass(frozen=True)
class Rangeless(Honest):
    spec: ClassVar[MetricSpec] = spec("rangeless", range=(1.0, 0.0))


@dataclass(frozen=True)
class Flagless(Honest):
    spec: ClassVar[MetricSpec] = spec("flagless", degenerate_when=("blakc",))


@dataclass(frozen=True)
class Undegradable(Honest):
    spec: ClassVar[MetricSpec] = spec("undegradable", worsened_by=("melt", 1.0))


@dataclass(frozen=True)
class Scopeless(Honest):
    spec: ClassVar[MetricSpec] = spec("scopeless", scope="set")


@dataclass(frozen=True)
class Needy(Honest):
    spec: ClassVar[MetricSpec] = spec("needy", needs={"x": FeatureRef.of("pulze")})


@dataclass
class Mutable:
    spec: ClassVar[MetricSpec] = spec("mutable")

    def compute(self, clip):
        return Measured(1.0)


class Plain:
    spec: ClassVar[MetricSpec] = spec("plain")

    def compute(self, clip):
        return Measured(float(clip["pulse"]["signature"].mean()))


@dataclass(frozen=True)
class Odd(Honest):
    spec: ClassVar[MetricSpec] = spec("odd")
    table: object = bytes


@dataclass(frozen=True)
class Moody(Honest):
    spec: ClassVar[MetricSpec] = spec("moody")

    def compute(self, clip):
        return Measured(random.random())


@dataclass(frozen=True)
class Placed(Honest):
    """Reads the number of its process."""

    spec: ClassVar[MetricSpec] = spec("placed")

    def compute(self, clip):
        return Measured(float(os.getpid()))


@dataclass(frozen=True)
class Wide(Honest):
    spec: ClassVar[MetricSpec] = spec("wide", resolution_invariant=True)

    def compute(self, clip):
        return Measured(float(clip.video.width))


@dataclass(frozen=True)
class Counting(Honest):
    spec: ClassVar[MetricSpec] = spec("counting", fps_invariant=True)

    def compute(self, clip):
        return Measured(float(clip.video.num_frames))


@dataclass(frozen=True)
class Hasty(Honest):
    """Takes it for granted that there is a second frame."""

    spec: ClassVar[MetricSpec] = spec("hasty")

    def compute(self, clip):
        return Measured(float(clip["pulse"]["change"][1]))


@dataclass(frozen=True)
class Dividing(Honest):
    """Divides by a brightness that may be 0."""

    spec: ClassVar[MetricSpec] = spec("dividing")

    def compute(self, clip):
        bright = clip["pulse"]["bright"].mean()
        return Measured(float("nan") if bright == 0 else 1 / float(bright))


@dataclass(frozen=True)
class Blind(Honest):
    """Praises a clip in which nothing happens."""

    spec: ClassVar[MetricSpec] = spec(
        "blind", dimension="temporal consistency", higher_is_better=False
    )

    def compute(self, clip):
        return Measured(float(clip["pulse"]["change"].mean()))


@dataclass(frozen=True)
class Dark(Honest):
    """Praises black."""

    spec: ClassVar[MetricSpec] = spec("dark", higher_is_better=False, degenerate_when=())


@dataclass(frozen=True)
class Beyond(Honest):
    spec: ClassVar[MetricSpec] = spec("beyond", range=(0.0, 1.0))


@dataclass(frozen=True)
class Backwards(Honest):
    spec: ClassVar[MetricSpec] = spec(
        "backwards", higher_is_better=False, worsened_by=("gamma", 3.0)
    )


@dataclass(frozen=True)
class Deaf(Honest):
    """Says that it needs a prompt and never looks at one."""

    spec: ClassVar[MetricSpec] = spec("deaf", needs_prompt=True)


@dataclass(frozen=True)
class Choosy(Honest):
    """Looks for one word in the prompt."""

    spec: ClassVar[MetricSpec] = spec("choosy", needs_prompt=True)

    def compute(self, clip):
        if clip.prompt is None or "purple" not in clip.prompt.text:
            raise NotApplicable("the prompt asks for nothing purple")
        return Measured(1.0)


@dataclass(frozen=True)
class Crooked(Honest):
    spec: ClassVar[MetricSpec] = spec("crooked")

    def compute(self, clip):
        curve = Curve(np.arange(2.0), np.arange(2.0))
        object.__setattr__(curve, "seconds", np.arange(3.0))  # past the shapes that tests check
        return Measured(1.0, curve=curve)


@dataclass(frozen=True)
class Late(Honest):
    spec: ClassVar[MetricSpec] = spec("late")

    def compute(self, clip):
        return Measured(1.0, curve=Curve(np.array([99.0]), np.array([1.0])))


@dataclass(frozen=True)
class Scratching(Honest):
    """Works in the table that others read."""

    spec: ClassVar[MetricSpec] = spec("scratching")

    def compute(self, clip):
        signature = clip["pulse"]["signature"]
        signature -= 1.0
        return Measured(1.0)


@dataclass(frozen=True)
class Calling(Honest):
    """Reaches for a network, and hides that it failed."""

    spec: ClassVar[MetricSpec] = spec("calling")

    def compute(self, clip):
        with contextlib.suppress(OSError):
            socket.create_connection(("weights.example", 443), timeout=1).close()
        return Measured(1.0)


@dataclass(frozen=True)
class Apart:
    """Breaks nothing, and compares sets."""

    spec: ClassVar[MetricSpec] = spec("apart", scope="set", higher_is_better=False)

    def compare(self, generated, reference):
        means = [
            np.mean([clip["pulse"]["signature"].mean() for clip in side])
            for side in (generated, reference)
        ]
        return SetMeasured(float(abs(means[0] - means[1])), None, len(generated))


class _Session:
    def __init__(self, extractor):
        self.extractor, self.pushes, self.kept = extractor, 0, []

    def push(self, batch):
        self.pushes += 1
        if self.extractor.name == "hoard":
            self.kept.append(batch.data.copy())
        if self.extractor.name == "scribble":
            batch.data[...] = 0

    def finish(self):
        return as_table(pushes=self.pushes)


@dataclass(frozen=True)
class Feature:
    name: ClassVar[str]
    version: ClassVar[int] = 1
    resize: ClassVar[None] = None

    def select(self, video):
        return every_frame(video)

    def open(self, video):
        return _Session(self)


@dataclass(frozen=True)
class Pushes(Feature):
    name: ClassVar[str] = "pushes"


@dataclass(frozen=True)
class Hoard(Feature):
    name: ClassVar[str] = "hoard"


@dataclass(frozen=True)
class Scribble(Feature):
    name: ClassVar[str] = "scribble"


@dataclass(frozen=True)
class Chunky(Honest):
    """Counts how often frames came."""

    spec: ClassVar[MetricSpec] = spec("chunky", needs={"x": FeatureRef.of("pushes")})

    def compute(self, clip):
        return Measured(clip["x"].number("pushes"))


@dataclass(frozen=True)
class Hoarding(Honest):
    spec: ClassVar[MetricSpec] = spec("hoarding", needs={"x": FeatureRef.of("hoard")})

    def compute(self, clip):
        return Measured(1.0)


@dataclass(frozen=True)
class Scribbling(Honest):
    spec: ClassVar[MetricSpec] = spec("scribbling", needs={"x": FeatureRef.of("scribble")})

    def compute(self, clip):
        return Measured(1.0)


FEATURES = {"pushes": "Pushes", "hoard": "Hoard", "scribble": "Scribble"}
