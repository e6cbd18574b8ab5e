"""Suite `lite`: speed against real time, memory against clip length, 3D numbers against one by one.

    python benchmarks/lite.py [CLIP]        # default: a rendered clip of 30 s at 480x270

Prints both sides of each comparison from this run. Run it on an otherwise idle machine.
"""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np

from mirabench.video.decode import open_video
from mirabench.video.encode import write_video

SELF = Path(__file__).resolve()


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        clip = Path(sys.argv[1]) if len(sys.argv) > 1 else rendered(Path(folder) / "pan.mp4", 30)
        speed(clip)
        geometry(clip)
        memory(Path(folder))
        light()


def rendered(path: Path, seconds: int, size: tuple[int, int] = (480, 270), fps: int = 30) -> Path:
    """A slow wander over a large texture, drawn frame by frame."""
    random = np.random.default_rng(0)
    width, height = size
    canvas = np.zeros((height * 2, width * 2, 3), np.float32)
    for scale in (4, 8, 24, 64):
        small = random.normal(size=(height * 2 // scale + 1, width * 2 // scale + 1, 3))
        canvas += cv2.resize(small.astype(np.float32), (width * 2, height * 2)) * scale**0.4
    picture = cv2.normalize(canvas, None, 10, 245, cv2.NORM_MINMAX).astype(np.uint8)

    def frames() -> object:
        for t in range(seconds * fps):
            x = width / 2 * (1 + 0.9 * np.sin(t / 97))
            y = height / 2 * (1 + 0.9 * np.cos(t / 61))
            yield cv2.warpAffine(picture, np.float32([[1, 0, -x], [0, 1, -y]]), size)

    return write_video(path, frames(), fps=fps)


def timed(arguments: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run(
        [sys.executable, "-m", "mirabench", *arguments], check=False, capture_output=True
    )
    return time.perf_counter() - began


def speed(clip: Path) -> None:
    info = open_video(clip).info
    with tempfile.TemporaryDirectory() as out:
        first = timed(["evaluate", str(clip), "-o", out, "--cache", f"{out}/cache"])
        second = timed(["evaluate", str(clip), "-o", out, "--cache", f"{out}/cache"])
    length = info.duration_seconds
    print(
        f"lite, {clip.name}: {info.num_frames} frames of {info.width}x{info.height}, {length:.1f} s of film"
    )
    print(f"  one process, everything: {first:6.2f} s = {length / first:.2f} x real time")
    print(f"  again, from the cache:   {second:6.2f} s")


def geometry(clip: Path) -> None:
    """The five 3D numbers: one pass, against each by itself from its frames, as the reference does."""
    from mirabench.features.epipolar import Epipolar
    from mirabench.features.stream import extract

    video = open_video(clip)
    began = time.perf_counter()
    table = extract(video, [Epipolar()], threads=2).tables[Epipolar()]
    shared = time.perf_counter() - began
    wanted = set(table["first"].tolist()) | set((table["first"] + table["gap"]).tolist())
    frames = {
        int(i): f
        for b in video.frames()
        for i, f in zip(b.index, b.data, strict=True)
        if int(i) in wanted
    }
    pairs = list(
        zip(table["first"].tolist(), (table["first"] + table["gap"]).tolist(), strict=True)
    )
    began = time.perf_counter()
    for _ in range(5):
        for a, b in pairs:
            one_pair(frames[a], frames[b])
    separate = time.perf_counter() - began
    print(f"five 3D numbers, {len(pairs)} pairs of {len(wanted)} frames")
    print(f"  one by one, each pair from its pictures: {separate:7.2f} s (decoding not counted)")
    print(
        f"  one shared pass (decoding counted):      {shared:7.2f} s = {separate / shared:.1f} x faster"
    )


def one_pair(one: np.ndarray, two: np.ndarray) -> None:
    sift, matcher = cv2.SIFT_create(nfeatures=40_000), cv2.FlannBasedMatcher()
    found = [sift.detectAndCompute(cv2.resize(f, (1280, 720)), None) for f in (one, two)]
    if any(d is None or len(d) < 2 for _, d in found):
        return
    pairs = matcher.knnMatch(found[0][1], found[1][1], k=2)
    good = [m for m, n in pairs if m.distance < 0.85 * n.distance]
    if len(good) >= 8:
        x1 = np.float64([found[0][0][m.queryIdx].pt for m in good])
        x2 = np.float64([found[1][0][m.trainIdx].pt for m in good])
        cv2.findFundamentalMat(x1, x2, cv2.FM_RANSAC, 3, 0.99)


def memory(folder: Path) -> None:
    print("peak memory of `mirabench evaluate`, 854x480 at 24 frames/s")
    for seconds in (20, 600):
        clip = rendered(folder / f"{seconds}.mp4", seconds, (854, 480), 24)
        done = subprocess.run(
            [sys.executable, str(SELF), "--peak", str(clip)],
            capture_output=True,
            text=True,
            check=True,
        )
        print(f"  {seconds:4d} s of film: {float(done.stdout):7.0f} MB")
        clip.unlink()


def peak(clip: str) -> None:
    import mirabench

    mirabench.evaluate(clip, cache=False)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)


def light() -> None:
    for name, code in (("mirabench --help", ["--help"]), ("mirabench --version", ["--version"])):
        best = min(timed(code) for _ in range(5))
        print(f"{name}: {best:.2f} s (best of 5)")


if __name__ == "__main__":
    if sys.argv[1:2] == ["--peak"]:
        peak(sys.argv[2])
    else:
        main()
