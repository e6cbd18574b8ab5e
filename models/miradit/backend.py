"""The generator `miradit`: a converted or trained pipeline folder behind `mirabench generate`."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Literal

from mirabench.errors import InputError
from mirabench.extras import needs_extra
from mirabench.file_digest import sha256_of_folder
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video

if TYPE_CHECKING:
    from miradit.pipeline import MiraDiTPipeline


@dataclass(frozen=True, slots=True)
class MiraDiTGenerator:
    """MiraDiT in this process; the network is loaded with the first clip."""

    checkpoint: Path
    """Folder that `miradit convert` or `miradit train` wrote."""
    steps: int = 50
    guidance: float = 12.0
    fps: int = 8
    """What the model is told: 8 in the reference."""
    file_fps: float = 6.0
    """What the file says: 6 in the reference."""
    frames: int | None = None
    """Only for models with flexible frames; None is the length trained for."""
    dtype: Literal["float32", "float16", "bfloat16"] = "bfloat16"
    device: str = "auto"
    offload: bool = False
    """Keep on the device only the network that works: less memory, slower."""
    decode_chunk: int = 16
    decode_overlap: int = 8

    name: ClassVar[str] = "miradit"

    def describe(self) -> dict[str, str]:
        """Every setting that can change a pixel, and the digest of the folder.

        Raises:
            InputError: the folder holds no pipeline.
        """
        _checked(self.checkpoint)
        left_out = ("checkpoint", "device", "offload")
        settings = {key: getattr(self, key) for key in self.__slots__ if key not in left_out}
        found = {key: str(value) for key, value in settings.items() if value is not None}
        return {"revision": f"sha256:{sha256_of_folder(self.checkpoint)}", **found}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """One clip; the noise is drawn on the CPU, so that it is the same on every device."""
        import torch  # extra `dit`

        clip = _pipeline(self.checkpoint, self.dtype, self.device, self.offload)(
            prompt.text,
            fps=self.fps,
            num_frames=self.frames,
            num_inference_steps=self.steps,
            guidance_scale=self.guidance,
            generator=torch.Generator("cpu").manual_seed(seed),
            decode_chunk=self.decode_chunk,
            decode_overlap=self.decode_overlap,
        )
        write_video(output, clip.frames[0], fps=self.file_fps, options={"crf": "12"})


@cache
def _pipeline(checkpoint: Path, dtype: str, device: str, offload: bool) -> MiraDiTPipeline:
    """The loaded pipeline; once a process."""
    with needs_extra("dit", "the generator miradit needs torch and diffusers"):
        import torch  # extra `dit`

        from miradit.pipeline import MiraDiTPipeline
    with warnings.catch_warnings():
        # its new name, `dtype`, is silently ignored by diffusers before 0.40
        warnings.filterwarnings("ignore", ".*torch_dtype.*", FutureWarning)
        pipeline = MiraDiTPipeline.from_pretrained(
            _checked(checkpoint), torch_dtype=getattr(torch, dtype)
        )
    pipeline.set_progress_bar_config(disable=True)
    if device == "auto":
        device = "cuda" if torch.cuda.is_available() else "cpu"
    if offload:
        pipeline.enable_model_cpu_offload(device=device)
    else:
        pipeline.to(device)
    return pipeline  # type: ignore[no-any-return]


def _checked(checkpoint: Path) -> Path:
    if not (checkpoint / "model_index.json").is_file():
        raise InputError(
            f"option checkpoint: {checkpoint} holds no pipeline (no model_index.json): "
            "make one with  miradit convert FILE.pt OUT"
        )
    return checkpoint
