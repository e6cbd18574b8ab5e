"""The generator `command`: any program that takes a prompt and a file name.

The template is divided into words like a shell would, but no shell runs: a prompt full of quotes,
semicolons and dollar signs arrives as one argument, letter by letter.
"""

from __future__ import annotations

import re
import shlex
import signal
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import IO, ClassVar

from mirabench.errors import GeneratorError, InputError
from mirabench.inputs.prompts import Prompt

_PLACEHOLDER = re.compile(r"\{(prompt|seed|output|id|python)\}")
_TAIL_BYTES = 2000


@dataclass(frozen=True, slots=True)
class Command:
    """Runs a program once a clip."""

    template: str
    """For example `{python} render.py --prompt={prompt} --seed={seed} --output={output}`; `{id}` is
    the prompt's id, `{python}` the Python that mirabench runs in."""
    revision: str = ""
    """Which version of the program this is; goes into the manifest."""

    name: ClassVar[str] = "command"

    def __post_init__(self) -> None:
        if not {"prompt", "id"} & set(_PLACEHOLDER.findall(self.template)):
            raise InputError(
                "option template: it needs {prompt} (or {id}), to be told what to make"
            )
        if "output" not in _PLACEHOLDER.findall(self.template):
            raise InputError("option template: it needs {output}, the file to write")
        self._words()

    def describe(self) -> dict[str, str]:
        """The template."""
        return {"revision": self.revision, "template": self.template}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """Run the program and wait for it."""
        values = {
            "prompt": prompt.text,
            "seed": str(seed),
            "output": str(output),
            "id": prompt.id,
            "python": sys.executable,
        }
        # one pass, so that a prompt that speaks of {seed} stays as it is
        words = [_PLACEHOLDER.sub(lambda m: values[m[1]], word) for word in self._words()]
        with tempfile.TemporaryFile() as printed:
            code = _run(words, printed)
            tail = _tail(printed)
        sys.stderr.write(tail)
        if code:
            last = tail.strip().splitlines()[-1:] or ["it printed nothing"]
            raise GeneratorError(f"{words[0]} ended with {_ending(code)}: {last[0]}")

    def _words(self) -> list[str]:
        try:
            return shlex.split(self.template)
        except ValueError as error:
            raise InputError(f"option template: {error} in {self.template!r}") from error


def _run(words: list[str], printed: IO[bytes]) -> int:
    try:
        done = subprocess.run(  # no shell; the user named the program
            words, stdin=subprocess.DEVNULL, stdout=printed, stderr=subprocess.STDOUT, check=False
        )
    except FileNotFoundError as error:
        raise InputError(f"there is no program {words[0]!r}: write its full path") from error
    except OSError as error:
        raise InputError(f"cannot run {words[0]!r}: {error.strerror or error}") from error
    return done.returncode


def _tail(printed: IO[bytes]) -> str:
    size = printed.seek(0, 2)
    printed.seek(max(0, size - _TAIL_BYTES))
    return printed.read().decode("utf-8", "replace")


def _ending(code: int) -> str:
    return f"exit code {code}" if code > 0 else signal.Signals(-code).name
