"""Where and how precisely networks run, chosen once and named in every protocol id."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Literal, get_args

import torch

from mirabench.errors import InputError

Precision = Literal["fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True, slots=True)
class Runtime:
    """A device and an arithmetic."""

    device: torch.device
    """The device of weights and activations."""
    precision: Precision = "fp32"
    """Arithmetic of matrix products and convolutions; weights stay float32."""

    @property
    def dtype(self) -> torch.dtype:
        """The torch dtype of the precision."""
        return _DTYPES[self.precision]

    @contextmanager
    def inference(self) -> Iterator[None]:
        """Run networks inside: no gradients, this precision, repeatable algorithms.

        Float32 means float32: the shorter TF32 products of recent GPUs are off. Global settings
        are put back afterwards.
        """
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode())
            stack.enter_context(_repeatable())
            if self.precision != "fp32":
                stack.enter_context(torch.autocast(self.device.type, self.dtype))
            yield


def choose_runtime(device: str = "auto", precision: str = "fp32") -> Runtime:
    """A runtime by names.

    Args:
        device: `auto` (a CUDA GPU, else Apple's, else the CPU), `cpu`, `cuda`, `cuda:1`, `mps`.
        precision: `fp32`, `bf16` or `fp16`.

    Raises:
        InputError: no such device on this machine, or it does not know the precision.
    """
    chosen = choose_device(device)
    for known in get_args(Precision):
        if precision == known:
            if known == "fp16" and chosen.type == "cpu":
                raise InputError("fp16 needs a GPU: take bf16 or fp32 on the CPU")
            return Runtime(chosen, known)
    raise InputError(f"unknown precision {precision!r}: known are fp32, bf16 and fp16")


def choose_device(name: str = "auto") -> torch.device:
    """A device by name; see `choose_runtime`.

    Raises:
        InputError: the name means nothing, or this machine has no such device.
    """
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "mps" if _has_mps() else "cpu"
    if not re.fullmatch(r"cpu|mps|cuda(:\d+)?", name):
        raise InputError(f"unknown device {name!r}: known are auto, cpu, cuda, cuda:N and mps")
    device = torch.device(name)
    count = {"cpu": 1, "mps": int(_has_mps()), "cuda": torch.cuda.device_count()}[device.type]
    if (device.index or 0) >= count:
        raise InputError(f"device {name!r} is not on this machine: take --device auto or cpu")
    return device


def _has_mps() -> bool:
    return torch.backends.mps.is_available()


@contextmanager
def _repeatable() -> Iterator[None]:
    cudnn, matmul = torch.backends.cudnn, torch.backends.cuda.matmul
    before = (cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32)
    cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = (
        True,
        False,
        False,
        False,
    )
    try:
        yield
    finally:
        cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32, matmul.allow_tf32 = before
