"""A whole run: collect, measure, select, caption, cut, publish, report; and the same again is free.

An output folder remembers its configuration (`miradata.run_file`), so that `report`, `export` and
`calibrate` need nothing but the folder.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mirabench.errors import InputError
from mirabench.files import remove_abandoned, write_text
from mirabench.work.journal import locked
from mirabench.work.local import Executor
from mirabench.work.run import Listener, Policy, Progress
from mirabench.work.status import StatusFile
from miradata.collect.addresses import HttpSettings, collect_http
from miradata.collect.manifest import Collected, Wanted, read_list
from miradata.collect.sites import SiteSettings, collect_site
from miradata.collect.sources import find_sources
from miradata.config import Collect, Config, config_of, load_config
from miradata.pipeline import executor_of, pipeline_of, root_of
from miradata.publish.published import Publication, publication, write_published
from miradata.report.funnel import Step, funnel
from miradata.run_file import remember, remembered
from miradata.select.levels import load_thresholds
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

PAGE = "report.html"


@dataclass(frozen=True, slots=True)
class Curated:
    """What a run did."""

    output: Path
    progress: Mapping[str, Progress]
    """Stage -> how it ended."""
    published: Publication
    absent: tuple[str, ...]
    """What was not measured, done or fetched, one sentence each."""
    page: Path

    @property
    def failed(self) -> int:
        """Items that were given up, over all stages."""
        return sum(stage.failed for stage in self.progress.values())


def configured(given: Path, *, profile: str = "", **running: Any) -> Config:
    """The configuration that a command means.

    Args:
        given: A YAML file, or a folder or file of source videos.
        profile: `lite` or `learned`; empty takes the file's.
        running: Fields of `running` that are not None take the place of the file's.

    Raises:
        InputError: the file is refused, or names no input; relative paths in it start at the file.
    """
    if given.suffix.lower() in {".yaml", ".yml"}:
        config = _paths_from(load_config(given), given.parent)
        if profile and profile != config.profile:
            config = config_of({**config.model_dump(exclude_unset=True), "profile": profile})
    else:
        config = config_of({"profile": profile or "lite", "input": given})
    if config.input is None and config.collect is None:
        raise InputError(f"{given} names no input: set `input` to a folder of videos")
    chosen = {name: value for name, value in running.items() if value is not None}
    return config_of({
        **config.model_dump(exclude_unset=True),
        "running": {**config.running.model_dump(), **chosen},
    })  # fmt: skip


def curate(
    config: Config,
    output: Path,
    *,
    executor: Executor | None = None,
    listener: Listener | None = None,
) -> Curated:
    """Run everything that a configuration asks for; what earlier runs finished is not done again.

    Raises:
        InputError: the input holds no video, thresholds or level are refused, or another run is at work
            in the folder.
        OutputError: the output folder cannot be written. Finished work is kept.
    """
    here = executor or executor_of(config.running)
    with locked(output), contextlib.closing(here):
        return _curate(config, output, here, listener)


def _curate(config: Config, output: Path, executor: Executor, listener: Listener | None) -> Curated:
    remove_abandoned(output)  # what an earlier run left that was killed
    thresholds = load_thresholds(config.publish.levels)
    thresholds.index(config.publish.level)
    fetched = collect(config.collect) if config.collect is not None else []
    lost = tuple(f"collect: {one.url}: {one.reason}" for one in fetched if one.status == "failed")
    given = config.input or (config.collect.folder if config.collect else Path())
    sources = find_sources(given, config.source)
    pipeline, root = pipeline_of(config, sources, output), root_of(sources)
    absent = (*pipeline.absent, *lost)
    remember(output, config, root, absent)
    status = StatusFile(output, work="curate")
    run = StageRun(
        output,
        executor,
        Policy(tries=config.running.tries),
        _to_all(status.tell, listener),
    )
    progress = run.all(pipeline.stages)
    found = published(output)
    write_published(output, found)
    page = write_page(output)
    remove_abandoned(output)  # what workers of this run left that were
    status.end()
    return Curated(output, progress, found, absent, page)


def _to_all(first: Listener, second: Listener | None) -> Listener:
    def told(pace: Progress) -> None:
        first(pace)
        if second is not None:
            second(pace)

    return told


def collect(settings: Collect) -> list[Collected]:
    """Fetch what a configuration lists.

    Raises:
        InputError: no ground is stated, or the list is refused.
    """
    wanted: list[Wanted] = read_list(settings.list) if settings.list else []
    http = HttpSettings(
        settings.rights,
        seconds_between=settings.seconds_between,
        bytes_per_second=settings.bytes_per_second,
    )
    site = SiteSettings(settings.rights)
    return [
        *collect_http(wanted, settings.folder, http),
        *(collect_site(settings.sites, settings.folder, site) if settings.sites else ()),
    ]


def published(output: Path) -> Publication:
    """What an output folder publishes, from its tables as they are now."""
    known = remembered(output)
    return publication(
        Tables(output),
        load_thresholds(known.config.publish.levels),
        root=known.root,
        level=known.config.publish.level,
        captions_required=known.config.captions_required,
    )


def funnel_of(output: Path) -> list[Step]:
    """The funnel of an output folder.

    Raises:
        InputError: it is the output of no run.
    """
    return funnel(Tables(output), published(output).fates, remembered(output).config)


def write_page(output: Path) -> Path:
    """Write `report.html` of an output folder.

    Raises:
        OutputError: it cannot be written.
    """
    from miradata.report.page import render_report

    known = remembered(output)
    page = output / PAGE
    text = render_report(
        output,
        known.config,
        load_thresholds(known.config.publish.levels),
        published(output),
        known.root,
        known.absent,
    )
    write_text(page, text)
    return page


def _paths_from(config: Config, folder: Path) -> Config:
    """The configuration with its relative paths starting at the folder of its file."""
    changed: dict[str, Any] = config.model_dump(exclude_unset=True)
    for section, name in (
        ("", "input"),
        ("collect", "folder"),
        ("collect", "list"),
        ("publish", "levels"),
    ):
        place = changed.get(section) if section else changed
        if place and place.get(name) is not None:
            place[name] = (folder / place[name]).resolve()
    return config_of(changed)
