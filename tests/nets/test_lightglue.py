"""LightGlue and DISK: our loading against kornia's own at equal parameters, and the matcher made of them."""

from __future__ import annotations

from pathlib import Path

import clipkit
import numpy as np
import pytest
import torch
from kornia.feature import DISK, LightGlue
from kornia.feature import lightglue as theirs
from seeded import seeded_state

from mirabench.errors import WeightsError
from mirabench.features import view_matching
from mirabench.features.view_matching import LearnedMatcher, matcher_of
from mirabench.features.view_pairs import ViewPairs
from mirabench.nets import lightglue
from mirabench.video.frames import ArrayVideo, FrameBatch

SIZE = (160, 96)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Random parameters in files as the authors lay them out."""
    folder = tmp_path_factory.mktemp("weights")
    glue = seeded_state(LightGlue(None, input_dim=128))
    glue.pop("confidence_thresholds")
    for layer in range(lightglue.LAYERS):
        for kind in ("self_attn", "cross_attn"):
            new = f"transformers.{layer}.{kind}."
            glue = {k.replace(new, f"{kind}.{layer}."): v for k, v in glue.items()}
    torch.save(glue, folder / "glue.pth")
    torch.save({"extractor": seeded_state(DISK())}, folder / "disk.pth")
    return {"glue": folder / "glue.pth", "disk": folder / "disk.pth"}


@pytest.fixture
def points() -> list[tuple[torch.Tensor, torch.Tensor]]:
    random = torch.Generator().manual_seed(3)
    found = []
    for count in (40, 53):
        places = torch.rand((count, 2), generator=random) * torch.tensor([159.0, 95.0])
        known = torch.nn.functional.normalize(torch.randn((count, 128), generator=random), dim=1)
        found.append((places, known))
    return found


def test_lightglue_is_kornias_at_equal_parameters(
    files: dict[str, Path],
    points: list[tuple[torch.Tensor, torch.Tensor]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(
        theirs, "load_state_dict_from_url", lambda *_, **__: torch.load(files["glue"])
    )
    own = LightGlue("disk", depth_confidence=-1, width_confidence=-1, flash=False)
    ours = lightglue.load_lightglue(files["glue"])
    sides = torch.tensor([SIZE], dtype=torch.float32)
    pair = {
        f"image{i}": {"keypoints": p[None], "descriptors": d[None], "image_size": sides}
        for i, (p, d) in enumerate(points)
    }
    with torch.inference_mode():
        expected = own(pair)
        found = ours(pair)
        rows = lightglue.match(ours, *points, SIZE)
    torch.testing.assert_close(found["log_assignment"], expected["log_assignment"])
    assert rows.tolist() == expected["matches"][0].tolist()


def test_disk_is_kornias_at_equal_parameters(files: dict[str, Path]) -> None:
    own = DISK().eval()
    own.load_state_dict(torch.load(files["disk"])["extractor"])
    ours = lightglue.load_disk(files["disk"])
    picture = torch.from_numpy(clipkit.still(1)[0]).movedim(-1, 0) / 255
    with torch.inference_mode():
        (expected,) = own(picture[None], 50, pad_if_not_divisible=True)
        found, known = lightglue.detect(ours, picture, 50)
    assert len(found) > 10
    torch.testing.assert_close(found, expected.keypoints)
    torch.testing.assert_close(known, expected.descriptors)


def test_a_file_of_another_model_is_refused(files: dict[str, Path]) -> None:
    with pytest.raises(WeightsError):
        lightglue.load_lightglue(files["disk"])
    with pytest.raises(WeightsError):
        lightglue.load_disk(files["glue"])


def test_the_matcher_gives_rows_of_keypoints_and_the_same_again(
    files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    nets = {
        "disk-depth": lightglue.load_disk(files["disk"]),
        "disk-lightglue": lightglue.load_lightglue(files["glue"]),
    }
    monkeypatch.setattr(view_matching, "network", lambda name, load: nets[name])
    matcher = matcher_of("lightglue", 60)
    assert isinstance(matcher, LearnedMatcher)
    clip = clipkit.panning(2, dx=4.0)
    one, two = (matcher.detect(frame) for frame in clip)
    assert 2 <= len(one.points) <= 60
    found = matcher.match(one, two)
    assert found.shape[1] == 2
    assert (found < [len(one.points), len(two.points)]).all()
    assert all(len(set(column)) == len(found) for column in found.T.tolist())
    assert np.array_equal(found, matcher.match(*(matcher.detect(frame) for frame in clip)))
    nothing = one._replace(points=one.points[:0], descriptors=one.descriptors[:0])
    assert matcher.match(nothing, two).shape == (0, 2)

    video = ArrayVideo(clipkit.panning(8, dx=2.0), fps=8)
    session = ViewPairs(matcher="lightglue", keypoints=60).open(video.info)
    session.push(FrameBatch(clipkit.panning(4, dx=4.0), np.arange(4), np.arange(4) / 4))
    assert len(session.finish()["seconds"]) == 4


def test_only_the_learned_matcher_needs_weights() -> None:
    assert ViewPairs().weights == ()
    assert ViewPairs(matcher="lightglue").weights == ("disk-depth", "disk-lightglue")
