"""The generator `diffusers`: any text-to-video pipeline of the diffusers library.

The pipeline's class comes from its own `model_index.json`. Pipelines name the same wish differently
(`num_frames`, `video_length`); a wish that the pipeline has no argument for is refused, not dropped.
"""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar, Literal

import numpy as np

from mirabench.errors import GeneratorError, InputError
from mirabench.extras import needs_extra
from mirabench.file_digest import sha256_of_folder
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
    "frames": ("num_frames", "video_length"),
    "height": ("height",),
    "width": ("width",),
    "negative_prompt": ("negative_prompt",),
}
"""Our option -> what pipelines call it."""


@dataclass(frozen=True, slots=True)
class Diffusers:
    """Runs a pipeline in this process; options left at None are the pipeline's own defaults."""

    model: str
    """A hub id (`org/name`) or a folder."""
    fps: float
    """Frames per second of the file, and of the model where it takes a rate. No pipeline says it: 8 for
    CogVideoX, 16 for Wan, 24 for LTX and HunyuanVideo."""
    revision: str = ""
    """Of a hub id: a branch, tag or commit; the commit found goes into the manifest."""
    dtype: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    device: str = "auto"
    offload: Literal["none", "model", "sequential"] = "none"
    """Keep parts in main memory: `model` one network at a time, `sequential` one layer."""
    tiling: bool = False
    """Decode the picture in tiles: less memory, sometimes a seam."""
    steps: int | None = None
    guidance: float | None = None
    frames: int | None = None
    height: int | None = None
    width: int | None = None
    negative_prompt: str | None = None

    name: ClassVar[str] = "diffusers"

    def describe(self) -> dict[str, str]:
        """Download what is missing; every setting, and what the weights are.

        Raises:
            MissingExtraError: diffusers or torch is not installed.
            InputError: no such model.
        """
        diffusers = _library()
        folder = _folder(self)
        revision = (
            f"sha256:{sha256_of_folder(folder)}" if Path(self.model).is_dir() else folder.name
        )
        settings = {n: getattr(self, n) for n in self.__slots__ if n not in ("revision", "device")}
        found = {key: str(value) for key, value in settings.items() if value is not None}
        return {"revision": revision, **found, "diffusers": diffusers.__version__}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """One clip; the noise is drawn on the CPU, so that it is the same on every device."""
        import torch  # extra `dit`

        pipeline = _pipeline(self)
        noise = torch.Generator("cpu").manual_seed(seed)
        found = pipeline(prompt.text, generator=noise, output_type="np", **self._wishes(pipeline))
        write_video(output, pixels(found.frames[0]), fps=self.fps, options={"crf": "12"})

    def _wishes(self, pipeline: Any) -> dict[str, Any]:
        accepted = inspect.signature(pipeline.__call__).parameters
        wishes: dict[str, Any] = {}
        if "frame_rate" in accepted:
            wishes["frame_rate"] = self.fps
        elif "fps" in accepted:
            wishes["fps"] = round(self.fps)
        for option, names in _ARGUMENTS.items():
            value = getattr(self, option)
            if value is None:
                continue
            name = next((n for n in names if n in accepted), None)
            if name is None:
                raise InputError(
                    f"option {option}: {type(pipeline).__name__} has no such argument; leave it out"
                )
            wishes[name] = value
        return wishes


def _library() -> Any:
    with needs_extra("dit", "running a diffusers pipeline needs diffusers"):
        import diffusers  # extra `dit`
        import torch  # noqa: F401
    return diffusers


def _folder(settings: Diffusers) -> Path:
    """Where the pipeline lies: the folder named, or the hub's snapshot, whose name is its commit."""
    folder = Path(settings.model)
    if folder.is_dir():
        if not (folder / "model_index.json").is_file():
            raise InputError(f"option model: {folder} holds no pipeline (no model_index.json)")
        return folder
    try:
        found = _library().DiffusionPipeline.download(
            settings.model, revision=settings.revision or None
        )
    except Exception as error:  # the hub's errors are many; each means that the model is not there
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"option model: {settings.model} is not a folder and does not come from the hub ({first})"
        ) from error
    return Path(found)


@cache
def _pipeline(settings: Diffusers) -> Any:
    """The loaded pipeline; once a process."""
    import torch  # extra `dit`

    folder = _folder(settings)
    kind = _kind(folder)
    dtype = getattr(torch, settings.dtype)
    with warnings.catch_warnings():
        # its new name, `dtype`, is silently ignored by diffusers before 0.40
        warnings.filterwarnings("ignore", ".*torch_dtype.*", FutureWarning)
        pipeline = kind.from_pretrained(folder, torch_dtype=dtype)
    pipeline.set_progress_bar_config(disable=True)
    if settings.tiling:
        pipeline.vae.enable_tiling()
    device = _device(settings.device)
    if settings.offload == "model":
        pipeline.enable_model_cpu_offload(device=device)
    elif settings.offload == "sequential":
        pipeline.enable_sequential_cpu_offload(device=device)
    else:
        pipeline.to(device)
    return pipeline


def _kind(folder: Path) -> Any:
    """The class that loads a folder: diffusers' own, or one of an installed package that it has parts of."""
    diffusers = _library()
    index = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    name = index.get("_class_name")
    if not isinstance(name, str) or hasattr(diffusers, name):
        return diffusers.DiffusionPipeline
    parts = [value[0] for value in index.values() if isinstance(value, list) and value]
    packages = {str(part).partition(".")[0] for part in parts if part}
    for package in sorted(packages - {"diffusers", "transformers"}):
        with contextlib.suppress(ImportError):
            if kind := getattr(importlib.import_module(package), name, None):
                return kind
    raise InputError(
        f"option model: {folder} is a {name}, which neither diffusers nor an installed package of its "
        "parts has; install the package that it comes from"
    )


def _device(name: str) -> str:
    import torch  # extra `dit`

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def pixels(frames: Any) -> UInt8Array:
    """A pipeline's frames (T, H, W, 3) in 0..1 as uint8.

    Raises:
        GeneratorError: they are no video, or hold NaN.
    """
    clip = np.asarray(frames, dtype=np.float32)
    if clip.ndim != 4 or clip.shape[-1] != 3:
        raise GeneratorError(f"the pipeline gave an array {clip.shape} instead of a video")
    if not np.isfinite(clip).all():
        raise GeneratorError("the pipeline gave NaN pixels: try --option dtype=float32")
    return np.round(clip.clip(0, 1) * 255).astype(np.uint8)
