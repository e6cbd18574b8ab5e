"""Training data: faults are counted and named, batches follow from their number alone."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import ManifestError
from mirabench.inputs.tables import Row
from mirabench.video.encode import write_video
from miradit.data import (
    FRAMES_AT_ONCE,
    Batches,
    Fault,
    Sample,
    captions_of,
    draw_caption,
    draw_frame_range,
    nearest_size,
    pad,
    read_clips,
    read_video,
    report_faults,
)
from miradit.tiny import render_shape, write_shapes


def sample(frames: int, fps: float = 24.0) -> Sample:
    means = torch.arange(frames).float().reshape(-1, 1, 1, 1).expand(frames, 4, 2, 3)
    return Sample(torch.cat([means, means * 0 - 60], dim=1).half(), fps, {"short": f"{frames}"})


@pytest.fixture
def batches():
    samples = [sample(n) for n in (8, 8, 8, 8, 8, 5, 5, 6)]
    groups = {(8, 2, 3, 8): [0, 1, 2, 3, 4], (8, 2, 3, 5): [5, 6], (8, 2, 3, 6): [7]}
    return Batches(
        read=lambda i: samples[i],
        groups=groups,
        num_frames=8,
        max_stride=4,
        uncond_probability=0.0,
        batch_size=2,
        scaling_factor=0.5,
        seed=1,
        count=20,
    )


def test_faults_of_a_table_are_named_and_the_rest_remains(tmp_path, caplog):
    table = write_shapes(tmp_path, 4, frames=3, size=32)
    with table.open("a") as file:
        file.write("9,gone.mp4,a lost clip\n10,0000.mp4,\n")
    clips, faults = read_clips(table)
    assert len(clips) == 4
    assert [fault.reason for fault in faults] == ["missing file", "missing caption"]
    report_faults(faults, len(clips), min_usable=0.5)
    assert "2 of 6 clips cannot be used: 1 missing caption, 1 missing file" in caplog.text
    assert "gone.mp4" in caplog.text
    with pytest.raises(ManifestError, match=r"only 4 of 6.*lower min_usable"):
        report_faults(faults, len(clips), min_usable=0.9)


def test_no_usable_clip_is_an_error():
    with pytest.raises(ManifestError, match="only 0 of 1"):
        report_faults([Fault("a.mp4", "missing file")], 0, min_usable=0.0)
    with pytest.raises(ManifestError, match="the table is empty"):
        report_faults([], 0, min_usable=0.0)


def test_a_folder_takes_captions_from_text_files(tmp_path):
    for name in ("a", "b"):
        write_video(tmp_path / f"{name}.mp4", np.zeros((2, 16, 16, 3), np.uint8))
    (tmp_path / "a.txt").write_text("a black clip\n")
    (tmp_path / ".12.0123abcd.part.mp4").touch()  # a writer's, not finished
    clips, faults = read_clips(tmp_path)
    assert [clip.captions for clip in clips] == [{"short": "a black clip"}]
    assert faults == [Fault(str(tmp_path / "b.mp4"), "missing caption")]
    with pytest.raises(ManifestError, match="no training data"):
        read_clips(tmp_path / "nothing")


def test_captions_are_mixed_as_in_the_reference():
    row = Row(
        {"short_caption": "A cat.", "dense_caption": "A grey cat.", "tag": "pets"}, where="row 1"
    )
    captions = captions_of(row)
    assert captions == {
        "short": "pets. A cat.",
        "dense": "pets. A grey cat.",
        "all": "tag: pets short: A cat. dense: A grey cat.",
    }
    rng = np.random.default_rng(0)
    drawn = [draw_caption(captions, 0.25, rng) for _ in range(4000)]
    shares = {kind: drawn.count(text) / 4000 for kind, text in captions.items()}
    assert drawn.count("") / 4000 == pytest.approx(0.25, abs=0.03)
    assert shares["short"] == pytest.approx(0.75 * 0.33, abs=0.03)
    assert shares["all"] == pytest.approx(0.75 * 0.34, abs=0.03)


@given(
    frames=st.integers(1, 300),
    longest=st.integers(1, 120),
    stride=st.integers(1, 4),
    seed=st.integers(0, 2**32 - 1),
)
def test_a_span_lies_in_its_clip(frames, longest, stride, seed):
    drawn = draw_frame_range(frames, longest, stride, np.random.default_rng(seed))
    taken = np.arange(frames)[drawn.start :: drawn.stride][: drawn.length]
    assert len(taken) == drawn.length == min(frames, longest)
    assert 1 <= drawn.stride <= max(stride, frames // drawn.length)


def test_a_video_is_resized_and_cropped_to_the_nearest_size(tmp_path):
    clip = render_shape("red", "disc", "right", frames=3, size=64, seed=0)
    wide = np.concatenate([clip, clip], axis=2)
    write_video(tmp_path / "x.mp4", wide, fps=12)
    video = read_video(tmp_path / "x.mp4", [(32, 32), (32, 64)])
    pixels = torch.cat(list(video.parts))
    assert pixels.shape == (3, 3, 32, 64)
    assert video.fps == 12
    assert pixels.min() >= -1
    assert pixels.max() <= 1
    background = 24 / 127.5 - 1
    assert float(pixels[0, :, 0, 0].mean()) == pytest.approx(background, abs=0.05)


def test_nearest_size_prefers_shape_then_the_largest_that_fits():
    sizes = [(240, 384), (480, 768), (256, 256)]
    assert nearest_size(720, 1280, sizes) == (480, 768)
    assert nearest_size(360, 640, sizes) == (240, 384)
    assert nearest_size(500, 500, sizes) == (256, 256)


def test_padding_is_zero_and_told():
    batch, extent = pad([torch.ones(4, 2, 3, 3), torch.ones(4, 3, 2, 3)])
    assert batch.shape == (2, 4, 3, 3, 3)
    assert extent.tolist() == [[2, 3, 3], [3, 2, 3]]
    assert batch.sum() == 4 * (18 + 18)


def test_a_long_video_is_read_in_small_parts(tmp_path):
    clip = render_shape("red", "disc", "right", frames=50, size=32, seed=0)
    write_video(tmp_path / "x.mp4", clip, fps=12)
    sizes = [len(part) for part in read_video(tmp_path / "x.mp4", [(32, 32)]).parts]
    assert sum(sizes) == 50
    assert max(sizes) == FRAMES_AT_ONCE


def epoch_of(batches, number):
    """The plans of an epoch: as many batches as have every clip once."""
    per_epoch = len(batches.counts)
    return [batches.plan(number * per_epoch + i) for i in range(per_epoch)]


def test_batches_fill_the_tokens_and_pad_what_is_shorter(batches):
    """Two longest clips are 16 frames: 8 8 | 8 8 | 8 6 | 5 5."""
    plans = epoch_of(batches, 0)
    lengths = dict(enumerate((8, 8, 8, 8, 8, 5, 5, 6)))
    found = sorted(sorted(lengths[i] for i in plan) for plan in plans)
    assert found == [[5, 5], [6, 8], [8, 8], [8, 8]]
    mixed = next(k for k, plan in enumerate(plans) if 7 in plan)
    batch = batches[mixed]
    assert sorted(batch.extent[:, 0].tolist()) == [6, 8]
    assert batch.latents.shape[2] == 8
    assert epoch_of(batches, 0) != epoch_of(batches, 1)


@given(
    st.dictionaries(
        st.tuples(st.sampled_from([8]), st.integers(1, 6), st.integers(1, 6), st.integers(3, 40)),
        st.integers(1, 30),
        min_size=1,
        max_size=8,
    ),
    st.integers(1, 8),
    st.integers(0, 3),
)
def test_each_clip_is_once_in_an_epoch_and_no_batch_has_more_tokens(kinds, size, number):
    groups, shapes = {}, {}
    for key, count in kinds.items():
        groups[key] = list(range(len(shapes), len(shapes) + count))
        shapes |= dict.fromkeys(groups[key], key)
    made = Batches(
        read=sample, groups=groups, num_frames=40, max_stride=1, uncond_probability=0.0,
        batch_size=size, scaling_factor=1.0, seed=3,
    )  # fmt: skip
    plans = epoch_of(made, number)
    assert sorted(i for plan in plans for i in plan) == sorted(shapes)
    budget = size * 40 * max(key[1] * key[2] for key in kinds)
    for plan in plans:
        found = {shapes[i][:-1] for i in plan}
        assert len(found) == 1, "one shape"
        ((_, rows, columns),) = found
        longest = max(shapes[i][-1] for i in plan)
        assert len(plan) * longest * rows * columns <= budget
        assert plan


def test_a_batch_follows_from_its_number_alone(batches):
    later = dataclasses.replace(batches, first=7, count=3)
    for i in range(3):
        a, b = later[i], batches[7 + i]
        assert torch.equal(a.latents, b.latents)
        assert (a.captions, a.fps.tolist()) == (b.captions, b.fps.tolist())
    second_process = dataclasses.replace(batches, first=1, every=2, count=3)
    assert torch.equal(second_process[2].latents, batches[5].latents)


def test_latents_are_strided_scaled_and_tell_their_frame_rate(batches):
    long = dataclasses.replace(batches, read=lambda _: sample(40), groups={(1,): [0]})
    strides = set()
    for batch in (long[i] for i in range(20)):
        frames = batch.latents[0, 0, :, 0, 0] / 0.5
        stride = round(float(frames[1] - frames[0]))
        torch.testing.assert_close(frames.diff(), torch.full((7,), float(stride)))
        assert int(batch.fps[0]) == 24 // stride
        strides.add(stride)
    assert strides == {1, 2, 3, 4}
