"""Watching side by side: what the page shows, that no byte of it is a stranger's, and films in step."""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import browser
import clipkit
import numpy as np
import pytest
import uvicorn
from board_clips import score_here
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.testclient import TestClient

from mirabench.metrics.api import Curve
from mirabench.report.model import VideoRecord
from mirabench.video.decode import open_video
from mirabench.video.encode import write_video
from miraboard import accounts, demo, seen, watch
from miraboard.api import build_api
from miraboard.app import launch
from miraboard.board import Board
from miraboard.clips.apart import FilmFacts, Seen
from miraboard.clips.confine import Limits
from miraboard.clips.curves import thinned
from miraboard.clips.web_video import draw
from miraboard.settings import Settings
from miraboard.tracks import load_tracks

PROMPT = "p3"
RATES = (24, 16, 30)
LOW, HIGH = 20, 230
"""Shades of a test film's first and (not quite) last moment: a picture says when it is."""
SHADES = """() => [...document.querySelectorAll('canvas')].map(
    (c) => c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data[1])"""


@dataclass(frozen=True)
class Watched:
    """A board with films of three generators on one prompt."""

    board: Board
    ids: tuple[str, ...]

    @property
    def app(self) -> Starlette:
        routes = [
            Mount("/api", app=build_api(self.board)),
            Mount("/watch", app=watch.build_watch(self.board)),
        ]
        return Starlette(routes=routes)


def film(folder: Path, seed: int, fps: int, seconds: float = 2.0) -> Seen:
    at = np.arange(round(fps * seconds)) / fps
    shades = (LOW + at * (HIGH - LOW) / seconds).round().astype(np.uint8)
    frames = np.ascontiguousarray(
        np.broadcast_to(shades[:, None, None, None], (len(at), 108, 192, 3))
    )
    clip = write_video(folder / f"clip-{seed}.mp4", frames, fps=fps)
    facts = draw(clip, folder / f"film-{seed}.mp4", folder / f"poster-{seed}.jpg")
    curves = {
        name: thinned(Curve(at, 0.1 * seed + at * (1 + k)))
        for k, name in enumerate(("sharpness", "noise"))
    }
    return Seen(
        VideoRecord(id=f"{PROMPT}-{seed}", path="x.mp4"), curves,
        FilmFacts(width=facts.width, height=facts.height, fps=facts.fps, frames=facts.frames),
        (folder / f"film-{seed}.mp4").read_bytes(), (folder / f"poster-{seed}.jpg").read_bytes(),
    )  # fmt: skip


def moments(shades: Any) -> Any:
    """When the pictures of these shades begin, in seconds."""
    return (np.asarray(shades, float) - LOW) / (HIGH - LOW) * 2.0


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> list[Seen]:
    folder = tmp_path_factory.mktemp("films")
    return [film(folder, seed, fps) for seed, fps in enumerate(RATES, 1)]


@pytest.fixture
def watched(
    open_board: Callable[..., Board], kit: Any, films: list[Seen], tmp_path: Path
) -> Watched:
    board = open_board(clips=tmp_path / "media")
    ids = []
    for seed, found in enumerate(films, 1):
        report = kit.report(seed)
        answer = board.submit(kit.data(report), kit.card(generator=f"Generator {seed}"), "10.0.0.1")
        assert answer.accepted
        ids.append(answer.id)
        record = next(v for v in report.videos if v.prompt_id == PROMPT)
        one = Seen(record, found.curves, found.film, found.video, found.poster)
        with board.store.writing() as connection:
            digest = board.films.keep(one.video)
            seen.keep(connection, answer.id, kit.track.digest, PROMPT, one, digest, "2026")
    return Watched(board, tuple(ids))


def test_a_film_has_every_moment_of_its_clip_at_a_constant_rate(tmp_path: Path) -> None:
    """Frame k of the film is the frame of the clip that is on the screen in the middle of it."""
    shades = np.repeat(np.arange(10, 250, 6, dtype=np.uint8), 1)
    frames = np.broadcast_to(shades[:, None, None, None], (len(shades), 64, 100, 3))
    clip = write_video(
        tmp_path / "a.mp4", np.ascontiguousarray(frames), fps=60, options={"qp": "0"}
    )
    facts = draw(clip, tmp_path / "film.mp4", tmp_path / "poster.jpg")
    assert (facts.fps, facts.frames, facts.width, facts.height) == (30.0, 20, 100, 64)
    shown = np.concatenate([b.data for b in open_video(tmp_path / "film.mp4").frames()])
    assert np.abs(shown[:, 32, 50, 0].astype(int) - shades[1::2]).max() <= 3


