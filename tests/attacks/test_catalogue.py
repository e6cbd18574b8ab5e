"""Each attack does what its declaration says, on frames whose answer is known."""

from __future__ import annotations

import re

import clipkit
import numpy as np
import pytest

from mirabench import registry
from mirabench.attacks.api import KINDS, Attack, Footage
from mirabench.attacks.catalogue import ATTACKS, select
from mirabench.attacks.encoding import at_rate
from mirabench.errors import InputError, UnknownNameError
from mirabench.metrics.api import DIMENSIONS

CLIP = Footage("pan", clipkit.panning(frames=24, dx=2.0, size=(64, 48)), 24.0)
NUMBERED = Footage(
    "numbers",
    (np.arange(24, dtype=np.uint8)[:, None, None, None] * np.ones((1, 16, 16, 3), np.uint8)),
    24.0,
)


def attacked(name: str, clip: Footage = CLIP) -> Footage:
    return select([name])[0].applied(clip)


def order(name: str) -> list[int]:
    """Which frame of the clip is shown at each place."""
    return attacked(name, NUMBERED).frames[:, 0, 0, 0].tolist()


def luma(clip: Footage) -> np.ndarray:
    return clip.frames.mean(axis=-1)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
class TestEveryAttack:
    def test_it_gives_a_clip_that_differs_and_leaves_the_honest_one_alone(
        self, attack: Attack
    ) -> None:
        before = CLIP.frames.copy()
        twin = attack.applied(CLIP)
        assert np.array_equal(CLIP.frames, before)
        assert twin.frames.dtype == np.uint8
        assert twin.frames.ndim == 4
        assert len(twin.frames) >= 2
        assert twin.frames.shape != before.shape or not np.array_equal(twin.frames, before)
        assert twin.name == f"pan/{attack.name}"
        assert twin.prompt is CLIP.prompt

    def test_it_gives_the_same_clip_again(self, attack: Attack) -> None:
        assert np.array_equal(attack.applied(CLIP).frames, attack.applied(CLIP).frames)

    def test_it_declares_something_and_only_of_what_there_is(self, attack: Attack) -> None:
        known = {*registry.names(registry.METRICS), *DIMENSIONS}
        assert attack.expects
        assert set(attack.expects) <= known
        assert attack.kind in KINDS
        assert re.fullmatch(r"[a-z]+(-[a-z]+)*", attack.name)

    def test_it_refuses_a_single_frame(self, attack: Attack) -> None:
        with pytest.raises(InputError, match="at least two"):
            attack.applied(CLIP.with_frames(CLIP.frames[:1]))


def test_there_are_enough_of_them_and_no_name_twice() -> None:
    names = [attack.name for attack in ATTACKS]
    assert len(names) >= 25
    assert len(set(names)) == len(names)
    assert {attack.kind for attack in ATTACKS} == set(KINDS)


