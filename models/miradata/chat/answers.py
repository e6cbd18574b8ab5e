"""What an endpoint answered, as a `Reply`; servers that call themselves compatible leave parts out.

Whatever an answer does not say of its tokens counts at its worst price, so that the account is never
below the bill.
"""

from __future__ import annotations

from typing import Any

from miradata.chat.replies import Reply
from miradata.chat.spend import Tokens


def reply_of(answer: Any, worst: Tokens, version: str) -> Reply:
    """The reply in an answer of the client.

    An answer without a choice, as content filters give, was charged: it is final, so that it is not asked
    for again. What is not an answer of the protocol at all (a gateway's page) is an error, as if none had come.

    Args:
        answer: A chat completion, or whatever the client made of the server's bytes.
        worst: The most that the request can cost.
        version: Of the prompt.
    """
    usage = getattr(answer, "usage", None)
    found = getattr(answer, "choices", None)
    choices = found if isinstance(found, list) else []
    tokens = tokens_of(usage, worst)
    if choices:
        choice = choices[0]
        message = getattr(choice, "message", None)
        text = str(getattr(message, "content", None) or "")
        refusal = str(getattr(message, "refusal", None) or "")
        finish = str(getattr(choice, "finish_reason", None) or "")
        status, reason = _judged(text, refusal, finish)
    else:
        text = refusal = finish = ""
        status, reason = "refused", "the endpoint answered without a choice"
        if found != [] and usage is None:
            status, reason = "error", "no answer of the protocol: it has no choices"
    return Reply(
        status=status,
        reason=reason,
        text=text or refusal,
        model=str(getattr(answer, "model", "") or ""),
        prompt_version=version,
        finish_reason=finish,
        prompt_tokens=tokens.prompt,
        completion_tokens=tokens.completion,
        tokens_estimated=usage is None,
    )


def tokens_of(usage: Any, worst: Tokens) -> Tokens:
    """What an answer says that it used; the worst case for each count that it does not say.

    Some servers count what a model thinks only in the total.
    """
    prompt = _count(usage, "prompt_tokens")
    completion = _count(usage, "completion_tokens")
    prompt = worst.prompt if prompt is None else prompt
    completion = worst.completion if completion is None else completion
    hidden = (_count(usage, "total_tokens") or 0) - prompt - completion
    return Tokens(prompt, completion + max(0, hidden))


def _count(usage: Any, name: str) -> int | None:
    value = getattr(usage, name, None)
    return value if isinstance(value, int) and value >= 0 else None


def _judged(text: str, refusal: str, finish: str) -> tuple[str, str]:
    if refusal or finish == "content_filter":
        return "refused", (refusal or "the endpoint's content filter")[:300]
    if finish == "length":
        return "truncated", "the answer was cut off at max_tokens"
    if not text.strip():
        return "refused", "the answer is empty"
    return "success", ""
