"""Answers by schema: what is asked of the endpoint, and the reading of what comes."""

from __future__ import annotations

import json
from typing import Any

from pydantic import BaseModel, ValidationError

from mirabench.errors import MirabenchError


class ReplyError(MirabenchError, ValueError):
    """A reply that is not what was asked for; the text says why."""


def strict_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The `response_format` for an OpenAI-compatible endpoint: one key for each field, all required."""
    return {
        "type": "json_schema",
        "json_schema": {
            "name": model.__name__,
            "strict": True,
            "schema": model.model_json_schema(),
        },
    }


def parse_json(raw: str, model: type[BaseModel]) -> Any:
    """A reply as its model; a Markdown fence around the JSON is taken off.

    Raises:
        ReplyError: it is not valid JSON, or has other fields.
    """
    text = raw.strip()
    if text.startswith("```"):
        text = text.removeprefix("```json").removeprefix("```").removesuffix("```").strip()
    try:
        return model.model_validate(json.loads(text))
    except (json.JSONDecodeError, RecursionError) as error:
        raise ReplyError(f"it is not valid JSON ({error})") from None
    except ValidationError as error:
        said = [f"{'.'.join(map(str, e['loc'])) or 'reply'}: {e['msg']}" for e in error.errors()]
        raise ReplyError("; ".join(said)[:500]) from None
