"""A vote as a person gives it: Chromium against the real pages, at a desk and on a phone."""

from __future__ import annotations

import os
import random
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import browser
import numpy as np
import pytest

from mirabench.testing.render_prompt import render_prompt
from mirabench.video.encode import write_video
from miraboard.app import launch
from miraboard.board import Board
from miraboard.tracks import Track
from miraboard.votes.booth import Booth
from miraboard.votes.opinions import Opinions
from miraboard.votes.questions import QUESTIONS

pytestmark = pytest.mark.browser

WIDE, PHONE = (1280, 1000), (390, 844)
ASKED = {"overall": "Left", "motion": "No difference", "consistency": "Right", "follows": "Left"}


class Served:
    """Three generators with films, in a server of this process."""

    def __init__(self, opinions: Opinions) -> None:
        self.opinions = opinions
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{port}"
        self.app = launch(opinions.board, "127.0.0.1", port, block=False, opinions=opinions)


@pytest.fixture
def served(
    open_board: Callable[..., Board], kit: Any, track: Track, tmp_path: Path
) -> Iterator[Served]:
    board = open_board(votes_per_hour=10_000)
    films = {}
    for number, name in enumerate(("Alpha", "Beta", "Gamma")):
        report = kit.report(number + 1, 0.3 + 0.2 * number)
        answer = board.submit(kit.data(report), kit.card(generator=name), "10.0.1.1")
        frames = list(
            render_prompt("A ball rolls over a table.", seed=number, frames=24, size=(160, 96))
        )
        path = write_video(tmp_path / f"{number}.mp4", np.stack(frames), fps=12)
        films[answer.id] = path.read_bytes()
    booth = Booth(
        board, Films(films, frozenset(track.prompts)), toss=random.Random(3), least_seconds=0
    )
    found = Served(Opinions(booth, fresh=0, patience=120))
    yield found
    found.app.close()


class Films:
    def __init__(self, films: dict[str, bytes], prompts: frozenset[str]) -> None:
        self.films, self.prompts = films, prompts

    def watchable(self, track_digest: str) -> dict[str, frozenset[str]]:
        return dict.fromkeys(self.films, self.prompts)

    def film(self, track_digest: str, submission: str, prompt: str) -> bytes:
        return self.films[submission]


def _fill(opinions: Opinions, raters: int = 7, each: int = 12) -> None:
    order = {s.id: n for n, s in enumerate(opinions.board.view("tiny").standings)}
    for rater in range(raters):
        for number in range(each):
            b = opinions.booth.next("tiny", "", f"10.2.0.{rater}")
            better = "left" if order[b.left] > order[b.right] else "right"
            said = b.answer or ("tie" if number % 5 == 4 else better)
            opinions.booth.vote(b.id, dict.fromkeys(QUESTIONS, said), "", f"10.2.0.{rater}")


@pytest.mark.parametrize(("width", "height"), [WIDE, PHONE], ids=["desk", "phone"])
def test_a_person_watches_a_pair_and_votes(served: Served, width: int, height: int) -> None:
    with browser.opened() as chromium:
        page = chromium.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(30_000)
        page.goto(f"{served.url}/?show=vote&track=tiny")
        page.locator("#mb-vote-start").click()
        playing = (
            "[...document.querySelectorAll('.mb-pair video')]"
            ".filter(v => v.currentTime > 0.2).length == 2"
        )
        page.wait_for_function(playing)
        source = page.locator("#mb-ballot").inner_html()
        for standing in served.opinions.board.view("tiny").standings:
            assert standing.id not in source and standing.generator not in source
        boxes = [v.bounding_box() for v in page.locator(".mb-pair video").all()]
        assert boxes[0]["y"] == boxes[1]["y"] and boxes[1]["x"] + boxes[1]["width"] <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width

        page.locator("#mb-vote-send").click()
        page.locator("#mb-vote-told").get_by_text("Not taken").wait_for()
        first = page.locator(".mb-pair video").first.get_attribute("src")
        for name, text in ASKED.items():
            page.locator(f"#mb-ask-{name} label").filter(has_text=text).click()
        page.locator("#mb-vote-send").click()
        page.locator("#mb-vote-told").get_by_text("Taken, thank you").wait_for()
        page.wait_for_function(
            f"document.querySelector('.mb-pair video').getAttribute('src') != '{first}'"
        )
        assert page.locator("#mb-ask-overall input:checked").count() == 0
    digest = served.opinions.board.view("tiny").track.digest
    (cast,) = served.opinions.booth.box.casts(digest)
    assert [cast.answers[name] for name in ASKED] == ["left", "tie", "right", "left"]


def test_people_see_what_people_said(served: Served) -> None:
    _fill(served.opinions)
    with browser.opened() as chromium:
        page = chromium.new_page(viewport={"width": PHONE[0], "height": PHONE[1]})
        page.goto(f"{served.url}/?show=people&track=tiny")
        page.get_by_role("tab", name="People").or_(page.locator("#mb-people")).first.wait_for()
        page.locator("#mb-people .mb-liked tbody tr").first.wait_for()
        assert "Gamma" in page.locator("#mb-people .mb-liked tbody tr").first.inner_text()
        assert page.locator("#mb-people").get_by_text("How far each metric agrees").count() == 1
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0]


@pytest.mark.skipif(
    not os.environ.get("MIRABOARD_PICTURES"),
    reason="it makes pictures for the docs: set MIRABOARD_PICTURES",
)
def test_pictures_of_voting_for_the_docs(served: Served) -> None:
    folder = Path(__file__).resolve().parents[2] / "docs" / "images"
    _fill(served.opinions)
    with browser.opened() as chromium:
        page = chromium.new_page()
        for name, (width, height) in (("vote", WIDE), ("vote-phone", PHONE)):
            page.set_viewport_size({"width": width, "height": height})
            page.goto(f"{served.url}/?show=vote&track=tiny")
            page.locator("#mb-vote-start").click()
            page.locator(".mb-pair video").nth(1).wait_for()
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / f"leaderboard-{name}.jpg", type="jpeg", quality=72)
        page.set_viewport_size({"width": 1280, "height": 1000})
        page.goto(f"{served.url}/?show=people&track=tiny")
        page.locator("#mb-people .mb-liked tbody tr").first.wait_for()
        page.screenshot(path=folder / "leaderboard-people.jpg", type="jpeg", quality=72)
        page.goto(f"{served.url}/?show=trend&track=tiny")
        page.locator("#mb-trend svg.mb-trend circle").first.wait_for()
        page.screenshot(path=folder / "leaderboard-trend.jpg", type="jpeg", quality=72)
