"""VideoMAE and V-JEPA 2 as their authors have them, I3D's pool, at small sizes and seeded random weights."""

from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import VideoMAEConfig, VJEPA2Config, VJEPA2Model

from mirabench.errors import WeightsError
from mirabench.nets.i3d import InceptionI3d
from mirabench.nets.preprocess import squashed
from mirabench.nets.video_transformers import load_videomae, load_vjepa2

TINY = VideoMAEConfig(
    image_size=28, patch_size=14, num_frames=4, tubelet_size=2, hidden_size=24, num_hidden_layers=2,
    num_attention_heads=2, intermediate_size=48, layer_norm_eps=1e-6, use_mean_pooling=True,
    qkv_bias=True, hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
)  # fmt: skip
TINY_JEPA = VJEPA2Config(
    patch_size=16, crop_size=32, frames_per_clip=4, hidden_size=48, num_attention_heads=2,
    num_hidden_layers=2, pred_hidden_size=24, pred_num_attention_heads=2, pred_num_hidden_layers=1,
)  # fmt: skip

AUTHORS = {
    "patch_embed.proj.weight": (24, 3, 2, 14, 14), "patch_embed.proj.bias": (24,),
    "fc_norm.weight": (24,), "fc_norm.bias": (24,), "head.weight": (5, 24), "head.bias": (5,),
} | {
    f"blocks.{i}.{name}": shape
    for i in (0, 1)
    for name, shape in {
        "norm1.weight": (24,), "norm1.bias": (24,), "norm2.weight": (24,), "norm2.bias": (24,),
        "attn.q_bias": (24,), "attn.v_bias": (24,), "attn.qkv.weight": (72, 24),
        "attn.proj.weight": (24, 24), "attn.proj.bias": (24,), "mlp.fc1.weight": (48, 24),
        "mlp.fc1.bias": (48,), "mlp.fc2.weight": (24, 48), "mlp.fc2.bias": (24,),
    }.items()
}  # fmt: skip
"""Names and shapes of `VisionTransformer` of github.com/songweige/content-debiased-fvd, commit a1e037a."""
SAID = (
    (0.16791099, 0.594563, 0.110171, -0.362206, 0.680038, -0.558532),
    (0.162802, 0.506993, 0.114793, -0.349285, 0.57739, -0.585285),
)
"""First six of what its `forward_features` gives for these weights and frames, run on 25 November 2026."""


@pytest.fixture
def authors_file(tmp_path: Path) -> Path:
    random = np.random.default_rng(5)
    held = {
        name: torch.from_numpy(random.normal(0, 0.3, AUTHORS[name]).astype(np.float32))
        for name in sorted(AUTHORS)
    }
    torch.save({"module": held}, tmp_path / "tiny.pth")
    return tmp_path / "tiny.pth"


def test_videomae_gives_what_the_authors_code_gives(authors_file: Path) -> None:
    net = load_videomae(authors_file, TINY)
    video = torch.from_numpy(np.random.default_rng(6).random((2, 3, 4, 28, 28), dtype=np.float32))
    with torch.inference_mode():
        found = net(video)
    assert found.shape == (2, 24)
    assert found[:, :6].numpy() == pytest.approx(np.array(SAID), abs=2e-5)


def test_a_file_of_another_model_is_refused(authors_file: Path) -> None:
    held = torch.load(authors_file, weights_only=True)["module"]
    del held["blocks.1.attn.q_bias"]
    torch.save(held, authors_file)
    with pytest.raises(WeightsError, match="another model than VideoMae"):
        load_videomae(authors_file, TINY)


def test_vjepa2_is_the_mean_of_the_librarys_tokens(tmp_path: Path) -> None:
    torch.manual_seed(0)
    whole = VJEPA2Model(TINY_JEPA).eval()
    whole.save_pretrained(tmp_path)
    net = load_vjepa2(tmp_path / "model.safetensors", TINY_JEPA)
    video = torch.randn(2, 3, 4, 32, 32)
    with torch.inference_mode():
        tokens = whole.get_vision_features(video.transpose(1, 2))
        assert torch.allclose(net(video), tokens.mean(1), atol=1e-6)
    assert tokens.shape == (2, 8, 48)


def test_i3ds_scores_are_the_last_layer_on_its_pool() -> None:
    torch.manual_seed(0)
    net = InceptionI3d(7).eval()
    video = torch.randn(1, 3, 16, 224, 224)
    with torch.inference_mode():
        pooled = net.pooled(video)
        layer = net.logits.conv3d
        scores = pooled @ layer.weight.flatten(1).T + layer.bias
        assert pooled.shape == (1, 1024)
        assert torch.allclose(net(video), scores, atol=1e-5)


def test_the_squash_is_antialiased() -> None:
    stripes = np.zeros((1, 64, 64, 3), np.uint8)
    stripes[:, :, ::2] = 255
    inner = squashed(stripes, 16)[..., 2:-2]
    assert (inner - 0.5).abs().max() < 0.02  # sampled without antialias they are 0 or 1
