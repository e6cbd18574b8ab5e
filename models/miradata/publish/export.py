"""The published table in other people's formats: MiraData's 18 columns, and webdataset shards."""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import tarfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq  # extra `data`

from mirabench.errors import InputError
from mirabench.files import replacing
from miradata.publish.published import PUBLISHED
from miradata.tables.store import Tables
from miradata.v1.files import write_v1
from miradata.v1.rows import CAPTIONS, V1Row, Window, format_windows

SHARD_BYTES = 10**9
"""Size at which a shard is closed; it holds whole clips, so it may be a clip larger."""
_IDS = 10**12


def published_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of an output folder's published table.

    Raises:
        InputError: nothing is published there, or a clip's file is gone.
    """
    path = folder / PUBLISHED
    if not path.is_file():
        raise InputError(f"{folder} has no {PUBLISHED}: run `mirabench curate run` first")
    with path.open("rb") as file:
        rows: list[dict[str, Any]] = pq.read_table(file).to_pylist()
    for row in rows:
        if not (folder / row["file_path"]).is_file():
            raise InputError(
                f"{folder / row['file_path']} is gone: remove {folder / 'journal' / 'cut.jsonl'} and run "
                "again, which cuts all clips anew"
            )
    return rows


def v1_rows(folder: Path) -> list[tuple[V1Row, Path]]:
    """The published clips as rows of MiraData's table, each with its file.

    The download id, a number in the published tables, is derived from the source's path and bytes,
    so that adding sources does not rename clips.

    Raises:
        InputError: nothing is published there.
    """
    tables = Tables(folder)
    videos = {row["path"]: row for row in tables.rows("videos") if row["status"] == "ok"}
    clips = {row["clip_id"]: row for row in tables.rows("clips")}
    published = published_rows(folder)
    ids = download_ids(videos[row["video"]]["video_id"] for row in published)
    found = []
    for row in published:
        video, clip = videos[row["video"]], clips[row["clip_id"]]
        number = f"{ids[video['video_id']]}.{clip['i']}"
        found.append((_v1_row(row, video, clip, number), folder / row["file_path"]))
    return found


def download_ids(video_ids: Iterable[str]) -> dict[str, int]:
    """Source -> a number of up to 12 digits; the next free one where two would get the same."""
    taken: dict[int, str] = {}
    for name in sorted(set(video_ids)):
        number = int(hashlib.sha256(name.encode()).hexdigest()[:15], 16) % _IDS
        while number in taken:
            number = (number + 1) % _IDS
        taken[number] = name
    return {name: number for number, name in taken.items()}


def export_v1(folder: Path, target: Path, *, videos: bool = True) -> int:
    """Write MiraData's table; the suffix of `target` says CSV or Parquet.

    Args:
        folder: The output folder of a run.
        target: The table.
        videos: Put the clips beside it where `file_path` says, as links where the disk allows.

    Returns:
        The number of rows.

    Raises:
        InputError: nothing is published there.
        OutputError: something cannot be written.
    """
    rows = v1_rows(folder)
    if videos:
        for row, file in rows:
            _place(file, target.parent / row.file_path)
    return write_v1(target, [row for row, _ in rows])


def export_shards(folder: Path, target: Path, *, shard_bytes: int = SHARD_BYTES) -> list[Path]:
    """Write tar files that webdataset reads: `<clip_id>.mp4` and `<clip_id>.json` side by side.

    Raises:
        InputError: nothing is published there.
        OutputError: something cannot be written.
    """
    rows = published_rows(folder)
    made = []
    for number, members in enumerate(_sharded(folder, rows, shard_bytes)):
        path = target / f"shard-{number:06d}.tar"
        with replacing(path) as part, tarfile.open(part, "w") as tar:
            for row in members:
                _add(tar, folder, row)
        made.append(path)
    return made


def _v1_row(
    row: Mapping[str, Any], video: Mapping[str, Any], clip: Mapping[str, Any], number: str
) -> V1Row:
    download = int(number.split(".")[0])
    name = f"{download // 1000:09d}/{download:012d}.{clip['i']}{Path(row['file_path']).suffix}"
    return V1Row(
        clip_id=number,
        source=row["source"] or "local",
        video_url=row["url"] or "",
        video_id=re.sub(r"[^\w-]+", "-", video["source_id"] or video["video_id"])[:200],
        width=row["width"],
        height=row["height"],
        fps=row["fps"],
        seconds=round(row["seconds"], 3),
        timestamp=(stamp(row["t0_s"]), stamp(row["t1_s"])),
        frame_number=row["frames"],
        framestamp=(clip["frame0"], clip["frame1"]),
        file_path=f"video_clips/{name}",
        **_v1_captions(row),
    )


def stamp(seconds: float) -> str:
    """Seconds as `HH:MM:SS.mmm`.

    Example:
        >>> stamp(3661.5)
        '01:01:01.500'
    """
    thousandths = round(seconds * 1000)
    minutes, rest = divmod(thousandths, 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _v1_captions(row: Mapping[str, Any]) -> dict[str, str]:
    """Plain text for one window, the published windowed form for several."""
    windows = row["windows"] or []
    if len(windows) < 2:
        return {name: row[name] or "" for name in CAPTIONS}
    return {
        name: format_windows(Window(w["t0_s"], w["t1_s"], w[name]) for w in windows)
        for name in CAPTIONS
    }


def _place(file: Path, target: Path) -> None:
    with replacing(target) as part:
        try:
            part.hardlink_to(file)
        except OSError:  # another disk, or a file system without links
            shutil.copyfile(file, part)


def _sharded(
    folder: Path, rows: Sequence[Mapping[str, Any]], shard_bytes: int
) -> Iterator[list[Mapping[str, Any]]]:
    held: list[Mapping[str, Any]] = []
    size = 0
    for row in rows:
        held.append(row)
        size += (folder / row["file_path"]).stat().st_size
        if size >= shard_bytes:
            yield held
            held, size = [], 0
    if held:
        yield held


def _add(tar: tarfile.TarFile, folder: Path, row: Mapping[str, Any]) -> None:
    """A clip and its facts, without owner or time, so that the same clips give the same bytes."""
    file = folder / row["file_path"]
    facts = json.dumps({**row, "file_path": None}, ensure_ascii=False, sort_keys=True).encode()
    video = tarfile.TarInfo(f"{row['clip_id']}{file.suffix}")
    video.size = file.stat().st_size
    with file.open("rb") as stream:
        tar.addfile(video, stream)
    beside = tarfile.TarInfo(f"{row['clip_id']}.json")
    beside.size = len(facts)
    tar.addfile(beside, io.BytesIO(facts))
