"""The scaled schedule and its sampler, against the reference's numbers."""

from __future__ import annotations

import inspect
import logging

import diffusers
import numpy as np
import pytest
import torch
from diffusers import DDIMScheduler

from mirabench.errors import InputError
from miradit import ScaledDDIMScheduler, load_denoiser
from miradit.schedule import forward_process, model_scale

PROBED = [0, 1, 21, 399, 400, 981, 999]


@pytest.mark.parametrize("scale_end", [0.3, 0.7])
def test_schedule_equals_the_reference(golden, scale_end):
    scheduler = ScaledDDIMScheduler(scale_end=scale_end)
    for name, ours in [
        ("alphas_cumprod", scheduler.alphas_cumprod),
        ("scale_arr", scheduler.signal_scales),
    ]:
        theirs = golden[f"schedule_{scale_end}/{name}"]
        np.testing.assert_allclose(ours.numpy()[PROBED], theirs, rtol=1e-6)


@pytest.mark.parametrize("eta", [0, 1])
@pytest.mark.parametrize(
    ("layout", "text_spatial", "out", "scale_end"),
    [("plain", False, 4, 0.3), ("text_spatial", True, 4, 0.7), ("out8", False, 8, 0.3)],
    ids=["plain", "text_spatial", "out8"],
)
def test_ten_steps_equal_the_reference(
    golden, reference_denoiser, rand, layout, text_spatial, out, scale_end, eta
):
    model = load_denoiser(reference_denoiser(out=out), text_spatial_cond=text_spatial, num_frames=5)
    scheduler = ScaledDDIMScheduler(scale_end=scale_end, eta=eta)
    scheduler.set_timesteps(10)
    x = rand("x_T", (2, 4, 5, 6, 10))
    with torch.no_grad():
        texts = [model.text_keys_values(rand(name, (2, 7, 24))) for name in ("text", "null")]
        for i, t in enumerate(scheduler.timesteps):
            asked, free = (model(x, t, [8, 24], text) for text in texts)
            noise = rand(f"step{i}", tuple(x.shape))
            step = scheduler.step(free + 3 * (asked - free), t, x, variance_noise=noise)
            x = step.prev_sample
    theirs = golden[f"{layout}/ddim_eta{eta}"]
    assert np.abs(x.numpy() - theirs).max() < 1e-4 * theirs.std()


def test_without_scaling_it_is_diffusers_ddim(rand):
    ours = ScaledDDIMScheduler(scale_end=1.0, eta=1.0)
    theirs = DDIMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        set_alpha_to_one=False,
        steps_offset=1,
    )
    ours.set_timesteps(50)
    theirs.set_timesteps(50)
    assert ours.timesteps.tolist() == theirs.timesteps.tolist()
    x, noise = rand("x", (1, 4, 2, 2, 2)), rand("noise", (1, 4, 2, 2, 2))
    for t in (981, 401, 1):
        a = ours.step(noise, t, x, variance_noise=noise).prev_sample
        b = theirs.step(noise, t, x, eta=1.0, variance_noise=noise).prev_sample
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5)


def test_the_true_noise_leads_back_to_the_unscaled_latent(rand):
    scheduler = ScaledDDIMScheduler(scale_end=0.3, eta=0.0)
    scheduler.set_timesteps(20)
    clean, noise = rand("clean", (1, 4, 2, 4, 4)), rand("noise", (1, 4, 2, 4, 4))
    x = scheduler.add_noise(clean, noise, scheduler.timesteps[:1])
    for t in scheduler.timesteps:
        x = scheduler.step(noise, t, x).prev_sample
    leftover = (1 - scheduler.alphas_cumprod[0]).sqrt()
    expected = scheduler.alphas_cumprod[0].sqrt() * clean + leftover * noise
    torch.testing.assert_close(x, expected.float(), rtol=0, atol=1e-5)


def test_signal_scale_is_a_ramp_and_then_flat():
    scales = ScaledDDIMScheduler(scale_end=0.7).signal_scales
    assert (scales[0], scales[399], scales[400], scales[999]) == (1.0, 0.7, 0.7, 0.7)
    assert scales[133] == pytest.approx(1 - 0.3 * 133 / 399)


@pytest.mark.parametrize(("asked", "length"), [(50, 50), (30, 31), (10, 10), (3, 3), (1, 1)])
def test_timesteps_are_the_references(asked, length):
    scheduler = ScaledDDIMScheduler()
    scheduler.set_timesteps(asked)
    assert len(scheduler.timesteps) == length
    assert scheduler.timesteps[-1] == 1
    assert scheduler.timesteps[0] < 1000


