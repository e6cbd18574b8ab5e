"""A diffusers pipeline with random weights, saved to disk and run from there."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from mirabench.errors import GeneratorError, InputError, MissingExtraError
from mirabench.generators.diffusers import Diffusers, pixels
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video

CAT = Prompt("cat", "a cat")


def test_without_the_extra_it_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "diffusers", None)
    with pytest.raises(MissingExtraError, match=r'pip install -e "\.\[dit\]"'):
        Diffusers(str(tmp_path), fps=8).describe()


@pytest.fixture(scope="module")
def pipeline(tmp_path_factory) -> Path:
    """A CogVideoX pipeline of a few hundred KB."""
    diffusers = pytest.importorskip("diffusers", reason="diffusers is in the extra `dit`")
    torch = pytest.importorskip("torch")
    from tokenizers import Tokenizer, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

    words = Tokenizer(models.WordLevel({"<pad>": 0, "</s>": 1, "?": 2, "a": 3, "cat": 4}, "?"))
    words.pre_tokenizer = pre_tokenizers.Whitespace()
    torch.manual_seed(0)
    folder = tmp_path_factory.mktemp("pipeline")
    diffusers.CogVideoXPipeline(
        tokenizer=PreTrainedTokenizerFast(
            tokenizer_object=words, pad_token="<pad>", eos_token="</s>", unk_token="?"
        ),
        text_encoder=T5EncoderModel(
            T5Config(vocab_size=8, d_model=32, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ),
        vae=diffusers.AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            latent_channels=4,
            layers_per_block=1,
            norm_num_groups=2,
        ),
        transformer=diffusers.CogVideoXTransformer3DModel(
            num_attention_heads=4,
            attention_head_dim=8,
            in_channels=4,
            out_channels=4,
            time_embed_dim=2,
            text_embed_dim=32,
            num_layers=1,
            sample_width=2,
            sample_height=2,
            sample_frames=9,
        ),
        scheduler=diffusers.DDIMScheduler(),
    ).save_pretrained(folder)
    size = sum(p.stat().st_size for p in folder.rglob("*") if p.is_file())
    assert size < 600_000
    return folder


def tiny(folder: Path, **options: object) -> Diffusers:
    wishes = {"steps": 2, "guidance": 1.5, "frames": 9, "height": 16, "width": 16}
    return Diffusers(str(folder), fps=8, dtype="float32", device="cpu", **{**wishes, **options})


@pytest.mark.slow
def test_a_pipeline_on_disk_generates_by_seed(pipeline, tmp_path):
    files = [tmp_path / name for name in ("zero.mp4", "again.mp4", "one.mp4")]
    for seed, file in zip((0, 0, 1), files, strict=True):
        tiny(pipeline).generate(CAT, seed=seed, output=file)
    zero, again, one = (open_video(file).info for file in files)
    assert (zero.width, zero.height, float(zero.fps)) == (16, 16, 8.0)
    assert zero.num_frames >= 8
    assert zero.sha256 == again.sha256 != one.sha256


class Picky:
    """A pipeline with fewer arguments than most."""

    def __call__(self, prompt: str, video_length: int, frame_rate: float) -> None: ...


def test_wishes_are_put_into_the_pipelines_own_words_and_never_dropped():
    generator = Diffusers("model", fps=8, frames=9)
    assert generator._wishes(Picky()) == {"video_length": 9, "frame_rate": 8}
    with pytest.raises(InputError, match="option steps: Picky has no such argument; leave it out"):
        Diffusers("model", fps=8, steps=3)._wishes(Picky())


@pytest.mark.slow
def test_it_describes_its_settings_and_what_its_weights_are(pipeline, tmp_path):
    described = tiny(pipeline).describe()
    assert described["revision"].startswith("sha256:")
    assert (described["frames"], described["steps"], described["dtype"]) == ("9", "2", "float32")
    assert described["diffusers"]
    assert "negative_prompt" not in described
    (weights,) = (pipeline / "transformer").glob("*.safetensors")
    changed = bytearray(weights.read_bytes())
    changed[-1] ^= 1
    before, after = weights.read_bytes(), bytes(changed)
    weights.write_bytes(after)
    assert tiny(pipeline).describe()["revision"] != described["revision"]
    weights.write_bytes(before)


@pytest.mark.slow
def test_a_folder_without_a_pipeline_is_refused(pipeline, tmp_path):
    with pytest.raises(InputError, match="holds no pipeline"):
        tiny(tmp_path).describe()


def test_pixels_are_rounded_and_nan_is_a_failure():
    np = pytest.importorskip("numpy")
    clip = np.zeros((2, 4, 4, 3))
    clip[0] = 0.5
    assert pixels(clip)[0, 0, 0, 0] == 128
    clip[1, 0, 0, 0] = np.nan
    with pytest.raises(GeneratorError, match="NaN pixels"):
        pixels(clip)
    with pytest.raises(GeneratorError, match=r"an array \(4, 4, 3\)"):
        pixels(clip[0])
