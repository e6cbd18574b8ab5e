"""Noise schedule and sampler: DDIM under a signal that is scaled down with the timestep.

The forward process is x_t = sqrt(a_t) s_t x_0 + sqrt(1 - a_t) noise, with Stable Diffusion's
"scaled linear" a_t and s_t falling linearly from 1 to `scale_end` over the first 400 timesteps.
It is not variance preserving, which diffusers' schedulers cannot express. But it is a variance preserving
process with every x_t multiplied by a number: so its betas (`trained_betas`) stand in the configuration, any
scheduler that is made from it (`X.from_config(pipeline.scheduler.config)`) follows the same ratios of signal
to noise, and `model_scale` gives the number that leads back to what the network has learned.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import torch
from diffusers import ConfigMixin, SchedulerMixin
from diffusers.configuration_utils import register_to_config
from diffusers.schedulers.scheduling_utils import SchedulerOutput
from diffusers.utils.torch_utils import randn_tensor
from torch import Tensor

from mirabench.errors import InputError

FOR_OTHERS = MappingProxyType({
    "prediction_type": "epsilon",
    "clip_sample": False,
    "set_alpha_to_one": False,
    "steps_offset": 1,
    "timestep_spacing": "leading",
})  # fmt: skip
"""What diffusers' schedulers have to be told of the process, besides its betas."""


def forward_process(config: Mapping[str, Any]) -> tuple[Tensor, Tensor]:
    """a_t and s_t of every timestep, float64, by a scheduler's configuration."""
    count = config["num_train_timesteps"]
    # float64: in half precision, as the released files hold it, 1 - a_1 would be 14 % off
    betas = np.linspace(config["beta_start"] ** 0.5, config["beta_end"] ** 0.5, count) ** 2
    scales = np.full(count, config["scale_end"])
    ramp = config["scale_steps"]
    scales[:ramp] = np.linspace(1.0, config["scale_end"], ramp)[:count]
    return torch.from_numpy(np.cumprod(1 - betas)), torch.from_numpy(scales)


def _size(alphas: Tensor, scales: Tensor) -> Tensor:
    """Length of (signal, noise) at each timestep: what x_t is divided by in the preserving process."""
    return (alphas * scales**2 + 1 - alphas).sqrt()


def _preserving_betas(alphas: Tensor, scales: Tensor) -> list[float]:
    """Betas of the variance preserving process with the same ratio of signal to noise."""
    kept = alphas * scales**2 / _size(alphas, scales) ** 2
    before = torch.cat([torch.ones(1, dtype=kept.dtype), kept[:-1]])
    return [float(beta) for beta in 1 - kept / before]


def model_scale(scheduler: Any, timestep: int | float | Tensor) -> float:
    """What a scheduler's sample is multiplied by to be what the network was trained on.

    Args:
        scheduler: Ours, or one of diffusers' that was made from its configuration.
        timestep: May lie between two: some schedulers ask for such.

    Raises:
        InputError: the scheduler does not follow the process.
    """
    if isinstance(scheduler, ScaledDDIMScheduler):
        return 1.0
    alphas, scales = forward_process(_checked(scheduler))
    size = _size(alphas, scales).numpy()
    return float(np.interp(float(timestep), np.arange(len(size)), size))


def _checked(scheduler: Any) -> Mapping[str, Any]:
    """The configuration of a scheduler that follows the process."""
    config: Mapping[str, Any] = scheduler.config
    wanted = {"scale_end", "scale_steps", "beta_start", "beta_end", "num_train_timesteps"}
    found = getattr(scheduler, "alphas_cumprod", None)
    if wanted <= set(config) and found is not None and config.get("prediction_type") == "epsilon":
        alphas, scales = forward_process(config)
        kept = alphas * scales**2 / _size(alphas, scales) ** 2
        if len(found) == len(kept) and torch.allclose(
            found.cpu().double(), kept, rtol=1e-3, atol=1e-6
        ):
            return config
    name = type(scheduler).__name__
    raise InputError(
        f"{name} does not follow the noise that this model was trained with: make it by "
        f"{name}.from_config(pipeline.scheduler.config), or keep ScaledDDIMScheduler"
    )


