"""Each preset drives the real pipeline classes at small random weights, with what its authors ask for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from mirabench.errors import InputError, UnknownNameError
from mirabench.generators.api import build
from mirabench.generators.diffusers import Diffusers
from mirabench.generators.presets import PRESETS
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video

CAT = Prompt("cat", "a cat")
FROM_IMAGES = {name for name in PRESETS if "i2v" in name and "ti2v" not in name}
ASKED: dict[str, dict[str, Any]] = {
    "wan2.1-t2v-14b": {"guidance_scale": 5.0, "num_inference_steps": 50},
    "wan2.2-t2v-a14b": {"guidance_scale": 4.0, "guidance_scale_2": 3.0, "num_inference_steps": 40},
    "hunyuanvideo": {"guidance_scale": 6.0, "num_inference_steps": 50},
    "ltx-video": {"guidance_scale": 3.0, "frame_rate": 24},
    "cogvideox-5b": {"guidance_scale": 6.0, "num_inference_steps": 50},
    "mochi-1": {"guidance_scale": 4.5, "num_inference_steps": 64},
}
"""By the models' cards and diffusers' documentation, read apart from the table of presets."""


def small(name: str, folder: Path, **options: object) -> Diffusers:
    side = None if name == "hunyuanvideo-1.5-i2v-480p" else 32
    images = folder / "frames" if name in FROM_IMAGES else None
    wishes = {"frames": 9, "steps": 2, "height": side, "width": side, "images": images}
    wishes |= {"dtype": "float32", "dtypes": "vae:float32", "device": "cpu", "tiling": False}
    return Diffusers(str(folder / "model"), preset=name, **{**wishes, **options})


@pytest.fixture
def saved(request, tmp_path) -> Path:
    pytest.importorskip("diffusers", reason="diffusers is in the extra `dit`")
    from tests.support.tiny_pipelines import tiny

    tiny(request.param).save_pretrained(tmp_path / "model")
    (tmp_path / "frames").mkdir()
    Image.effect_noise((40, 36), 60).convert("RGB").save(tmp_path / "frames" / "cat.png")
    return tmp_path


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore:In CPU autocast")
@pytest.mark.parametrize(
    ("saved", "name"), [(n, n) for n in PRESETS], indirect=["saved"], ids=PRESETS
)
def test_a_preset_runs_its_pipeline_and_says_its_licence(saved, name):
    generator = small(name, saved)
    generator.generate(CAT, seed=1, output=saved / "clip.mp4")
    info = open_video(saved / "clip.mp4").info
    assert float(info.fps) == PRESETS[name].fps
    assert info.num_frames in (7, 9)
    described = generator.describe()
    assert (described["preset"], described["licence"]) == (name, PRESETS[name].licence)


@pytest.mark.parametrize("name", ASKED)
def test_a_preset_asks_for_what_the_card_says(name):
    diffusers = pytest.importorskip("diffusers", reason="diffusers is in the extra `dit`")
    kinds = {"wan": "WanPipeline", "hun": "HunyuanVideoPipeline", "ltx": "LTXPipeline"}
    kinds |= {"cog": "CogVideoXPipeline", "moc": "MochiPipeline"}
    kind = getattr(diffusers, kinds[name[:3]])
    wishes = Diffusers(preset=name)._wishes(kind.__new__(kind))
    preset = PRESETS[name]
    assert {key: wishes[key] for key in ASKED[name]} == ASKED[name]
    assert (wishes["num_frames"], wishes["height"], wishes["width"]) == (
        preset.frames,
        preset.height,
        preset.width,
    )


def test_what_the_user_says_goes_before_the_preset_and_false_is_said_too():
    generator = build("diffusers", ["preset=mochi-1", "frames=31", "tiling=false", "fps=24"])
    assert isinstance(generator, Diffusers)
    assert (generator.frames, generator.tiling, generator.fps) == (31, False, 24)
    assert (generator.model, generator.steps, generator.offload) == (
        "genmo/mochi-1-preview",
        64,
        "model",
    )


def test_without_a_preset_the_old_defaults_hold():
    generator = Diffusers("folder", fps=8)
    assert (generator.dtype, generator.offload, generator.tiling) == ("bfloat16", "none", False)


@pytest.mark.parametrize("options", [[], ["model=a/b"], ["fps=8"]])
def test_model_and_rate_or_a_preset_are_needed(options):
    with pytest.raises(InputError, match=r"--option preset=\.\.\., or --option model="):
        build("diffusers", options)


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(
        UnknownNameError, match=r"unknown preset 'wan2\.1-t2v-1\.4b': did you mean wan2\.1"
    ):
        build("diffusers", ["preset=wan2.1-t2v-1.4b"])


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["wan2.1-i2v-14b-480p"], indirect=True)
def test_a_first_frame_is_asked_for_by_name(saved):
    with pytest.raises(InputError, match="starts from an image: give a folder of first frames"):
        small("wan2.1-i2v-14b-480p", saved, images=None).generate(
            CAT, seed=1, output=saved / "a.mp4"
        )
    dog = Prompt("dog", "a dog")
    with pytest.raises(
        InputError, match=r"no first frame of the prompt dog in .*dog\.png or dog\.jpg"
    ):
        small("wan2.1-i2v-14b-480p", saved).generate(dog, seed=1, output=saved / "a.mp4")


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["wan2.1-t2v-1.3b"], indirect=True)
def test_precision_shift_and_images_that_a_pipeline_has_no_use_for(saved):
    from mirabench.generators.pipelines import loaded

    name = "wan2.1-t2v-1.3b"
    pipeline = loaded(small(name, saved, dtype="bfloat16")._settings())
    assert [str(part.dtype) for part in (pipeline.vae, pipeline.transformer)] == [
        "torch.float32",
        "torch.bfloat16",
    ]
    assert pipeline.scheduler.config.flow_shift == 3.0
    with pytest.raises(InputError, match="WanPipeline starts from no image"):
        small(name, saved, images=saved / "frames").generate(CAT, seed=1, output=saved / "a.mp4")
    with pytest.raises(UnknownNameError, match=r"unknown part of .* 'vea': did you mean vae"):
        loaded(small(name, saved, dtypes="vea:float32")._settings())
    with pytest.raises(InputError, match=r"option pipeline: diffusers .* has no class Wan"):
        loaded(small(name, saved, pipeline="Wan")._settings())


@pytest.mark.slow
@pytest.mark.parametrize("saved", ["hunyuanvideo-1.5-t2v-480p"], indirect=True)
def test_guidance_of_a_pipeline_that_has_it_as_a_part(saved):
    from mirabench.generators.pipelines import loaded

    assert (
        loaded(small("hunyuanvideo-1.5-t2v-480p", saved)._settings()).guider.guidance_scale == 6.0
    )


def test_a_first_frame_is_cut_to_the_shape_from_its_middle(tmp_path):
    from mirabench.generators.first_frames import first_frame

    wide = Image.new("RGB", (90, 30), (255, 0, 0))
    wide.paste((0, 0, 255), (25, 0, 65, 30))
    wide.save(tmp_path / "x.png")
    found = first_frame(tmp_path, Prompt("p", "", tags={"image": "x.png"}), 20, 20)
    assert (found.size, found.getcolors()) == ((20, 20), [(400, (0, 0, 255))])
    (tmp_path / "p.png").write_bytes(b"no picture")
    with pytest.raises(InputError, match="cannot read the first frame"):
        first_frame(tmp_path, Prompt("p", ""), 20, 20)
