"""Scores checkpoints as they appear, and says what became of them: better, worse, or no longer better.

Each checkpoint is compared clip by clip with the baseline and with the checkpoint before it, with
`mirabench.compare` and its corrections. A checkpoint whose report is there is not scored again, so watching
can be stopped and begun again.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from mirabench.compare.build import compare
from mirabench.compare.model import Contrast
from mirabench.compare.runs import Run
from mirabench.errors import ReportError
from mirabench.files import write_text
from mirabench.report.model import Report, load_report
from mirabench.training.checkpoints import Checkpoint, checkpoints_in
from mirabench.training.curve_page import render_curves
from mirabench.training.loggers import Logger

FOLDER = "checkpoints"
"""Below the output folder: the report of each checkpoint."""
FILE, PAGE = "watch.json", "watch.html"

Score = Callable[[Checkpoint, Path], Report]
"""Scores a checkpoint into a folder."""
BETTER: Literal["better"] = "better"
WORSE: Literal["worse"] = "worse"


@dataclass(frozen=True, slots=True)
class Judged:
    """A checkpoint with what is said of it."""

    checkpoint: Checkpoint
    report: Report
    against_baseline: Contrast | None = None
    against_previous: Contrast | None = None
    word: str = ""
    """`first`, `better`, `worse`, `no longer better`, or `no better`."""
    sentence: str = ""

    @property
    def values(self) -> dict[str, float]:
        """What is logged: mean and interval of each metric."""
        found: dict[str, float] = {}
        for name, summary in self.report.summary.items():
            ends = {"": summary.mean, "/ci_low": summary.ci_low, "/ci_high": summary.ci_high}
            found |= {f"mirabench/{name}{end}": v for end, v in ends.items() if v is not None}
        return found


@dataclass(slots=True)
class Watch:
    """A folder of checkpoints under observation."""

    folder: Path
    """Where checkpoints appear."""
    output: Path
    score: Score
    baseline: Run | None = None
    settled_seconds: float = 0.0
    judged: list[Judged] = field(default_factory=list)
    """So far, by step."""
    _logged: dict[int, set[str]] = field(default_factory=dict, init=False, repr=False)
    """Step -> the loggers that have its numbers, those of earlier processes included."""

    def __post_init__(self) -> None:
        self._logged = _logged_before(self.output / FILE)

    def judge_new(self) -> Iterator[Judged]:
        """Score and judge what is new; the curve is drawn anew after each.

        Raises:
            InputError: the folder does not exist, or a checkpoint cannot be scored at all.
            ReportError: the checkpoint's clips are not those of the baseline.
        """
        known = {one.checkpoint.step for one in self.judged}
        for checkpoint in checkpoints_in(self.folder, settled_seconds=self.settled_seconds):
            if checkpoint.step not in known:
                yield self.add(checkpoint, self._report_of(checkpoint))

    def add(self, checkpoint: Checkpoint, report: Report) -> Judged:
        """Judge a checkpoint that was scored; what was said of the same step before goes.

        Raises:
            ReportError: its clips are not those of the baseline.
            OutputError: the curve cannot be written.
        """
        earlier = [one for one in self.judged if one.checkpoint.step < checkpoint.step]
        previous = earlier[-1] if earlier else None
        run = Run(checkpoint.name, report)
        found = judge(checkpoint, run, self.baseline, previous)
        others = [one for one in self.judged if one.checkpoint.step != checkpoint.step]
        self.judged = sorted([*others, found], key=lambda one: one.checkpoint.step)
        self._write()
        return found

    def recall(self) -> None:
        """Take over the checkpoints that an earlier process scored; nothing is scored."""
        if not self.folder.is_dir():
            return
        known = {one.checkpoint.step for one in self.judged}
        for checkpoint in checkpoints_in(self.folder):
            if checkpoint.step in known:
                continue
            with suppress(ReportError):  # its samples were made, and then the process ended
                self.add(checkpoint, load_report(self.output / FOLDER / checkpoint.name))

    def log(self, one: Judged, name: str, logger: Logger) -> None:
        """Give a checkpoint's numbers to a logger, unless this or an earlier process did.

        Args:
            one: The checkpoint.
            name: Of the logger, with what tells it from others of its kind.
            logger: Takes the numbers.

        Raises:
            OutputError: that it was done cannot be written.
        """
        done = self._logged.setdefault(one.checkpoint.step, set())
        if name in done:
            return
        logger.log(one.checkpoint.step, one.values)
        done.add(name)
        self._write_file()

    def _report_of(self, checkpoint: Checkpoint) -> Report:
        folder = self.output / FOLDER / checkpoint.name
        try:
            return load_report(folder)
        except ReportError:
            return self.score(checkpoint, folder)

    def _write_file(self) -> None:
        entries = [
            {**_entry(one), "logged": sorted(self._logged.get(one.checkpoint.step, ()))}
            for one in self.judged
        ]
        known = {one.checkpoint.step for one in self.judged}
        later = {str(k): sorted(names) for k, names in self._logged.items() if k not in known}
        baseline = self.baseline.name if self.baseline else None
        found = {"baseline": baseline, "checkpoints": entries, "logged_before": later}
        write_text(self.output / FILE, json.dumps(found, indent=2) + "\n")

    def _write(self) -> None:
        self._write_file()
        reports = [(one.checkpoint.step, one.report) for one in self.judged]
        sentences = [one.sentence for one in self.judged]
        page = render_curves(reports, self.baseline.report if self.baseline else None, sentences)
        write_text(self.output / PAGE, page)


def _logged_before(path: Path) -> dict[int, set[str]]:
    """Step -> loggers, as the file of an earlier process has it; nothing where there is no such file."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        entries = {entry["step"]: entry["logged"] for entry in found["checkpoints"]}
        named = {**found["logged_before"], **entries}
        return {int(step): set(names) for step, names in named.items()}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def judge(
    checkpoint: Checkpoint, run: Run, baseline: Run | None, previous: Judged | None
) -> Judged:
    """What is to be said of a checkpoint.

    Raises:
        ReportError: no clip of it has a partner in the baseline or the checkpoint before.
    """
    against = None if baseline is None else _contrast(baseline, run)
    before = None
    if previous is not None:
        before = _contrast(Run(previous.checkpoint.name, previous.report), run)
    word, sentence = _said(run.name, baseline, previous, against, before)
    return Judged(checkpoint, run.report, against, before, word, sentence)


