"""`stitch`: the paper's rule over its whole truth table, and voters that are not there or do not answer."""

from dataclasses import dataclass
from itertools import product

import numpy as np
import pytest
from longfilm import grained, shot, write_film

from mirabench.errors import UnknownNameError
from mirabench.work.item import Item
from miradata.config import Stitch
from miradata.frames.clip_range import NS
from miradata.frames.embedding import embed
from miradata.shots.stitch import StitchStage, _vote_times, joins


@pytest.mark.parametrize("votes", list(product([False, True], repeat=4)))
def test_the_rule_of_the_paper(votes):
    vlm_a, vlm_b, emb_a, emb_b = votes
    assert joins(*votes) is ((vlm_a and vlm_b) or (emb_a and emb_b))


@pytest.mark.parametrize("votes", list(product([False, True, None], repeat=4)))
def test_an_absent_voter_leaves_its_pair_to_its_partner(votes):
    pairs = [[vote for vote in pair if vote is not None] for pair in (votes[:2], votes[2:])]
    assert joins(*votes) is any(pair and all(pair) for pair in pairs)


@dataclass(frozen=True)
class Said:
    same: bool | None
    reason: str = ""


@dataclass(frozen=True)
class Voter:
    """A model with one answer to everything."""

    same: bool | None
    model: str = "voter"

    def ask_same_scene(self, frame_a: np.ndarray, frame_b: np.ndarray) -> Said:
        assert frame_a.shape == frame_b.shape == (96, 160, 3)
        return Said(self.same, "" if self.same is not None else "refused")


@pytest.fixture(scope="module")
def item(tmp_path_factory) -> Item:
    """Three shots: two grains of one scene, then another scene."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    write_film(path, [grained(24, 6, 1), grained(24, 6, 2), shot(1, 24)])
    cuts = [{"t0_ns": k * NS, "t1_ns": (k + 1) * NS} for k in range(3)]
    return Item("v", "c", ({"path": str(path), "sha256": "s"}, cuts))


def judged(item: Item, tmp_path, **options: object) -> list[dict[str, object]]:
    settings = {k: options.pop(k) for k in ("emb_a", "emb_b") if k in options}
    stage = StitchStage(tmp_path, Stitch(**settings), **options)  # type: ignore[arg-type]
    outcome = stage.work(item)
    rows = [dict(row) for row in outcome.value["joins"]]
    assert (outcome.status == "ok") == all(row["status"] == "ok" for row in rows)
    return rows


def test_lite_voters_join_one_scene_and_part_two(item, tmp_path):
    same, other = judged(item, tmp_path)
    assert same["joined"] is True
    assert other["joined"] is False
    assert same["emb_a"] > 0.9 and same["emb_b"] > 0.9
    assert (same["vlm_a"], same["vlm_b"]) == (None, None)


def test_models_join_what_embeddings_part(item, tmp_path):
    yes, no = Voter(True), Voter(False)
    assert [r["joined"] for r in judged(item, tmp_path, vlm_a=yes, vlm_b=yes)] == [True, True]
    assert [r["joined"] for r in judged(item, tmp_path, vlm_a=yes, vlm_b=no)] == [True, False]
    assert [r["joined"] for r in judged(item, tmp_path, vlm_a=yes)] == [True, True]


def test_shots_with_a_gap_between_them_never_join_and_nobody_is_asked(item, tmp_path):
    video, cuts = item.payload
    apart = [cuts[0], {**cuts[1], "t0_ns": cuts[1]["t0_ns"] + NS // 4}, cuts[2]]
    rows = judged(Item("v", "c", (video, apart)), tmp_path, vlm_a=Voter(True), vlm_b=Voter(True))
    assert [row["joined"] for row in rows] == [False, True]
    assert (rows[0]["vlm_a"], rows[0]["emb_a"], rows[0]["status"]) == (None, None, "ok")


def test_no_voter_joins_nothing(item, tmp_path):
    rows = judged(item, tmp_path, emb_a=None, emb_b=None)
    assert [row["joined"] for row in rows] == [False, False]


def test_a_model_without_an_answer_does_not_leave_the_vote_to_the_other(item, tmp_path):
    rows = judged(item, tmp_path, vlm_a=Voter(True), vlm_b=Voter(None))
    assert [row["joined"] for row in rows] == [True, False]  # the embeddings still joined the first
    assert {row["status"] for row in rows} == {"failed"}
    assert rows[0]["reason"] == "vote: voter: refused"


def test_frames_lie_inside_their_shots_and_in_order():
    times = _vote_times([(0, NS), (NS, NS + 4), (NS + 4, 2 * NS)], NS // 5)
    assert times == sorted(times)
    assert times[0] == NS - NS // 5 - 1
    assert NS <= times[1] <= times[2] < NS + 4


def test_a_video_that_cannot_be_read_leaves_its_pairs_unjoined(item):
    rows = StitchStage(item.payload[0]["path"], Stitch()).failed(item, "gone")["joins"]
    assert [(r["joined"], r["status"]) for r in rows] == [(False, "failed")] * 2


@pytest.mark.parametrize("name", ["histogram", "dct"])
def test_embeddings_have_unit_length_and_know_a_picture_again(name):
    pictures = [shot(1, 1)[0], shot(2, 1)[0], np.zeros((96, 160, 3), np.uint8)]
    vectors = embed(name, pictures).astype(float)
    lengths = np.linalg.norm(vectors, axis=1)
    assert lengths[:2] == pytest.approx(1.0, abs=1e-6)
    bright = np.clip(pictures[0].astype(int) + 4, 0, 255).astype(np.uint8)
    [again] = embed(name, [bright]).astype(float)
    assert again @ vectors[0] > 0.95 > vectors[1] @ vectors[0]


def test_a_flat_picture_has_no_shape():
    assert not embed("dct", [np.full((96, 160, 3), 9, np.uint8)]).any()


def test_an_unknown_embedder_is_refused():
    with pytest.raises(UnknownNameError, match="dinov2"):
        embed("dinov3", [shot(1, 1)[0]])
