"""The denoiser: equal to the reference and to diffusers' Latte; masks, flexible lengths, errors."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import LatteTransformer3DModel

from mirabench.errors import InputError, WeightsError
from miradit import load_denoiser

LAYOUTS = pytest.mark.parametrize(
    ("layout", "text_spatial", "out"),
    [("plain", False, 4), ("text_spatial", True, 4), ("out8", False, 8)],
    ids=["plain", "text_spatial", "out8"],
)
FPS = [8, 24]


@pytest.fixture
def inputs(rand):
    return {
        "x": rand("x", (2, 4, 5, 6, 10)),
        "t": torch.tensor([981, 41]),
        "fps": FPS,
        "text": rand("text", (2, 7, 24)),
    }


@pytest.fixture
def model(reference_denoiser):
    return load_denoiser(reference_denoiser(), text_spatial_cond=False, num_frames=5)


@LAYOUTS
def test_noise_equals_the_reference(golden, reference_denoiser, inputs, layout, text_spatial, out):
    model = load_denoiser(reference_denoiser(out=out), text_spatial_cond=text_spatial, num_frames=5)
    with torch.no_grad():
        noise = model(**inputs)
    np.testing.assert_allclose(noise.numpy(), golden[f"{layout}/noise"], rtol=0, atol=1e-5)


@LAYOUTS
def test_text_keys_of_the_prompt_give_the_same_noise(
    reference_denoiser, inputs, layout, text_spatial, out
):
    model = load_denoiser(reference_denoiser(out=out), text_spatial_cond=text_spatial, num_frames=5)
    with torch.no_grad():
        direct = model(**inputs)
        once = model(**inputs | {"text": model.text_keys_values(inputs["text"])})
    torch.testing.assert_close(once, direct, rtol=0, atol=1e-6)


def test_noise_equals_lattes_when_the_frame_rate_says_nothing(reference_denoiser, inputs):
    weights = reference_denoiser()
    for key in weights:
        if "fps_embedder.linear_2" in key:
            weights[key] = torch.zeros_like(weights[key])
    latte = LatteTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=16,
        in_channels=4,
        out_channels=4,
        num_layers=2,
        cross_attention_dim=32,
        attention_bias=True,
        sample_size=64,
        patch_size=2,
        activation_fn="gelu-approximate",
        norm_type="ada_norm_single",
        norm_elementwise_affine=False,
        norm_eps=1e-6,
        caption_channels=24,
        video_length=5,
    )
    latte.load_state_dict({k: v for k, v in weights.items() if "fps_embedder" not in k})
    model = load_denoiser(weights, text_spatial_cond=False, num_frames=5)
    with torch.no_grad():
        ours = model(**inputs)
        theirs = latte(inputs["x"], inputs["t"], inputs["text"]).sample
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-5)


def test_frame_rate_changes_the_noise_and_is_truncated_to_integers(model, inputs):
    with torch.no_grad():
        at_8, at_24, at_8_and_a_bit = (model(**inputs | {"fps": f}) for f in (8, 24, 8.9))
    assert (at_8 - at_24).abs().max() > 1e-3
    assert torch.equal(at_8, at_8_and_a_bit)


@pytest.mark.parametrize("text_spatial", [False, True])
def test_padding_changes_nothing_for_the_clip_inside(reference_denoiser, rand, text_spatial):
    model = load_denoiser(
        reference_denoiser(),
        text_spatial_cond=text_spatial,
        num_frames=5,
        flexible_frames=True,
    )
    text, size = rand("text", (2, 7, 24)), (3, 4, 8)
    small = rand("small", (1, 4, *size))
    batch = rand("garbage", (2, 4, 5, 6, 10)) * 9
    batch[0, :, :3, :4, :8] = small[0]
    extent = torch.tensor([size, (5, 6, 10)])
    with torch.no_grad():
        alone = model(small, 41, 8, text[:1])
        padded = model(batch, 41, 8, text, extent)
        whole = model(batch[1:], 41, 8, text[1:])
    assert torch.isfinite(padded).all()
    torch.testing.assert_close(padded[:1, :, :3, :4, :8], alone, rtol=0, atol=2e-6)
    torch.testing.assert_close(padded[1:], whole, rtol=0, atol=2e-6)


def test_a_longer_clip_needs_the_flexible_table(reference_denoiser, inputs, model):
    longer = torch.cat([inputs["x"]] * 2, dim=2)
    with pytest.raises(InputError, match=r"10 frames.*table has 5.*flexible_frames=True"):
        model(**inputs | {"x": longer})
    model = load_denoiser(
        reference_denoiser(), text_spatial_cond=False, num_frames=5, flexible_frames=True
    )
    assert model(**inputs | {"x": longer}).shape == longer.shape


def test_gradient_checkpointing_changes_no_gradient(reference_denoiser, inputs):
    gradients = []
    for checkpointing in (False, True):
        model = load_denoiser(reference_denoiser(), text_spatial_cond=True, num_frames=5)
        if checkpointing:
            model.enable_gradient_checkpointing()
        model.train()
        model(**inputs).square().mean().backward()
        gradients.append({k: p.grad for k, p in model.named_parameters()})
    assert all(torch.equal(g, gradients[1][k]) for k, g in gradients[0].items())


def test_a_saved_denoiser_is_the_same(model, inputs, tmp_path):
    model.save_pretrained(tmp_path)
    again = type(model).from_pretrained(tmp_path)
    with torch.no_grad():
        assert torch.equal(model(**inputs), again(**inputs))


def test_shape_is_inferred_at_any_width(reference_denoiser):
    model = load_denoiser(
        reference_denoiser(layers=3, width=144, text=40, out=8),
        text_spatial_cond=False,
        num_frames=7,
    )
    found = {k: model.config[k] for k in ("num_layers", "num_attention_heads", "out_channels")}
    assert found == {"num_layers": 3, "num_attention_heads": 2, "out_channels": 8}
    assert (model.config.attention_head_dim, model.config.caption_channels) == (72, 40)


def test_half_precision_weights_become_float(reference_denoiser):
    half = {k: v.half() for k, v in reference_denoiser().items()}
    assert load_denoiser(half, text_spatial_cond=False, num_frames=5).dtype == torch.float32


def _other_model(weights):
    return {"conv1.weight": torch.zeros(3), "fc.bias": torch.zeros(2)}


def _missing(weights):
    return {k: v for k, v in weights.items() if k != "proj_out.bias"}


def _unexpected(weights):
    return weights | {"lora.up": torch.zeros(1)}


def _other_shape(weights):
    return weights | {"scale_shift_table": torch.zeros(2, 33)}


def _quantised(weights):
    return weights | {"proj_out.bias": weights["proj_out.bias"].to(torch.int8)}


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (_other_model, "not MiraDiT's weights"),
        (_missing, r"1 missing \(proj_out.bias\)"),
        (_unexpected, r"1 unexpected \(lora.up\)"),
        (_other_shape, r"scale_shift_table \[2, 33\] instead of \[2, 32\]"),
        (_quantised, r"proj_out.bias is torch.int8.*not quantised"),
    ],
    ids=["other_model", "missing", "unexpected", "other_shape", "quantised"],
)
def test_wrong_parameters_are_explained(reference_denoiser, damage, message):
    with pytest.raises(WeightsError, match=message):
        load_denoiser(damage(reference_denoiser()), text_spatial_cond=False, num_frames=5)


def test_odd_sizes_are_refused_in_pixels(model, inputs):
    with pytest.raises(InputError, match="multiples of 16"):
        model(**inputs | {"x": inputs["x"][..., :9]})
