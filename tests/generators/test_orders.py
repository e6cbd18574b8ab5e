"""What is ordered is ordered once: over kills, over downloads that fail, and never beyond what may be spent."""

from __future__ import annotations

import base64
import hmac
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import faults
import numpy as np
import pytest
from fakeservice import BROKEN, BUSY, Service, answer, dropped, running
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from mirabench.cli.main import app
from mirabench.errors import GeneratorError, InputError
from mirabench.generators.dialects import DIALECTS, _token
from mirabench.generators.http import Http
from mirabench.generators.manifest import read_manifest
from mirabench.generators.orders import FILE_NAME, Limits, OrderBook
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video

CAT, DOG = Prompt("cat", "a cat"), Prompt("dog", "a dog")


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> list[bytes]:
    """Two short videos, as bytes."""
    folder = tmp_path_factory.mktemp("clips")
    return [encoded_clip(folder / f"{n}.mp4", n) for n in range(2)]


def encoded_clip(path: Path, shade: int) -> bytes:

    write_video(path, np.full((3, 32, 32, 3), 60 + 90 * shade, np.uint8), fps=8)
    return path.read_bytes()


@pytest.fixture
def service() -> Iterator[Service]:
    with running() as found:
        yield found


def plain(service: Service, **options: object) -> Http:
    kind = Http(
        f"{service.url}/make", dialect="json", pause_seconds=0.01, poll_seconds=0.01, tries=3
    )
    return replace(kind, **options)


def happenings(folder: Path) -> list[str]:
    return [json.loads(line)["happened"] for line in (folder / FILE_NAME).read_text().splitlines()]


# each service's documented answers: the order's, then those at the job's address, in turn
SHAPES = {
    "openai": (
        "/v1/videos",
        {"id": "v1", "status": "queued"},
        "/v1/videos/v1",
        [{"id": "v1", "status": "in_progress", "progress": 3}, {"id": "v1", "status": "completed"}],
        "/v1/videos/v1/content",
    ),
    "veo": (
        "/models/painter:predictLongRunning",
        {"name": "models/painter/operations/o1"},
        "/models/painter/operations/o1",
        [
            {"name": "models/painter/operations/o1"},
            {
                "name": "models/painter/operations/o1",
                "done": True,
                "response": {
                    "generateVideoResponse": {
                        "generatedSamples": [{"video": {"uri": "{url}/a.mp4"}}]
                    }
                },
            },
        ],
        "/a.mp4",
    ),
    "kling": (
        "/v1/videos/text2video",
        {"code": 0, "message": "SUCCEED", "data": {"task_id": "t1", "task_status": "submitted"}},
        "/v1/videos/text2video/t1",
        [
            {"code": 0, "data": {"task_id": "t1", "task_status": "processing"}},
            {
                "code": 0,
                "data": {
                    "task_status": "succeed",
                    "task_result": {"videos": [{"id": "x", "url": "{url}/a.mp4", "duration": "5"}]},
                },
            },
        ],
        "/a.mp4",
    ),
    "runway": (
        "/v1/text_to_video",
        {"id": "r1"},
        "/v1/tasks/r1",
        [
            {"id": "r1", "status": "THROTTLED"},
            {"id": "r1", "status": "RUNNING", "progress": 0.5},
            {"id": "r1", "status": "SUCCEEDED", "output": ["{url}/a.mp4"]},
        ],
        "/a.mp4",
    ),
    "luma": (
        "/generations",
        {"id": "l1", "state": "queued", "failure_reason": None, "assets": None},
        "/generations/l1",
        [
            {"id": "l1", "state": "dreaming", "assets": None},
            {"id": "l1", "state": "completed", "assets": {"video": "{url}/a.mp4"}},
        ],
        "/a.mp4",
    ),
    "fal": (
        "/painter",
        {
            "request_id": "f1",
            "status_url": "{url}/painter/requests/f1/status",
            "response_url": "{url}/painter/requests/f1",
        },
        "/painter/requests/f1/status",
        [
            {"status": "IN_QUEUE", "queue_position": 2},
            {"status": "IN_PROGRESS"},
            {"status": "COMPLETED", "response_url": "{url}/painter/requests/f1"},
        ],
        "/a.mp4",
    ),
    "replicate": (
        "/models/painter/predictions",
        {"id": "p1", "status": "starting", "urls": {"get": "{url}/predictions/p1"}},
        "/predictions/p1",
        [
            {"id": "p1", "status": "processing", "output": None},
            {"id": "p1", "status": "succeeded", "output": "{url}/a.mp4"},
        ],
        "/a.mp4",
    ),
}
FAILURES = {
    "openai": {"id": "v1", "status": "failed", "error": {"message": "against policy"}},
    "veo": {"done": True, "error": {"code": 3, "message": "against policy"}},
    "kling": {"data": {"task_status": "failed", "task_status_msg": "against policy"}},
    "runway": {"status": "FAILED", "failure": "against policy", "failureCode": "SAFETY"},
    "luma": {"state": "failed", "failure_reason": "against policy"},
    "fal": {"status": "COMPLETED", "error": "against policy"},
    "replicate": {"status": "failed", "error": "against policy"},
}
HEADERS = {
    "veo": ("x-goog-api-key", "secret"),
    "fal": ("authorization", "Key secret"),
    "runway": ("x-runway-version", "2024-11-06"),
}


