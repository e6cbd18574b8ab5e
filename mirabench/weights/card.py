"""What is known of each checkpoint: its file name, sources, hash, licence and purpose.

The data are in `cards.toml`; code never holds an address.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from importlib.resources import files
from typing import Any
from urllib.parse import urldefrag

from mirabench import toml
from mirabench.errors import UnknownNameError, WeightsError

_HUB_URL = re.compile(
    r"https://huggingface\.co/(?P<kind>spaces/|datasets/)?(?P<repo>[^/]+/[^/]+)"
    r"/resolve/(?P<revision>[^/]+)/(?P<path>.+)"
)


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of one repository on the hub."""

    kind: str
    """`models`, `spaces` or `datasets`, as the hub's cache folder spells them."""
    repo: str
    """Owner and name, `facebook/cotracker`."""
    revision: str
    """A branch, tag or commit."""
    path: str
    """The file's path inside the repository."""


@dataclass(frozen=True, slots=True)
class Mirror:
    """One address that serves a checkpoint, alone or inside a zip archive."""

    url: str
    """http(s) address of the file or of the archive."""
    member: str = ""
    """The file's path inside the archive; empty when the address is the file itself."""

    def hub(self) -> HubFile | None:
        """The hub file behind the address; None when it is not on the hub."""
        found = _HUB_URL.fullmatch(self.url)
        if found is None:
            return None
        kind = (found["kind"] or "models").rstrip("/")
        return HubFile(kind, found["repo"], found["revision"], found["path"])


@dataclass(frozen=True, slots=True)
class WeightCard:
    """One checkpoint's identity; everything a user must know before it is downloaded."""

    name: str
    """What mirabench calls it."""
    filename: str
    """The official file name, under which it is stored and imported."""
    sources: tuple[Mirror, ...]
    """Where to download it from, in order of preference; all serve the same bytes."""
    purpose: str
    """Which features and metrics need it."""
    licence: str
    """Licence of the weights, as an SPDX name if there is one."""
    non_commercial: bool
    """Whether the licence forbids commercial use."""
    sha256: str = ""
    """Published digest in hex: all 64 digits, or the first 8 that some file names carry. Empty when
    nobody publishes one: then the first download pins it in the user's lock file."""
    bytes: int = 0
    """Exact size; 0 when it is not known."""
    about_megabytes: int = 0
    """Size to show before a download, 10^6 bytes, from the parameter count; never checked."""
    revision: str = ""
    """Commit, tag or branch of the first source; a branch moves, the hash does not."""
    aliases: tuple[str, ...] = ()
    """Other names under which the same bytes are published."""
    instead: str = ""
    """For a non-commercial card, the metric to use in its place."""
    same_weights: tuple[str, ...] = ()
    """Cards with the same weights in another file; used if this one is missing."""

    def matches(self, sha256: str) -> bool:
        """Whether a digest agrees with the published one; False when none is published."""
        return bool(self.sha256) and sha256.startswith(self.sha256)

    @property
    def size_text(self) -> str:
        """The size for people: `354 MB`, or `size unknown`."""
        megabytes = self.bytes / 1e6 or self.about_megabytes
        if not megabytes:
            return "size unknown"
        if megabytes < 1:
            return f"{self.bytes / 1e3:.0f} kB"
        return f"{megabytes:.0f} MB" if megabytes < 1000 else f"{megabytes / 1000:.1f} GB"


@cache
def cards() -> Mapping[str, WeightCard]:
    """Every card by its name, in the order of `cards.toml`."""
    text = files("mirabench.weights").joinpath("cards.toml").read_text(encoding="utf-8")
    return parse_cards(toml.loads(text))


def card(name: str) -> WeightCard:
    """The card of that name.

    Raises:
        UnknownNameError: no such card; the nearest names are offered.
    """
    table = cards()
    if name not in table:
        raise UnknownNameError("weights", name, table)
    return table[name]


def parse_cards(tables: Mapping[str, Mapping[str, Any]]) -> dict[str, WeightCard]:
    """Cards from the tables of a `cards.toml`.

    Raises:
        WeightsError: a key that no card has, a missing key, or a value that cannot be right.
    """
    return {name: _parse_card(name, table) for name, table in tables.items()}


def _parse_card(name: str, table: Mapping[str, Any]) -> WeightCard:
    unknown = set(table) - {field.name for field in fields(WeightCard)}
    if unknown:
        raise WeightsError(f"weight card {name!r} has unknown keys: {', '.join(sorted(unknown))}")
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table.items()
    }
    values["sources"] = tuple(_parse_source(name, text) for text in values.get("sources", ()))
    try:
        parsed = WeightCard(name=name, **values)
    except TypeError as error:
        raise WeightsError(f"weight card {name!r} is incomplete: {error}") from error
    if not re.fullmatch(r"([0-9a-f]{8}|[0-9a-f]{64})?", parsed.sha256):
        raise WeightsError(f"weight card {name!r}: sha256 must be 8 or 64 lower-case hex digits")
    return parsed


def _parse_source(name: str, text: str) -> Mirror:
    url, member = urldefrag(text)
    if not url.startswith(("https://", "http://")):
        raise WeightsError(f"weight card {name!r}: source {text!r} is not an http(s) address")
    return Mirror(url, member)
