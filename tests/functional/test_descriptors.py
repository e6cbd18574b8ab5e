"""Hand-made descriptions: by hand and by plain loops."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from clipkit import texture
from hypothesis import given
from hypothesis import strategies as st

from mirabench import functional as F


class TestMotion:
    @pytest.mark.parametrize("eighth", range(8))
    def test_each_direction_has_its_place(self, eighth: int) -> None:
        angle = -math.pi + (eighth + 0.5) * math.pi / 4
        velocity = 2.0 * np.array([[math.cos(angle), math.sin(angle)]])
        found = F.motion_descriptor(velocity)
        assert found[:8].tolist() == pytest.approx([2.0 if k == eighth else 0.0 for k in range(8)])
        assert found[8:] == pytest.approx(np.full(4, 2.0))

    def test_equals_the_definition_written_plainly(self) -> None:
        velocity = np.random.default_rng(0).normal(size=(50, 2))
        along = np.zeros(8)
        for x, y in velocity:
            along[int((math.atan2(y, x) + math.pi) / (math.pi / 4)) % 8] += math.hypot(x, y) / 50
        lengths = np.hypot(*velocity.T)
        plain = [*along, *(np.percentile(lengths, p) for p in (25, 50, 75, 95))]
        assert F.motion_descriptor(velocity) == pytest.approx(np.array(plain))

    @given(st.integers(0, 1000), st.floats(0.1, 10))
    def test_scales_with_speed_and_ignores_order(self, seed: int, factor: float) -> None:
        random = np.random.default_rng(seed)
        velocity = random.normal(size=(20, 2))
        once = F.motion_descriptor(velocity)
        assert F.motion_descriptor(random.permutation(velocity) * factor) == pytest.approx(
            once * factor
        )


class TestAppearance:
    def test_equals_the_definition_written_plainly(self) -> None:
        frame = texture(24, 36, 3)
        lab = cv2.cvtColor(frame, cv2.COLOR_RGB2LAB).astype(float)
        light = lab[..., 0]
        layout = [
            light[8 * r : 8 * r + 8, 12 * c : 12 * c + 12].mean()
            for r in range(3)
            for c in range(3)
        ]
        spread = [lab[..., c].std() for c in range(3)]
        edges = np.zeros(8)
        padded = np.pad(light, 1, mode="reflect")
        for y in range(24):
            for x in range(36):
                window = padded[y : y + 3, x : x + 3]
                dx = (window[:, 2] - window[:, 0]) @ (1, 2, 1)
                dy = (window[2] - window[0]) @ (1, 2, 1)
                # in float32, because edges at exactly 45 degrees lie between two directions
                part = (
                    np.arctan2(np.float32(dy), np.float32(dx)) % np.float32(np.pi)
                ) / np.float32(np.pi)
                edges[int(part * 8) % 8] += math.hypot(dx, dy)
        plain = [*np.divide(layout, 64), *np.divide(spread, (32, 16, 16)), *edges / (24 * 36) / 16]
        assert F.appearance_descriptor(frame[None])[0] == pytest.approx(
            np.array(plain), rel=1e-4, abs=1e-6
        )

    def test_a_row_for_each_frame(self) -> None:
        frames = np.stack([texture(24, 24, seed) for seed in range(3)])
        found = F.appearance_descriptor(frames)
        assert found.shape == (3, 20)
        assert np.array_equal(found[1:2], F.appearance_descriptor(frames[1:2]))
        assert F.appearance_descriptor(frames[:0]).shape == (0, 20)