class TestTime:
    @pytest.mark.parametrize(
        ("name", "expected"),
        [
            ("freeze", [0] * 24),
            ("freeze-tail", [*range(12), *[11] * 12]),
            ("hold-start", [*[0] * 8, *range(16)]),
            ("held-frames", [i // 2 * 2 for i in range(24)]),
            ("doubled-frames", [i // 2 for i in range(24)]),
            ("fast-forward", list(range(0, 24, 2))),
            ("restart", [*range(8)] * 3),
            ("reverse", list(range(23, -1, -1))),
            ("swapped-pairs", [i ^ 1 for i in range(24)]),
            ("half-rate", list(range(0, 24, 2))),
            ("double-rate", [i // 2 for i in range(48)]),
            ("pull-up", [int(i * 0.8 + 1e-6) for i in range(30)]),
        ],
    )
    def test_frames_are_shown_in_this_order(self, name: str, expected: list[int]) -> None:
        assert order(name) == expected

    def test_a_loop_goes_there_and_back(self) -> None:
        shown = order("loop")
        assert shown[:12] == [0, 1, 2, 3, 4, 5, 6, 5, 4, 3, 2, 1]
        assert shown[12:] == shown[:12]

    def test_a_shuffle_shows_each_frame_once(self) -> None:
        assert sorted(order("shuffle")) == list(range(24))
        assert order("shuffle") != list(range(24))

    def test_slow_motion_blends_neighbours(self) -> None:
        clip = NUMBERED.with_frames(NUMBERED.frames * 10)
        assert attacked("slow-motion", clip).frames[:5, 0, 0, 0].tolist() == [0, 5, 10, 15, 20]

    def test_ghosting_is_the_mean_of_five(self) -> None:
        assert order("ghosting")[2:-2] == list(range(2, 22))
        flash = np.zeros((9, 4, 4, 3), np.uint8)
        flash[4] = 100
        shown = attacked("ghosting", NUMBERED.with_frames(flash)).frames[:, 0, 0, 0].tolist()
        assert shown == [0, 0, 20, 20, 20, 20, 20, 0, 0]

    def test_a_splice_keeps_the_first_half_only(self) -> None:
        twin = attacked("splice").frames
        assert np.array_equal(twin[:12], CLIP.frames[:12])
        assert np.abs(twin[12].astype(int) - CLIP.frames[12]).mean() > 20

    def test_flicker_and_strobe_change_light_and_nothing_else(self) -> None:
        for name in ("flicker", "strobe"):
            gain = luma(attacked(name)).mean(axis=(1, 2)) / luma(CLIP).mean(axis=(1, 2))
            assert 0.02 < gain.std() < 0.12
        assert np.all(np.diff(gain)[::2] < 0)  # strobe: the odd frames are the darker ones

    def test_wobble_bends_each_frame_differently(self) -> None:
        still = CLIP.with_frames(clipkit.still(12, (64, 48)))
        twin = attacked("wobble", still).frames.astype(int)
        assert np.abs(twin[6] - twin[0]).mean() > 3

    def test_shake_displaces_by_a_hundredth_of_the_diagonal_or_so(self) -> None:
        still = CLIP.with_frames(clipkit.still(24, (160, 96)))
        twin = attacked("shake", still).frames.astype(int)
        assert 2 < np.abs(np.diff(twin, axis=0)).mean() < 40


class TestStills:
    @pytest.mark.parametrize("name", ["zoomed-still", "panned-still", "shaken-still"])
    def test_only_the_first_frame_matters(self, name: str) -> None:
        other = CLIP.with_frames(np.concatenate([CLIP.frames[:1], 255 - CLIP.frames[1:]]))
        assert np.array_equal(attacked(name).frames, attacked(name, other).frames)

    def test_a_zoom_begins_with_the_picture_itself(self) -> None:
        assert np.array_equal(attacked("zoomed-still").frames[0], CLIP.frames[0])

    def test_a_dissolve_passes_through_three_pictures_in_a_straight_line(self) -> None:
        twin = attacked("dissolving-stills", CLIP.with_frames(CLIP.frames[:21])).frames
        for place in (0, 10, 20):
            assert np.array_equal(twin[place], CLIP.frames[place])
        middle = (twin[0].astype(float) + twin[10]) / 2
        assert np.abs(twin[5] - middle).max() <= 1


class TestPicture:
    @pytest.mark.parametrize("name", ["blur", "rescale", "crop", "low-bitrate"])
    def test_fine_detail_goes(self, name: str) -> None:
        grain = np.random.default_rng(0).integers(-25, 25, (48, 64, 1))
        fine = CLIP.with_frames(np.clip(CLIP.frames + grain, 0, 255).astype(np.uint8))
        assert _detail(attacked(name, fine)) < 0.75 * _detail(fine)

    @pytest.mark.parametrize("name", ["sharpen", "noise", "blocks", "watermark", "caption"])
    def test_something_finer_comes(self, name: str) -> None:
        assert _detail(attacked(name)) > 1.05 * _detail(CLIP)

    def test_a_crop_shows_the_middle_enlarged(self) -> None:
        flat = np.zeros((2, 50, 100, 3), np.uint8)
        flat[:, 15:35, 30:70] = 200
        twin = attacked("crop", CLIP.with_frames(flat)).frames
        assert (twin[0, ..., 0] > 100).mean() == pytest.approx((20 / 30) * (40 / 60), rel=0.1)

    def test_grey_has_no_colour_and_saturation_more(self) -> None:
        assert np.ptp(attacked("grey").frames.astype(int), axis=-1).max() == 0
        more = np.ptp(attacked("saturate").frames.astype(int), axis=-1).mean()
        assert more > 1.5 * np.ptp(CLIP.frames.astype(int), axis=-1).mean()

    def test_light_goes_where_it_should(self) -> None:
        assert luma(attacked("darken")).mean() < luma(CLIP).mean() - 20
        assert luma(attacked("overexpose")).mean() > luma(CLIP).mean() + 20
        assert attacked("wash-out").frames.std() == pytest.approx(0.35 * CLIP.frames.std(), rel=0.1)

    def test_mirrors(self) -> None:
        assert np.array_equal(attacked("mirror").frames, CLIP.frames[:, :, ::-1])
        halves = attacked("mirrored-halves").frames
        assert np.array_equal(halves, halves[:, :, ::-1])
        assert np.array_equal(halves[:, :, :32], CLIP.frames[:, :, :32])


class TestOverlays:
    def test_letterbox_blackens_three_tenths(self) -> None:
        twin = attacked("letterbox").frames
        assert not twin[:, :7].any()
        assert not twin[:, -7:].any()
        assert np.array_equal(twin[:, 7:-7], CLIP.frames[:, 7:-7])

    def test_a_caption_covers_the_lower_edge_alike_in_every_frame(self) -> None:
        changed = np.any(attacked("caption").frames != CLIP.frames, axis=-1)
        assert not changed[:, :24].any()
        assert changed[:, 24:].any(axis=(1, 2)).all()

    def test_a_watermark_only_brightens(self) -> None:
        change = attacked("watermark").frames.astype(int) - CLIP.frames
        assert change.min() == 0
        assert (change > 0).mean() > 0.03

    def test_an_inset_moves_inside_a_frame_that_does_not(self) -> None:
        twin = attacked("inset").frames.astype(int)
        assert np.ptp(twin[:, :8], axis=0).max() == 0
        assert np.ptp(twin[:, 20:28, 28:36], axis=0).max() > 20


class TestEncoding:
    def test_a_good_encoding_hardly_changes_a_pixel_and_a_poor_one_does(self) -> None:
        def error(name: str) -> float:
            return float(np.abs(attacked(name).frames.astype(int) - CLIP.frames).mean())

        assert 0 < error("re-encode") < 6
        assert error("low-bitrate") > 1.5 * error("re-encode")

    @pytest.mark.parametrize(
        ("name", "fps"), [("half-rate", 12.0), ("double-rate", 48.0), ("pull-up", 30.0)]
    )
    def test_a_change_of_rate_keeps_the_duration(self, name: str, fps: float) -> None:
        twin = attacked(name)
        assert twin.fps == fps
        assert len(twin.frames) / fps == pytest.approx(1.0)

    def test_half_the_size(self) -> None:
        assert attacked("half-size").frames.shape == (24, 24, 32, 3)

    def test_a_rate_that_is_no_multiple_shows_what_was_on_then(self) -> None:
        shown = at_rate(NUMBERED, 10.0).frames[:, 0, 0, 0].tolist()
        assert shown == [0, 2, 4, 7, 9, 12, 14, 16, 19, 21]


class TestSelect:
    def test_the_order_is_that_of_the_tables(self) -> None:
        assert [a.name for a in select(["blur", "freeze"])] == ["freeze", "blur"]

    def test_all_of_them_by_default(self) -> None:
        assert select(None) == list(ATTACKS)

    def test_a_misspelt_name_is_answered_with_the_near_ones(self) -> None:
        with pytest.raises(UnknownNameError, match="did you mean freeze"):
            select(["freze"])


def _detail(clip: Footage) -> float:
    return float(np.abs(np.diff(luma(clip), n=2, axis=2)).mean())
