"""Prompt in, clip out: text, denoising and decoding, each on the device only while it is needed."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import diffusers
import numpy as np
import torch
from diffusers import AutoencoderKLTemporalDecoder, DiffusionPipeline
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor
from diffusers.video_processor import VideoProcessor
from einops import rearrange
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from mirabench.errors import InputError, MirabenchError
from miradit.lora import LoraWeights
from miradit.schedule import ScaledDDIMScheduler, model_scale
from miradit.text import encode_prompts
from miradit.transformer import MiraDiT
from miradit.vae import Thumbnail, decode_clip

FPS = 8
"""The reference's default condition, although it writes its clips at 6 frames per second."""
OUTPUT_TYPES = ("uint8", "np", "pt", "pil", "latent")
Generators = torch.Generator | list[torch.Generator] | None
StepEnd = Callable[[Any, int, Tensor, dict[str, Tensor]], dict[str, Tensor]]


class OutOfMemoryError(MirabenchError):
    """The device has no memory left; the text names the option that helps."""


@dataclass
class MiraDiTOutput(BaseOutput):  # type: ignore[misc]
    """What the pipeline gives."""

    frames: Any
    """Clips, uint8 RGB (B, F, H, W, 3); or, if asked for, another of the output types."""


class MiraDiTPipeline(LoraWeights, DiffusionPipeline):  # type: ignore[misc]
    """Text to video with MiraDiT.

    Args:
        denoiser: The transformer.
        vae: SVD's autoencoder, as the checkpoint carries it (or the toy's).
        text_encoder: Flan-T5's encoder; None if prompts come encoded.
        tokenizer: Its tokenizer; None likewise.
        scheduler: The scaled DDIM, whose config holds eta; or one of diffusers' schedulers for noise prediction
            that is made from its configuration, `X.from_config(pipeline.scheduler.config)`.
        height: Pixels of a clip unless the call says otherwise.
        width: Pixels of a clip unless the call says otherwise.
    """

    model_cpu_offload_seq = "text_encoder->denoiser->vae"
    _optional_components = ("text_encoder", "tokenizer")

    def __init__(
        self,
        denoiser: MiraDiT,
        vae: AutoencoderKLTemporalDecoder | Thumbnail,
        text_encoder: T5EncoderModel | None,
        tokenizer: PreTrainedTokenizerBase | None,
        scheduler: Any,
        height: int = 240,
        width: int = 384,
    ) -> None:
        super().__init__()
        self.register_modules(
            denoiser=denoiser,
            vae=vae,
            text_encoder=text_encoder,
            tokenizer=tokenizer,
            scheduler=scheduler,
        )
        self.register_to_config(height=height, width=width)

    @torch.no_grad()
    def __call__(  # noqa: PLR0913 - what a user may want to say, as diffusers names it
        self,
        prompt: str | Sequence[str] | None = None,
        negative_prompt: str | Sequence[str] | None = None,
        *,
        fps: int | Sequence[int] = FPS,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 12.0,
        num_videos_per_prompt: int = 1,
        generator: Generators = None,
        callback: Callable[[int, int, Tensor], None] | None = None,
        callback_on_step_end: StepEnd | None = None,
        callback_on_step_end_tensor_inputs: Sequence[str] = ("latents",),
        prompt_embeds: Tensor | tuple[Tensor, Tensor] | None = None,
        negative_prompt_embeds: Tensor | None = None,
        latents: Tensor | None = None,
        batched_guidance: bool = True,
        decode_chunk: int = 16,
        decode_overlap: int = 8,
        output_type: str = "uint8",
        return_dict: bool = True,
    ) -> Any:
        """Generate clips for each prompt.

        Args:
            prompt: One text or several; beyond 77 tokens it is cut, with a warning.
            negative_prompt: What guidance leads away from, one text or one for each prompt; the empty text
                by default, which is what the model was trained with.
            fps: The frame rate that the motion should look like, one or one for each prompt.
            num_frames: Frames; by default, and unless the denoiser has `flexible_frames`
                necessarily, those of its temporal table.
            height: Pixels, a multiple of 16.
            width: Pixels, a multiple of 16.
            num_inference_steps: Sampling steps.
            guidance_scale: Weight of the prompt against the empty one; 1 switches guidance off.
            num_videos_per_prompt: Clips of a prompt follow one another.
            generator: Source of all noise; the same seed gives the same clip on the same device.
            callback: Called after each step with its index, its timestep and the latents.
            callback_on_step_end: Called after each step with the pipeline, the step's index, its timestep and
                the tensors that were asked for; what it returns takes their places.
            callback_on_step_end_tensor_inputs: Which tensors; `latents` is all there is.
            prompt_embeds: What `encode_prompt` gave, instead of `prompt`: both of it, or its first part.
            negative_prompt_embeds: Its second part, or another prompt's first.
            latents: Starting noise (B, 4, F, H/8, W/8) instead of the generator's.
            batched_guidance: Both passes of a step at once; False halves the activations.
            decode_chunk: Frames that are decoded together; `decode_chunk=10, decode_overlap=0`
                is the reference's decoding.
            decode_overlap: Frames over which neighbouring windows fade.
            output_type: `uint8` for frames (B, F, H, W, 3), `np` for float32 ones in 0..1, `pt` for a tensor
                (B, F, 3, H, W) in 0..1, `pil` for lists of images, `latent` for the latents.
            return_dict: False gives a tuple.

        Returns:
            MiraDiTOutput, or a tuple of its frames.

        Raises:
            InputError: a size, a number of frames or a combination that cannot be.
            OutOfMemoryError: the device's memory does not suffice.
        """
        _check(output_type, num_videos_per_prompt, callback_on_step_end_tensor_inputs)
        text, empty = self._embeds(prompt, negative_prompt, prompt_embeds, negative_prompt_embeds)
        rates = _rates(fps, len(text), self._execution_device)
        text, empty, rates = (
            part.repeat_interleave(num_videos_per_prompt, dim=0) for part in (text, empty, rates)
        )
        shape = self._latent_shape(len(text), num_frames, height, width)
        with _memory_hint("denoising", "enable_model_cpu_offload() or batched_guidance=False"):
            model_scale(self.scheduler, 0)  # refuses one that is not of this process
            self.scheduler.set_timesteps(num_inference_steps, device=self._execution_device)
            x = self._starting_noise(shape, generator, latents)
            passes = _text_passes(text, empty, guidance_scale, batched_guidance)
            keys = [self.denoiser.text_keys_values(part) for part in passes]
            extra = self._step_arguments(generator)
            for i, t in enumerate(self.progress_bar(self.scheduler.timesteps)):
                noise = self._guided_noise(self._model_input(x, t), t, rates, keys, guidance_scale)
                x = self.scheduler.step(noise, t, x, **extra).prev_sample
                if callback is not None:
                    callback(i, int(t), x)
                if callback_on_step_end is not None:
                    x = callback_on_step_end(self, i, t, {"latents": x}).pop("latents", x)
        frames = self._decoded(x, output_type, decode_chunk, decode_overlap)
        self.maybe_free_model_hooks()
        return MiraDiTOutput(frames=frames) if return_dict else (frames,)

    def _model_input(self, x: Tensor, t: Tensor) -> Tensor:
        """The scheduler's sample as the network has learned to see it."""
        sample: Tensor = self.scheduler.scale_model_input(x, t)
        return sample * model_scale(self.scheduler, t)

    def _step_arguments(self, generator: Generators) -> dict[str, Any]:
        accepted = inspect.signature(self.scheduler.step).parameters
        given = {"generator": generator}
        if not isinstance(self.scheduler, ScaledDDIMScheduler):
            given["eta"] = self.scheduler.config.get("eta", 0.0)
        return {key: value for key, value in given.items() if key in accepted}

    def _decoded(self, x: Tensor, output_type: str, chunk: int, overlap: int) -> Any:
        if output_type == "latent":
            return x
        with _memory_hint("decoding", "a smaller decode_chunk, such as 8 with decode_overlap=4"):
            pixels = decode_clip(self.vae, x, chunk=chunk, overlap=overlap)
        if output_type == "uint8":
            return to_uint8(pixels)
        return VideoProcessor().postprocess_video(_finite(pixels).float(), output_type)

    def encode_prompt(self, prompt: str | Sequence[str]) -> tuple[Tensor, Tensor]:
        """Text tokens of the prompts (B, 77, C) and of the empty prompt (1, 77, C).

        Keep them and set `pipeline.text_encoder = None` to free its 9.5 GB (bf16).

        Raises:
            InputError: the pipeline has no text encoder.
        """
        if self.text_encoder is None or self.tokenizer is None:
            raise InputError(
                "this pipeline has no text encoder: give prompt_embeds, or load it with one"
            )
        prompts = [prompt] if isinstance(prompt, str) else list(prompt)
        if not prompts:
            raise InputError("there is no prompt: give at least one text, which may be empty")
        device = self._execution_device
        both = encode_prompts(self.tokenizer, self.text_encoder, [*prompts, ""], device=device)
        return both[:-1], both[-1:]

    def _embeds(
        self,
        prompt: str | Sequence[str] | None,
        negative: str | Sequence[str] | None,
        encoded: Tensor | tuple[Tensor, Tensor] | None,
        negative_encoded: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        """Text tokens (B, 77, C) to lead to and to lead away from."""
        if (prompt is None) == (encoded is None):
            raise InputError("give either a prompt or prompt_embeds")
        if negative is not None and negative_encoded is not None:
            raise InputError("give either a negative_prompt or negative_prompt_embeds")
        with _memory_hint("encoding the prompt", "enable_model_cpu_offload()"):
            text, empty = self._encoded(prompt, encoded)
            if negative_encoded is not None:
                empty = negative_encoded
            elif negative is not None:
                empty, _ = self.encode_prompt(negative)
            elif empty is None:
                _, empty = self.encode_prompt("")
        text, empty = (
            part.to(self._execution_device, self.denoiser.dtype) for part in (text, empty)
        )
        if len(empty) not in (1, len(text)):
            raise InputError(
                f"{len(empty)} negative prompts for {len(text)} prompts: give one, or one for each"
            )
        return text, empty.expand(len(text), -1, -1)

    def _encoded(
        self, prompt: str | Sequence[str] | None, encoded: Tensor | tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor | None]:
        if isinstance(encoded, Tensor):
            return encoded, None
        if encoded is not None:
            return encoded
        assert prompt is not None  # checked: there is one of both
        return self.encode_prompt(prompt)

    def _latent_shape(
        self, batch: int, num_frames: int | None, height: int | None, width: int | None
    ) -> tuple[int, int, int, int, int]:
        height = self.config.height if height is None else height
        width = self.config.width if width is None else width
        if height % 16 or width % 16 or min(height, width) < 16:
            raise InputError(f"{height}x{width} pixels: both must be multiples of 16, from 16 on")
        frames = self.denoiser.config.num_frames if num_frames is None else num_frames
        if frames < 1:
            raise InputError(f"num_frames = {frames}: a clip has at least 1 frame")
        return batch, self.denoiser.config.in_channels, frames, height // 8, width // 8

    def _starting_noise(
        self, shape: tuple[int, ...], generator: Generators, latents: Tensor | None
    ) -> Tensor:
        device = self._execution_device
        if isinstance(generator, list) and len(generator) != shape[0]:
            raise InputError(
                f"{len(generator)} generators for {shape[0]} clips: give one, or one for each"
            )
        if latents is None:
            latents = randn_tensor(shape, generator=generator, device=device)
        if tuple(latents.shape) != shape:
            raise InputError(f"latents are {tuple(latents.shape)}, this call needs {shape}")
        noise: Tensor = latents.to(device, torch.float32) * self.scheduler.init_noise_sigma
        return noise

    def _guided_noise(
        self,
        x: Tensor,
        t: Tensor,
        rate: Tensor,
        keys: Sequence[object],
        guidance_scale: float,
    ) -> Tensor:
        """Predicted noise (B, 4, F, H, W) in float32, guided where there is an empty prompt."""
        model_input = x.to(self.denoiser.dtype)
        if guidance_scale == 1:
            return self.denoiser(model_input, t, rate, keys[0]).float()  # type: ignore[no-any-return]
        if len(keys) == 1:
            twice, rates = torch.cat([model_input] * 2), torch.cat([rate] * 2)
            asked, free = self.denoiser(twice, t, rates, keys[0]).float().chunk(2)
        else:
            asked, free = (self.denoiser(model_input, t, rate, part).float() for part in keys)
        return free + guidance_scale * (asked - free)  # type: ignore[no-any-return]


def _text_passes(
    text: Tensor, empty: Tensor, guidance_scale: float, batched: bool
) -> tuple[Tensor, ...]:
    """The texts of each denoiser pass of a step."""
    if guidance_scale == 1:
        return (text,)
    return (torch.cat([text, empty]),) if batched else (text, empty)


def _check(output_type: str, per_prompt: int, tensors: Sequence[str]) -> None:
    if output_type not in OUTPUT_TYPES:
        choices = ", ".join(map(repr, OUTPUT_TYPES))
        raise InputError(f"output_type {output_type!r}: choose one of {choices}")
    if per_prompt < 1:
        raise InputError(f"num_videos_per_prompt = {per_prompt}: it must be at least 1")
    if unknown := [name for name in tensors if name != "latents"]:
        raise InputError(
            f"callback_on_step_end_tensor_inputs {', '.join(unknown)}: only 'latents' can be given"
        )


def _rates(fps: int | Sequence[int], prompts: int, device: torch.device) -> Tensor:
    """Frames per second for each prompt, (B,)."""
    rates = torch.as_tensor(fps, device=device).reshape(-1)
    if len(rates) not in (1, prompts):
        raise InputError(
            f"{len(rates)} frame rates for {prompts} prompts: give one, or one for each"
        )
    if not bool((rates > 0).all()):
        raise InputError(f"fps = {fps}: a frame rate is above 0")
    return rates.expand(prompts)


def _finite(pixels: Tensor) -> Tensor:
    if not torch.isfinite(pixels).all():
        raise MirabenchError("the networks gave NaN pixels: use bfloat16 or float32, not float16")
    return pixels


def to_uint8(pixels: Tensor) -> np.ndarray:
    """Pixels (B, 3, F, H, W) in [-1, 1] to uint8 RGB (B, F, H, W, 3), rounded.

    Raises:
        MirabenchError: a pixel is not a number.
    """
    scaled = ((_finite(pixels).clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.ascontiguousarray(rearrange(scaled, "b c f h w -> b f h w c").numpy())


@contextlib.contextmanager
def _memory_hint(doing: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"out of device memory while {doing} ({str(error).splitlines()[0]}): use {remedy}"
        ) from error


# DiffusionPipeline.from_pretrained(folder) looks the class up by its name in diffusers itself
diffusers.MiraDiTPipeline = MiraDiTPipeline
