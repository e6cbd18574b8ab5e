"""What `mirabench compare` says of clips that were only degraded: the tables of docs/compare.md.

    python benchmarks/degraded.py ../shared/data [--folder degraded/] [--only "blur of 2 px"]

Cuts 18 excerpts of 24 frames, 320 px wide, from the videos of a folder (4, 4 and 10 of them in the order of
their names) and renders 10 more with `mirabench.testing`; degrades them in twelve ways, scores all with the
suite `lite` and compares each way with the excerpts themselves. Takes about half an hour on two cores. Exit
code 1 if anything was called better.

A folder keeps clips, features and rows (`rows.json`): given again after an interruption, the script goes on
where it was. A row is made anew where a metric has another version by now.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import av
import cv2
import numpy as np

import mirabench
from mirabench.compare import compare, read_runs
from mirabench.files import write_text
from mirabench.suites.api import load_suite
from mirabench.testing import clips, degrade
from mirabench.video.encode import write_video

EXCERPTS = (4, 4, 10)
"""Of each video, in the order of their names."""
FRAMES = 24
WIDTH = 320


class Film(NamedTuple):
    """Frames and their rate."""

    frames: np.ndarray
    fps: float


def washed_out(frames: np.ndarray) -> np.ndarray:
    """Half the saturation, six tenths of the contrast, a little brighter."""
    levels = frames.astype(np.float32)
    grey = levels.mean(axis=-1, keepdims=True)
    levels = grey + 0.5 * (levels - grey)
    return np.clip(143.5 + 0.6 * (levels - 128), 0, 255).astype(np.uint8)


def cropped(frames: np.ndarray, share: float) -> np.ndarray:
    """The middle, enlarged by bicubic interpolation."""
    height, width = frames.shape[1:3]
    top, left = int(height * (1 - share) / 2), int(width * (1 - share) / 2)
    inner = frames[:, top : height - top, left : width - left]
    return np.stack([cv2.resize(f, (width, height), interpolation=cv2.INTER_CUBIC) for f in inner])


def unchanged(frames: np.ndarray) -> np.ndarray:
    """The frames."""
    return frames


WAYS: dict[str, tuple[Callable[[np.ndarray], np.ndarray], int]] = {
    "encoding at crf 20": (unchanged, 20),
    "blur of 0.7 px": (lambda f: degrade.blur(f, 0.7), 12),
    "blur of 2 px": (lambda f: degrade.blur(f, 2.0), 12),
    "saturation 0.5, contrast 0.6": (washed_out, 12),
    "crop to 0.9, enlarged": (lambda f: cropped(f, 0.9), 12),
    "crop to 0.8, enlarged": (lambda f: cropped(f, 0.8), 12),
    "encoding at crf 32": (unchanged, 32),
    "encoding at crf 40": (unchanged, 40),
    "first frame throughout": (degrade.still_of, 12),
    "last third frozen": (degrade.freeze_tail, 12),
    "every second frame held": (degrade.held, 12),
    "half speed, blended": (degrade.slowed, 12),
}
"""Name -> the change, and x264's constant rate factor."""


def excerpts(folder: Path) -> dict[str, Film]:
    """Name -> film, from the videos of a folder."""
    films = {}
    for path, count in zip(sorted(folder.glob("*.mp4")), EXCERPTS, strict=True):
        video = whole(path)
        for i, start in enumerate(np.linspace(0, len(video.frames) - FRAMES - 1, count)):
            films[f"{path.stem}{i}"] = Film(video.frames[int(start) :][:FRAMES], video.fps)
    return films


def rendered() -> dict[str, Film]:
    """Name -> film, of places and pictures whose motion is known."""
    size = (WIDTH, WIDTH * 9 // 16 // 2 * 2)
    kinds = (clips.dolly, clips.truck, clips.orbit, clips.ball)
    made = [
        *(make(FRAMES, size, seed) for make in kinds for seed in (0, 1)),
        clips.pan(FRAMES, size, 2),
        clips.handheld(FRAMES, size, 3),
    ]  # fmt: skip
    return {f"{clip.name}{i}": Film(clip.frames, clip.fps) for i, clip in enumerate(made)}


def whole(path: Path) -> Film:
    """All frames of a video, each shrunk as it is decoded."""
    with av.open(str(path)) as container:
        fps = float(container.streams.video[0].average_rate or 24)
        frames = [shrunk(f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]
    return Film(np.stack(frames), fps)


def shrunk(frame: np.ndarray) -> np.ndarray:
    """A picture (H, W, 3) of `WIDTH` columns."""
    height = round(frame.shape[0] * WIDTH / frame.shape[1]) // 2 * 2
    return cv2.resize(frame, (WIDTH, height), interpolation=cv2.INTER_AREA)


class Row(NamedTuple):
    """A line of the table."""

    name: str
    overall: str
    better: list[str]
    worse: list[str]
    withheld: list[str]
    """Metrics that rose, and are not called better."""

    def text(self) -> str:
        """It in Markdown."""
        told = [", ".join(f"`{m}`" for m in each) or "none" for each in self[2:]]
        return f"| {self.name} | {self.overall} | {' | '.join(told)} |"


def report_of(films: dict[str, Film], name: str, folder: Path) -> Path:
    """The folder of the report over films after a change; clips and features that are there are kept."""
    change, crf = WAYS.get(name, (unchanged, 12))
    for film, (frames, fps) in films.items():
        path = folder / name / f"{film}.mp4"
        if not path.exists():
            write_video(path, change(frames), fps=round(fps), options={"crf": str(crf)})
    output = folder / f"{name} report"
    mirabench.evaluate(folder / name, suite="lite", output=output, cache=folder / "cache")
    return output


def row_of(films: dict[str, Film], name: str, folder: Path) -> Row:
    """What `compare` says of a way."""
    runs = read_runs([report_of(films, each, folder) for each in ("base", name)])
    found = compare(runs).contrasts[0]
    withheld = [m for m, d in found.metrics.items() if d.why.startswith("not called better")]
    told = (found.named("better"), found.named("worse"), withheld)
    return Row(name, found.overall.verdict, *(list(each) for each in told))


def protocols() -> str:
    """What stands for the metrics of the suite as they are now."""
    choices = load_suite("lite").metrics
    specs = [choice.build().spec for choice in choices]
    return " ".join(f"{spec.name}-{spec.version}" for spec in specs)


def table(films: dict[str, Film], folder: Path, ways: Iterable[str]) -> int:
    """Print a table in Markdown; how many verdicts are `better`."""
    print("| degraded by | overall | better | worse | gains withheld |")
    print("| --- | --- | --- | --- | --- |")
    kept, false = folder / "rows.json", 0
    for name in ways:
        rows = json.loads(kept.read_text()) if kept.exists() else {}
        key = f"{protocols()}: {name}"
        if key not in rows:
            rows[key] = row_of(films, name, folder)
            write_text(kept, json.dumps(rows, indent=2))
        row = Row(*rows[key])
        false += len(row.better) + (row.overall == "better")
        print(row.text(), flush=True)
    return false


def main() -> int:
    """Print the tables of real and of rendered clips; 1 if anything was called better."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("videos", type=Path)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--only", action="append", choices=list(WAYS))
    chosen = parser.parse_args()
    false = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = chosen.folder or Path(temporary)
        for kind, films in (("real", excerpts(chosen.videos)), ("rendered", rendered())):
            print(f"\n{len(films)} {kind} clips\n", flush=True)
            false += table(films, folder / kind, chosen.only or WAYS)
    print(f"\n{false} verdicts were `better`")
    return 1 if false else 0


if __name__ == "__main__":
    sys.exit(main())
