"""What a cached table's name is made of: everything that may change the table."""

from __future__ import annotations

import shutil
from pathlib import Path

import clipkit
import pytest

import mirabench
from mirabench.features import cache
from mirabench.features.cache import cache_key, library_versions
from mirabench.features.motion import Motion
from mirabench.features.pulse import Pulse
from mirabench.weights import WeightStore, card, import_weights

CLIP, OTHER = "a" * 64, "b" * 64
DIGESTS = {"card": "1" * 64}


def test_a_key_is_forty_hex_digits_and_always_the_same() -> None:
    key = cache_key(CLIP, Motion(), DIGESTS)
    assert key == cache_key(CLIP, Motion(), dict(DIGESTS))
    assert len(key) == 40 and set(key) <= set("0123456789abcdef")


@pytest.mark.parametrize(
    "other",
    [
        pytest.param((OTHER, Motion(), DIGESTS), id="clip"),
        pytest.param((CLIP, Motion(max_short_side=120), DIGESTS), id="parameter"),
        pytest.param((CLIP, Motion(iterations=12), DIGESTS), id="another parameter"),
        pytest.param((CLIP, Pulse(), DIGESTS), id="feature"),
        pytest.param((CLIP, Motion(), {"card": "2" * 64}), id="digest of the weights"),
        pytest.param((CLIP, Motion(), {"other": "1" * 64}), id="name of the weights"),
        pytest.param((CLIP, Motion(), {**DIGESTS, "more": "3" * 64}), id="more weights"),
        pytest.param((CLIP, Motion(), {}), id="no weights"),
    ],
)
def test_another_clip_feature_or_weights_have_another_key(other: tuple) -> None:  # type: ignore[type-arg]
    assert cache_key(CLIP, Motion(), DIGESTS) != cache_key(*other)


def test_no_weights_are_an_empty_set_of_weights() -> None:
    assert cache_key(CLIP, Motion()) == cache_key(CLIP, Motion(), {})


class TestLibraries:
    @pytest.fixture(autouse=True)
    def forget(self) -> None:
        library_versions.cache_clear()

    @pytest.mark.parametrize(
        "name", ["numpy", "av", "opencv-python-headless", "torch", "torchvision"]
    )
    def test_another_version_has_another_key(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        versions = dict(library_versions())
        assert versions[name]
        before = cache_key(CLIP, Motion())
        monkeypatch.setattr(cache, "library_versions", lambda: {**versions, name: "0.0"})
        assert cache_key(CLIP, Motion()) != before

    def test_one_that_is_not_installed_is_left_out(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(cache, "_LIBRARIES", ("numpy", "no-such-library"))
        assert library_versions().keys() == {"numpy"}
        library_versions.cache_clear()


def test_other_weights_of_one_card_are_computed_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The same clip, the same feature, the same cache: only the file behind the card is another."""
    torch = pytest.importorskip("torch", reason="needs the extra torch")
    from mirabench.nets.amt import AmtS

    clip = clipkit.panning(frames=3, size=(64, 64))
    values = []
    for seed in (0, 1, 0):
        torch.manual_seed(seed)
        made = tmp_path / f"made-{seed}"
        made.mkdir(exist_ok=True)
        torch.save(AmtS().state_dict(), made / card("amt-s").filename)
        folder = tmp_path / "weights"
        shutil.rmtree(folder, ignore_errors=True)
        import_weights(WeightStore(folder), made, accept_unverified=True)
        monkeypatch.setenv("MIRABENCH_WEIGHTS", str(folder))
        report = mirabench.evaluate(
            [clip], metrics=["temporal_motion_smoothness"], allow_noncommercial=True,
            cache=tmp_path / "cache", device="cpu",
        )  # fmt: skip
        values.append(report.videos[0].scores["temporal_motion_smoothness"].value)
    assert values[0] != values[1]
    assert values[0] == values[2]
