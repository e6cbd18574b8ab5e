"""Attacking and scoring one clip, as work for the engine."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import numpy as np

from mirabench import __version__
from mirabench.attacks.api import Attack, Footage
from mirabench.attacks.catalogue import ATTACKS
from mirabench.features.cache import library_versions
from mirabench.identity import digest_of
from mirabench.report.model import VideoRecord
from mirabench.run.evaluate import evaluate
from mirabench.suites.api import Suite
from mirabench.video.frames import ArrayVideo
from mirabench.work.item import Item, Outcome, Resources

_KNOWN = {attack.key: attack for attack in ATTACKS}


class ScoredClip(NamedTuple):
    """A clip's record, and what its run could not compute at all."""

    video: VideoRecord
    skipped: Mapping[str, str]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> ScoredClip:
        """From the value of an outcome."""
        return cls(VideoRecord.model_validate(value["video"]), value["skipped"])


class AttackOrder(NamedTuple):
    """The payload of an item: a clip, and what is done to it first."""

    clip: Footage
    attack: Attack | str | None
    """One of the catalogue by its key, since its function does not travel; None leaves the clip clean."""


@dataclass(frozen=True, slots=True)
class AttackWork:
    """One attack on one clip: the outcome's value is the clip's record, as JSON."""

    suite: Suite
    device: str
    cache: bool | str | Path
    allow_noncommercial: bool
    seconds: float | None = None
    name: ClassVar[str] = "attack"

    @property
    def resources(self) -> Resources:
        """A core, and the time limit."""
        return Resources(seconds=self.seconds)

    def work(self, item: Item) -> Outcome:
        """Attack the clip, then score it."""
        order: AttackOrder = item.payload
        attack = _KNOWN[order.attack] if isinstance(order.attack, str) else order.attack
        clip = order.clip if attack is None else attack.applied(order.clip)
        report = evaluate(
            [ArrayVideo(clip.frames, fps=clip.fps, name=clip.name)],
            suite=self.suite,
            prompts={clip.name: clip.prompt} if clip.prompt is not None else None,
            device=self.device,
            cache=self.cache,
            allow_noncommercial=self.allow_noncommercial,
        )
        video = report.videos[0].model_dump(mode="json")
        return Outcome({"video": video, "skipped": dict(report.skipped)})

    def failed(self, item: Item, reason: str) -> dict[str, Any]:
        """The record of a clip that could not be attacked or scored."""
        video = VideoRecord(id=item.id, path=item.id, prompt_id=None, prompt=None, error=reason)
        return {"video": video.model_dump(mode="json"), "skipped": {}}


def items_of(
    clean: Sequence[Footage],
    attacks: Sequence[Attack],
    yardstick: Sequence[Footage],
    suite: Suite,
) -> dict[str, Item]:
    """The work of a run: each clean clip, each attack on it, and the yardstick; key -> item."""
    found: dict[str, Item] = {}
    for clip in (*clean, *yardstick):
        content = _digest(clip)
        chosen = attacks if any(clip is one for one in clean) else ()
        for attack in (None, *chosen):
            name = clip.name if attack is None else f"{clip.name}/{attack.name}"
            found[_key(suite, content, name, attack)] = Item(
                name, content, AttackOrder(clip, _portable(attack))
            )
    return found


def _key(suite: Suite, content: str, name: str, attack: Attack | None) -> str:
    what = attack.key if attack else ""
    return digest_of([__version__, suite.digest(), library_versions(), content, name, what], 32)


def _portable(attack: Attack | None) -> Attack | str | None:
    known = attack is not None and _KNOWN.get(attack.key) is attack
    return attack.key if attack is not None and known else attack


def _digest(clip: Footage) -> str:
    digest = hashlib.sha256(np.ascontiguousarray(clip.frames).tobytes())
    asked = clip.prompt.digest() if clip.prompt is not None else ""
    digest.update(f"{clip.frames.shape} {clip.fps} {asked}".encode())
    return digest.hexdigest()
