"""The card of a submission: who made the clips, under which licence, and where to ask."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from miraboard.guard import Reason, SubmissionRefused, check_values
from miraboard.names import plain_name

LINK = re.compile(r"https?://[\w.-]+(:\d+)?(/[\w./%~+#?=&:@,-]*)?")


class Card(BaseModel):
    """What the submitter says; shown as it is, never ranked."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)

    generator: str = Field(min_length=1, max_length=80)
    version: str = Field(min_length=1, max_length=40)
    track: str = Field(min_length=1, max_length=60)
    licence: str = Field(min_length=1, max_length=80)
    contact: str = Field(min_length=3, max_length=120)
    links: tuple[str, ...] = Field((), max_length=6)

    @field_validator("generator", "version", "licence")
    @classmethod
    def _name(cls, text: str) -> str:
        return plain_name(text)

    @field_validator("links")
    @classmethod
    def _links(cls, links: tuple[str, ...]) -> tuple[str, ...]:
        for link in links:
            if len(link) > 300 or not LINK.fullmatch(link):
                raise ValueError(f"{link[:60]!r} is not an http(s) address")
        return links

    def canonical(self) -> str:
        """The same card gives the same text."""
        return json.dumps(self.model_dump(mode="json"), sort_keys=True, ensure_ascii=False)


def read_card(fields: dict[str, Any]) -> Card:
    """The card in the fields of a form.

    Raises:
        SubmissionRefused: a field is missing, too long, or not plain.
    """
    check_values(fields)
    try:
        return Card.model_validate(fields)
    except ValidationError as error:
        raise SubmissionRefused(
            *(Reason("card", f"{'.'.join(map(str, e['loc']))}: {e['msg']}") for e in error.errors())
        ) from error
