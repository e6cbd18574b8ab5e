"""MiraDiT: PixArt blocks over space, alternating with Latte's blocks over time.

The parts are diffusers' own (the parameter names are those of its `LatteTransformer3DModel`). Ours
are what that class lacks: the frame rate as a condition, the v0 layout in which the text attention
also sees its own frame, text keys and values that are computed once, and masks for batches of
clips that differ in size or length.

Letters: B clips, F frames, T tokens of a frame, C width, S text tokens.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from diffusers.loaders import PeftAdapterMixin
from diffusers.models.attention import BasicTransformerBlock
from diffusers.models.attention_processor import Attention
from diffusers.models.embeddings import (
    PatchEmbed,
    PixArtAlphaTextProjection,
    TimestepEmbedding,
    Timesteps,
    get_1d_sincos_pos_embed_from_grid,
    get_2d_sincos_pos_embed,
)
from diffusers.models.normalization import AdaLayerNormSingle
from diffusers.utils.accelerate_utils import apply_forward_hook
from einops import rearrange, repeat
from torch import Tensor, nn

from mirabench.errors import InputError, WeightsError

PATCH = 2
POSITION_SPAN = 32
"""Every grid of patches is stretched to 0..32 rows and columns (half the 64 latents of PixArt)."""
HEAD_WIDTHS = (72, 16)
"""Channels of a head: 72 in every released model, 16 in toy ones. Weights cannot tell."""
RECOMPUTED = frozenset({"pos_embed.pos_embed", "temp_pos_embed"})
"""Position tables that some files carry; they are computed here."""


class KeyValue(NamedTuple):
    """What one layer's text attention looks up."""

    key: Tensor
    """(B, S, C)"""
    value: Tensor
    """(B, S, C)"""


