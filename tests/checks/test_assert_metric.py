"""`assert_metric` in anybody's code, without pytest's fixture."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest

import mirabench
from mirabench.checks import assert_metric
from mirabench.errors import InputError, ReportError, UnknownNameError


def test_a_clip_within_its_bounds_passes_and_says_its_value(here: Path) -> None:
    result = assert_metric("good/0.mp4", "sharpness", min=0.0, max=1.0)
    assert result.passed
    assert result.finding.value == mirabench.score("good/0.mp4", "sharpness").value


def test_numbers_of_numpy_are_bounds(here: Path) -> None:
    assert assert_metric("good/0.mp4", "sharpness", min=np.float32(0.0)).passed


def test_a_failure_names_the_film_strip_that_it_wrote(here: Path) -> None:
    with pytest.raises(AssertionError) as caught:
        assert_metric("good/0.mp4", "sharpness", min=1.0)
    message = str(caught.value)
    assert re.match(r"sharpness is 0\.\d+, below min 1\n", message)
    assert re.search(r"status +ok", message)
    strip = Path(re.search(r"film strip +(\S+)", message)[1])
    picture = cv2.imread(str(strip))
    assert strip.is_absolute()
    assert picture.shape[1] > picture.shape[0] * 3  # pictures in a row


def test_a_folder_is_held_to_its_mean_with_an_interval(here: Path) -> None:
    with pytest.raises(AssertionError, match=r"mean of 5 clips\n +interval +\S+ \.\. \S+ \(95 %\)"):
        assert_metric("good", "sharpness", min=1.0)


def test_a_number_that_says_nothing_passes_no_bound(here: Path) -> None:
    with pytest.raises(AssertionError, match=r"no valid score: (frozen|static)") as caught:
        assert_metric("frozen.mp4", "warping_error", max=100.0)
    assert re.search(r"status +degenerate", str(caught.value))


def test_a_report_is_held_as_it_is(here: Path) -> None:
    report = mirabench.evaluate("good", suite="small.toml")
    assert assert_metric(report, "sharpness", min=0.0).finding.n == 5
    with pytest.raises(AssertionError, match="film strip"):
        assert_metric(report, "sharpness", min=1.0)
    shutil.copytree("blurred", "good", dirs_exist_ok=True)
    with pytest.raises(AssertionError) as caught:
        assert_metric(report, "sharpness", min=1.0)
    assert "film strip" not in str(caught.value)  # no pictures of another clip


def test_blurred_clips_are_worse_than_a_report_on_disk(here: Path) -> None:
    mirabench.evaluate("good", metrics=["sharpness"], output="old")
    assert assert_metric("good", "sharpness", not_worse_than="old").passed
    with pytest.raises(AssertionError, match="significantly worse than in the baseline"):
        assert_metric("blurred", "sharpness", not_worse_than="old/report.json")


@pytest.mark.parametrize(
    ("call", "error", "sentence"),
    [
        (("good", "sharpnes", {"min": 0}), UnknownNameError, "did you mean sharpness"),
        (("empty", "sharpness", {"min": 0}), InputError, "no video in empty"),
        (("x*.mp4", "sharpness", {"min": 0}), InputError, "matches nothing as a glob"),
        (("good", "sharpness", {"min": 1, "max": 0}), InputError, "min 1 is above max 0"),
        (("good", "sharpness", {}), InputError, "requires nothing"),
        (("good", "fvd", {"max": 9}), InputError, "nothing can be measured"),
        (("good", "sharpness", {"not_worse_than": "x.json"}), ReportError, "cannot read"),
    ],
)
def test_bad_input_is_one_sentence(here: Path, call, error, sentence: str) -> None:
    video, metric, bounds = call
    with pytest.raises(error, match=sentence) as caught:
        assert_metric(video, metric, **bounds)
    assert "\n" not in str(caught.value)


def test_a_clip_that_cannot_be_read_fails_with_its_reason(here: Path) -> None:
    Path("broken.mp4").write_bytes(b"no video")
    with pytest.raises(AssertionError, match=r"sharpness has no valid score: .*broken"):
        assert_metric("broken.mp4", "sharpness", min=0)
