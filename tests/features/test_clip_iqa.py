"""CLIP-IQA's arithmetic, and the text side of a CLIP checkpoint."""

from __future__ import annotations

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from mirabench.errors import WeightsError  # noqa: E402
from mirabench.features.frame_embeddings import preference  # noqa: E402
from mirabench.nets import clip  # noqa: E402


def test_a_frame_between_the_texts_prefers_neither() -> None:
    pair = torch.tensor([[2.0, 0.0], [0.0, 5.0]])
    between, good, bad = preference(torch.tensor([[1.0, 1.0], [9.0, 0.0], [0.0, 0.1]]), pair)
    assert float(between) == pytest.approx(0.5)
    assert float(good) == pytest.approx(1.0) and float(bad) == pytest.approx(0.0)


def test_the_scale_is_a_hundred() -> None:
    pair = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    angle = torch.tensor(torch.pi / 4 - 0.01)
    image = torch.stack([torch.cos(angle), torch.sin(angle)])[None]
    gap = 100 * float(torch.cos(angle) - torch.sin(angle))
    assert float(preference(image, pair)) == pytest.approx(1 / (1 + 2.718281828**-gap), rel=1e-4)


class TestTextSide:
    """At a small size; the released one has 512 features and 12 blocks."""

    WIDTH, LAYERS = 64, 2

    def test_a_whole_checkpoint_is_read_for_its_text_side(self, tmp_path: Path) -> None:
        torch.manual_seed(0)
        source = clip.text_tower(self.WIDTH, self.LAYERS).eval()
        state = dict(source.state_dict()) | {
            "visual.proj": torch.zeros(1),
            "logit_scale": torch.ones(()),
        }
        torch.save(state, tmp_path / "ViT-B-32.pt")
        net = clip.load_text(tmp_path / "ViT-B-32.pt", self.WIDTH, self.LAYERS)
        from mirabench.nets.viclip import tokenize

        tokens = tokenize(["Good photo.", "Bad photo."], length=77)
        with torch.inference_mode():
            assert torch.equal(net(tokens), source(tokens))

    def test_its_names_are_those_of_openai(self) -> None:
        names = set(clip.text_tower(self.WIDTH, self.LAYERS).state_dict())
        assert {"token_embedding.weight", "positional_embedding", "text_projection", "ln_final.bias",
                "transformer.resblocks.1.mlp.c_proj.weight"} <= names  # fmt: skip

    def test_a_file_without_a_text_side_is_refused(self, tmp_path: Path) -> None:
        torch.save({"visual.proj": torch.zeros(1)}, tmp_path / "ViT-B-32.pt")
        with pytest.raises(WeightsError):
            clip.load_text(tmp_path / "ViT-B-32.pt", self.WIDTH, self.LAYERS)