def test_a_large_clip_becomes_small_and_even(tmp_path: Path) -> None:
    clip = write_video(
        tmp_path / "a.mp4", clipkit.panning(frames=4, dx=1, size=(1001, 333), seed=1)
    )
    facts = draw(clip, tmp_path / "film.mp4", tmp_path / "poster.jpg")
    assert (facts.width, facts.height) == (480, 160)


def test_a_page_shows_prompt_scores_and_curves(watched: Watched, kit: Any) -> None:
    page = TestClient(watched.app).get(
        "/watch/", params={"track": "tiny", "prompt": PROMPT, "id": ",".join(watched.ids)}
    )
    assert page.text.count("<video") == 3 and kit.track.prompts[PROMPT].text in page.text
    assert page.text.count("<polyline") == 6
    for header in ("Content-Security-Policy", "X-Content-Type-Options"):
        assert page.headers[header]
    assert "script-src 'self'" in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    "query",
    ["", "track=none", "prompt=none", "id=nobody", "id=" + "," * 50, "prompt=<img src=x onerror=alert(1)>",
     "id=<script>alert(1)</script>", "track='><script>", "t=-1e999&loop=x", "id=" + "a" * 5000],
)  # fmt: skip
def test_any_address_shows_what_is_there(watched: Watched, query: str) -> None:
    page = TestClient(watched.app, raise_server_exceptions=False).get(f"/watch/?{query}")
    assert page.status_code == 200 and page.text.count("<video") == 2
    assert "alert(1)" not in page.text


def test_a_board_without_films_says_so(board: Board) -> None:
    app = Starlette(routes=[Mount("/watch", app=watch.build_watch(board))])
    assert "No clip can be watched" in TestClient(app).get("/watch/").text


def test_who_is_withdrawn_is_not_shown(watched: Watched) -> None:
    watched.board.moderate(watched.board.settings.token, watched.ids[0], "withdrawn", "not theirs")
    page = TestClient(watched.app).get("/watch/", params={"id": watched.ids[0]})
    assert "Generator 1" not in page.text and page.text.count("<video") == 2


def test_films_are_served_in_parts_and_by_their_digest_only(
    watched: Watched, films: list[Seen]
) -> None:
    client = TestClient(watched.app, raise_server_exceptions=False)
    digest = hashlib.sha256(films[0].video).hexdigest()
    part = client.get(f"/api/films/{digest}.mp4", headers={"Range": "bytes=0-99"})
    assert (part.status_code, part.content) == (206, films[0].video[:100])
    assert (
        part.headers["content-type"] == "video/mp4"
        and part.headers["x-content-type-options"] == "nosniff"
    )
    assert client.get(f"/api/films/{digest}.jpg").content == films[0].poster
    for name in (
        "../" * 5 + "etc/passwd",
        "a" * 64,
        digest.upper(),
        digest[:-1],
        "..%2f..%2fboard.db",
        "%00",
    ):
        assert client.get(f"/api/films/{name}.mp4").status_code in (404, 422)


def test_a_curve_is_drawn_between_its_ends() -> None:
    (line,) = watch.drawn([[[0.0, 5.0], [1.0, 5.0]]], 2.0)
    assert line == "0.0,4.0 500.0,4.0"
    assert watch.drawn([], 0.0) == []


