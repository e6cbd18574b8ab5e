"""The settings that a model's authors publish, by name, for the generator `diffusers`.

    mirabench generate -g diffusers --option preset=wan2.1-t2v-1.3b ...

Sizes, frames, rate, steps and guidance are those of the model's card or of the example in diffusers' own
documentation, named beside each. An option that the user gives replaces the preset's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

from mirabench.errors import UnknownNameError

Dtype = Literal["float32", "float16", "bfloat16"]
Offload = Literal["none", "model", "sequential"]


@dataclass(frozen=True, slots=True)
class Preset:
    """What one model wants; None leaves the pipeline's own default."""

    model: str
    """Of the hub."""
    fps: float
    frames: int
    licence: str
    """Of the weights."""
    source: str
    """Where the numbers come from."""
    steps: int = 50
    guidance: float | None = None
    guidance_2: float | None = None
    height: int | None = None
    width: int | None = None
    dtype: Dtype = "bfloat16"
    dtypes: str | None = None
    flow_shift: float | None = None
    negative_prompt: str | None = None
    offload: Offload = "model"
    tiling: bool = True
    pipeline: str | None = None


_WAN_NEGATIVE = (
    "色调艳丽，过曝，静态，细节模糊不清，字幕，风格，作品，画作，画面，静止，整体发灰，最差质量，低质量，"
    "JPEG压缩残留，丑陋的，残缺的，多余的手指，画得不好的手部，画得不好的脸部，畸形的，毁容的，形态畸形的肢体，"
    "手指融合，静止不动的画面，杂乱的背景，三条腿，背景人很多，倒着走"
)
"""The authors' own (`sample_neg_prompt` of Wan's configuration), on which their samples were made."""
_LTX_NEGATIVE = "worst quality, inconsistent motion, blurry, jittery, distorted"
_APACHE = "Apache-2.0"
_TENCENT = "Tencent Hunyuan Community: not in the EU, the UK and South Korea"
_COGVIDEOX = "CogVideoX: research is free, commercial use needs a registration"
_LTX = "LTX Video Open Weights: terms of use apply"
_WAN_DOCS = "huggingface.co/docs/diffusers/api/pipelines/wan"
_HUNYUAN_15_DOCS = "huggingface.co/docs/diffusers/api/pipelines/hunyuan_video15"
_LTX_DOCS = "huggingface.co/docs/diffusers/api/pipelines/ltx_video"

_WAN = Preset(
    "Wan-AI/Wan2.1-T2V-1.3B-Diffusers",
    fps=16,
    frames=81,
    licence=_APACHE,
    source=_WAN_DOCS,
    guidance=5.0,
    height=480,
    width=832,
    dtypes="vae:float32",
    flow_shift=3.0,
    negative_prompt=_WAN_NEGATIVE,
    tiling=False,
)
_HUNYUAN_15 = Preset(
    "hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_t2v",
    fps=24,
    frames=121,
    licence=_TENCENT,
    source=_HUNYUAN_15_DOCS,
    guidance=6.0,
)
_LTX_VIDEO = Preset(
    "Lightricks/LTX-Video",
    fps=24,
    frames=161,
    licence=_LTX,
    source=_LTX_DOCS,
    guidance=3.0,
    height=480,
    width=704,
    negative_prompt=_LTX_NEGATIVE,
    offload="none",
    tiling=False,
)
_COG = Preset(
    "zai-org/CogVideoX-5b",
    fps=8,
    frames=49,
    licence=_COGVIDEOX,
    source="huggingface.co/zai-org/CogVideoX-5b",
    guidance=6.0,
    height=480,
    width=720,
)

PRESETS: Mapping[str, Preset] = {
    "wan2.1-t2v-1.3b": _WAN,
    "wan2.1-t2v-14b": replace(
        _WAN, model="Wan-AI/Wan2.1-T2V-14B-Diffusers", height=720, width=1280, flow_shift=5.0
    ),
    "wan2.1-i2v-14b-480p": replace(
        _WAN,
        model="Wan-AI/Wan2.1-I2V-14B-480P-Diffusers",
        dtypes="vae:float32,image_encoder:float32",
    ),
    "wan2.2-t2v-a14b": replace(
        _WAN,
        model="Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        source="huggingface.co/Wan-AI/Wan2.2-T2V-A14B-Diffusers",
        height=720,
        width=1280,
        steps=40,
        guidance=4.0,
        guidance_2=3.0,
        flow_shift=None,
    ),
    "wan2.2-i2v-a14b": replace(
        _WAN,
        model="Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        source="huggingface.co/Wan-AI/Wan2.2-I2V-A14B-Diffusers",
        steps=40,
        guidance=3.5,
        flow_shift=None,
    ),
    "wan2.2-ti2v-5b": replace(
        _WAN,
        model="Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        source="huggingface.co/Wan-AI/Wan2.2-TI2V-5B-Diffusers",
        fps=24,
        frames=121,
        height=704,
        width=1280,
        flow_shift=None,
    ),
    "hunyuanvideo": Preset(
        "hunyuanvideo-community/HunyuanVideo",
        fps=24,
        frames=129,
        licence=_TENCENT,
        source="huggingface.co/tencent/HunyuanVideo",
        guidance=6.0,
        height=720,
        width=1280,
        dtypes="vae:float16,text_encoder:float16,text_encoder_2:float16",
    ),
    "hunyuanvideo-1.5-t2v-480p": _HUNYUAN_15,
    "hunyuanvideo-1.5-i2v-480p": replace(
        _HUNYUAN_15, model="hunyuanvideo-community/HunyuanVideo-1.5-Diffusers-480p_i2v"
    ),
    "ltx-video": _LTX_VIDEO,
    "ltx-video-i2v": replace(_LTX_VIDEO, pipeline="LTXImageToVideoPipeline"),
    "cogvideox-2b": replace(
        _COG,
        model="zai-org/CogVideoX-2b",
        licence=_APACHE,
        source="huggingface.co/zai-org/CogVideoX-2b",
        dtype="float16",
    ),
    "cogvideox-5b": _COG,
    "cogvideox-5b-i2v": replace(
        _COG, model="zai-org/CogVideoX-5b-I2V", source="huggingface.co/zai-org/CogVideoX-5b-I2V"
    ),
    "cogvideox1.5-5b": replace(
        _COG,
        model="zai-org/CogVideoX1.5-5B",
        source="huggingface.co/zai-org/CogVideoX1.5-5B",
        fps=16,
        frames=81,
        height=768,
        width=1360,
    ),
    "mochi-1": Preset(
        "genmo/mochi-1-preview",
        fps=30,
        frames=85,
        licence=_APACHE,
        source="huggingface.co/docs/diffusers/api/pipelines/mochi",
        steps=64,
        guidance=4.5,
        height=480,
        width=848,
    ),
}


def preset_of(name: str) -> Preset:
    """The preset of a name.

    Raises:
        UnknownNameError: there is none; the nearest names are offered.
    """
    if name not in PRESETS:
        raise UnknownNameError("preset", name, PRESETS)
    return PRESETS[name]
