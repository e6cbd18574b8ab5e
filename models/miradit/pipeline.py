"""Prompt in, clip out: text, denoising and decoding, each on the device only while it is needed."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderKLTemporalDecoder, DiffusionPipeline
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor
from einops import rearrange
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5EncoderModel

from mirabench.errors import InputError, MirabenchError
from miradit.schedule import ScaledDDIMScheduler
from miradit.text import encode_prompts
from miradit.transformer import MiraDiT
from miradit.vae import Thumbnail, decode_clip

FPS = 8
"""The reference's default condition, although it writes its clips at 6 frames per second."""
Generators = torch.Generator | list[torch.Generator] | None


class OutOfMemoryError(MirabenchError):
    """The device has no memory left; the text names the option that helps."""


@dataclass
class MiraDiTOutput(BaseOutput):  # type: ignore[misc]
    """What the pipeline gives."""

    frames: np.ndarray | Tensor
    """Clips, uint8 RGB (B, F, H, W, 3); or, if asked for, latents (B, 4, F, H/8, W/8)."""


class MiraDiTPipeline(DiffusionPipeline):  # type: ignore[misc]
    """Text to video with MiraDiT.

    Args:
        denoiser: The transformer.
        vae: SVD's autoencoder, as the checkpoint carries it (or the toy's).
        text_encoder: Flan-T5's encoder; None if prompts come encoded.
        tokenizer: Its tokenizer; None likewise.
        scheduler: The scaled DDIM; its config holds eta.
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
        scheduler: ScaledDDIMScheduler,
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
    def __call__(  # noqa: PLR0913 - what a user may want to say
        self,
        prompt: str | Sequence[str] | None = None,
        *,
        fps: int | Sequence[int] = FPS,
        num_frames: int | None = None,
        height: int | None = None,
        width: int | None = None,
        num_inference_steps: int = 50,
        guidance_scale: float = 12.0,
        generator: Generators = None,
        callback: Callable[[int, int, Tensor], None] | None = None,
        prompt_embeds: tuple[Tensor, Tensor] | None = None,
        latents: Tensor | None = None,
        batched_guidance: bool = True,
        decode_chunk: int = 16,
        decode_overlap: int = 8,
        output_type: str = "uint8",
    ) -> MiraDiTOutput:
        """Generate one clip for each prompt.

        Args:
            prompt: One text or several; beyond 77 tokens it is cut, with a warning.
            fps: The frame rate that the motion should look like, one or one for each prompt.
            num_frames: Frames; by default, and unless the denoiser has `flexible_frames`
                necessarily, those of its temporal table.
            height: Pixels, a multiple of 16.
            width: Pixels, a multiple of 16.
            num_inference_steps: Sampling steps.
            guidance_scale: Weight of the prompt against the empty one; 1 switches guidance off.
            generator: Source of all noise; the same seed gives the same clip on the same device.
            callback: Called after each step with its index, its timestep and the latents.
            prompt_embeds: What `encode_prompt` gave, instead of `prompt`.
            latents: Starting noise (B, 4, F, H/8, W/8) instead of the generator's.
            batched_guidance: Both passes of a step at once; False halves the activations.
            decode_chunk: Frames that are decoded together; `decode_chunk=10, decode_overlap=0`
                is the reference's decoding.
            decode_overlap: Frames over which neighbouring windows fade.
            output_type: `uint8` for frames, `latent` for the latents.

        Raises:
            InputError: a size, a number of frames or a combination that cannot be.
            OutOfMemoryError: the device's memory does not suffice.
        """
        if output_type not in ("uint8", "latent"):
            raise InputError(f"output_type {output_type!r}: choose 'uint8' or 'latent'")
        text, empty = self._embeds(prompt, prompt_embeds)
        shape = self._latent_shape(len(text), num_frames, height, width)
        with _memory_hint("denoising", "enable_model_cpu_offload() or batched_guidance=False"):
            x = self._starting_noise(shape, generator, latents)
            passes = _text_passes(text, empty, guidance_scale, batched_guidance)
            keys = [self.denoiser.text_keys_values(part) for part in passes]
            self.scheduler.set_timesteps(num_inference_steps, device=x.device)
            for i, t in enumerate(self.progress_bar(self.scheduler.timesteps)):
                noise = self._guided_noise(x, t, fps, keys, guidance_scale)
                x = self.scheduler.step(noise, t, x, generator=generator).prev_sample
                if callback is not None:
                    callback(i, int(t), x)
        if output_type == "latent":
            self.maybe_free_model_hooks()
            return MiraDiTOutput(frames=x)
        with _memory_hint("decoding", "a smaller decode_chunk, such as 8 with decode_overlap=4"):
            pixels = decode_clip(self.vae, x, chunk=decode_chunk, overlap=decode_overlap)
        self.maybe_free_model_hooks()
        return MiraDiTOutput(frames=to_uint8(pixels))

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
        device = self._execution_device
        both = encode_prompts(self.tokenizer, self.text_encoder, [*prompts, ""], device=device)
        return both[:-1], both[-1:]

    def _embeds(
        self, prompt: str | Sequence[str] | None, encoded: tuple[Tensor, Tensor] | None
    ) -> tuple[Tensor, Tensor]:
        if (prompt is None) == (encoded is None):
            raise InputError("give either a prompt or prompt_embeds")
        if encoded is None:
            assert prompt is not None
            with _memory_hint("encoding the prompt", "enable_model_cpu_offload()"):
                encoded = self.encode_prompt(prompt)
        text, empty = (part.to(self._execution_device, self.denoiser.dtype) for part in encoded)
        return text, empty.expand(len(text), -1, -1)

    def _latent_shape(
        self, batch: int, num_frames: int | None, height: int | None, width: int | None
    ) -> tuple[int, int, int, int, int]:
        height, width = height or self.config.height, width or self.config.width
        if height % 16 or width % 16:
            raise InputError(f"{height}x{width} pixels: both must be multiples of 16")
        frames = num_frames or self.denoiser.config.num_frames
        return batch, self.denoiser.config.in_channels, frames, height // 8, width // 8

    def _starting_noise(
        self, shape: tuple[int, ...], generator: Generators, latents: Tensor | None
    ) -> Tensor:
        device = self._execution_device
        if latents is None:
            noise: Tensor = randn_tensor(shape, generator=generator, device=device)
            return noise
        if tuple(latents.shape) != shape:
            raise InputError(f"latents are {tuple(latents.shape)}, this call needs {shape}")
        return latents.to(device, torch.float32)

    def _guided_noise(
        self,
        x: Tensor,
        t: Tensor,
        fps: int | Sequence[int],
        keys: Sequence[object],
        guidance_scale: float,
    ) -> Tensor:
        """Predicted noise (B, 4, F, H, W) in float32, guided where there is an empty prompt."""
        rate = torch.as_tensor(fps, device=x.device).expand(len(x))
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


def to_uint8(pixels: Tensor) -> np.ndarray:
    """Pixels (B, 3, F, H, W) in [-1, 1] to uint8 RGB (B, F, H, W, 3), rounded.

    Raises:
        MirabenchError: a pixel is not a number.
    """
    if not torch.isfinite(pixels).all():
        raise MirabenchError("the networks gave NaN pixels: use bfloat16 or float32, not float16")
    scaled = ((pixels.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return np.ascontiguousarray(rearrange(scaled, "b c f h w -> b f h w c").numpy())


@contextlib.contextmanager
def _memory_hint(doing: str, remedy: str) -> Iterator[None]:
    try:
        yield
    except torch.OutOfMemoryError as error:
        raise OutOfMemoryError(
            f"out of device memory while {doing} ({str(error).splitlines()[0]}): use {remedy}"
        ) from error
