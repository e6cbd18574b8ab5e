"""The autoencoder: equal to the reference, and decoded without seams."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLTemporalDecoder

from mirabench.errors import InputError
from miradit.vae import (
    decode_clip,
    diffusers_name,
    diffusers_tensor,
    encode_clip,
    infer_vae_config,
    quant_conv,
    windows,
)


@pytest.fixture
def vae(reference_vae):
    named = {diffusers_name(k): v for k, v in reference_vae().items()}
    named = {k: diffusers_tensor(k, v) for k, v in named.items()}
    config = infer_vae_config({k: tuple(v.shape) for k, v in named.items()})
    model = AutoencoderKLTemporalDecoder(**config)
    model.load_state_dict(named | quant_conv(4, torch.float32), strict=True)
    return model.eval()


@pytest.fixture
def twenty_frames(rand):
    latents = rand("latent20", (20, 4, 2, 2)).reshape(1, 20, 4, 2, 2)
    return latents.permute(0, 2, 1, 3, 4) * 0.18215


def test_encoding_equals_the_reference(golden, vae, rand):
    with torch.no_grad():
        moments = vae.encode(rand("pixels", (3, 3, 16, 24), 0.5)).latent_dist.parameters
    np.testing.assert_allclose(moments.numpy(), golden["vae/moments"], rtol=0, atol=2e-5)


def test_decoding_equals_the_reference(golden, vae, rand):
    with torch.no_grad():
        pixels = vae.decode(rand("latent", (3, 4, 2, 3)), num_frames=3).sample
    np.testing.assert_allclose(pixels.numpy(), golden["vae/decoded"], rtol=0, atol=5e-5)


def test_decoding_in_tens_equals_the_reference(golden, vae, twenty_frames):
    pixels = decode_clip(vae, twenty_frames, chunk=10, overlap=0)[..., ::4, ::4]
    np.testing.assert_allclose(pixels.numpy(), golden["vae/decoded_in_tens"], rtol=0, atol=5e-5)


def test_overlapping_windows_leave_no_seam(vae, twenty_frames):
    whole = decode_clip(vae, twenty_frames, chunk=20, overlap=0)
    cut, faded = (
        (decode_clip(vae, twenty_frames, chunk=chunk, overlap=overlap) - whole)
        .abs()
        .mean(dim=(0, 1, 3, 4))
        for chunk, overlap in ((10, 0), (12, 8))
    )
    assert cut[9:11].mean() > 4 * cut[:5].mean()  # the seam that the reference shows
    assert faded[9:11].mean() < 2 * faded[:5].mean()


def test_a_decoder_that_ignores_time_is_decoded_exactly(vae, twenty_frames):
    for name, parameter in vae.decoder.named_parameters():
        if name.endswith("mix_factor"):  # its sigmoid weights the temporal branch
            torch.nn.init.constant_(parameter, -30.0)
    torch.nn.init.dirac_(vae.decoder.time_conv_out.weight)
    whole = decode_clip(vae, twenty_frames, chunk=20, overlap=0)
    faded = decode_clip(vae, twenty_frames, chunk=7, overlap=3)
    torch.testing.assert_close(faded, whole, rtol=0, atol=1e-5)


@pytest.mark.parametrize("frames", [1, 7, 10, 11, 23, 60, 120])
@pytest.mark.parametrize(("chunk", "overlap"), [(10, 0), (16, 8), (14, 4), (7, 6)])
def test_windows_cover_every_frame(frames, chunk, overlap):
    spans = windows(frames, chunk, overlap)
    assert {i for start, stop in spans for i in range(start, stop)} == set(range(frames))
    assert all(stop - start <= chunk for start, stop in spans)


def test_encoding_a_clip_scales_its_latents(vae, rand):
    pixels = rand("clip", (2, 3, 3, 16, 16), 0.5)
    one = encode_clip(vae, pixels, generator=torch.Generator().manual_seed(1), chunk=2)
    again = encode_clip(vae, pixels, generator=torch.Generator().manual_seed(1), chunk=2)
    assert one.shape == (2, 4, 3, 2, 2)
    assert torch.equal(one, again)
    mean = vae.encode(pixels[:, :, 0]).latent_dist.mode() * 0.18215
    spread = vae.encode(pixels[:, :, 0]).latent_dist.std * 0.18215
    assert ((one[:, :, 0] - mean).abs() < 6 * spread).all()


def test_overlap_must_be_smaller_than_the_window(vae, twenty_frames):
    with pytest.raises(InputError, match="windows of 8 frames cannot overlap by 8"):
        decode_clip(vae, twenty_frames, chunk=8, overlap=8)
