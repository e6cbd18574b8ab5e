"""The protocol id of a metric and the description that it is the digest of."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

import pytest

from mirabench.features.api import FeatureRef
from mirabench.identity import digest_of
from mirabench.run import plan
from mirabench.run.plan import protocol_of
from mirabench.suites.api import MetricChoice, Suite, at_precision, metric_identity

WEIGHTS = {"clip-vit-l-14": "a" * 64, "aesthetic-vit-l-14": "b" * 64, "unused": "c" * 64}


def built(name: str) -> Any:
    return MetricChoice(name).build()


def test_an_id_is_name_version_and_ten_digits_of_the_description() -> None:
    metric = built("sharpness")
    key, description = protocol_of(metric, ["pyav-rgb24"], {})
    assert key == f"sharpness@{metric.spec.version}:{digest_of(description, 10)}"
    assert len(key.partition(":")[2]) == 10


def test_a_description_holds_the_metric_the_decoders_and_opencv() -> None:
    metric = built("sharpness")
    _, description = protocol_of(metric, ["b", "a", "b"], {})
    major = version("opencv-python-headless").partition(".")[0]
    assert description == {
        **metric_identity(metric), "decoder": ["a", "b"], "opencv": major,
    }  # fmt: skip


def test_the_order_and_number_of_decoders_change_nothing_but_another_decoder_does() -> None:
    metric = built("sharpness")
    ids = [protocol_of(metric, names, {})[0] for names in (["a", "b"], ["b", "a", "a"], ["a"], [])]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_the_weights_behind_a_metric_enter_and_no_others() -> None:
    metric = built("aesthetic_quality")
    key, description = protocol_of(metric, ["a"], WEIGHTS)
    assert description["weights"] == {k: v for k, v in WEIGHTS.items() if k != "unused"}
    for card in ("clip-vit-l-14", "aesthetic-vit-l-14"):
        assert protocol_of(metric, ["a"], {**WEIGHTS, card: "d" * 64})[0] != key
    assert protocol_of(metric, ["a"], {**WEIGHTS, "unused": "d" * 64})[0] == key


def test_a_metric_without_networks_names_no_weights() -> None:
    assert "weights" not in protocol_of(built("sharpness"), ["a"], WEIGHTS)[1]


class TestOpenCv:
    """Its major version, under whichever of its names it is installed."""

    @pytest.fixture
    def installed(self, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
        found: dict[str, str] = {}

        def look_up(name: str) -> str:
            if name not in found:
                raise PackageNotFoundError(name)
            return found[name]

        monkeypatch.setattr(plan, "version", look_up)
        return found

    @pytest.mark.parametrize(
        "name", ["opencv-python-headless", "opencv-python", "opencv-contrib-python-headless"]
    )
    def test_is_found_under_each_name(self, name: str, installed: dict[str, str]) -> None:
        installed[name] = "7.12.3"
        assert protocol_of(built("sharpness"), [], {})[1]["opencv"] == "7"

    def test_the_headless_one_comes_first(self, installed: dict[str, str]) -> None:
        installed |= {"opencv-python": "6.1", "opencv-python-headless": "5.0"}
        assert protocol_of(built("sharpness"), [], {})[1]["opencv"] == "5"

    def test_a_build_that_is_no_package_is_unknown(self, installed: dict[str, str]) -> None:
        assert not installed
        assert protocol_of(built("sharpness"), [], {})[1]["opencv"] == "unknown"


class TestPrecision:
    def test_features_that_take_it_get_it_and_keep_their_other_parameters(self) -> None:
        short = at_precision(built("temporal_clip_consistency"), "bf16")
        frames = short.spec.needs["frames"]
        assert dict(frames.parameters) == {"model": "ViT-B/32", "precision": "bf16"}
        assert short.spec.needs["pulse"] == FeatureRef.of("pulse")

    @pytest.mark.parametrize("name", ["sharpness", "dynamic_degree"])
    def test_a_metric_whose_features_do_not_take_it_stays_as_it_is(self, name: str) -> None:
        metric = built(name)
        assert at_precision(metric, "bf16") is metric

    def test_the_precision_that_a_feature_has_already_is_no_other(self) -> None:
        metric = built("temporal_dino_consistency")
        assert at_precision(metric, "fp32") is metric

    def test_a_suites_digest_tells_precisions_apart_where_a_feature_takes_them(self) -> None:
        def digest(name: str, precision: str) -> str:
            return Suite("s", 1, (MetricChoice(name),), precision=precision).digest()

        assert digest("temporal_dino_consistency", "fp32") != digest(
            "temporal_dino_consistency", "bf16"
        )
        assert digest("sharpness", "fp32") == digest("sharpness", "bf16")

    def test_a_shortened_metric_still_measures(self) -> None:
        metric = built("temporal_motion_smoothness")
        short: Any = at_precision(metric, "bf16")
        assert short.spec.name == metric.spec.name and short is not metric
        assert callable(short.compute) and callable(short.compare)
