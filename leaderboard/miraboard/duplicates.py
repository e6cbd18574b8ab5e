"""Copies, near-copies and repeated clips, told by numbers that independent clips do not share.

Two clips made independently agree in a metric to one part in 10,000 about once in 10,000 times, so hardly
ever in four metrics at once: among a million pairs of clips, fewer than one in a million boards sees it by
chance. A clip whose scores were copied and then rounded, shifted in the last digits, or all multiplied by one
factor agrees in most. Each score that carries information leaves marks: the metric and the cell of a
logarithmic grid that its value is in, and the same for the ratio of it to the next metric's (which a common
factor leaves alone). Marks are looked up in an index, values and ratios counted apart, so a submission costs
as much as it has marks, whatever the board holds. A value near a border of its cell has the marks of both.

Values that clips rightly share leave no mark: whole numbers, the ends of a metric's range, degenerate scores.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple, TypeVar

import numpy as np

from mirabench.report.model import Report, VideoRecord
from miraboard.guard import Reason

Place = TypeVar("Place", bound=Hashable)

CELL = 1e-3
"""Width of a cell on the logarithmic grid."""
NEAR = 1e-4
"""Relative difference of what counts as the same value."""
FEWEST_SAME = 4
"""Values that agree, from which on two clips are copies."""
FEWEST_SCORES = 3
DIGITS = 9
"""Significant digits that a computed score nearly always exceeds."""
SPREAD = 0.01
"""Standard deviation of logarithms over a report's clips: encoding one clip anew gives about half of it."""
FEWEST_CLIPS = 6
ROUNDED = 0.5
"""Share of a report's scores with fewer digits from which on it was rounded."""


@dataclass(frozen=True, slots=True)
class Known:
    """A row of an earlier submission that is like one of ours."""

    generator: str
    submission: str
    clip: str
    """Id of our row."""
    same: str
    """`clip`, `scores`, `near` or `picture`."""


class Mark(NamedTuple):
    """One value of one clip as it is looked up, and as it is compared."""

    cell: int
    """63 bits of a digest of what was measured and the cell of its value."""
    value: float
    """The logarithm, to tell neighbours in a cell from equals."""


class Sought(NamedTuple):
    """A value that others' marks are compared with."""

    value: float
    is_ratio: bool


def scores_fingerprint(video: VideoRecord) -> str | None:
    """The digest of a row's scores; None when there is too little to tell rows apart."""
    counted = [(n, s.value) for n, s in sorted(video.scores.items()) if s.status != "degenerate"]
    if len(counted) < FEWEST_SCORES or len({value for _, value in counted}) < FEWEST_SCORES:
        return None
    return hashlib.sha256(repr(counted).encode()).hexdigest()[:32]


def marks_of(video: VideoRecord) -> list[Mark]:
    """A clip's marks, one for each value and each ratio that carry information."""
    return [Mark(_cell(n, math.floor(v / CELL)), v) for n, v in _measured(video).items()]


def cells_near(video: VideoRecord) -> dict[int, Sought]:
    """Each cell in which an equal of a clip's value can be -> that value."""
    return {
        _cell(name, math.floor(end / CELL)): Sought(value, "/" in name)
        for name, value in _measured(video).items()
        for end in (value - NEAR, value + NEAR)
    }


def _measured(video: VideoRecord) -> dict[str, float]:
    """The logarithm of each telling score, and of its ratio to the next metric's."""
    values = {n: math.log(abs(v)) for n, v in sorted(_telling(video).items())}
    names = list(values)
    pairs = pairwise(names)
    return values | {f"{a}/{b}": values[a] - values[b] for a, b in pairs}


def _telling(video: VideoRecord) -> dict[str, float]:
    """Scores that independent clips do not share."""
    return {
        name: score.value
        for name, score in video.scores.items()
        if score.status != "degenerate"
        and abs(score.value) > 1e-6
        and abs(score.value - round(score.value)) > 1e-6
    }


