"""One window's picture to six captions: ask, check, repair once, and say what became of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from miradata.captions import prompt
from miradata.captions.fields import REFUSAL, CaptionFields, faults_of
from miradata.chat.client import Captioner, Messages
from miradata.chat.picture import data_url
from miradata.chat.replies import Reply
from miradata.chat.spend import Tokens
from miradata.chat.structured import ReplyError, parse_json, strict_schema


@dataclass(frozen=True, slots=True)
class WindowCaption:
    """What became of one window."""

    status: str
    """`success`, `truncated`, `refused`, `bad_json`, `invalid` (JSON that breaks the rules),
    `timeout`, `rate_limited`, `over_budget` or `error`."""
    reason: str = ""
    fields: CaptionFields | None = None
    """On success only."""
    replies: Sequence[Reply] = field(default_factory=tuple)
    """Hint, answer, repaired answer: as many as there were."""
    hint: str = ""

    @property
    def tokens(self) -> Tokens:
        """Of all replies together."""
        return Tokens(
            sum(r.prompt_tokens for r in self.replies),
            sum(r.completion_tokens for r in self.replies),
        )


def caption_picture(
    captioner: Captioner, picture: bytes, *, short: Captioner | None = None
) -> WindowCaption:
    """The six captions of a grid picture.

    Args:
        captioner: The model that writes the captions.
        picture: JPEG bytes from `miradata.captions.grid`.
        short: The model of the one-sentence hint; None asks for none. A hint that fails is left
            out: the published authors saw nearly the same captions without.
    """
    replies: list[Reply] = []
    hint = ""
    if short is not None:
        replies.append(short.ask(short_messages(picture), version=prompt.VERSION, max_tokens=100))
        hint = replies[0].text.strip() if replies[0].status == "success" else ""
    messages = caption_messages(picture, hint)
    limit = captioner.endpoint.max_tokens
    found = _judge(_ask(captioner, messages, limit, replies))
    if found.status in {"bad_json", "invalid", "truncated"}:
        truncated = found.status == "truncated"
        messages = [
            *messages,
            {"role": "assistant", "content": replies[-1].text},
            {"role": "user", "content": prompt.repair_text([found.reason], truncated=truncated)},
        ]
        again = _judge(_ask(captioner, messages, 2 * limit if truncated else limit, replies))
        found = found if again.status == "over_budget" else again
    return WindowCaption(found.status, found.reason, found.fields, tuple(replies), hint)


def caption_messages(picture: bytes, hint: str) -> list[dict[str, Any]]:
    """The question of the six fields."""
    return [
        {"role": "system", "content": prompt.SYSTEM},
        {"role": "user", "content": [_text(prompt.caption_text(hint)), _image(picture)]},
    ]


def short_messages(picture: bytes) -> list[dict[str, Any]]:
    """The question of the one-sentence hint."""
    return [{"role": "user", "content": [_text(prompt.SHORT), _image(picture)]}]


def _text(text: str) -> dict[str, Any]:
    return {"type": "text", "text": text}


def _image(picture: bytes) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": data_url(picture), "detail": "high"}}


def _ask(captioner: Captioner, messages: Messages, limit: int, replies: list[Reply]) -> Reply:
    reply = captioner.ask(
        messages, version=prompt.VERSION, schema=strict_schema(CaptionFields), max_tokens=limit
    )
    replies.append(reply)
    return reply


def _judge(reply: Reply) -> WindowCaption:
    if reply.status != "success":
        return WindowCaption(reply.status, reply.reason)
    try:
        fields: CaptionFields = parse_json(reply.text, CaptionFields)
    except ReplyError as error:
        if REFUSAL.search(reply.text[:300]):
            return WindowCaption("refused", reply.text.strip()[:300])
        return WindowCaption("bad_json", str(error))
    if REFUSAL.search(fields.short_caption) or REFUSAL.search(fields.dense_caption):
        return WindowCaption("refused", fields.dense_caption.strip()[:300])
    faults = faults_of(fields)
    if faults:
        return WindowCaption("invalid", "; ".join(faults)[:500])
    return WindowCaption("success", fields=fields)
