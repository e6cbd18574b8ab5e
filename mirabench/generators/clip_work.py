"""Making one clip, as work for the engine: generate, then find out whether the file is a whole video."""

from __future__ import annotations

import sys
import time
import traceback
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NamedTuple

from mirabench.errors import GeneratorError, MirabenchError, VideoError, reason_for
from mirabench.generators.api import Generator, Service
from mirabench.generators.manifest import Facts
from mirabench.inputs.prompts import Prompt
from mirabench.video.decode import open_video
from mirabench.work.item import FAILED, Item, Outcome, Resources

Size = tuple[int, int]


class ClipOrder(NamedTuple):
    """The payload of an item: a clip to be made."""

    prompt: Prompt
    seed: int
    output: Path
    """Where the file is written; absolute."""


class Fatal(NamedTuple):
    """The value of an outcome that says that no clip can work."""

    reason: str


@dataclass(frozen=True, slots=True)
class Description:
    """What a generator says of itself; in the child process, since it may download or break."""

    generator: Generator
    name: ClassVar[str] = "describe"
    resources: ClassVar[Resources] = Resources()

    def work(self, item: Item) -> Outcome:
        """Revision and settings."""
        return Outcome(self.generator.describe())

    def failed(self, item: Item, reason: str) -> None:
        """Nothing stands for it."""


@dataclass(frozen=True, slots=True)
class ClipWork:
    """One clip: an item's payload is its `ClipOrder`, its outcome's value its `Facts`."""

    generator: Generator
    size: Size | None
    """(width, height) that it must have."""
    timeout: float | None
    """Seconds that it may take."""
    folder: Path
    """Of the run."""
    name: ClassVar[str] = "generate"

    @property
    def resources(self) -> Resources:
        """One process, and the time limit."""
        return Resources(seconds=self.timeout)

    def work(self, item: Item) -> Outcome:
        """Generate and check. A MirabenchError that is not about this clip ends the run."""
        order: ClipOrder = item.payload
        sys.stderr.write(f"--- {order.prompt.id} seed {order.seed}\n")
        try:
            started = time.monotonic()
            self._generate(order)
            return Outcome(_facts(order.output, self.size, time.monotonic() - started))
        except (GeneratorError, VideoError):
            raise
        except MirabenchError as error:
            return Outcome(Fatal(str(error)), FAILED, reason_for(error))
        except Exception:
            traceback.print_exc()  # into the generator's log
            raise
        finally:
            sys.stdout.flush()
            sys.stderr.flush()

    def _generate(self, order: ClipOrder) -> None:
        prompt, seed, output = order
        if isinstance(self.generator, Service):
            self.generator.order(prompt, seed=seed, output=output, folder=self.folder)
        else:
            self.generator.generate(prompt, seed=seed, output=output)

    def failed(self, item: Item, reason: str) -> Facts:
        """Nothing is known of a clip that failed."""
        return Facts()


def _facts(file: Path, size: Size | None, seconds: float) -> Facts:
    """The facts of a file that is a whole video of the right size."""
    if not file.is_file():
        raise GeneratorError("it ended without an error and without a video")
    video = open_video(file)
    for _ in video.frames():
        pass  # every frame decodes, and their number is the announced one
    info = video.info
    if size is not None and size != (info.width, info.height):
        wanted = "x".join(map(str, size))
        raise GeneratorError(f"the video is {info.width}x{info.height}, asked for was {wanted}")
    return Facts(
        info.sha256, f"{seconds:.3f}", str(info.width), str(info.height), str(info.num_frames),
        f"{float(info.fps):g}",
    )  # fmt: skip
