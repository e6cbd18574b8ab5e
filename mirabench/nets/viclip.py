"""ViCLIP-L/14: one embedding for eight frames, one for a caption (Wang et al., arXiv 2307.06942).

CLIP's two towers, built from open_clip's blocks under ViCLIP's parameter names. The video tower
sees the patches of all frames at once, with one class token for the whole video; a learned vector
per frame is added to that frame's patches. Captions have at most 32 tokens.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import open_clip
import torch
from open_clip.transformer import QuickGELU, TextTransformer, Transformer
from torch import Tensor, nn

from mirabench.nets.checkpoint import load_state, read_state


@dataclass(frozen=True, slots=True)
class ViClipSizes:
    """Sizes of the two towers; the defaults are ViCLIP-L/14's."""

    image: int = 224
    """Side of a frame in pixels."""
    patch: int = 14
    """Side of a patch in pixels."""
    frames: int = 8
    """Frames of a video."""
    width: int = 1024
    """Features of a video token."""
    layers: int = 24
    """Blocks of the video tower."""
    heads: int = 16
    """Attention heads of the video tower."""
    tokens: int = 32
    """Tokens of a caption, start and end included."""
    text_width: int = 768
    """Features of a caption token."""
    text_layers: int = 12
    """Blocks of the text tower."""
    text_heads: int = 12
    """Attention heads of the text tower."""
    vocabulary: int = 49408
    """Byte pairs of CLIP's tokenizer."""
    embedding: int = 768
    """Features of an embedding."""


def load(path: Path) -> ViClip:
    """ViCLIP-L/14 from a checkpoint file, ready for inference.

    Raises:
        WeightsError: the file is damaged or of another model.
    """
    net = ViClip().eval()
    load_state(net, read_state(path), path)
    return net


class ViClip(nn.Module):
    """Both towers; `temp`, the training temperature, is kept because checkpoints hold it."""

    def __init__(self, sizes: ViClipSizes | None = None) -> None:
        super().__init__()
        self.sizes = sizes = sizes or ViClipSizes()
        self.temp = nn.Parameter(torch.tensor(0.01))
        self.vision_encoder = VideoTower(sizes)
        self.text_encoder = TextTransformer(
            context_length=sizes.tokens,
            vocab_size=sizes.vocabulary,
            width=sizes.text_width,
            heads=sizes.text_heads,
            layers=sizes.text_layers,
            output_dim=sizes.embedding,
            act_layer=QuickGELU,
        )

    def encode_video(self, video: Tensor) -> Tensor:
        """Embed videos of (B, T, 3, S, S) in CLIP's normalisation: (B, embedding), not normalised."""
        embedding: Tensor = self.vision_encoder(video)
        return embedding

    def encode_text(self, tokens: Tensor) -> Tensor:
        """Embed captions of (B, tokens) int64: (B, embedding), not normalised."""
        embedding: Tensor = self.text_encoder(tokens)
        return embedding


class VideoTower(nn.Module):
    """CLIP's vision transformer over the patches of all frames."""

    def __init__(self, sizes: ViClipSizes) -> None:
        super().__init__()
        width, patches = sizes.width, (sizes.image // sizes.patch) ** 2
        kernel = (1, sizes.patch, sizes.patch)
        self.conv1 = nn.Conv3d(3, width, kernel, stride=kernel, bias=False)
        self.class_embedding = nn.Parameter(torch.randn(width) / width**0.5)
        self.positional_embedding = nn.Parameter(torch.randn(patches + 1, width) / width**0.5)
        self.temporal_positional_embedding = nn.Parameter(torch.zeros(1, sizes.frames, width))
        self.ln_pre = nn.LayerNorm(width)
        self.transformer = Transformer(width, sizes.layers, sizes.heads, act_layer=QuickGELU)
        self.ln_post = nn.LayerNorm(width)
        self.proj = nn.Parameter(torch.randn(width, sizes.embedding) / width**0.5)

    def forward(self, video: Tensor) -> Tensor:
        """(B, T, 3, S, S) to (B, embedding)."""
        patches = self.conv1(video.transpose(1, 2)).flatten(3).permute(0, 2, 3, 1)  # (B, T, N, W)
        place, moment = self.positional_embedding, self.temporal_positional_embedding
        patches = patches + place[1:] + moment.unsqueeze(2)
        start = (self.class_embedding + place[0]).expand(len(patches), 1, -1)
        tokens = torch.cat((start.to(patches.dtype), patches.flatten(1, 2)), dim=1)  # (B, 1+TN, W)
        tokens = self.transformer(self.ln_pre(tokens))
        embedding: Tensor = self.ln_post(tokens[:, 0]) @ self.proj
        return embedding


def tokenize(captions: list[str], length: int = 32) -> Tensor:
    """CLIP's byte pairs, (B, length) int64; a longer caption is cut and its last token is the end.

    An empty caption is just start and end.
    """
    tokens: Tensor = open_clip.tokenize(captions, context_length=length)
    return tokens
