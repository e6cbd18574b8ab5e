"""The manifest of a generation run: what each clip is, how it was made, and what is still missing.

A CSV that `mirabench evaluate` takes as it is. Every planned clip has a row from the start, so a
clip that failed or was never reached shows up in the evaluation as a failure. The file is replaced
as a whole after each clip: a reader, or a crash, never meets half of one.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from mirabench.errors import ManifestError
from mirabench.files import write_text
from mirabench.inputs.prompts import ASPECTS, Prompt, prompt_of
from mirabench.inputs.tables import Row, read_rows

Status = Literal["pending", "done", "failed"]

FILE_NAME = "manifest.csv"
FIRST_COLUMNS = ("id", "video_path", "status", "why", "prompt_id", "prompt")
LAST_COLUMNS = (
    "generator", "revision", "settings", "seed", "prompt_digest", "sha256", "seconds",
    "width", "height", "num_frames", "fps",
)  # fmt: skip
_LONGEST_STEM = 100


@dataclass(frozen=True, slots=True)
class Maker:
    """What made a clip; clips of one manifest share it."""

    generator: str
    revision: str
    settings: str
    """JSON, keys sorted."""

    @classmethod
    def of(cls, name: str, description: Mapping[str, str]) -> Maker:
        """From a generator's name and what it says of itself."""
        settings = {k: v for k, v in description.items() if k != "revision"}
        text = json.dumps(settings, sort_keys=True, ensure_ascii=False)
        return cls(name, description.get("revision", ""), text)


@dataclass(frozen=True, slots=True)
class Facts:
    """What was found in a finished file; as text, as the manifest holds it."""

    sha256: str = ""
    seconds: str = ""
    """How long it took to make."""
    width: str = ""
    height: str = ""
    num_frames: str = ""
    fps: str = ""


@dataclass(frozen=True, slots=True)
class Entry:
    """One clip: a prompt and a seed."""

    prompt: Prompt
    seed: int
    maker: Maker
    status: Status = "pending"
    why: str = ""
    """Why it failed, or what is odd about it."""
    facts: Facts = Facts()
    prompt_digest: str = ""
    path: str = ""
    """Below the manifest's folder, with forward slashes."""

    @property
    def id(self) -> str:
        """The prompt's id and the seed."""
        return f"{self.prompt.id}/seed-{self.seed}"


def planned(prompt: Prompt, seed: int, maker: Maker) -> Entry:
    """The row of a clip that is still to be made."""
    path = f"videos/{file_stem(prompt.id)}--seed-{seed}.mp4"
    return Entry(prompt, seed, maker, prompt_digest=prompt.digest(), path=path)


def file_stem(prompt_id: str) -> str:
    """A file name for any id: portable, readable where the id is, and different for different ids.

    Example:
        >>> file_stem("human-01/short")
        'human-01--short'
        >>> file_stem("A dog?")
        'A_dog-4a3e3a56'
    """
    readable = re.sub(r"[^A-Za-z0-9._-]+", "_", prompt_id.replace("/", "--")).strip("._-")
    if re.fullmatch(r"[a-z0-9]+(?:[-._/][a-z0-9]+)*", prompt_id) and len(readable) <= _LONGEST_STEM:
        return readable
    # not all of the id is in the name, or another case of it would be the same file somewhere
    digest = hashlib.sha256(prompt_id.encode("utf-8", "surrogatepass")).hexdigest()[:8]
    return f"{readable[:_LONGEST_STEM].rstrip('._-')}-{digest}".lstrip("-")


def read_manifest(path: Path) -> dict[str, Entry]:
    """Id -> entry; empty when there is no manifest yet.

    Raises:
        ManifestError: the file is there and is not a manifest of `mirabench generate`.
    """
    if not path.exists():
        return {}
    entries = [_entry(row) for row in read_rows(path)]
    return {entry.id: entry for entry in entries}


def _entry(row: Row) -> Entry:
    values = row.values
    prompt = prompt_of(row, values.get("prompt_id", ""))
    status = values.get("status", "")
    seed = values.get("seed", "")
    path = values.get("video_path", "")
    ours = status in ("pending", "done", "failed") and seed.isdecimal()
    # files at these paths get replaced and removed: none outside of the run's folder
    if prompt is None or not ours or not re.fullmatch(r"videos/[^/\\]+", path):
        raise ManifestError(
            f"{row.where} was not written by `mirabench generate`: choose another --output"
        )
    return Entry(
        prompt,
        int(seed),
        Maker(*(values.get(c, "") for c in ("generator", "revision", "settings"))),
        "done" if status == "done" else "failed" if status == "failed" else "pending",
        values.get("why", ""),
        Facts(*(values.get(c, "") for c in Facts.__slots__)),
        values.get("prompt_digest", ""),
        path,
    )


def write_manifest(path: Path, entries: Iterable[Entry]) -> None:
    """Replace the manifest in one step.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    listed = list(entries)
    used = [a for a in ASPECTS if any(a in e.prompt.captions for e in listed)]
    captions = [f"{aspect}_caption" for aspect in used]
    buffer = io.StringIO()
    writer = csv.DictWriter(buffer, [*FIRST_COLUMNS, *captions, *LAST_COLUMNS], lineterminator="\n")
    writer.writeheader()
    writer.writerows(_row(entry) for entry in listed)
    write_text(path, buffer.getvalue())


def _row(entry: Entry) -> dict[str, str]:
    return {
        "id": entry.id,
        "video_path": entry.path,
        "status": entry.status,
        "why": entry.why,
        "prompt_id": entry.prompt.id,
        "prompt": entry.prompt.text,
        **{f"{aspect}_caption": text for aspect, text in entry.prompt.captions.items()},
        "generator": entry.maker.generator,
        "revision": entry.maker.revision,
        "settings": entry.maker.settings,
        "seed": str(entry.seed),
        "prompt_digest": entry.prompt_digest,
        **{name: getattr(entry.facts, name) for name in Facts.__slots__},
    }
