"""CoTracker2 online from its authors' code at a pinned commit (CC BY-NC 4.0).

The code is not on PyPI and is not part of mirabench. It comes from a local checkout named by
MIRABENCH_COTRACKER_REPO, from torch.hub's cache, or from the archive of the pinned commit, a
weight card like any other.

The tracker moves in windows of 8 frames by 4; each frame's features are needed by two windows and
are computed once here.
"""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from mirabench.errors import WeightsError, WeightsMissingError
from mirabench.nets.checkpoint import load_state, read_state
from mirabench.nets.placement import quicken

COMMIT = "82e02e8029753ad4ef13cf06be7f4fc5facdda4d"
"""Of github.com/facebookresearch/co-tracker."""

WINDOW = 8
"""Frames of a window."""

STEP = 4
"""Frames from one window to the next."""

ENVIRONMENT = "MIRABENCH_COTRACKER_REPO"


def load(code: Path, path: Path) -> OnlineTracker:
    """A tracker from the authors' code and a checkpoint file.

    Args:
        code: see `load_predictor`; `find_code` finds it.
        path: `cotracker2.pth`.

    Raises:
        WeightsMissingError: the code is not there.
        WeightsError: the code is of another commit, or the file damaged or of another model.
    """
    predictor = load_predictor(code)
    load_state(predictor.model, read_state(path), path)
    return OnlineTracker(predictor)


class WindowTracks(NamedTuple):
    """Where the points are in one window's frames."""

    first: int
    """Position of the window's first frame in the clip."""
    tracks: Tensor
    """(T, K, 2) pixels of the clip's frames, x then y; float32."""


class OnlineTracker:
    """Follows a grid of points from the first frame on. One tracker serves one clip at a time."""

    def __init__(self, predictor: Any) -> None:
        """Take the predictor that `load_predictor` built, its weights already loaded."""
        self._predictor = predictor
        self._features = predictor.model.fnet
        if not isinstance(self._features, OverlapCache):
            self._features = predictor.model.fnet = OverlapCache(predictor.model.fnet, STEP)
        self._next = 0

    def to(self, device: torch.device) -> OnlineTracker:
        """This tracker, on a device."""
        self._predictor.to(device)
        quicken(self._predictor)
        return self

    def start(self, frame: Tensor, grid: int = 10) -> None:
        """Begin a clip: lay grid x grid points over its first frame.

        Args:
            frame: (3, H, W), any float; only its size and device matter.
            grid: points along either side.
        """
        self._features.forget()
        self._next = 0
        self._predictor(video_chunk=frame[None, None], is_first_step=True, grid_size=grid)

    def window(self, frames: Tensor) -> WindowTracks:
        """Track through the next window.

        Args:
            frames: (T, 3, H, W) RGB 0..255, float: the window's frames, T = 8 except at the end of
                a clip. Windows start every 4 frames; all but the first repeat 4 frames.

        Returns:
            Estimates for these frames; those of the first 4 replace the last window's.
        """
        first, self._next = self._next, self._next + STEP
        tracks, _ = self._predictor(video_chunk=frames[None])  # all frames of the clip so far
        return WindowTracks(first, tracks[0, first:].float())


class OverlapCache(nn.Module):
    """Features of frames that the previous call had seen are not computed again.

    Whether a frame is the same is decided by its pixels, so the cache cannot be out of step. Exact
    because the encoder treats the frames of a batch independently.
    """

    def __init__(self, encoder: nn.Module, overlap: int) -> None:
        super().__init__()
        self.encoder, self.overlap = encoder, overlap
        self._seen: tuple[Tensor, Tensor] | None = None

    def forget(self) -> None:
        """Drop what is kept; a new clip begins."""
        self._seen = None

    def forward(self, frames: Tensor) -> Tensor:
        """(T, 3, H, W) to the encoder's (T, C, h, w)."""
        known = self._known(frames)
        new = frames if known is None else frames[len(known) :]
        # a CPU takes 1.5 times as long for four frames at once: they leave its caches
        parts = new[:, None] if new.device.type == "cpu" else (new,)
        fresh = [self.encoder(part) for part in parts]
        features = torch.cat(fresh if known is None else (known, *fresh))
        self._seen = (frames[-self.overlap :].clone(), features[-self.overlap :].clone())
        return features

    def _known(self, frames: Tensor) -> Tensor | None:
        if self._seen is None or len(frames) <= self.overlap:
            return None
        same = torch.equal(frames[: self.overlap], self._seen[0])
        return self._seen[1] if same else None


def find_code(environ: Mapping[str, str] = os.environ) -> Path | None:
    """CoTracker's code on this machine: the named checkout, else torch.hub's; None if neither.

    Raises:
        WeightsError: the environment names a folder that holds something else.
    """
    if named := environ.get(ENVIRONMENT):
        folder = Path(named).expanduser()
        if not (folder / "cotracker" / "predictor.py").is_file():
            raise WeightsError(f"{ENVIRONMENT}={named} is not a checkout of co-tracker")
        return folder
    cached = Path(torch.hub.get_dir()) / f"facebookresearch_co-tracker_{COMMIT}"
    return cached if cached.is_dir() else None


def load_predictor(code: Path) -> Any:
    """Build CoTracker2's online predictor without weights; its network is `.model`.

    Args:
        code: a checkout, or the pinned commit's zip archive as GitHub makes it.

    Raises:
        WeightsMissingError: nothing is there.
        WeightsError: it is not CoTracker, or not of a commit that still has version 2.
    """
    if not code.exists():
        raise WeightsMissingError(
            f"CoTracker's code is not at {code}: run `mirabench weights download cotracker-code` "
            f"or name a checkout with {ENVIRONMENT}"
        )
    place = code / f"co-tracker-{COMMIT}" if code.is_file() else code
    sys.path.insert(0, str(place))
    try:
        # Importing it seeds torch's generators (a line of its own); nobody asked for that.
        with torch.random.fork_rng(devices=range(torch.cuda.device_count())):
            module = importlib.import_module("cotracker.predictor")
            return module.CoTrackerOnlinePredictor(checkpoint=None, window_len=WINDOW, v2=True)
    except (ImportError, AttributeError, TypeError) as error:
        raise WeightsError(
            f"{code} is not the code of CoTracker at {COMMIT[:7]} ({error}): check that commit out"
        ) from error
    finally:
        sys.path.remove(str(place))
