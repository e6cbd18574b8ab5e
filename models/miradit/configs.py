"""What a training run is told, and the presets: the released configurations and `tiny`."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench import toml
from mirabench.errors import InputError, UnknownNameError
from miradit.registry import RELEASES, Release


@dataclass(frozen=True)
class TrainConfig:
    """One training run. Defaults are the reference's fine-tuning recipe."""

    data: str = ""
    """A table in MiraData's columns (CSV, JSONL, Parquet), or a folder of clips with captions."""
    output: str = "training"
    """Folder for the cache, the states, TensorBoard, samples and the trained pipeline."""
    checkpoint: str = ""
    """Pipeline folder to start from; `tiny` builds a random toy pipeline."""
    sizes: tuple[tuple[int, int], ...] = ((240, 384),)
    """Heights and widths in pixels; a clip goes to the one nearest to its shape."""
    num_frames: int = 60
    """Longest clip."""
    min_frames: int = 0
    """Shortest clip; 0 means `num_frames`. Shorter ones are padded, and masked everywhere."""
    max_stride: int = 4
    """Frame strides are drawn from 1..max_stride; the model is told the frame rate that remains."""
    uncond_probability: float = 0.0
    """Captions replaced by the empty text."""
    min_usable: float = 0.5
    """Share of the table's clips that must be usable for training to start."""
    steps: int = 500_000
    """Optimizer steps."""
    batch_size: int = 1
    """Longest clips of the largest size per process and micro step; of shorter or smaller ones, as many as
    have no more tokens."""
    accumulation: int = 1
    """Micro steps per optimizer step."""
    learning_rate: float = 1e-5
    warmup_steps: int = 0
    """Linear warm-up."""
    decay_steps: int = 2_000_000
    """Steps over which the rate falls linearly to 1 % of itself (20,000 ticks of 100 steps)."""
    weight_decay: float = 0.0
    clip_norm: float = 0.5
    mixed_precision: str = "no"
    """`no`, `fp16` or `bf16`."""
    gradient_checkpointing: bool = True
    ema_decay: float = 0.0
    """Decay of the averaged weights that samples and the result use; 0 for none, as released."""
    seed: int = 20230211
    workers: int = 0
    """Processes that prepare batches."""
    save_every: int = 1000
    """Steps between resumable states; the newest two are kept."""
    sample_every: int = 0
    """Steps between sample clips; 0 for none."""
    sample_prompts: tuple[str, ...] = ()
    sample_steps: int = 50
    sample_guidance: float = 12.0

    def __post_init__(self) -> None:
        if self.mixed_precision not in ("no", "fp16", "bf16"):
            raise InputError(f"mixed_precision = {self.mixed_precision!r}: choose no, fp16 or bf16")
        for name in ("steps", "batch_size", "accumulation", "num_frames", "max_stride"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} = {getattr(self, name)}: it must be at least 1")
        if any(side % 16 for size in self.sizes for side in size):
            raise InputError(f"sizes = {self.sizes}: pixels must be multiples of 16")

    @property
    def shortest(self) -> int:
        """Frames that a clip must have."""
        return self.min_frames or self.num_frames


def read_config(path_or_preset: str, **overrides: Any) -> TrainConfig:
    """A preset by its name, or a TOML file, which may start from one with `preset = "..."`.

    Raises:
        InputError: the file cannot be read, or has a key that no option has.
    """
    path = Path(path_or_preset)
    if path_or_preset in PRESETS:
        return dataclasses.replace(PRESETS[path_or_preset], **overrides)
    if path.suffix != ".toml":
        raise UnknownNameError("training preset or .toml file", path_or_preset, PRESETS)
    try:
        values = toml.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InputError(f"cannot read the training config {path}: {error}") from error
    preset = values.pop("preset", None)
    if preset is not None and preset not in PRESETS:
        raise UnknownNameError("training preset", preset, PRESETS)
    known = {field.name for field in dataclasses.fields(TrainConfig)}
    unknown = sorted(values.keys() - known)
    if unknown:
        raise InputError(
            f"{path}: unknown options {', '.join(unknown)}: known are {', '.join(sorted(known))}"
        )
    if "sizes" in values:
        values["sizes"] = tuple(tuple(size) for size in values["sizes"])
    if "sample_prompts" in values:
        values["sample_prompts"] = tuple(values["sample_prompts"])
    base = PRESETS[preset] if preset else TrainConfig()
    return dataclasses.replace(base, **{**values, **overrides})


def _released(release: Release) -> TrainConfig:
    """The recipe that the Mira repository's configuration of a release means to state."""
    large = release.height >= 480
    half = release.name in ("128-v0", "384-v0", "384-v1-20s")
    return TrainConfig(
        sizes=((release.height, release.width),),
        num_frames=release.num_frames,
        max_stride=release.max_stride,
        uncond_probability=release.uncond_probability,
        batch_size=4 if release.name == "128-v0" else 1,
        accumulation=4 if large else 2,
        mixed_precision="fp16" if half else "no",
        save_every=500 if large else 1000,
    )


PRESETS = {name: _released(release) for name, release in RELEASES.items()} | {
    "tiny": TrainConfig(
        output="tiny",
        checkpoint="tiny",
        sizes=((64, 64),),
        num_frames=8,
        min_frames=5,
        max_stride=2,
        uncond_probability=0.1,
        steps=1500,
        batch_size=16,
        learning_rate=2e-3,
        warmup_steps=20,
        decay_steps=1500,
        clip_norm=1.0,
        gradient_checkpointing=False,
        ema_decay=0.99,
        save_every=250,
        sample_steps=25,
        sample_guidance=3.0,
    )
}
