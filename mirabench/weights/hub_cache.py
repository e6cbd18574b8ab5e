"""Files that huggingface_hub already holds on this machine, found without importing it.

Layout: `<cache>/models--owner--name/refs/<branch>` holds a commit, and
`<cache>/models--owner--name/snapshots/<commit>/<path>` is the file. The environment is read as
huggingface_hub reads it: HF_HUB_CACHE, else HF_HOME/hub, else XDG_CACHE_HOME/huggingface/hub.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from mirabench.weights.card import HubFile


def cache_folder(environ: Mapping[str, str] = os.environ) -> Path:
    """Where huggingface_hub keeps its files under this environment."""
    if named := environ.get("HF_HUB_CACHE"):
        return Path(named).expanduser()
    caches = Path(environ.get("XDG_CACHE_HOME") or "~/.cache")
    home = Path(environ.get("HF_HOME") or caches / "huggingface")
    return home.expanduser() / "hub"


def find(file: HubFile, environ: Mapping[str, str] = os.environ) -> Path | None:
    """The cached copy of a hub file at its revision; None when it was never downloaded."""
    repo = cache_folder(environ) / f"{file.kind}--{file.repo.replace('/', '--')}"
    ref = repo / "refs" / file.revision
    commit = ref.read_text(encoding="ascii").strip() if ref.is_file() else file.revision
    path = repo / "snapshots" / commit / file.path
    return path if path.is_file() else None
