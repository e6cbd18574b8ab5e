"""Conversion of synthetic files in the released layout: full key count, small width."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from typer.testing import CliRunner

from mirabench.errors import InputError, WeightsError
from mirabench.weights import card
from miradit.checkpoint import SCHEDULE_BUFFERS, Checkpoint, Entry, convert, write_safetensors
from miradit.cli import app, describe_release
from miradit.pipeline import MiraDiTPipeline
from miradit.registry import RELEASES

RELEASE = RELEASES["384-v0"]


@pytest.fixture
def released(reference_denoiser, reference_vae, reference_t5):
    """Every tensor of a released file, 28 + 28 layers, at width 16 and in half precision."""
    parts = {
        "model.diffusion_model.": reference_denoiser(layers=28, width=16, text=16),
        "first_stage_model.": reference_vae(base=32),
        "cond_stage_model.transformer.": reference_t5(layers=24, width=16),
    }
    tensors = {p + key: value.half() for p, part in parts.items() for key, value in part.items()}
    return tensors | {name: torch.zeros(1000) for name in SCHEDULE_BUFFERS}


@pytest.fixture
def released_file(released, tmp_path):
    path = tmp_path / "384-v0.pt"
    torch.save({"module": {"_forward_module." + k: v for k, v in released.items()}}, path)
    return path


def test_the_synthetic_file_has_the_released_key_counts(released):
    counts = {
        prefix: sum(key.startswith(prefix) for key in released)
        for prefix in ("model.", "first_stage_model.", "cond_stage_model.")
    }
    assert counts == {"model.": 971, "first_stage_model.": 372, "cond_stage_model.": 220}
    assert len(released) == 971 + 372 + 220 + 13


def test_converted_folder_is_a_pipeline_with_the_same_weights(
    released_file, released, tokenizer, tmp_path
):
    convert(released_file, tmp_path / "out", RELEASE, tokenizer=tokenizer)
    pipeline = MiraDiTPipeline.from_pretrained(tmp_path / "out")
    assert (pipeline.config.height, pipeline.config.width) == (240, 384)
    assert pipeline.scheduler.config.scale_end == 0.7
    assert pipeline.denoiser.config.text_spatial_cond
    assert pipeline.denoiser.config.num_frames == 60
    denoiser = pipeline.denoiser.state_dict()
    for key, value in denoiser.items():
        assert torch.equal(value, released["model.diffusion_model." + key].float())
    embedding = released["cond_stage_model.transformer.shared.weight"].float()
    assert torch.equal(pipeline.text_encoder.get_input_embeddings().weight.detach(), embedding)
    query = pipeline.vae.decoder.mid_block.attentions[0].to_q.weight
    expected = released["first_stage_model.decoder.mid.attn_1.q.weight"].float()
    assert torch.equal(query.detach(), expected[:, :, 0, 0])


def test_converted_pipeline_generates(released_file, tokenizer, tmp_path):
    convert(released_file, tmp_path / "out", RELEASE, tokenizer=tokenizer)
    pipeline = MiraDiTPipeline.from_pretrained(tmp_path / "out")
    pipeline.set_progress_bar_config(disable=True)
    pipeline.denoiser.register_to_config(flexible_frames=True)
    clip = pipeline("red ball", num_frames=3, height=16, width=32, num_inference_steps=1)
    assert clip.frames.shape == (1, 3, 16, 32, 3)
    assert clip.frames.dtype == np.uint8


@pytest.mark.parametrize("container", ["module", "state_dict", "bare"])
def test_container_forms_give_the_same_tensors(released, tmp_path, container):
    tensors = dict(list(released.items())[::40])
    content = {
        "module": {"module": {"_forward_module." + k: v for k, v in tensors.items()}, "step": 3},
        "state_dict": {"state_dict": tensors, "epoch": 1},
        "bare": tensors,
    }[container]
    torch.save(content, tmp_path / "x.pt")
    checkpoint = Checkpoint(tmp_path / "x.pt", map_bytes=100)
    assert checkpoint.shapes == {k: tuple(v.shape) for k, v in tensors.items()}
    assert all(torch.equal(checkpoint.read(k), v) for k, v in tensors.items())


def test_a_bare_denoiser_converts_alone(reference_denoiser, tmp_path):
    weights = reference_denoiser() | {"temp_pos_embed": torch.zeros(1, 60, 32)}
    torch.save({"ema": weights}, tmp_path / "384-v0.pt")
    convert(tmp_path / "384-v0.pt", tmp_path / "out", RELEASE, denoiser_only=True)
    stored = load_file(tmp_path / "out/denoiser/diffusion_pytorch_model.safetensors")
    assert stored.keys() == weights.keys() - {"temp_pos_embed"}
    with pytest.raises(WeightsError, match=r"holds no vae.*--denoiser-only"):
        convert(tmp_path / "384-v0.pt", tmp_path / "out", RELEASE)


def test_options_are_stored_in_the_metadata_and_dtype_is_converted(released_file, tmp_path):
    convert(released_file, tmp_path / "out", RELEASE, dtype=torch.bfloat16)
    with safe_open(
        tmp_path / "out/denoiser/diffusion_pytorch_model.safetensors", framework="pt"
    ) as file:
        told = file.metadata()
        assert file.get_tensor("scale_shift_table").dtype == torch.bfloat16
    assert (told["release"], told["text_spatial_cond"], told["scale_end"]) == (
        "384-v0",
        "true",
        "0.7",
    )
    index = json.loads((tmp_path / "out/model_index.json").read_text())
    assert index["denoiser"] == ["miradit.transformer", "MiraDiT"]


def test_streamed_safetensors_read_back_exactly(tmp_path, rand):
    tensors = {"a": rand("a", (3, 5)), "b": rand("b", (7,)).half(), "c": torch.tensor(2.0)}
    entries = [Entry(k, tuple(v.shape), v.dtype, (v,)) for k, v in tensors.items()]
    write_safetensors(tmp_path / "x.safetensors", entries, {"format": "pt"})
    stored = load_file(tmp_path / "x.safetensors")
    assert all(torch.equal(stored[k], v) for k, v in tensors.items())
    assert [p.name for p in tmp_path.iterdir()] == ["x.safetensors"]


def _without(tensors, part):
    return {k: v for k, v in tensors.items() if part not in k}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda t: _without(t, "blocks.27.attn2.to_q.bias"), "denoiser: 1 missing"),
        (lambda t: _without(t, "decoder.conv_out.time_mix_conv"), "vae: 2 missing"),
        (lambda t: _without(t, "block.23.layer.1.layer_norm"), "text encoder: 1 missing"),
        (lambda t: t | {"model_ema.decay": torch.zeros(1)}, r"1 keys belong to no part.*model_ema"),
        (lambda t: t | {"first_stage_model.loss.w": torch.zeros(1)}, "vae: 1 unexpected"),
        (
            lambda t: t | {"first_stage_model.encoder.conv_out.bias": torch.zeros(9).half()},
            r"conv_out.bias \[9\] instead of \[8\]",
        ),
        (
            lambda t: t | {"model.diffusion_model.proj_out.bias": torch.zeros(16).to(torch.int8)},
            "torch.int8.*not quantised",
        ),
    ],
    ids=["denoiser", "vae", "t5", "ema", "loss", "shape", "int8"],
)
def test_every_key_is_explained_or_it_fails(released, tmp_path, damage, message):
    torch.save(damage(released), tmp_path / "384-v0.pt")
    with pytest.raises(WeightsError, match=message):
        convert(tmp_path / "384-v0.pt", tmp_path / "out", RELEASE)
    assert not (tmp_path / "out").exists()


def test_a_file_of_another_release_is_noticed(released_file, tmp_path):
    with pytest.raises(WeightsError, match="puts out 4 channels, 768-v1-5s has 8"):
        convert(released_file, tmp_path / "out", RELEASES["768-v1-5s"])


def test_a_truncated_file_says_so(released_file, tmp_path):
    whole = released_file.read_bytes()
    released_file.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(WeightsError, match=f"truncated: it ends after {len(whole) // 2} bytes"):
        convert(released_file, tmp_path / "out", RELEASE)


def test_other_files_are_refused_without_running_them(tmp_path):
    (tmp_path / "text.pt").write_text("hello")
    with pytest.raises(WeightsError, match="not a zipped PyTorch checkpoint"):
        Checkpoint(tmp_path / "text.pt")
    torch.save({"module": Dangerous()}, tmp_path / "code.pt")
    with pytest.raises(WeightsError, match="holds more than tensors"):
        Checkpoint(tmp_path / "code.pt")
    torch.save([torch.zeros(1)], tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="holds a list"):
        Checkpoint(tmp_path / "list.pt")
    with pytest.raises(WeightsError, match="No such file"):
        Checkpoint(tmp_path / "absent.pt")


class Dangerous:
    def __reduce__(self):
        return (exec, ("raise SystemExit('the pickle was run')",))


def test_every_release_has_a_weight_card():
    for release in RELEASES.values():
        assert card(release.card).filename == f"{release.name}.pt"


def test_an_unknown_file_name_asks_for_what_weights_cannot_tell():
    with pytest.raises(InputError, match=r"do not tell height, width.*--release"):
        describe_release(
            "mine", {"num_frames": 8, "scale_end": 0.3, "text_spatial_cond": False, "height": None}
        )
    told = {
        "num_frames": 8,
        "height": 16,
        "width": 16,
        "scale_end": 0.3,
        "text_spatial_cond": False,
    }
    assert describe_release("mine", told).num_frames == 8
    assert describe_release("128-v0", {"num_frames": 16}).num_frames == 16


def test_command_line_converts(released_file, tmp_path):
    result = CliRunner().invoke(
        app,
        ["convert", str(released_file), str(tmp_path / "out"), "--tokenizer", ""],
        catch_exceptions=False,
    )
    assert result.exit_code == 0
    assert (tmp_path / "out" / "model_index.json").is_file()
