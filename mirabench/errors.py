"""Every error of mirabench, in one tree.

```
MirabenchError
├── InputError (ValueError)        something the user gave cannot be used
│   ├── ManifestError              a table of videos or prompts
│   ├── SuiteError                 a suite file or a metric's parameters
│   ├── OutputError                a file or folder that cannot be written
│   ├── UnknownNameError (KeyError) a name nobody registered; the nearest ones are offered
│   └── V1Error                    a cell of a MiraData table
├── VideoError (ValueError)        one video cannot be read
│   └── FrameCountError            more or fewer frames than its header announces
├── MetricError                    one metric cannot be computed for one clip
│   └── NotApplicable              the clip asks for nothing that is measured
├── GeneratorError                 one prompt could not be turned into a video
├── WorkError                      worker processes do not start
├── PluginError                    an entry point that does not load or breaks its protocol
├── WeightsError                   weights that are corrupt, of another model, or unreachable
│   ├── WeightsMissingError        weights that are not on disk
│   ├── LicenceError               weights that may not be used under their licence
│   └── TransferError              one address that did not deliver
├── ReportError (ValueError)       a report that cannot be read or compared
├── MissingExtraError (ImportError) an optional part that is not installed
├── IsolatedProcessError           the process that checks a metric died or could not load it
├── CheckFailed                    a check in a test that does not hold
├── OutOfMemoryError               MiraDiT does not fit into the device's memory
├── OverBudgetError                the next caption could cost more than its cap
├── ReplyError (ValueError)        a reply that is not a caption
└── SubmissionRefused              a submission that the leaderboard does not accept
```

A message says what was wrong, where, and what to do. The command line prints it in one line. Errors of one room
only are defined there; signals whose name begins with an underscore never leave their module.
"""

from __future__ import annotations

import difflib
import errno
from collections.abc import Iterable
from pathlib import Path


class MirabenchError(Exception):
    """Base of every error that mirabench raises on purpose."""


def reason_for(error: BaseException) -> str:
    """One sentence for what went wrong, at most 500 characters; a bug is named by its type."""
    text = " ".join(str(error).split())[:500]
    if isinstance(error, MirabenchError) and text:
        return text
    return f"unexpected {type(error).__name__}: {text}"


class InputError(MirabenchError, ValueError):
    """Something the user gave cannot be used."""


class ManifestError(InputError):
    """A table of videos or prompts is incomplete or contradicts itself."""


class SuiteError(InputError):
    """A suite file, or a metric's parameters in it, is not valid."""


class OutputError(InputError):
    """A file or folder cannot be written."""

    @classmethod
    def writing(cls, path: Path, error: OSError) -> OutputError:
        """The error for a failed write to `path`, with the remedy that fits its cause."""
        remedy = {
            errno.ENOSPC: "free some space and run the same command again: finished work is kept",
            errno.EACCES: "choose a folder you may write to with --output",
            errno.EROFS: "choose a folder on a writable disk with --output",
        }.get(error.errno or 0, "choose another folder with --output")
        return cls(f"cannot write {path}: {error.strerror or error}; {remedy}")


class UnknownNameError(InputError, KeyError):
    """A name nobody registered."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name, self.known = kind, name, sorted(known)
        super().__init__(self._sentence())

    def _sentence(self) -> str:
        near = difflib.get_close_matches(self.name, self.known, n=3, cutoff=0.5)
        if near:
            return f"unknown {self.kind} {self.name!r}: did you mean {' or '.join(near)}?"
        return f"unknown {self.kind} {self.name!r}: known are {', '.join(self.known) or 'none'}"

    def __str__(self) -> str:
        return self._sentence()  # KeyError would print the quoted repr

    def __reduce__(self) -> tuple[type, tuple[str, str, list[str]]]:
        return type(self), (self.kind, self.name, self.known)


class VideoError(MirabenchError, ValueError):
    """One video cannot be read."""


class MetricError(MirabenchError):
    """One metric cannot be computed for one clip; becomes a `Failure` with this text."""


class GeneratorError(MirabenchError):
    """One prompt could not be turned into a video; the run records it and goes on."""


class NotApplicable(MetricError):  # noqa: N818  # an outcome: nothing went wrong
    """The clip asks for nothing that is measured; no score, and no failure either."""


class WorkError(MirabenchError):
    """Work cannot be carried out at all: no worker process starts."""


class PluginError(MirabenchError):
    """An entry point does not load, or what it names breaks the protocol."""


class WeightsError(MirabenchError):
    """Weights are corrupt, of another model, or unreachable."""


class WeightsMissingError(WeightsError):
    """Weights are not on disk; the text names the command that downloads them."""


class LicenceError(WeightsError):
    """Weights may not be used under their licence unless the user says so."""


class ReportError(MirabenchError, ValueError):
    """A report cannot be read, or two reports must not be compared."""


def install(extra: str) -> str:
    """The command that installs an extra from the repository: the package is on no index."""
    return f'pip install -e ".[{extra}]"'


class MissingExtraError(MirabenchError, ImportError):
    """An optional part is not installed."""

    def __init__(self, extra: str, why: str) -> None:
        self.extra, self.why = extra, why
        super().__init__(f"{why}: install it, in the clone of mirabench, with  {install(extra)}")

    def __reduce__(self) -> tuple[type, tuple[str, str]]:
        return type(self), (self.extra, self.why)
