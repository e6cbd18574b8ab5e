"""LAION's first aesthetic predictor: a linear map from CLIP ViT-L/14 embeddings to about 1..10."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor, nn
from torch.nn import functional as F

from mirabench.nets.checkpoint import load_state, read_state


def load(path: Path) -> AestheticHead:
    """The head from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = AestheticHead().eval()
    load_state(net, read_state(path), path)
    return net


class AestheticHead(nn.Linear):
    """Parameters as in `sa_0_4_vit_l_14_linear.pth`: `weight` (1, 768) and `bias` (1,)."""

    def __init__(self) -> None:
        super().__init__(768, 1)

    def forward(self, embeddings: Tensor) -> Tensor:
        """Score CLIP embeddings of (B, 768), which are brought to length 1 first: (B,)."""
        return super().forward(F.normalize(embeddings, dim=-1)).squeeze(-1)
