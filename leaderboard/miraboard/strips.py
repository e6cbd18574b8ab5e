"""Film strips: a few small pictures of a submission's clips, so that people see what was scored.

Strangers' pictures are drawn anew from their pixels: what is kept and shown is a JPEG that this server made,
small, without metadata. They take part in no number.
"""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Collection, Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from mirabench.errors import InputError
from mirabench.features.film_strip import film_strip, side_by_side
from mirabench.report.model import Report, VideoRecord
from miraboard.duplicates import HEIGHT as TALL
from miraboard.duplicates import WIDTH, picture_hash
from miraboard.guard import SubmissionRefused, load_json, refuse

MOST = 6
"""Clips of a submission that have pictures."""
MAX_BYTES = 2 * 2**20
"""Of the file with all strips; six of ten frames each have about 200 kB."""
MAX_WIDTH, MAX_HEIGHT = 4_000, 400
FRAMES, HEIGHT = 6, 90
"""Pictures side by side, and their height in pixels, whatever their shape."""


def make_strips(report: Report, folder: Path | None = None) -> dict[str, bytes]:
    """Clip id -> JPEG, of up to six clips of a report, spread over it.

    Args:
        report: Whose clips' files are where it says.
        folder: Where the files lie instead.

    Raises:
        InputError: no clip's file is there.
    """
    there = [v for v in report.videos if v.prompt_id and _file(v, folder).is_file()]
    if not there:
        place = folder or "the paths that the report names"
        raise InputError(f"no clip of the report is at {place}: name their folder with --videos")
    step = max(1, len(there) / MOST)
    chosen = [there[int(k * step)] for k in range(min(MOST, len(there)))]
    return {v.id: _drawn(_file(v, folder)) for v in chosen}


def _file(video: VideoRecord, folder: Path | None) -> Path:
    return folder / Path(video.path).name if folder else Path(video.path)


def _drawn(path: Path) -> bytes:
    found = film_strip(path).pictures
    picks = np.unique(np.linspace(0, len(found) - 1, FRAMES).round().astype(int))
    return side_by_side([found[i] for i in picks], HEIGHT)


def to_file(strips: Mapping[str, bytes]) -> str:
    """The text of `strips.json`."""
    return json.dumps({clip: base64.b64encode(jpeg).decode() for clip, jpeg in strips.items()})


def read_strips(data: bytes, clips: Collection[str]) -> dict[str, bytes]:
    """Clip id -> a JPEG of our own, from the bytes of a stranger's `strips.json`.

    Args:
        data: Nothing, or a JSON object of clip id and base64.
        clips: Ids of the report's clips.

    Raises:
        SubmissionRefused: too large, too many, of unknown clips, or no pictures.
    """
    if not data:
        return {}
    if len(data) > MAX_BYTES:
        raise refuse("strips", f"{len(data):,} bytes of film strips, the limit is {MAX_BYTES:,}")
    try:
        raw = load_json(data.decode("utf-8"))
    except (ValueError, SubmissionRefused) as error:
        raise refuse("strips", "the film strips are not JSON: make them with --strips") from error
    if not isinstance(raw, dict) or len(raw) > MOST:
        raise refuse("strips", f"film strips are a JSON object of at most {MOST} clips")
    for clip in raw:
        if clip not in clips:
            raise refuse("strips", "a film strip is of a clip that is not in the report")
    return {clip: _redrawn(text) for clip, text in raw.items()}


def _redrawn(text: object) -> bytes:
    try:
        picture = Image.open(BytesIO(base64.b64decode(str(text), validate=True)), formats=["JPEG"])
        # the header is read and the pixels are not, so that a bomb is seen before it is opened
        if picture.width > MAX_WIDTH or picture.height > MAX_HEIGHT:
            size = f"{picture.width} x {picture.height}"
            raise refuse("strips", f"a strip of {size}, the limit is {MAX_WIDTH} x {MAX_HEIGHT}")
        return _jpeg(picture.convert("RGB"))
    except (binascii.Error, ValueError, OSError, Image.DecompressionBombError) as error:
        raise refuse("strips", "a film strip is not a JPEG in base64") from error


def _jpeg(picture: Image.Image) -> bytes:
    clean = Image.frombytes(
        "RGB", picture.size, picture.tobytes()
    )  # pixels, and nothing beside them
    buffer = BytesIO()
    clean.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()


def picture_hash_of(jpeg: bytes) -> bytes | None:
    """The hash of a strip's picture, by which copies are told; None for a flat one."""
    small = Image.open(BytesIO(jpeg)).convert("L").resize((WIDTH + 1, TALL), Image.Resampling.BOX)
    return picture_hash(np.asarray(small))


def shown(strips: Sequence[tuple[str, bytes]]) -> list[tuple[str, str]]:
    """(label, address that holds the picture itself) of each strip."""
    head = "data:image/jpeg;base64,"
    return [(label, head + base64.b64encode(jpeg).decode()) for label, jpeg in strips]