def test_scheduler_survives_saving(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(logging.getLogger("diffusers"), "propagate", True)
    ScaledDDIMScheduler(scale_end=0.7, eta=0.0).save_pretrained(tmp_path)
    with caplog.at_level(logging.WARNING, "diffusers"):
        again = ScaledDDIMScheduler.from_pretrained(tmp_path)
    assert not caplog.records, "a warning here would print a thousand numbers"
    assert (again.config.scale_end, again.config.eta) == (0.7, 0.0)


def test_no_steps_is_an_error():
    with pytest.raises(InputError, match="0 sampling steps"):
        ScaledDDIMScheduler().set_timesteps(0)


# diffusers' own, with numpy 2
OLD_NUMPY = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
OTHERS = [
    diffusers.DDIMScheduler,
    diffusers.DDPMScheduler,
    diffusers.DPMSolverMultistepScheduler,
    diffusers.EulerAncestralDiscreteScheduler,
    diffusers.EulerDiscreteScheduler,
    diffusers.HeunDiscreteScheduler,
    diffusers.LMSDiscreteScheduler,
    diffusers.PNDMScheduler,
    diffusers.UniPCMultistepScheduler,
]


def sampled(scheduler, clean, steps=50):
    """Sample with the exact denoiser of a world that has one clip, which sees x_t of our own process."""
    alphas, scales = forward_process(ScaledDDIMScheduler(scale_end=0.3).config)
    signal, spread = (alphas.sqrt() * scales).numpy(), (1 - alphas).sqrt().numpy()
    random = torch.Generator().manual_seed(0)
    scheduler.set_timesteps(steps)
    sample = torch.randn(clean.shape, generator=random) * scheduler.init_noise_sigma
    accepted = inspect.signature(scheduler.step).parameters
    for t in scheduler.timesteps:
        x = scheduler.scale_model_input(sample, t) * model_scale(scheduler, t)
        a, s = (np.interp(float(t), np.arange(1000), table) for table in (signal, spread))
        noise = ((x - a * clean) / s).float()
        more = {"generator": random} if "generator" in accepted else {}
        sample = scheduler.step(noise, t, sample, **more).prev_sample
    return sample


@OLD_NUMPY
@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_other_schedulers_carry_the_signal_scale(kind, rand):
    """Without it the network would see a signal up to three times too strong, and the clip washes out."""
    clean = rand("clean", (1, 4, 2, 4, 4))
    carried = sampled(kind.from_config(ScaledDDIMScheduler(scale_end=0.3).config), clean)
    leftover = (
        0.03 * 3.5
    )  # what DDIM leaves of the noise at its last timestep, and sampling's extremes
    assert (carried - clean).abs().max() < leftover


def test_ddim_made_from_ours_is_ours(rand):
    ours = ScaledDDIMScheduler(scale_end=0.3, eta=0.0)
    theirs = DDIMScheduler.from_config(ours.config)
    noises = [rand(f"n{i}", (1, 4, 2, 4, 4)) for i in range(10)]
    ends = []
    for scheduler in (ours, theirs):
        scheduler.set_timesteps(10)
        x = rand("x", (1, 4, 2, 4, 4)) / model_scale(scheduler, scheduler.timesteps[0])
        for t, noise in zip(scheduler.timesteps, noises, strict=True):
            x = scheduler.step(noise, t, x).prev_sample
        ends.append(x * model_scale(scheduler, 0))
    torch.testing.assert_close(*ends, rtol=1e-3, atol=1e-3)


def test_there_and_back_again_is_the_same_scheduler():
    ours = ScaledDDIMScheduler(scale_end=0.7, eta=0.0)
    back = ScaledDDIMScheduler.from_config(DDIMScheduler.from_config(ours.config).config)
    assert (back.config.scale_end, back.config.eta) == (0.7, 0.0)
    assert torch.equal(back.signal_scales, ours.signal_scales)


@pytest.mark.parametrize(
    "scheduler",
    [
        lambda config: DDIMScheduler(),
        lambda config: diffusers.EulerDiscreteScheduler(beta_schedule="scaled_linear"),
        lambda config: DDIMScheduler.from_config(config, trained_betas=None),
        lambda config: DDIMScheduler.from_config(config, prediction_type="v_prediction"),
        diffusers.FlowMatchEulerDiscreteScheduler.from_config,
    ],
    ids=["plain", "other betas", "betas dropped", "other prediction", "flow matching"],
)
def test_a_scheduler_of_another_process_is_refused(pipeline, scheduler):
    pipeline.scheduler = scheduler(pipeline.scheduler.config)
    with pytest.raises(InputError, match=r"from_config\(pipeline.scheduler.config\)"):
        pipeline("red ball", num_inference_steps=2)


@OLD_NUMPY
@pytest.mark.parametrize("kind", OTHERS, ids=lambda kind: kind.__name__)
def test_the_pipeline_runs_with_others(pipeline, kind):
    pipeline.scheduler = kind.from_config(pipeline.scheduler.config)
    frames = pipeline(
        "red ball", num_inference_steps=5, generator=torch.Generator().manual_seed(1)
    ).frames
    assert frames.shape == (1, 5, 32, 48, 3)


def test_the_network_sees_the_same_with_ddim_made_from_ours(pipeline, monkeypatch):
    noise = torch.randn(1, 4, 5, 4, 6, generator=torch.Generator().manual_seed(2))
    seen: list[torch.Tensor] = []
    forward = pipeline.denoiser.forward

    def spy(x, *how):
        seen.append(x)
        return 0.3 * forward(x, *how)

    monkeypatch.setattr(pipeline.denoiser, "forward", spy)
    how = {"num_inference_steps": 10, "guidance_scale": 1.0, "output_type": "latent"}
    pipeline.scheduler = ScaledDDIMScheduler.from_config(pipeline.scheduler.config, eta=0.0)
    pipeline("red ball", latents=noise, **how)
    ours, seen[:] = list(seen), []
    pipeline.scheduler = DDIMScheduler.from_config(pipeline.scheduler.config)
    pipeline("red ball", latents=noise / model_scale(pipeline.scheduler, 901), **how)
    assert len(seen) == len(ours) == 10
    for step, (mine, theirs) in enumerate(zip(ours, seen, strict=True)):
        torch.testing.assert_close(
            theirs, mine, rtol=0, atol=float(0.01 * mine.std()), msg=f"{step}"
        )


def test_a_foreign_configuration_does_not_change_the_process():
    ours = ScaledDDIMScheduler(scale_end=0.7)
    other = ScaledDDIMScheduler.from_config(
        ours.config, trained_betas=[0.5] * 1000, prediction_type="v_prediction"
    )
    assert other.config.trained_betas == ours.config.trained_betas
    assert other.config.prediction_type == "epsilon"
