"""Training: the loss is the reference's, padding is masked, and resuming is exact."""

from __future__ import annotations

import dataclasses
import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import faults
import numpy as np
import pytest
import torch
from accelerate import debug_launcher
from accelerate.commands.launch import launch_command_parser
from accelerate.state import AcceleratorState
from accelerate.utils.launch import prepare_simple_launcher_cmd_env
from typer.testing import CliRunner

from mirabench.errors import InputError
from miradit import ScaledDDIMScheduler, load_denoiser
from miradit.cli import app
from miradit.configs import PRESETS, TrainConfig
from miradit.data import Batch
from miradit.pipeline import MiraDiTPipeline
from miradit.tiny import tiny_pipeline, write_shapes
from miradit.train import (
    denoising_loss,
    extent_mask,
    rate_factor,
    refuse_lone_process,
    train,
)
from miradit.vae import Thumbnail

WHOLE = torch.tensor([[5, 6, 10]] * 2)


@pytest.fixture(scope="module")
def shapes(tmp_path_factory):
    folder = tmp_path_factory.mktemp("shapes")
    table = write_shapes(folder, 6, frames=6, size=32)
    # one clip is shorter, so that batches hold padding
    write_shapes(folder / "short", 1, frames=4, size=32)
    with table.open("a") as file:
        file.write("6,short/0000.mp4,a red square moves right\n")
    return table


@pytest.fixture
def config(shapes, tmp_path):
    return dataclasses.replace(
        PRESETS["tiny"],
        data=str(shapes),
        output=str(tmp_path / "run"),
        sizes=((32, 32),),
        num_frames=6,
        min_frames=4,
        steps=6,
        batch_size=2,
        accumulation=2,
        warmup_steps=2,
        save_every=2,
    )


@pytest.mark.parametrize(
    ("layout", "text_spatial", "out", "scale_end"),
    [("plain", False, 4, 0.3), ("text_spatial", True, 4, 0.7), ("out8", False, 8, 0.3)],
    ids=["plain", "text_spatial", "out8"],
)
def test_loss_equals_the_reference(
    golden, reference_denoiser, rand, layout, text_spatial, out, scale_end
):
    model = load_denoiser(reference_denoiser(out=out), text_spatial_cond=text_spatial, num_frames=5)
    latents, t = rand("x", (2, 4, 5, 6, 10)), torch.tensor([981, 41])
    loss = denoising_loss(
        model,
        ScaledDDIMScheduler(scale_end=scale_end),
        Batch(latents, WHOLE, torch.tensor([8, 24]), ["", ""]),
        rand("text", (2, 7, 24)),
        rand("noise", (2, 4, 5, 6, 10)),
        t,
    )
    assert loss.item() == pytest.approx(float(golden[f"{layout}/loss"][0]), rel=1e-6)


def test_padding_adds_nothing_to_the_loss(reference_denoiser, rand):
    model = load_denoiser(
        reference_denoiser(), text_spatial_cond=True, num_frames=5, flexible_frames=True
    )
    scheduler, text, t = ScaledDDIMScheduler(), rand("text", (1, 7, 24)), torch.tensor([500])
    latents, noise = rand("x", (1, 4, 3, 4, 6)), rand("noise", (1, 4, 3, 4, 6))
    extent, fps = torch.tensor([[3, 4, 6]]), torch.tensor([8])
    alone = denoising_loss(model, scheduler, Batch(latents, extent, fps, [""]), text, noise, t)
    bigger = (0, 4, 0, 2, 0, 2)
    padded = Batch(torch.nn.functional.pad(latents, bigger, value=9.0), extent, fps, [""])
    wide_noise = torch.nn.functional.pad(noise, bigger, value=7.0)
    together = denoising_loss(model, scheduler, padded, text, wide_noise, t)
    assert together.item() == pytest.approx(alone.item(), rel=1e-5)
    assert extent_mask(extent, padded.latents).sum() == 3 * 4 * 6


def test_resuming_at_any_step_gives_the_same_losses(config, tmp_path):
    whole = train(config)
    assert len(whole) == 6
    part = dataclasses.replace(config, output=str(tmp_path / "part"))
    # stopped two steps after its last state, as a killed run would be
    first = train(dataclasses.replace(part, steps=5))
    rest = train(part, resume=True)
    assert first == whole[:5]
    assert rest == whole[4:]
    ends = [
        MiraDiTPipeline.from_pretrained(f"{run.output}/pipeline").denoiser.state_dict()
        for run in (config, part)
    ]
    assert all(torch.equal(value, ends[1][key]) for key, value in ends[0].items())


