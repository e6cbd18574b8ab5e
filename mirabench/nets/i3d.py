"""Inception-I3D on Kinetics-400, RGB (Carreira and Zisserman, arXiv 1705.07750).

Inception-v1 with every filter inflated to three dimensions. Parameter names are those of
`i3d_pretrained_400.pt`, the file that VideoGPT, TATS and the reference evaluation share. All
padding is TensorFlow's "SAME": it depends on the input's size and its odd pixel goes last.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from mirabench.nets.checkpoint import load_state, read_state

SIZE = 224
"""Side of the input in pixels."""

Triple = tuple[int, int, int]

# Channels of an inception block: 1x1; 1x1 then 3x3; 1x1 then 3x3 (5x5 in the paper); after pooling.
_MIXED: dict[str, tuple[int, int, int, int, int, int]] = {
    "Mixed_3b": (64, 96, 128, 16, 32, 32),
    "Mixed_3c": (128, 128, 192, 32, 96, 64),
    "Mixed_4b": (192, 96, 208, 16, 48, 64),
    "Mixed_4c": (160, 112, 224, 24, 64, 64),
    "Mixed_4d": (128, 128, 256, 24, 64, 64),
    "Mixed_4e": (112, 144, 288, 32, 64, 64),
    "Mixed_4f": (256, 160, 320, 32, 128, 128),
    "Mixed_5b": (256, 160, 320, 32, 128, 128),
    "Mixed_5c": (384, 192, 384, 48, 128, 128),
}


def load(path: Path) -> InceptionI3d:
    """The network from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = InceptionI3d().eval()
    load_state(net, read_state(path), path)
    return net


class InceptionI3d(nn.Module):
    """I3D up to its class scores."""

    def __init__(self, num_classes: int = 400) -> None:
        super().__init__()
        self.Conv3d_1a_7x7 = Unit(3, 64, (7, 7, 7), (2, 2, 2))
        self.MaxPool3d_2a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        self.Conv3d_2b_1x1 = Unit(64, 64)
        self.Conv3d_2c_3x3 = Unit(64, 192, (3, 3, 3))
        self.MaxPool3d_3a_3x3 = SamePool((1, 3, 3), (1, 2, 2))
        self._add_mixed("Mixed_3b", "Mixed_3c", width=192)
        self.MaxPool3d_4a_3x3 = SamePool((3, 3, 3), (2, 2, 2))
        self._add_mixed("Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f", width=480)
        self.MaxPool3d_5a_2x2 = SamePool((2, 2, 2), (2, 2, 2))
        self._add_mixed("Mixed_5b", "Mixed_5c", width=832)
        self.avg_pool = nn.AvgPool3d((2, 7, 7), stride=1)
        self.logits = Scores(1024, num_classes)

    def forward(self, video: Tensor) -> Tensor:
        """Class scores of (B, 3, T, 224, 224), RGB in [-1, 1], T >= 9.

        Returns:
            (B, num_classes): logits, averaged over the time steps left at the end.
        """
        scores: Tensor = self.logits(self._features(video))
        return scores.flatten(2).mean(2)

    def pooled(self, video: Tensor) -> Tensor:
        """Features before the scores, (B, 1024), averaged over the time steps left at the end."""
        return self._features(video).flatten(2).mean(2)

    def _features(self, video: Tensor) -> Tensor:
        for name, layer in self.named_children():  # in the order of definition
            if name != "logits":
                video = layer(video)
        return video  # (B, 1024, T', 1, 1)

    def _add_mixed(self, *names: str, width: int) -> None:
        for name in names:
            self.add_module(name, Mixed(width, _MIXED[name]))
            alone, _, second, _, fourth, pooled = _MIXED[name]
            width = alone + second + fourth + pooled


class Unit(nn.Module):
    """Convolution, batch normalisation, rectifier."""

    def __init__(
        self, width_in: int, width: int, kernel: Triple = (1, 1, 1), stride: Triple = (1, 1, 1)
    ) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(width_in, width, kernel, stride, bias=False)
        self.bn = nn.BatchNorm3d(width, eps=1e-5)
        self._window = (kernel, stride)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width_in, T, H, W) to (B, width, T', H', W'), each side divided by the stride."""
        return F.relu(self.bn(self.conv3d(_pad_same(x, *self._window))))


class SamePool(nn.Module):
    """Maximum over a window; the padding is zero, which after a rectifier never wins."""

    def __init__(self, kernel: Triple, stride: Triple) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, T, H, W) to (B, C, T', H', W')."""
        return F.max_pool3d(_pad_same(x, self.kernel, self.stride), self.kernel, self.stride)


class Mixed(nn.Module):
    """Four branches beside each other."""

    def __init__(self, width: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        self.b0 = Unit(width, widths[0])
        self.b1a, self.b1b = Unit(width, widths[1]), Unit(widths[1], widths[2], (3, 3, 3))
        self.b2a, self.b2b = Unit(width, widths[3]), Unit(widths[3], widths[4], (3, 3, 3))
        self.b3a, self.b3b = SamePool((3, 3, 3), (1, 1, 1)), Unit(width, widths[5])

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T, H, W) to (B, sum of the branches, T, H, W)."""
        branches = (self.b0(x), self.b1b(self.b1a(x)), self.b2b(self.b2a(x)), self.b3b(self.b3a(x)))
        return torch.cat(branches, dim=1)


class Scores(nn.Module):
    """The last convolution, a linear map per position, under upstream's name `conv3d`."""

    def __init__(self, width: int, num_classes: int) -> None:
        super().__init__()
        self.conv3d = nn.Conv3d(width, num_classes, 1)

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, T, 1, 1) to (B, num_classes, T, 1, 1)."""
        scores: Tensor = self.conv3d(x)
        return scores


def _pad_same(x: Tensor, kernel: Triple, stride: Triple) -> Tensor:
    padding: list[int] = []
    for size, window, step in zip(x.shape[:1:-1], kernel[::-1], stride[::-1], strict=True):
        missing = max(window - (size % step or step), 0)
        padding += [missing // 2, missing - missing // 2]
    return F.pad(x, padding)
