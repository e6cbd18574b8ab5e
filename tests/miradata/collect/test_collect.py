"""Collecting from a real server on this machine: breaks, resumes, wrong files, missing files."""

from __future__ import annotations

import hashlib
import json
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from mirabench.errors import InputError, ManifestError, MissingExtraError
from miradata.collect.addresses import HttpSettings, collect_http
from miradata.collect.manifest import (
    MANIFEST,
    Collected,
    Wanted,
    file_name,
    local_videos,
    read_list,
    site_of,
)
from miradata.collect.sites import SiteSettings, collect_site

BODY = bytes(range(256)) * 512  # half of it is whole chunks
DIGEST = hashlib.sha256(BODY).hexdigest()
QUICK = HttpSettings(rights="rendered here, ours", seconds_between=0.0, timeout=5.0)


@dataclass
class Site:
    """What the server holds, and what it was asked."""

    files: dict[str, bytes] = field(default_factory=lambda: {"/a.mp4": BODY})
    tag: str = '"one"'
    breaks: int = 0
    """How many answers stop half way."""
    statuses: list[int] = field(default_factory=list)
    """Statuses to answer with before serving."""
    ranges: list[str] = field(default_factory=list)
    url: str = ""


def handler(site: Site) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            site.ranges.append(self.headers.get("Range", ""))
            body = site.files.get(self.path)
            if site.statuses or body is None:
                self.send_response(site.statuses.pop(0) if site.statuses else 404)
                self.send_header("Retry-After", "0")
                self.send_header("Content-Length", "0")
                self.end_headers()
                return
            start = 0
            if site.ranges[-1] and self.headers.get("If-Range") == site.tag:
                start = int(site.ranges[-1].removeprefix("bytes=").rstrip("-"))
            self.send_response(206 if start else 200)
            if start:
                self.send_header("Content-Range", f"bytes {start}-{len(body) - 1}/{len(body)}")
            self.send_header("Content-Length", str(len(body) - start))
            self.send_header("ETag", site.tag)
            self.end_headers()
            if site.breaks:
                site.breaks -= 1
                body = body[: start + (len(body) - start) // 2]
                self.close_connection = True
            self.wfile.write(body[start:])

        def log_message(self, *_: object) -> None:
            pass

    return Handler


@pytest.fixture
def site() -> Iterator[Site]:
    found = Site()
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler(found))
    found.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join()


def fetch(
    site: Site, folder: Path, *, sha256: str = "", path: str = "/a.mp4", tries: int = 3
) -> Collected:
    settings = HttpSettings(
        rights=QUICK.rights, seconds_between=0.0, timeout=5.0, tries=tries, largest=200_000
    )
    (found,) = collect_http([Wanted(site.url + path, sha256)], folder, settings)
    return found


def test_a_file_arrives_whole_with_its_sum_and_the_ground(site: Site, tmp_path: Path) -> None:
    found = fetch(site, tmp_path, sha256=DIGEST)
    assert (found.status, found.sha256, found.size) == ("fetched", DIGEST, len(BODY))
    assert (tmp_path / found.path).read_bytes() == BODY
    (line,) = (tmp_path / MANIFEST).read_text().splitlines()
    assert json.loads(line)["rights"] == "rendered here, ours"
    assert json.loads(line)["source"] == "127.0.0.1"


def test_a_broken_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.breaks = 1
    assert fetch(site, tmp_path, sha256=DIGEST).status == "fetched"
    assert site.ranges == ["", f"bytes={len(BODY) // 2}-"]


def test_a_later_run_goes_on_with_the_half_of_an_earlier_one(site: Site, tmp_path: Path) -> None:
    site.breaks = 1
    broken = fetch(site, tmp_path, tries=1)
    assert broken.status == "failed"
    assert not (tmp_path / file_name(site.url + "/a.mp4")).exists(), "half a file has no name"
    assert fetch(site, tmp_path, sha256=DIGEST).status == "fetched"
    assert site.ranges[-1] == f"bytes={len(BODY) // 2}-"


def test_a_file_that_changed_meanwhile_is_fetched_anew(site: Site, tmp_path: Path) -> None:
    site.breaks = 1
    fetch(site, tmp_path, tries=1)
    site.files["/a.mp4"], site.tag = BODY[::-1], '"two"'
    found = fetch(site, tmp_path)
    assert (tmp_path / found.path).read_bytes() == BODY[::-1]


def test_a_wrong_sum_is_refused_and_nothing_kept(site: Site, tmp_path: Path) -> None:
    found = fetch(site, tmp_path, sha256="0" * 64)
    assert found.status == "failed"
    assert "sha256" in found.reason
    assert [p.name for p in tmp_path.iterdir()] == [MANIFEST]


def test_what_is_not_there_fails_at_once_and_the_others_go_on(site: Site, tmp_path: Path) -> None:
    wanted = [Wanted(f"{site.url}/none.mp4"), Wanted(f"{site.url}/a.mp4")]
    first, second = collect_http(wanted, tmp_path, QUICK)
    assert (first.status, first.reason) == ("failed", "HTTP 404 Not Found")
    assert second.status == "fetched"
    assert len(site.ranges) == 2


