"""The middle of two frames along a known flow."""

from __future__ import annotations

import clipkit
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from mirabench.features.flow_interpolation import FlowInterpolation, _Session  # noqa: E402
from mirabench.video.frames import FrameBatch  # noqa: E402


class KnownFlow:
    """Stands where RAFT stands: every frame is `step` px right of the one before."""

    def __init__(self, step: float) -> None:
        self.step = step

    def encode(self, image: torch.Tensor) -> torch.Tensor:
        return image

    def flow(self, first: torch.Tensor, second: torch.Tensor, updates: int) -> torch.Tensor:
        forward = float(second.flatten()[0] != -1) and self.sign(first, second)
        flow = torch.zeros(1, 2, *first.shape[-2:])
        flow[:, 0] = forward * 2 * self.step
        return flow

    def sign(self, first: torch.Tensor, second: torch.Tensor) -> int:
        """1 when the second picture is the first moved to the right, else -1."""
        shift = int(2 * self.step)
        right = (second[..., shift:] - first[..., :-shift]).abs().mean()
        left = (first[..., shift:] - second[..., :-shift]).abs().mean()
        return 1 if right < left else -1


def errors(frames: np.ndarray, step: float) -> np.ndarray:
    session = _Session(KnownFlow(step), FlowInterpolation())  # type: ignore[arg-type]
    seconds = np.arange(len(frames)) / 24
    session.push(FrameBatch(frames, np.arange(len(frames)), seconds))
    return session.finish()["error"]


def test_a_translation_is_predicted_to_rounding() -> None:
    clip = clipkit.panning(frames=7, dx=2, size=(96, 72))
    step = 2.0 if _moves_right(clip) else -2.0
    assert errors(clip, abs(step)).max() < 0.51


def test_a_middle_frame_that_jumps_is_seen() -> None:
    clip = clipkit.panning(frames=5, dx=2, size=(96, 72))
    jerky = clip.copy()
    jerky[1] = np.roll(clip[1], 3, axis=0)
    found = errors(jerky, 2.0)
    assert found[0] > 5 * found[1] + 1


def test_the_last_of_an_even_number_goes_unused() -> None:
    clip = clipkit.panning(frames=6, dx=2, size=(96, 72))
    assert np.array_equal(errors(clip, 2.0), errors(clip[:5], 2.0))


def _moves_right(clip: np.ndarray) -> bool:
    a, b = clip[0].astype(int), clip[1].astype(int)
    return np.abs(b[:, 2:] - a[:, :-2]).mean() < np.abs(a[:, 2:] - b[:, :-2]).mean()
