"""The pipeline: the same clip from the same seed, by every road, and errors that help."""

from __future__ import annotations

import logging

import diffusers
import numpy as np
import pytest
import torch
from peft import LoraConfig
from safetensors.torch import load_file

from mirabench.errors import InputError, MirabenchError
from mirabench.generators.diffusers import Diffusers
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video
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
        ({"output_type": "gif"}, "choose one of 'uint8', 'np'"),
        ({"latents": torch.zeros(1, 4, 5, 4, 4)}, "latents are"),
        ({"prompt": None}, "either a prompt or prompt_embeds"),
        ({"num_inference_steps": 0}, "0 sampling steps"),
        ({"prompt": []}, "there is no prompt"),
        ({"num_frames": 0}, "num_frames = 0: a clip has at least 1 frame"),
        ({"num_frames": -3}, "num_frames = -3"),
        ({"height": 0}, "0x48 pixels"),
        ({"width": -16}, "32x-16 pixels"),
        ({"fps": 0}, "fps = 0: a frame rate is above 0"),
        ({"fps": -8}, "fps = -8"),
        ({"fps": [8, 8]}, "2 frame rates for 1 prompts"),
        ({"fps": []}, "0 frame rates for 1 prompts"),
        ({"num_videos_per_prompt": 0}, "num_videos_per_prompt = 0"),
        ({"negative_prompt": ["red", "blue"]}, "2 negative prompts for 1 prompts"),
        ({"generator": [seed(1), seed(2)]}, "2 generators for 1 clips"),
        ({"callback_on_step_end_tensor_inputs": ["noise"]}, "only 'latents' can be given"),
    ],
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


def test_a_negative_prompt_takes_the_place_of_the_empty_one(pipeline, generate):
    plain = generate(output_type="latent")
    assert torch.equal(generate(negative_prompt="", output_type="latent"), plain)
    away = generate(negative_prompt="blue square", output_type="latent")
    assert not torch.allclose(away, plain)
    text, _ = pipeline.encode_prompt("red ball")
    other, _ = pipeline.encode_prompt("blue square")
    given = generate(None, prompt_embeds=text, negative_prompt_embeds=other, output_type="latent")
    assert torch.equal(given, away)
    assert torch.equal(generate(None, prompt_embeds=text, output_type="latent"), plain)


def test_clips_of_a_prompt_follow_one_another(generate):
    """As in diffusers: a, a, b, b; the noise runs through the whole batch."""
    four = generate(["red ball", "blue square"], num_videos_per_prompt=2, fps=[8, 24])
    listed = generate(["red ball", "red ball", "blue square", "blue square"], fps=[8, 8, 24, 24])
    assert four.shape[0] == 4
    assert np.array_equal(four, listed)
    assert not np.array_equal(four[0], four[1])


def test_a_callback_at_the_end_of_a_step_may_change_the_latents(pipeline, generate):
    seen = []

    def halve(pipe, index, timestep, tensors):
        seen.append((pipe is pipeline, index, int(timestep), sorted(tensors)))
        return {"latents": tensors["latents"] * (0.0 if index == STEPS - 1 else 1.0)}

    latents = generate(callback_on_step_end=halve, output_type="latent")
    assert not latents.any()
    assert seen == [(True, i, t, ["latents"]) for i, t in enumerate((751, 501, 251, 1))]


def test_output_types_hold_the_same_clip(generate):
    pixels = generate()
    floats, tensor, images = (generate(output_type=kind) for kind in ("np", "pt", "pil"))
    assert (floats.dtype, floats.shape) == (np.float32, pixels.shape)
    assert np.abs(floats * 255 - pixels).max() <= 0.51
    assert tensor.shape == (1, 5, 3, 32, 48)
    np.testing.assert_allclose(tensor.permute(0, 1, 3, 4, 2).numpy(), floats, atol=1e-6)
    assert np.abs(np.asarray(images[0][2]).astype(int) - pixels[0, 2]).max() <= 1


def test_a_tuple_when_asked(pipeline, generate):
    (frames,) = pipeline("red ball", num_inference_steps=STEPS, generator=seed(), return_dict=False)
    assert np.array_equal(frames, generate())


