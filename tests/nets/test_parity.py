"""Our networks against the reference's own code at equal parameters and inputs.

Golden outputs and how they were made: tests/golden/nets_README.md.
"""

import numpy as np
import pytest
import torch

from mirabench.nets.amt import AmtS
from mirabench.nets.checkpoint import load_state
from mirabench.nets.clip import VIT_L_14, TowerSizes, image_side, image_tower
from mirabench.nets.dino import Dino
from mirabench.nets.i3d import InceptionI3d
from mirabench.nets.inception import Inception
from mirabench.nets.raft import Raft, to_torchvision
from mirabench.nets.viclip import ViClip, ViClipSizes, tokenize

SMALL_VICLIP = ViClipSizes(
    image=56,
    width=96,
    layers=2,
    heads=3,
    text_width=64,
    text_layers=2,
    text_heads=2,
    vocabulary=500,
    embedding=48,
)


def agrees(ours: torch.Tensor, reference: np.ndarray, tolerance: float = 1e-5) -> None:
    difference = np.abs(ours.numpy() - reference).max()
    largest = float(np.abs(reference).max())
    assert difference <= tolerance * largest, f"{difference:.1e} of {largest:.2g}"


@pytest.fixture(autouse=True)
def no_gradients():
    with torch.inference_mode():
        yield


def test_amt(golden, seeded_state, picture):
    net = AmtS().eval()
    load_state(net, seeded_state(net), "the rule")
    middle = net(picture((2, 3, 128, 144)), picture((2, 3, 128, 144), 1.5))
    agrees(middle[:, :, ::9, ::9], golden["amt"], 1e-4)


def test_raft(golden, golden_keys, seeded_tensor, picture):
    # The authors save each shortcut's normalisation twice; the later name wins on loading.
    state = {name: seeded_tensor(name, shape) for name, shape in golden_keys["raft"].items()}
    net = Raft().eval()
    load_state(net, to_torchvision(state), "the rule")
    first, second = 255 * picture((1, 3, 128, 136)), 255 * picture((1, 3, 128, 136), 1.5)
    agrees(net(first, second, updates=4)[:, :, ::8, ::8], golden["raft"], 1e-4)


def test_i3d(golden, seeded_state, picture):
    net = InceptionI3d().eval()
    load_state(net, seeded_state(net), "the rule")
    agrees(net(2 * picture((1, 3, 9, 224, 224)) - 1), golden["i3d"])


def test_viclip(golden, seeded_state, picture):
    net = ViClip(SMALL_VICLIP).eval()
    load_state(net, seeded_state(net), "the rule")
    agrees(net.encode_video(2 * picture((2, 8, 3, 56, 56)) - 1), golden["viclip_video"])
    tokens = torch.arange(64).reshape(2, 32) * 7 % 499
    agrees(net.encode_text(tokens), golden["viclip_text"])


def test_viclip_tokens(golden):
    captions = ["A dog runs.", "long " * 40, "", "caf\u00e9 &amp; <b>  \u6771\u4eac it's"]
    assert np.array_equal(tokenize(captions).numpy(), golden["viclip_tokens"])


@pytest.mark.parametrize(("entry", "width"), [("dino_square", 224), ("dino_wide", 358)])
def test_dino(golden, seeded_state, picture, entry, width):
    net = Dino(width=96, depth=2, heads=3).eval()
    load_state(net.network, seeded_state(net.network), "the rule")
    agrees(net(2 * picture((2, 3, 224, 358))[..., :width] - 1), golden[entry])


def test_clip(golden, seeded_tensor, picture):
    tower = image_tower(
        TowerSizes(patch=16, width=128, layers=2, heads=2, embedding=48, image=64)
    ).eval()
    whole = {f"visual.{name}": value for name, value in tower.state_dict().items()}
    state = {name: seeded_tensor(name, tuple(value.shape)) for name, value in whole.items()}
    load_state(tower, image_side(state), "the rule")
    agrees(tower(2 * picture((2, 3, 64, 64)) - 1), golden["clip"])


def test_inception(golden, seeded_state, picture):
    net = Inception().eval()
    load_state(net.network, seeded_state(net.network), "the rule")
    features = net(torch.floor(255 * picture((1, 3, 299, 299))))
    assert features.shape == (1, 2048)
    agrees(features[:, ::8], golden["inception"])


@pytest.mark.parametrize("name", ["amt", "i3d", "viclip", "dino", "inception"])
def test_parameter_names_and_shapes_are_the_official_ones(golden_keys, name):
    build = {
        "amt": AmtS,
        "i3d": InceptionI3d,
        "viclip": ViClip,
        "dino": lambda: Dino().network,
        "inception": lambda: Inception().network,
    }[name]
    with torch.device("meta"):
        net = build()
    assert {key: list(value.shape) for key, value in net.state_dict().items()} == golden_keys[name]


def test_clip_vit_l_14_has_openais_303_million_parameters():
    with torch.device("meta"):
        tower = image_tower(VIT_L_14)
    assert sum(value.numel() for value in tower.state_dict().values()) == 303_966_208
