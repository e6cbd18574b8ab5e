"""Shots and joins to clips: a partition of the video, whatever the joins."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from mirabench.work.item import Item
from miradata.config import Length
from miradata.shots.length import LengthStage, Shot, chained, divided, least_seconds

S = 1_000_000_000


def shots_of(lengths: list[int]) -> list[Shot]:
    """Shots of so many frames at one frame a second."""
    edges = [sum(lengths[:k]) for k in range(len(lengths) + 1)]
    return [Shot(a * S, b * S, a, b) for a, b in pairwise(edges)]


@given(
    st.lists(st.tuples(st.integers(1, 40), st.booleans()), min_size=1, max_size=12),
    st.integers(1, 60),
)
def test_clips_cover_the_video_without_gap_or_overlap(shots, longest):
    given = shots_of([length for length, _ in shots])
    linked = [joined for _, joined in shots[1:]]
    clips = [p for s in chained(given, linked, longest * S) for p in divided(s, longest * S)]
    assert clips[0].t0_ns == clips[0].frame0 == 0
    assert (clips[-1].t1_ns, clips[-1].frame1) == (given[-1].t1_ns, given[-1].frame1)
    for a, b in pairwise(clips):
        assert (a.t1_ns, a.frame1) == (b.t0_ns, b.frame0)
    assert all(c.frame1 > c.frame0 for c in clips)
    assert all(c.t1_ns - c.t0_ns <= longest * S for c in clips)


def test_joins_are_transitive_and_stop_at_the_greatest_length():
    clips = chained(shots_of([5, 5, 5, 5]), [True, True, False], 60 * S)
    assert [(s.frame0, s.frame1, s.shots) for s in clips] == [(0, 15, 3), (15, 20, 1)]
    clips = chained(shots_of([5, 5, 5, 5]), [True, True, True], 10 * S)
    assert [s.shots for s in clips] == [2, 2]


def test_the_longest_matching_source_decides_the_least_length():
    length = Length(min_seconds=20, min_seconds_by_source={"youtube": 40, "youtube, movies": 60})
    assert least_seconds(length, "pexels") == 20
    assert least_seconds(length, "YouTube, city tours") == 40
    assert least_seconds(length, "youtube, movies") == 60


def test_a_short_clip_stays_in_the_table_rejected():
    video = {"video_id": "v", "sha256": "s", "source": "pexels"}
    item = Item("v", "c", (video, shots_of([19, 20]), [False]))
    rows = LengthStage(Length()).work(item).value["clips"]
    assert [row["status"] for row in rows] == ["rejected", "ok"]
    assert rows[0]["reason"] == "short: 19.00 s, at least 20 s are needed"
    assert rows[0]["clip_id"] != rows[1]["clip_id"]