class FrameRateEmbedding(nn.Module):
    """Timestep and frame rate as one vector of the model's width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.sinusoid = Timesteps(256, flip_sin_to_cos=True, downscale_freq_shift=0)
        self.timestep_embedder = TimestepEmbedding(256, width)
        self.fps_embedder = TimestepEmbedding(256, width)

    def forward(self, timestep: Tensor, fps: Tensor, dtype: torch.dtype) -> Tensor:
        """(B,) timesteps and (B,) frames per second to (B, C)."""
        time: Tensor = self.timestep_embedder(self.sinusoid(timestep).to(dtype))
        rate: Tensor = self.fps_embedder(self.sinusoid(fps).to(dtype))
        return time + rate


class Block(BasicTransformerBlock):  # type: ignore[misc]  # diffusers carries no types
    """One PixArt block: over space with text, over time without."""

    def forward(
        self,
        hidden: Tensor,
        modulation: Tensor,
        mask: Tensor | None = None,
        text: Tensor | KeyValue | None = None,
        text_sees_frame: bool = False,
    ) -> Tensor:
        """Tokens (N, L, C) under modulation (N, 6C).

        `mask` (N, 1, L) is true for keys to attend to. `text` is (B, S, C), or its keys and
        values, where N is a multiple of B; `text_sees_frame` appends the tokens to the text.
        """
        table = self.scale_shift_table + rearrange(modulation, "n (six c) -> n six c", six=6)
        shift1, scale1, gate1, shift2, scale2, gate2 = table.chunk(6, dim=1)
        normed = self.norm1(hidden) * (1 + scale1) + shift1
        hidden = hidden + gate1 * self.attn1(normed, attention_mask=mask)
        if text is not None:
            looked_up = text if isinstance(text, KeyValue) else key_value(self.attn2, text)
            frame = normed if text_sees_frame else None
            hidden = hidden + text_attention(self.attn2, hidden, looked_up, frame, mask)
        normed = self.norm2(hidden) * (1 + scale2) + shift2
        out: Tensor = hidden + gate2 * self.ff(normed)
        return out


class MiraDiT(ModelMixin, ConfigMixin, PeftAdapterMixin):  # type: ignore[misc]
    """The denoiser: noisy latents, timestep, frame rate and text in, predicted noise out.

    Args:
        num_frames: Rows of the temporal position table; clips must have exactly as many frames.
        text_spatial_cond: The v0 layout: text attention also sees the tokens of its own frame.
        flexible_frames: Accept clips of any length; the table, being analytic, is cut or continued.
            Outputs beyond the trained length are extrapolation.
        num_layers: Pairs of a spatial and a temporal block.
        num_attention_heads: Heads of every attention.
        attention_head_dim: Channels of a head.
        in_channels: Latent channels.
        out_channels: Channels the head computes; those beyond `in_channels` are dropped.
        caption_channels: Width of the text encoder's tokens.
    """

    _supports_gradient_checkpointing = True
    _no_split_modules = ("Block",)

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(  # noqa: PLR0913 - a diffusers config is flat
        self,
        num_frames: int = 60,
        text_spatial_cond: bool = False,
        flexible_frames: bool = False,
        num_layers: int = 28,
        num_attention_heads: int = 16,
        attention_head_dim: int = 72,
        in_channels: int = 4,
        out_channels: int = 4,
        caption_channels: int = 4096,
    ) -> None:
        super().__init__()
        width = num_attention_heads * attention_head_dim
        self.pos_embed = PatchEmbed(
            patch_size=PATCH, in_channels=in_channels, embed_dim=width, pos_embed_type=None
        )
        shape = (width, num_attention_heads, attention_head_dim)
        self.transformer_blocks = nn.ModuleList(
            _block(*shape, cross_attention_dim=width) for _ in range(num_layers)
        )
        self.temporal_transformer_blocks = nn.ModuleList(_block(*shape) for _ in range(num_layers))
        self.adaln_single = AdaLayerNormSingle(width)
        self.adaln_single.emb = FrameRateEmbedding(width)
        self.caption_projection = PixArtAlphaTextProjection(caption_channels, width)
        self.norm_out = nn.LayerNorm(width, elementwise_affine=False, eps=1e-6)
        self.scale_shift_table = nn.Parameter(torch.randn(2, width) / width**0.5)
        self.proj_out = nn.Linear(width, PATCH * PATCH * out_channels)
        self.gradient_checkpointing = False

    def forward(
        self,
        x: Tensor,
        t: Tensor | int,
        fps: Tensor | Sequence[int] | int,
        text: Tensor | Sequence[KeyValue],
        extent: Tensor | None = None,
    ) -> Tensor:
        """The noise in `x`.

        Args:
            x: Noisy latents (B, 4, F, H, W), float.
            t: Timesteps in 0..999, (B,) or one for all.
            fps: Frames per second, (B,) or one for all; truncated to integers.
            text: Text tokens (B, S, 4096), or what `text_keys_values` made of them.
            extent: Frames, rows and columns of each clip (B, 3), integer, in latents, where
                clips are padded at their ends to share a batch: padding is masked in every
                attention and each clip keeps its own positions. None: nothing is padding.

        Returns:
            Predicted noise (B, 4, F, H, W); without meaning where `extent` says padding.

        Raises:
            InputError: a number of frames or a size that the model does not take.
        """
        batch, _, frames, rows, cols = self._checked_shape(x)
        embedded = self._condition(t, fps, x)  # (B, C)
        modulation = self.adaln_single.linear(F.silu(embedded))  # (B, 6C)
        over_frames = modulation.repeat_interleave(frames, dim=0)  # (B F, 6C)
        over_tokens = modulation.repeat_interleave(rows * cols, dim=0)  # (B T, 6C)
        space_mask, time_mask = attention_masks(extent, frames, rows, cols)
        texts = self._texts(text)
        hidden = self._patches(x, extent)  # (B F, T, C)
        time_table = temporal_table(frames, hidden)  # (F, C)
        for i, (space, time) in enumerate(
            zip(self.transformer_blocks, self.temporal_transformer_blocks, strict=True)
        ):
            sees_frame = self.config.text_spatial_cond
            hidden = self._run(space, hidden, over_frames, space_mask, texts[i], sees_frame)
            hidden = rearrange(hidden, "(b f) t c -> (b t) f c", b=batch)
            hidden = hidden + time_table if i == 0 else hidden
            hidden = self._run(time, hidden, over_tokens, time_mask)
            hidden = rearrange(hidden, "(b t) f c -> (b f) t c", b=batch)
        head = repeat(embedded, "b c -> (b f) 1 c", f=frames)
        shift, scale = (self.scale_shift_table[None] + head).chunk(2, dim=1)
        noise = self.proj_out(self.norm_out(hidden) * (1 + scale) + shift)
        layout = "(b f) (h w) (p q c) -> b c f (h p) (w q)"
        out: Tensor = rearrange(noise, layout, b=batch, h=rows, p=PATCH, q=PATCH)
        return out[:, : self.config.in_channels]

    @apply_forward_hook  # type: ignore[untyped-decorator]
    def text_keys_values(self, text: Tensor) -> list[KeyValue]:
        """Every layer's keys and values of text tokens (B, S, 4096).

        They depend neither on the timestep nor on the frame: compute them once per prompt.
        """
        projected = self.caption_projection(text)
        return [key_value(block.attn2, projected) for block in self.transformer_blocks]

    def _texts(self, text: Tensor | Sequence[KeyValue]) -> Sequence[Tensor | KeyValue]:
        if isinstance(text, Tensor):
            # keys are left to the blocks, where FSDP has their weights at hand
            return [self.caption_projection(text)] * len(self.transformer_blocks)
        return text

    def _condition(self, t: Tensor | int, fps: Tensor | Sequence[int] | int, x: Tensor) -> Tensor:
        batch = x.shape[0]
        timestep = torch.as_tensor(t, device=x.device).expand(batch)
        rate = torch.as_tensor(fps, device=x.device).long().expand(batch)
        embedded: Tensor = self.adaln_single.emb(timestep, rate, x.dtype)
        return embedded

    def _patches(self, x: Tensor, extent: Tensor | None) -> Tensor:
        """Latents (B, 4, F, H, W) as tokens with their positions (B F, T, C)."""
        batch, _, _, height, width = x.shape
        grid = (height // PATCH, width // PATCH)
        tokens = self.pos_embed.proj(rearrange(x, "b c f h w -> (b f) c h w"))
        tokens = rearrange(tokens, "(b f) c h w -> b f (h w) c", b=batch)
        if extent is None:
            tables = spatial_table(*grid, tokens)[None]
        else:
            sizes = (extent[:, 1:] // PATCH).tolist()
            tables = torch.stack([_padded(spatial_table(h, w, tokens), h, grid) for h, w in sizes])
        out: Tensor = rearrange(tokens + tables[:, None], "b f t c -> (b f) t c")
        return out

    def _run(self, block: nn.Module, *args: Any) -> Any:
        if torch.is_grad_enabled() and self.gradient_checkpointing:
            return self._gradient_checkpointing_func(block, *args)
        return block(*args)

    def _checked_shape(self, x: Tensor) -> tuple[int, int, int, int, int]:
        batch, channels, frames, height, width = x.shape
        if channels != self.config.in_channels or height % PATCH or width % PATCH:
            raise InputError(
                f"latents of shape {tuple(x.shape)}: MiraDiT takes (B, {self.config.in_channels}, "
                "F, H, W) with even H and W, that is pixels in multiples of 16"
            )
        if frames != self.config.num_frames and not self.config.flexible_frames:
            raise InputError(
                f"{frames} frames, but this model's temporal table has {self.config.num_frames}: "
                "ask for that many, or load the model with flexible_frames=True"
            )
        return batch, channels, frames, height // PATCH, width // PATCH


def load_denoiser(
    state_dict: Mapping[str, Tensor],
    *,
    text_spatial_cond: bool,
    num_frames: int,
    num_attention_heads: int | None = None,
    flexible_frames: bool = False,
    dtype: torch.dtype = torch.float32,
) -> MiraDiT:
    """The denoiser with the reference's weights, at whatever width and depth they have.

    Args:
        state_dict: The reference denoiser's keys (`transformer_blocks.0...`), float tensors.
        text_spatial_cond: The v0 layout; the weights cannot tell (see `miradit.registry`).
        num_frames: Frames of a clip; the weights cannot tell.
        num_attention_heads: Heads; by default the width in heads of 72 channels, else of 16.
        flexible_frames: Accept clips of other lengths.
        dtype: Parameters are converted to it.

    Raises:
        WeightsError: the weights are not those of a MiraDiT denoiser.
    """
    shapes = {key: tuple(value.shape) for key, value in state_dict.items()}
    config = infer_config(shapes, num_attention_heads)
    with torch.device("meta"):
        model = MiraDiT(
            **config,
            num_frames=num_frames,
            text_spatial_cond=text_spatial_cond,
            flexible_frames=flexible_frames,
        )
    wanted = {key: tuple(value.shape) for key, value in model.state_dict().items()}
    explain_keys(shapes, wanted, what="denoiser", allowed=RECOMPUTED)
    for key, value in state_dict.items():
        if not value.is_floating_point():
            raise WeightsError(
                f"{key} is {value.dtype}: MiraDiT takes floating-point weights, not quantised ones"
            )
    model.load_state_dict({k: state_dict[k].to(dtype) for k in wanted}, assign=True)
    model.requires_grad_(True)
    return model.eval()  # type: ignore[no-any-return]


def infer_config(
    shapes: Mapping[str, tuple[int, ...]], num_attention_heads: int | None = None
) -> dict[str, int]:
    """Depth, heads and channels from the shapes of a denoiser's weights.

    Raises:
        WeightsError: the keys that tell are missing, or the width does not divide into heads.
    """
    try:
        width, in_channels, patch, _ = shapes["pos_embed.proj.weight"]
        head = shapes["proj_out.weight"]
        text = shapes["caption_projection.linear_1.weight"]
    except (KeyError, ValueError) as error:
        raise WeightsError(
            f"these are not MiraDiT's weights ({error} of the denoiser is missing or of another "
            f"shape): got {len(shapes)} tensors such as {', '.join(list(shapes)[:3]) or 'none'}"
        ) from error
    heads = num_attention_heads or next((width // w for w in HEAD_WIDTHS if width % w == 0), 0)
    if patch != PATCH or heads == 0 or width % heads:
        raise WeightsError(
            f"width {width} with patches of {patch} does not divide into heads: MiraDiT has patches "
            "of 2 and heads of 72 channels; say num_attention_heads for another number"
        )
    layers = [key.split(".")[1] for key in shapes if key.startswith("transformer_blocks.")]
    return {
        "num_layers": 1 + max(map(int, layers), default=-1),
        "num_attention_heads": heads,
        "attention_head_dim": width // heads,
        "in_channels": in_channels,
        "out_channels": head[0] // patch**2,
        "caption_channels": text[1],
    }


def explain_keys(
    found: Mapping[str, tuple[int, ...]],
    wanted: Mapping[str, tuple[int, ...]],
    *,
    what: str,
    allowed: frozenset[str] = frozenset(),
) -> None:
    """Fail unless every parameter found is wanted, in its shape, and none is missing.

    Raises:
        WeightsError: names the first keys of each kind.
    """
    faults = {
        "missing": sorted(wanted.keys() - found.keys()),
        "unexpected": sorted(found.keys() - wanted.keys() - allowed),
        "of another shape": [
            f"{key} {list(found[key])} instead of {list(shape)}"
            for key, shape in wanted.items()
            if key in found and found[key] != shape
        ],
    }
    parts = [
        f"{len(keys)} {kind} ({', '.join(keys[:3])}{', ...' if len(keys) > 3 else ''})"
        for kind, keys in faults.items()
        if keys
    ]
    if parts:
        raise WeightsError(
            f"the weights do not fit MiraDiT's {what}: {'; '.join(parts)}: "
            "use a checkpoint of Mira-v0 or Mira-v1"
        )


def key_value(attn: Attention, tokens: Tensor) -> KeyValue:
    """Keys and values of tokens (B, S, C)."""
    return KeyValue(attn.to_k(tokens), attn.to_v(tokens))


def text_attention(
    attn: Attention,
    hidden: Tensor,
    text: KeyValue,
    frame: Tensor | None,
    frame_mask: Tensor | None,
) -> Tensor:
    """Attention of tokens (B F, T, C) to their clip's text and, if given, to their own `frame`."""
    batch, heads = text.key.shape[0], attn.heads
    mask = None
    if frame is None:
        # all frames of a clip look up the same keys: their queries make one long sequence
        group = batch
        key, value = text
    else:
        group = hidden.shape[0]
        own = key_value(attn, frame)
        times = group // batch
        key, value = (
            torch.cat([t.repeat_interleave(times, dim=0), o], dim=1)
            for t, o in zip(text, own, strict=True)
        )
        if frame_mask is not None:
            mask = F.pad(frame_mask, (text.key.shape[1], 0), value=True)[:, None]
    query = rearrange(attn.to_q(hidden), "(g f) t (k d) -> g k (f t) d", g=group, k=heads)
    key, value = (rearrange(part, "g s (k d) -> g k s d", k=heads) for part in (key, value))
    out = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    out = rearrange(out, "g k (f t) d -> (g f) t (k d)", t=hidden.shape[1])
    projected: Tensor = attn.to_out[0](out)
    return projected