def test_diffusers_loads_the_folder(pipeline, generate, tmp_path):
    expected = generate()
    pipeline.save_pretrained(tmp_path)
    again = diffusers.DiffusionPipeline.from_pretrained(tmp_path)
    again.set_progress_bar_config(disable=True)
    assert type(again) is MiraDiTPipeline
    frames = again("red ball", num_inference_steps=STEPS, generator=seed()).frames
    assert np.array_equal(frames, expected)


def test_the_generator_diffusers_runs_the_folder(pipeline, tmp_path, monkeypatch):
    pipeline.save_pretrained(tmp_path / "model")
    monkeypatch.delattr(diffusers, "MiraDiTPipeline")  # as where nothing has imported it yet
    made = Diffusers(str(tmp_path / "model"), fps=8, dtype="float32", device="cpu", steps=2)
    made.generate(Prompt("a", "red ball"), seed=3, output=tmp_path / "a.mp4")
    assert open_video(tmp_path / "a.mp4").info.num_frames == 5


def test_a_pipeline_that_no_installed_package_has_is_said(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path)
    index = tmp_path / "model_index.json"
    index.write_text(index.read_text().replace("MiraDiTPipeline", "OtherPipeline"))
    with pytest.raises(InputError, match="is a OtherPipeline, which neither diffusers nor"):
        Diffusers(str(tmp_path), fps=8).generate(
            Prompt("a", "a"), seed=0, output=tmp_path / "a.mp4"
        )


class TestLora:
    @pytest.fixture
    def weights(self, pipeline, tmp_path):
        """Low-rank weights of every attention, saved; the pipeline without them."""
        config = LoraConfig(r=2, lora_alpha=8, target_modules=["to_q", "to_k", "to_v", "to_out.0"])
        pipeline.denoiser.add_adapter(config)
        for name, value in pipeline.denoiser.named_parameters():
            if "lora_B" in name:
                torch.nn.init.normal_(value, std=0.5, generator=seed(8))
        pipeline.save_lora_weights(tmp_path / "lora")
        with_them = pipeline("red ball", num_inference_steps=STEPS, generator=seed()).frames
        pipeline.unload_lora_weights()
        return tmp_path / "lora", with_them

    def test_saved_weights_load_and_unload(self, pipeline, generate, weights):
        folder, with_them = weights
        plain = generate()
        assert not np.array_equal(plain, with_them)
        pipeline.load_lora_weights(folder, adapter_name="style")
        assert pipeline.get_active_adapters() == ["style"]
        assert np.array_equal(generate(), with_them)
        pipeline.unload_lora_weights()
        assert np.array_equal(generate(), plain)

    def test_a_file_and_tensors_load_too(self, pipeline, generate, weights):
        folder, with_them = weights
        [file] = folder.glob("*.safetensors")
        for source in (file, load_file(file)):
            pipeline.load_lora_weights(source)
            # tensors alone do not carry lora_alpha: twice the rank is then its default's half
            same = np.array_equal(generate(), with_them)
            assert same or isinstance(source, dict)
            pipeline.unload_lora_weights()

    def test_fused_weights_need_no_adapter(self, pipeline, generate, weights):
        folder, with_them = weights
        pipeline.load_lora_weights(folder)
        pipeline.fuse_lora(components=["denoiser"])
        pipeline.unload_lora_weights()
        assert np.abs(generate().astype(int) - with_them).mean() < 0.5

    def test_weights_of_another_model_are_refused(self, pipeline, generate, weights):
        plain = generate()
        foreign = {"transformer.blocks.0.attn.to_q.lora_A.weight": torch.zeros(2, 32)}
        for tensors in ({"unet.x.lora_A.weight": torch.zeros(2, 2)}, foreign):
            with pytest.raises(InputError, match="no LoRA weights for this model"):
                pipeline.load_lora_weights(tensors)
        assert np.array_equal(generate(), plain)

    def test_nothing_to_save_is_said(self, pipeline, tmp_path):
        with pytest.raises(InputError, match="no LoRA weights 'default'"):
            pipeline.save_lora_weights(tmp_path)