def filled(value: object, service: Service) -> object:
    return json.loads(json.dumps(value).replace("{url}", service.url))


def spoken(dialect: str, service: Service, video: bytes) -> Http:
    """A generator and a service of one dialect that speak to each other."""
    at, taken, job, states, file = SHAPES[dialect]
    service.replies[at] = [answer(filled(taken, service))]
    service.replies[job] = [answer(filled(state, service)) for state in states]
    service.replies[file] = [answer(video)]
    service.replies["/painter/requests/f1"] = [
        answer(filled({"video": {"url": "{url}/a.mp4"}, "seed": 3}, service))
    ]
    return Http(
        service.url, dialect=dialect, model="painter", poll_seconds=0.0, pause_seconds=0.0, tries=2
    )


@pytest.mark.parametrize("dialect", SHAPES)
def test_each_dialect_orders_waits_and_fetches(dialect, service, clips, tmp_path, monkeypatch):
    monkeypatch.setenv("MIRABENCH_API_KEY", "secret")
    generator = spoken(dialect, service, clips[0])
    generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    assert (tmp_path / "a.mp4").read_bytes() == clips[0]
    [(verb, headers, body)] = service.asked(SHAPES[dialect][0])
    assert verb == "POST"
    assert b"a cat" in body
    name, value = HEADERS.get(dialect, ("authorization", "Bearer secret"))
    assert headers[name] == value
    assert len(headers["idempotency-key"]) == 32
    assert (b'"seed"' in body) is DIALECTS[dialect].takes_seed
    assert generator.describe()["send_seed"] == str(DIALECTS[dialect].takes_seed).lower()
    assert happenings(tmp_path) == ["run", "sent", "accepted", "fetched"]


@pytest.mark.parametrize("dialect", SHAPES)
def test_a_job_that_the_service_failed_is_quoted_and_ordered_under_another_key(
    dialect, service, clips, tmp_path
):
    generator = spoken(dialect, service, clips[0])
    at, _, job, states, _ = SHAPES[dialect]
    service.replies[job] = [answer(FAILURES[dialect])]
    with pytest.raises(GeneratorError, match="against policy"):
        generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    service.replies[job] = [answer(filled(state, service)) for state in states]
    generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    keys = [headers["idempotency-key"] for _, headers, _ in service.asked(at)]
    assert len(set(keys)) == 2


