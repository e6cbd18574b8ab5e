"""The caption stage in a run: windows as rows, what is skipped, tried again, and never paid twice."""

from __future__ import annotations

from pathlib import Path

import clipkit
import pytest
import tablekit as kit
from chatserver import GOOD_FIELDS, Answer, Chat, serving

from mirabench.video.encode import write_video
from mirabench.work.journal import retry
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Policy
from miradata.captions.stage import CaptionStage
from miradata.config import Captions, Endpoint
from miradata.select.levels import load_thresholds
from miradata.stage_run import StageRun
from miradata.tables.store import Tables


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two seconds of film said to hold three clips; the second is a duplicate, the third too short."""
    write_video(tmp_path / "v1.mp4", clipkit.panning(frames=48), fps=24)
    kit.write(
        tmp_path / "out",
        videos=[kit.video(duration_ns=2 * kit.S)],
        clips=[
            kit.clip("a", 0, 0.0, 1.4),
            kit.clip("b", 1, 1.4, 1.7),
            kit.clip("c", 2, 1.7, 2.0, status="rejected", reason="short"),
        ],
        dups=[kit.double("b", "a")],
    )
    return tmp_path


def stage(folder: Path, chat: Chat, **settings: object) -> CaptionStage:
    given = {
        "endpoint": Endpoint(base_url=chat.url, model="big"),
        "window_seconds": 0.5,
        "shortest_rest_seconds": 0.45,
        "concurrency": 2,
        "tries": 1,
        **settings,
    }
    return CaptionStage(folder, folder / "out", Captions.model_validate(given), load_thresholds())


def rows(folder: Path) -> list[dict[str, object]]:
    return Tables(folder / "out").rows("captions")


def run(folder: Path, made: CaptionStage, tries: int = 1) -> None:
    StageRun(folder / "out", LocalExecutor(1), Policy(tries=tries)).one(made)


def test_windows_are_rows_and_the_short_rest_is_skipped_by_name(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat))
    found = rows(folder)
    assert [(r["clip_id"], r["window"], r["status"]) for r in found] == [
        ("a", 0, "success"), ("a", 1, "success"), ("a", 2, "skipped"),
    ]  # fmt: skip
    assert found[0]["dense_caption"] == GOOD_FIELDS["dense_caption"]
    assert (found[0]["model"], found[0]["prompt_tokens"]) == ("big-2026", 1000)
    assert found[0]["t1_s"] == 0.5
    assert "shorter than 0.45 s" in str(found[2]["reason"])
    assert len(chat.requests) == 2, "neither the duplicate nor the short clip is paid for"


def test_without_an_endpoint_there_is_nothing_to_do(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat, endpoint=None))
    assert rows(folder) == []
    assert chat.requests == []


def test_a_run_again_pays_nothing(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat))
        before = rows(folder)
        run(folder, stage(folder, chat))
    assert rows(folder) == before
    assert len(chat.requests) == 2


def test_a_run_whose_journal_was_lost_takes_the_kept_replies(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat))
        before = rows(folder)
        (folder / "out" / "journal" / "caption.jsonl").unlink()
        run(folder, stage(folder, chat))
    assert rows(folder) == before
    assert len(chat.requests) == 2


def test_a_refusal_is_final_and_a_silent_endpoint_is_tried_again(folder: Path) -> None:
    answers = [Answer(text=None, refusal="I can't help with that."), Answer(status=503)]
    with serving(*answers) as chat:
        run(folder, stage(folder, chat, concurrency=1))
        assert [r["status"] for r in rows(folder)] == ["refused", "error", "skipped"]
        assert len(chat.requests) == 2
        chat.answers = [Answer()]
        run(folder, stage(folder, chat))
        assert len(chat.requests) == 2, "quarantined until `retry`"
        assert retry(folder / "out") == {"caption": ["a:1"]}
        run(folder, stage(folder, chat))
    assert [r["status"] for r in rows(folder)] == ["refused", "success", "skipped"]


def test_a_cap_ends_with_rows_that_say_so_and_a_larger_one_goes_on(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat, concurrency=1, most_tokens=6_000))
        assert [r["status"] for r in rows(folder)] == ["success", "over_budget", "skipped"]
        retry(folder / "out")
        run(folder, stage(folder, chat, most_tokens=100_000))
    assert [r["status"] for r in rows(folder)] == ["success", "success", "skipped"]


def test_another_model_is_another_caption_but_another_address_is_not(folder: Path) -> None:
    with serving() as chat:
        run(folder, stage(folder, chat))
    with serving() as moved:
        run(folder, stage(folder, moved))
        assert moved.requests == []
        other = Endpoint(base_url=moved.url, model="other")
        run(folder, stage(folder, moved, endpoint=other))
    assert {r["model"] for r in rows(folder)} == {"other-2026", ""}


def test_a_lost_source_is_a_row_with_its_reason(folder: Path) -> None:
    with serving() as chat:
        (folder / "v1.mp4").unlink()
        run(folder, stage(folder, chat))
    found = rows(folder)
    assert [r["status"] for r in found] == ["error", "error", "skipped"]
    assert "v1.mp4" in str(found[0]["reason"])


def test_requests_run_side_by_side_up_to_the_limit(folder: Path) -> None:
    with serving(Answer(delay=0.1)) as chat:
        run(
            folder,
            stage(folder, chat, window_seconds=0.2, shortest_rest_seconds=0.1, concurrency=3),
        )
    assert 2 <= chat.busiest <= 3
    assert len(chat.requests) == 7
