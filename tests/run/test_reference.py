"""A reference in a file: the numbers of its clips to the last bit, none decoded; mismatches refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

import mirabench
from mirabench.cli.main import app
from mirabench.errors import InputError
from mirabench.run.build_reference import build_reference, prepare_reference
from mirabench.run.reference import EMBEDDED, load_statistics, write_statistics
from mirabench.run.score import Options
from mirabench.testing import clips, degrade
from mirabench.video.encode import write_video

METRICS = ["sharpness", "exposure", "handmade_frechet_distance", "handmade_kernel_distance"]
DISTANCES = METRICS[2:]
BANDS = METRICS[:2]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reference")
    for i in range(6):
        (root / "real").mkdir(exist_ok=True)
        (root / "made").mkdir(exist_ok=True)
        real = clips.pan(28, (96, 64), seed=i, pixels=(1.0 + i / 2, 0.5)).frames
        write_video(root / "real" / f"{i}.mp4", real, fps=24)
        made = degrade.blur(clips.pan(28, (96, 64), seed=10 + i).frames, 1.0)
        write_video(root / "made" / f"{i}.mp4", made, fps=24)
    job = prepare_reference(root / "real", metrics=METRICS)
    write_statistics(root / "real.npz", build_reference(job, Options()))
    return root


@pytest.fixture(scope="module")
def both(folder: Path) -> tuple[mirabench.Report, mirabench.Report]:
    made = folder / "made"
    by_clips = mirabench.evaluate(made, metrics=METRICS, reference=folder / "real", cache=False)
    by_file = mirabench.evaluate(made, metrics=METRICS, reference=folder / "real.npz", cache=False)
    return by_clips, by_file


def test_a_file_gives_the_numbers_of_its_clips_to_the_last_bit(both: Any) -> None:
    by_clips, by_file = (report.model_dump()["summary"] for report in both)
    assert by_clips == by_file
    assert all(by_clips[name]["mean"] is not None for name in METRICS)


def test_no_reference_clip_is_needed_any_more(folder: Path, both: Any, tmp_path: Path) -> None:
    alone = tmp_path / "alone.npz"
    alone.write_bytes((folder / "real.npz").read_bytes())
    found = mirabench.evaluate(folder / "made", metrics=METRICS, reference=alone, cache=False)
    assert found.model_dump()["summary"] == both[1].model_dump()["summary"]
    assert [r.sha256 for r in found.reference] == [r.sha256 for r in both[0].reference]


def test_the_band_is_of_the_reference_clips(folder: Path, both: Any) -> None:
    alone = mirabench.evaluate(folder / "real", metrics=BANDS, cache=False)
    for name in BANDS:
        values = [v.scores[name].value for v in alone.videos]
        low, high = np.quantile(values, [0.1, 0.9])
        for report in both:
            summary = report.summary[name]
            assert (summary.reference_low, summary.reference_high) == (low, high)
            assert summary.reference_clips == 6


def test_without_a_reference_there_is_no_band(folder: Path) -> None:
    found = mirabench.evaluate(folder / "made", metrics=["exposure"], cache=False)
    assert found.summary["exposure"].reference_low is None


def test_it_holds_moments_digests_and_identities(folder: Path) -> None:
    found = load_statistics(folder / "real.npz")
    assert len(found.clips) == 6
    assert all(len(clip["sha256"]) == 64 for clip in found.clips)
    assert found.made["mirabench"] == mirabench.__version__
    assert set(found.identities) == set(METRICS)
    assert found.vectors[DISTANCES[0]][0].shape[1] == 32


def test_the_same_statistics_are_the_same_bytes(folder: Path, tmp_path: Path) -> None:
    write_statistics(tmp_path / "again.npz", load_statistics(folder / "real.npz"))
    assert (tmp_path / "again.npz").read_bytes() == (folder / "real.npz").read_bytes()


def changed(folder: Path, to: Path, change: Any) -> Path:
    """The file with its meta changed."""
    with np.load(folder / "real.npz") as held:
        arrays = {key: held[key] for key in held.files}
    meta = json.loads(arrays["meta"].tobytes())
    change(meta)
    arrays["meta"] = np.frombuffer(json.dumps(meta).encode(), np.uint8)
    np.savez(to, **arrays)
    return to


def older_metric(meta: Any) -> None:
    meta["identities"]["handmade_kernel_distance"]["version"] = 1


def other_resize(meta: Any) -> None:
    meta["identities"]["handmade_frechet_distance"]["features"]["motion"]["resize"] = {
        "size": [64, 64]
    }


def older_feature(meta: Any) -> None:
    meta["identities"]["exposure"]["features"]["quality"]["version"] = 1


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (older_metric, "of handmade_kernel_distance, version was 1 and is"),
        (other_resize, "of handmade_frechet_distance, features.motion.resize"),
        (older_feature, "of exposure, features.quality.version was 1 and is"),
    ],
    ids=["metric", "preprocessing", "feature"],
)
def test_a_mismatch_is_refused_before_anything_is_scored(
    folder: Path, tmp_path: Path, change: Any, told: str
) -> None:
    path = changed(folder, tmp_path / "other.npz", change)
    with pytest.raises(InputError, match=told) as refused:
        mirabench.evaluate(folder / "made", metrics=METRICS, reference=path, cache=False)
    assert "mirabench reference build" in str(refused.value)


def test_a_metric_that_the_file_lacks_is_skipped_with_a_reason(
    folder: Path, tmp_path: Path
) -> None:
    job = prepare_reference(folder / "real", metrics=["exposure"])
    write_statistics(tmp_path / "some.npz", build_reference(job, Options()))
    found = mirabench.evaluate(
        folder / "made", metrics=METRICS, reference=tmp_path / "some.npz", cache=False
    )
    assert "some.npz has no vectors of it" in found.skipped["handmade_kernel_distance"]
    assert found.summary["sharpness"].reference_low is None


@pytest.mark.parametrize("content", [b"", b"no archive", b"junk\n", b"PK\x03\x04 cut short"])
def test_what_is_no_reference_is_refused(tmp_path: Path, folder: Path, content: bytes) -> None:
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(InputError, match=r"bad\.npz is no reference .* build it again$"):
        load_statistics(tmp_path / "bad.npz")
    with pytest.raises(InputError, match="cannot read the reference"):
        load_statistics(tmp_path / "none.npz")


def test_the_command_builds_and_shows(folder: Path, tmp_path: Path) -> None:
    output = tmp_path / "built.npz"
    run = CliRunner().invoke(
        app,
        ["reference", "build", str(folder / "real"), "-o", str(output), "--metrics", "exposure",
         "--cache", str(tmp_path / "cache")],
    )  # fmt: skip
    assert run.exit_code == 0, run.output
    assert "6 of 6 clips, 1 clip metrics, 0 distances" in run.output
    shown = CliRunner().invoke(app, ["reference", "show", str(output)])
    assert json.loads(shown.stdout)["clip_metrics"] == {"exposure": 6}


def test_the_embedded_reference_goes_with_the_present_lite() -> None:
    found = load_statistics(EMBEDDED)
    suite = mirabench.load_suite("lite")
    found.require_same(suite.built())
    assert [m.spec.name for m in suite.built() if found.why_not(m)] == []
    assert "rendered" in found.made["of"]
