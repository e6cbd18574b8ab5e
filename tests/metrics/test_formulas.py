"""What each metric makes of a table written by hand: which rows count, with what weight, under what status."""

from __future__ import annotations

import pickle

import numpy as np
import pytest

from mirabench import registry
from mirabench.errors import InputError, MetricError, NotApplicable
from mirabench.features.api import FeatureTable, as_table, feature_identity
from mirabench.inputs.prompts import Prompt
from mirabench.metrics.api import ClipFormula, ClipInputs, ClipMetric, Measured, SetFormula
from mirabench.suites.api import MetricChoice, metric_identity
from mirabench.video.frames import ArrayVideo

INFO = ArrayVideo(np.zeros((30, 4, 4, 3), np.uint8)).info
PAIRS = 6


def measured(metric: str, prompt: Prompt | None = None, **tables: FeatureTable) -> Measured:
    built = MetricChoice(metric).build()
    assert isinstance(built, ClipMetric)
    return built.compute(ClipInputs(INFO, tables, prompt))


def motion(dt: object = 0.5, **columns: object) -> FeatureTable:
    """Six pairs of frames of 3x4 px, so that the diagonal has 5; nothing happens but what is said."""
    names = ("top5", "camera", "object", "shift_x", "shift_y", "rotation", "warp_error", "flicker")
    rows = {name: np.zeros(PAIRS) for name in names}
    rows |= {"scale": np.ones(PAIRS), "camera_inliers": np.ones(PAIRS), "dt": np.full(PAIRS, dt)}
    rows |= {name: np.broadcast_to(np.float64(v), PAIRS) for name, v in columns.items()}
    return as_table(seconds=np.cumsum(rows["dt"]), width=3, height=4, **rows)


def pulse(change: object = 9.0, cut_before: int | None = None) -> FeatureTable:
    """Seven frames that all differ; before one of them the picture may be exchanged."""
    signature = np.tile(np.arange(48.0, dtype=np.float32), (PAIRS + 1, 1))
    if cut_before is not None:
        signature[cut_before:] = 200 - signature[cut_before:]
    changes = np.concatenate([[0.0], np.broadcast_to(np.float64(change), PAIRS)])
    return as_table(seconds=np.arange(PAIRS + 1) / 2, signature=signature, change=changes)


def speeds(dt: object = 0.5, **columns: object) -> FeatureTable:
    """Six pairs of frames; nothing moves but what is said, in diagonals per second."""
    names = ("fastest", "camera", "object", "light", "shift_x", "shift_y", "rotation")
    rows = {name: np.zeros(PAIRS) for name in names}
    rows |= {"camera_inliers": np.ones(PAIRS), "scale": np.ones(PAIRS), "dt": np.full(PAIRS, dt)}
    rows |= {name: np.broadcast_to(np.float64(v), PAIRS) for name, v in columns.items()}
    rows.setdefault("alone", rows["fastest"])
    return as_table(seconds=np.cumsum(rows["dt"]), **rows)