@pytest.mark.parametrize("dialect", SHAPES)
def test_a_state_that_nobody_knows_is_waited_for(dialect, service, clips, tmp_path):
    """A service that adds a state must not make us order, and pay, again."""
    generator = spoken(dialect, service, clips[0])
    job, states = SHAPES[dialect][2], SHAPES[dialect][3]
    new = json.loads(
        json.dumps(states[0]).replace("in_progress", "polishing").replace("processing", "polishing")
        .replace("THROTTLED", "POLISHING").replace("dreaming", "polishing")
        .replace("IN_QUEUE", "POLISHING")
    )  # fmt: skip
    service.replies[job] = [answer(filled(state, service)) for state in [new, *states]]
    generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    assert len(service.asked(SHAPES[dialect][0])) == 1


def test_kling_signs_a_token_with_the_secret():
    """RFC 7519: three parts of base64 without padding, the last the HMAC of the first two."""
    head, claims, signature = _token("access", "secret", now=lambda: 1000.0).split(".")

    def decoded(part: str) -> bytes:
        return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))

    assert json.loads(decoded(head)) == {"alg": "HS256", "typ": "JWT"}
    assert json.loads(decoded(claims)) == {"iss": "access", "exp": 2800, "nbf": 995}
    assert decoded(signature) == hmac.digest(b"secret", f"{head}.{claims}".encode(), "sha256")


def test_kling_takes_a_key_without_a_secret_as_it_is():
    assert DIALECTS["kling"].headers("api-key") == {"Authorization": "Bearer api-key"}


