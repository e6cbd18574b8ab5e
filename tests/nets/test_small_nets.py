"""The parts that are mostly a library's: that they are put together as documented."""

from pathlib import Path

import pytest
import torch
from torch import nn

from mirabench.errors import InputError, MissingExtraError
from mirabench.nets.aesthetic import AestheticHead
from mirabench.nets.checkpoint import load_state, read_state
from mirabench.nets.dino import Dino, resize_positions
from mirabench.nets.i3d import SamePool
from mirabench.nets.musiq import musiq
from mirabench.nets.viclip import tokenize

RELEASED = Path(__file__).parents[3] / "shared" / "data" / "sa_0_4_vit_l_14_linear.pth"


def test_the_aesthetic_score_ignores_length():
    head, embeddings = AestheticHead(), torch.randn(4, 768)
    assert torch.allclose(head(embeddings), head(3 * embeddings), atol=1e-5)
    expected = embeddings[0] @ head.weight[0] / embeddings[0].norm() + head.bias[0]
    assert head(embeddings)[0].item() == pytest.approx(expected.item(), abs=1e-5)


@pytest.mark.skipif(not RELEASED.exists(), reason="needs the released aesthetic head")
def test_the_released_aesthetic_head_loads():
    head = AestheticHead()
    load_state(head, read_state(RELEASED), RELEASED)
    assert head.weight.norm() > 1


def test_dino_refuses_a_picture_without_a_whole_patch():
    with pytest.raises(InputError, match="16x16"):
        Dino(width=96, depth=1, heads=3)(torch.zeros(1, 3, 15, 64))


def test_dino_drops_what_does_not_fill_a_patch():
    net = Dino(width=96, depth=1, heads=3).eval()
    images = torch.randn(1, 3, 40, 50)
    with torch.inference_mode():
        assert torch.allclose(net(images), net(images[..., :32, :48]), atol=1e-5)


def test_a_position_table_on_its_own_grid_is_itself():
    table = torch.randn(1, 1 + 14 * 14, 8)
    assert resize_positions(table, 14, 14) is table


def test_a_resized_position_table_keeps_the_class_token():
    table = torch.randn(1, 1 + 14 * 14, 8)
    resized = resize_positions(table, 14, 22)
    assert resized.shape == (1, 1 + 14 * 22, 8)
    assert torch.equal(resized[:, 0], table[:, 0])


@pytest.mark.parametrize(
    ("size", "kernel", "stride"), [(9, 3, 2), (10, 3, 2), (7, 2, 2), (5, 3, 1)]
)
def test_i3d_pads_every_length_to_whole_steps(size, kernel, stride):
    pool = SamePool((kernel, 1, 1), (stride, 1, 1))
    assert pool(torch.zeros(1, 1, size, 2, 2)).shape[2] == -(-size // stride)


def test_i3ds_odd_padding_goes_last():
    steps = torch.arange(1.0, 5.0).reshape(1, 1, 4, 1, 1)
    pool = SamePool((3, 1, 1), (2, 1, 1))  # one step is missing: windows (1 2 3) and (3 4 pad)
    assert pool(steps).flatten().tolist() == [3.0, 4.0]


def test_captions_are_cut_at_32_tokens_and_still_end():
    tokens = tokenize(["word " * 100, "short"])
    assert tokens.shape == (2, 32)
    assert tokens[0, -1] == 49407 and tokens[1, -1] == 0


def test_musiq_scores_a_batch_as_single_pictures():
    pytest.importorskip("pyiqa", reason="needs the extra iqa")
    torch.manual_seed(0)
    net = musiq()
    images = torch.rand(2, 3, 64, 96)
    with torch.inference_mode():
        both = net(images)
        assert both.shape == (2, 1)
        assert torch.allclose(both[1:], net(images[1:]), atol=1e-5)


def test_musiq_without_pyiqa_names_the_extra(monkeypatch):
    import sys

    monkeypatch.setitem(sys.modules, "pyiqa.archs.musiq_arch", None)
    with pytest.raises(MissingExtraError, match=r"\.\[iqa\]"):
        musiq()


def test_every_net_is_a_module_without_downloads(monkeypatch):
    def refuse(*_, **__):
        raise AssertionError("a network wants to download")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    assert isinstance(Dino(width=96, depth=1, heads=3), nn.Module)
