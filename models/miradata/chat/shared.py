"""The clients of a run: one a process for each endpoint, with the account that all of them share."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from miradata.chat.client import Captioner, Endpoint
from miradata.chat.spend import Prices
from miradata.config import Captions
from miradata.config import Endpoint as EndpointConfig

FOLDER = "captions"
"""In the output folder: replies and the account."""


def shared_captioner(endpoint: EndpointConfig, settings: Captions, output: Path) -> Captioner:
    """The client of an endpoint, shared by the threads of this process.

    Args:
        endpoint: Where to ask.
        settings: Retries, prices and caps.
        output: The output folder, whose account all endpoints share.
    """
    return _client(
        endpoint_of(endpoint, settings),
        output / FOLDER,
        settings.most_tokens,
        settings.most_money,
    )


@lru_cache(maxsize=8)
def _client(
    endpoint: Endpoint, folder: Path, most_tokens: int | None, most_money: float | None
) -> Captioner:
    return Captioner.in_folder(endpoint, folder, most_tokens=most_tokens, most_money=most_money)


def endpoint_of(endpoint: EndpointConfig, settings: Captions) -> Endpoint:
    """A client's settings from the configuration."""
    return Endpoint(
        model=endpoint.model,
        base_url=endpoint.base_url,
        api_key_variable=endpoint.api_key_env,
        temperature=settings.temperature,
        max_tokens=settings.max_tokens,
        tokens_parameter=settings.tokens_parameter,
        timeout=settings.timeout_seconds,
        tries=settings.tries,
        longest_wait=settings.longest_wait_seconds,
        prices=Prices(settings.price_prompt, settings.price_completion),
    )
