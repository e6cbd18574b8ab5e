"""Reports and scores of one run of checks, computed once however many tests and processes ask.

Processes of one run share a folder. Who asks first holds a lock while it computes and leaves the report
there; who asks the same meanwhile waits and reads it. Features go to the ordinary cache as well, so the
next run computes nothing again.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock

from mirabench.checks.result import RequirementResult
from mirabench.checks.strip import write_strip
from mirabench.errors import InputError, MirabenchError
from mirabench.features.cache import default_cache_folder
from mirabench.files import encoded, require_writable, write_bytes, write_text
from mirabench.identity import digest_of
from mirabench.inputs.remote import RemoteClip
from mirabench.inputs.samples import Sample, Source, collect
from mirabench.metrics.api import Score
from mirabench.report.model import Report, load_report
from mirabench.run.evaluate import run, score
from mirabench.run.prepare import Job
from mirabench.run.score import Options
from mirabench.video.frames import UInt8Array, Video

Input = str | Path | UInt8Array | Video


@dataclass(slots=True, eq=False)
class CheckRun:
    """What the checks of one run share."""

    folder: Path
    """Shared by the processes of the run."""
    output: Path | None = None
    """Where reports are to be kept for people; None keeps none."""
    strips: Path | None = None
    """Where film strips of failures go; None puts them beside the reports, or into `folder`."""
    options: Options = field(default_factory=Options)
    """How runs are carried out; without a `cache`, features go to the user's."""
    _reports: dict[str, Report] = field(default_factory=dict, repr=False)
    _scores: dict[str, Score] = field(default_factory=dict, repr=False)

    @property
    def pictures(self) -> bool:
        """Whether pages are written, for which film strips are made in the same pass."""
        return self.output is not None

    def report(self, job: Job, label: str = "") -> Report:
        """The report of a prepared job.

        Args:
            job: From `mirabench.run.evaluate.prepare`.
            label: Begins the name of its folder in `output`; without one, no folder is written.

        Raises:
            OutputError: a folder cannot be written.
        """
        key = _key_of(job, self.options.device, label)
        if key not in self._reports:
            kept = self.folder / "reports" / f"{key}.json"
            with locked(kept.with_suffix(".lock")):
                if not kept.exists():
                    write_text(kept, self._computed(job, label, key).to_json())
            self._reports[key] = load_report(kept)
        return self._reports[key]

    def _computed(self, job: Job, label: str, key: str) -> Report:
        folder = None
        if self.output is not None and label:
            folder = self.output / self._name_for(f"{_plain(label)}-{_plain(job.suite.name)}", key)
            require_writable(folder)
        cache = self.options.cache or default_cache_folder()
        return run(job, folder, replace(self.options, cache=cache))

    def _name_for(self, name: str, key: str) -> str:
        """A name for a report's folder that no other report of this run has."""
        names = self.folder / "names"
        with locked(self.folder / "names.lock"):
            if (names / name).exists():
                name = f"{name}-{key[:6]}"
            write_text(names / name, "")
        return name

    def kept_reports(self) -> list[Path]:
        """The pages that this run has written, all its processes together."""
        names = self.folder / "names"
        if self.output is None or not names.is_dir():
            return []
        pages = [self.output / path.name / "report.html" for path in sorted(names.iterdir())]
        return [page for page in pages if page.exists()]

    def kept_baselines(self) -> list[Path]:
        """The baselines that this run has written, all its processes together."""
        notes = sorted((self.folder / "baselines").glob("*.note"))
        return [Path(os.fsdecode(note.read_bytes().split(b" ", 1)[1])) for note in notes]

    def score(
        self,
        video: Input,
        metric: str,
        *,
        prompt: str | None = None,
        fps: float | None = None,
        **parameters: Any,
    ) -> Score:
        """As `mirabench.score`; a second process that asks finds the features in the cache."""
        sample = collect([video])[0]
        clip = fingerprint(sample.source)
        key = digest_of([clip, metric, prompt, fps, parameters], 40)
        if key not in self._scores:
            with locked(self.folder / "scores" / f"{digest_of(clip, 40)}.lock"):
                self._scores[key] = score(
                    video, metric, prompt=prompt, fps=fps, device=self.options.device,
                    allow_noncommercial=self.options.noncommercial, **parameters,
                )  # fmt: skip
        return self._scores[key]

    def with_strip(self, result: RequirementResult, samples: Sequence[Sample]) -> RequirementResult:
        """The result with the film strip of the clip to look at, where one can be made."""
        folder = self.strips or (self.output or self.folder) / "film-strips"
        return with_strip(result, samples, folder)

    def keep_baseline(self, path: Path, report: Report) -> None:
        """Write a report as the baseline of later runs.

        Raises:
            InputError: another report of this run was written there already.
            OutputError: the file cannot be written.
        """
        text = report.to_json()
        content = f"{hashlib.sha256(encoded(text)).hexdigest()} ".encode() + os.fsencode(
            path.resolve()
        )
        note = self.folder / "baselines" / f"{digest_of(str(path.resolve()), 40)}.note"
        with locked(note.with_suffix(".lock")):
            if note.exists() and note.read_bytes() != content:
                raise InputError(
                    f"two different reports of this run would be the baseline {path}: "
                    "give each check file its own `baseline:`, or mark tests with "
                    "@pytest.mark.mirabench(baseline=False)"
                )
            write_text(path, text)
            write_bytes(note, content)


