import os
import sys
import zipfile
from pathlib import Path

import pytest
import torch
from torch import nn

from mirabench.errors import WeightsError, WeightsMissingError
from mirabench.nets.cotracker import (
    COMMIT,
    ENVIRONMENT,
    OnlineTracker,
    OverlapCache,
    find_code,
    load_predictor,
)

# Stands in for a checkout: the same names and call, and a "tracker" whose answer can be foreseen.
CODE = """
import torch
torch.manual_seed(0)

class CoTrackerOnlinePredictor:
    def __init__(self, checkpoint, window_len, v2):
        assert checkpoint is None and window_len == 8 and v2
        self.model = torch.nn.Module()
        self.model.fnet = torch.nn.Conv2d(3, 2, 1)

    def __call__(self, video_chunk, is_first_step=False, grid_size=5):
        if is_first_step:
            self.rows, self.points = torch.zeros(1, 0, grid_size**2, 2), grid_size**2
            return None, None
        length = video_chunk.shape[1]
        self.model.fnet(video_chunk[0])
        keep = self.rows[:, : max(self.rows.shape[1] - 4, 0)]
        start = float(keep.shape[1])
        steps = torch.arange(start, start + length).reshape(1, -1, 1, 1)
        self.rows = torch.cat((keep, steps.expand(1, length, self.points, 2)), 1)
        return self.rows, None
"""


@pytest.fixture
def checkout(tmp_path, monkeypatch):
    package = tmp_path / "checkout" / "cotracker"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("")
    (package / "predictor.py").write_text(CODE)
    yield package.parent
    for name in [name for name in sys.modules if name.split(".")[0] == "cotracker"]:
        del sys.modules[name]


@pytest.fixture
def archive(checkout, tmp_path):
    path = tmp_path / f"co-tracker-{COMMIT}.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(checkout.rglob("*.py")):
            packed.write(file, Path(f"co-tracker-{COMMIT}") / file.relative_to(checkout))
    return path


@pytest.mark.parametrize("kind", ["checkout", "archive"])
def test_the_code_comes_from_a_checkout_or_its_archive(kind, request):
    path = list(sys.path)
    predictor = load_predictor(request.getfixturevalue(kind))
    assert type(predictor).__name__ == "CoTrackerOnlinePredictor"
    assert sys.path == path


def test_importing_the_code_leaves_the_random_generator_alone(checkout):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    load_predictor(checkout)
    assert torch.equal(torch.rand(3), expected)


def test_code_that_is_not_there_names_the_command(tmp_path):
    with pytest.raises(WeightsMissingError, match="weights download cotracker-code"):
        load_predictor(tmp_path / "nothing")


def test_other_code_is_refused(tmp_path):
    with pytest.raises(WeightsError, match="is not the code of CoTracker"):
        load_predictor(tmp_path)


def test_the_environment_names_a_checkout(checkout, tmp_path):
    assert find_code({ENVIRONMENT: str(checkout)}) == checkout
    with pytest.raises(WeightsError, match="is not a checkout"):
        find_code({ENVIRONMENT: str(tmp_path)})


def test_torch_hubs_cache_is_searched(tmp_path, monkeypatch):
    monkeypatch.setattr(torch.hub, "get_dir", lambda: str(tmp_path))
    assert find_code({}) is None
    (tmp_path / f"facebookresearch_co-tracker_{COMMIT}").mkdir()
    assert find_code({}) == tmp_path / f"facebookresearch_co-tracker_{COMMIT}"


def test_windows_report_their_own_frames(checkout):
    tracker = OnlineTracker(load_predictor(checkout))
    video = torch.rand(14, 3, 6, 8)
    for _ in range(2):  # a second clip starts afresh
        tracker.start(video[0], grid=3)
        windows = [tracker.window(video[start : start + 8]) for start in (0, 4, 8)]
        assert [(each.first, len(each.tracks)) for each in windows] == [(0, 8), (4, 8), (8, 6)]
        assert all(each.tracks.shape[1:] == (9, 2) for each in windows)
        assert [each.tracks[0, 0, 0].item() for each in windows] == [0.0, 4.0, 8.0]


class Counting(nn.Module):
    def __init__(self):
        super().__init__()
        self.seen = 0

    def forward(self, frames):
        self.seen += len(frames)
        return frames.mean((2, 3), keepdim=True)


def test_overlapping_frames_are_encoded_once():
    encoder = Counting()
    cache, video = OverlapCache(encoder, 4), torch.rand(16, 3, 4, 4)
    for start in (0, 4, 8):
        window = video[start : start + 8]
        assert torch.equal(cache(window), window.mean((2, 3), keepdim=True))
    assert encoder.seen == 16


def test_frames_that_do_not_overlap_are_all_encoded():
    encoder = Counting()
    cache = OverlapCache(encoder, 4)
    cache(torch.rand(8, 3, 4, 4))
    cache(torch.rand(8, 3, 4, 4))
    assert encoder.seen == 16


def test_a_new_clip_forgets_the_last():
    encoder = Counting()
    cache, video = OverlapCache(encoder, 4), torch.rand(8, 3, 4, 4)
    cache(video)
    cache.forget()
    cache(video)
    assert encoder.seen == 16


needs_code = pytest.mark.skipif(
    ENVIRONMENT not in os.environ, reason=f"needs a checkout in {ENVIRONMENT}"
)


@pytest.mark.weights
@needs_code
def test_the_real_tracker_is_the_same_on_its_device_up_to_rounding():
    torch.manual_seed(0)
    code = find_code()
    plain, quick = load_predictor(code), load_predictor(code)
    quick.model.load_state_dict(plain.model.state_dict())
    trackers = OnlineTracker(plain), OnlineTracker(quick).to(torch.device("cpu"))
    video = 255 * torch.rand(8, 3, 64, 96)
    with torch.inference_mode():
        for tracker in trackers:
            tracker.start(video[0], grid=3)
        expected, found = (tracker.window(video).tracks for tracker in trackers)
    torch.testing.assert_close(found, expected, rtol=0, atol=0.05)  # px, of a random network


@pytest.mark.weights
@needs_code
def test_the_real_tracker_is_unchanged_by_the_cache():
    code = find_code()
    plain, ours = load_predictor(code), load_predictor(code)
    ours.model.load_state_dict(plain.model.state_dict())
    tracker, video = OnlineTracker(ours), 255 * torch.rand(1, 12, 3, 64, 96)
    plain(video_chunk=video[:, :1], is_first_step=True, grid_size=3)
    tracker.start(video[0, 0], grid=3)
    for start in (0, 4):
        expected, _ = plain(video_chunk=video[:, start : start + 8])
        assert torch.equal(tracker.window(video[0, start : start + 8]).tracks, expected[0, start:])