def _cell(name: str, cell: int) -> int:
    digest = hashlib.blake2b(f"{name} {cell}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1


def within(report: Report) -> Iterator[Reason]:
    """Rows of one report with identical or nearly identical scores, and scores that were rounded."""
    seen: dict[str, str] = {}
    for video in report.videos:
        mark = scores_fingerprint(video)
        if mark is not None and mark in seen:
            yield Reason("identical-scores", f"{video.id} has all the scores of {seen[mark]}")
        elif mark is not None:
            seen[mark] = video.id
    yield from _repeated(report)
    yield from _monotonous(report)
    yield from _rounded(report)


def _repeated(report: Report) -> Iterator[Reason]:
    """Clips whose scores agree too well with an earlier clip's of the same report."""
    index: defaultdict[int, list[tuple[int, float]]] = defaultdict(list)
    for number, video in enumerate(report.videos):
        same = equals(cells_near(video), index)
        for best, count in same.most_common(1):
            if count >= FEWEST_SAME:
                yield Reason(
                    "repeated-clip",
                    f"{video.id} has nearly the scores of {report.videos[best].id}: {count} values "
                    f"agree to {NEAR:g}, as no two independent clips' do",
                )
        for cell, value in marks_of(video):
            index[cell].append((number, value))


def equals(
    near: Mapping[int, Sought], index: Mapping[int, Iterable[tuple[Place, float]]]
) -> Counter[Place]:
    """Row -> values that it shares with ours, or ratios if it shares more of those.

    Args:
        near: What is sought in each cell.
        index: Cell -> rows and values there.
    """
    found: Counter[tuple[Place, bool]] = Counter()
    for cell, sought in near.items():
        for row in {r for r, v in index.get(cell, ()) if abs(v - sought.value) <= NEAR}:
            found[row, sought.is_ratio] += 1
    best: Counter[Place] = Counter()
    for (row, _), count in found.items():
        best[row] = max(best[row], count)
    return best


def _monotonous(report: Report) -> Iterator[Reason]:
    """One clip for all prompts, encoded anew each time: every score hardly varies."""
    by_metric: defaultdict[str, list[float]] = defaultdict(list)
    for video in report.videos:
        for name, value in _telling(video).items():
            by_metric[name].append(math.log(abs(value)))
    many = [v for v in by_metric.values() if len(v) >= max(FEWEST_CLIPS, len(report.videos) / 2)]
    if len(many) >= FEWEST_SAME and all(np.std(values) < SPREAD for values in many):
        yield Reason(
            "one-clip",
            f"every metric varies by less than {SPREAD:.0%} over {len(report.videos)} clips: "
            "they are one clip, not answers to the prompts",
        )


def _rounded(report: Report) -> Iterator[Reason]:
    values = [v for video in report.videos for v in _telling(video).values()]
    short = sum(float(f"{v:.{DIGITS - 1}e}") == v for v in values)
    if values and short > ROUNDED * len(values):
        yield Reason(
            "rounded-scores",
            f"{short} of {len(values)} scores have {DIGITS} digits or fewer: "
            "send report.json as `mirabench evaluate` wrote it",
        )


_SAID = {
    "clip": ("copied-clip", "clips are in"),
    "scores": ("copied-scores", "rows have all the scores of rows in"),
    "near": ("near-copy", "rows have nearly the scores of rows in"),
    "picture": ("copied-pictures", "film strips found like strips of"),
}


def across(known: Sequence[Known]) -> list[Reason]:
    """Reasons from rows that earlier submissions have already."""
    reasons = []
    for same, (code, text) in _SAID.items():
        alike = [k for k in known if k.same == same]
        if not alike:
            continue
        first = alike[0]
        count = len({k.clip for k in alike})
        reasons.append(
            Reason(
                code,
                f"{count} {text} the submission {first.submission} ({first.generator}) already, "
                f"{first.clip} for one; a correction needs the earlier one withdrawn",
            )
        )
    return reasons


# -- pictures ---------------------------------------------------------------------------------

WIDTH, HEIGHT = 48, 8
"""Of a picture's hash in bits: eight of each of six frames' columns."""
LIKE = 24
"""Bits of 384 by which a picture drawn again differs at most; unrelated ones differ by about half."""
FLAT = 48
"""Pixels that differ from the next one, below which a picture says too little."""


def picture_hash(grey: np.ndarray) -> bytes | None:
    """Which pixels are darker than their right neighbour (dHash), 384 bits; None for a flat picture.

    Args:
        grey: (`HEIGHT`, `WIDTH` + 1) of 0 to 255, the picture made that small.
    """
    steps = np.diff(grey.astype(np.int16), axis=1)
    if int((np.abs(steps) > 2).sum()) < FLAT:
        return None
    return np.packbits(steps > 0).tobytes()


def among_pictures(hashes: Mapping[str, bytes | None]) -> Iterator[Reason]:
    """Film strips of one submission that show one clip under several prompts."""
    seen: dict[str, bytes] = {}
    for clip, found in hashes.items():
        if found is None:
            continue
        twin = next((other for other, known in seen.items() if alike(found, known)), "")
        if twin:
            yield Reason("repeated-pictures", f"the film strips of {clip} and {twin} show one clip")
        seen[clip] = found


def alike(one: bytes, other: bytes) -> bool:
    """Whether two pictures' hashes are those of one picture."""
    bits = int.from_bytes(one, "big") ^ int.from_bytes(other, "big")
    return bin(bits).count("1") <= LIKE