def locked(path: Path) -> FileLock:
    """A lock that other processes wait for, and that the system takes back from one that is killed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return FileLock(path)


def with_strip(
    result: RequirementResult, samples: Sequence[Sample], folder: Path
) -> RequirementResult:
    """The result with the film strip of the clip to look at; without, where none can be made."""
    clip = next((s for s in samples if s.id == result.worst_clip), None)
    if result.passed or clip is None:
        return result
    try:
        return result.showing(write_strip(clip, folder, cache=default_cache_folder()))
    except MirabenchError:
        return result  # an unreadable clip is what the result tells already


def fingerprint(source: Source) -> object:
    """What tells whether a clip changed, without reading it: sizes and times of its files."""
    if isinstance(source, np.ndarray):
        data = np.ascontiguousarray(source)
        return [list(data.shape), hashlib.sha256(data.tobytes()).hexdigest()]
    if isinstance(source, Path):
        files = sorted(source.iterdir()) if source.is_dir() else [source]
        return [str(source.resolve()), *map(_stamp, files)]
    if isinstance(source, RemoteClip):
        return [source.url]
    return source.info.sha256


def _stamp(file: Path) -> list[object]:
    try:
        found = file.stat()
    except OSError:
        return [file.name]  # the run says that it is missing
    return [file.name, found.st_size, found.st_mtime_ns]


def _key_of(job: Job, device: str, label: str) -> str:
    clips = [
        [s.id, s.role, fingerprint(s.source), _prompt(s), dict(s.made)]
        for s in (*job.generated, *job.reference)
    ]
    return digest_of([job.suite.digest(), clips, job.fps, device, label], 40)


def _prompt(sample: Sample) -> list[str] | None:
    return [sample.prompt.id, sample.prompt.digest()] if sample.prompt else None


def _plain(text: str) -> str:
    return re.sub(r"[^\w.]+", "-", text).strip("-.")[-40:] or "clips"


def label_of(inputs: Input | Iterable[Input]) -> str:
    """What to call a set of inputs: the last part of the first path."""
    first = inputs if isinstance(inputs, str | Path) else next(iter(_listed(inputs)), None)
    if not isinstance(first, str | os.PathLike):
        return "array"
    path = Path(first)
    return path.stem if "*" not in path.name else path.parent.name


def _listed(inputs: object) -> Iterable[object]:
    return inputs if isinstance(inputs, list | tuple) else ()
