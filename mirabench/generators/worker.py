"""A generator in a process of its own, so that a hang, a crash or a leak costs one clip.

The process leads a process group: what it starts (a program, its children) dies with it, on a
timeout, on Ctrl-C, and when this process is killed. What it prints goes to a log file, away from
the progress on stderr. It keeps a loaded network from clip to clip.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any, NamedTuple

from mirabench.errors import GeneratorError, MirabenchError
from mirabench.generators.api import Generator
from mirabench.inputs.prompts import Prompt


class _Answer(NamedTuple):
    """What comes back: a value, or an error as text, since not every error can be pickled."""

    value: Any = None
    error: str = ""
    fatal: bool = False
    """The error says that no clip can work."""


class Worker:
    """Runs one generator; a context manager that leaves no process behind."""

    def __init__(self, generator: Generator, log: Path) -> None:
        self._generator, self._log = generator, log
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()

    def describe(self) -> dict[str, str]:
        """What the generator says of itself; may take long, since it may download.

        Raises:
            MirabenchError: it cannot work at all.
        """
        try:
            found: dict[str, str] = self._ask("describe", {}, timeout=None)
        except GeneratorError as error:
            raise MirabenchError(str(error)) from error
        return found

    def generate(self, prompt: Prompt, *, seed: int, output: Path, timeout: float | None) -> None:
        """Have one clip written.

        Raises:
            GeneratorError: it failed, its process died, or it took longer than `timeout` seconds.
            MirabenchError: no clip can work.
        """
        arguments = {"prompt": prompt, "seed": seed, "output": output}
        self._ask("generate", arguments, timeout=timeout)

    def _ask(self, verb: str, arguments: dict[str, Any], *, timeout: float | None) -> Any:
        connection = self._connection or self._start()
        try:
            connection.send((verb, arguments))
            if not connection.poll(timeout):
                self._kill()
                raise GeneratorError(
                    f"stopped after {timeout:g} s without a video: it hangs, or needs a longer --timeout"
                )
            answer: _Answer = connection.recv()
        except (EOFError, OSError) as error:
            raise GeneratorError(f"its process died ({self._kill()})") from error
        if answer.error:
            raise (MirabenchError if answer.fatal else GeneratorError)(answer.error)
        return answer.value

    def _start(self) -> Connection:
        context = multiprocessing.get_context("spawn")
        here, there = context.Pipe()
        arguments = (there, self._generator, self._log, os.getpid())
        self._process = context.Process(target=_serve, args=arguments, name="mirabench-generator")
        self._process.start()
        there.close()
        self._connection = here
        try:
            here.recv()  # it is up: the clock of a clip does not count the imports
        except EOFError as error:
            raise MirabenchError(
                f"the generator's process does not start ({self._kill()}); see {self._log}"
            ) from error
        return here

    def _kill(self) -> str:
        """End the process and all it started; says how it had ended by itself, if it had."""
        process, self._process = self._process, None
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if process is None:
            return ""
        process.join(timeout=0.2)
        code = process.exitcode
        if process.pid is not None:
            _kill_group(process.pid)
        process.kill()
        process.join()
        return _ending(code)


def _kill_group(leader: int) -> None:
    if hasattr(os, "killpg"):
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(leader, signal.SIGKILL)


def _ending(code: int | None) -> str:
    if code is not None and code < 0:
        name = signal.Signals(-code).name
        return f"{name}, out of memory?" if name == "SIGKILL" else name
    return f"exit code {code}"


def _serve(connection: Connection, generator: Generator, log: Path, parent: int) -> None:
    """The child's life: answer until the parent hangs up."""
    if hasattr(os, "setsid"):
        os.setsid()
    _print_to(log)
    threading.Thread(target=_die_with, args=(parent,), daemon=True).start()
    verbs: dict[str, Callable[..., Any]] = {
        "describe": generator.describe,
        "generate": generator.generate,
    }
    connection.send(None)
    while True:
        try:
            verb, arguments = connection.recv()
        except EOFError:
            return
        connection.send(_answer(verbs[verb], arguments))


def _answer(work: Callable[..., Any], arguments: dict[str, Any]) -> _Answer:
    try:
        if "prompt" in arguments:
            prompt, seed = arguments.pop("prompt"), arguments["seed"]
            sys.stderr.write(f"--- {prompt.id} seed {seed}\n")
            return _Answer(work(prompt, **arguments))
        return _Answer(work())
    except MirabenchError as error:
        return _Answer(error=str(error), fatal=not isinstance(error, GeneratorError))
    except Exception as error:  # the boundary: one clip must not lose the run
        traceback.print_exc()
        return _Answer(error=f"{type(error).__name__}: {error}")
    finally:
        sys.stdout.flush()
        sys.stderr.flush()


def _print_to(log: Path) -> None:
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    for stream in (1, 2):
        os.dup2(file, stream)
    os.close(file)


def _die_with(parent: int) -> None:
    """End the whole group when the parent is gone, even if it was killed."""
    while os.getppid() == parent:
        time.sleep(0.2)
    _kill_group(os.getpid())
    os._exit(1)
