"""How video services are spoken to: what an order looks like, and what their answers mean.

A dialect knows no network. Each follows its service's own documentation, named in its class; none was tried
against the real service, which costs money, only against servers that answer in the documented shape.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
import urllib.parse
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from mirabench.errors import GeneratorError, InputError

Answer = Mapping[str, Any]
_DONE = frozenset({"completed", "succeeded", "succeed", "success", "done"})
_FAILED = (
    "fail",
    "err",
    "cancel",
    "reject",
    "expire",
    "delete",
    "abort",
    "block",
    "nsfw",
    "moderat",
)
"""How the names of a failure's state begin. A state that nobody knows is waited for: to order again would
pay again."""


class Wishes(NamedTuple):
    """What is asked for; empty where the service decides."""

    prompt: str
    model: str
    size: str
    length: str
    seed: int | None
    extra: Mapping[str, Any]
    """More fields of the request, as the service names them."""


class Request(NamedTuple):
    """A POST."""

    url: str
    body: bytes
    content_type: str = "application/json"


class Status(NamedTuple):
    """What an answer says of a job."""

    state: Literal["running", "done", "failed", "moved"]
    """`moved`: ask at `where` instead."""
    where: str = ""
    """Of the video when it is done."""
    reason: str = ""


@dataclass(frozen=True)
class Dialect:
    """A service's way; the defaults are those that most share."""

    home: str
    """Where the service is, unless the user says otherwise; empty when there is no such place."""
    takes_seed: bool = True
    fixed: tuple[str, ...] = ()
    """Wishes that go into `extra`, because every model of the service names them in its own way."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """The request that places an order."""
        raise NotImplementedError

    def job(self, base: str, answer: Answer) -> str:
        """Where the job that an order started is asked for."""
        raise NotImplementedError

    def status(self, address: str, answer: Answer) -> Status:
        """What the answer at a job's address says."""
        raise NotImplementedError

    def headers(self, key: str) -> dict[str, str]:
        """What tells the service who asks."""
        return {"Authorization": f"Bearer {key}"}


class OpenAi(Dialect):
    """`POST /v1/videos`, a form; https://platform.openai.com/docs/api-reference/videos."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """A form, which is what the service's own client sends."""
        fields = {
            "prompt": wishes.prompt,
            **_given(model=wishes.model, size=wishes.size, seconds=wishes.length, seed=wishes.seed),
            **wishes.extra,
        }
        return Request(self._videos(base), *_form({k: str(v) for k, v in fields.items()}))

    def job(self, base: str, answer: Answer) -> str:
        """Below the address of the orders."""
        return f"{self._videos(base)}/{_quoted(text_of(answer, 'id'))}"

    def status(self, address: str, answer: Answer) -> Status:
        """Its `status`; the video lies beside."""
        return _status(answer.get("status"), f"{address}/content", reason_of(answer))

    @staticmethod
    def _videos(base: str) -> str:
        base = base.rstrip("/")
        return f"{base}/videos" if base.endswith("/v1") else f"{base}/v1/videos"


class PlainJson(Dialect):
    """`POST {url}` with `{"prompt", "seed"}`; the answer has the video's `url`, or a `job`."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """Flat JSON."""
        given = _given(
            model=wishes.model, size=wishes.size, seconds=wishes.length, seed=wishes.seed
        )
        return _json(base, {"prompt": wishes.prompt, **given, **wishes.extra})

    def job(self, base: str, answer: Answer) -> str:
        """The finished video, or below the service's address."""
        if answer.get("url"):
            return urllib.parse.urljoin(base, text_of(answer, "url")) + _IS_VIDEO
        return urllib.parse.urljoin(f"{base.rstrip('/')}/", text_of(answer, "job"))

    def status(self, address: str, answer: Answer) -> Status:
        """Done when there is a `url`."""
        if answer.get("url"):
            return Status("done", urllib.parse.urljoin(address, text_of(answer, "url")))
        state = answer.get("status") or ("" if answer.get("error") else "queued")
        return _status(state, "", reason_of(answer))


