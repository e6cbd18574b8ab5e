"""Film strips: strangers' pictures, drawn anew, shown and never counted."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from mirabench.errors import InputError
from mirabench.video.encode import write_video
from miraboard import export, pages
from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.strips import make_strips, read_strips, shown, to_file


def picture(width: int = 60, height: int = 20, kind: str = "JPEG", **options: Any) -> bytes:
    buffer = BytesIO()
    Image.new("RGB", (width, height), (200, 30, 30)).save(buffer, kind, **options)
    return buffer.getvalue()


def strips_file(*clips: str, data: bytes | None = None) -> bytes:
    return to_file({clip: data or picture() for clip in clips}).encode()


def bomb() -> bytes:
    """A small file whose header promises 65,500 x 65,500 pixels."""
    data = bytearray(picture())
    at = data.index(b"\xff\xc0")
    data[at + 5 : at + 9] = (65_500).to_bytes(2, "big") * 2
    return bytes(data)


def submit(board: Board, kit: Any, strips: bytes, seed: int = 1, **card: Any) -> Any:
    data = kit.data(kit.report(seed))
    return board.submit(data, kit.card(**card), "10.0.0.1", strips=strips)


def test_a_strip_is_kept_as_a_picture_of_our_own() -> None:
    comment = b"somebody's position"
    (kept,) = read_strips(strips_file("a", data=picture(comment=comment)), {"a"}).values()
    assert comment not in kept
    found = Image.open(BytesIO(kept))
    assert (found.format, found.size) == ("JPEG", (60, 20))
    red, green, _ = np.asarray(found, dtype=int)[10, 30]
    assert red > 180 > 60 > green


BAD: dict[str, bytes] = {
    "not JSON": b"\x89PNG",
    "nested without end": b"[" * 100_000,
    "a list": b"[]",
    "seven clips": strips_file("a", "b", "c", "d", "e", "f", "g"),
    "a clip of nobody": strips_file("x"),
    "not base64": json.dumps({"a": "<script>alert(1)</script>"}).encode(),
    "no text": json.dumps({"a": 7}).encode(),
    "a PNG": strips_file("a", data=picture(kind="PNG")),
    "a page": strips_file("a", data=b"<html><script>alert(1)</script>"),
    "half a picture": strips_file("a", data=picture()[:300]),
    "a bomb": strips_file("a", data=bomb()),
    "too wide": strips_file("a", data=picture(width=4_001)),
    "too high": strips_file("a", data=picture(height=401)),
    "too large": b" " * (2 * 2**20 + 1),
}


@pytest.mark.parametrize("data", BAD.values(), ids=list(BAD))
def test_what_is_no_film_strip_is_refused(data: bytes) -> None:
    with pytest.raises(SubmissionRefused) as refusal:
        read_strips(data, set("abcdefg"))
    assert {r.code for r in refusal.value.reasons} == {"strips"}


def test_a_bad_strip_refuses_the_whole_submission(board: Board, kit: Any) -> None:
    outcome = submit(board, kit, b"[]")
    assert not outcome.accepted
    assert board.view("tiny").standings == ()


def test_strips_are_on_the_pages_and_in_the_site(board: Board, kit: Any, tmp_path: Path) -> None:
    outcome = submit(board, kit, strips_file("p1-1", "p3-1"))
    assert outcome.accepted, outcome.reasons
    view, ranking = board.view("tiny"), board.ranking("tiny")
    seen = board.store.strips_of(outcome.id)
    assert [prompt for prompt, _ in seen] == ["p1", "p3"]
    report = board.store.report(outcome.id)
    page = pages.generator_page(
        view, ranking, view.standings[0], report, shown(seen), pages.app_link
    )
    assert page.count("data:image/jpeg;base64,") == 2
    for prompt, count in (("p1", 1), ("p2", 0)):
        strips = board.store.strips_for(kit.track.digest, prompt)
        assert pages.prompt_page(view, prompt, [], strips, pages.app_link).count("<img") == count
    export.write_site(board, tmp_path)
    assert sum("<img" in f.read_text() for f in tmp_path.rglob("*.html")) == 3


def test_a_withdrawn_submissions_pictures_are_on_no_page(board: Board, kit: Any) -> None:
    outcome = submit(board, kit, strips_file("p1-1"))
    board.moderate(board.settings.token, outcome.id, "withdrawn", "not theirs")
    strips = board.store.strips_for(kit.track.digest, "p1")
    page = pages.prompt_page(board.view("tiny"), "p1", [], strips, pages.app_link)
    assert "<img" not in page


def test_a_retry_with_other_pictures_changes_nothing(board: Board, kit: Any) -> None:
    first = submit(board, kit, strips_file("p1-1"))
    again = submit(board, kit, strips_file("p2-1"))
    assert first.id == again.id
    assert [prompt for prompt, _ in board.store.strips_of(first.id)] == ["p1"]


@pytest.fixture
def run(kit: Any, tmp_path: Path, moving_frames: Callable[[int], np.ndarray]) -> tuple[Any, Path]:
    """A report whose first seven clips lie in a folder."""
    report = kit.report()
    for k, video in enumerate(report.videos[:7]):
        video.path = str(write_video(tmp_path / f"{k}.mp4", moving_frames(k), fps=8))
    return report, tmp_path


@pytest.fixture
def moving_frames() -> Callable[[int], np.ndarray]:
    def make(seed: int) -> np.ndarray:
        random = np.random.default_rng(seed)
        return random.integers(0, 255, (8, 36, 64, 3), np.uint8)

    return make


def test_strips_of_a_run_are_taken_by_a_board(run: tuple[Any, Path]) -> None:
    report, _ = run
    made = make_strips(report)
    assert len(made) == 6
    taken = read_strips(to_file(made).encode(), {v.id for v in report.videos})
    assert taken.keys() == made.keys()
    size = Image.open(BytesIO(next(iter(taken.values())))).size
    assert size == (6 * (160 + 4), 90 + 20)  # with a white border, and the times below


def test_clips_that_were_moved_are_found_in_the_folder_named(run: tuple[Any, Path]) -> None:
    report, folder = run
    for video in report.videos:
        video.path = f"/elsewhere/{Path(video.path).name}"
    with pytest.raises(InputError, match="--videos"):
        make_strips(report)
    assert len(make_strips(report, folder)) == 6


def test_the_file_of_strips_is_base64_of_pictures(run: tuple[Any, Path]) -> None:
    raw = json.loads(to_file(make_strips(run[0])))
    assert all(base64.b64decode(text).startswith(b"\xff\xd8") for text in raw.values())
