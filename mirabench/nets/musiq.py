"""MUSIQ with the SPAQ head, from pyiqa (PolyForm Noncommercial: the extra `iqa`)."""

from __future__ import annotations

from pathlib import Path

from torch import nn

from mirabench.extras import needs_extra
from mirabench.nets.checkpoint import load_state, read_state


def load(path: Path) -> nn.Module:
    """MUSIQ from a checkpoint file with one output; see `musiq`.

    Raises:
        MissingExtraError: pyiqa is not installed.
        WeightsError: the file is damaged or of another model.
    """
    net = musiq()
    load_state(net, read_state(path), path)
    return net


def musiq() -> nn.Module:
    """MUSIQ without parameters: (B, 3, H, W) RGB in [0, 1] to (B, 1), about 0..100.

    It makes three scales itself: the given size, 384 and 224 pixels on the longer side. Call it in
    evaluation mode, in which it also normalises its input.

    Raises:
        MissingExtraError: pyiqa is not installed.
    """
    with needs_extra("iqa", "MUSIQ comes from pyiqa"):
        from pyiqa.archs.musiq_arch import MUSIQ  # an extra of its own, for its licence
    network: nn.Module = MUSIQ(pretrained=False)
    return network.eval()
