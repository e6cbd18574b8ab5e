"""What is to be scored: files, folders, globs, manifests or arrays become samples with ids.

A sample that cannot be found is kept, so that it shows up in the report as a failure instead of
silently missing from it.
"""

from __future__ import annotations

import glob
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from mirabench.errors import InputError, ManifestError
from mirabench.prompts import ID_COLUMNS, Prompt, prompt_of
from mirabench.tables import TABLE_SUFFIXES, Row, read_rows
from mirabench.video.frames import UInt8Array, Video
from mirabench.video.paths import is_frame_folder, is_video_file, natural_key

Role = Literal["generated", "reference"]
Source = Path | Video | UInt8Array

PATH_COLUMNS = ("video_path", "path", "file_path", "video", "file")


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One clip to score."""

    id: str
    source: Source
    prompt: Prompt | None = None
    role: Role = "generated"


def collect(inputs: Iterable[str | Path | UInt8Array | Video], role: Role = "generated") -> list[Sample]:
    """The samples that the inputs stand for, in natural order of their ids, ids unique.

    Args:
        inputs: Video files, frame folders, folders of either, globs, manifests, or arrays.
        role: Generated clips, or reference clips to compare with.

    Raises:
        InputError: an input matches nothing.
        ManifestError: a manifest that contradicts itself.
    """
    samples: list[Sample] = []
    for number, item in enumerate(inputs):
        if isinstance(item, np.ndarray):
            samples.append(Sample(f"array-{number}", item, role=role))
        elif isinstance(item, str | Path):
            samples += [replace(s, role=role) for s in _from_path(str(item))]
        else:
            samples.append(Sample(item.info.path, item, role=role))
    if not samples:
        raise InputError("nothing to score: name at least one video, folder, glob or manifest")
    return sorted(_unique(samples), key=lambda s: natural_key(s.id))


def with_prompts(samples: Sequence[Sample], prompts: Mapping[str, Prompt]) -> list[Sample]:
    """Give each sample the prompt whose id, or whose text, is the sample's id or file name."""
    by_text = {p.text: p for p in prompts.values()}
    return [replace(s, prompt=_prompt_for(s, prompts, by_text)) for s in samples]


def _prompt_for(
    sample: Sample, prompts: Mapping[str, Prompt], by_text: Mapping[str, Prompt]
) -> Prompt | None:
    if sample.prompt is not None and sample.prompt.id in prompts:
        return prompts[sample.prompt.id]
    name = sample.id.rsplit("/", 1)[-1]
    for key in (sample.id, name):
        found = prompts.get(key) or by_text.get(key)
        if found is not None:
            return found
    return sample.prompt


def _from_path(text: str) -> list[Sample]:
    path = Path(text)
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        return _from_manifest(path)
    if path.is_dir():
        return [Sample(path.name, path)] if is_frame_folder(path) else _from_folder(path)
    if path.exists():
        return [Sample(path.stem, path)]
    matches = sorted(glob.glob(text, recursive=True), key=natural_key)
    if not matches:
        raise InputError(f"no video at {text}: the path does not exist and matches nothing as a glob")
    return [sample for match in matches for sample in _from_path(match)]


def _from_folder(folder: Path) -> list[Sample]:
    found = [
        path
        for path in folder.rglob("*")
        if not path.name.startswith(".")
        and (is_video_file(path) if path.is_file() else is_frame_folder(path))
    ]
    if not found:
        raise InputError(f"no video in {folder}: neither files (mp4, mov, mkv, webm, avi, gif) nor frame folders")
    return [Sample(path.relative_to(folder).with_suffix("").as_posix(), path) for path in found]


def _unique(samples: Sequence[Sample]) -> list[Sample]:
    """Ids that collide (`a.mp4` beside `a.gif`, two folders) get their path's tail back."""
    counts = Counter(s.id for s in samples)
    named = [
        replace(s, id=s.source.as_posix()) if counts[s.id] > 1 and isinstance(s.source, Path) else s
        for s in samples
    ]
    again = Counter(s.id for s in named)
    doubled = [key for key, count in again.items() if count > 1]
    if doubled:
        raise InputError(f"the id {doubled[0]!r} names two inputs: name each video once")
    return named


def _from_manifest(path: Path) -> list[Sample]:
    rows = read_rows(path)
    if not any(column in rows[0].values for column in PATH_COLUMNS):
        raise ManifestError(
            f"{path} has no column for the video's path: add one called `video_path` "
            f"(found: {', '.join(rows[0].values)})"
        )
    samples = [_from_row(path, row) for row in rows]
    counts = Counter(s.id for s in samples)
    for row, sample in zip(rows, samples, strict=True):
        if counts[sample.id] > 1:
            raise ManifestError(
                f"{row.where}: the id {sample.id!r} stands in {counts[sample.id]} rows: "
                "give each video an id of its own"
            )
    return samples


def _from_row(manifest: Path, row: Row) -> Sample:
    named = row.first(PATH_COLUMNS)
    if not named:
        raise ManifestError(f"{row.where} names no video: fill its `video_path`")
    video = Path(named)
    if not video.is_absolute():
        video = manifest.parent / video
    key = row.first(ID_COLUMNS) or Path(named).stem
    return Sample(key, video, prompt_of(row, default_id=key))
