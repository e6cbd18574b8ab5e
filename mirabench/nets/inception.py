"""Inception-v3 as the FID papers use it: pytorch-fid's blocks, scaled like torch-fidelity.

The 2015 TensorFlow network differs from torchvision's in its pooling branches; pytorch-fid has
those. torch-fidelity and torchmetrics scale pixels to (x - 128) / 128, pytorch-fid to 2x/255 - 1;
mixing them moves features by 0.03. Here it is the former, because the reference uses torchmetrics.
"""

from __future__ import annotations

from pathlib import Path

import torchvision
from pytorch_fid.inception import FIDInceptionA, FIDInceptionC, FIDInceptionE_1, FIDInceptionE_2
from torch import Tensor, nn

from mirabench.nets.checkpoint import load_state, read_state

SIZE = 299
"""Side of the input in pixels."""

FEATURES = 2048
"""Features after the last pooling."""


def load(path: Path) -> Inception:
    """The network from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = Inception().eval()
    load_state(net.network, read_state(path), path)
    return net


class Inception(nn.Module):
    """`network` holds the weights under pytorch-fid's and torch-fidelity's common names."""

    def __init__(self) -> None:
        super().__init__()
        self.network = torchvision.models.inception_v3(
            weights=None, num_classes=1008, aux_logits=False, init_weights=False
        )
        self.network.Mixed_5b = FIDInceptionA(192, pool_features=32)
        self.network.Mixed_5c = FIDInceptionA(256, pool_features=64)
        self.network.Mixed_5d = FIDInceptionA(288, pool_features=64)
        self.network.Mixed_6b = FIDInceptionC(768, channels_7x7=128)
        self.network.Mixed_6c = FIDInceptionC(768, channels_7x7=160)
        self.network.Mixed_6d = FIDInceptionC(768, channels_7x7=160)
        self.network.Mixed_6e = FIDInceptionC(768, channels_7x7=192)
        self.network.Mixed_7b = FIDInceptionE_1(1280)
        self.network.Mixed_7c = FIDInceptionE_2(2048)

    def forward(self, images: Tensor) -> Tensor:
        """Features of (B, 3, 299, 299), RGB 0..255 float, whole numbers: (B, 2048)."""
        x = (images - 128) / 128
        for name, layer in self.network.named_children():  # in order; classification comes last
            if name == "dropout":
                break
            x = layer(x)
        return x.flatten(1)
