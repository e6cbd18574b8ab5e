"""The generator that `mirabench generate` finds: clips as files, settings told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from mirabench.errors import InputError
from mirabench.generators.api import Generator
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video
from miradit.backend import MiraDiTGenerator

PROMPT = Prompt("p", "red ball")


@pytest.fixture
def generator(pipeline, tmp_path):
    pipeline.save_pretrained(tmp_path / "pipeline")
    return MiraDiTGenerator(tmp_path / "pipeline", steps=2, dtype="float32", device="cpu")


def test_a_clip_is_written_and_follows_from_its_seed(generator, tmp_path):
    frames = []
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        generator.generate(PROMPT, seed=seed, output=tmp_path / f"{name}.mp4")
        video = open_video(tmp_path / f"{name}.mp4")
        assert (video.info.num_frames, video.info.fps) == (5, 6)
        frames.append(np.concatenate([batch.data for batch in video.frames()]))
    assert np.array_equal(frames[0], frames[1])
    assert not np.array_equal(frames[0], frames[2])


def test_settings_and_weights_are_told(generator):
    assert isinstance(generator, Generator)
    told = generator.describe()
    assert told["revision"].startswith("sha256:")
    assert (told["steps"], told["guidance"], told["fps"]) == ("2", "12.0", "8")
    config = generator.checkpoint / "denoiser" / "config.json"
    config.write_text(config.read_text() + " ")
    assert generator.describe()["revision"] != told["revision"]


def test_a_folder_without_a_pipeline_names_the_command(tmp_path):
    with pytest.raises(InputError, match="miradit convert"):
        MiraDiTGenerator(tmp_path).describe()


def test_naming_the_generator_loads_no_torch():
    code = "import sys, miradit.backend; print('torch' in sys.modules)"
    models = Path(__file__).parents[2] / "models"
    found = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={"PYTHONPATH": f"{models}:{models.parent}"},
    )
    assert found.stdout.strip() == "False", found.stderr
