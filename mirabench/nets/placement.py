"""Networks on a device, arranged for what is fast there; the same numbers up to rounding.

What torch does with two common layers is slow on CPUs, measured with torch 2.15 on two cores of an AMD EPYC:

- `nn.Linear` in float32 multiplies by MKL, at half the speed that oneDNN reaches on AMD (175 and 340 GFLOP/s);
- `nn.MultiheadAttention` under autocast multiplies turned input with a copy of its weights for each
  token: ViT-L/14 in bfloat16 took 50 s for 8 frames, and takes 2.5 s with the attention below.
- convolutions rearrange their input first unless channels come last: RAFT takes 0.7 of the time so.

Layers keep their weights and names, so a network can be placed before or after its checkpoint is loaded.
"""

from __future__ import annotations

import platform
from typing import Any, TypeVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

Net = TypeVar("Net", bound=nn.Module)

_CHANNELS_LAST = {4: torch.channels_last, 5: torch.channels_last_3d}
"""Axes of a kernel -> its layout."""


def placed(net: Net, device: torch.device) -> Net:
    """The network on a device, its layers replaced in place by the quick ones of this module."""
    net.to(device)
    quicken(net)
    if device.type == "cpu":
        for kernel in net.parameters():
            if layout := _CHANNELS_LAST.get(kernel.dim()):
                kernel.data = kernel.data.contiguous(memory_format=layout)
    return net


def quicken(net: nn.Module) -> None:
    """Let linear layers and attention be computed by the functions below; leaves other layers alone."""
    for layer in net.modules():
        if type(layer) is nn.Linear:
            layer.__class__ = Linear
        elif type(layer) is nn.MultiheadAttention:
            layer.__class__ = Attention


def linear(tokens: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """`F.linear` for inference, by oneDNN where that is quicker.

    Args:
        tokens: (..., in).
        weight: (out, in).
        bias: (out,) or None.

    Returns:
        (..., out).
    """
    if _ONEDNN and not torch.is_grad_enabled() and _plain_float32(tokens, weight):
        product: Tensor = torch.ops.mkldnn._linear_pointwise(tokens, weight, bias, "none", [], "")
        return product
    return F.linear(tokens, weight, bias)


def _plain_float32(tokens: Tensor, weight: Tensor) -> bool:
    return (
        tokens.device.type == "cpu"
        and tokens.dtype is weight.dtype is torch.float32
        and tokens.numel() > 0
        and not torch.is_autocast_enabled("cpu")
    )


def _has_onednn() -> bool:
    # the operator that torch.compile calls for the same purpose; it is not a public function
    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return False
    known = hasattr(torch.ops.mkldnn, "_linear_pointwise")
    return known and platform.machine() in ("x86_64", "AMD64")


_ONEDNN = _has_onednn()


class Linear(nn.Linear):
    """`nn.Linear` by `linear`."""

    def forward(self, input: Tensor) -> Tensor:
        """(..., in) to (..., out)."""
        return linear(input, self.weight, self.bias)


class Attention(nn.MultiheadAttention):
    """`nn.MultiheadAttention`, quick where tokens look at each other and nobody asks for the weights."""

    def forward(  # type: ignore[override]  # the same arguments, most of them handed on
        self,
        query: Tensor,
        key: Tensor,
        value: Tensor,
        need_weights: bool = True,
        attn_mask: Tensor | None = None,
        **others: Any,
    ) -> tuple[Tensor, Tensor | None]:
        """As torch's; `attn_mask` is added to the logits, or True where a token must not be looked at."""
        if others or need_weights or not (query is key is value) or self.in_proj_weight is None:
            found: tuple[Tensor, Tensor | None] = super().forward(
                query, key, value, need_weights=need_weights, attn_mask=attn_mask, **others
            )
            return found
        tokens = query if self.batch_first else query.transpose(0, 1)
        parts = linear(tokens, self.in_proj_weight, self.in_proj_bias)
        q, k, v = parts.reshape(*tokens.shape[:2], 3, self.num_heads, -1).permute(2, 0, 3, 1, 4)
        seen = ~attn_mask if attn_mask is not None and attn_mask.dtype is torch.bool else attn_mask
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)
        out = linear(mixed.transpose(1, 2).flatten(2), self.out_proj.weight, self.out_proj.bias)
        return (out if self.batch_first else out.transpose(0, 1)), None


def devices() -> dict[str, str]:
    """What networks can run on here: the name of a device, and what it is."""
    cuda = {f"cuda:{n}": torch.cuda.get_device_name(n) for n in range(torch.cuda.device_count())}
    mps = {"mps": "available"} if torch.backends.mps.is_available() else {}
    return {"cpu": f"{torch.get_num_threads()} threads", **cuda, **mps}
