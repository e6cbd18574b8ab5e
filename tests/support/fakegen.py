"""Generators that go wrong on purpose, as importable classes: they run in another process."""

from __future__ import annotations

import ctypes
import hashlib
import sys
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, NoReturn

import numpy as np

from mirabench.errors import GeneratorError, InputError
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video


def paint(output: Path, key: str, frames: int = 4, size: tuple[int, int] = (32, 16)) -> None:
    """A few frames of noise that only `key` decides."""
    number = int(hashlib.sha256(key.encode()).hexdigest()[:8], 16)
    shape = (frames, size[1], size[0], 3)
    write_video(output, np.random.default_rng(number).integers(0, 256, shape, np.uint8), fps=8)


def hang() -> NoReturn:
    """Never return."""
    while True:
        threading.Event().wait()


@dataclass(frozen=True)
class Moody:
    """Does what the first word of the prompt says, else paints."""

    revision: str = "1"
    marker: str = ""
    """A file whose existence stops `wait` from hanging."""

    name: ClassVar[str] = "moody"

    def describe(self) -> dict[str, str]:
        return {"revision": self.revision, "mood": "varied"}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        word = prompt.text.split()[0]
        action = getattr(self, f"do_{word}", None)
        if action is not None:
            action(output)
        else:
            paint(output, f"{prompt.text} {seed}")

    def do_refuse(self, output: Path) -> None:
        raise GeneratorError(f"the model refuses {output}")

    def do_break(self, output: Path) -> None:
        raise RuntimeError("CUDA out of memory")

    def do_fatal(self, output: Path) -> None:
        raise InputError("option model: there is none")

    def do_hang(self, output: Path) -> None:
        output.write_bytes(b"half a clip")
        hang()

    def do_wait(self, output: Path) -> None:
        if not Path(self.marker).exists():
            self.do_hang(output)
        paint(output, "waited")

    def do_crash(self, output: Path) -> None:
        ctypes.string_at(0)  # what a broken native library does

    def do_exit(self, output: Path) -> None:
        sys.stderr.write("going away\n")
        raise SystemExit(3)

    def do_nothing(self, output: Path) -> None:
        pass

    def do_empty(self, output: Path) -> None:
        output.touch()

    def do_garbage(self, output: Path) -> None:
        output.write_bytes(b"\0" * 5000)

    def do_truncate(self, output: Path) -> None:
        paint(output, "truncated", frames=40, size=(64, 64))
        output.write_bytes(output.read_bytes()[:20_000])

    def do_copy(self, output: Path) -> None:
        paint(output, "always the same")

    def do_wide(self, output: Path) -> None:
        paint(output, "wide", size=(64, 16))