@pytest.mark.browser
class TestInABrowser:
    """Chromium on the page itself."""

    @pytest.fixture
    def url(self, watched: Watched) -> Iterator[str]:
        config = uvicorn.Config(watched.app, port=0, log_level="error")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.01)  # waits for the thread, at most
        port = server.servers[0].sockets[0].getsockname()[1]
        ids = ",".join(watched.ids)
        yield f"http://127.0.0.1:{port}/watch/?track=tiny&prompt={PROMPT}&id={ids}"
        server.should_exit = True
        thread.join()

    @pytest.fixture
    def chromium(self) -> Iterator[Any]:
        with browser.opened() as found:
            yield found

    @pytest.fixture
    def page(self, url: str, chromium: Any) -> Iterator[Any]:
        # waiting for a condition is a script, which the page's own policy forbids
        page = chromium.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page.set_default_timeout(30_000)
        page.problems = []
        page.on("pageerror", lambda error: page.problems.append(str(error)))
        page.goto(url)
        page.locator("body[data-ready=yes]").wait_for()
        yield page
        page.close()
        assert page.problems == []

    def test_films_run_within_one_frame_of_each_other(self, page: Any) -> None:
        page.evaluate(
            """() => {
            window.samples = [];
            const shades = SHADES;
            const look = () => {
                const at = Number(document.getElementById('at').value);
                window.samples.push([at, ...shades()]);
                requestAnimationFrame(look);
            };
            requestAnimationFrame(look);
        }""".replace("SHADES", SHADES)
        )
        page.locator("#play").click()
        page.wait_for_function("document.getElementById('play').textContent === 'Play'")
        found = np.array(page.evaluate("window.samples"), float)
        found = found[found[:, 0] > 0]
        found[:, 1:] = moments(found[:, 1:])
        assert len(np.unique(found[:, 0])) > 8 and found[:, 0].max() > 1.9
        frames = np.array([1 / fps for fps in RATES])
        begun, over = found[:, 1:].max(axis=1), (found[:, 1:] + frames).min(axis=1)
        # at most a frame of the fastest film lies between the end of one frame and the beginning of another
        assert (begun - over).max() < 1 / max(RATES), (begun - over).max()
        # and the cursor is at that moment
        assert np.abs(found[:-1, 0] - begun[:-1]).max() < 1.5 / min(RATES)

    def test_stepping_scrubbing_and_the_curves_cursor_agree(self, page: Any) -> None:
        page.locator("#at").fill("1")
        page.locator("#on").click()
        page.wait_for_function(
            "[...document.querySelectorAll('video')].every((f) => !f.seeking && f.painted > 0.95)"
        )
        at = float(page.locator("#at").input_value())
        assert abs(at - 31.5 / 30) < 1e-6
        for moment, fps in zip(moments(np.array(page.evaluate(SHADES))), RATES, strict=True):
            assert (
                moment - 0.02 <= at < moment + 1 / fps + 0.02
            )  # a shade is 0.01 s, and coding moves it
        cursor = float(page.locator(".cursor").first.get_attribute("x1"))
        assert abs(cursor - 1000 * at / 2) < 0.1
        value = float(page.locator("tr:has(th:has-text('sharpness')) .now").first.inner_text())
        assert abs(value - (0.1 + at)) < 0.02
        for _ in range(3):
            page.keyboard.press("ArrowLeft")
        page.wait_for_function("Number(document.getElementById('at').value) < 0.96")
        assert abs(float(page.locator("#at").input_value()) - 28.5 / 30) < 1e-6

    def test_a_link_keeps_the_view(self, page: Any, watched: Watched) -> None:
        page.locator("#loop").check()
        page.locator("#at").fill("1.25")
        page.locator("#on").click()
        page.wait_for_function("location.search.includes('t=1.28')")
        page.goto(page.url)
        page.locator("body[data-ready=yes]").wait_for()
        assert page.locator("#loop").is_checked()
        assert abs(float(page.locator("#at").input_value()) - 1.283) < 1e-3
        assert page.locator("select[name=id2]").input_value() == watched.ids[2]
        page.locator("select[name=id2]").select_option("")
        page.wait_for_function("document.querySelectorAll('video').length === 2")

    def test_a_loop_begins_again_and_pausing_stops(self, page: Any) -> None:
        page.locator("#loop").check()
        page.locator("#at").fill("1.9")
        page.locator("#play").click()
        page.wait_for_function("Number(document.getElementById('at').value) < 1")
        page.wait_for_function("Number(document.getElementById('at').value) > 0.2")
        page.locator("#play").click()
        page.wait_for_function(
            "[...document.querySelectorAll('video')].every((f) => f.paused && !f.seeking)"
        )
        before = page.locator("#at").input_value()
        page.wait_for_timeout(200)
        assert page.locator("#at").input_value() == before

    def test_a_phone_sees_it_no_wider_than_its_screen(self, url: str, chromium: Any) -> None:
        page = chromium.new_page(viewport={"width": 390, "height": 844})  # under the page's policy
        page.goto(url)
        page.locator("body[data-ready=yes]").wait_for()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        bar = page.locator("#play").bounding_box()
        assert bar["y"] + bar["height"] < 844 and bar["height"] >= 40
        assert page.locator("video").count() == 3
        page.close()


PICTURES = ("account", "submit", "refusal", "watch", "watch-phone")