class TestSpeeds:
    @pytest.mark.parametrize(
        ("metric", "column"),
        [("flow_magnitude", "fastest"), ("camera_motion", "camera"), ("object_motion", "object")],
    )
    def test_a_pair_weighs_as_long_as_it_lasts(self, metric: str, column: str) -> None:
        dt = np.array([1.0, 1, 1, 1, 1, 5])
        speed = np.array([0.0, 0, 0, 0, 0, 0.8])  # four diagonals in 5 s; over all, four in 10 s
        found = measured(metric, speeds=speeds(dt, **{column: speed}), pulse=pulse())
        assert found.value == pytest.approx(4 / 10)
        assert found.curve is not None
        assert found.curve.values.tolist() == [0, 0, 0, 0, 0, 0.8]
        assert found.curve.seconds.tolist() == [1, 2, 3, 4, 5, 10]

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "object_motion"])
    def test_a_hard_cut_is_no_motion(self, metric: str) -> None:
        each = np.array([1.0, 1, 50, 99, 50, 1])  # the pairs beside it were averaged with it
        table = speeds(fastest=each, camera=each, object=each)
        found = measured(metric, speeds=table, pulse=pulse(cut_before=4))
        assert found.value == pytest.approx(1.0)
        assert found.curve is not None
        assert found.curve.seconds.tolist() == [0.5, 1.0, 3.0]

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "object_motion"])
    def test_a_leap_is_no_motion(self, metric: str) -> None:
        each, alone = np.array([1.0, 1, 4, 4, 4, 1]), np.array([1.0, 1, 1, 10, 1, 1])
        table = speeds(fastest=each, camera=each, object=each, alone=alone)
        assert measured(metric, speeds=table, pulse=pulse()).value == pytest.approx(1.0)

    @pytest.mark.parametrize("metric", ["flow_magnitude", "camera_motion", "object_motion"])
    def test_pairs_beside_cuts_count_where_there_are_no_others(self, metric: str) -> None:
        each = np.array([2.0, 2.0])
        table = speeds(
            dt=0.5,
            fastest=np.full(PAIRS, 2.0),
            camera=np.full(PAIRS, 2.0),
            object=np.full(PAIRS, 2.0),
        )
        two = as_table(**{name: table[name][:2] for name in table.columns})
        found = measured(metric, speeds=two, pulse=pulse(cut_before=1))
        assert found.value == pytest.approx(each.mean())

    @pytest.mark.parametrize(("flicker", "status"), [(0.01, "ok"), (0.0101, "degenerate")])
    def test_light_that_changes_is_followed_by_flow(self, flicker: float, status: str) -> None:
        dark = np.array([0.0, 0.0, flicker, flicker, flicker, 0.5])  # the median is what counts
        table = speeds(light=dark)
        for metric in ("flow_magnitude", "object_motion"):
            assert measured(metric, speeds=table, pulse=pulse()).status == status
        assert measured("camera_motion", speeds=table, pulse=pulse()).status == "ok"

    def test_a_camera_that_was_never_fitted_has_no_motion(self) -> None:
        with pytest.raises(MetricError, match="no camera could be fitted"):
            measured("camera_motion", speeds=speeds(camera_inliers=0.0), pulse=pulse())
        once = speeds(camera_inliers=np.eye(PAIRS)[0], camera=1.0)
        assert measured("camera_motion", speeds=once, pulse=pulse()).value == pytest.approx(1.0)

    def test_windows_without_corners_do_not_count(self) -> None:
        def tracks(*corners: int) -> FeatureTable:
            speed = 10.0 * np.arange(1, len(corners) + 1)
            return as_table(
                seconds=np.arange(float(len(corners))),
                corners=corners,
                speed=speed,
                width=3,
                height=4,
            )

        found = measured("track_displacement", tracks=tracks(4, 0, 1), pulse=pulse())
        assert found.value == pytest.approx((10 + 30) / 2 / 5)
        assert found.curve is not None
        assert found.curve.seconds.tolist() == [0, 2]
        with pytest.raises(MetricError, match="no corner could be followed"):
            measured("track_displacement", tracks=tracks(0, 0), pulse=pulse())
        with pytest.raises(MetricError, match="one frame"):
            measured("track_displacement", tracks=tracks(), pulse=pulse())


