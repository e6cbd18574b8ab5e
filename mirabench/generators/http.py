"""The generator `http`: a video service, spoken to with the standard library alone.

A dialect says what is sent and what the answers mean; here is what a network does to both. A busy server
(429), a failing one (5xx), a dropped connection and a download that ends early or is not a video are tried
again, longer and longer apart; what the server asks for in Retry-After is kept. In a run's folder every order
and its job are noted before they are waited for, so that no later run pays for them again.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import os
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, TypeVar

from mirabench.errors import GeneratorError, InputError, MirabenchError
from mirabench.generators.dialects import (
    DIALECTS,
    Dialect,
    Request,
    Status,
    Wishes,
    reason_of,
    video_of,
)
from mirabench.generators.orders import Limits, OrderBook, digest_of
from mirabench.inputs.prompts import Prompt

log = logging.getLogger(__name__)
T = TypeVar("T")

_CHUNK_BYTES = 1 << 20
_LONGEST_PAUSE_SECONDS = 60.0
_PAGES = ("text/html", "text/xml", "application/json", "application/xml", "application/xhtml")
"""Content types of what a service sends in a video's place while it is not ready, or when it is in trouble."""


class _TryAgainError(MirabenchError):
    """A request failed in a way that another try may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


class _BusyError(_TryAgainError):
    """The service takes no more requests now, and did not take this one."""


class _RefusedError(GeneratorError):
    """The service answered, and did not take the request."""


class _GoneError(_RefusedError):
    """The service does not know what it is asked for, any more."""


@dataclass(frozen=True, slots=True)
class Http:
    """Asks a service for each clip."""

    url: str = ""
    """Of the service; empty for the dialect's own, which `openai` and `json` have not. For `openai` without or
    with its `/v1`."""
    dialect: Literal["openai", "json", "veo", "kling", "runway", "luma", "fal", "replicate"] = (
        "openai"
    )
    model: str = ""
    size: str = ""
    """As the service wants it, say `1280x720`; see the dialect."""
    length: str = ""
    """Seconds of video, as the service wants it."""
    extra: str = ""
    """More fields of the request, as a JSON object: `{"aspect_ratio": "16:9"}`."""
    send_seed: bool = True
    """Some services refuse a field they do not know; then the seed is only a number in the manifest."""
    key_variable: str = "MIRABENCH_API_KEY"
    """The environment variable that holds the key; the key itself is written nowhere."""
    price: float = 0.0
    """Of one clip, in any currency; for `max_cost` and the dry run."""
    max_cost: float | None = None
    """What a run may cost; an order of which nobody knows whether it was taken counts as paid."""
    per_minute: float = 0.0
    """Orders that are sent; 0 means no limit."""
    poll_seconds: float = 5.0
    tries: int = 6
    """In a row, for one request."""
    pause_seconds: float = 1.0
    """Before the second try; doubles with each."""
    patience_seconds: float = 60.0
    """How long one answer may be silent."""
    revision: str = ""
    """Which version of the service this is; goes into the manifest."""

    name: ClassVar[str] = "http"

    def __post_init__(self) -> None:
        if not self._base:
            raise InputError(
                f"the dialect {self.dialect} is spoken by many services: name yours with --option url=..."
            )
        if urllib.parse.urlsplit(self._base).scheme not in ("http", "https"):
            raise InputError(f"option url={self.url}: it starts with http:// or https://")
        if self.tries < 1:
            raise InputError(f"option tries={self.tries}: at least one is needed")
        if self.max_cost is not None and self.price <= 0:
            raise InputError("max_cost needs to know what a clip costs: --option price=...")
        if min(self.price, self.per_minute, self.max_cost or 0.0) < 0:
            raise InputError("price, max_cost and per_minute are not negative")
        for wish in self._dialect.fixed:
            if getattr(self, wish):
                raise InputError(
                    f"option {wish}: each model of {self.dialect} names it in its own way; put it into "
                    'extra={"...": ...}'
                )
        self._more()

    @property
    def _dialect(self) -> Dialect:
        return DIALECTS[self.dialect]

    @property
    def _base(self) -> str:
        return self.url or self._dialect.home

    def _more(self) -> dict[str, Any]:
        try:
            more = json.loads(self.extra or "{}")
        except ValueError:
            more = None
        if not isinstance(more, dict):
            raise InputError(f"option extra={self.extra}: it is a JSON object")
        return more

    def describe(self) -> dict[str, str]:
        """What is asked of the service, without what is only about patience and money."""
        parts = urllib.parse.urlsplit(self._base)
        place = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        wishes = {
            "model": self.model,
            "size": self.size,
            "seconds": self.length,
            "extra": self.extra,
        }
        settings = {"url": place, "dialect": self.dialect, **{k: v for k, v in wishes.items() if v}}
        return {"revision": self.revision, **settings, "send_seed": str(self._sends_seed).lower()}

    @property
    def _sends_seed(self) -> bool:
        return self.send_seed and self._dialect.takes_seed

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """Submit, poll, download; outside a run, with nothing to resume."""
        self.order(prompt, seed=seed, output=output, folder=None)

    def orders(self, folder: Path | None) -> OrderBook:
        """What was ordered in a run's folder."""
        return OrderBook(folder, Limits(self.price, self.max_cost, self.per_minute))

    def order(self, prompt: Prompt, *, seed: int, output: Path, folder: Path | None) -> None:
        """Take up the job of an earlier run, or submit; poll, download."""
        book = self.orders(folder)
        settings = json.dumps(self.describe(), sort_keys=True)
        name = digest_of(prompt.id, prompt.digest(), str(seed), settings)
        job = book.job(name) or self._submit(book, name, prompt, seed)
        try:
            self._fetch(job, output)
        except _RefusedError as error:
            # a link that has run out is made anew by asking for the job, where there is one to ask for
            if isinstance(error, _GoneError) or video_of(job):
                book.note("expired", name, reason=str(error))
            raise
        except _JobFailedError as error:
            book.note("failed", name, reason=str(error))
            raise
        book.note("fetched", name)

    def _submit(self, book: OrderBook, name: str, prompt: Prompt, seed: int) -> str:
        wishes = Wishes(
            prompt.text,
            self.model,
            self.size,
            self.length,
            seed if self._sends_seed else None,
            self._more(),
        )
        request = self._dialect.order(self._base, wishes)
        clip = f"{prompt.id}/seed-{seed}"
        return self._patiently(lambda: self._send(book, name, clip, request))

    def _send(self, book: OrderBook, name: str, clip: str, request: Request) -> str:
        """One try of an order, noted before it is sent and after it is answered; its job."""
        key = book.send(name, clip)
        headers = {"Content-Type": request.content_type, "Idempotency-Key": key}
        try:
            job = self._dialect.job(self._base, self._ask(request.url, request.body, headers))
        except Exception as error:
            book.note("refused" if _is_unpaid(error) else "lost", name, reason=str(error))
            raise
        book.note("accepted", name, job=job)
        return job

    def _fetch(self, job: str, output: Path) -> None:
        """Poll until the job is done, and download; the caller's timeout is the limit."""
        address, video = job, video_of(job)
        while not video:
            status = self._poll(address)
            if status.state == "failed":
                raise _JobFailedError(f"the service says {status.reason}")
            if status.state == "moved":
                address = status.where
            elif status.state == "running":
                time.sleep(self.poll_seconds)
            video = status.where if status.state == "done" else ""
        self._patiently(lambda: self._download(video, output), gone=_GoneError)

    def _poll(self, address: str) -> Status:
        # a job that was just started is not known everywhere at once
        answer = self._patiently(lambda: self._ask(address), gone=_GoneError)
        return self._dialect.status(address, answer)

    def _ask(
        self, url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        with self._open(url, body, headers or {}) as response:
            text = _whole(response)
        try:
            answer = json.loads(text)
        except ValueError as error:
            raise GeneratorError(f"{url} answers with no JSON: {text[:80]!r}") from error
        if not isinstance(answer, dict):
            raise GeneratorError(f"{url} answers with no JSON object: {text[:80]!r}")
        return answer

    def _download(self, url: str, output: Path) -> None:
        with self._open(url, None, {}) as response, output.open("wb") as file:
            announced = response.headers.get("Content-Length")
            kind = response.headers.get("Content-Type", "")
            first = chunk = response.read(_CHUNK_BYTES)
            done = 0
            while chunk:
                done += file.write(chunk)
                chunk = response.read(_CHUNK_BYTES)
        if announced is not None and done != int(announced):
            raise _TryAgainError(f"the download ended after {done} of {announced} bytes")
        if done == 0:
            raise _TryAgainError("the download was empty")
        if _is_page(kind, first):
            raise _TryAgainError(
                f"the download is a page or a message, not a video: {first[:80]!r}"
            )

    def _open(
        self, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        _refuse_other_schemes(url)
        request = urllib.request.Request(url, body, {"User-Agent": "mirabench", **headers})
        key = os.environ.get(self.key_variable, "")
        if key and _origin(url) == _origin(self._base):
            # unredirected: the key goes to the service, not to where it sends us for the file
            for name, value in self._dialect.headers(key).items():
                request.add_unredirected_header(name, value)
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(  # http(s) only
                request, timeout=self.patience_seconds
            )
        except urllib.error.HTTPError as error:
            raise self._refusal(error, url) from error
        return response

    def _refusal(self, error: urllib.error.HTTPError, url: str) -> Exception:
        with error:
            said = _said(error.read(_CHUNK_BYTES))
        reason = f"HTTP {error.code} {error.reason}{f': {said}' if said else ''}"
        wait = _retry_after(error.headers.get("Retry-After"))
        if error.code == 429:
            return _BusyError(reason, wait)
        if error.code in (408, 409, 425) or error.code >= 500:
            return _TryAgainError(reason, wait)
        # elsewhere it is the link to the video that has run out
        if error.code in (401, 403) and _origin(url) == _origin(self._base):
            return InputError(
                f"{self._base} refuses the request ({reason}): put the key into the environment "
                f"variable {self.key_variable}"
            )
        return _GoneError(reason) if error.code in (404, 410) else _RefusedError(reason)

    def _patiently(self, request: Callable[[], T], gone: type[Exception] = _TryAgainError) -> T:
        """The request's answer, after as many tries as it takes and is allowed.

        Raises:
            GeneratorError: none of them succeeded; of the type `gone` if the last one said so.
        """
        pause = self.pause_seconds
        for left in range(self.tries - 1, -1, -1):
            try:
                return request()
            except (_TryAgainError, gone, http.client.HTTPException, OSError) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
                if not left:
                    kind = type(error) if isinstance(error, GeneratorError) else GeneratorError
                    raise kind(f"{reason} ({self.tries} tries)") from error
                asked = error.wait if isinstance(error, _TryAgainError) else None
            log.info("%s; trying again", reason)
            time.sleep(pause if asked is None else asked)
            pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        raise AssertionError("unreachable: the last try returns or raises")


def _whole(response: http.client.HTTPResponse) -> bytes:
    text = response.read()
    announced = response.headers.get("Content-Length")
    if announced is not None and len(text) != int(announced):
        raise _TryAgainError("the answer ended early")
    return text


class _JobFailedError(GeneratorError):
    """The service tried, and made no video."""


def _is_unpaid(error: Exception) -> bool:
    """Whether an order was certainly not taken: refused with an answer, or never sent."""
    if isinstance(error, _TryAgainError | urllib.error.URLError):
        reason = getattr(error, "reason", None)
        return isinstance(error, _BusyError) or isinstance(
            reason, ConnectionRefusedError | socket.gaierror
        )
    return isinstance(error, _RefusedError | InputError)


def _is_page(kind: str, first: bytes) -> bool:
    """Whether what came in a video's place is a page or a message."""
    return kind.startswith(_PAGES) or first.lstrip()[:1] in (b"<", b"{")


def _said(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return reason_of(answer) if isinstance(answer, dict) else ""


def _retry_after(header: str | None) -> float | None:
    """Seconds to wait; the header holds seconds or a date (RFC 9110, 10.2.3)."""
    if not header:
        return None
    try:
        return max(0.0, float(header))
    except ValueError:
        pass
    try:
        return max(0.0, email.utils.parsedate_to_datetime(header).timestamp() - time.time())
    except ValueError:
        return None


def _refuse_other_schemes(url: str) -> None:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise GeneratorError(
            f"the service names the video {url!r}: only http and https are followed"
        )


def _origin(url: str) -> tuple[str, str]:
    parts = urllib.parse.urlsplit(url)
    return parts.scheme, parts.netloc
