import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mirabench.nets.sampling import pad_to_multiple, pixel_grid, sample_at, warp


@given(height=st.integers(1, 40), width=st.integers(1, 40), multiple=st.sampled_from([1, 8, 16]))
def test_padding_reaches_the_multiple_and_comes_off_again(height, width, multiple):
    image = torch.rand(1, 2, height, width)
    padded, padding = pad_to_multiple(image, multiple)
    assert padded.shape[2] % multiple == 0 and padded.shape[3] % multiple == 0
    assert padded.shape[2] - height < multiple and padded.shape[3] - width < multiple
    assert torch.equal(padding.crop(padded), image)


def test_the_odd_pixel_goes_last():
    padded, padding = pad_to_multiple(torch.zeros(1, 1, 5, 13), 8)
    assert padding == (1, 2, 1, 2) and padded.shape == (1, 1, 8, 16)


def test_whole_positions_give_the_pixels():
    image = torch.rand(1, 3, 4, 6)
    here = pixel_grid(4, 6, image.device).permute(1, 2, 0)[None]
    assert torch.allclose(sample_at(image, here), image, atol=1e-6)


def test_half_way_gives_the_mean():
    image = torch.tensor([[[[0.0, 10.0]]]])
    assert sample_at(image, torch.tensor([[[[0.5, 0.0]]]])).item() == pytest.approx(5.0)


@pytest.mark.parametrize(("outside", "value"), [("zeros", 0.0), ("border", 10.0)])
def test_beyond_the_border(outside, value):
    image = torch.tensor([[[[0.0, 10.0]]]])
    far = torch.tensor([[[[7.0, 0.0]]]])
    assert sample_at(image, far, outside).item() == value


def test_warp_fetches_from_where_the_flow_points():
    image = torch.arange(12.0).reshape(1, 1, 3, 4)
    flow = torch.zeros(1, 2, 3, 4)
    flow[:, 0] = 1.0
    expected = image[..., [1, 2, 3, 3]]  # the last column repeats
    assert torch.allclose(warp(image, flow), expected, atol=1e-5)


def test_positions_stay_exact_for_half_precision_pictures():
    image = torch.arange(1000.0).reshape(1, 1, 1, 1000).bfloat16()
    here = torch.tensor([[[[777.0, 0.0]]]])
    assert sample_at(image, here).item() == image[0, 0, 0, 777].item()