class TestTemporal:
    COLUMNS = (("warping_error", "change"), ("temporal_flicker", "light"))

    @staticmethod
    def residual(column: str, shares: list[float], weights: list[float]) -> FeatureTable:
        """Pairs that end at the frames of `pulse`."""
        seconds = pulse()["seconds"][1 : len(shares) + 1]
        return as_table(
            seconds=seconds, dt=np.diff(pulse()["seconds"])[: len(shares)],
            **{column: shares, f"{column}_weight": weights},
        )  # fmt: skip

    @pytest.mark.parametrize(("metric", "column"), COLUMNS)
    def test_is_the_weighted_mean_less_most_of_one_percent(self, metric: str, column: str) -> None:
        table = self.residual(column, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5], [1, 1, 1, 1, 1, 3])
        found = measured(metric, residual=table, pulse=pulse())
        assert found.value == pytest.approx(100 * (2.5 / 8 - 0.0095) / 0.9905)
        assert found.curve is not None
        assert found.curve.values == pytest.approx([0, 10, 20, 30, 40, 50])

    @pytest.mark.parametrize(("metric", "column"), COLUMNS)
    def test_a_repeated_frame_counts_as_time_and_a_cut_as_a_pair(
        self, metric: str, column: str
    ) -> None:
        change = np.array([1.5, 1.49, 9, 9, 0, 9])  # from 1.5 levels on a frame is a new one
        table = self.residual(column, [0.0] * 6, [1.0] * 6)
        found = measured(metric, residual=table, pulse=pulse(change, cut_before=4))
        unexplained = (1 / 6 - 0.0095) / 0.9905
        assert found.value == pytest.approx(100 * (1 - (1 - unexplained) * (1 - 2 / 6)))

    def test_where_every_frame_is_repeated_the_value_is_the_worst(self) -> None:
        table = self.residual("change", [0.0] * 6, [1.0] * 6)
        assert measured("warping_error", residual=table, pulse=pulse(0.0)).value == 100.0

    def test_one_frame_has_no_pair(self) -> None:
        with pytest.raises(MetricError, match="too few frames"):
            measured("warping_error", residual=self.residual("change", [], []), pulse=pulse())


class TestThreeD:
    @staticmethod
    def pairs(states: list[str]) -> FeatureTable:
        """Four pairs; what is measured has geometry."""
        return as_table(
            seconds=[4.0, 3.0, 2.0, 1.0], state=states, measured=[True, True, True, False],
            num_pts=[10, 20, 40, 50], num_inliers=[5, 20, 10, 0],
            mean_err=[0.5, 1.0, 1.5, 0.0], rmse=[1.0, 2.0, 3.0, 0.0],
        )  # fmt: skip

    @pytest.mark.parametrize(
        ("name", "value"),
        [("num_pts", 30.0), ("num_inliers", 35 / 3), ("keep_ratio", (0.5 + 1 + 0.25) / 3),
         ("mean_err", 1.0), ("rmse", 2.0)],
    )  # fmt: skip
    def test_pairs_without_geometry_count_for_matches_only(self, name: str, value: float) -> None:
        table = self.pairs(["ok", "ok", "ok", "no-match"])
        found = measured(f"consistency_3d_{name}", epipolar=table)
        assert (found.value, found.status) == (pytest.approx(value), "ok")
        assert found.curve is not None
        assert found.curve.seconds.tolist() == sorted(found.curve.seconds.tolist())

    @pytest.mark.parametrize(
        ("states", "why"),
        [(["ok", "ok", "ok", "static"], ""),
         (["ok", "ok", "static", "planar"], "static: the geometry of 2 of 4"),
         (["ok", "planar", "planar", "static"], "planar: the geometry of 3 of 4")],
        ids=["a quarter", "half", "most"],
    )  # fmt: skip
    def test_half_without_geometry_is_degenerate(self, states: list[str], why: str) -> None:
        found = measured("consistency_3d_rmse", epipolar=self.pairs(states))
        assert found.why.startswith(why)
        assert found.status == ("degenerate" if why else "ok")


