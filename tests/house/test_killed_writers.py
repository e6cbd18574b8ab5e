"""Whoever writes a file is killed with all its bytes written and its name not given: the older file stays."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from mirabench.features.api import as_table
from mirabench.features.cache import FeatureCache
from mirabench.files import remove_abandoned, write_text
from mirabench.generators.manifest import Maker, planned, read_manifest, write_manifest
from mirabench.inputs.prompts import Prompt
from mirabench.partial_file import PartialFile

KEY = "1" * 40
DIES_BEFORE_THE_RENAME = """
import os, runpy, signal, sys
from pathlib import Path
Path.replace = os.replace = os.rename = lambda *_: os.kill(os.getpid(), signal.SIGKILL)
runpy.run_path(sys.argv[1])["WRITERS"][sys.argv[2]](Path(sys.argv[3]), sys.argv[4])
"""


def text(folder: Path, what: str) -> None:
    write_text(folder / "file", what * 1000)


def manifest(folder: Path, what: str) -> None:
    entry = planned(Prompt(what, what), 0, Maker("toy", "", "{}"))
    write_manifest(folder / "manifest.csv", [entry])


def cached(folder: Path, what: str) -> None:
    FeatureCache(folder).put(KEY, as_table(rows=np.array([len(what)])))


def fetched(folder: Path, what: str) -> None:
    arrived = PartialFile(folder / "net.pth")
    arrived.path.write_text(what)
    arrived.complete()


WRITERS: dict[str, Callable[[Path, str], None]] = {
    "text": text, "manifest": manifest, "cached": cached, "fetched": fetched,
}  # fmt: skip
READ: dict[str, Callable[[Path], object]] = {
    "text": lambda folder: (folder / "file").read_text(),
    "manifest": lambda folder: list(read_manifest(folder / "manifest.csv")),
    "cached": lambda folder: FeatureCache(folder).get(KEY)["rows"].tolist(),
    "fetched": lambda folder: (folder / "net.pth").read_text(),
}


@pytest.mark.parametrize("writer", WRITERS)
def test_the_older_file_stays_whole_and_the_next_writer_replaces_it(
    writer: str, tmp_path: Path
) -> None:
    WRITERS[writer](tmp_path, "old")
    before = READ[writer](tmp_path)
    command = [
        sys.executable,
        "-c",
        DIES_BEFORE_THE_RENAME,
        __file__,
        writer,
        str(tmp_path),
        "newer",
    ]
    assert subprocess.run(command, timeout=200).returncode == -signal.SIGKILL
    assert READ[writer](tmp_path) == before
    WRITERS[writer](tmp_path, "newer")
    assert READ[writer](tmp_path) != before
    remove_abandoned(tmp_path)
    assert not [path for path in tmp_path.rglob("*") if ".part" in path.name]
