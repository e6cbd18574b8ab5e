"""RAFT optical flow with torchvision's modules, each frame encoded once (Teed and Deng 2020).

In a clip every frame but the first and last is in two pairs. Here encoding and matching are two
steps, so its features are computed once; and only the last of the updates is brought to full
resolution, which the result alone depends on. Parameters come in the authors' key names
(`raft-things.pth`) or in torchvision's (`raft_large_C_T_V1`, the same numbers).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torchvision.models.optical_flow import raft_large

from mirabench.nets.checkpoint import load_state, read_state
from mirabench.nets.correlation import CorrelationPyramid
from mirabench.nets.sampling import pixel_grid

MULTIPLE = 8
"""Height and width of the input must be multiples of this."""

UPDATES = 20
"""Iterations of the reference evaluation."""

MAX_ELEMENTS = 1 << 28
"""Largest table of pairs: 1 GiB of float32, a frame of 1280x720 at 1/8. One table serves all
updates, so building it piece by piece is worth its time only above this."""

_LEVELS, _RADIUS = 4, 4


def load(path: Path) -> Raft:
    """The network, in the authors' or torchvision's key names, from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = Raft().eval()
    load_state(net, to_torchvision(read_state(path)), path)
    return net


class EncodedFrame(NamedTuple):
    """What RAFT keeps of one frame."""

    features: Tensor
    """(B, 256, H/8, W/8), compared between frames."""
    hidden: Tensor
    """(B, 128, H/8, W/8), first state of the updates that start from this frame."""
    context: Tensor
    """(B, 128, H/8, W/8), seen by each of those updates."""


class Raft(nn.Module):
    """RAFT (large); `network` holds torchvision's weights under torchvision's names."""

    def __init__(self) -> None:
        super().__init__()
        self.network = raft_large(weights=None, progress=False)

    def forward(self, first: Tensor, second: Tensor, updates: int = UPDATES) -> Tensor:
        """Flow from `first` to `second`; the two-step form serves clips better."""
        return self.flow(self.encode(first), self.encode(second), updates)

    def encode(self, frames: Tensor) -> EncodedFrame:
        """Look at frames of (B, 3, H, W), RGB 0..255, float; H and W multiples of 8, at least 64.

        Frames are independent of each other: a batch gives what single frames give.
        """
        scaled = 2 * (frames / 255) - 1
        hidden, context = self.network.context_encoder(scaled).chunk(2, 1)
        features = self.network.feature_encoder(scaled)
        return EncodedFrame(features, torch.tanh(hidden), F.relu(context))

    def flow(self, first: EncodedFrame, second: EncodedFrame, updates: int = UPDATES) -> Tensor:
        """(B, 2, H, W) float32: where each pixel of `first` is in `second`, in pixels, x then y."""
        pyramid = CorrelationPyramid(
            first.features,
            second.features,
            levels=_LEVELS,
            radius=_RADIUS,
            max_elements=MAX_ELEMENTS,
        )
        hidden, (height, width) = first.hidden, first.features.shape[-2:]
        here = pixel_grid(height, width, hidden.device).repeat(hidden.shape[0], 1, 1, 1)
        there = here
        for _ in range(updates):
            seen = pyramid.lookup(there)
            hidden, change = self.network.update_block(hidden, first.context, seen, there - here)
            there = there + change
        return upsample(there - here, self.network.mask_predictor(hidden))


def upsample(flow: Tensor, mask: Tensor) -> Tensor:
    """Flow at 1/8 to full resolution: each fine pixel mixes the 3x3 coarse ones around it.

    Args:
        flow: (B, 2, h, w) in pixels of 1/8.
        mask: (B, 9 * 64, h, w) logits of the mixture.

    Returns:
        (B, 2, 8h, 8w) in pixels.
    """
    batch, _, height, width = flow.shape
    weights = mask.float().reshape(batch, 1, 9, 8, 8, height, width).softmax(dim=2)
    around = F.unfold(8 * flow, 3, padding=1).reshape(batch, 2, 9, 1, 1, height, width)
    fine = (weights * around).sum(dim=2)  # (B, 2, 8, 8, h, w)
    return fine.permute(0, 1, 4, 2, 5, 3).reshape(batch, 2, 8 * height, 8 * width)


def to_torchvision(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The authors' key names to those of `Raft`; torchvision's names are taken as they are."""
    if not any(name.startswith("fnet.") for name in state):
        return {f"network.{name}": value for name, value in state.items()}
    # A shortcut's normalisation is saved twice, as `norm3` and as `downsample.1`.
    once = {name: value for name, value in state.items() if not re.search(r"\.norm3\.", name)}
    return {f"network.{_renamed(name)}": value for name, value in once.items()}


_RENAMES = (
    (r"^([fc])net\.conv1\.", r"\1net.convnormrelu.0."),
    (r"^([fc])net\.norm1\.", r"\1net.convnormrelu.1."),
    (r"^([fc])net\.conv2\.", r"\1net.conv."),
    (r"(layer\d\.\d)\.conv(\d)\.", r"\1.convnormrelu\2.0."),
    (r"(layer\d\.\d)\.norm(\d)\.", r"\1.convnormrelu\2.1."),
    (r"^fnet\.", "feature_encoder."),
    (r"^cnet\.", "context_encoder."),
    (r"encoder\.convc(\d)\.", r"motion_encoder.convcorr\1.0."),
    (r"encoder\.convf(\d)\.", r"motion_encoder.convflow\1.0."),
    (r"update_block\.encoder\.conv\.", "update_block.motion_encoder.conv.0."),
    (r"gru\.conv([zrq])(\d)\.", r"recurrent_block.convgru\2.conv\1."),
    (r"^update_block\.mask\.0\.", "mask_predictor.convrelu.0."),
    (r"^update_block\.mask\.2\.", "mask_predictor.conv."),
)


def _renamed(name: str) -> str:
    for pattern, replacement in _RENAMES:
        name = re.sub(pattern, replacement, name)
    return name
