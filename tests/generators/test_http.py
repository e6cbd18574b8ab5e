"""A video service over a real socket: two dialects, and everything that a network does to them."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from dataclasses import replace
from email.utils import formatdate
from pathlib import Path

import pytest
from fakeservice import BROKEN, BUSY, VIDEO, Service, answer, dropped, running, truncated

from mirabench.errors import GeneratorError, InputError
from mirabench.generators.http import Http, _retry_after
from mirabench.inputs.prompts import Prompt

PROMPT = Prompt("cat", 'A "cat" & a dog\nin the rain: 雨')


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as found:
        yield found


@pytest.fixture
def pauses(monkeypatch) -> list[float]:
    """What would have been slept."""
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    return slept


def openai(service: Service, **options: object) -> Http:
    """The generator, and the service's happy path where a test has not set another."""
    for path, replies in {
        "/v1/videos": [answer({"id": "video_1", "status": "queued"})],
        "/v1/videos/video_1": [answer({"id": "video_1", "status": "completed"})],
        "/v1/videos/video_1/content": [answer(VIDEO)],
    }.items():
        service.replies.setdefault(path, replies)
    return replace(Http(service.url, model="painter", pause_seconds=0.01), **options)


def made(generator: Http, folder: Path, seed: int = 5) -> bytes:
    generator.generate(PROMPT, seed=seed, output=folder / "a.mp4")
    return (folder / "a.mp4").read_bytes()


class TestOpenAi:
    def test_submit_poll_download(self, service, tmp_path, pauses):
        service.replies["/v1/videos/video_1"] = [
            answer({"id": "video_1", "status": "in_progress", "progress": 40}),
            answer({"id": "video_1", "status": "completed"}),
        ]
        assert made(openai(service, size="64x32", length="4"), tmp_path) == VIDEO
        assert pauses == [5.0]
        ((verb, headers, body),) = service.asked("/v1/videos")
        assert verb == "POST"
        assert headers["content-type"].startswith("multipart/form-data; boundary=")
        form = re.findall(r'name="(\w+)"\r\n\r\n(.*?)\r\n--', body.decode(), re.DOTALL)
        assert dict(form) == {
            "prompt": PROMPT.text, "model": "painter", "size": "64x32", "seconds": "4", "seed": "5",
        }  # fmt: skip

    def test_the_address_may_end_in_v1_already(self, service, tmp_path, pauses):
        generator = openai(service)
        assert made(replace(generator, url=f"{service.url}/v1/"), tmp_path) == VIDEO

    def test_a_seed_that_the_service_would_refuse_is_not_sent(self, service, tmp_path, pauses):
        made(openai(service, send_seed=False), tmp_path)
        assert b'"seed"' not in service.asked("/v1/videos")[0][2]

    def test_a_failed_job_is_quoted(self, service, tmp_path, pauses):
        service.replies["/v1/videos/video_1"] = [
            answer({"id": "video_1", "status": "failed", "error": {"message": "against policy"}})
        ]
        with pytest.raises(GeneratorError, match="the service says failed: against policy"):
            made(openai(service), tmp_path)

    def test_a_refused_request_is_quoted_and_not_repeated(self, service, tmp_path, pauses):
        service.replies["/v1/videos"] = [answer({"error": {"message": "prompt too long"}}, 400)]
        with pytest.raises(GeneratorError, match="HTTP 400 Bad Request: prompt too long"):
            made(openai(service), tmp_path)
        assert len(service.asked("/v1/videos")) == 1

    def test_a_missing_key_ends_the_run_and_says_where_it_belongs(self, service, tmp_path, pauses):
        service.replies["/v1/videos"] = [answer({"error": {"message": "who are you?"}}, 401)]
        with pytest.raises(InputError, match="environment variable MIRABENCH_API_KEY"):
            made(openai(service), tmp_path)


TROUBLES = {"429": BUSY, "500": BROKEN, "dropped": dropped}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES)
@pytest.mark.parametrize("path", ["/v1/videos", "/v1/videos/video_1", "/v1/videos/video_1/content"])
def test_trouble_at_any_step_is_survived(path, trouble, service, tmp_path, pauses):
    generator = openai(service)
    service.replies[path] = [trouble, trouble, *service.replies[path]]
    assert made(generator, tmp_path) == VIDEO
    keys = {headers["idempotency-key"] for _, headers, _ in service.asked("/v1/videos")}
    assert len(keys) == 1, "a repeated order must be recognisable as the same one"


