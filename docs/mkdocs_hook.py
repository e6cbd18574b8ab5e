"""Lets `mkdocs.yml` live among its pages; MkDocs refuses to be told so in the file itself."""

from __future__ import annotations

from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Take the pages from the folder of this file."""
    config.docs_dir = str(Path(__file__).resolve().parent)
    return config
