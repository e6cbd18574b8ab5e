"""The generator `http`: a video service, spoken to with the standard library alone.

Two dialects. `openai`: `POST {url}/v1/videos` with a form, `GET /v1/videos/{id}` until it is
completed, `GET /v1/videos/{id}/content`. `json`: `POST {url}` with `{"prompt", "seed"}` is answered
with `{"url"}` of the finished video, or with `{"job"}`, which is asked for at `{url}/{job}` until it
has a `url`. A busy server (429), a failing one (5xx), a dropped connection and a download that ends
early are tried again, longer and longer apart; what the server asks for in Retry-After is kept.
"""

from __future__ import annotations

import email.utils
import http.client
import json
import logging
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal

from mirabench.errors import GeneratorError, InputError, MirabenchError
from mirabench.inputs.prompts import Prompt

log = logging.getLogger(__name__)

_CHUNK_BYTES = 1 << 20
_LONGEST_PAUSE_SECONDS = 60.0
_RUNNING = ("queued", "pending", "in_progress", "processing", "running", "starting")
_DONE = ("completed", "succeeded", "success", "done")


class _TryAgainError(MirabenchError):
    """A request failed in a way that another try may mend."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait


@dataclass(frozen=True, slots=True)
class Http:
    """Asks a service for each clip."""

    url: str
    """Of the service; for `openai` without or with its `/v1`."""
    dialect: Literal["openai", "json"] = "openai"
    model: str = ""
    size: str = ""
    """As the service wants it, say `1280x720`."""
    length: str = ""
    """Seconds of video, sent as `seconds`, as the service wants it."""
    send_seed: bool = True
    """Some services refuse a field they do not know; then the seed is only a number in the manifest."""
    key_variable: str = "MIRABENCH_API_KEY"
    """The environment variable that holds the key; the key itself is written nowhere."""
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
        if urllib.parse.urlsplit(self.url).scheme not in ("http", "https"):
            raise InputError(f"option url={self.url}: it starts with http:// or https://")
        if self.tries < 1:
            raise InputError(f"option tries={self.tries}: at least one is needed")

    def describe(self) -> dict[str, str]:
        """What is asked of the service, without what is only about patience."""
        parts = urllib.parse.urlsplit(self.url)
        place = parts._replace(netloc=parts.netloc.rpartition("@")[2], query="").geturl()
        settings = {"url": place, "dialect": self.dialect, **self._wishes()}
        return {"revision": self.revision, **settings, "send_seed": str(self.send_seed).lower()}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """Submit, poll, download."""
        fields = {"prompt": prompt.text, **self._wishes()}
        if self.send_seed:
            fields["seed"] = str(seed)
        source = self._openai(fields) if self.dialect == "openai" else self._json(fields)
        self._patiently(lambda: self._download(source, output))

    def _wishes(self) -> dict[str, str]:
        wishes = {"model": self.model, "size": self.size, "seconds": self.length}
        return {key: value for key, value in wishes.items() if value}

    def _openai(self, fields: Mapping[str, str]) -> str:
        base = self.url.rstrip("/")
        videos = f"{base}/videos" if base.endswith("/v1") else f"{base}/v1/videos"
        job = self._submit(videos, *_form(fields))
        address = f"{videos}/{urllib.parse.quote(_text(job, 'id'), safe='')}"
        self._wait(address, job)
        return f"{address}/content"

    def _json(self, fields: Mapping[str, str]) -> str:
        values: dict[str, Any] = dict(fields)
        if "seed" in values:
            values["seed"] = int(values["seed"])
        answer = self._submit(self.url, json.dumps(values).encode(), "application/json")
        if not answer.get("url"):
            job = _text(answer, "job")
            address = urllib.parse.urljoin(f"{self.url.rstrip('/')}/", job)
            answer = self._wait(address, answer)
        return urllib.parse.urljoin(self.url, _text(answer, "url"))

    def _submit(self, url: str, body: bytes, content_type: str) -> dict[str, Any]:
        # one key for all tries: a service that knows it does not start, and bill, the job twice
        headers = {"Content-Type": content_type, "Idempotency-Key": uuid.uuid4().hex}
        answer: dict[str, Any] = self._patiently(lambda: self._ask(url, body, headers))
        return answer

    def _wait(self, address: str, job: dict[str, Any]) -> dict[str, Any]:
        """Poll until the job is done; the caller's timeout is the limit."""
        while not (job.get("status") in _DONE or job.get("url")):
            status = job.get("status", "queued")
            if status not in _RUNNING:
                raise GeneratorError(f"the service says {status}: {_reason(job)}")
            time.sleep(self.poll_seconds)
            job = self._patiently(lambda: self._ask(address))
        return job

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
            done = 0
            while chunk := response.read(_CHUNK_BYTES):
                done += file.write(chunk)
        if announced is not None and done != int(announced):
            raise _TryAgainError(f"the download ended after {done} of {announced} bytes")
        if done == 0:
            raise _TryAgainError("the download was empty")

    def _open(
        self, url: str, body: bytes | None, headers: Mapping[str, str]
    ) -> http.client.HTTPResponse:
        _refuse_other_schemes(url)
        request = urllib.request.Request(url, body, {"User-Agent": "mirabench", **headers})
        key = os.environ.get(self.key_variable, "")
        if key and _origin(url) == _origin(self.url):
            # unredirected: the key goes to the service, not to where it sends us for the file
            request.add_unredirected_header("Authorization", f"Bearer {key}")
        try:
            response: http.client.HTTPResponse = urllib.request.urlopen(  # http(s) only
                request, timeout=self.patience_seconds
            )
        except urllib.error.HTTPError as error:
            raise self._refusal(error) from error
        return response

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        with error:
            said = _said(error.read(_CHUNK_BYTES))
        reason = f"HTTP {error.code} {error.reason}{f': {said}' if said else ''}"
        if error.code in (408, 409, 425, 429) or error.code >= 500:
            return _TryAgainError(reason, _retry_after(error.headers.get("Retry-After")))
        if error.code in (401, 403):
            return InputError(
                f"{self.url} refuses the request ({reason}): put the key into the environment "
                f"variable {self.key_variable}"
            )
        return GeneratorError(reason)

    def _patiently(self, request: Any) -> Any:
        """The request's answer, after as many tries as it takes and is allowed."""
        pause = self.pause_seconds
        for left in range(self.tries - 1, -1, -1):
            try:
                return request()
            except (
                _TryAgainError,
                urllib.error.URLError,
                http.client.HTTPException,
                OSError,
            ) as error:
                reason = str(getattr(error, "reason", error)) or type(error).__name__
                if not left:
                    raise GeneratorError(f"{reason} ({self.tries} tries)") from error
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


def _form(fields: Mapping[str, str]) -> tuple[bytes, str]:
    """A multipart form, which is what the reference client sends."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _text(answer: Mapping[str, Any], key: str) -> str:
    value = answer.get(key)
    if not isinstance(value, str | int) or value == "":
        raise GeneratorError(f"the service's answer has no {key!r}: {_reason(answer)}")
    return str(value)


def _reason(answer: Mapping[str, Any]) -> str:
    error = answer.get("error") or answer.get("message") or answer.get("detail")
    if isinstance(error, Mapping):
        error = error.get("message") or error
    return str(error or json.dumps(answer)[:200])


def _said(body: bytes) -> str:
    try:
        answer = json.loads(body)
    except ValueError:
        return ""
    return _reason(answer) if isinstance(answer, dict) else ""


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
