"""What a board fetches, and what it does not: no way leads into its own network."""

from __future__ import annotations

import http.server
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from miraboard.clips.addresses import Gate, folder_of, is_public
from miraboard.clips.download import Download
from miraboard.guard import SubmissionRefused

ORIGINS = (
    "https://clips.example.org",
    "https://*.cdn.example.org",
    "http://plain.example.org:8080",
)
PUBLIC = "93.184.215.14"

REFUSED = [
    "http://clips.example.org/a",
    "ftp://clips.example.org/a",
    "file:///etc/passwd",
    "gopher://clips.example.org/",
    "https://clips.example.org:8443/a",
    "https://localhost/a",
    "https://127.0.0.1/a",
    "https://127.1/a",
    "https://2130706433/a",
    "https://0x7f000001/a",
    "https://0177.0.0.1/a",
    "https://[::1]/a",
    "https://[::ffff:127.0.0.1]/a",
    "https://169.254.169.254/latest/meta-data/",
    "https://0/a",
    "https://10.0.0.1/",
    "https://clips.example.org@127.0.0.1/a",
    "https://127.0.0.1@clips.example.org/a",
    "https://a:b@clips.example.org/",
    "https://clips.example.org\\@127.0.0.1/",
    "https://clips.example.org\\.evil.org/",
    "https://127.0.0.1\\clips.example.org",
    "https://clips.example.org.evil.org/a",
    "https://evilclips.example.org/a",
    "https://cdn.example.org/a",
    "https://evil.org/?https://clips.example.org/",
    "https://evil.org#clips.example.org",
    "//clips.example.org/a",
    "clips.example.org/a",
    "https:clips.example.org/a",
    "https:///clips.example.org/a",
    "https://clips.example.org.",
    "https://clips。example。org/a",
    "https://ｃlips.example.org/a",
    "https://сlips.example.org/a",
    "https://cl%69ps.example.org/a",
    "https://clips.example.org:80:443/a",
    "https://clips.example.org:99999/a",
    "https://clips.example.org:-1/a",
    "https://[/a",
    "https://clips.example.org/\r\nHost: evil",
    "https://clips.example.org/a b",
    "https://clips.example.org/\x00",
    "https://clips.example.org/\tx",
    "javascript:alert(1)",
    "data:video/mp4;base64,AAAA",
    "",
    " ",
    "https://",
    "https://-/a",
    "http://plain.example.org/a",
    "https://plain.example.org:8080/a",
    "https://clips.example.org/" + "a" * 5000,
    "unix:///var/run/docker.sock",
    "https://*.cdn.example.org/a",
    "dict://clips.example.org:11211/",
    "HTTPS//clips.example.org",
]
PRIVATE = [
    "127.0.0.1",
    "127.255.255.254",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "0.0.0.0",
    "255.255.255.255",
    "224.0.0.1",
    "240.0.0.1",
    "192.0.2.1",
    "198.18.0.1",
    "::1",
    "::",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd00:ec2::254",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "::ffff:0:7f00:1",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:a00:1::1",
    "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "::127.0.0.1",
    "::a00:1",
    "64:ff9b:1::7f00:1",
    "2001:db8::1",
    "",
    "example.org",
    "1.2.3",
    "0x7f000001",
    "fec0::1",
]


def gate(*machines: str) -> Gate:
    return Gate(ORIGINS, lambda _host, _port: list(machines or (PUBLIC,)))


@pytest.mark.parametrize("url", REFUSED, ids=range(len(REFUSED)))
def test_an_address_that_is_not_on_the_list_is_refused(url: str) -> None:
    with pytest.raises(SubmissionRefused):
        gate().target(url)


@pytest.mark.parametrize("machine", PRIVATE, ids=range(len(PRIVATE)))
def test_a_name_of_a_private_machine_is_refused(machine: str) -> None:
    for machines in ((machine,), (PUBLIC, machine), (machine, PUBLIC)):
        with pytest.raises(SubmissionRefused, match="public"):
            gate(*machines).target("https://clips.example.org/a")


