"""A fault drill: an `evaluate` in a process of its own, whose workers, nodes or driver are killed at random."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

import mirabench
from mirabench.video.decode import open_video
from mirabench.video.frames import CHUNK_BYTES, FrameBatch, Video, VideoInfo


@dataclass(frozen=True)
class MarkedVideo:
    """A video that notes each time that somebody begins to decode it, and takes its time."""

    path: Path
    marks: Path
    nap: float

    def _video(self) -> Video:
        return open_video(self.path)

    @property
    def info(self) -> VideoInfo:
        return self._video().info

    def frames(self, *, chunk_bytes: int = CHUNK_BYTES) -> Iterator[FrameBatch]:
        (self.marks / f"{self.path.stem}.{time.time_ns()}").touch()
        time.sleep(self.nap)
        yield from self._video().frames(chunk_bytes=chunk_bytes)


def command(clips: Path, folder: Path, nap: float, **options: object) -> list[str]:
    """Evaluates clips into a folder, with a cache and marks inside."""
    asked = json.dumps(options)
    return [sys.executable, __file__, str(clips), str(folder), str(nap), asked]


def started(arguments: Sequence[str]) -> subprocess.Popen[bytes]:
    """The driver, in a process group of its own."""
    log = Path(arguments[3], "driver.log")
    log.parent.mkdir(exist_ok=True)
    with log.open("ab") as file:
        return subprocess.Popen(arguments, stdout=file, stderr=file, start_new_session=True)


def marks(folder: Path) -> int:
    """How often a clip was begun."""
    return len(list((folder / "marks").glob("*")))


def workers_of(driver: int) -> list[psutil.Process]:
    """Processes that score, of a driver."""
    with suppress(psutil.Error):
        return [p for p in psutil.Process(driver).children() if _says(p, "spawn_main")]
    return []


def _says(process: psutil.Process, word: str) -> bool:
    with suppress(psutil.Error):
        return any(word in part for part in process.cmdline())
    return False


@dataclass
class Drill:
    """Kills while a run is under way; a driver that was killed is started again."""

    arguments: Sequence[str]
    folder: Path
    clips: int
    kills: int
    victims: Callable[[int], Sequence[psutil.Process]]
    """The driver's process number -> what else may be killed."""
    driver_share: float = 0.2
    killed_drivers: int = 0
    killed_others: int = 0

    def run(self, seed: int) -> int:
        """To the end of the run; its exit code."""
        chance = random.Random(seed)
        driver = started(self.arguments)
        for number in range(self.kills):
            due = number * self.clips // (self.kills + 1)
            while marks(self.folder) < due and driver.poll() is None:
                time.sleep(0.02)
            time.sleep(chance.uniform(0, 0.2))
            if driver.poll() is not None:
                break
            driver = self._kill(chance, driver)
        return driver.wait(timeout=900)

    def _kill(
        self, chance: random.Random, driver: subprocess.Popen[bytes]
    ) -> subprocess.Popen[bytes]:
        others = list(self.victims(driver.pid))
        if others and chance.random() >= self.driver_share:
            with suppress(psutil.Error):
                chance.choice(others).kill()
                self.killed_others += 1
            return driver
        os.kill(driver.pid, signal.SIGKILL)
        driver.wait()
        self.killed_drivers += 1
        return started(self.arguments)


def main() -> None:
    """Arguments: the clips, the output folder, seconds for each clip, options of `evaluate` as JSON."""
    clips, folder, nap = Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3])
    (folder / "marks").mkdir(parents=True, exist_ok=True)
    videos = [MarkedVideo(path, folder / "marks", nap) for path in sorted(clips.glob("*.mp4"))]
    mirabench.evaluate(
        videos,
        metrics=["sharpness"],
        output=folder,
        cache=folder / "cache",
        **json.loads(sys.argv[4]),
    )


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    import drill  # what travels to a worker must not be of `__main__`, which a worker runs under another name

    drill.main()