def test_a_busy_server_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.statuses = [503, 429]
    assert fetch(site, tmp_path).status == "fetched"


def test_tries_end(site: Site, tmp_path: Path) -> None:
    site.statuses = [503] * 3
    assert fetch(site, tmp_path).reason == "HTTP 503 Service Unavailable (3 tries)"


def test_a_file_that_is_here_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    assert fetch(site, tmp_path).status == "present"
    assert len(site.ranges) == 1


def test_a_present_file_of_another_sum_is_fetched_again(site: Site, tmp_path: Path) -> None:
    fetch(site, tmp_path)
    (tmp_path / file_name(site.url + "/a.mp4")).write_bytes(b"short")
    assert fetch(site, tmp_path).status == "fetched"


def test_a_file_beyond_the_limit_is_refused(site: Site, tmp_path: Path) -> None:
    site.files["/a.mp4"] = BODY * 2
    assert "more than the 200000 allowed" in fetch(site, tmp_path).reason


def test_a_server_that_is_gone_is_a_reason(tmp_path: Path) -> None:
    (found,) = collect_http([Wanted("http://127.0.0.1:9/a.mp4")], tmp_path, QUICK)
    assert found.status == "failed"
    assert "3 tries" in found.reason


def test_nothing_is_fetched_before_the_ground_is_stated(site: Site, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="on what ground"):
        list(collect_http([Wanted(site.url)], tmp_path, HttpSettings(rights=" ")))
    assert site.ranges == []


def test_a_list_of_addresses(tmp_path: Path) -> None:
    path = tmp_path / "list.txt"
    path.write_text(f"url,sha256\n# ours\nhttp://h/a.mp4,{DIGEST}\n\nhttps://h/b\nhttps://h/b\n")
    assert read_list(path) == [Wanted("http://h/a.mp4", DIGEST), Wanted("https://h/b")]


@pytest.mark.parametrize("line", ["file:///etc/passwd", "http://h/a.mp4,abc", "a.mp4"])
def test_a_list_with_something_else_is_one_sentence(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.txt").write_text(f"http://h/ok.mp4\n{line}\n")
    with pytest.raises(ManifestError, match=r"list.txt line 2"):
        read_list(tmp_path / "list.txt")


@pytest.mark.parametrize("url", [
    "http://h/../../etc/passwd", "http://h/%2e%2e%2fa.mp4", "http://h/" + "x" * 500 + ".mp4",
    "http://h/a b;rm -rf.MKV", "http://h/",
])  # fmt: skip
def test_no_address_makes_a_harmful_name(url: str) -> None:
    name = file_name(url)
    assert Path(name).name == name
    assert len(name) <= 110
    assert name.isascii() and not set(name) & set(" ;/\\%$")
    assert Path(name).suffix in {".mp4", ".mkv"}


def test_local_videos_are_listed_in_natural_order(tmp_path: Path) -> None:
    for name in ("b10.mp4", "b9.mp4", "sub/a.MOV", "notes.txt", ".hidden.mp4"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.touch()
    assert [p.name for p in local_videos(tmp_path)] == ["b9.mp4", "b10.mp4", "a.MOV"]


def test_a_folder_without_videos_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no video file"):
        local_videos(tmp_path)


class Downloader:
    """Stands where yt-dlp's object stands: writes the file it is told to, or fails."""

    seen: dict[str, Any]

    def __init__(self, options: dict[str, Any]) -> None:
        Downloader.seen = options

    def __enter__(self) -> Downloader:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def download(self, urls: list[str]) -> int:
        if "broken" in urls[0]:
            raise RuntimeError("the page changed")
        Path(self.seen["outtmpl"]["default"]).write_bytes(BODY)
        return 0


@pytest.mark.parametrize(("url", "site"), [
    ("https://www.youtube.com/watch?v=1", "youtube"), ("https://youtu.be/1", "youtube"),
    ("https://videos.pexels.com/a.mp4", "pexels"), ("http://127.0.0.1:80/a.mp4", "127.0.0.1"),
])  # fmt: skip
def test_the_site_of_an_address(url: str, site: str) -> None:
    assert site_of(url) == site


def test_a_site_download_is_slow_small_and_stated(tmp_path: Path) -> None:
    urls = ["https://h/broken", "https://h/watch?v=1"]
    settings = SiteSettings(rights="ours")
    first, second = collect_site(urls, tmp_path, settings, downloader=Downloader)
    assert (first.status, first.reason) == ("failed", "the page changed")
    assert second.sha256 == DIGEST
    assert "height<=720" in Downloader.seen["format"]
    assert Downloader.seen["ratelimit"] == 2e6
    again = list(collect_site(urls[1:], tmp_path, settings, downloader=Downloader))
    assert again[0].status == "present"


def test_site_download_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yt_dlp", None)
    with pytest.raises(MissingExtraError, match=r"\.\[sites\]"):
        list(collect_site(["https://h/a"], tmp_path, SiteSettings(rights="ours")))