def test_a_name_without_a_machine_is_refused() -> None:
    with pytest.raises(SubmissionRefused, match="public"):
        Gate(ORIGINS, lambda *_: []).target("https://clips.example.org/a")


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://clips.example.org/a?b=c", "clips.example.org", 443, "/a?b=c"),
        ("https://CLIPS.example.org:443/", "clips.example.org", 443, "/"),
        ("https://eu.cdn.example.org/x", "eu.cdn.example.org", 443, "/x"),
        ("https://a.b.cdn.example.org", "a.b.cdn.example.org", 443, "/"),
        ("http://plain.example.org:8080/x", "plain.example.org", 8080, "/x"),
    ],
)
def test_what_is_on_the_list_passes(url: str, host: str, port: int, path: str) -> None:
    found = gate().target(url)
    assert (found.host, found.port, found.path, found.machine) == (host, port, path, PUBLIC)


@given(st.integers(0, 2**32 - 1))
def test_an_ipv4_address_in_any_dress_is_judged_as_itself(number: int) -> None:
    plain = socket.inet_ntoa(number.to_bytes(4, "big"))
    high, low = number >> 16, number & 0xFFFF
    for dress in (f"::ffff:{plain}", f"64:ff9b::{high:x}:{low:x}", f"2002:{high:x}:{low:x}::"):
        assert not is_public(dress) or is_public(plain)
    assert is_public(f"::ffff:{plain}") == is_public(plain)


@given(st.text(max_size=60))
def test_any_text_is_an_address_or_a_refusal(text: str) -> None:
    try:
        found = gate().target(text)
    except SubmissionRefused:
        return
    assert found.host == "clips.example.org" or found.host.endswith(
        (".cdn.example.org", "plain.example.org")
    )


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        (
            "https://huggingface.co/datasets/me/clips",
            "https://huggingface.co/datasets/me/clips/resolve/main/",
        ),
        (
            "https://huggingface.co/datasets/me/clips/tree/v1/run/a/",
            "https://huggingface.co/datasets/me/clips/resolve/v1/run/a/",
        ),
        ("https://clips.example.org/x/", "https://clips.example.org/x/"),
    ],
)
def test_a_data_set_is_a_folder(url: str, folder: str) -> None:
    assert folder_of(url) == folder


@pytest.mark.parametrize("url", ["https://a/../b", "https://a/x?y", "https://a/x#y", "https://a/" + "x" * 600,
                                 "https://[", "https://a/./b"])  # fmt: skip
def test_a_folder_is_a_plain_one(url: str) -> None:
    with pytest.raises(SubmissionRefused):
        folder_of(url)


class Site(http.server.ThreadingHTTPServer):
    """A stranger's server; what it answers is set by path."""

    daemon_threads = True
    answers: dict[str, Callable[[Any], None]]
    hosts: list[str]

    def handle_error(self, *_: object) -> None:
        """Who was cut off need not be told here."""


class _Handler(http.server.BaseHTTPRequestHandler):
    server: Site

    def do_GET(self) -> None:  # the library's name
        self.server.hosts.append(str(self.headers["Host"]))
        self.server.answers[self.path](self)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def site() -> Iterator[Site]:
    server = Site(("127.0.0.1", 0), _Handler)
    server.answers, server.hosts = {}, []
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()


def body(data: bytes, **headers: str) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(200)
        for name, value in {"Content-Length": str(len(data)), **headers}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def redirect(where: str, status: int = 302) -> Callable[[Any], None]:
    def answer(handler: Any) -> None:
        handler.send_response(status)
        handler.send_header("Location", where)
        handler.end_headers()

    return answer


class Net:
    """A network in which every public address is the site, and all that was asked is kept."""

    def __init__(self, site: Site, names: dict[str, list[str]]) -> None:
        self.site, self.names = site, names
        self.asked: list[str] = []
        self.connected: list[str] = []

    def resolve(self, host: str, _port: int) -> list[str]:
        self.asked.append(host)
        answers = self.names[host]
        return [answers.pop(0) if len(answers) > 1 else answers[0]]

    def connect(self, machine: str, _port: int, seconds: float) -> socket.socket:
        self.connected.append(machine)
        return socket.create_connection(self.site.server_address[:2], timeout=seconds)

    def download(self, **limits: Any) -> Download:
        return Download(
            Gate(("http://clips.example.org", "http://*.cdn.example.org"), self.resolve),
            self.connect,
            **limits,
        )


