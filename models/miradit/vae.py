"""The autoencoder: SVD's, as diffusers has it, with the reference's names translated.

Pixels are float in [-1, 1], (B, 3, F, H, W); latents (B, 4, F, H/8, W/8), times 0.18215.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import SimpleNamespace

import torch
import torch.nn.functional as F
from diffusers import AutoencoderKLTemporalDecoder, ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.models.autoencoders.vae import DiagonalGaussianDistribution
from einops import rearrange
from torch import Tensor

from mirabench.errors import InputError

_RENAMES = (
    (r"^encoder\.down\.(\d)\.block\.", r"encoder.down_blocks.\1.resnets."),
    (r"^encoder\.down\.(\d)\.downsample\.", r"encoder.down_blocks.\1.downsamplers.0."),
    (r"^decoder\.up\.(\d)\.block\.(\d)\.", r"decoder.up_blocks.\1.resnets.\2."),
    (r"^decoder\.up\.(\d)\.upsample\.", r"decoder.up_blocks.\1.upsamplers.0."),
    (r"\.mid\.attn_1\.norm\.", ".mid_block.attentions.0.group_norm."),
    (r"\.mid\.attn_1\.([qkv])\.", r".mid_block.attentions.0.to_\1."),
    (r"\.mid\.attn_1\.proj_out\.", ".mid_block.attentions.0.to_out.0."),
    (r"\.mid\.block_1\.", ".mid_block.resnets.0."),
    (r"\.mid\.block_2\.", ".mid_block.resnets.1."),
    (r"\.nin_shortcut\.", ".conv_shortcut."),
    (r"coder\.norm_out\.", "coder.conv_norm_out."),
    (r"^decoder\.conv_out\.time_mix_conv\.", "decoder.time_conv_out."),
    (r"\.mix_factor$", ".time_mixer.mix_factor"),
    (r"\.time_stack\.in_layers\.0\.", ".temporal_res_block.norm1."),
    (r"\.time_stack\.in_layers\.2\.", ".temporal_res_block.conv1."),
    (r"\.time_stack\.out_layers\.0\.", ".temporal_res_block.norm2."),
    (r"\.time_stack\.out_layers\.3\.", ".temporal_res_block.conv2."),
)
_SPATIAL_PART = re.compile(r"^(decoder\..*resnets\.\d\.)(norm1|norm2|conv1|conv2|conv_shortcut)\.")


def diffusers_name(key: str) -> str:
    """The reference autoencoder's parameter name, as diffusers calls it."""
    for pattern, new in _RENAMES:
        key = re.sub(pattern, new, key)
    # the reference counts its upward levels from the top, diffusers in the order they run
    key = re.sub(r"up_blocks\.(\d)", lambda found: f"up_blocks.{3 - int(found[1])}", key)
    return _SPATIAL_PART.sub(r"\1spatial_res_block.\2.", key)


def diffusers_tensor(name: str, value: Tensor) -> Tensor:
    """A parameter in diffusers' shape: its attention is linear, the reference's a 1x1 convolution."""
    is_linear = ".attentions." in name and value.ndim == 4
    return value.flatten(1) if is_linear else value


def quant_conv(latent_channels: int, dtype: torch.dtype) -> dict[str, Tensor]:
    """The layer that SVD's autoencoder has and Mira's lacks, doing nothing."""
    size = 2 * latent_channels
    return {
        "quant_conv.weight": torch.eye(size, dtype=dtype)[:, :, None, None],
        "quant_conv.bias": torch.zeros(size, dtype=dtype),
    }


def infer_vae_config(shapes: Mapping[str, tuple[int, ...]]) -> dict[str, object]:
    """The configuration of diffusers' class from the shapes of its own parameter names."""
    widths = [
        shape[0]
        for key, shape in sorted(shapes.items())
        if re.fullmatch(r"encoder\.down_blocks\.\d\.resnets\.0\.conv1\.weight", key)
    ]
    return {
        "block_out_channels": tuple(widths),
        "down_block_types": ("DownEncoderBlock2D",) * len(widths),
        "layers_per_block": 2,
        "latent_channels": shapes.get("encoder.conv_out.weight", (8,))[0] // 2,
        "scaling_factor": 0.18215,
    }


