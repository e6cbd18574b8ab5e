"""Signing in with Hugging Face, against a provider of our own on this machine: OAuth as a Space does it."""

from __future__ import annotations

import http.server
import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import RSAKey

from miraboard.app import on_a_space
from miraboard.settings import Settings
from miraboard.store import Store

SECRET = "a-secret-of-the-tests"


class Provider(http.server.ThreadingHTTPServer):
    """A sign-in that lets everybody in as whoever the test says."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        self.key = RSAKey.generate_key(2048, {"kid": "one", "use": "sig", "alg": "RS256"})
        self.user, self.nonce, self.secrets = "alice", "", list[str]()

    def token(self) -> dict[str, Any]:
        moment = int(time.time())
        claims = {
            "iss": self.url, "sub": "1", "aud": "board", "iat": moment, "exp": moment + 600,
            "nonce": self.nonce,
            "name": self.user, "preferred_username": self.user, "profile": "https://huggingface.co/alice",
            "picture": "https://huggingface.co/alice.png",
        }  # fmt: skip
        signed = jwt.encode({"alg": "RS256", "kid": "one"}, claims, self.key)
        return {"access_token": "x", "token_type": "bearer", "expires_in": 600, "id_token": signed}


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Provider

    def do_GET(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        asked = dict(urllib.parse.parse_qsl(parts.query))
        if parts.path == "/authorize":
            self.server.nonce = asked.get("nonce", "")
            query = urllib.parse.urlencode({"code": "a-code", "state": asked["state"]})
            mark = "&" if "?" in asked["redirect_uri"] else "?"
            self.send_response(302)
            self.send_header("Location", f"{asked['redirect_uri']}{mark}{query}")
            self.end_headers()
            return
        url = self.server.url
        pages = {
            "/.well-known/openid-configuration": {
                "issuer": url, "authorization_endpoint": f"{url}/authorize", "token_endpoint": f"{url}/token",
                "jwks_uri": f"{url}/keys", "id_token_signing_alg_values_supported": ["RS256"],
            },
            "/keys": {"keys": [self.server.key.as_dict(private=False)]},
        }  # fmt: skip
        self._answer(pages[parts.path])

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.server.secrets.append(str(self.headers["Authorization"]))
        self._answer(self.server.token())

    def _answer(self, found: Any) -> None:
        data = json.dumps(found).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: object) -> None:
        """Nothing to say."""


class Visitor:
    """A browser of the barest kind: cookies and no redirects of its own."""

    def __init__(self, board: str) -> None:
        self.board, self.cookies = board, dict[str, str]()

    def open(self, url: str, data: bytes | None = None) -> tuple[int, str, bytes]:
        """Status, where it leads to, and the body."""
        cookies = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        request = urllib.request.Request(
            url, data, {"Cookie": cookies, "Content-Type": "application/json"}
        )
        try:
            answer = urllib.request.build_opener(_Stay).open(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        for line in answer.headers.get_all("Set-Cookie") or []:
            if url.startswith(self.board):
                name, _, value = line.partition(";")[0].partition("=")
                self.cookies[name] = value
        return answer.status, str(answer.headers.get("Location", "")), answer.read()

    def follow(self, url: str) -> list[str]:
        """Every address on the way, to the last one."""
        way = [url]
        for _ in range(8):
            status, where, _ = self.open(way[-1])
            if status not in (301, 302, 303, 307):
                return way
            way.append(urllib.parse.urljoin(way[-1], where))
        raise AssertionError(way)

    def submit(self, file: dict[str, Any], name: str) -> dict[str, Any]:
        card = [name, "1.0", "smoke", "MIT", "a@b.org", ""]
        body = json.dumps({"data": [file, *card, None, "", ""]}).encode()
        called = (
            f"{self.board}/gradio_api/call/submit"  # a Space takes its callbacks through the queue
        )
        _, _, event = self.open(called, body)
        _, _, found = self.open(f"{called}/{json.loads(event)['event_id']}")
        data = found.decode().partition("event: complete\ndata: ")[2].partition("\n")[0]
        answer: dict[str, Any] = json.loads(data)[1]
        return answer

    def upload(self, data: bytes) -> dict[str, Any]:
        mark = (
            b'--x\r\nContent-Disposition: form-data; name="files"; filename="report.json"\r\n\r\n'
        )
        request = urllib.request.Request(
            f"{self.board}/gradio_api/upload", mark + data + b"\r\n--x--\r\n",
            {"Content-Type": "multipart/form-data; boundary=x"},
        )  # fmt: skip
        with urllib.request.urlopen(request, timeout=60) as answer:
            (path,) = json.loads(answer.read())
        return {"path": path, "meta": {"_type": "gradio.FileData"}}


class _Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        """Redirects are looked at."""


@pytest.fixture(scope="module")
def provider() -> Iterator[Provider]:
    found = Provider()
    threading.Thread(target=found.serve_forever, args=(0.01,), daemon=True).start()
    yield found
    found.shutdown()
    found.server_close()


@pytest.fixture(scope="module")
def space(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[str, str]]:
    """A board as a Space runs it: its address, and its database."""
    folder = tmp_path_factory.mktemp("space")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    database = f"sqlite:///{folder / 'board.db'}"
    environment = {
        **os.environ, "SYSTEM": "spaces", "SPACE_ID": "us/board", "OAUTH_CLIENT_ID": "board",
        "OAUTH_CLIENT_SECRET": SECRET, "OAUTH_SCOPES": "openid profile", "OPENID_PROVIDER_URL": provider.url,
        "MIRABOARD_DATABASE": database, "MIRABOARD_CLIPS": str(folder / "clips"),
        "GRADIO_TEMP_DIR": str(folder / "uploads"), "HF_HUB_OFFLINE": "1",
    }  # fmt: skip
    command = [sys.executable, "-m", "mirabench", "leaderboard", "serve", "--port", str(port)]
    log = (folder / "log").open("ab")
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    url = f"http://127.0.0.1:{port}"
    for _ in range(900):
        try:
            urllib.request.urlopen(f"{url}/config", timeout=5).read()
            break
        except OSError:
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            time.sleep(0.1)  # waits for the process, at most
    yield url, database
    process.terminate()
    process.wait(20)
    log.close()


def test_the_platforms_user_owns_what_they_submit(
    space: tuple[str, str], provider: Provider
) -> None:
    url, database = space
    visitor = Visitor(url)
    nobody = visitor.submit(visitor.upload(b"{}"), "A generator")
    assert [r["code"] for r in nobody["reasons"]] == ["account"]
    way = visitor.follow(f"{url}/login/huggingface")
    assert way[1].startswith(f"{provider.url}/authorize") and way[2].startswith(
        f"{url}/login/callback"
    )
    assert way[-1].startswith(f"{url}/")
    assert provider.secrets and "session" in visitor.cookies
    known = visitor.submit(visitor.upload(b"{}"), "A generator")
    assert [r["code"] for r in known["reasons"]] == [
        "schema-version"
    ]  # signed in: the report itself is looked at
    store = Store(database)
    assert store.recent("", ("refused",), 600, account="hf/alice") == 1
    store.close()


def test_a_forged_session_is_nobody(space: tuple[str, str]) -> None:
    """Gradio signs its cookies with the platform's secret; without it none is taken."""
    import base64
    import hashlib

    from itsdangerous import TimestampSigner

    url, _ = space
    info = {
        "oauth_info": {
            "userinfo": {"preferred_username": "alice", "name": "a", "profile": "", "picture": ""}
        }
    }
    body = base64.b64encode(json.dumps(info).encode())
    for secret in ("", "-v4", "None-v4", "board-v4"):
        key = hashlib.sha256(secret.encode()).hexdigest()
        visitor = Visitor(url)
        visitor.cookies["session"] = TimestampSigner(key).sign(body).decode()
        answer = visitor.submit(visitor.upload(b"{}"), "A generator")
        assert [r["code"] for r in answer["reasons"]] == ["account"]


def test_a_callback_that_nobody_asked_for_signs_nobody_in(space: tuple[str, str]) -> None:
    url, _ = space
    visitor = Visitor(url)
    visitor.open(f"{url}/login/callback?code=a-code&state=mine")
    answer = visitor.submit(visitor.upload(b"{}"), "A generator")
    assert [r["code"] for r in answer["reasons"]] == ["account"]


@pytest.mark.parametrize(
    "missing", ["SYSTEM", "SPACE_ID", "OAUTH_CLIENT_ID", "OAUTH_CLIENT_SECRET"]
)
def test_elsewhere_there_is_no_platform_to_sign_in_with(missing: str) -> None:
    whole = {
        "SYSTEM": "spaces",
        "SPACE_ID": "us/board",
        "OAUTH_CLIENT_ID": "x",
        "OAUTH_CLIENT_SECRET": "y",
    }
    assert on_a_space(whole)
    assert not on_a_space({**whole, missing: ""})


def test_settings_do_not_hold_the_platforms_secret() -> None:
    assert "OAUTH" not in json.dumps({k: str(getattr(Settings(), k)) for k in Settings.__slots__})