class Veo(Dialect):
    """The Gemini API's long-running operations; https://ai.google.dev/gemini-api/docs/video."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """`:predictLongRunning` of the model."""
        parameters = {
            **_given(
                resolution=wishes.size, durationSeconds=_number(wishes.length), seed=wishes.seed
            ),
            **wishes.extra,
        }
        url = f"{base.rstrip('/')}/models/{_needed(wishes.model)}:predictLongRunning"
        return _json(url, {"instances": [{"prompt": wishes.prompt}], "parameters": parameters})

    def job(self, base: str, answer: Answer) -> str:
        """The operation, by its name."""
        return f"{base.rstrip('/')}/{text_of(answer, 'name')}"

    def status(self, address: str, answer: Answer) -> Status:
        """`done`, then an `error` or samples; a prompt that the filter stopped leaves no sample."""
        if not answer.get("done"):
            return Status("running")
        if answer.get("error"):
            return Status("failed", reason=reason_of(answer))
        made = _inside(answer, "response", "generateVideoResponse")
        uri = _inside(made, "generatedSamples", 0, "video").get("uri")
        if not uri:
            why = made.get("raiMediaFilteredReasons") or "the answer has no video"
            return Status("failed", reason=str(why))
        return Status("done", str(uri))

    def headers(self, key: str) -> dict[str, str]:
        """A key of its own kind."""
        return {"x-goog-api-key": key}


class Kling(Dialect):
    """`POST /v1/videos/text2video`; https://app.klingai.com/global/dev/document-api.

    The key is `ACCESS:SECRET`, from which each request gets a token that is good for half an hour; a key
    without a colon is sent as it is.
    """

    def order(self, base: str, wishes: Wishes) -> Request:
        """`size` is the aspect ratio, as 16:9."""
        given = _given(model_name=wishes.model, aspect_ratio=wishes.size, duration=wishes.length)
        return _json(self._tasks(base), {"prompt": wishes.prompt, **given, **wishes.extra})

    def job(self, base: str, answer: Answer) -> str:
        """A task; the service answers 200 with a `code` when it takes no order."""
        if answer.get("code") not in (0, None):
            raise GeneratorError(f"the service refuses the order: {reason_of(answer)}")
        return f"{self._tasks(base)}/{_quoted(text_of(_inside(answer, 'data'), 'task_id'))}"

    def status(self, address: str, answer: Answer) -> Status:
        """`task_status`, with the reason beside it."""
        data = _inside(answer, "data")
        url = _inside(data, "task_result", "videos", 0).get("url", "")
        return _status(
            data.get("task_status"), url, str(data.get("task_status_msg") or reason_of(answer))
        )

    def headers(self, key: str) -> dict[str, str]:
        """A JSON web token (RFC 7519) signed with the secret."""
        access, colon, secret = key.partition(":")
        return {"Authorization": f"Bearer {_token(access, secret) if colon else key}"}

    @staticmethod
    def _tasks(base: str) -> str:
        return f"{base.rstrip('/')}/v1/videos/text2video"


class Runway(Dialect):
    """`POST /v1/text_to_video`; https://docs.dev.runwayml.com/api."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """`size` is the ratio in pixels, as 1280:720."""
        given = _given(
            model=wishes.model,
            ratio=wishes.size.replace("x", ":"),
            duration=_number(wishes.length),
            seed=wishes.seed,
        )
        url = f"{base.rstrip('/')}/v1/text_to_video"
        return _json(url, {"promptText": wishes.prompt, **given, **wishes.extra})

    def job(self, base: str, answer: Answer) -> str:
        """A task."""
        return f"{base.rstrip('/')}/v1/tasks/{_quoted(text_of(answer, 'id'))}"

    def status(self, address: str, answer: Answer) -> Status:
        """`status` in capitals; `output` is a list of addresses."""
        reason = str(answer.get("failure") or reason_of(answer))
        return _status(answer.get("status"), _first(answer.get("output")), reason)

    def headers(self, key: str) -> dict[str, str]:
        """With the version of the interface."""
        return {**super().headers(key), "X-Runway-Version": "2024-11-06"}


class Luma(Dialect):
    """`POST /dream-machine/v1/generations`; https://docs.lumalabs.ai/docs/video-generation."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """`size` is the resolution, as 720p, and the length has its unit, as 5s."""
        given = _given(model=wishes.model, resolution=wishes.size, duration=wishes.length)
        url = f"{base.rstrip('/')}/generations"
        return _json(url, {"prompt": wishes.prompt, **given, **wishes.extra})

    def job(self, base: str, answer: Answer) -> str:
        """A generation."""
        return f"{base.rstrip('/')}/generations/{_quoted(text_of(answer, 'id'))}"

    def status(self, address: str, answer: Answer) -> Status:
        """`state`; the video is one of the `assets`."""
        reason = str(answer.get("failure_reason") or reason_of(answer))
        return _status(answer.get("state"), _inside(answer, "assets").get("video", ""), reason)


class Fal(Dialect):
    """The queue of fal; https://docs.fal.ai/model-apis/model-endpoints/queue."""

    def order(self, base: str, wishes: Wishes) -> Request:
        """The model is the path."""
        url = f"{base.rstrip('/')}/{_needed(wishes.model).strip('/')}"
        return _json(url, {"prompt": wishes.prompt, **_given(seed=wishes.seed), **wishes.extra})

    def job(self, base: str, answer: Answer) -> str:
        """The service names the address of the state itself."""
        return text_of(answer, "status_url")

    def status(self, address: str, answer: Answer) -> Status:
        """The state, and when it is completed, where the result is; the result has no state."""
        if "status" in answer:
            if str(answer["status"]).lower() == "completed" and not answer.get("error"):
                return Status("moved", text_of(answer, "response_url"))
            state = "failed" if answer.get("error") else answer.get("status")
            return _status(state, "", reason_of(answer))
        video = answer.get("video") or _first(answer.get("videos"))
        url = video.get("url") if isinstance(video, Mapping) else video
        return _status("done" if url else None, url, reason_of(answer))

    def headers(self, key: str) -> dict[str, str]:
        """A key of its own kind."""
        return {"Authorization": f"Key {key}"}


