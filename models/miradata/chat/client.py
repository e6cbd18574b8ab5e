"""Asking an OpenAI-compatible endpoint, so that whatever happens ends as a `Reply`.

Hosted or local (vLLM and the like) is one address more or less. The openai client speaks the
protocol; retries are ours, because Retry-After must be obeyed in full and the budget asked each time.
"""

from __future__ import annotations

import email.utils
import json
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tenacity

from mirabench.errors import InputError, MirabenchError
from mirabench.extras import needs_extra
from miradata.chat.answers import reply_of
from miradata.chat.replies import Reply, ReplyStore, digest_of
from miradata.chat.spend import OverBudgetError, Prices, Spend, Tokens

if TYPE_CHECKING:
    from openai import OpenAI

IMAGE_TOKENS = 3000
"""Ours: what a picture of 1.3 million pixels costs at most at endpoints that count by area or tile."""
CHARACTERS_PER_TOKEN = 3
"""Ours: few characters, so that the reservation is rather too large."""

_FREE = frozenset({503})
"""Server errors that say that no work was done."""
_ANSWER_LOST = frozenset({408, 499})
"""Refusals that say that the answer came too late for somebody on the way."""
_NEVER_SENT = frozenset({"ConnectError", "ConnectTimeout", "PoolTimeout"})
"""By name: the client speaks through httpx or its successor, depending on its version."""
_UNANSWERED = frozenset({"timeout", "rate_limited", "error"})

Messages = Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where and how captions are asked for."""

    model: str
    """As the endpoint calls it."""
    base_url: str = ""
    """Empty: the openai client's own address, or OPENAI_BASE_URL."""
    api_key_variable: str = "OPENAI_API_KEY"
    """Environment variable with the key; the key itself is in no configuration and no table."""
    temperature: float | None = 0.2
    """None leaves it out, for models that take none."""
    max_tokens: int = 1200
    """Of one answer; six captions of the lengths asked for take about 600."""
    tokens_parameter: str = "max_tokens"
    """What the endpoint calls that: reasoning models want `max_completion_tokens`."""
    timeout: float = 120.0
    """Seconds for one answer."""
    tries: int = 5
    """Of one request, when the endpoint is busy, broken or silent."""
    longest_wait: float = 300.0
    """Most seconds between two tries; a Retry-After beyond it ends the tries."""
    first_wait: float = 1.0
    """Seconds before the second try when the endpoint does not say; twice as long each time, with jitter."""
    prices: Prices = field(default_factory=Prices)


class _Unavailable(MirabenchError):  # noqa: N818  # a decision, not an error
    """The endpoint is busy, broken or silent."""

    def __init__(
        self, status: str, reason: str, wait: float | None = None, *, charged: bool = True
    ) -> None:
        self.status, self.reason, self.wait = status, reason, wait
        self.charged = charged
        """Whether a model may have worked for it, so that its worst price stays in the account."""
        super().__init__(reason)


@dataclass
class Captioner:
    """A client of one endpoint with a store of replies and an account.

    Raises:
        MissingExtraError: the openai client is missing.
    """

    endpoint: Endpoint
    store: ReplyStore
    spend: Spend

    def __post_init__(self) -> None:
        self._client = _client(self.endpoint)

    @classmethod
    def in_folder(
        cls,
        endpoint: Endpoint,
        folder: Path,
        *,
        most_tokens: int | None = None,
        most_money: float | None = None,
    ) -> Captioner:
        """A client whose replies and account are in `folder`, shared with others there."""
        from miradata.chat.replies import REPLY_FOLDER
        from miradata.chat.spend import SPEND_FILE

        spend = Spend(folder / SPEND_FILE, endpoint.prices, most_tokens, most_money)
        return cls(endpoint, ReplyStore(folder / REPLY_FOLDER), spend)

    def ask(
        self,
        messages: Messages,
        *,
        version: str,
        schema: Mapping[str, Any] | None = None,
        max_tokens: int | None = None,
    ) -> Reply:
        """One answer, from the store if this was asked before.

        Args:
            messages: In the chat protocol.
            version: Of the prompt; kept with the reply.
            schema: `response_format`; None asks for plain text.
            max_tokens: Of the answer; None takes the endpoint's setting.
        """
        request: dict[str, Any] = {
            "model": self.endpoint.model,
            "messages": list(messages),
            self.endpoint.tokens_parameter: max_tokens or self.endpoint.max_tokens,
        }
        if self.endpoint.temperature is not None:
            request["temperature"] = self.endpoint.temperature
        if schema is not None:
            request["response_format"] = schema
        digest = digest_of(request)
        known = self.store.get(digest)
        if known is not None:
            return known
        reply = self._paid(request, version)
        if reply.paid:
            self.store.put(digest, reply)
        return reply

    def _paid(self, request: Mapping[str, Any], version: str) -> Reply:
        retrying = _retrying(self.endpoint)
        try:
            reply = retrying(self._once, request, version)
        except OverBudgetError as error:
            reply = Reply("over_budget", str(error), prompt_version=version)
        except _Unavailable as error:
            reply = Reply(error.status, error.reason, prompt_version=version)
        tried = int(retrying.statistics.get("attempt_number", 1))
        # a try that the cap forbade was not sent
        calls = tried - 1 if reply.status == "over_budget" else tried
        if reply.status in _UNANSWERED and calls > 1:
            reply = replace(reply, reason=f"{reply.reason} ({calls} tries)")
        return replace(reply, calls=calls)

    def _once(self, request: Mapping[str, Any], version: str) -> Reply:
        """One try with a reservation of its own: a try whose answer is lost may have been charged."""
        worst = worst_case(request, int(request[self.endpoint.tokens_parameter]))
        reservation = self.spend.reserve(worst)
        try:
            reply = reply_of(self._sent(request), worst, version)
        except _Unavailable as error:
            if not error.charged:
                self.spend.charge(reservation, Tokens())
            raise
        self.spend.charge(reservation, Tokens(reply.prompt_tokens, reply.completion_tokens))
        return reply

    def _sent(self, request: Mapping[str, Any]) -> Any:
        import openai  # the constructor has found it

        try:
            return self._client.chat.completions.create(**request)
        except openai.APIConnectionError as error:
            charged = type(error.__cause__).__name__ not in _NEVER_SENT
            if isinstance(error, openai.APITimeoutError):
                reason = f"no answer within {self.endpoint.timeout:g} s"
                raise _Unavailable("timeout", reason, charged=charged) from error
            reason = f"no connection: {error.__cause__ or error}"
            raise _Unavailable("error", reason, charged=charged) from error
        except openai.APIStatusError as error:
            raise _refused(error.status_code, error.response.headers, error.message) from error
        except (openai.OpenAIError, ValueError) as error:
            raise _Final("error", f"no answer of the protocol: {str(error)[:300]}") from error