def _contrast(first: Run, second: Run) -> Contrast:
    [found] = compare([first, second]).contrasts
    return found


def _said(
    name: str,
    baseline: Run | None,
    previous: Judged | None,
    against: Contrast | None,
    before: Contrast | None,
) -> tuple[str, str]:
    """The word and the sentence; a loss is told first, whatever else was won."""
    sides: list[tuple[str, Contrast]] = []
    if before is not None and previous is not None:
        sides.append((previous.checkpoint.name, before))
    if against is not None and baseline is not None:
        sides.append((baseline.name, against))
    if not sides:
        return "first", f"{name} is the first"
    words: tuple[Literal["better", "worse"], ...] = (WORSE, BETTER)
    for word in words:
        if found := _first_with(sides, word):
            other, metrics = found
            return word, f"{name} is {word} than {other} in {', '.join(metrics)}"
    other = sides[0][0]
    if previous is not None and previous.word == BETTER:
        return "no longer better", (
            f"{name} is no longer better: nothing shows a gain over {other}, which still had gained"
        )
    return "no better", f"{name} is no better than {other}: nothing shows a gain or a loss"


def _first_with(
    sides: Sequence[tuple[str, Contrast]], word: Literal["better", "worse"]
) -> tuple[str, list[str]] | None:
    """The first that it is compared with in which metrics have a verdict, and these metrics."""
    for other, contrast in sides:
        if metrics := contrast.named(word):
            return other, metrics
    return None


def _entry(one: Judged) -> Mapping[str, Any]:
    verdicts = {
        side: {name: found.verdict for name, found in contrast.metrics.items()}
        for side, contrast in (
            ("against_baseline", one.against_baseline),
            ("against_previous", one.against_previous),
        )
        if contrast is not None
    }
    return {
        "step": one.checkpoint.step,
        "name": one.checkpoint.name,
        "word": one.word,
        "sentence": one.sentence,
        "values": one.values,
        **verdicts,
    }