class Replicate(Dialect):
    """Predictions; https://replicate.com/docs/reference/http.

    The model is `owner/name`, or `owner/name:version` for one that is not an official model.
    """

    def order(self, base: str, wishes: Wishes) -> Request:
        """Everything is the model's `input`."""
        model, colon, version = _needed(wishes.model).partition(":")
        given = {"prompt": wishes.prompt, **_given(seed=wishes.seed), **wishes.extra}
        base = base.rstrip("/")
        if colon:
            return _json(f"{base}/predictions", {"version": version, "input": given})
        return _json(f"{base}/models/{model}/predictions", {"input": given})

    def job(self, base: str, answer: Answer) -> str:
        """The service names the address itself."""
        return text_of(_inside(answer, "urls"), "get")

    def status(self, address: str, answer: Answer) -> Status:
        """`status`; the output is an address, or a list of them."""
        return _status(answer.get("status"), _first(answer.get("output")), reason_of(answer))


_IS_VIDEO = "#video"
"""Behind the address of a job that is nothing but its video."""
_BY_MODEL = ("size", "length")
DIALECTS: Mapping[str, Dialect] = {
    "openai": OpenAi(""),  # spoken by many services: a key must not go to another by default
    "json": PlainJson(""),
    "veo": Veo("https://generativelanguage.googleapis.com/v1beta"),
    "kling": Kling("https://api-singapore.klingai.com", takes_seed=False),
    "runway": Runway("https://api.dev.runwayml.com"),
    "luma": Luma("https://api.lumalabs.ai/dream-machine/v1", takes_seed=False),
    "fal": Fal("https://queue.fal.run", fixed=_BY_MODEL),
    "replicate": Replicate("https://api.replicate.com/v1", fixed=_BY_MODEL),
}


def video_of(job: str) -> str:
    """The video that a job's address is itself; empty when it is to be asked."""
    return job.removesuffix(_IS_VIDEO) if job.endswith(_IS_VIDEO) else ""


def text_of(answer: Answer, key: str) -> str:
    """A field that an answer must have.

    Raises:
        GeneratorError: it has not.
    """
    value = answer.get(key)
    if not isinstance(value, str | int) or value == "":
        raise GeneratorError(f"the service's answer has no {key!r}: {reason_of(answer)}")
    return str(value)


def reason_of(answer: Answer) -> str:
    """What an answer says of a failure, or the beginning of it all."""
    error = next((answer[k] for k in ("error", "message", "detail", "logs") if answer.get(k)), None)
    if isinstance(error, Mapping):
        error = error.get("message") or error
    return str(error or json.dumps(answer)[:200])


def _status(state: Any, where: Any, reason: str) -> Status:
    if not isinstance(state, str) or not state:
        # neither a failure, which would be ordered and paid anew, nor something to wait an hour for
        raise GeneratorError(f"the service's answer does not say how the job stands: {reason}")
    name = state.lower()
    if name.startswith(_FAILED):
        return Status("failed", reason=f"{state}: {reason}")
    if name not in _DONE:
        return Status("running")
    found = isinstance(where, str) and where
    return (
        Status("done", str(where))
        if found
        else Status("failed", reason=f"without a video: {reason}")
    )


def _given(**wishes: Any) -> dict[str, Any]:
    return {key: value for key, value in wishes.items() if value not in ("", None)}


def _number(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError:
        raise InputError(f"option length={text}: this service takes whole seconds") from None


def _needed(model: str) -> str:
    if not model:
        raise InputError("option model: this service needs the name of one")
    return model


def _inside(answer: Any, *path: str | int) -> Mapping[str, Any]:
    """What lies deeper in an answer; nothing where it is not there."""
    for step in path:
        if isinstance(step, int):
            answer = answer[step] if isinstance(answer, list) and len(answer) > step else None
        else:
            answer = answer.get(step) if isinstance(answer, Mapping) else None
    return answer if isinstance(answer, Mapping) else {}


def _first(value: Any) -> Any:
    return (value[0] if value else "") if isinstance(value, list) else (value or "")


def _json(url: str, fields: Mapping[str, Any]) -> Request:
    return Request(url, json.dumps(fields).encode())


def _form(fields: Mapping[str, str]) -> tuple[bytes, str]:
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return body, f"multipart/form-data; boundary={boundary}"


def _quoted(text: str) -> str:
    return urllib.parse.quote(text, safe="")


def _token(access: str, secret: str, now: Callable[[], float] = time.time) -> str:
    """A JSON web token, HMAC-SHA256."""
    claims = {"iss": access, "exp": int(now()) + 1800, "nbf": int(now()) - 5}
    parts = [{"alg": "HS256", "typ": "JWT"}, claims]
    signed = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return (
        f"{signed}.{_base64(hmac.new(secret.encode(), signed.encode(), hashlib.sha256).digest())}"
    )


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
