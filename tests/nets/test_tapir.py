"""BootsTAPIR against the authors' code at the same seeded parameters, and what its answers mean."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from mirabench.errors import WeightsError
from mirabench.nets import tapir
from mirabench.nets.tapir import PointTracks, Tapir

GOLDEN = Path(__file__).parents[1] / "golden" / "tapir.npz"
"""Made by tests/golden/tapir_make.py, from google-deepmind/tapnet at commit c2cbab8."""


@pytest.fixture(scope="module")
def theirs():
    with np.load(GOLDEN) as arrays:
        return dict(arrays)


@pytest.fixture(scope="module")
def net():
    from seeded import seeded_state

    found = Tapir().eval()
    found.load_state_dict(seeded_state(found))
    return found


@pytest.fixture
def film(picture):
    return torch.stack([2 * picture((3, 64, 64), 1.5 * t) - 1 for t in range(6)])


def test_parameter_names_and_shapes_are_the_authors(theirs, net):
    names = json.loads(theirs["keys"].tobytes())
    assert {name: list(value.shape) for name, value in net.state_dict().items()} == names


def test_tracks_are_the_authors(theirs, net, film):
    with torch.inference_mode():
        found = net(film, torch.from_numpy(theirs["queries"]))
    for ours, name in (
        (found.points, "tracks"),
        (found.hidden, "occlusion"),
        (found.unsure, "expected_dist"),
    ):
        scale = np.abs(theirs[name]).max()
        assert np.abs(ours.numpy() - theirs[name]).max() <= 1e-4 * scale, name


def test_points_do_not_depend_on_those_tracked_beside_them(net, film, monkeypatch):
    queries = torch.tensor([[0, 20.0, 31.0], [1, 7.5, 50.0]])
    with torch.inference_mode():
        together = net(film[:2], queries)
        monkeypatch.setattr(tapir, "CHUNK", 1)
        alone = net(film[:2], queries)
    torch.testing.assert_close(together.points, alone.points, rtol=1e-4, atol=1e-3)


def test_a_point_is_seen_where_it_is_neither_hidden_nor_far_off():
    logits = torch.tensor([[-3.0, 3.0, -3.0]])
    unsure = torch.tensor([[-3.0, -3.0, 3.0]])
    found = PointTracks(torch.zeros(1, 3, 2), logits, unsure).visible
    assert found.tolist() == [[True, False, False]]


def test_a_checkpoint_of_the_authors_names_loads_and_another_does_not(net, tmp_path):
    torch.save(net.state_dict(), tmp_path / "b.pt")
    assert torch.equal(
        tapir.load(tmp_path / "b.pt").extra_convs.blocks[0].conv.bias,
        net.extra_convs.blocks[0].conv.bias,
    )
    torch.save({"linear.weight": torch.zeros(2, 2)}, tmp_path / "c.pt")
    with pytest.raises(WeightsError, match="another model"):
        tapir.load(tmp_path / "c.pt")