class ScaledDDIMScheduler(SchedulerMixin, ConfigMixin):  # type: ignore[misc]
    """DDIM with the reference's dynamic rescaling of the signal; predicts noise.

    Args:
        scale_end: Signal scale s_t from timestep `scale_steps` on: 0.7 (v0, 20 s) or 0.3 (v1).
        eta: Noise put back in every step: 0 is deterministic, 1 (the reference's choice) is DDPM's.
        num_train_timesteps: Timesteps of the forward process.
        beta_start: First beta.
        beta_end: Last beta.
        scale_steps: Timesteps over which the scale falls, both ends included.
        trained_betas: This and what follows is for other schedulers; it is computed, whatever is given.
        prediction_type: Noise.
        clip_sample: Not done.
        set_alpha_to_one: Not done: the last step ends at a_0.
        steps_offset: 1, as the reference's timesteps.
        timestep_spacing: As the reference's.
    """

    order = 1

    @register_to_config  # type: ignore[untyped-decorator]
    def __init__(  # noqa: PLR0913 - a scheduler's configuration
        self,
        scale_end: float = 0.3,
        eta: float = 1.0,
        num_train_timesteps: int = 1000,
        beta_start: float = 0.00085,
        beta_end: float = 0.012,
        scale_steps: int = 400,
        trained_betas: Sequence[float] | None = None,
        prediction_type: str = "epsilon",
        clip_sample: bool = False,
        set_alpha_to_one: bool = False,
        steps_offset: int = 1,
        timestep_spacing: str = "leading",
    ) -> None:
        # what other schedulers are told; taken here so that a saved configuration loads without a warning
        del (
            trained_betas,
            prediction_type,
            clip_sample,
            set_alpha_to_one,
            steps_offset,
            timestep_spacing,
        )
        self.alphas_cumprod, self.signal_scales = forward_process(self.config)
        self.register_to_config(
            trained_betas=_preserving_betas(self.alphas_cumprod, self.signal_scales),
            **FOR_OTHERS,
            # else diffusers leaves out what equals our defaults, and another class puts in its own
            _use_default_values=[],
        )
        self.init_noise_sigma = 1.0
        self.set_timesteps(50)

    def set_timesteps(
        self, num_inference_steps: int, device: str | torch.device | None = None
    ) -> None:
        """Choose the timesteps 1, 1 + n, 1 + 2n, ... with n = 1000 // steps, from high to low.

        Where the number does not divide 1000 there are more steps than asked for (30 gives 31), as
        in the reference; the few counts with which the reference would step past its schedule
        (3, or more than 500) lose that last step instead.

        Raises:
            InputError: not between 1 and 1000 steps.
        """
        total = self.config.num_train_timesteps
        if not 1 <= num_inference_steps <= total:
            raise InputError(
                f"{num_inference_steps} sampling steps: choose between 1 and {total} (usual is 50)"
            )
        self.num_inference_steps = num_inference_steps
        self._stride = total // num_inference_steps
        steps = torch.arange(0, total, self._stride) + 1
        self.timesteps = steps[steps < total].flip(0).to(device)

    def scale_model_input(self, sample: Tensor, timestep: int | Tensor | None = None) -> Tensor:
        """The sample itself: the network takes it as it is."""
        del timestep
        return sample

    def add_noise(self, original_samples: Tensor, noise: Tensor, timesteps: Tensor) -> Tensor:
        """x_t for clean samples (B, ...) at timesteps (B,)."""
        shape = (-1, *[1] * (original_samples.ndim - 1))
        steps = timesteps.cpu()
        alpha, scale = self.alphas_cumprod[steps], self.signal_scales[steps]
        signal = (alpha.sqrt() * scale).reshape(shape).to(original_samples)
        spread = (1 - alpha).sqrt().reshape(shape).to(original_samples)
        return signal * original_samples + spread * noise

    def step(
        self,
        model_output: Tensor,
        timestep: int | Tensor,
        sample: Tensor,
        *,
        eta: float | None = None,
        generator: torch.Generator | list[torch.Generator] | None = None,
        variance_noise: Tensor | None = None,
        return_dict: bool = True,
    ) -> SchedulerOutput | tuple[Tensor]:
        """The sample one step less noisy; after the last step, the clean and unscaled one.

        Args:
            model_output: Predicted noise, of the sample's shape.
            timestep: The current one, of `timesteps`.
            sample: x_t.
            eta: Noise put back; by default the scheduler's own.
            generator: Source of that noise.
            variance_noise: That noise itself, unit variance.
            return_dict: Whether to wrap the result.
        """
        now = int(timestep)
        before = max(now - self._stride, 0)  # the last step ends at a_0, not at 1
        a, a_before = (float(self.alphas_cumprod[i]) for i in (now, before))
        rescale = float(self.signal_scales[before] / self.signal_scales[now])
        eta = self.config.eta if eta is None else eta
        sigma = eta * ((1 - a_before) / (1 - a) * (1 - a / a_before)) ** 0.5
        clean = (sample - (1 - a) ** 0.5 * model_output) / a**0.5 * rescale
        towards = (1 - a_before - sigma**2) ** 0.5 * model_output
        previous = a_before**0.5 * clean + towards
        if sigma > 0:
            if variance_noise is None:
                variance_noise = randn_tensor(
                    sample.shape, generator=generator, device=sample.device, dtype=sample.dtype
                )
            previous = previous + sigma * variance_noise
        return SchedulerOutput(prev_sample=previous) if return_dict else (previous,)

    def __len__(self) -> int:
        return int(self.config.num_train_timesteps)
