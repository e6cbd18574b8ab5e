"""Another process that calls functions sent to it, with nothing imported but what they need.

A plain child with pickles through its pipes: the pools of `multiprocessing` import the caller's
main module again, which a script without a guard does not survive.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Callable
from typing import Any, BinaryIO, TypeVar

from mirabench.errors import MirabenchError

T = TypeVar("T")


class IsolatedProcessError(MirabenchError):
    """The other process could not do what it was asked; the text says why."""


class IsolatedProcess:
    """Starts with the first call, and ends with `close` or with this process."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None

    def call(self, function: Callable[..., T], *arguments: object) -> T:
        """What a function of some module gives there.

        Raises:
            IsolatedProcessError: function or arguments cannot be loaded there, it raises, or the
                process dies.
        """
        question = pickle.dumps(pickle.dumps((function, arguments)))
        child = self._child = self._child or _started()
        assert child.stdin is not None
        assert child.stdout is not None
        try:
            child.stdin.write(question)
            child.stdin.flush()
            returned, answer = pickle.load(child.stdout)
        except (EOFError, OSError) as error:
            self._child = None
            raise IsolatedProcessError(f"the process died (exit code {child.wait()})") from error
        if not returned:
            raise IsolatedProcessError(str(answer))
        result: T = answer
        return result

    def close(self) -> None:
        """End the process; the next call starts a fresh one."""
        if self._child is not None:
            assert self._child.stdin is not None
            with contextlib.suppress(OSError):
                self._child.stdin.close()
            self._child.wait(timeout=30)
            if self._child.stdout is not None:
                self._child.stdout.close()
            self._child = None


def _started() -> subprocess.Popen[bytes]:
    paths = os.pathsep.join(p or os.getcwd() for p in sys.path)  # noqa: PTH109  # '' means it
    return subprocess.Popen(
        [sys.executable, "-c", f"from {__name__} import serve; serve()"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env={**os.environ, "PYTHONPATH": paths},
    )  # fmt: skip


def serve() -> None:
    """Answer calls from stdin until it ends; the process's main function."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever a stranger's module prints must not mix with the answers
    with answers:
        while _answered(sys.stdin.buffer, answers):
            pass


def _answered(questions: BinaryIO, answers: BinaryIO) -> bool:
    try:
        question = pickle.load(questions)
    except EOFError:
        return False
    answers.write(_answer(question))
    answers.flush()
    return True


def _answer(question: bytes) -> bytes:
    try:
        function, arguments = pickle.loads(question)  # may import a stranger's module
        result: tuple[bool, Any] = (True, function(*arguments))
        return pickle.dumps(result)
    except Exception as error:  # whatever a stranger's code raises is the answer
        return pickle.dumps((False, f"{type(error).__name__}: {error}"))
