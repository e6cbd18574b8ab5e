"""A chat endpoint on this machine that answers as it is told: well, badly, late, or not at all."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

GOOD_FIELDS = {
    "short_caption": "A red kite climbs over a grey beach in the wind.",
    "dense_caption": (
        "A red kite stands low over wet sand. It climbs in a wide arc to the left while its tail "
        "whips behind it. Waves break in long white lines below. By the end it hangs small against "
        "a pale sky, above a row of dark dunes."
    ),
    "background_caption": "A wide beach of wet sand with long waves, dark dunes and a pale sky.",
    "main_object_caption": "A red diamond kite with a long tail climbs from the right to the left.",
    "style_caption": "Live action in soft daylight with muted colours and little contrast.",
    "camera_caption": "A wide shot from low on the sand; the camera tilts up slowly after the kite.",
}
GOOD = json.dumps(GOOD_FIELDS)


@dataclass(frozen=True)
class Answer:
    """One thing the server does."""

    text: str | None = GOOD
    finish: str = "stop"
    refusal: str | None = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    usage: tuple[int, int] | None = (1000, 200)
    body: str | None = None
    """Instead of everything: these bytes, whatever they are."""
    cost: tuple[int, int] | None = None
    """What the owner of the server charges, said or not; None charges (1000, 200) for status 200."""
    hangs_up: bool = False
    """The connection ends before a byte of the answer."""

    @property
    def charged(self) -> int:
        """Tokens on the bill."""
        return sum(
            self.cost if self.cost is not None else (1000, 200) if self.status == 200 else ()
        )


@dataclass
class Chat:
    """The server's script, and what it was asked."""

    answers: list[Answer] = field(default_factory=list)
    """One a request; the last one goes on for ever."""
    requests: list[dict[str, Any]] = field(default_factory=list)
    url: str = ""
    charged: int = 0
    """Tokens on the bill: what the server worked for, whether or not anybody took the answer."""
    busiest: int = 0
    """Most requests at one time."""
    _now: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def next(self, request: dict[str, Any]) -> Answer:
        with self._lock:
            self.requests.append(request)
            self._now += 1
            self.busiest = max(self.busiest, self._now)
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            self.charged += answer.charged
            return answer

    def done(self) -> None:
        with self._lock:
            self._now -= 1


def _completion(answer: Answer, model: str) -> str:
    usage = answer.usage and {
        "prompt_tokens": answer.usage[0],
        "completion_tokens": answer.usage[1],
        "total_tokens": sum(answer.usage),
    }
    message = {"role": "assistant", "content": answer.text, "refusal": answer.refusal}
    return json.dumps({
        "id": "1", "object": "chat.completion", "created": 0, "model": f"{model}-2026",
        "choices": [{"index": 0, "finish_reason": answer.finish, "message": message}],
        "usage": usage,
    })  # fmt: skip


def _handler(chat: Chat) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            answer = chat.next(request)
            if answer.delay:
                time.sleep(answer.delay)
            body = answer.body
            if body is None:
                error = json.dumps({"error": {"message": "told to", "type": "test"}})
                body = _completion(answer, request["model"]) if answer.status == 200 else error
            chat.done()
            if answer.hangs_up:
                self.close_connection = True
                return
            try:
                self.send_response(answer.status)
                for name, value in answer.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())
            except OSError:
                return  # the client has gone: that is what some tests are about

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@contextmanager
def serving(*answers: Answer) -> Iterator[Chat]:
    """A running server; its `url` is the base address for an OpenAI client."""
    chat = Chat(list(answers) or [Answer()])
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(chat))
    server.daemon_threads = True
    chat.url = f"http://127.0.0.1:{server.server_port}/v1"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield chat
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
