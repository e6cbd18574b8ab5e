"""What a stage is made from: the configuration, the source videos and the folders of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from miradata.collect.sources import SourceVideo
from miradata.config import Config, S, checked


class Absent(NamedTuple):
    """In the place of a stage: why it does not run."""

    reason: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One run, before its stages are made."""

    config: Config
    sources: tuple[SourceVideo, ...]
    root: Path
    """The folder of source videos, which `videos.path` is relative to."""
    output: Path
    remarks: list[str] = field(default_factory=list)
    """What is left out, one sentence each; shown after the run and in its report."""

    def remark(self, sentence: str) -> None:
        """Say what a stage leaves out although it runs."""
        self.remarks.append(sentence)

    def options(self, stage: str, kind: type[S]) -> S:
        """The section `options.<stage>` of the configuration.

        Args:
            stage: The stage's name.
            kind: What the section holds, with its defaults.

        Raises:
            InputError: a key is unknown or a value is refused; all are named.
        """
        return checked(kind, self.config.options.get(stage, {}), f"options.{stage}")
