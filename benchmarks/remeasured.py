"""Whether the band of an error budget holds: 204 remeasurements that no budget is built with, for each metric.

    python benchmarks/remeasured.py ../shared/data --folder remeasured --part 1/6
    python benchmarks/remeasured.py ../shared/data --folder remeasured

The clips are those of `attack_clips.py`. The error budget is that of its first half (`mirabench
error-budget`); the six clips of the other half are written in 34 further versions each: conversions by other
filters, sizes from half to nineteen twentieths, codecs and qualities that look the same. `--part K/6` measures
the K-th of these six, `--part budget` the budget; what is in the folder is not measured again. Without a part
the table is printed: for each metric how many of its numbers lie within the band. Exit code 1 if fewer than
93 % do.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
from attack_clips import write_half
from av.video.reformatter import Interpolation

from mirabench.compare.error_budget import ErrorBudget, read_error_budget
from mirabench.compare.remeasure import (
    VERSIONS,
    Version,
    converted,
    error_budget_of,
    prompts_of,
    resized,
    whole,
    written,
)
from mirabench.inputs.samples import Sample, collect
from mirabench.report.model import VideoRecord
from mirabench.run.evaluate import evaluate
from mirabench.suites.api import load_suite

HELD = 0.93
CLIPS = 6

_CONVERSIONS = (
    Interpolation.BICUBIC, Interpolation.LANCZOS, Interpolation.SPLINE, Interpolation.SINC,
    Interpolation.GAUSS, Interpolation.BICUBLIN,
)  # fmt: skip
_FILTERS = {"area": cv2.INTER_AREA, "bicubic": cv2.INTER_CUBIC, "lanczos": cv2.INTER_LANCZOS4}
_SIZES = (0.5, 0.6, 0.8, 0.9, 0.95)


def _encoded(name: str, codec: str, **options: str) -> Version:
    pixels = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    return Version("codec", name, whole, codec=codec, pixel_format=pixels, options=options)


def _x264(crf: int, preset: str) -> Version:
    quiet = "cpu-independent=1:threads=1"
    name = f"x264 crf {crf} {preset}"
    return _encoded(name, "libx264", **{"x264-params": quiet, "crf": f"{crf}", "preset": preset})


def held_out() -> Iterator[Version]:
    """The versions, none of which builds a budget: 6 conversions, 15 sizes, 13 encodings."""
    for how in _CONVERSIONS:
        yield Version("decoder", how.name.lower(), converted(how))
    for share in _SIZES:
        for name, how in _FILTERS.items():
            yield Version("resize", f"{share:g} {name}", resized(share, how))
    for crf, preset in (
        (14, "medium"),
        (16, "fast"),
        (17, "veryfast"),
        (19, "slow"),
        (20, "medium"),
    ):
        yield _x264(crf, preset)
    for crf in (15, 17, 20):
        yield _encoded(f"x265 crf {crf}", "libx265", **{"x265-params": f"log-level=none:crf={crf}"})
    for crf in ("16", "20", "24"):
        yield _encoded(f"vp9 crf {crf}", "libvpx-vp9", crf=crf, b="0", **{"cpu-used": "6"})
    for codec in ("mpeg4", "mjpeg"):
        yield _encoded(f"{codec} q 2", codec, flags="+qscale", global_quality="236", q="2")


class Bench:
    """The folder that keeps clips, budget and numbers."""

    def __init__(self, videos: Path, folder: Path, suite: str, metrics: list[str] | None) -> None:
        self.videos, self.folder, self.suite, self.metrics = videos, folder, suite, metrics
        self.budget_file = folder / "budget.json"

    def clips(self, half: str) -> list[Sample]:
        """The clips of a half, written where they are not yet."""
        manifest = self.folder / f"{half}.csv"
        if not manifest.exists():
            self.folder.mkdir(parents=True, exist_ok=True)
            write_half(self.videos, self.folder, half)
        return collect([manifest])

    def budget(self) -> ErrorBudget:
        """That of the first half."""
        if not self.budget_file.exists():
            self.clips("repair")
            found = error_budget_of(
                [self.folder / "repair.csv"], suite=self.suite, metrics=self.metrics, cache=False
            )
            self.budget_file.write_text(found.to_json())
        return read_error_budget(self.budget_file)

    def departures(self, number: int) -> dict[str, dict[str, float]]:
        """Version -> metric -> how far a clip's number departs from that of the clip as it is."""
        file = self.folder / f"clip{number}.json"
        if not file.exists():
            sample = self.clips("held-out")[number]
            file.write_text(json.dumps(dict(self._measured(sample)), indent=1))
        found: dict[str, dict[str, float]] = json.loads(file.read_text())
        return found

    def _measured(self, sample: Sample) -> Iterator[tuple[str, dict[str, float]]]:
        as_it_is = Version("base", "as it is", whole)
        base = self._scored(sample, as_it_is)
        for version in held_out():
            again = self._scored(sample, version)
            yield (
                f"{version.source}: {version.name}",
                {
                    name: again.scores[name].value - score.value
                    for name, score in base.scores.items()
                    if score.status != "degenerate"
                    and name in again.scores
                    and again.scores[name].status != "degenerate"
                },
            )

    def _scored(self, sample: Sample, version: Version) -> VideoRecord:
        suite = load_suite(self.suite)
        with tempfile.TemporaryDirectory() as folder:
            paths = list(written([Path(str(sample.source))], version, Path(folder)))
            prompts = prompts_of([sample])
            chosen = suite if self.metrics is None else suite.only(self.metrics)
            return evaluate(paths, suite=chosen, prompts=prompts or None, cache=False).videos[0]


def table(bench: Bench) -> tuple[str, bool]:
    """The table, and whether every band holds."""
    bands = bench.budget().metrics
    found = [d for n in range(CLIPS) for d in bench.departures(n).values()]
    lines = ["| metric | band | numbers | within | largest |", "| --- | --- | --- | --- | --- |"]
    holds = True
    for name, budget in bands.items():
        moved = [abs(d[name]) for d in found if name in d]
        inside = sum(m <= budget.band for m in moved)
        holds &= inside >= HELD * len(moved)
        share = f"{inside / len(moved):.1%}" if moved else "-"
        band, largest = f"{budget.band:.3g} {budget.unit}", f"{max(moved, default=0):.3g}"
        lines.append(f"| `{name}` | {band} | {len(moved)} | {share} | {largest} |")
    return "\n".join(lines) + "\n", holds


def main() -> int:
    """Measure a part, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--folder", type=Path, default=Path("remeasured"))
    parser.add_argument("--suite", default="lite")
    parser.add_argument("--metrics", default="", help="only these, separated by commas")
    parser.add_argument("--part", default="", help="budget, or K/6: only measure this")
    asked = parser.parse_args()
    logging.getLogger("mirabench").setLevel(logging.ERROR)
    names = [name for name in asked.metrics.split(",") if name] or None
    bench = Bench(asked.videos, asked.folder, asked.suite, names)
    if asked.part == "budget":
        bench.budget()
    elif asked.part:
        bench.departures(int(asked.part.split("/")[0]) - 1)
    else:
        text, holds = table(bench)
        sys.stdout.write(text)
        return int(not holds)
    return 0


def _names(versions: Iterable[Version]) -> set[tuple[str, str]]:
    return {(version.source, version.name) for version in versions}


assert not _names(held_out()) & _names(VERSIONS), "a version of the budget is not held out"


if __name__ == "__main__":
    sys.exit(main())