URL = "http://clips.example.org/a.mp4"


@pytest.fixture
def net(site: Site) -> Net:
    return Net(
        site,
        {
            "clips.example.org": [PUBLIC],
            "eu.cdn.example.org": ["8.8.8.8"],
            "in.cdn.example.org": ["10.0.0.7"],
        },
    )


def test_a_file_is_fetched_over_an_allowed_redirect(net: Net, site: Site, tmp_path: Path) -> None:
    site.answers = {"/a.mp4": redirect("http://eu.cdn.example.org/b"), "/b": body(b"clip")}
    found = net.download()(URL, tmp_path / "clip")
    assert (tmp_path / "clip").read_bytes() == b"clip" and found.size == 4
    assert net.connected == [PUBLIC, "8.8.8.8"]
    assert site.hosts == ["clips.example.org", "eu.cdn.example.org"]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    "where",
    [
        "http://127.0.0.1/x",
        "http://in.cdn.example.org/x",
        "file:///etc/passwd",
        "//169.254.169.254/",
        "https://clips.example.org/",
        "http://clips.example.org:22/",
        "http://clips.example.org@127.0.0.1/",
    ],
)
def test_a_redirect_is_an_address_like_the_first(
    net: Net, site: Site, tmp_path: Path, where: str, status: int
) -> None:
    site.answers = {"/a.mp4": redirect(where, status)}
    with pytest.raises(SubmissionRefused, match="address"):
        net.download()(URL, tmp_path / "clip")
    assert net.connected == [PUBLIC]


def test_a_name_that_answers_otherwise_the_second_time_gains_nothing(
    net: Net, site: Site, tmp_path: Path
) -> None:
    """DNS rebinding: looked up once, and connected to what was looked at."""
    net.names["clips.example.org"] = [PUBLIC, "127.0.0.1"]
    site.answers = {"/a.mp4": body(b"clip")}
    net.download()(URL, tmp_path / "clip")
    assert net.asked == ["clips.example.org"] and net.connected == [PUBLIC]
    with pytest.raises(SubmissionRefused, match="public"):
        net.download()(URL, tmp_path / "clip")
    assert net.connected == [PUBLIC]


def _endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x" * 1000)


def _drip(handler: Any) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)  # the stranger's slowness itself


def _drip_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(100):
        handler.wfile.write(b"x")
        handler.wfile.flush()
        time.sleep(0.05)  # the stranger's slowness itself


HOSTILE: dict[str, Callable[[Any], None]] = {
    "endless": _endless,
    "too long by its own word": body(b"x" * 60_000),
    "cut short": body(b"x" * 10, **{"Content-Length": "100"}),
    "for ever": redirect("/a.mp4"),
    "an error": lambda handler: handler.send_error(404),
    "no http": lambda handler: handler.wfile.write(b"\x00\xff" * 100),
    "a thousand headers": lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n"
    ),
    "a long header": lambda handler: handler.wfile.write(
        b"HTTP/1.1 200 OK\r\nA: " + b"b" * 100_000 + b"\r\n\r\n"
    ),
    "nothing": lambda handler: handler.connection.shutdown(socket.SHUT_RDWR),
    "a drop at a time": _drip,
    "headers by the drop": _drip_headers,
}


@pytest.mark.parametrize("answer", HOSTILE.values(), ids=list(HOSTILE))
def test_a_hostile_server_is_one_sentence_in_limited_time(
    net: Net, site: Site, tmp_path: Path, answer: Callable[[Any], None]
) -> None:
    site.answers = {"/a.mp4": answer}
    started = time.monotonic()
    with pytest.raises(SubmissionRefused) as caught:
        net.download(seconds=0.5, most=50_000)(URL, tmp_path / "clip")
    assert time.monotonic() - started < 3
    assert caught.value.reasons[0].code == "clips"
    assert "\n" not in caught.value.reasons[0].text
