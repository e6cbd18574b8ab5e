"""`dedup`: the best of each group stays, whatever the order of arrival."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from longfilm import shot

from mirabench.work.item import Item
from miradata.config import Dedup
from miradata.frames.embedding import unit
from miradata.measure.frame_statistics import perceptual_hashes
from miradata.select import dedup as module
from miradata.select.dedup import DedupStage, hash_distance

WORD = 2**64 - 1
Clip = tuple[str, dict[str, Any] | None, tuple[float, float]]


def clip(name: str, hashes: Sequence[int], vector: Sequence[float], sharpness: float = 0.0) -> Clip:
    row = {"hashes": list(hashes), "vector": unit(np.array([vector]))[0].tolist()}
    return name, row, (0.0, sharpness)


def kept(clips: Sequence[Clip], **settings: float) -> dict[str, dict[str, Any]]:
    stage = DedupStage(Dedup(**settings))  # type: ignore[arg-type]
    rows = stage.work(Item("corpus", "c", list(clips))).value["dups"]
    return {row["clip_id"]: dict(row) for row in rows}


def test_near_hashes_make_a_duplicate_and_the_sharper_stays():
    found = kept([clip("a", [0, 0], [1, 0], 0.2), clip("b", [0b1111, 0], [0, 1], 0.7)])
    assert found["b"]["keep"] and found["b"]["kind"] == "unique"
    assert found["a"] == {
        "clip_id": "a", "group": "b", "keep": False, "similarity": 1 - 4 / 64, "kind": "hash",
    }  # fmt: skip


def test_one_frame_that_differs_makes_another_clip():
    found = kept([clip("a", [0, 0], [1, 0]), clip("b", [0, 0b11111], [0, 1])])
    assert found["a"]["keep"] and found["b"]["keep"]


def test_embeddings_find_what_hashes_miss():
    found = kept([clip("a", [0], [1.0, 0.01]), clip("b", [WORD], [1.0, 0.0])])
    assert not found["b"]["keep"]
    assert found["b"]["kind"] == "embedding"
    assert found["b"]["similarity"] > 0.99
    assert kept([clip("a", [0], [1.0, 0.01]), clip("b", [WORD], [1.0, 0.0])], cosine=1.0)["b"][
        "keep"
    ]


def test_a_better_aesthetic_score_counts_before_sharpness():
    a, b = clip("a", [0], [1, 0], 0.9), clip("b", [0], [1, 0], 0.1)
    found = kept([a, (b[0], b[1], (5.0, 0.1))])
    assert found["b"]["keep"] and not found["a"]["keep"]


def test_a_clip_without_a_signature_stays():
    found = kept([("a", None, (0.0, 0.0)), clip("b", [0], [1, 0])])
    assert found["a"]["keep"] and found["a"]["kind"] == "unsigned"


@given(
    st.lists(st.tuples(st.integers(0, WORD), st.integers(0, 5), st.integers(0, 3)), max_size=14),
    st.integers(0, 8),
    st.randoms(use_true_random=False),
)
def test_bands_find_what_comparing_everything_finds(seeds, distance, random):
    """Hashes a few bits apart, against the plain definition, in any order of arrival."""
    clips = [
        clip(f"c{n:02d}", [base ^ ((1 << flips) - 1) << (9 * n % 50)], np.eye(20)[n], sharp)
        for n, (base, flips, sharp) in enumerate(seeds)
    ]
    stay: list[Clip] = []
    for one in sorted(clips, key=lambda c: (-c[2][1], c[0])):
        assert one[1] is not None
        if all(hash_distance(one[1]["hashes"], o[1]["hashes"]) > distance for o in stay if o[1]):
            stay.append(one)
    shuffled = random.sample(clips, len(clips))
    found = kept(shuffled, hash_distance=distance)
    assert {name for name, row in found.items() if row["keep"]} == {c[0] for c in stay}
    assert found == kept(clips, hash_distance=distance)


def test_more_clips_than_a_block_are_compared_with_all(monkeypatch):
    monkeypatch.setattr(module, "BLOCK", 3)
    clips = [clip(f"{n}", [n * 0x1111111111111], np.eye(8)[n]) for n in range(8)]
    found = kept([*clips, clip("z", [WORD], np.eye(8)[0])], hash_distance=0)
    assert [name for name, row in found.items() if not row["keep"]] == ["z"]
    assert found["z"]["group"] == "0"


def test_hashes_are_those_of_the_library_and_survive_compression():
    import cv2

    frame = shot(3, 1)[0]
    coded = cv2.imencode(".jpg", frame, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    worse = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR))
    same, other, another = perceptual_hashes([frame, worse, shot(4, 1)[0]])
    assert hash_distance([same], [other]) <= 4 < hash_distance([same], [another])


@pytest.mark.parametrize(("a", "b", "bits"), [([1], [1, 1], 64), ([WORD], [0], 64), ([6], [5], 2)])
def test_distances_by_hand(a, b, bits):
    assert hash_distance(a, b) == bits