TRAINS = """
import dataclasses, json, sys
from miradit.configs import TrainConfig
from miradit.train import train
values = json.loads(sys.argv[1])
values["sizes"] = tuple(map(tuple, values["sizes"]))
train(TrainConfig(**values), resume=True)
"""


def killed_while_saving(config, rng):
    """Start the training in a process and kill it some time after a state has begun to be written."""
    given = json.dumps(dataclasses.asdict(config))
    child = subprocess.Popen([sys.executable, "-c", TRAINS, given], stderr=subprocess.DEVNULL)
    states = Path(config.output) / "states"
    seen = set(states.glob("*")) if states.is_dir() else set()
    while child.poll() is None and not (states.is_dir() and set(states.glob("*")) - seen):
        time.sleep(0.003)  # the child imports torch meanwhile, and needs a core for it
    time.sleep(rng.uniform(0.0, 0.15))
    child.kill()
    return child.wait()


@pytest.mark.parametrize("kills", [1, faults.whole(30)])
def test_killed_while_a_state_is_saved_it_resumes_with_the_same_losses(config, tmp_path, kills):
    config = dataclasses.replace(config, steps=2 * kills + 4, save_every=1, accumulation=1)
    whole = train(config)
    drilled = dataclasses.replace(config, output=str(tmp_path / "drilled"))
    rng = random.Random(7)
    ends = {killed_while_saving(drilled, rng) for _ in range(kills)}
    assert ends == {-signal.SIGKILL}
    rest = train(drilled, resume=True)
    assert rest == whole[-len(rest) :]
    lines = (tmp_path / "drilled" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == whole, "each step once"
    assert not list((tmp_path / "drilled").rglob("*.part*"))


@pytest.mark.parametrize("left", [0, 100])
def test_a_damaged_state_falls_back_to_the_one_before(config, caplog, left):
    config = dataclasses.replace(config, ema_decay=0.0)
    whole = train(config)
    states = Path(config.output) / "states"
    newest = max(states.iterdir())
    for file in newest.rglob("*.safetensors"):
        os.truncate(file, left)
    assert train(config, resume=True) == whole[4:]
    assert f"{newest} cannot be read" in caplog.text


def test_states_that_cannot_be_read_are_no_new_start(config):
    train(dataclasses.replace(config, steps=2))
    for file in Path(config.output).glob("states/*/*.safetensors"):
        file.unlink()
    with pytest.raises(InputError, match=r"none of the states in .* can be read"):
        train(config, resume=True)


def test_a_new_run_does_not_mix_its_states_with_an_earlier_one(config):
    train(dataclasses.replace(config, steps=2))
    with pytest.raises(InputError, match="continue it with --resume"):
        train(config)


def test_a_run_leaves_samples_curves_states_and_a_pipeline(config, tmp_path):
    config = dataclasses.replace(
        config, steps=2, sample_every=2, sample_prompts=("a red disc moves up",), sample_steps=2
    )
    losses = train(config)
    output = tmp_path / "run"
    written = [json.loads(line) for line in (output / "losses.jsonl").read_text().splitlines()]
    assert [entry["loss"] for entry in written] == losses
    assert [p.name for p in (output / "samples").iterdir()] == ["00000002-0.mp4"]
    assert list((output / "logs").rglob("events.out.tfevents*"))
    assert [p.name for p in (output / "states").iterdir()] == ["00000002"]
    pipeline = MiraDiTPipeline.from_pretrained(output / "pipeline")
    pipeline.set_progress_bar_config(disable=True)
    frames = pipeline("a blue square moves left", num_inference_steps=2).frames
    assert (frames.shape, frames.dtype) == ((1, 6, 32, 32, 3), np.uint8)


def test_the_averaged_weights_are_saved_not_the_last(config):
    averaged = dataclasses.replace(config, ema_decay=0.5, steps=3)
    last = dataclasses.replace(config, ema_decay=0.0, steps=3, output=config.output + "-last")
    assert train(averaged) == train(last)
    weights = [
        MiraDiTPipeline.from_pretrained(f"{run.output}/pipeline").denoiser.proj_out.weight
        for run in (averaged, last)
    ]
    assert not torch.equal(*weights)


def test_gradient_checkpointing_and_workers_change_no_loss(config, tmp_path):
    plain = dataclasses.replace(config, steps=2)
    other = dataclasses.replace(plain, output=str(tmp_path / "b"), gradient_checkpointing=True)
    assert train(other) == pytest.approx(train(plain), rel=1e-6)


def test_two_processes_equal_two_micro_steps(config, tmp_path, monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.setenv("MKL_NUM_THREADS", "1")
    one = dataclasses.replace(config, steps=3, accumulation=2, ema_decay=0.0)
    two = dataclasses.replace(one, accumulation=1, output=str(tmp_path / "two"))
    AcceleratorState._reset_state(reset_partial_state=True)
    debug_launcher(train, (two,), num_processes=2)
    AcceleratorState._reset_state(reset_partial_state=True)
    lines = (tmp_path / "two" / "losses.jsonl").read_text().splitlines()
    assert [json.loads(line)["loss"] for line in lines] == pytest.approx(train(one), rel=1e-5)


def test_training_goes_on_without_the_faulty_clips(config, shapes, caplog, tmp_path):
    table = shapes.parent / "faulty.csv"
    (shapes.parent / "broken.mp4").write_bytes(b"no video")
    table.write_text(shapes.read_text() + "7,gone.mp4,x\n8,broken.mp4,y\n9,0000.mp4,\n")
    losses = train(dataclasses.replace(config, data=str(table), steps=1))
    assert len(losses) == 1
    assert "3 of 10 clips cannot be used" in caplog.text
    assert "1 missing caption, 1 missing file, 1 unreadable file" in caplog.text


def test_clips_shorter_than_asked_are_named(config, caplog):
    train(dataclasses.replace(config, min_frames=6, steps=1))
    assert "1 too short" in caplog.text


def test_learning_rate_warms_up_and_falls_to_one_percent():
    config = TrainConfig(warmup_steps=4, decay_steps=100)
    assert [rate_factor(config, i) for i in (0, 1, 3)] == [0.25, 0.5, 1.0]
    assert rate_factor(config, 100) == pytest.approx(0.01)
    assert rate_factor(config, 10_000) == pytest.approx(0.01)


def test_a_missing_checkpoint_names_the_command(config):
    with pytest.raises(InputError, match="make one with  miradit convert"):
        train(dataclasses.replace(config, checkpoint="nowhere"))


def test_thumbnail_keeps_means_and_scales():
    codec = Thumbnail()
    flat = torch.full((2, 3, 16, 24), 0.25)
    latents = codec.encode(flat).latent_dist.sample()
    assert latents.shape == (2, 4, 2, 3)
    torch.testing.assert_close(codec.decode(latents, num_frames=2).sample, flat, atol=1e-5, rtol=0)


def test_the_tiny_pipeline_is_the_same_for_the_same_seed():
    make = {"num_frames": 4, "height": 32, "width": 32, "seed": 3}
    a, b = (tiny_pipeline(["a red disc"], **make).denoiser.state_dict() for _ in range(2))
    assert all(torch.equal(value, b[key]) for key, value in a.items())


def test_command_line_trains_and_lists_presets(config, shapes):
    runner = CliRunner()
    path = shapes.parent / "run.toml"
    path.write_text(
        'preset = "tiny"\nsizes = [[32, 32]]\nnum_frames = 6\nmin_frames = 4\nbatch_size = 2\n'
    )
    arguments = ["train", str(path), "--data", str(shapes), "--steps", "1"]
    result = runner.invoke(app, [*arguments, "--output", config.output], catch_exceptions=False)
    assert "trained 1 steps" in result.output
    listed = runner.invoke(app, ["presets"], catch_exceptions=False).output
    assert all(name in listed for name in PRESETS)


def test_half_precision_on_a_cpu_is_refused(config):
    if torch.cuda.is_available():
        pytest.skip("there is an accelerator")
    AcceleratorState._reset_state(reset_partial_state=True)
    with pytest.raises(InputError, match="mixed_precision = 'fp16' does not work on a CPU"):
        train(dataclasses.replace(config, mixed_precision="fp16"))
    AcceleratorState._reset_state(reset_partial_state=True)


def launched(processes: int) -> dict[str, str]:
    """The environment that accelerate's own launcher makes on a CPU."""
    names = ["--cpu", "--num_processes", str(processes), "--num_machines", "1"]
    names += ["--mixed_precision", "no", "--dynamo_backend", "no", "script.py"]
    asked = launch_command_parser().parse_args(names)
    asked.use_cpu = True
    return prepare_simple_launcher_cmd_env(asked)[1]


def test_a_launch_that_starts_one_process_only_is_refused(config, monkeypatch):
    monkeypatch.setattr(os, "environ", launched(2))
    with pytest.raises(InputError, match="torchrun --nproc-per-node 2"):
        train(config)
    monkeypatch.setattr(os, "environ", launched(2) | {"WORLD_SIZE": "2"})
    refuse_lone_process()
    monkeypatch.setattr(os, "environ", launched(1))
    refuse_lone_process()