class TestQuality:
    @pytest.mark.parametrize(
        "name", ["sharpness", "noise", "colorfulness", "exposure", "blockiness"]
    )
    def test_is_the_mean_over_frames(self, name: str) -> None:
        columns = {
            n: np.full(3, 1.0)
            for n in ("sharpness", "noise", "colorfulness", "exposure", "blockiness")
        }
        columns[name] = np.array([1.0, 2.0, 6.0])
        table = as_table(seconds=[0.0, 0.25, 0.5], **columns)
        found = measured(name, quality=table, pulse=pulse())
        assert (found.value, found.status) == (3.0, "ok")
        assert found.curve is not None
        assert found.curve.values.tolist() == [1, 2, 6]

    @pytest.mark.parametrize(("noise", "status"), [(5.0, "ok"), (5.01, "degenerate")])
    def test_grain_passes_for_detail(self, noise: float, status: str) -> None:
        table = as_table(seconds=[0.0, 1.0], sharpness=[0.5, 0.7], noise=[0.0, 2 * noise])
        found = measured("sharpness", quality=table, pulse=pulse())
        assert (found.value, found.status) == (pytest.approx(0.6), status)

    @pytest.mark.parametrize("name", ["aesthetic_quality", "imaging_quality", "clip_iqa"])
    def test_a_networks_score_is_averaged(self, name: str) -> None:
        rows = np.array([[1.0], [2.0], [6.0]], np.float32)
        found = measured(name, frames=as_table(seconds=[0.0, 1.0, 2.0], rows=rows))
        assert found.value == 3.0


class TestNetworks:
    @pytest.mark.parametrize("name", ["temporal_dino_consistency", "temporal_clip_consistency"])
    def test_consistency_has_no_value_for_the_first_frame(self, name: str) -> None:
        rows = np.array([[1.0, 0.0], [0.0, 2.0], [0.0, 3.0]])
        found = measured(name, frames=as_table(seconds=[0.0, 1.0, 2.0], rows=rows), pulse=pulse())
        assert found.value == 0.25
        assert found.curve is not None
        assert found.curve.seconds.tolist() == [1.0, 2.0]

    def test_interpolation_is_in_shares_and_in_percent(self) -> None:
        table = as_table(seconds=[0.0, 1.0], error=[0.0, 51.0])
        smooth = measured("temporal_motion_smoothness", interpolation=table, pulse=pulse())
        error = measured("flow_interpolation_error", interpolation=table, pulse=pulse())
        assert (smooth.value, error.value) == (pytest.approx(0.9), pytest.approx(10.0))

    def test_dynamic_degree_is_the_mean_over_pairs(self) -> None:
        table = as_table(seconds=[0.5, 1.0], top5=[1.0, 4.0])
        assert measured("dynamic_degree", flow=table).value == 2.5
        with pytest.raises(MetricError, match="one frame"):
            measured("dynamic_degree", flow=as_table(seconds=[], top5=[]))


