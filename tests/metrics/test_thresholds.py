"""Where health flags and motion's arithmetic turn: tables by hand, on both sides of each bound."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from mirabench.features.api import FeatureTable, as_table
from mirabench.features.motion import _Session as MotionSession
from mirabench.metrics.api import ClipInputs
from mirabench.metrics.health import assess
from mirabench.metrics.motion import mean_speed
from mirabench.video.frames import ArrayVideo, FrameBatch, UInt8Array, VideoInfo


def info(frames: int, fps: int = 10) -> VideoInfo:
    return ArrayVideo(np.zeros((frames, 2, 2, 3), np.uint8), fps=fps).info


def pulse(
    video: VideoInfo,
    *,
    same: tuple[int, ...] = (),
    same_level: float = 0.0,
    dark: int = 0,
    bright: float = 200.0,
    flat: int = 0,
    spread: float = 30.0,
    from_first: float = 50.0,
) -> FeatureTable:
    """A lively clip, but for `same` (frames that repeat the one before), and its first dark or flat frames."""
    frames = video.num_frames
    change = np.full(frames, 20.0)
    change[list(same)] = same_level
    first = np.full(frames, from_first)
    first[0] = 0.0
    drift = np.cumsum(np.random.default_rng(0).normal(0, 0.3, (frames, 12)), axis=0)
    return as_table(
        seconds=video.seconds, change=change, change_from_first=first,
        bright=np.where(np.arange(frames) < dark, bright, 200.0),
        spread=np.where(np.arange(frames) < flat, spread, 30.0),
        signature=(100 + drift).astype(np.float32),
    )  # fmt: skip


def flags(video: VideoInfo, **seen: object) -> set[str]:
    return set(assess(pulse(video, **seen), video).flags)  # type: ignore[arg-type]


class TestFrozen:
    @pytest.mark.parametrize(
        ("frames", "fps", "repeats", "raised"),
        [
            (40, 10, 5, True), (40, 10, 4, False),  # half a second, in a clip of 4 s
            (80, 20, 10, True), (80, 20, 9, False),  # 0.5 and 0.45 s
            (100, 10, 10, True), (100, 10, 9, False),  # a tenth of 10 s is more than half a second
            (200, 10, 20, True), (200, 10, 19, False),  # and of 20 s
            (20, 4, 3, True), (20, 4, 2, False),  # two repeats of a slow clip are no freeze
        ],
    )  # fmt: skip
    def test_is_half_a_second_a_tenth_of_the_clip_and_three_frames(
        self, frames: int, fps: int, repeats: int, raised: bool
    ) -> None:
        found = flags(info(frames, fps), same=tuple(range(6, 6 + repeats)))
        assert ("frozen" in found) is raised

    def test_is_one_run_and_no_sum_of_runs(self) -> None:
        apart = (*range(5, 9), *range(20, 24))  # twice 0.4 s of 4 s
        assert "frozen" not in flags(info(40), same=apart)
        assert "frozen" in flags(info(40), same=(*apart, 9))

    @pytest.mark.parametrize(("level", "raised"), [(1.49, True), (1.5, False), (0.0, True)])
    def test_is_frames_that_differ_by_less_than_the_noise(self, level: float, raised: bool) -> None:
        found = flags(info(60), same=tuple(range(5, 15)), same_level=level)
        assert ("frozen" in found) is raised

    def test_is_told_with_its_length_and_beginning(self) -> None:
        video = info(60)
        why = assess(pulse(video, same=tuple(range(6, 16))), video).flags["frozen"]
        assert why == "1.00 s without change from 0.50 s"

    def test_is_not_said_of_a_clip_that_is_static(self) -> None:
        found = flags(info(60), same=tuple(range(1, 60)), from_first=1.0)
        assert "static" in found and "frozen" not in found


class TestOtherFlags:
    @pytest.mark.parametrize(("level", "raised"), [(1.49, True), (1.5, False)])
    def test_static_is_every_frame_the_first(self, level: float, raised: bool) -> None:
        assert ("static" in flags(info(40), from_first=level)) is raised

    @pytest.mark.parametrize(
        ("dark", "bright", "raised"),
        [(36, 23.9, True), (35, 23.9, False), (40, 24.0, False), (40, 23.9, True)],
    )
    def test_black_is_nine_tenths_of_the_frames(
        self, dark: int, bright: float, raised: bool
    ) -> None:
        assert ("black" in flags(info(40), dark=dark, bright=bright)) is raised

    @pytest.mark.parametrize(
        ("flat", "spread", "raised"), [(36, 1.9, True), (35, 1.9, False), (40, 2.0, False)]
    )
    def test_textureless_is_nine_tenths_of_the_frames(
        self, flat: int, spread: float, raised: bool
    ) -> None:
        assert ("textureless" in flags(info(40), flat=flat, spread=spread)) is raised

    def test_textureless_is_not_said_of_a_black_clip(self) -> None:
        found = flags(info(40), dark=40, bright=0.0, flat=40, spread=0.0)
        assert "black" in found and "textureless" not in found

    @pytest.mark.parametrize(
        ("frames", "fps", "raised"), [(8, 16, False), (7, 10, True), (8, 17, True), (9, 16, False)]
    )
    def test_too_short_is_eight_frames_or_half_a_second(
        self, frames: int, fps: int, raised: bool
    ) -> None:
        assert ("too-short" in flags(info(frames, fps))) is raised

    @pytest.mark.parametrize(
        ("same", "raised"),
        [
            (tuple(range(2, 41, 4)), True),  # 10 of 40 pairs, one by one
            (tuple(range(2, 37, 4)), False),  # 9 of 40
            ((2, 3, 4, 8, 9, 10, 14, 15, 16, 20), True),  # runs of three count
            ((2, 3, 4, 5, 9, 10, 11, 12, 17, 18), False),  # runs of four do not
        ],
    )
    def test_duplicates_are_a_quarter_in_short_runs(
        self, same: tuple[int, ...], raised: bool
    ) -> None:
        assert ("duplicate-frames" in flags(info(41), same=same)) is raised


def motion(dt: tuple[float, ...], **columns: tuple[float, ...]) -> FeatureTable:
    seconds = np.cumsum(dt)
    return as_table(dt=dt, seconds=seconds, width=3, height=4, **columns)


def clip(table: FeatureTable, video: VideoInfo) -> ClipInputs:
    return ClipInputs(video, {"motion": table, "pulse": pulse(video)})


def speed(dt: tuple[float, ...], *fastest: float) -> ClipInputs:
    """Pairs that last so long and move so fast, in diagonals per second."""
    speeds = np.array(fastest)
    table = as_table(dt=np.array(dt), seconds=np.cumsum(dt), fastest=speeds, alone=speeds)
    video = info(len(dt) + 1)
    return ClipInputs(video, {"speeds": table, "pulse": pulse(video)})


class TestSpeed:
    def test_is_the_distance_over_the_time_whatever_the_rate(self) -> None:
        """Half a diagonal in 0.1 s and as much in 0.3 s: one in 0.4 s, and not the mean of 5 and 1.7."""
        found = mean_speed(speed((0.1, 0.3), 5.0, 5 / 3), "fastest")
        assert found.value == pytest.approx(1 / 0.4)

    def test_does_not_change_where_two_pairs_are_seen_as_one(self) -> None:
        steady = mean_speed(speed((0.1,) * 4, 2.0, 2.0, 6.0, 6.0), "fastest")
        skipped = mean_speed(speed((0.2, 0.1, 0.1), 2.0, 6.0, 6.0), "fastest")
        assert steady.value == pytest.approx(skipped.value) == pytest.approx(4.0)

    def test_a_leap_back_to_the_first_frame_is_no_motion_nor_are_the_pairs_averaged_with_it(
        self,
    ) -> None:
        walk = (1.0, 1.2, 0.9, 8.0, 1.1, 1.0, 8.0, 1.0, 1.0, 1.0)
        found = mean_speed(speed((0.1,) * 10, *walk), "fastest")
        assert found.value == pytest.approx(np.mean([1.0, 1.2, 1.0, 1.0]))

    @pytest.mark.parametrize(
        "steady",
        [
            (0.0, 2.0) * 4,  # each frame held for two
            (0.0, 0.0, 2.0) * 3,  # for three
            (1.0, 1.0, 8.0, 8.0, 1.0, 1.0),  # a sprint of two pairs
            (1.0, 1.0, 2.9, 1.0, 1.0, 1.0),  # short of three times as fast
            (1.0, 9.0, 1.0, 1.0),  # too few pairs to know what is usual
        ],
    )
    def test_what_is_no_leap_counts(self, steady: tuple[float, ...]) -> None:
        found = mean_speed(speed((0.1,) * len(steady), *steady), "fastest")
        assert found.value == pytest.approx(np.mean(steady))

    def test_shows_the_speed_of_each_pair_in_its_curve(self) -> None:
        found = mean_speed(speed((0.1, 0.3), 2.0, 3.0), "fastest")
        assert found.curve is not None
        assert found.curve.values.tolist() == [2.0, 3.0]
        assert found.curve.seconds.tolist() == pytest.approx([0.1, 0.4])


class TestTheOcclusionMask:
    """A pair whose left half is hidden in the later frame: there the flow back leads elsewhere."""

    WIDTH, HEIGHT = 64, 36

    def row(self, hidden_error: int, seen_error: int) -> FeatureTable:
        before = np.full((self.HEIGHT, self.WIDTH), 100, np.uint8)
        after = before + np.uint8(seen_error)
        after[:, : self.WIDTH // 2] = 100 + hidden_error
        fields = iter((self.flow(0.0), self.flow(9.0)))
        session = MotionSession(lambda *_: next(fields), (self.WIDTH, self.HEIGHT))
        video = info(2)
        for i, luma in enumerate((before, after)):
            session.push(self.batch(luma, i, video))
        return session.finish()

    def flow(self, left: float) -> np.ndarray:
        field = np.zeros((self.HEIGHT, self.WIDTH, 2), np.float32)
        field[:, : self.WIDTH // 2] = left
        return field

    @staticmethod
    def batch(luma: UInt8Array, at: int, video: VideoInfo) -> FrameBatch:
        rgb = np.repeat(luma[None, ..., None], 3, axis=-1)
        return FrameBatch(rgb, np.array([at]), video.seconds[at : at + 1])

    def test_what_is_hidden_is_no_error(self) -> None:
        row = self.row(hidden_error=90, seen_error=0)
        assert row["visible"].tolist() == [0.5]
        assert row["warp_error"].tolist() == [0.0]
        assert row["flicker"].tolist() == [0.0]

    def test_what_is_seen_is_an_error_in_full(self) -> None:
        row = self.row(hidden_error=0, seen_error=51)
        assert row["warp_error"].tolist() == pytest.approx([51 / 255])
        assert row["flicker"].tolist() == pytest.approx([51 / 255])

    def test_the_uncompensated_change_counts_both(self) -> None:
        row = self.row(hidden_error=90, seen_error=10)
        assert row["raw_error"].tolist() == pytest.approx([50 / 255])
        assert row["warp_error"].tolist() == pytest.approx([10 / 255])


def test_times_of_a_table_by_hand_are_those_of_the_clip() -> None:
    assert info(3).seconds.tolist() == pytest.approx([0.0, 0.1, 0.2])
    assert info(40).duration_seconds == pytest.approx(float(Fraction(4)))
