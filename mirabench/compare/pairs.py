"""Which clip of one run answers which clip of another: same prompt and seed, else the same id.

A report does not hold seeds; they are read from the clips' ids, which `mirabench generate` and most other
tools end with the seed. Names are read as in `mirabench.inputs.pairing`. Wrong pairs would be worse than none:
two clips whose prompts or whose known seeds contradict each other are never paired.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from mirabench.inputs.pairing import pair as match_prompts
from mirabench.inputs.prompts import Prompt
from mirabench.report.build import cluster_of
from mirabench.report.model import VideoRecord

_SAID = re.compile(r"(?:^|[\s._/-])seed[\s._-]*(\d+)$", re.IGNORECASE)

_Key = Callable[["_Clip"], tuple[str, ...] | None]


@dataclass(frozen=True, slots=True, eq=False)
class Pair:
    """Two clips that were asked for the same."""

    a: VideoRecord
    """Of the run that is compared with."""
    b: VideoRecord
    how: str
    """`prompt and seed`, `clip id`, or `prompt` where a seed is unknown."""

    @property
    def cluster(self) -> str:
        """The prompt; a clip without one is its own."""
        return cluster_of(self.b if self.a.prompt_id is None else self.a)


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """What was paired and what was left over."""

    pairs: tuple[Pair, ...]
    """In the order of the first run."""
    only_a: tuple[str, ...]
    """Ids of clips without a partner."""
    only_b: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Clip:
    record: VideoRecord
    seed: str


def pair_clips(a: Sequence[VideoRecord], b: Sequence[VideoRecord]) -> Pairs:
    """Pair the clips of two reports, the surest way first.

    First by prompt id and seed, where each of them names one clip in each report; then by clip id; then by
    prompt alone, where one clip of it is left on both sides and at least one of the seeds is unknown.
    """
    left_a, left_b = _with_seeds(a), _with_seeds(b)
    found: dict[str, Pair] = {}
    for how, key in _WAYS:
        matched = _matched(left_a, left_b, key)
        found |= {x.record.id: Pair(x.record, y.record, how) for x, y in matched}
        taken = {y.record.id for _, y in matched}
        left_a = [c for c in left_a if c.record.id not in found]
        left_b = [c for c in left_b if c.record.id not in taken]
    return Pairs(
        tuple(found[v.id] for v in a if v.id in found),
        tuple(c.record.id for c in left_a),
        tuple(c.record.id for c in left_b),
    )


def _matched(a: Sequence[_Clip], b: Sequence[_Clip], key: _Key) -> list[tuple[_Clip, _Clip]]:
    ours, theirs = _unique(a, key), _unique(b, key)
    both = [(clip, theirs[k]) for k, clip in ours.items() if k in theirs]
    return [(x, y) for x, y in both if not _contradict(x, y)]


def _unique(clips: Sequence[_Clip], key: _Key) -> dict[tuple[str, ...], _Clip]:
    """Key -> the only clip that has it."""
    groups: dict[tuple[str, ...], list[_Clip]] = {}
    for clip in clips:
        if (found := key(clip)) is not None:
            groups.setdefault(found, []).append(clip)
    return {k: group[0] for k, group in groups.items() if len(group) == 1}


def _contradict(x: _Clip, y: _Clip) -> bool:
    """Whether two clips cannot have been asked for the same."""
    return any(
        p and q and p != q
        for p, q in (
            (x.record.prompt_id, y.record.prompt_id),
            (x.record.prompt, y.record.prompt),
            (x.seed, y.seed),
        )
    )


def _by_prompt_and_seed(clip: _Clip) -> tuple[str, ...] | None:
    prompt = clip.record.prompt_id
    return (prompt, clip.seed) if prompt is not None and clip.seed else None


def _by_id(clip: _Clip) -> tuple[str, ...]:
    return (clip.record.id,)


def _by_prompt(clip: _Clip) -> tuple[str, ...] | None:
    prompt = clip.record.prompt_id
    return (prompt,) if prompt is not None else None


_WAYS: tuple[tuple[str, _Key], ...] = (
    ("prompt and seed", _by_prompt_and_seed),
    ("clip id", _by_id),
    ("prompt", _by_prompt),
)


def _with_seeds(videos: Sequence[VideoRecord]) -> list[_Clip]:
    prompts = {
        v.prompt_id: Prompt(v.prompt_id, v.prompt or "") for v in videos if v.prompt_id is not None
    }
    matches = match_prompts([(v.id, None) for v in videos], prompts).matches
    return [
        # the number at the end of a name counts only where the rest of it is the clip's own prompt
        _Clip(
            v,
            _plain(m.seed)
            if m.prompt_id and m.prompt_id == v.prompt_id and m.seed
            else _said(v.id),
        )
        for v, m in zip(videos, matches, strict=True)
    ]


def _said(video_id: str) -> str:
    """The seed that an id names as such.

    Example:
        >>> _said("run7/a dog--seed-04"), _said("clip-12")
        ('4', '')
    """
    found = _SAID.search(video_id)
    return _plain(found[1]) if found else ""


def _plain(seed: str) -> str:
    return seed.lstrip("0") or "0"