@pytest.mark.parametrize(
    "page",
    [
        answer(b"<html>busy</html>", Content_Type="text/html; charset=utf-8"),
        answer(b"\n <!DOCTYPE html>", Content_Type="video/mp4"),
        answer(b"please wait", Content_Type="text/html"),
        answer({"error": "not ready"}),
        answer(b""),
        BUSY,
        BROKEN,
        dropped,
    ],
    ids=["html", "html called mp4", "text called html", "json", "empty", "429", "500", "dropped"],
)
def test_a_finished_job_whose_download_fails_is_fetched_again_and_never_ordered(
    page, service, clips, tmp_path
):
    service.replies["/make"] = [answer({"job": "j"})]
    service.replies["/make/j"] = [answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [page, answer(clips[0])]
    plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    assert (tmp_path / "a.mp4").read_bytes() == clips[0]
    service.replies["/a.mp4"] = [page]
    with pytest.raises(GeneratorError):
        plain(service).order(DOG, seed=0, output=tmp_path / "b.mp4", folder=tmp_path)
    service.replies["/a.mp4"] = [answer(clips[1])]
    plain(service).order(DOG, seed=0, output=tmp_path / "b.mp4", folder=tmp_path)
    assert (tmp_path / "b.mp4").read_bytes() == clips[1]
    assert len(service.asked("/make")) == 2, "one order for each clip"


@pytest.mark.parametrize("place", ["/make/j", "/a.mp4"])
def test_what_the_service_no_longer_knows_is_ordered_anew_by_the_next_run(
    place, service, clips, tmp_path
):
    service.replies |= {
        "/make": [answer({"job": "j"})],
        "/make/j": [answer({"url": "/a.mp4"})],
        "/a.mp4": [answer(clips[0])],
    }
    good = service.replies[place]
    service.replies[place] = [answer({"detail": "gone"}, 410)]
    with pytest.raises(GeneratorError, match="HTTP 410"):
        plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    service.replies[place] = good
    plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    assert happenings(tmp_path) == [
        "run", "sent", "accepted", "expired", "sent", "accepted", "fetched",
    ]  # fmt: skip


def test_a_link_without_a_job_that_has_run_out_is_ordered_anew(service, clips, tmp_path):
    elsewhere = service.url.replace("127.0.0.1", "localhost")
    service.replies["/make"] = [answer({"url": f"{elsewhere}/a.mp4"})]
    service.replies["/a.mp4"] = [answer({}, 403)]
    for orders in (1, 2):
        with pytest.raises(GeneratorError, match="HTTP 403"):
            plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
        assert len(service.asked("/make")) == orders


@pytest.mark.parametrize("dialect", sorted(SHAPES.keys() - {"veo"}))  # its operations have no state
@pytest.mark.parametrize("said", [{"code": 1203, "message": "try later"}, {"error": "try later"}])
def test_an_answer_without_a_state_ends_the_try_and_keeps_the_job(
    dialect, said, service, clips, tmp_path
):
    generator = spoken(dialect, service, clips[0])
    at, _, job, states, _ = SHAPES[dialect]
    service.replies[job] = [answer(said)]
    with pytest.raises(GeneratorError, match="try later"):
        generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    service.replies[job] = [answer(filled(state, service)) for state in states]
    generator.order(CAT, seed=5, output=tmp_path / "a.mp4", folder=tmp_path)
    assert len(service.asked(at)) == 1


@pytest.mark.parametrize("dialect", ["openai", "json"])
def test_a_key_does_not_go_to_a_service_that_nobody_named(dialect):
    with pytest.raises(InputError, match="name yours with --option url"):
        Http(dialect=dialect)


def test_a_job_that_is_not_known_everywhere_yet_is_asked_for_again(service, clips, tmp_path):
    service.replies["/make"] = [answer({"job": "j"})]
    service.replies["/make/j"] = [answer({}, 404), answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [answer(clips[0])]
    plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    assert len(service.asked("/make")) == 1


def test_a_link_elsewhere_that_has_run_out_does_not_end_the_run(service, clips, tmp_path):
    elsewhere = service.url.replace("127.0.0.1", "localhost")
    service.replies["/make"] = [answer({"job": "j"})]
    service.replies["/make/j"] = [answer({"url": f"{elsewhere}/a.mp4"})]
    service.replies["/a.mp4"] = [answer({}, 403)]
    with pytest.raises(GeneratorError, match="HTTP 403"):
        plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    service.replies["/a.mp4"] = [answer(clips[0])]
    plain(service).order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
    assert len(service.asked("/make")) == 1


def test_other_settings_prompts_seeds_and_runs_are_other_orders(service, clips, tmp_path):
    service.replies["/make"] = [answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [answer(clips[0])]
    for generator, prompt, seed, folder in [
        (plain(service), CAT, 0, "one"),
        (plain(service), CAT, 1, "one"),
        (plain(service), DOG, 0, "one"),
        (plain(service), Prompt("cat-2", "a cat"), 0, "one"),
        (plain(service, model="other"), CAT, 0, "one"),
        (plain(service, extra='{"style": "oil"}'), CAT, 0, "one"),
        (plain(service), CAT, 0, "two"),
    ]:
        generator.order(prompt, seed=seed, output=tmp_path / "a.mp4", folder=tmp_path / folder)
    keys = {headers["idempotency-key"] for _, headers, _ in service.asked("/make")}
    assert len(keys) == 7
    plain(service, price=3.0, tries=9).order(
        CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path / "one"
    )
    assert len(service.asked("/make")) == 7, "price and patience are no other order"


class TestCost:
    def make(self, service, tmp_path, prompts, **options):
        return generate_all(plain(service, **options), prompts, tmp_path / "run")

    def test_no_more_is_ordered_than_may_be_spent_and_what_is_ordered_is_fetched(
        self, service, clips, tmp_path
    ):
        service.replies["/make"] = [answer({"url": "/a.mp4"}), answer({"url": "/b.mp4"})]
        service.replies["/a.mp4"] = [answer(clips[0])]
        service.replies["/b.mp4"] = [answer(clips[1])]
        prompts = [Prompt(name, name) for name in ("one", "two", "three", "four")]
        made = self.make(service, tmp_path, prompts, price=0.4, max_cost=0.8)
        assert [entry.status for entry in made.entries] == ["done", "done", "failed", "failed"]
        assert "0.8 of the 0.8 allowed by max_cost are spent" in made.failed[0].why
        assert len(service.asked("/make")) == 2
        again = self.make(service, tmp_path, prompts, price=0.4, max_cost=0.8)
        assert again.reused == 2
        assert len(service.asked("/make")) == 2

    @pytest.mark.parametrize(
        ("trouble", "paid"),
        [
            (BUSY, 1),
            (answer({"error": "no"}, 400), 1),
            (BROKEN, 2),
            (dropped, 2),
            (answer(b"<html>"), 2),
        ],
        ids=["429", "400", "500", "dropped", "html"],
    )
    def test_an_order_counts_as_paid_unless_it_was_surely_not_taken(
        self, trouble, paid, service, clips, tmp_path
    ):
        service.replies["/make"] = [trouble, answer({"url": "/a.mp4"})]
        service.replies["/a.mp4"] = [answer(clips[0])]
        generator = plain(service, price=1.0)
        for _ in range(2):
            try:
                generator.order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
                break
            except GeneratorError:
                continue
        assert generator.orders(tmp_path).spent() == paid

    def test_nobody_listening_costs_nothing(self, tmp_path):
        generator = Http("http://127.0.0.1:9", tries=2, pause_seconds=0.0, price=1.0, max_cost=1.0)
        for _ in range(2):
            with pytest.raises(GeneratorError, match="refused"):
                generator.order(CAT, seed=0, output=tmp_path / "a.mp4", folder=tmp_path)
        assert generator.orders(tmp_path).spent() == 0.0

    def test_a_limit_needs_a_price(self):
        with pytest.raises(InputError, match="--option price"):
            Http("http://host", max_cost=3.0)

    @given(
        st.lists(st.sampled_from(["accepted", "refused", "lost", "failed", "killed"]), max_size=12)
    )
    def test_never_spends_more_than_allowed(self, ends):
        book = OrderBook(None, Limits(price=1.0, max_cost=4.0))
        charged = 0
        for number, end in enumerate(ends):
            try:
                book.send(str(number), "clip")
            except GeneratorError:
                assert charged == 4
                continue
            charged += end != "refused"
            if end != "killed":
                book.note(end, str(number))
        assert book.spent() == charged <= 4


def test_orders_keep_their_distance(tmp_path, monkeypatch):
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    book = OrderBook(tmp_path, Limits(per_minute=30.0))
    for name in "abc":
        book.send(name, name)
    assert slept == [pytest.approx(2.0, abs=0.2), pytest.approx(4.0, abs=0.2)]


def test_a_torn_line_is_one_thing_that_did_not_happen(tmp_path):
    book = OrderBook(tmp_path)
    key = book.send("a", "a")
    with (tmp_path / FILE_NAME).open("a") as file:
        file.write('{"at": "2026-01-01T00:00:00+00:00", "happened": "acc')
    assert book.job("a") == ""
    assert book.send("a", "a") == key, "the same order"
    book.note("accepted", "a", job="http://host/j")
    assert book.job("a") == "http://host/j"


def test_starting_over_orders_anew(service, clips, tmp_path):
    service.replies["/make"] = [answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [answer(clips[0])]
    for resume in (True, True, False):
        generate_all(plain(service), [CAT], tmp_path / "run", resume=resume)
    keys = [headers["idempotency-key"] for _, headers, _ in service.asked("/make")]
    assert len(set(keys)) == len(keys) == 2


def test_a_file_that_is_gone_is_fetched_from_its_job_again(service, clips, tmp_path):
    service.replies["/make"] = [answer({"job": "j"})]
    service.replies["/make/j"] = [answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [answer(clips[0])]
    generate_all(plain(service), [CAT], tmp_path / "run")
    next((tmp_path / "run" / "videos").iterdir()).unlink()
    made = generate_all(plain(service), [CAT], tmp_path / "run")
    assert not made.failed
    assert len(service.asked("/make")) == 1


SCRIPT = """
import sys
from pathlib import Path
from mirabench.generators.http import Http
from mirabench.generators.run import generate_all
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video

if __name__ == "__main__":
    generator = Http(sys.argv[2], dialect="json", pause_seconds=0.01, poll_seconds=0.02, price=1.0)
    wanted = [Prompt(f"p{n}", f"prompt {n}") for n in range(4)]
    generate_all(generator, wanted, Path(sys.argv[1]), jobs=2)
"""


class Shop:
    """A service that takes orders, bills each key once, and needs some polls to finish a job."""

    def __init__(self, service: Service, clips: list[bytes]) -> None:
        self.jobs: dict[str, str] = {}
        self.bills: list[str] = []
        self.polls: dict[str, int] = {}
        self.service, self.clips = service, clips
        service.replies = _Answers(self)  # type: ignore[assignment]

    def reply(self, handler):
        path = handler.path
        if path == "/make":
            key = handler.headers["Idempotency-Key"]
            body = self.service.seen[-1][3]
            if key not in self.jobs:
                self.jobs[key] = f"{len(self.jobs)}"
                self.bills.append(json.loads(body)["prompt"])
            time.sleep(0.05)
            answer({"job": self.jobs[key]})(handler)
        elif path.startswith("/make/"):
            polls = self.polls[path] = self.polls.get(path, 0) + 1
            number = path.rpartition("/")[2]
            found = {"url": f"/v{number}"} if polls % 4 == 0 else {"status": "running"}
            answer(found)(handler)
        else:
            # distinct files: the run refuses a service that ignores its prompt
            answer(self.clips[0] + b"\0" * (8 + int(path[2:])))(handler)


class _Answers(dict):
    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self.shop = shop

    def get(self, path, default=None):
        return [self.shop.reply]


@pytest.mark.parametrize("kills", [2, faults.whole(30)])
def test_killed_at_any_moment_no_clip_is_billed_twice(kills, service, clips, tmp_path):
    shop = Shop(service, clips)
    script, folder = tmp_path / "script.py", tmp_path / "run"
    script.write_text(SCRIPT)
    rng = random.Random(5)
    for _ in range(kills):
        seen = len(service.seen)
        child = subprocess.Popen(
            [sys.executable, script, folder, f"{service.url}/make"], stderr=subprocess.DEVNULL
        )
        while child.poll() is None and len(service.seen) == seen:
            time.sleep(0.002)
        time.sleep(rng.uniform(0.0, 0.2))
        child.send_signal(signal.SIGKILL)
        child.wait()
    generator = Http(f"{service.url}/make", dialect="json", poll_seconds=0.01, price=1.0)
    wanted = [Prompt(f"p{n}", f"prompt {n}") for n in range(4)]
    made = generate_all(generator, wanted, folder)
    assert not made.failed
    assert sorted(shop.bills) == [prompt.text for prompt in wanted]
    assert len(read_manifest(folder / "manifest.csv")) == 4


def test_a_dry_run_says_the_price_and_writes_nothing(service, clips, tmp_path):
    output = tmp_path / "run"
    prompts = tmp_path / "prompts.csv"
    prompts.write_text("id,prompt\none,one\ntwo,two\nthree,three\n")
    service.replies["/make"] = [answer({"url": "/a.mp4"})]
    service.replies["/a.mp4"] = [answer(clips[0])]
    command = ["generate", "-g", "http", "--prompts", str(prompts), "-o", str(output)]
    for option in (f"url={service.url}/make", "dialect=json", "price=0.5"):
        command += ["--option", option]
    told = CliRunner().invoke(app, [*command, "--dry-run"])
    assert told.exit_code == 0, told.output
    assert "3 clips: 0 are there, 0 ordered" in told.output
    assert "to pay: 1.5 at 0.5 a clip; 0 spent so far" in told.output
    assert not output.exists()
    assert not service.seen
    book = OrderBook(output)
    book.send("an order", "unwanted/seed-0")
    book.note("accepted", "an order", job="http://host/j")
    CliRunner().invoke(app, [*command, "--limit", "1"])
    told = CliRunner().invoke(app, [*command, "--dry-run"])
    assert "3 clips: 1 are there, 0 ordered" in told.output
    assert "to pay: 1 at 0.5 a clip; 0.5 spent so far" in told.output
