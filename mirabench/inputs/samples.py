"""What is to be scored: files, folders, globs, manifests or arrays become samples with ids.

A sample that cannot be found is kept, so that it shows up in the report as a failure instead of
silently missing from it.
"""

from __future__ import annotations

import glob
import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any, Literal
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np

from mirabench.errors import InputError, ManifestError
from mirabench.files import named, readable
from mirabench.inputs.pairing import Pairing, pair
from mirabench.inputs.prompts import ID_COLUMNS, Prompt, prompt_of
from mirabench.inputs.remote import RemoteClip, fetched, is_address, matches
from mirabench.inputs.tables import TABLE_SUFFIXES, Row, read_rows
from mirabench.video.frames import UInt8Array, Video
from mirabench.video.paths import is_frame_folder, is_video_file, natural_key

log = logging.getLogger(__name__)

Role = Literal["generated", "reference"]
Source = Path | RemoteClip | Video | UInt8Array

PATH_COLUMNS = ("video_path", "path", "file_path", "video", "file")
MADE_COLUMNS = ("generator", "revision", "settings", "seed", "prompt_digest", "sha256", "status")
"""What `mirabench generate` notes of a clip in its manifest, beside its path and prompt."""


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """One clip to score."""

    id: str
    source: Source
    prompt: Prompt | None = None
    role: Role = "generated"
    made: Mapping[str, str] = field(default_factory=dict)
    """How a manifest says it was made: its non-empty `MADE_COLUMNS`."""


def collect(
    inputs: Iterable[str | Path | UInt8Array | Video], role: Role = "generated"
) -> list[Sample]:
    """The samples that the inputs stand for, in natural order of their ids, ids unique.

    Args:
        inputs: Video files, frame folders, folders of either, globs, manifests, arrays, or addresses of
            video files, folders and manifests.
        role: Generated clips, or reference clips to compare with.

    Raises:
        InputError: an input matches nothing.
        ManifestError: a manifest that contradicts itself.
    """
    samples: list[Sample] = []
    for number, item in enumerate(inputs):
        if isinstance(item, np.ndarray):
            samples.append(Sample(f"array-{number}", item, role=role))
        elif isinstance(item, str) and is_address(item):
            samples += [replace(s, role=role) for s in _from_address(item)]
        elif isinstance(item, str | Path):
            samples += [replace(s, role=role) for s in _from_path(str(item))]
        else:
            samples.append(Sample(item.info.path, item, role=role))
    if not samples:
        raise InputError("nothing to score: name at least one video, folder, glob or manifest")
    return sorted(_unique(samples), key=lambda s: natural_key(s.id))


def pairing_of(samples: Sequence[Sample], prompts: Mapping[str, Prompt]) -> Pairing:
    """What pairing finds for each sample, for people to look at; opens no video."""
    return pair([(s.id, s.prompt) for s in samples], prompts)


def with_prompts(samples: Sequence[Sample], prompts: Mapping[str, Prompt]) -> list[Sample]:
    """Give each sample its prompt (see `mirabench.inputs.pairing`); one without keeps its manifest's."""
    matches = pairing_of(samples, prompts).matches
    return [
        replace(s, prompt=prompts[m.prompt_id]) if m.prompt_id else s
        for s, m in zip(samples, matches, strict=True)
    ]


def generator_facts(samples: Iterable[Sample]) -> list[dict[str, Any]]:
    """What made the clips, from their manifest: one entry for each generator, revision and settings.

    Each has `name`, `revision`, `settings`, `seeds`, how many `clips` and `prompts`, and
    `prompts_digest`, the sha256 over the sorted digests of the prompts. Empty when no manifest
    names a generator.
    """
    groups: dict[tuple[str, str, str], list[Sample]] = {}
    for sample in samples:
        made = sample.made
        if "generator" in made:
            key = (made["generator"], made.get("revision", ""), made.get("settings", ""))
            groups.setdefault(key, []).append(sample)
    return [_generator_entry(*key, groups[key]) for key in sorted(groups)]


def _generator_entry(
    name: str, revision: str, settings: str, made: Sequence[Sample]
) -> dict[str, Any]:
    digests = sorted({s.made.get("prompt_digest", "") for s in made})
    seeds = {s.made["seed"] for s in made if s.made.get("seed")}
    return {
        "name": name,
        "revision": revision,
        "settings": _settings(settings),
        "seeds": sorted(seeds, key=natural_key),
        "clips": len(made),
        "prompts": len({s.prompt.id if s.prompt else s.id for s in made}),
        "prompts_digest": hashlib.sha256("\n".join(digests).encode()).hexdigest(),
    }


def _settings(text: str) -> Any:
    try:
        return json.loads(text) if text else {}
    except ValueError:
        return text  # a manifest written by hand may hold prose


