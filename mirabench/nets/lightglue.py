"""DISK keypoints and LightGlue matches, by kornia.

Tyszkiewicz et al., NeurIPS 2020; Lindenberger et al., ICCV 2023.

The networks are kornia's; the files are the authors' own, read by name and shape. LightGlue runs all of its
layers on all points: stopping early or dropping points would depend on the device.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from kornia.feature import DISK, LightGlue
from torch import Tensor

from mirabench.nets.checkpoint import State, load_state, read_state

CHANNELS = 128
"""Length of a DISK descriptor."""
LAYERS = 9
PEAK_PX = 5
"""Side of the window within which a keypoint is the strongest."""


def load_disk(path: Path) -> DISK:
    """DISK from the authors' file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = DISK().eval()
    load_state(net, read_state(path), path)
    return net


def load_lightglue(path: Path) -> LightGlue:
    """LightGlue for DISK from the authors' file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    downloaded: Any = None  # its signature leaves out that None downloads nothing
    net = LightGlue(
        downloaded, input_dim=CHANNELS, depth_confidence=-1, width_confidence=-1, flash=False
    )
    state = renamed(read_state(path))
    # thresholds for stopping early, which some files hold: they follow from the number of layers
    state["confidence_thresholds"] = net.get_buffer("confidence_thresholds")
    load_state(net, state, path)
    return net.eval()


def renamed(state: State) -> State:
    """The authors' names of parameters as kornia's: layers of attention stand under their transformer."""
    found = {name.removeprefix("matcher."): value for name, value in state.items()}
    for layer in range(LAYERS):
        for kind in ("self_attn", "cross_attn"):
            old, new = f"{kind}.{layer}.", f"transformers.{layer}.{kind}."
            found = {
                new + name.removeprefix(old) if name.startswith(old) else name: value
                for name, value in found.items()
            }
    return found


def detect(net: DISK, picture: Tensor, keypoints: int) -> tuple[Tensor, Tensor]:
    """The strongest keypoints (K, 2) in px, x before y, and their descriptors (K, 128).

    Args:
        net: DISK.
        picture: (3, H, W), 0 to 1.
        keypoints: At most so many.
    """
    (found,) = net(picture[None], keypoints, window_size=PEAK_PX, pad_if_not_divisible=True)
    return found.keypoints, found.descriptors


def match(
    net: LightGlue,
    one: tuple[Tensor, Tensor],
    two: tuple[Tensor, Tensor],
    size: tuple[int, int],
) -> Tensor:
    """Rows (N, 2) of the keypoints that LightGlue takes for the same, each at most once.

    Args:
        net: LightGlue.
        one: Keypoints (K, 2) px and descriptors (K, 128) of a picture.
        two: Of the other.
        size: Width and height of both pictures, px.
    """
    sides = torch.tensor([size], dtype=torch.float32, device=one[0].device)
    pair = {
        f"image{i}": {"keypoints": points[None], "descriptors": known[None], "image_size": sides}
        for i, (points, known) in enumerate((one, two))
    }
    found: Tensor = net(pair)["matches"][0]
    return found