def test_clips_have_their_pictures_in_the_docs() -> None:
    docs = Path(__file__).resolve().parents[2] / "docs"
    guide = (docs / "leaderboard.md").read_text()
    for name in PICTURES:
        assert (docs / "images" / f"leaderboard-{name}.jpg").is_file()
        assert f"images/leaderboard-{name}.jpg" in guide


@pytest.mark.browser
@pytest.mark.skipif(
    not os.environ.get("MIRABOARD_PICTURES"),
    reason="the docs' pictures are made when MIRABOARD_PICTURES is set",
)
def test_pictures_of_clips_for_the_docs(tmp_path: Path, kit: Any) -> None:
    """The demonstration's renderer on one prompt, three ways, really scored; and the forms of the whole app."""
    track = load_tracks()[demo.TRACK]
    settings = Settings(
        database=f"sqlite:///{tmp_path / 'b.db'}", clips=tmp_path / "media", per_hour=100
    )
    board = Board(settings, {track.name: track})
    prompt = (
        track.prompts["vehicle-04/short"]
        if "vehicle-04/short" in track.prompts
        else next(iter(track.prompts.values()))
    )
    ids = []
    for number, (name, version) in list(enumerate(demo.GENERATORS))[:4]:
        if number == 1:
            continue
        seed, change = demo.GENERATORS[name, version]
        clip = demo._clip(tmp_path, prompt, seed, change)
        report = type(kit)(track).report(number + 1)
        card = kit.card(generator=name, version=version, track=track.name)
        answer = board.submit(kit.data(report), card, "10.0.0.1", account=accounts.DEMO)
        assert answer.accepted, answer.reasons
        ids.append(answer.id)
        record = next(v for v in report.videos if v.prompt_id == prompt.id)
        found = score_here(track.suite, prompt, record.id, clip, Limits())
        with board.store.writing() as connection:
            seen.keep(
                connection,
                answer.id,
                track.digest,
                prompt.id,
                found,
                board.films.keep(found.video),
                "2026",
            )
    launch(board, "127.0.0.1", 7899, block=False)
    url = "http://127.0.0.1:7899"
    folder = Path(__file__).resolve().parents[2] / "docs" / "images"
    bad = tmp_path / "report.json"
    raw = type(kit)(track).raw(9)
    raw["summary"]["sharpness"]["mean"] = 0.99
    raw["partial"] = False
    bad.write_text(json.dumps(raw))
    with browser.opened() as chromium:
        page = chromium.new_page(viewport={"width": 1280, "height": 900}, bypass_csp=True)

        def picture(name: str) -> None:
            page.mouse.move(0, 0)
            page.screenshot(path=folder / f"leaderboard-{name}.jpg", type="jpeg", quality=72)

        page.goto(f"{url}/?show=submit")
        page.locator("#mb-file").wait_for()
        page.get_by_text("No account yet?").click()
        page.locator("#mb-account input, #mb-account textarea").fill("my-lab")
        page.locator("#mb-register").click()
        page.wait_for_function(
            "document.querySelector('#mb-made input, #mb-made textarea').value !== ''"
        )
        token = page.locator("#mb-made input, #mb-made textarea").input_value()
        page.locator("#mb-registered").scroll_into_view_if_needed()
        page.locator("#mb-made input, #mb-made textarea").evaluate(
            "(e) => { e.value = 'my-lab:' + '*'.repeat(43) }"
        )
        picture("account")
        page.goto(f"{url}/?show=submit")
        page.locator("#mb-file input[type=file]").set_input_files(str(bad))
        fields = {
            "name": "My generator",
            "version": "1.0",
            "licence": "Apache-2.0",
            "contact": "a@example.org",
            "token": token,
        }
        for field, text in fields.items():
            page.locator(f"#mb-{field} textarea, #mb-{field} input").fill(text)
        page.wait_for_timeout(500)
        picture("submit")
        page.locator("#mb-send").click()
        page.locator("#mb-answer").get_by_text("Rejected").wait_for()
        page.locator("#mb-answer").scroll_into_view_if_needed()
        picture("refusal")
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.goto(f"{url}/watch/?track={track.name}&prompt={prompt.id}&id={','.join(ids)}&t=0.9")
        page.locator("body[data-ready=yes]").wait_for()
        picture("watch")
        page.set_viewport_size({"width": 390, "height": 844})
        page.reload()
        page.locator("body[data-ready=yes]").wait_for()
        picture("watch-phone")
    board.close()