@torch.no_grad()
def encode_clip(
    vae: AutoencoderKLTemporalDecoder | Thumbnail,
    pixels: Tensor,
    *,
    generator: torch.Generator | None = None,
    chunk: int = 16,
) -> Tensor:
    """Scaled latents of pixels; the posterior is sampled, as in the reference's training."""
    frames = rearrange(pixels, "b c f h w -> (b f) c h w").to(vae.dtype)
    latents = [
        vae.encode(part).latent_dist.sample(generator) for part in torch.split(frames, chunk)
    ]
    joined = rearrange(torch.cat(latents), "(b f) c h w -> b c f h w", b=pixels.shape[0])
    return joined * vae.config.scaling_factor  # type: ignore[no-any-return]


@torch.no_grad()
def decode_clip(
    vae: AutoencoderKLTemporalDecoder | Thumbnail,
    latents: Tensor,
    *,
    chunk: int = 16,
    overlap: int = 8,
) -> Tensor:
    """Pixels of scaled latents, on the CPU in float32, decoded in windows of `chunk` frames.

    The decoder sees a window's edge as the end of the clip. Neighbouring windows therefore share
    `overlap` frames and fade into each other; `chunk=10, overlap=0` is the reference's decoding,
    with a seam every ten frames.

    Raises:
        InputError: an overlap that is not smaller than the window.
    """
    if not 0 <= overlap < chunk:
        raise InputError(f"decoding in windows of {chunk} frames cannot overlap by {overlap}")
    batch, _, frames, height, width = latents.shape
    total = torch.zeros(batch, 3, frames, height * 8, width * 8)
    weights = torch.zeros(frames)
    for start, stop in windows(frames, chunk, overlap):
        part = rearrange(latents[:, :, start:stop], "b c f h w -> (b f) c h w")
        part = (part / vae.config.scaling_factor).to(vae.dtype)
        pixels = vae.decode(part, num_frames=stop - start).sample.float().cpu()
        fade = _fade(start, stop, frames, overlap)
        pixels = rearrange(pixels, "(b f) c h w -> b c f h w", b=batch)
        total[:, :, start:stop] += pixels * fade[:, None, None]
        weights[start:stop] += fade
    return total / weights[:, None, None]


def windows(frames: int, chunk: int, overlap: int) -> list[tuple[int, int]]:
    """Half-open spans that cover the frames, all `chunk` long where the clip is.

    Example:
        >>> windows(20, 10, 4)
        [(0, 10), (6, 16), (10, 20)]
    """
    if frames <= chunk:
        return [(0, frames)]
    starts = [*range(0, frames - chunk, chunk - overlap), frames - chunk]
    if overlap == 0:  # parity: the last window is short rather than overlapping
        starts = [*range(0, frames, chunk)]
    return [(start, min(start + chunk, frames)) for start in starts]


def _fade(start: int, stop: int, frames: int, overlap: int) -> Tensor:
    """Weights that rise and fall linearly where another window overlaps."""
    index = torch.arange(stop - start, dtype=torch.float32)
    fade = torch.ones(stop - start)
    if overlap and start > 0:
        fade = torch.minimum(fade, (index + 1) / (overlap + 1))
    if overlap and stop < frames:
        fade = torch.minimum(fade, (stop - start - index) / (overlap + 1))
    return fade


class Thumbnail(ModelMixin, ConfigMixin):  # type: ignore[misc]
    """A toy autoencoder without parameters: RGB means of 8x8 pixels, and their mean brightness.

    It has the calls of `AutoencoderKLTemporalDecoder`. Decoding enlarges the thumbnail smoothly;
    detail below eight pixels is lost.
    """

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(self, scaling_factor: float = 1.0, latent_channels: int = 4) -> None:
        super().__init__()
        self.register_buffer("anchor", torch.zeros(1))  # gives the module a dtype and a device

    def encode(self, pixels: Tensor) -> SimpleNamespace:
        """Pixels (N, 3, H, W) to a posterior without spread over (N, 4, H/8, W/8)."""
        small = F.avg_pool2d(pixels, 8)
        mean = torch.cat([small, small.mean(dim=1, keepdim=True)], dim=1)
        moments = torch.cat([mean, torch.full_like(mean, -30.0)], dim=1)
        return SimpleNamespace(latent_dist=DiagonalGaussianDistribution(moments))

    def decode(self, latents: Tensor, num_frames: int) -> SimpleNamespace:
        """Latents (N, 4, h, w) to pixels (N, 3, 8h, 8w)."""
        del num_frames
        brightness = latents[:, :3].mean(dim=1, keepdim=True)
        colour = latents[:, :3] + (latents[:, 3:] - brightness) / 2
        return SimpleNamespace(sample=F.interpolate(colour, scale_factor=8, mode="bilinear"))
