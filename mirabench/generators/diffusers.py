"""The generator `diffusers`: any text-to-video pipeline of the diffusers library.

The pipeline's class comes from its own `model_index.json`. Pipelines name the same wish differently
(`num_frames`, `video_length`); a wish that the pipeline has no argument for is refused, not dropped.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from mirabench.errors import GeneratorError, InputError
from mirabench.file_digest import sha256_of_folder
from mirabench.generators.first_frames import digest_of_images, first_frame
from mirabench.generators.pipelines import Settings, folder_of, guided_by_part, library, loaded
from mirabench.generators.presets import Dtype, Offload, preset_of
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video
from mirabench.video.frames import UInt8Array

_ARGUMENTS: Mapping[str, tuple[str, ...]] = {
    "steps": ("num_inference_steps",),
    "guidance": ("guidance_scale",),
    "guidance_2": ("guidance_scale_2",),
    "frames": ("num_frames", "video_length"),
    "height": ("height",),
    "width": ("width",),
    "negative_prompt": ("negative_prompt",),
}
"""Our option -> what pipelines call it."""
_DEFAULTS: Mapping[str, Any] = {"dtype": "bfloat16", "offload": "none", "tiling": False}


@dataclass(frozen=True, slots=True)
class Diffusers:
    """Runs a pipeline in this process; what neither the user nor a preset says is the pipeline's own default.

    Raises:
        UnknownNameError: there is no such preset.
        InputError: neither options nor a preset say which model and rate.
    """

    model: str = ""
    """A hub id (`org/name`) or a folder."""
    fps: float | None = None
    """Frames per second of the file, and of the model where it takes a rate. No pipeline says it."""
    preset: str = ""
    """A name of `PRESETS`: what of the options below is left out comes from there."""
    revision: str = ""
    """Of a hub id: a branch, tag or commit; the commit found goes into the manifest."""
    pipeline: str | None = None
    """A class of diffusers, for weights that several classes can run."""
    dtype: Dtype | None = None
    """bfloat16 when nobody says."""
    dtypes: str | None = None
    """Parts in another precision, as `vae:float32,text_encoder:float16`."""
    device: str = "auto"
    offload: Offload | None = None
    """Keep parts in main memory: `model` one network at a time, `sequential` one layer."""
    tiling: bool | None = None
    """Decode the picture in tiles: less memory, sometimes a seam."""
    flow_shift: float | None = None
    """Of the scheduler: how far its steps lean to the noise; larger pictures want more."""
    images: Path | None = None
    """A folder of first frames, each named as its prompt's id, or as its prompt's `image` column says."""
    steps: int | None = None
    guidance: float | None = None
    guidance_2: float | None = None
    """Of the network for the last steps, where a pipeline has two."""
    frames: int | None = None
    height: int | None = None
    width: int | None = None
    negative_prompt: str | None = None

    name: ClassVar[str] = "diffusers"

    def __post_init__(self) -> None:
        """What was left out is the preset's, and then the default."""
        for source in (self._preset(), _DEFAULTS):
            for field in self.__slots__:
                if getattr(self, field) in (None, "") and field in source:
                    object.__setattr__(self, field, source[field])
        if not self.model or not self.fps:
            raise InputError(
                "the generator 'diffusers' needs --option preset=..., or --option model=... and "
                "--option fps=..."
            )

    def _preset(self) -> dict[str, Any]:
        return asdict(preset_of(self.preset)) if self.preset else {}

    def _settings(self) -> Settings:
        return Settings(**{name: getattr(self, name) for name in Settings._fields})

    def describe(self) -> dict[str, str]:
        """Download what is missing; every setting, and what the weights are.

        Raises:
            MissingExtraError: diffusers or torch is not installed.
            InputError: no such model, or no such folder of first frames.
        """
        diffusers = library()
        folder = folder_of(self._settings())
        revision = (
            f"sha256:{sha256_of_folder(folder)}" if Path(self.model).is_dir() else folder.name
        )
        left_out = ("revision", "device", "images")
        settings = {n: getattr(self, n) for n in self.__slots__ if n not in left_out}
        found = {key: str(value) for key, value in settings.items() if value not in (None, "")}
        if self.preset:
            found["licence"] = preset_of(self.preset).licence
        if self.images is not None:
            found["images"] = digest_of_images(self.images)
        return {"revision": revision, **found, "diffusers": diffusers.__version__}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """One clip; the noise is drawn on the CPU, so that it is the same on every device."""
        import torch  # extra `dit`

        pipeline = loaded(self._settings())
        noise = torch.Generator("cpu").manual_seed(seed)
        wishes = self._wishes(pipeline) | self._image(pipeline, prompt)
        found = pipeline(prompt=prompt.text, generator=noise, output_type="np", **wishes)
        rate = self.fps or 0.0
        write_video(output, pixels(found.frames[0]), fps=rate, options={"crf": "12"})

    def _image(self, pipeline: Any, prompt: Prompt) -> dict[str, Any]:
        accepted = "image" in inspect.signature(pipeline.__call__).parameters
        if accepted and self.images is None:
            raise InputError(
                f"{type(pipeline).__name__} starts from an image: give a folder of first frames, "
                "--option images=DIR"
            )
        if self.images is None:
            return {}
        if not accepted:
            raise InputError(
                f"option images: {type(pipeline).__name__} starts from no image; leave it out"
            )
        return {"image": first_frame(self.images, prompt, self.width, self.height)}

    def _wishes(self, pipeline: Any) -> dict[str, Any]:
        accepted = inspect.signature(pipeline.__call__).parameters
        wishes: dict[str, Any] = {}
        if "frame_rate" in accepted:
            wishes["frame_rate"] = self.fps
        elif "fps" in accepted:
            wishes["fps"] = round(self.fps or 0)
        for option, names in _ARGUMENTS.items():
            value = getattr(self, option)
            if value is None:
                continue
            name = next((n for n in names if n in accepted), None)
            if name is None and option == "guidance" and guided_by_part(pipeline):
                continue
            if name is None:
                raise InputError(
                    f"option {option}: {type(pipeline).__name__} has no such argument; leave it out"
                )
            wishes[name] = value
        return wishes


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