def attention_masks(
    extent: Tensor | None, frames: int, rows: int, cols: int
) -> tuple[Tensor | None, Tensor | None]:
    """Keys to attend to, over space (B F, 1, T) and over time (B T, 1, F); None for all."""
    if extent is None:
        return None, None
    f, h, w = (
        torch.arange(size, device=extent.device) < limit[:, None]
        for size, limit in zip(
            (frames, rows, cols),
            (extent[:, 0], extent[:, 1] // PATCH, extent[:, 2] // PATCH),
            strict=True,
        )
    )
    keep = rearrange(
        f[:, :, None, None] & h[:, None, :, None] & w[:, None, None], "b f h w -> b f (h w)"
    )
    over_space = rearrange(keep, "b f t -> (b f) 1 t")
    over_time = rearrange(keep, "b f t -> (b t) 1 f")
    # attention over nothing is NaN: rows of pure padding, which nobody reads, see everything
    return (
        over_space | ~over_space.any(dim=-1, keepdim=True),
        over_time | ~over_time.any(dim=-1, keepdim=True),
    )


def spatial_table(rows: int, cols: int, like: Tensor) -> Tensor:
    """Sine and cosine of column and row (rows * cols, C), stretched to the base grid."""
    table: Tensor = get_2d_sincos_pos_embed(
        like.shape[-1],
        (rows, cols),
        base_size=POSITION_SPAN,
        interpolation_scale=1.0,
        device=like.device,
        output_type="pt",
    )
    return table.to(like.dtype)


def temporal_table(frames: int, like: Tensor) -> Tensor:
    """Sine and cosine of the frame's number (frames, C)."""
    positions = torch.arange(frames, device=like.device)[:, None]
    table: Tensor = get_1d_sincos_pos_embed_from_grid(like.shape[-1], positions, output_type="pt")
    return table.to(like.dtype)


def _padded(table: Tensor, rows: int, grid: tuple[int, int]) -> Tensor:
    picture = rearrange(table, "(h w) c -> h w c", h=rows)
    padded = F.pad(picture, (0, 0, 0, grid[1] - picture.shape[1], 0, grid[0] - rows))
    return rearrange(padded, "h w c -> (h w) c")


def _block(
    width: int, heads: int, head_width: int, cross_attention_dim: int | None = None
) -> Block:
    return Block(
        width,
        heads,
        head_width,
        cross_attention_dim=cross_attention_dim,
        activation_fn="gelu-approximate",
        attention_bias=True,
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
    )