def test_a_truncated_download_is_fetched_again(service, tmp_path, pauses):
    service.replies["/v1/videos/video_1/content"] = [truncated, truncated, answer(VIDEO)]
    assert made(openai(service), tmp_path) == VIDEO


def test_a_download_that_always_ends_early_is_a_failure(service, tmp_path, pauses):
    service.replies["/v1/videos/video_1/content"] = [truncated]
    with pytest.raises(GeneratorError, match=r"ended after 5120 of 10240 bytes \(3 tries\)"):
        made(openai(service, tries=3), tmp_path)
    assert len(service.asked("/v1/videos/video_1/content")) == 3


def test_pauses_double_unless_the_server_says_how_long(service, tmp_path, pauses):
    busy = answer({}, 429, Retry_After="7")
    generator = openai(service, pause_seconds=1.0, poll_seconds=0.5)
    service.replies["/v1/videos"] = [BROKEN, BROKEN, busy, BROKEN, *service.replies["/v1/videos"]]
    made(generator, tmp_path)
    assert pauses == [1.0, 2.0, 7.0, 8.0]


def test_nobody_listening_is_said(tmp_path, pauses):
    with pytest.raises(GeneratorError, match=r"refused.*\(2 tries\)"):
        made(Http("http://127.0.0.1:9", tries=2), tmp_path)


class TestJson:
    def generator(self, service: Service) -> Http:
        return Http(f"{service.url}/make", dialect="json", pause_seconds=0.01)

    def test_an_answer_with_the_address(self, service, tmp_path, pauses):
        service.replies["/make"] = [answer({"url": "/files/a.mp4"})]
        service.replies["/files/a.mp4"] = [answer(VIDEO)]
        assert made(self.generator(service), tmp_path) == VIDEO
        assert json.loads(service.asked("/make")[0][2]) == {"prompt": PROMPT.text, "seed": 5}

    def test_an_answer_with_a_job(self, service, tmp_path, pauses):
        service.replies["/make"] = [answer({"job": "j7"})]
        service.replies["/make/j7"] = [
            answer({"status": "running"}),
            answer({"status": "done", "url": f"{service.url}/a.mp4"}),
        ]
        service.replies["/a.mp4"] = [answer(VIDEO)]
        assert made(self.generator(service), tmp_path) == VIDEO

    @pytest.mark.parametrize(
        ("reply", "says"),
        [
            (answer({"error": "queue is full"}), "no 'job': queue is full"),
            (answer(b"<html>"), "answers with no JSON"),
            (answer({"url": "file:///etc/hostname"}), "only http and https are followed"),
        ],
        ids=["error", "web page", "local file"],
    )
    def test_an_answer_that_is_no_use_is_quoted(self, reply, says, service, tmp_path, pauses):
        service.replies["/make"] = [reply]
        with pytest.raises(GeneratorError, match=says):
            made(self.generator(service), tmp_path)


class TestKey:
    def test_the_key_goes_to_the_service_and_nowhere_else(
        self, service, tmp_path, pauses, monkeypatch
    ):
        monkeypatch.setenv("MY_KEY", "secret")
        elsewhere = service.url.replace("127.0.0.1", "localhost")
        service.replies["/make"] = [answer({"url": "/redirect"})]
        service.replies["/redirect"] = [answer({}, 302, Location=f"{elsewhere}/a.mp4")]
        service.replies["/a.mp4"] = [answer(VIDEO)]
        generator = Http(f"{service.url}/make", dialect="json", key_variable="MY_KEY")
        assert made(generator, tmp_path) == VIDEO
        assert service.asked("/make")[0][1]["authorization"] == "Bearer secret"
        assert "authorization" not in service.asked("/a.mp4")[0][1]
        assert "secret" not in str(generator.describe())

    def test_a_password_in_the_address_stays_out_of_the_manifest(self):
        assert "pw" not in str(Http("https://me:pw@host/v1?token=pw").describe())


def test_an_address_that_is_none_is_refused():
    with pytest.raises(InputError, match="starts with http"):
        Http("ftp://host")


def test_retry_after_is_seconds_or_a_date():
    assert _retry_after("12") == 12.0
    assert _retry_after(formatdate(time.time() + 100, usegmt=True)) == pytest.approx(100, abs=3)
    assert _retry_after(formatdate(0, usegmt=True)) == 0.0
    assert _retry_after("soon") is None
    assert _retry_after(None) is None
