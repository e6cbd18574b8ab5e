"""The pipeline: the same clip from the same seed, by every road, and errors that help."""

from __future__ import annotations

import logging

import numpy as np
import pytest
import torch

from mirabench.errors import InputError, MirabenchError
from miradit.pipeline import MiraDiTPipeline, OutOfMemoryError, to_uint8

STEPS = 4


def seed(number: int = 3) -> torch.Generator:
    return torch.Generator().manual_seed(number)


@pytest.fixture
def generate(pipeline):
    return lambda prompt="red ball", **how: (
        pipeline(prompt, **{"num_inference_steps": STEPS, "generator": seed(), **how}).frames
    )


def test_frames_are_uint8_rgb_of_the_nominal_size(generate):
    frames = generate(["red ball", "blue square"])
    assert (frames.shape, frames.dtype) == ((2, 5, 32, 48, 3), np.uint8)
    assert frames.std() > 1


def test_same_seed_same_clip_and_other_seed_other_clip(generate):
    assert np.array_equal(generate(), generate())
    assert not np.array_equal(generate(), generate(generator=seed(4)))


def test_prompt_and_frame_rate_matter(generate):
    base = generate(output_type="latent")
    assert not torch.allclose(base, generate("blue square", output_type="latent"))
    assert not torch.allclose(base, generate(fps=24, output_type="latent"))


def test_one_pass_or_two_give_the_same_latents(generate):
    batched = generate(output_type="latent")
    apart = generate(output_type="latent", batched_guidance=False)
    torch.testing.assert_close(batched, apart, rtol=1e-4, atol=1e-4)


def test_pipeline_is_the_sampling_loop_written_out(pipeline, generate):
    latents = torch.randn(1, 4, 5, 4, 6, generator=seed())
    text, empty = pipeline.encode_prompt("red ball")
    scheduler, x = pipeline.scheduler, latents
    scheduler.set_timesteps(STEPS)
    noise = seed(9)
    with torch.no_grad():
        for t in scheduler.timesteps:
            asked, free = (pipeline.denoiser(x, t, 8, part) for part in (text, empty))
            guided = free + 12 * (asked - free)
            x = scheduler.step(guided, t, x, generator=noise).prev_sample
    ours = generate(latents=latents, generator=seed(9), output_type="latent")
    torch.testing.assert_close(ours, x, rtol=1e-4, atol=1e-3)


def test_guidance_of_one_ignores_the_empty_prompt(pipeline, generate):
    text, empty = pipeline.encode_prompt("red ball")
    clips = [
        generate(None, prompt_embeds=(text, other), guidance_scale=1, output_type="latent")
        for other in (empty, empty + 5)
    ]
    assert torch.equal(*clips)


def test_encoded_prompts_need_no_text_encoder(pipeline, generate):
    with_encoder = generate()
    encoded = pipeline.encode_prompt("red ball")
    pipeline.text_encoder = None
    assert np.array_equal(generate(None, prompt_embeds=encoded), with_encoder)
    with pytest.raises(InputError, match="no text encoder"):
        generate("red ball")


def test_a_saved_pipeline_gives_the_same_clip(pipeline, generate, tmp_path):
    expected = generate()
    pipeline.save_pretrained(tmp_path)
    again = MiraDiTPipeline.from_pretrained(tmp_path)
    again.set_progress_bar_config(disable=True)
    frames = again("red ball", num_inference_steps=STEPS, generator=seed()).frames
    assert np.array_equal(frames, expected)


def test_half_precision_stays_close(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    half = MiraDiTPipeline.from_pretrained(tmp_path).to(torch.bfloat16)
    half.set_progress_bar_config(disable=True)
    how = {"num_inference_steps": STEPS, "guidance_scale": 2.0, "output_type": "latent"}
    rough = half("red ball", generator=seed(), **how).frames
    exact = pipeline("red ball", generator=seed(), **how).frames
    assert half.denoiser.dtype == torch.bfloat16
    assert rough.dtype == torch.float32
    assert (rough - exact).abs().mean() < 0.05 * exact.std()


def test_callback_sees_every_step(generate):
    seen = []
    generate(callback=lambda i, t, x: seen.append((i, t, tuple(x.shape))))
    assert [(i, t) for i, t, _ in seen] == [(0, 751), (1, 501), (2, 251), (3, 1)]
    assert seen[0][2] == (1, 4, 5, 4, 6)


def test_a_long_prompt_warns(generate, caplog):
    with caplog.at_level(logging.WARNING):
        generate("red " * 100)
    assert "cut: 'red red" in caplog.text


@pytest.mark.parametrize(
    ("how", "message"),
    [
        ({"num_frames": 7}, r"7 frames.*table has 5.*flexible_frames=True"),
        ({"height": 30}, "30x48 pixels: both must be multiples of 16"),
        ({"output_type": "pil"}, "choose 'uint8' or 'latent'"),
        ({"latents": torch.zeros(1, 4, 5, 4, 4)}, "latents are"),
        ({"prompt": None}, "either a prompt or prompt_embeds"),
        ({"num_inference_steps": 0}, "0 sampling steps"),
    ],
    ids=["frames", "size", "output", "latents", "nothing", "steps"],
)
def test_bad_input_says_what_to_do(generate, how, message):
    with pytest.raises(InputError, match=message):
        generate(**how)


def test_out_of_memory_names_the_option(pipeline, generate, monkeypatch):
    def exhausted(*_, **__):
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9 GiB")

    monkeypatch.setattr(pipeline.vae, "decode", exhausted)
    with pytest.raises(OutOfMemoryError, match=r"while decoding.*smaller decode_chunk"):
        generate()
    monkeypatch.setattr(pipeline.denoiser, "forward", exhausted)
    with pytest.raises(OutOfMemoryError, match=r"while denoising.*batched_guidance=False"):
        generate()


def test_flexible_frames_generate_longer_clips(pipeline, generate):
    pipeline.denoiser.register_to_config(flexible_frames=True)
    assert generate(num_frames=7).shape == (1, 7, 32, 48, 3)


def test_pixels_are_rounded_to_bytes():
    pixels = torch.tensor([-2.0, -1.0, 0.0, 1.0, 2.0]).reshape(1, 1, 5, 1, 1).expand(1, 3, 5, 1, 1)
    assert to_uint8(pixels)[0, :, 0, 0, 0].tolist() == [0, 0, 128, 255, 255]


def test_pixels_that_are_no_numbers_are_an_error():
    with pytest.raises(MirabenchError, match="NaN pixels"):
        to_uint8(torch.full((1, 3, 1, 2, 2), float("nan")))
