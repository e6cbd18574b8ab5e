"""Learned voters and scorers with their real loading code, on tiny networks with random weights."""

from pathlib import Path

import numpy as np
import pytest
from longfilm import FPS, shot, write_film

from mirabench.errors import InputError, WeightsMissingError
from mirabench.work.item import Item, perform
from miradata.collect.sources import find_sources
from miradata.config import Stitch, config_of
from miradata.frames.clip_range import NS
from miradata.frames.embedding import embed
from miradata.measure.nsfw import NsfwFrames
from miradata.measure.score import ScoreStage
from miradata.measure.scorers import Nsfw
from miradata.pipeline import pipeline_of
from miradata.shots.stitch import StitchStage

transformers = pytest.importorskip("transformers")
pytest.importorskip("torch")

SIZES = {
    "hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
    "image_size": 28, "patch_size": 14,
}  # fmt: skip
CLIP = {
    "clip_id": "c", "t0_ns": 0, "t1_ns": NS,
    "video": {
        "path": "film.mp4", "sha256": "s", "width": 160, "height": 96, "fps": float(FPS),
        "duration_ns": 2 * NS,
    },
}  # fmt: skip


@pytest.fixture(scope="module")
def film(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("film")
    write_film(folder / "film.mp4", [shot(1, 24), shot(2, 24)])
    return folder


@pytest.fixture(scope="module")
def dinov2(tmp_path_factory) -> str:
    folder = tmp_path_factory.mktemp("dinov2")
    transformers.set_seed(0)
    transformers.Dinov2Model(transformers.Dinov2Config(**SIZES)).save_pretrained(folder)
    crop = {"height": 28, "width": 28}
    transformers.BitImageProcessor(size={"shortest_edge": 28}, crop_size=crop).save_pretrained(
        folder
    )
    return str(folder)


def classifier(folder: Path, labels: dict[int, str]) -> str:
    transformers.set_seed(0)
    config = transformers.ViTConfig(
        **SIZES, id2label=labels, label2id={v: k for k, v in labels.items()}
    )
    transformers.ViTForImageClassification(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 28, "width": 28}).save_pretrained(folder)
    return str(folder)


def test_dinov2_gives_unit_vectors_that_tell_pictures_apart(dinov2):
    a, b, again = embed("dinov2", [shot(1, 1)[0], shot(2, 1)[0], shot(1, 1)[0]], dinov2=dinov2)
    assert a.shape == (16,)
    assert np.linalg.norm(a) == pytest.approx(1.0, abs=1e-5)
    assert np.allclose(a, again, atol=1e-5)
    assert not np.allclose(a, b, atol=1e-3)


def test_dinov2_votes_in_stitch(dinov2, film):
    cuts = [{"t0_ns": 0, "t1_ns": NS}, {"t0_ns": NS, "t1_ns": 2 * NS}]
    stage = StitchStage(film, Stitch(emb_a="dinov2", emb_b=None, threshold_a=-1.0), dinov2=dinov2)
    [row] = stage.work(Item("v", "c", (CLIP["video"], cuts))).value["joins"]
    assert row["joined"] is True
    assert -1 <= row["emb_a"] < 1
    assert stage.params()["dinov2"] == dinov2


def test_nsfw_is_the_greatest_share_of_the_class_over_frames(film, tmp_path):
    model = classifier(tmp_path / "vit", {0: "normal", 1: "NSFW"})
    scorer = Nsfw(NsfwFrames(model))
    stage = ScoreStage("nsfw", film, (scorer,), frames=4)
    done = perform(stage, Item("c", "s", CLIP))
    [row] = done.outcome.value["scores"]
    assert (row["metric"], row["status"], row["n_frames"], row["model"]) == ("nsfw", "ok", 4, model)
    assert 0 < row["value"] < 1


def test_a_classifier_without_the_class_is_a_failed_score(film, tmp_path):
    model = classifier(tmp_path / "vit", {0: "cat", 1: "dog"})
    done = perform(ScoreStage("nsfw", film, (Nsfw(NsfwFrames(model)),)), Item("c", "s", CLIP))
    assert done.outcome.status == "failed"
    [row] = done.outcome.value["scores"]
    assert row["value"] is None
    assert "has no class 'nsfw'" in row["reason"]


@pytest.fixture
def nobody_is_asked(monkeypatch):
    """Not even for an address: an unreachable hub is tried for 23 s."""
    asked = []
    monkeypatch.setattr("socket.getaddrinfo", lambda host, *_, **__: asked.append(host) or [])
    yield
    assert asked == []


@pytest.mark.usefixtures("nobody_is_asked")
def test_a_model_in_the_hubs_cache_is_loaded_without_asking_the_hub(tmp_path, monkeypatch):
    from miradata.frames.hub import loaded, present

    cached = tmp_path / "models--some--model"
    classifier(cached / "snapshots" / "abc", {0: "a", 1: "b"})
    (cached / "refs").mkdir()
    (cached / "refs" / "main").write_text("abc")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    assert present("some/model")
    assert loaded("some/model", "AutoModelForImageClassification").config.id2label[1] == "b"


@pytest.mark.usefixtures("nobody_is_asked")
def test_a_model_that_is_not_here_is_named_with_the_command_that_brings_it(tmp_path):
    from miradata.frames.hub import loaded, present

    with pytest.raises(WeightsMissingError, match="hf download no/such-model"):
        loaded("no/such-model", "AutoModel")
    assert not present("no/such-model")
    with pytest.raises(InputError, match="no class"):
        NsfwFrames(classifier(tmp_path, {0: "a", 1: "b"})).open(None)  # type: ignore[arg-type]


def test_a_classifier_in_a_folder_becomes_a_stage_of_the_pipeline(film, tmp_path):
    model = classifier(tmp_path / "vit", {0: "normal", 1: "nsfw"})
    config = config_of({"nsfw": {"enabled": True, "model": model, "frames": 3}})
    pipeline = pipeline_of(config, find_sources(film), tmp_path)
    assert [s.name for s in pipeline.stages][5:7] == ["nsfw", "dedup"]
    assert not any(text.startswith("nsfw") for text in pipeline.absent)