def _from_path(text: str) -> list[Sample]:
    path = Path(text)
    if path.is_file() and path.suffix.lower() in TABLE_SUFFIXES:
        return _from_manifest(path)
    if path.is_dir():
        name = readable(path.name)
        return [Sample(name, path)] if is_frame_folder(path) else _from_folder(path)
    if path.exists():
        return [Sample(readable(path.stem), path)]
    matches = sorted(glob.glob(text, recursive=True), key=natural_key)  # noqa: PTH207  # any path, with **
    if not matches:
        raise InputError(
            f"no video at {text}: the path does not exist and matches nothing as a glob"
        )
    return [sample for match in matches for sample in _from_path(match)]


def _from_address(url: str) -> list[Sample]:
    if url.lower().startswith("file://"):
        return _from_path(url2pathname(urlsplit(url).path))
    found = matches(url)
    if found == [url] and PurePosixPath(url).suffix.lower() in TABLE_SUFFIXES:
        with fetched(url) as here:
            return _from_manifest(here, url.rpartition("/")[0])
    clips = [RemoteClip(one) for one in found]
    videos = [clip for clip in clips if is_video_file(Path(clip.path))]
    if not videos:
        raise InputError(f"no video at {url}: no file of mp4, mov, mkv, webm, avi or gif")
    top = len(RemoteClip(url).path.parts)
    return [Sample(readable(_name_of(clip, top)), clip) for clip in videos]


def _name_of(clip: RemoteClip, top: int) -> str:
    """Below the folder that was given; a file, or what a glob matched, goes by its own name."""
    below = PurePosixPath(*clip.path.parts[top:])
    return (below if below.name else PurePosixPath(clip.path.name)).with_suffix("").as_posix()


def _from_folder(folder: Path) -> list[Sample]:
    found = [
        path
        for path in folder.rglob("*")
        if not path.name.startswith(".")
        and (is_video_file(path) if path.is_file() else is_frame_folder(path))
    ]
    if not found:
        raise InputError(
            f"no video in {folder}: neither files (mp4, mov, mkv, webm, avi, gif) nor frame folders"
        )
    names = [path.relative_to(folder).with_suffix("").as_posix() for path in found]
    return [Sample(readable(name), path) for name, path in zip(names, found, strict=True)]


def _unique(samples: Sequence[Sample]) -> list[Sample]:
    """Ids that collide (`a.mp4` beside `a.gif`, two folders) get their path's tail back."""
    counts = Counter(s.id for s in samples)
    renamed = [
        replace(s, id=readable(path_text(s.source)))
        if counts[s.id] > 1 and isinstance(s.source, Path | RemoteClip)
        else s
        for s in samples
    ]
    again = Counter(s.id for s in renamed)
    doubled = [key for key, count in again.items() if count > 1]
    if doubled:
        raise InputError(f"the id {doubled[0]!r} names two inputs: name each video once")
    return renamed


def path_text(source: Path | RemoteClip) -> str:
    """A path, or an address, as it is written."""
    return source.url if isinstance(source, RemoteClip) else source.as_posix()


def _from_manifest(path: Path, address: str = "") -> list[Sample]:
    """Its samples; `address` is the folder that paths start at, where the manifest came from one."""
    rows = read_rows(path)
    if not any(column in rows[0].values for column in PATH_COLUMNS):
        raise ManifestError(
            f"{path} has no column for the video's path: add one called `video_path` "
            f"(found: {', '.join(rows[0].values)})"
        )
    samples = [_from_row(path, row, address) for row in rows]
    counts = Counter(s.id for s in samples)
    for row, sample in zip(rows, samples, strict=True):
        if counts[sample.id] > 1:
            raise ManifestError(
                f"{row.where}: the id {sample.id!r} stands in {counts[sample.id]} rows: "
                "give each video an id of its own"
            )
    unmade = sum(s.made.get("status", "done") not in ("", "done") for s in samples)
    if unmade:
        log.warning("%s: %d of %d clips were not generated: they count as failures; "
                    "run `mirabench generate` again", path, unmade, len(samples))  # fmt: skip
    return samples


def _from_row(manifest: Path, row: Row, address: str) -> Sample:
    written = row.first(PATH_COLUMNS)
    if not written:
        raise ManifestError(f"{row.where} names no video: fill its `video_path`")
    video: Path | RemoteClip
    if is_address(written):
        video = RemoteClip(written)
    elif address:
        video = RemoteClip(f"{address}/{written}")
    else:
        video = named(manifest.parent, written)
    key = row.first(ID_COLUMNS) or Path(written).stem
    made = {c: text for c in MADE_COLUMNS if (text := row.values.get(c, "").strip())}
    # a table without a generator is nobody's manifest of generation: its `seed` is just a column
    return Sample(key, video, prompt_of(row, key), made=made if "generator" in made else {})
