"""Stage `dedup`: which clips show the same, found from stored signatures before anything expensive.

Clips are taken best first (aesthetic score, then sharpness, then id), and each is kept unless it is
like one that is kept already: all its frames' perceptual hashes are near, in order, or its embedding
is. So the answer does not depend on the order of arrival. Embeddings are compared with all kept ones, in
blocks: exact, and quadratic in the number of clips.

Known limits: hashes compare the same relative moments, so a repeat with other ends is found by its
embedding only; and pictures with nothing in them (black) are like each other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple

import numpy as np
from numpy.typing import NDArray

from mirabench.identity import digest_of
from mirabench.work.item import Item, Outcome, Resources
from miradata.config import Dedup
from miradata.frames.clip_rows import kept_clips
from miradata.frames.embedding import embedder_here
from miradata.setting import Setting
from miradata.stage import TableRow
from miradata.tables.schema import OK
from miradata.tables.store import Tables

CORPUS = "corpus"
BLOCK = 1024
"""Kept embeddings that are compared at a time."""
HASH_BITS = 64


class Signature(NamedTuple):
    """A clip as far as duplicates go."""

    clip_id: str
    hashes: tuple[int, ...]
    vector: NDArray[np.float32]


class Match(NamedTuple):
    """A kept clip that another shows the same as."""

    clip_id: str
    similarity: float
    kind: str


@dataclass(frozen=True, slots=True)
class DedupStage:
    """All signatures in, one row of `dups` per clip out."""

    dedup: Dedup
    name: ClassVar[str] = "dedup"
    version: ClassVar[int] = 1
    inputs: ClassVar[tuple[str, ...]] = ("videos", "clips", "signatures", "scores")
    outputs: ClassVar[tuple[str, ...]] = ("dups",)
    resources: ClassVar[Resources] = Resources(memory_mb=4096, light=True)

    def params(self) -> Mapping[str, Any]:
        """How alike is too alike."""
        return self.dedup.model_dump(exclude={"hash_frames", "embedder"})  # the signatures' own

    def items(self, tables: Tables) -> Sequence[Item]:
        """One: the whole corpus."""
        wanted = sorted(clip["clip_id"] for clip in kept_clips(tables))
        if not wanted:
            return []
        known = {row["clip_id"]: row for row in tables.rows("signatures") if row["status"] == OK}
        ranks = _qualities(tables)
        clips = [(name, known.get(name), ranks.get(name, (0.0, 0.0))) for name in wanted]
        content = digest_of(
            [(name, row and (row["hashes"], row["vector"]), rank) for name, row, rank in clips], 32
        )
        return [Item(CORPUS, content, clips)]

    def work(self, item: Item) -> Outcome:
        """Keep the best of each group."""
        ordered = sorted(item.payload, key=lambda clip: (-clip[2][0], -clip[2][1], clip[0]))
        kept = _Kept(self.dedup)
        rows = []
        for name, row, _ in ordered:
            if row is None:
                rows.append(_row(name, Match(name, 1.0, "unsigned"), keep=True))
                continue
            vector = np.asarray(row["vector"], np.float32)
            clip = Signature(name, tuple(row["hashes"]), vector)
            match = kept.match(clip)
            if match is None:
                kept.add(clip)
            rows.append(_row(name, match or Match(name, 1.0, "unique"), keep=match is None))
        return Outcome({"dups": rows})

    def failed(self, item: Item, reason: str) -> Mapping[str, Sequence[TableRow]]:
        """No row: nothing is known of any clip; the outcome says why."""
        del item, reason
        return {}


def prepare(setting: Setting) -> DedupStage:
    """The stage of a run."""
    wanted = setting.config.dedup
    used, missing = embedder_here(wanted.embedder)
    if missing:
        setting.remark(f"dedup: {used} embeds instead: {missing}")
    return DedupStage(wanted.model_copy(update={"embedder": used}))


@dataclass(slots=True)
class _Kept:
    """The clips that are kept so far."""

    dedup: Dedup
    clips: list[Signature] = field(default_factory=list)
    bands: dict[tuple[int, int], list[int]] = field(default_factory=lambda: defaultdict(list))
    """(band, its bits in the first hash) -> positions in `clips`."""
    blocks: list[NDArray[np.float32]] = field(default_factory=list)

    def match(self, clip: Signature) -> Match | None:
        """The kept clip that this is like, by hashes if there is one, else by embedding."""
        return self._hash_match(clip) or self._embedding_match(clip)

    def add(self, clip: Signature) -> None:
        position = len(self.clips)
        self.clips.append(clip)
        for band in self._bands(clip):
            self.bands[band].append(position)
        row = position % BLOCK
        if row == 0:
            self.blocks.append(np.zeros((BLOCK, len(clip.vector)), np.float32))
        self.blocks[-1][row] = clip.vector

    def _bands(self, clip: Signature) -> Iterator[tuple[int, int]]:
        """Parts of the first hash, one more than bits may differ: one part then must be equal."""
        count = min(self.dedup.hash_distance + 1, HASH_BITS)
        edges = [HASH_BITS * k // count for k in range(count + 1)]
        for band in range(count):
            width = edges[band + 1] - edges[band]
            yield band, (clip.hashes[0] >> edges[band]) & ((1 << width) - 1)

    def _hash_match(self, clip: Signature) -> Match | None:
        near = {p for band in self._bands(clip) for p in self.bands.get(band, ())}
        for position in sorted(near):
            other = self.clips[position]
            if (bits := hash_distance(clip.hashes, other.hashes)) <= self.dedup.hash_distance:
                return Match(other.clip_id, 1.0 - bits / HASH_BITS, "hash")
        return None

    def _embedding_match(self, clip: Signature) -> Match | None:
        for number, block in enumerate(self.blocks):
            cosines = block @ clip.vector
            best = int(cosines.argmax())
            if cosines[best] > self.dedup.cosine:
                found = self.clips[number * BLOCK + best]
                return Match(found.clip_id, round(float(cosines[best]), 6), "embedding")
        return None


def hash_distance(a: Sequence[int], b: Sequence[int]) -> int:
    """Most bits in which two clips' hashes differ at any frame; 64 when they have not equally many.

    Example:
        >>> hash_distance([0b1011, 7], [0b0010, 7])
        2
    """
    if len(a) != len(b):
        return HASH_BITS
    return max(bin(x ^ y).count("1") for x, y in zip(a, b, strict=True))


def _qualities(tables: Tables) -> Mapping[str, tuple[float, float]]:
    """Clip id -> (aesthetic, sharpness); 0 where there is none."""
    found: dict[str, dict[str, float]] = defaultdict(dict)
    for row in tables.rows("scores"):
        if row["metric"] in ("aesthetic", "sharpness") and row["value"] is not None:
            found[row["clip_id"]][row["metric"]] = row["value"]
    return {k: (v.get("aesthetic", 0.0), v.get("sharpness", 0.0)) for k, v in found.items()}


def _row(clip_id: str, match: Match, *, keep: bool) -> TableRow:
    return {
        "clip_id": clip_id,
        "group": match.clip_id,
        "keep": keep,
        "similarity": match.similarity,
        "kind": match.kind,
    }
