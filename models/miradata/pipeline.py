"""The pipeline: the stages that a configuration lists, each made by its entry point, in their order.

Built-in stages and those of other packages come by the same door: the entry points `mirabench.stages`, each
a callable that makes a stage from a `miradata.setting.Setting`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench import registry
from mirabench.errors import InputError, MirabenchError, PluginError
from mirabench.work.local import Executor, LocalExecutor
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Listener, Policy, Progress
from miradata.collect.sources import SourceVideo
from miradata.config import Config, Running
from miradata.contract import checked_stage, require_order
from miradata.setting import Absent, Setting
from miradata.stage import Stage
from miradata.stage_run import StageRun


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in order, and what they leave out."""

    stages: tuple[Stage, ...]
    absent: tuple[str, ...]
    """One sentence per part that is switched off, or whose weights or extra are not here."""


def root_of(sources: Sequence[SourceVideo]) -> Path:
    """The folder that the names of sources are relative to.

    Raises:
        InputError: there is no source.
    """
    if not sources:
        raise InputError("there is no source video")
    first = sources[0]
    return first.path.parents[len(Path(first.name).parts) - 1]


def pipeline_of(config: Config, sources: Sequence[SourceVideo], output: Path) -> Pipeline:
    """The pipeline that a configuration means on this machine; nothing is run.

    Args:
        config: The configuration; `stages` is the list.
        sources: From `find_sources`.
        output: The output folder.

    Raises:
        InputError: there is no source, no stage has a name of the list, or a stage refuses its options.
        PluginError: an entry point does not load, what it makes is not a stage, or the order cannot work.
    """
    setting = Setting(config, tuple(sources), root_of(sources), output)
    stages: list[Stage] = []
    for name in config.stages:
        made = _made(name, setting)
        if isinstance(made, Absent):
            setting.remark(f"{name}: {made.reason}")
        else:
            stages.append(checked_stage(name, made))
    require_order(stages)
    return Pipeline(tuple(stages), tuple(setting.remarks))


def _made(name: str, setting: Setting) -> Any:
    prepare = registry.load(registry.STAGES, name)
    try:
        return prepare(setting)
    except MirabenchError:
        raise
    except Exception as error:  # a stranger's code: named, so that nobody looks for the bug here
        raise PluginError(
            f"the stage {name!r} cannot be made: {type(error).__name__}: {error}; report it to its author"
        ) from error


def executor_of(running: Running) -> Executor:
    """The executor that a configuration names."""
    if running.executor == "ray":
        return RayExecutor(running.ray_address, running.workers)
    return LocalExecutor(running.workers)


def run_pipeline(
    pipeline: Pipeline,
    config: Config,
    output: Path,
    *,
    executor: Executor | None = None,
    listener: Listener | None = None,
) -> dict[str, Progress]:
    """Run the stages; stage -> how it ended. What earlier runs finished is not done again.

    Raises:
        OutputError: the output folder cannot be written. Finished work is kept.
    """
    here = executor or executor_of(config.running)
    run = StageRun(output, here, Policy(tries=config.running.tries), listener)
    try:
        return run.all(pipeline.stages)
    finally:
        here.close()
