"""Asking an OpenAI-compatible endpoint, so that whatever happens ends as a `Reply`.

Hosted or local (vLLM and the like) is one address more or less. The openai client speaks the
protocol; retries are ours, because Retry-After must be obeyed in full and the budget asked each time.
"""

from __future__ import annotations

import email.utils
import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import tenacity

from mirabench.errors import InputError, MissingExtraError
from miradata.captions.replies import Reply, ReplyStore, digest_of
from miradata.captions.spend import OverBudgetError, Prices, Spend, Tokens

if TYPE_CHECKING:
    from openai import OpenAI

IMAGE_TOKENS = 3000
"""Ours: what a picture of 1.3 million pixels costs at most at endpoints that count by area or tile."""
CHARACTERS_PER_TOKEN = 3
"""Ours: few characters, so that the reservation is rather too large."""

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


class _Unavailable(Exception):  # noqa: N818  # a decision, not an error
    """The endpoint is busy, broken or silent."""

    def __init__(self, status: str, reason: str, wait: float | None = None) -> None:
        self.status, self.reason, self.wait = status, reason, wait
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
        from miradata.captions.replies import REPLY_FOLDER
        from miradata.captions.spend import SPEND_FILE

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
        worst = worst_case(request["messages"], int(request[self.endpoint.tokens_parameter]))
        try:
            reservation = self.spend.reserve(worst)
        except OverBudgetError as error:
            return Reply("over_budget", str(error), prompt_version=version)
        retrying = _retrying(self.endpoint)
        try:
            answer = retrying(self._once, request)
        except _Unavailable as error:
            if error.status != "timeout":  # an answer that came too late may have been charged
                self.spend.charge(reservation, Tokens())
            calls = int(retrying.statistics.get("attempt_number", 1))
            reason = error.reason if calls == 1 else f"{error.reason} ({calls} tries)"
            return Reply(error.status, reason, prompt_version=version, calls=calls)
        calls = int(retrying.statistics.get("attempt_number", 1))
        reply = _reply(answer, worst, version, calls)
        self.spend.charge(reservation, Tokens(reply.prompt_tokens, reply.completion_tokens))
        return reply

    def _once(self, request: Mapping[str, Any]) -> Any:
        import openai  # the constructor has found it

        try:
            return self._client.chat.completions.create(**request)
        except openai.APITimeoutError as error:
            reason = f"no answer within {self.endpoint.timeout:g} s"
            raise _Unavailable("timeout", reason) from error
        except openai.APIConnectionError as error:
            raise _Unavailable("error", f"no connection: {error.__cause__ or error}") from error
        except openai.RateLimitError as error:
            wait = retry_after(error.response.headers.get("retry-after", ""))
            raise _Unavailable("rate_limited", "HTTP status 429", wait) from error
        except openai.InternalServerError as error:
            wait = retry_after(error.response.headers.get("retry-after", ""))
            raise _Unavailable("error", f"HTTP status {error.status_code}", wait) from error
        except openai.APIStatusError as error:
            reason = f"HTTP status {error.status_code}: {error.message[:300]}"
            raise _Final("error", reason) from error
        except (openai.OpenAIError, ValueError) as error:
            raise _Final("error", f"no answer of the protocol: {str(error)[:300]}") from error


class _Final(_Unavailable):
    """The endpoint said no; asking again will not help."""


def _client(endpoint: Endpoint) -> OpenAI:
    try:
        from openai import OpenAI  # extra `data`
    except ImportError as error:
        raise MissingExtraError("data", "captions need the openai client") from error
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


def worst_case(messages: Messages, max_tokens: int) -> Tokens:
    """The most that a request can cost, in tokens: text by characters, pictures by `IMAGE_TOKENS`."""
    characters, pictures = 0, 0
    for message in messages:
        content = message["content"]
        for part in [{"text": content}] if isinstance(content, str) else content:
            characters += len(part.get("text", ""))
            pictures += "image_url" in part
    prompt = characters // CHARACTERS_PER_TOKEN + pictures * IMAGE_TOKENS + 200
    return Tokens(prompt, max_tokens)


def _reply(answer: Any, worst: Tokens, version: str, calls: int) -> Reply:
    """What an endpoint answered; servers that call themselves compatible leave parts out."""
    usage = getattr(answer, "usage", None)
    choices = getattr(answer, "choices", None) or []
    if not choices:
        return Reply(
            "error", "no answer of the protocol: it has no choices", prompt_version=version
        )
    choice = choices[0]
    message = getattr(choice, "message", None)
    text = getattr(message, "content", None) or ""
    refusal = getattr(message, "refusal", None) or ""
    finish = str(getattr(choice, "finish_reason", None) or "")
    status, reason = _judged(text, refusal, finish)
    return Reply(
        status=status,
        reason=reason,
        text=text or refusal,
        model=str(getattr(answer, "model", "") or ""),
        prompt_version=version,
        finish_reason=finish,
        prompt_tokens=int(getattr(usage, "prompt_tokens", None) or (0 if usage else worst.prompt)),
        completion_tokens=int(
            getattr(usage, "completion_tokens", None) or (0 if usage else worst.completion)
        ),
        tokens_estimated=usage is None,
        calls=calls,
    )


def _judged(text: str, refusal: str, finish: str) -> tuple[str, str]:
    if refusal or finish == "content_filter":
        return "refused", (refusal or "the endpoint's content filter")[:300]
    if finish == "length":
        return "truncated", "the answer was cut off at max_tokens"
    if not text.strip():
        return "refused", "the answer is empty"
    return "success", ""
