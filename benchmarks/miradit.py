"""Seconds and peak memory of MiraDiT at the released sizes, next to the arithmetic bound.

    python benchmarks/miradit.py                      # full size; needs an accelerator
    python benchmarks/miradit.py --layers 1 --releases 128-v0   # reduced, for a CPU

Weights are random: speed does not depend on them. The bound is the pass's floating-point operations
(counted by torch on the meta device) over what one large matrix product reaches on the same machine
in the same type. `--layers` below 28 measures a shallower network and says so.
"""

# ruff: noqa: E402
from __future__ import annotations

import argparse
import platform
import resource
import sys
import time
from collections.abc import Callable
from pathlib import Path

# this file has the package's name, and Python looks beside a script first
sys.path = [path for path in sys.path if Path(path or ".").resolve() != Path(__file__).parent]

import torch
from diffusers import AutoencoderKLTemporalDecoder
from torch.utils.flop_counter import FlopCounterMode

from miradit import RELEASES, MiraDiT, MiraDiTPipeline, Release, ScaledDDIMScheduler

TEXT = (77, 4096)
GUIDANCE = 2  # passes of a step


def main() -> None:
    arguments = _arguments()
    device, dtype = torch.device(arguments.device), getattr(torch, arguments.dtype)
    peak = matmul_speed(device, dtype)
    print(f"{machine(device)}, {arguments.dtype}, {arguments.layers} of 28 layers, ", end="")
    print(f"torch {torch.__version__}; a matrix product reaches {peak / 1e12:.2f} TFLOP/s\n")
    print(
        "| release | TFLOP per guided step | bound s | measured s | of bound | peak GiB | clip s |"
    )
    print("|---|---|---|---|---|---|---|")
    for name in arguments.releases:
        row(RELEASES[name], arguments, device, dtype, peak)


def row(
    release: Release,
    arguments: argparse.Namespace,
    device: torch.device,
    dtype: torch.dtype,
    peak: float,
) -> None:
    operations = count(release, arguments.layers)
    _reset_memory(device)
    with torch.device(device):
        torch.manual_seed(0)
        model = build(release, arguments.layers).to(dtype).eval()
        x = torch.randn(GUIDANCE, *latent_shape(release)).to(dtype)
        text = torch.randn(GUIDANCE, *TEXT).to(dtype)
    with torch.no_grad():
        keys = model.text_keys_values(text)
        seconds = best_of(lambda: model(x, 500, 8, keys), device, arguments.repeats)
    memory = peak_memory(device)
    clip = whole_clip(release, model, arguments.steps, device, dtype) if arguments.steps else None
    bound = operations / peak
    total = f"{clip:.1f} ({arguments.steps} steps)" if clip else "not run"
    print(
        f"| {release.name} | {operations / 1e12:.2f} | {bound:.2f} | {seconds:.2f} | "
        f"{bound / seconds:.0%} | {memory / 2**30:.1f} | {total} |",
        flush=True,
    )


def build(release: Release, layers: int) -> MiraDiT:
    return MiraDiT(
        num_frames=release.num_frames,
        text_spatial_cond=release.text_spatial_cond,
        out_channels=release.out_channels,
        num_layers=layers,
    )


def latent_shape(release: Release) -> tuple[int, int, int, int]:
    return 4, release.num_frames, release.height // 8, release.width // 8


def count(release: Release, layers: int) -> int:
    """Floating-point operations of one guided step."""
    with torch.device("meta"), torch.no_grad():
        model = build(release, layers)
        keys = model.text_keys_values(torch.empty(GUIDANCE, *TEXT))
        with FlopCounterMode(display=False) as counter:
            model(torch.empty(GUIDANCE, *latent_shape(release)), 500, 8, keys)
    return counter.get_total_flops()


def whole_clip(
    release: Release, model: MiraDiT, steps: int, device: torch.device, dtype: torch.dtype
) -> float:
    """Seconds for one clip: all steps and the decoding, with the text already encoded."""
    with torch.device(device):
        vae = AutoencoderKLTemporalDecoder(
            block_out_channels=(128, 256, 512, 512),
            down_block_types=("DownEncoderBlock2D",) * 4,
            layers_per_block=2,
        ).to(dtype)
        text = torch.randn(1, *TEXT).to(dtype)
    pipeline = MiraDiTPipeline(
        model,
        vae.eval(),
        None,
        None,
        ScaledDDIMScheduler(scale_end=release.scale_end),
        height=release.height,
        width=release.width,
    )
    pipeline.set_progress_bar_config(disable=True)
    how = {"prompt_embeds": (text, text), "num_inference_steps": steps}
    return best_of(lambda: pipeline(**how), device, 1)


def matmul_speed(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a square matrix product."""
    size = 8192 if device.type == "cuda" else 2048
    a = torch.randn(size, size, device=device).to(dtype)
    return 2 * size**3 / best_of(lambda: a @ a, device, 5)


def best_of(call: Callable[[], object], device: torch.device, repeats: int) -> float:
    """The shortest of some runs after one to warm up; a single run is not warmed up."""
    times = []
    for _ in range(repeats + (repeats > 1)):
        _wait(device)
        started = time.perf_counter()
        call()
        _wait(device)
        times.append(time.perf_counter() - started)
    return min(times[1:] or times)


def peak_memory(device: torch.device) -> float:
    """Bytes: of the device, or of this process where there is none (over all rows so far)."""
    if device.type == "cuda":
        return float(torch.cuda.max_memory_allocated(device))
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _reset_memory(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def machine(device: torch.device) -> str:
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    names = (
        [
            line.split(":")[1].strip()
            for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
            if line.startswith("model name")
        ]
        if sys.platform == "linux"
        else []
    )
    return f"{(names or [platform.processor()])[0]}, {torch.get_num_threads()} threads"


def _arguments() -> argparse.Namespace:
    cuda = torch.cuda.is_available()
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--device", default="cuda" if cuda else "cpu")
    parser.add_argument("--dtype", default="bfloat16" if cuda else "float32")
    parser.add_argument("--layers", type=int, default=28)
    parser.add_argument("--steps", type=int, default=50 if cuda else 0, help="0: no whole clip")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--releases", nargs="+", default=list(RELEASES), choices=RELEASES)
    return parser.parse_args()


if __name__ == "__main__":
    main()