class TestCamera:
    LEFT = Prompt("p", "The camera pans to the left.")

    def test_the_picture_goes_the_other_way(self) -> None:
        # to the right by a tenth of the diagonal, in six steps of half a second
        table = speeds(shift_x=0.1 / PAIRS)
        assert measured(
            "camera_motion_agreement", self.LEFT, speeds=table, pulse=pulse()
        ).value == (pytest.approx(1.0))
        less = measured(
            "camera_motion_agreement", self.LEFT, speeds=speeds(shift_x=0.04 / PAIRS), pulse=pulse()
        )
        assert less.value == pytest.approx(0.4)

    def test_the_mean_over_what_is_asked_and_the_curve_of_the_worst(self) -> None:
        asked = Prompt("p", "The camera pans to the left, then zooms in.")
        table = speeds(shift_x=0.1 / PAIRS, scale=np.exp(0.01 / PAIRS))
        found = measured("camera_motion_agreement", asked, speeds=table, pulse=pulse())
        assert found.value == pytest.approx((1.0 + 0.2) / 2)
        assert found.curve is not None
        assert found.curve.values == pytest.approx(np.full(PAIRS, 0.01 / PAIRS / 0.5))

    @pytest.mark.parametrize(("believed", "measurable"), [(3, True), (2, False)])
    def test_half_of_the_pairs_must_be_believed(self, believed: int, measurable: bool) -> None:
        inliers = np.where(np.arange(PAIRS) < believed, 0.3, 0.29)
        table = speeds(shift_x=0.1 / 3, camera_inliers=inliers)
        found = measured("camera_motion_agreement", self.LEFT, speeds=table, pulse=pulse())
        if measurable:
            assert (found.value, found.status) == (pytest.approx(1.0), "ok")
        else:  # no failure of the run: a picture without one camera is what some generators make
            assert (found.value, found.status) == (0.0, "degenerate")
            assert "only 2 of 6 pairs" in found.why

    @pytest.mark.parametrize(("steps", "value"), [(1, 2 / 6), (2, 4 / 6), (3, 1.0), (6, 1.0)])
    def test_a_move_that_stops_early_is_not_the_move(self, steps: int, value: float) -> None:
        table = speeds(dt=1.0, shift_x=np.where(np.arange(PAIRS) < steps, 0.2, 0.0))
        found = measured("camera_motion_agreement", self.LEFT, speeds=table, pulse=pulse())
        assert found.value == pytest.approx(value)

    def test_moves_that_follow_each_other_share_the_clip(self) -> None:
        table = speeds(
            dt=1.0,
            shift_x=np.where(np.arange(PAIRS) < 2, 0.2, 0.0),
            scale=np.exp(np.where(np.arange(PAIRS) >= 4, 0.1, 0.0)),
        )
        both = Prompt("p", "The camera pans to the left, then zooms in.")
        found = measured("camera_motion_agreement", both, speeds=table, pulse=pulse())
        assert found.value == pytest.approx(1.0)

    def test_who_asks_for_nothing_gets_nothing(self) -> None:
        for prompt in (None, Prompt("p", "A lake."), Prompt("p", "Pan left.", {"camera": ""})):
            with pytest.raises(NotApplicable):
                measured("camera_motion_agreement", prompt, speeds=speeds(), pulse=pulse())


@pytest.mark.parametrize("name", registry.names(registry.METRICS))
class TestRegistered:
    def test_its_name_is_that_of_its_entry_point(self, name: str) -> None:
        assert MetricChoice(name).build().spec.name == name

    def test_survives_a_pickle(self, name: str) -> None:
        metric = MetricChoice(name).build()
        assert pickle.loads(pickle.dumps(metric)) == metric

    def test_has_an_identity_of_name_version_and_features_alone(self, name: str) -> None:
        metric = MetricChoice(name).build()
        assert metric_identity(metric) == {
            "metric": name,
            "version": metric.spec.version,
            "parameters": {},
            "features": {k: feature_identity(r.resolve()) for k, r in metric.spec.needs.items()},
        }

    def test_takes_no_parameter(self, name: str) -> None:
        with pytest.raises(InputError, match=f"{name}' has no parameter 'share': it has none"):
            MetricChoice(name, {"share": 0.1}).build()


@pytest.mark.parametrize(
    ("metric", "column", "worst"),
    [("epipolar_agreement", "agreement", 0.0), ("reprojection_error", "error", 4.0)],
)
@pytest.mark.parametrize(("silent", "status"), [(3, "ok"), (4, "degenerate"), (6, "degenerate")])
def test_where_half_the_views_show_no_depth_the_others_are_no_evidence(
    metric: str, column: str, worst: float, silent: int, status: str
) -> None:
    state = np.array(["planar-or-rotation"] * silent + ["ok"] * (8 - silent))
    views = as_table(seconds=np.arange(8) / 4, state=state, **{column: np.full(8, 0.5)})
    key = "view_pairs" if column == "agreement" else "registration"
    found = measured(metric, **{key: views})
    assert (found.status, found.value) == (status, 0.5 if status == "ok" else worst)


def test_no_two_rows_measure_the_same() -> None:
    built = [MetricChoice(name).build() for name in registry.names(registry.METRICS)]
    rows = [m for m in built if isinstance(m, ClipFormula)]
    facts = [(m.formula, m.arguments, tuple(m.spec.needs.values())) for m in rows]
    assert len(set(facts)) == len(facts)
    sets = [m for m in built if isinstance(m, SetFormula)]
    assert len({(m.formula, tuple(m.spec.needs.values())) for m in sets}) == len(sets)