class _Final(_Unavailable):
    """The endpoint said no; asking again will not help."""


def _refused(status: int, headers: Mapping[str, str], message: str) -> _Unavailable:
    """What an HTTP status other than 200 means."""
    charged = status not in _FREE and (status >= 500 or status in _ANSWER_LOST)
    if status != 429 and status < 500:
        return _Final("error", f"HTTP status {status}: {message[:300]}", charged=charged)
    wait = retry_after(headers.get("retry-after", ""))
    kind = "rate_limited" if status == 429 else "error"
    return _Unavailable(kind, f"HTTP status {status}", wait, charged=charged)


def _client(endpoint: Endpoint) -> OpenAI:
    with needs_extra("data", "captions need the openai client"):
        from openai import OpenAI  # extra `data`
    key = os.environ.get(endpoint.api_key_variable, "")
    if not key and not endpoint.base_url:
        raise InputError(
            f"captions need a key: set the environment variable {endpoint.api_key_variable}, or give "
            "base_url of a server that needs none"
        )
    return OpenAI(
        api_key=key or "none",  # local servers take any
        base_url=endpoint.base_url or None,
        timeout=endpoint.timeout,
        max_retries=0,
    )


def _retrying(endpoint: Endpoint) -> tenacity.Retrying:
    backoff = tenacity.wait_random_exponential(
        multiplier=endpoint.first_wait, max=endpoint.longest_wait
    )

    def wait(state: tenacity.RetryCallState) -> float:
        told = _wait_of(state)
        return float(backoff(state)) if told is None else told

    def stop(state: tenacity.RetryCallState) -> bool:
        hopeless = (_wait_of(state) or 0.0) > endpoint.longest_wait
        return hopeless or state.attempt_number >= endpoint.tries

    return tenacity.Retrying(
        retry=tenacity.retry_if_exception(
            lambda e: isinstance(e, _Unavailable) and not isinstance(e, _Final)
        ),
        stop=stop,
        wait=wait,
        sleep=time.sleep,
        reraise=True,
    )


def _wait_of(state: tenacity.RetryCallState) -> float | None:
    error = state.outcome.exception() if state.outcome else None
    return error.wait if isinstance(error, _Unavailable) else None


def retry_after(text: str) -> float | None:
    """Seconds that a Retry-After header asks for: a number or a date; None when it is neither.

    Example:
        >>> retry_after("7"), retry_after("soon")
        (7.0, None)
    """
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def worst_case(request: Mapping[str, Any], max_tokens: int) -> Tokens:
    """The most that a request can cost, in tokens: text by length, pictures by `IMAGE_TOKENS`."""
    length, pictures = _text_tokens(json.dumps(request.get("response_format") or "")), 0
    for message in request["messages"]:
        content = message["content"]
        for part in [{"text": content}] if isinstance(content, str) else content:
            length += _text_tokens(part.get("text", ""))
            pictures += "image_url" in part
    return Tokens(length + pictures * IMAGE_TOKENS + 200, max_tokens)


def _text_tokens(text: str) -> int:
    """No token is shorter than a byte, and only of plain letters are there several in one."""
    plain = sum(character.isascii() for character in text)
    return plain // CHARACTERS_PER_TOKEN + len(text.encode(errors="replace")) - plain
