"""The six fields of a caption: their schema for the endpoint, and the rules a reply must keep."""

from __future__ import annotations

import re
from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field


class CaptionFields(BaseModel):
    """MiraData's six captions of one window."""

    model_config = ConfigDict(extra="forbid", strict=True)

    short_caption: str = Field(description="One sentence, 8 to 25 words: the essence.")
    dense_caption: str = Field(description="Four to seven sentences, 70 to 130 words.")
    background_caption: str = Field(description="The setting, 40 to 90 words.")
    main_object_caption: str = Field(description="The main subjects, 40 to 90 words.")
    style_caption: str = Field(description="The visual style, one sentence, 12 to 40 words.")
    camera_caption: str = Field(description="Shot and camera movement, 40 to 90 words.")


class Words(NamedTuple):
    """Fewest and most words of a field."""

    least: int
    most: int


WORDS = {
    "short_caption": Words(4, 45),
    "dense_caption": Words(30, 260),
    "background_caption": Words(8, 200),
    "main_object_caption": Words(5, 200),
    "style_caption": Words(4, 90),
    "camera_caption": Words(6, 200),
}
"""Ours: wide bounds around the published means (14, 88, 60, 66, 29, 65 words).

They are checked here and not in the schema: strict structured output of hosted endpoints refuses
length keywords.
"""

_NTH = "first|second|third|fourth|fifth|sixth|seventh|eighth|last|final|next|each|eight|these"
BANNED = {
    "speaks of frames": re.compile(
        rf"\b(?:{_NTH})\s+(?:\w+\s+)?(?:frame|image|picture|panel|tile|thumbnail)s?\b"
        r"|\bframes?\s+(?:\d|one|two|three|four|five|six|seven|eight)\b"
        r"|\b(?:top|upper|bottom|lower)\s+row\b",
        re.IGNORECASE,
    ),
    "speaks of the sheet": re.compile(r"\b(?:contact sheet|collage|storyboard)\b", re.IGNORECASE),
    "announces itself": re.compile(
        r"^\s*(?:the|this)\s+(?:video|clip|film|footage|image|picture|sequence)\s+"
        r"(?:shows|depicts|features|captures|presents|is about|begins with)\b",
        re.IGNORECASE,
    ),
    "begins like a spreadsheet formula": re.compile(r"^(?:[=@]|[+-]\S)"),
    "sums up": re.compile(r"\b(?:in summary|in conclusion|to summari[sz]e)\b", re.IGNORECASE),
}
REFUSAL = re.compile(
    r"\b(?:i['’]m sorry|i am sorry|i can(?:no|['’])t|i am unable|i['’]m unable|as an ai)\b",
    re.IGNORECASE,
)
_LATIN = re.compile(r"[A-Za-z]")


def faults_of(fields: CaptionFields) -> list[str]:
    """Which rules a caption breaks, as sentences; none when it can be used."""
    return [
        fault
        for name, text in fields.model_dump().items()
        for fault in _faults(name, " ".join(text.split()))
    ]


def _faults(name: str, text: str) -> list[str]:
    count, bounds = len(text.split()), WORDS[name]
    if not text:
        return [f"{name} is empty"]
    found = [f"{name} {what}" for what, pattern in BANNED.items() if pattern.search(text)]
    if not bounds.least <= count <= bounds.most:
        found.append(f"{name} has {count} words, not {bounds.least} to {bounds.most}")
    if len(_LATIN.findall(text)) < 0.6 * len(text.replace(" ", "")):
        found.append(f"{name} is not English text")
    return found
