"""Report pages of many synthetic clips: bytes, seconds to write, nodes and first paint in Chromium.

A clip has the metrics of a suite, a prompt, a film strip of ten textured pictures and a curve for each metric.

    python benchmarks/report_page.py [--clips 100,1000,5000] [--keep FOLDER]

Chromium is looked for on the PATH; without it the last two columns are empty.
"""

from __future__ import annotations

import argparse
import os
import resource
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from mirabench.features.api import FeatureTable, as_table
from mirabench.metrics.api import ClipMetric, Curve
from mirabench.report.build import summarise_clips
from mirabench.report.files import write_run
from mirabench.report.model import Report, ScoreRecord, SuiteRecord, VideoRecord
from mirabench.report.page import page_files
from mirabench.report.page_clips import ClipExtras
from mirabench.suites.api import load_suite

WORDS = (
    "a",
    "slow",
    "pan",
    "over",
    "the",
    "harbour",
    "while",
    "two",
    "boats",
    "pass",
    "a",
    "lighthouse",
)
STRIPS = 50
"""Different film strips; clips take turns."""


class Found(NamedTuple):
    """What was measured of one page."""

    clips: int
    seconds: float
    page_bytes: int
    data_bytes: int
    files: int
    largest: int
    nodes: int | None
    paint_seconds: float | None


def clip_metrics(suite: str) -> list[ClipMetric]:
    """Those metrics of a suite that score one clip."""
    return [metric for metric in load_suite(suite).built() if isinstance(metric, ClipMetric)]


def video(position: int, metrics: list[ClipMetric]) -> VideoRecord:
    """A clip with a number for each metric; every 97th failed, every 53rd froze."""
    rng = np.random.default_rng(position)
    prompt = " ".join(rng.choice(WORDS, 40))
    record = VideoRecord(
        id=f"model-a/prompt-{position:06d}-seed-0", path=f"clips/model-a/prompt-{position:06d}.mp4",
        prompt_id=f"p{position}", prompt=prompt, sha256=f"{position:064x}", width=854, height=480,
        fps=24.0, num_frames=240, duration_seconds=10.0,
    )  # fmt: skip
    if position % 97 == 5:
        record.error = "no frame could be decoded"
        record.failures = {m.spec.name: record.error for m in metrics}
        return record
    if position % 53 == 7:
        record.health = {"frozen": "all frames are the same"}
    for metric in metrics:
        frozen = bool(record.health) and metric.spec.dimension == "temporal consistency"
        record.scores[metric.spec.name] = ScoreRecord(
            value=float(rng.normal()), status="degenerate" if frozen else "ok",
            protocol=f"{metric.spec.name}@0123456789", why="frozen: all frames are the same" if frozen else "",
        )  # fmt: skip
    return record


def report(clips: int, metrics: list[ClipMetric]) -> Report:
    """A report over that many clips."""
    videos = [video(i, metrics) for i in range(clips)]
    return Report(
        suite=SuiteRecord(name="lite", version=1, digest="0123456789"), partial=True,
        summary={m.spec.name: summarise_clips(m, videos) for m in metrics}, videos=videos,
        protocols={f"{m.spec.name}@0123456789": {"metric": m.spec.name} for m in metrics},
        provenance={},
    )  # fmt: skip


class Extras(Mapping[str, ClipExtras]):
    """Film strips and curves, made when they are asked for, so that none are held."""

    def __init__(self, report: Report, metrics: list[ClipMetric]) -> None:
        self._places = {v.id: i for i, v in enumerate(report.videos) if not v.error}
        self._metrics = metrics
        self._strips = [_strip(seed) for seed in range(STRIPS)]

    def __getitem__(self, key: str) -> ClipExtras:
        position = self._places[key]
        rng = np.random.default_rng(position)
        times = np.linspace(0.0, 10.0, 239)
        curves = {m.spec.name: Curve(times, rng.normal(size=239).cumsum()) for m in self._metrics}
        return ClipExtras(self._strips[position % STRIPS], curves)

    def __iter__(self) -> Iterator[str]:
        return iter(self._places)

    def __len__(self) -> int:
        return len(self._places)


def _strip(seed: int) -> FeatureTable:
    """Ten JPEG files of 160x90 with texture at several scales."""
    rng = np.random.default_rng(seed)
    files = []
    for _ in range(10):
        layers = [
            cv2.resize(rng.integers(0, 256, (h, w, 3), np.uint8), (160, 90), interpolation=cv2.INTER_CUBIC)
            for h, w in ((4, 6), (12, 20), (45, 80))
        ]  # fmt: skip
        pixels = np.mean(layers, axis=0).astype(np.uint8)
        files.append(cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, 80])[1].tobytes())
    return as_table(
        seconds=np.arange(10.0),
        jpeg=np.frombuffer(b"".join(files), np.uint8),
        ends=np.cumsum([len(f) for f in files]),
    )


def measured(clips: int, suite: str, folder: Path, chromium: str | None) -> Found:
    """Write one page into a folder, and open it."""
    metrics = clip_metrics(suite)
    found = report(clips, metrics)
    extras = Extras(found, metrics)
    start = time.perf_counter()
    write_run(folder, found, page_files(found, extras), {})
    seconds = time.perf_counter() - start
    page, data = folder / "report.html", sorted((folder / "report-data").glob("*"))
    sizes = [path.stat().st_size for path in data]
    nodes, paint = opened(page, chromium) if chromium else (None, None)
    return Found(
        clips, seconds, page.stat().st_size, sum(sizes), len(sizes), max(sizes, default=0), nodes, paint
    )  # fmt: skip


def opened(page: Path, chromium: str, times: int = 3) -> tuple[int, float]:
    """Nodes once the page is loaded, and the median of the seconds to the first contentful paint."""
    from playwright.sync_api import sync_playwright

    paints = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        for _ in range(times):
            tab = browser.new_page()
            tab.goto(page.as_uri())
            while not tab.evaluate("performance.getEntriesByName('first-contentful-paint').length"):
                tab.wait_for_timeout(20)  # the page's policy forbids what waits for functions
            paint = tab.evaluate(
                "performance.getEntriesByName('first-contentful-paint')[0].startTime"
            )
            nodes = tab.evaluate("document.querySelectorAll('*').length")
            paints.append(float(paint) / 1000)
            tab.close()
        browser.close()
    return int(nodes), statistics.median(paints)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clips", default="100,1000,5000", help="how many clips, one after the other"
    )
    parser.add_argument("--suite", default="lite", help="whose metrics the clips have")
    parser.add_argument("--keep", type=Path, help="leave the pages in this folder")
    options = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    print(f"load average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")
    print("clips    write s   page kB   data MB  files  largest kB   nodes  first paint s")
    for clips in map(int, options.clips.split(",")):
        with tempfile.TemporaryDirectory() as temporary:
            folder = (options.keep or Path(temporary)) / str(clips)
            one = measured(clips, options.suite, folder, chromium)
        print(
            f"{one.clips:<8} {one.seconds:7.2f} {one.page_bytes / 1e3:9.0f} {one.data_bytes / 1e6:9.2f} "
            f"{one.files:6} {one.largest / 1e3:11.0f} {one.nodes or '-':>7} {one.paint_seconds or 0:14.2f}"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of this process, which holds the report: {peak:.0f} MB")


if __name__ == "__main__":
    main()
