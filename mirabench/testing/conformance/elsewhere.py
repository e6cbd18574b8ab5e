"""Another process that imports a metric from nothing and measures with it.

A plain child with pickles through its pipes: the pools of `multiprocessing` import the caller's
main module again, which a script without a guard does not survive.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import pickle
import subprocess
import sys
from typing import TYPE_CHECKING, Any, BinaryIO

from mirabench.errors import MirabenchError

if TYPE_CHECKING:
    from mirabench.metrics.api import Metric
    from mirabench.testing.conformance.bench import Bench, Film, Outcome

HEAVY = ("torch", "tensorflow", "jax")


class OtherProcessError(MirabenchError):
    """The other process could not do what it was asked; the text says why."""


class OtherProcess:
    """Starts with the first question, and ends with `close` or with this process."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def measure(self, metric: Metric, films: tuple[Film, ...]) -> Outcome:
        """What the metric, sent there as a pickle, says of the clips.

        Raises:
            OtherProcessError: it cannot be loaded there.
        """
        found: Outcome = self._ask("measure", (metric, films))
        return found

    def heavy_imports(self, module: str, name: str) -> list[str]:
        """Which of `HEAVY` are loaded after importing a class, building it and its features.

        Raises:
            OtherProcessError: it cannot be imported there.
        """
        already: list[str] = self._ask("loaded", ())
        if already:  # an earlier metric ran a network there
            self.close()
        found: list[str] = self._ask("loaded", (module, name))
        return found

    def close(self) -> None:
        """End the process."""
        if self._child is not None:
            assert self._child.stdin is not None
            with contextlib.suppress(OSError):
                self._child.stdin.close()
            self._child.wait(timeout=30)
            if self._child.stdout is not None:
                self._child.stdout.close()
            self._child = None

    def _ask(self, verb: str, what: object) -> Any:
        question = pickle.dumps((verb, pickle.dumps(what)))
        child = self._child = self._child or _started()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(question)
            child.stdin.flush()
            well, answer = pickle.load(child.stdout)
        except (EOFError, OSError) as error:
            self._child = None
            raise OtherProcessError(f"the process died (exit code {child.wait()})") from error
        if not well:
            raise OtherProcessError(str(answer))
        return answer


def _started() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(p or os.getcwd() for p in sys.path)  # noqa: PTH109  # '' means it
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip


def serve() -> None:
    """Answer questions from stdin until it ends; the other process's main function."""
    from mirabench.testing.conformance.bench import Bench

    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a stranger's module prints must not mix with the answers
    with answers, Bench() as bench:
        while _answered(bench, sys.stdin.buffer, answers):
            pass


def _answered(bench: Bench, questions: BinaryIO, answers: BinaryIO) -> bool:
    try:
        verb, what = pickle.load(questions)
    except EOFError:
        return False
    try:
        arguments = pickle.loads(what)  # may import a stranger's module
        answer = (True, bench.measure(*arguments) if verb == "measure" else _loaded(*arguments))
        message = pickle.dumps(answer)
    except Exception as error:  # whatever a stranger's code raises is the answer
        message = pickle.dumps((False, f"{type(error).__name__}: {error}"))
    answers.write(message)
    answers.flush()
    return True


def _loaded(module: str = "", name: str = "") -> list[str]:
    if module:
        metric = getattr(importlib.import_module(module), name)()
        for ref in metric.spec.needs.values():
            ref.resolve()
    return [heavy for heavy in HEAVY if heavy in sys.modules]
