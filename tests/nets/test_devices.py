"""Networks and features on an accelerator: they go there, and agree with the processor.

Parameters are random, networks small. TF32 is off in mirabench, so float32 agrees to rounding; tolerances are
relative to the largest value, and wider for RAFT, whose updates feed on their own output.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import clipkit
import columnkit
import numpy as np
import pytest
import torch
from seeded import seeded_state
from skiplist import has_accelerator

import mirabench
from mirabench.features import networks
from mirabench.features.api import build
from mirabench.features.stream import extract
from mirabench.inputs.prompts import Prompt
from mirabench.nets import aesthetic, amt, clip, dino, i3d, inception, raft, viclip
from mirabench.nets.cotracker import ENVIRONMENT, OnlineTracker, load_predictor
from mirabench.nets.placement import placed
from mirabench.nets.runtime import choose_runtime
from mirabench.registry import FEATURES
from mirabench.video.frames import ArrayVideo
from mirabench.weights import WeightStore

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not has_accelerator(), reason="needs an accelerator"),
]


def accelerator() -> torch.device:
    return choose_runtime("auto", "fp32").device


@pytest.fixture(autouse=True)
def inference() -> Iterator[None]:
    with choose_runtime("auto", "fp32").inference():
        yield
    networks.use_device("auto")


@pytest.fixture(autouse=True)
def no_tracker_is_left() -> Iterator[None]:
    yield
    for name in [name for name in sys.modules if name.split(".")[0] == "cotracker"]:
        del sys.modules[name]


def tracker() -> OnlineTracker:
    predictor = load_predictor(columnkit.STANDIN)
    predictor.model.load_state_dict(columnkit.state_of("cotracker2"))
    return OnlineTracker(predictor)


def pictures(*shape: int) -> torch.Tensor:
    return torch.rand(shape, generator=torch.Generator().manual_seed(0))


def musiq() -> torch.nn.Module:
    from mirabench.nets.musiq import musiq as make

    return make()


Call = Callable[[Any, Callable[[torch.Tensor], torch.Tensor]], torch.Tensor]
NETWORKS: dict[str, tuple[Callable[[], torch.nn.Module], Call, float]] = {
    "dino": (
        lambda: dino.Dino(**columnkit.DINO),
        lambda net, to: net(to(pictures(2, 3, 224, 304))), 1e-4,
    ),
    "clip": (
        lambda: clip.image_tower(clip.TowerSizes(**columnkit.CLIP_B)),
        lambda net, to: net(to(pictures(2, 3, 224, 224))), 1e-4,
    ),
    "clip text": (
        lambda: clip.text_tower(64, 2),
        lambda net, to: net(to(torch.arange(154).reshape(2, 77) % 400)), 1e-4,
    ),
    "aesthetic": (
        aesthetic.AestheticHead,
        lambda net, to: net(to(pictures(4, 768))), 1e-4,
    ),
    "viclip video": (
        lambda: viclip.ViClip(viclip.ViClipSizes(**columnkit.VICLIP)),
        lambda net, to: net.encode_video(to(pictures(1, 8, 3, 224, 224))), 1e-4,
    ),
    "viclip text": (
        lambda: viclip.ViClip(viclip.ViClipSizes(**columnkit.VICLIP)),
        lambda net, to: net.encode_text(to(torch.arange(64).reshape(2, 32) % 400)), 1e-4,
    ),
    "amt": (
        amt.AmtS,
        lambda net, to: net(to(pictures(1, 3, 64, 96)), to(pictures(1, 3, 64, 96).flip(-1))), 1e-3,
    ),
    "raft": (
        raft.Raft,
        lambda net, to: net(
            to(255 * pictures(1, 3, 128, 136)), to(255 * pictures(1, 3, 128, 136).flip(-1)), 4
        ), 1e-2,
    ),
    "i3d": (
        i3d.InceptionI3d,
        lambda net, to: net(to(2 * pictures(1, 3, 9, 224, 224) - 1)), 1e-3,
    ),
    "inception": (
        inception.Inception,
        lambda net, to: net(to((255 * pictures(1, 3, 299, 299)).floor())), 1e-3,
    ),
    "musiq": (musiq, lambda net, to: net(to(pictures(1, 3, 64, 96))), 1e-3),
}  # fmt: skip
"""Name -> how to make the network, how to call it, and the relative tolerance."""


@pytest.mark.parametrize("name", NETWORKS)
class TestANetwork:
    def test_agrees_with_the_processor(self, name: str) -> None:
        make, call, tolerance = NETWORKS[name]
        net = make().eval()
        net.load_state_dict(seeded_state(net))
        expected = call(net, lambda x: x)
        there = placed(net, accelerator())
        found = call(there, lambda x: x.to(accelerator()))
        assert found.device.type == accelerator().type
        torch.testing.assert_close(
            found.cpu(), expected, rtol=0, atol=tolerance * float(expected.abs().max())
        )

    def test_is_placed_whole(self, name: str) -> None:
        there = placed(NETWORKS[name][0]().eval(), accelerator())
        kinds = {value.device.type for value in (*there.parameters(), *there.buffers())}
        assert kinds == {accelerator().type}


class TestTheTracker:
    def test_goes_where_it_is_sent_and_back(self) -> None:
        net = tracker()
        frames = 255 * pictures(8, 3, 64, 96)
        found = []
        for device in (torch.device("cpu"), accelerator(), torch.device("cpu")):
            assert net.to(device) is net
            there = frames.to(device)
            net.start(there[0], grid=3)
            tracks = net.window(there).tracks
            assert tracks.device.type == device.type
            found.append(tracks.cpu())
        torch.testing.assert_close(found[1], found[0], rtol=0, atol=1e-3)  # px
        assert torch.equal(found[2], found[0])

    def test_keeps_features_of_overlapping_frames_there(self) -> None:
        frames = (255 * pictures(12, 3, 64, 96)).to(accelerator())
        found = []
        for forgets in (False, True):
            net = tracker().to(accelerator())
            net.start(frames[0], grid=3)
            first = net.window(frames[:8])
            if forgets:
                net._features.forget()
            second = net.window(frames[4:])
            assert (first.first, second.first) == (0, 4)
            found.append(second.tracks)
        torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-3)


LEARNED = {
    "dino_frames": ("dino-vitb16",),
    "clip_frames": ("clip-vit-b-32",),
    "aesthetic_frames": ("clip-vit-l-14", "aesthetic-vit-l-14"),
    "musiq_frames": ("musiq-spaq",),
    "inception_frames": ("inception-2015-12-05",),
    "raft_flow": ("raft-things",),
    "flow_interpolation": ("raft-things",),
    "interpolation": ("amt-s",),
    "point_tracks": ("cotracker2",),
    "viclip_video": ("viclip-l-14",),
    "i3d_logits": ("i3d-kinetics-400",),
}
"""Feature -> the cards behind it."""


@pytest.mark.parametrize("name", LEARNED)
def test_a_feature_agrees_with_the_processor(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))
    monkeypatch.setenv(ENVIRONMENT, str(columnkit.STANDIN))
    columnkit.shrink(monkeypatch)
    columnkit.import_small(WeightStore(), LEARNED[name], tmp_path / "made")
    feature = build(FEATURES, name, {})
    video = ArrayVideo(clipkit.panning(frames=12, dx=2, size=(96, 72)))
    tables = []
    for device in ("cpu", "auto"):
        networks.use_device(device)
        found = extract(video, [feature], threads=1)
        assert not found.failures
        tables.append(found.tables[feature])
    on_cpu, there = tables
    assert on_cpu.columns.keys() == there.columns.keys()
    for column, expected in on_cpu.columns.items():
        scale = max(1e-6, float(np.abs(expected).max()))
        np.testing.assert_allclose(there[column], expected, rtol=0, atol=1e-2 * scale)


def test_evaluate_runs_there_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))
    columnkit.shrink(monkeypatch)
    columnkit.import_small(WeightStore(), ("viclip-l-14",), tmp_path / "made")
    clip_ = clipkit.panning(frames=12, dx=2, size=(96, 72))
    prompts = {"array-0": Prompt("0", "x", {"camera": "It pans."})}
    values = []
    for device in ("cpu", accelerator().type):
        report = mirabench.evaluate(
            [clip_], metrics=["camera_alignment"], prompts=prompts, device=device, cache=False
        )
        values.append(report.videos[0].scores["camera_alignment"].value)
        assert device in str(report.provenance)
    assert values[0] == pytest.approx(values[1], abs=1e-3)
