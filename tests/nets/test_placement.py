"""Quick layers give what torch's own give, in every shape that the networks use."""

import copy

import pytest
import torch
from torch import nn

from mirabench.nets.clip import TowerSizes, image_tower
from mirabench.nets.placement import Attention, Linear, linear, placed, quicken

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _seed():
    torch.manual_seed(0)


@pytest.mark.parametrize("shape", [(7,), (5, 7), (2, 5, 7), (2, 3, 5, 7), (0, 7)])
@pytest.mark.parametrize("bias", [True, False])
def test_linear_is_the_product(shape, bias):
    layer = nn.Linear(7, 11, bias=bias)
    tokens = torch.rand(shape)
    with torch.inference_mode():
        expected = tokens @ layer.weight.T + (layer.bias if bias else 0)
        torch.testing.assert_close(linear(tokens, layer.weight, layer.bias), expected)


def test_linear_takes_turned_tokens_and_turned_weights():
    tokens, weight = torch.rand(5, 3, 7).transpose(0, 1), torch.rand(7, 11).T
    with torch.inference_mode():
        torch.testing.assert_close(linear(tokens, weight, None), tokens @ weight.T)


def test_with_gradients_linear_is_torch_own():
    layer = Linear(7, 11)
    layer(torch.rand(2, 7)).sum().backward()
    assert layer.weight.grad is not None


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("mask", [None, "float", "bool"])
@pytest.mark.parametrize("precision", [torch.float32, torch.bfloat16])
def test_attention_is_torch_own(batch_first, mask, precision):
    plain = nn.MultiheadAttention(16, 4, batch_first=batch_first).eval()
    quick = copy.deepcopy(plain)
    quicken(quick)
    assert type(quick) is Attention
    tokens = torch.rand(3, 5, 16) if batch_first else torch.rand(5, 3, 16)
    hidden = torch.ones(5, 5, dtype=torch.bool).triu(1)
    seen = {"float": torch.zeros(5, 5).masked_fill(hidden, -torch.inf), "bool": hidden}.get(mask)
    short = precision is torch.bfloat16
    with torch.inference_mode(), torch.autocast("cpu", precision, enabled=short):
        expected, _ = plain(tokens, tokens, tokens, need_weights=False, attn_mask=seen)
        found, weights = quick(tokens, tokens, tokens, need_weights=False, attn_mask=seen)
    assert weights is None
    atol = 2e-2 if short else 1e-6
    torch.testing.assert_close(found.float(), expected.float(), rtol=0, atol=atol)


def test_attention_hands_on_what_it_does_not_know():
    plain = nn.MultiheadAttention(16, 4, batch_first=True).eval()
    quick = copy.deepcopy(plain)
    quicken(quick)
    query, key = torch.rand(2, 3, 16), torch.rand(2, 5, 16)
    with torch.inference_mode():
        for found, expected in zip(quick(query, key, key), plain(query, key, key), strict=True):
            torch.testing.assert_close(found, expected)


def test_a_tower_is_the_same_once_placed():
    plain = image_tower(TowerSizes(patch=8, width=32, layers=2, heads=4, embedding=16, image=32))
    quick = placed(copy.deepcopy(plain).eval(), CPU)
    assert {Linear, Attention} <= {type(layer) for layer in quick.modules()}
    assert quick.state_dict().keys() == plain.state_dict().keys()
    frames = torch.rand(3, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(quick(frames), plain.eval()(frames))


def test_on_a_cpu_kernels_are_stored_channels_last_and_give_the_same():
    net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.Conv2d(8, 4, 3), nn.Flatten())
    frames = torch.rand(2, 3, 9, 11)
    before = net(frames)
    after = placed(net, CPU)
    assert net[1].weight.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(after(frames), before)


def test_kernels_over_time_are_stored_so_too():
    net = placed(nn.Conv3d(2, 4, 3), CPU)
    assert net.weight.is_contiguous(memory_format=torch.channels_last_3d)
