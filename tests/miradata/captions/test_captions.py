"""Captions against a real server on this machine: every way it can answer, and what it costs."""

from __future__ import annotations

import base64
import itertools
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from chatserver import GOOD, GOOD_FIELDS, Answer, Chat, serving
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import InputError, MissingExtraError, VideoError
from miradata.captions import prompt
from miradata.captions.caption import WindowCaption, caption_picture
from miradata.captions.fields import CaptionFields, faults_of
from miradata.captions.grid import GUTTER, grid
from miradata.captions.windows import TimeRange, grid_moments, windows_of
from miradata.chat.client import Captioner, Endpoint, retry_after
from miradata.chat.picture import jpeg
from miradata.chat.spend import Prices, Spend, Tokens
from miradata.shots.scene import ask_same_scene

PICTURE = jpeg(np.full((64, 64, 3), 120, np.uint8))
BUSY = Answer(status=429, headers={"Retry-After": "0.05"})


def captioner(
    chat: Chat,
    folder: Path,
    *,
    timeout: float = 5.0,
    tries: int = 3,
    longest_wait: float = 1.0,
    most_tokens: int | None = None,
    most_money: float | None = None,
    prices: Prices | None = None,
    model: str = "big",
) -> Captioner:
    endpoint = Endpoint(
        model, chat.url, timeout=timeout, tries=tries, longest_wait=longest_wait, first_wait=0.01,
        prices=prices or Prices(),
    )  # fmt: skip
    return Captioner.in_folder(endpoint, folder, most_tokens=most_tokens, most_money=most_money)


def captioned(folder: Path, *answers: Answer, **settings: float) -> tuple[WindowCaption, Chat]:
    with serving(*answers) as chat:
        return caption_picture(captioner(chat, folder, **settings), PICTURE), chat  # type: ignore[arg-type]


def test_a_good_answer_is_six_fields_with_model_prompt_and_tokens(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path)
    assert found.status == "success"
    assert found.fields is not None and found.fields.model_dump() == GOOD_FIELDS
    (reply,) = found.replies
    assert (reply.model, reply.prompt_version) == ("big-2026", prompt.VERSION)
    assert (reply.finish_reason, found.tokens) == ("stop", Tokens(1000, 200))
    assert reply.text == GOOD, "the raw reply is kept"
    (request,) = chat.requests
    assert request["temperature"] == 0.2
    schema = request["response_format"]["json_schema"]
    assert schema["strict"] is True
    assert schema["schema"]["required"] == list(GOOD_FIELDS)
    assert schema["schema"]["additionalProperties"] is False


def test_the_picture_arrives_in_high_detail(tmp_path: Path) -> None:
    _, chat = captioned(tmp_path)
    text, image = chat.requests[0]["messages"][1]["content"]
    assert image["image_url"]["detail"] == "high"
    sent = base64.b64decode(image["image_url"]["url"].removeprefix("data:image/jpeg;base64,"))
    assert sent == PICTURE
    assert text["text"] == prompt.ASK


def test_bad_json_is_repaired_once(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(text="Sure! Here it is"), Answer())
    assert found.status == "success"
    assert found.tokens == Tokens(2000, 400)
    repair = chat.requests[1]["messages"]
    assert repair[2] == {"role": "assistant", "content": "Sure! Here it is"}
    assert "it is not valid JSON" in repair[3]["content"]


def test_json_that_stays_bad_ends_after_one_repair(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(text="{"))
    assert found.status == "bad_json"
    assert len(chat.requests) == 2


def test_a_missing_field_is_named(tmp_path: Path) -> None:
    partial = {k: v for k, v in GOOD_FIELDS.items() if k != "style_caption"}
    found, _ = captioned(tmp_path, Answer(text=json.dumps(partial)))
    assert found.status == "bad_json"
    assert "style_caption: Field required" in found.reason


def test_a_caption_that_speaks_of_frames_is_sent_back(tmp_path: Path) -> None:
    degraded = json.dumps(
        {**GOOD_FIELDS, "camera_caption": "In the first frame the camera is low."}
    )
    found, chat = captioned(tmp_path, Answer(text=degraded), Answer())
    assert found.status == "success"
    assert "camera_caption speaks of frames" in chat.requests[1]["messages"][3]["content"]


def test_a_caption_that_keeps_breaking_rules_is_invalid(tmp_path: Path) -> None:
    empty = json.dumps({**GOOD_FIELDS, "dense_caption": " "})
    found, _ = captioned(tmp_path, Answer(text=empty))
    assert (found.status, found.reason) == ("invalid", "dense_caption is empty")
    assert found.fields is None


def test_a_cut_off_answer_gets_twice_the_room_once(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(text=GOOD[:100], finish="length"), Answer())
    assert found.status == "success"
    assert [r["max_tokens"] for r in chat.requests] == [1200, 2400]


def test_an_answer_that_stays_cut_off_is_truncated(tmp_path: Path) -> None:
    found, _ = captioned(tmp_path, Answer(text=GOOD[:100], finish="length"))
    assert found.status == "truncated"


@pytest.mark.parametrize("answer", [
    Answer(text=None, refusal="I can't help with that."),
    Answer(text="", finish="content_filter"),
    Answer(text="I'm sorry, but I can't describe this."),
    Answer(text=json.dumps({**GOOD_FIELDS, "dense_caption": "I cannot describe this film."})),
    Answer(text=""),
], ids=["refusal", "filter", "prose", "in the fields", "empty"])  # fmt: skip
def test_a_refusal_is_final_and_has_its_reason(tmp_path: Path, answer: Answer) -> None:
    found, chat = captioned(tmp_path, answer)
    assert found.status in {"refused", "bad_json"}
    assert found.status == "refused"
    assert found.reason
    assert len(chat.requests) <= 2


def test_an_endpoint_that_does_not_answer_times_out(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(delay=0.6), timeout=0.1, tries=2)
    assert found.status == "timeout"
    assert found.reason == "no answer within 0.1 s (2 tries)"
    assert len(chat.requests) == 2


def test_a_late_answer_is_counted_at_its_worst_price(tmp_path: Path) -> None:
    captioned(tmp_path, Answer(delay=0.6), timeout=0.1, tries=1)
    assert sum(Spend(tmp_path / "spend.jsonl").tokens) > 4000


def test_a_busy_endpoint_is_asked_again_when_it_said(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, BUSY, BUSY, Answer())
    assert found.status == "success"
    assert found.replies[0].calls == 3
    assert len(chat.requests) == 3


def test_an_endpoint_that_stays_busy_is_rate_limited(tmp_path: Path) -> None:
    found, _ = captioned(tmp_path, BUSY)
    assert (found.status, found.reason) == ("rate_limited", "HTTP status 429 (3 tries)")
    assert sum(Spend(tmp_path / "spend.jsonl").tokens) == 0


def test_a_wait_beyond_the_longest_ends_the_tries(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(status=429, headers={"Retry-After": "3600"}))
    assert found.status == "rate_limited"
    assert len(chat.requests) == 1


def test_a_broken_endpoint_is_asked_again_and_a_firm_no_is_not(tmp_path: Path) -> None:
    found, chat = captioned(tmp_path, Answer(status=503), Answer())
    assert (found.status, len(chat.requests)) == ("success", 2)
    found, chat = captioned(tmp_path / "b", Answer(status=401))
    assert (found.status, len(chat.requests)) == ("error", 1)
    assert "401" in found.reason


LATE = Answer(delay=0.5)
UNCOUNTED = '"choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "{}"}}]'


@pytest.mark.parametrize("answers", [
    [Answer()],
    [LATE],
    [LATE, Answer()],
    [LATE, LATE, Answer()],
    [LATE, BUSY, Answer()],
    [LATE, Answer(status=401)],
    [Answer(hangs_up=True, cost=(1000, 200)), Answer()],
    [Answer(status=500, cost=(1000, 200))],
    [Answer(status=502, cost=(1000, 200)), Answer()],
    [Answer(status=504, cost=(1000, 200)), Answer()],
    [Answer(body='{"choices": []}')],
    [Answer(body='{"choices": [], "usage": null}')],
    [Answer(body='{"choices": null, "usage": {"prompt_tokens": 1000, "completion_tokens": 200}}')],
    [Answer(body='{"choices": {"a": 1}}')],
    [Answer(body='{"choices": [null]}')],
    [Answer(body="{}")],
    [Answer(body="<html>gateway</html>")],
    [Answer(usage=None)],
    [Answer(text="{"), LATE, Answer()],
    [Answer(text=GOOD[:100], finish="length", cost=(1000, 1200), usage=(1000, 1200)), Answer()],
    [Answer(body=f'{{{UNCOUNTED}, "usage": {{"prompt_tokens": 1000}}}}')],
    [Answer(body=f'{{{UNCOUNTED}, "usage": {{}}}}')],
    [Answer(body=f'{{{UNCOUNTED}, "usage": {{"prompt_tokens": -5, "completion_tokens": "x"}}}}')],
    [Answer(body=f'{{{UNCOUNTED}, "usage": '
                 '{"prompt_tokens": 1000, "completion_tokens": 0, "total_tokens": 1200}}')],
], ids=lambda answers: "")  # fmt: skip
def test_the_account_holds_at_least_what_was_charged(tmp_path: Path, answers: list[Answer]) -> None:
    _, chat = captioned(tmp_path, *answers, timeout=0.2)
    assert sum(Spend(tmp_path / "spend.jsonl").tokens) >= chat.charged > 0


def test_a_cap_holds_against_an_endpoint_that_always_answers_too_late(tmp_path: Path) -> None:
    with serving(LATE) as chat:
        for shade in range(6):
            made = captioner(chat, tmp_path, timeout=0.1, tries=3, most_tokens=12_000)
            caption_picture(made, jpeg(np.full((32, 32, 3), shade, np.uint8)))
    assert len(chat.requests) == 2, "two worst prices fit under the cap"
    assert chat.charged <= 12_000


def test_no_call_that_never_reached_a_model_is_counted(tmp_path: Path) -> None:
    for answer in (BUSY, Answer(status=401), Answer(status=503)):
        captioned(tmp_path, answer)
    caption_picture(captioner(Chat(url="http://127.0.0.1:9/v1"), tmp_path, tries=2), PICTURE)
    assert sum(Spend(tmp_path / "spend.jsonl").tokens) == 0


@pytest.mark.parametrize("body", [
    '{"choices": []}',
    '{"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 0}}',
    '{"choices": null, "usage": {"prompt_tokens": 7, "completion_tokens": 0}}',
])  # fmt: skip
def test_an_answer_without_a_choice_is_paid_for_once(tmp_path: Path, body: str) -> None:
    with serving(Answer(body=body)) as chat:
        found = [caption_picture(captioner(chat, tmp_path), PICTURE) for _ in range(3)]
    assert {f.status for f in found} == {"refused"}
    assert "without a choice" in found[0].reason
    assert len(chat.requests) == 1


def test_an_account_torn_by_a_full_disk_is_read_and_continued(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl"
    path.write_bytes(b'["a", 1, 2]\n["b", 3')
    Spend(path).charge("c", Tokens(10, 20))
    assert Spend(path).tokens == Tokens(11, 22)


@pytest.mark.parametrize("body", ["<html>gateway</html>", "{}", '{"choices": 3}', "null", "[1]"])
def test_an_answer_that_is_not_of_the_protocol_is_an_error(tmp_path: Path, body: str) -> None:
    found, _ = captioned(tmp_path, Answer(body=body))
    assert found.status == "error"
    assert "protocol" in found.reason


def test_a_server_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    chat = Chat(url="http://127.0.0.1:9/v1")
    found = caption_picture(captioner(chat, tmp_path, tries=2), PICTURE)
    assert found.status == "error"
    assert "no connection" in found.reason


def test_what_was_asked_is_not_paid_twice(tmp_path: Path) -> None:
    with serving() as chat:
        first = caption_picture(captioner(chat, tmp_path), PICTURE)
        second = caption_picture(captioner(chat, tmp_path), PICTURE)
    assert first.fields == second.fields
    assert len(chat.requests) == 1


def test_every_reply_is_kept_the_useless_ones_too(tmp_path: Path) -> None:
    captioned(tmp_path, Answer(text="{"), Answer())
    kept = [json.loads(p.read_text())["text"] for p in (tmp_path / "replies").rglob("*.json")]
    assert sorted(kept) == sorted(["{", GOOD])


def test_the_hint_is_asked_first_and_quoted(tmp_path: Path) -> None:
    with serving(Answer(text="A kite <flies>."), Answer()) as chat:
        short = captioner(chat, tmp_path, model="small")
        found = caption_picture(captioner(chat, tmp_path), PICTURE, short=short)
    assert (found.status, found.hint) == ("success", "A kite <flies>.")
    assert [r["model"] for r in chat.requests] == ["small", "big"]
    assert "<<<A kite flies.>>>" in chat.requests[1]["messages"][1]["content"][0]["text"]
    assert found.tokens == Tokens(2000, 400)


def test_a_hint_that_fails_is_left_out(tmp_path: Path) -> None:
    with serving(Answer(status=401), Answer()) as chat:
        found = caption_picture(
            captioner(chat, tmp_path), PICTURE, short=captioner(chat, tmp_path, model="small")
        )
    assert (found.status, found.hint) == ("success", "")


def test_the_cap_on_tokens_is_never_passed_by_workers_side_by_side(tmp_path: Path) -> None:
    with serving(Answer(delay=0.05)) as chat, ThreadPoolExecutor(8) as pool:
        shared = captioner(chat, tmp_path, most_tokens=12_000)
        pictures = [jpeg(np.full((32, 32, 3), i, np.uint8)) for i in range(8)]
        found = list(pool.map(lambda picture: caption_picture(shared, picture), pictures))
    statuses = [f.status for f in found]
    assert {"success", "over_budget"} == set(statuses)
    assert sum(shared.spend.tokens) <= 12_000
    assert sum(shared.spend.tokens) == 1200 * statuses.count("success")
    assert "12,000 tokens would be passed" in next(
        f.reason for f in found if f.status == "over_budget"
    )


def test_the_cap_on_money_counts_earlier_runs(tmp_path: Path) -> None:
    prices = Prices(prompt=1000.0, completion=5000.0)  # 1000 and 200 tokens: 2.00
    with serving() as chat:
        first = captioner(chat, tmp_path, prices=prices, most_money=16.0)
        assert caption_picture(first, PICTURE).status == "success"
        assert first.spend.money == pytest.approx(2.0)
        again = captioner(chat, tmp_path, prices=prices, most_money=2.5)
        found = caption_picture(again, jpeg(np.zeros((32, 32, 3), np.uint8)))
    assert found.status == "over_budget"
    assert len(chat.requests) == 1


def test_a_reservation_of_a_killed_worker_stays_counted(tmp_path: Path) -> None:
    Spend(tmp_path / "spend.jsonl").reserve(Tokens(10, 5))
    assert Spend(tmp_path / "spend.jsonl").tokens == Tokens(10, 5)


def test_half_a_line_of_the_account_is_read_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "spend.jsonl"
    path.write_bytes(b'["a", 1, 2]\n["b", 3')
    spend = Spend(path)
    assert spend.tokens == Tokens(1, 2)
    with path.open("ab") as file:
        file.write(b", 4]\n")
    assert spend.tokens == Tokens(4, 6)


def test_a_cap_on_money_needs_prices(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no prices"):
        Spend(tmp_path / "spend.jsonl", most_money=1.0)


def test_an_endpoint_without_usage_is_counted_at_its_worst(tmp_path: Path) -> None:
    found, _ = captioned(tmp_path, Answer(usage=None))
    assert found.status == "success"
    assert found.replies[0].tokens_estimated
    assert found.tokens.prompt > 3000


def test_a_key_is_asked_for_only_where_one_is_needed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(InputError, match="OPENAI_API_KEY"):
        Captioner.in_folder(Endpoint("big"), tmp_path)


def test_a_missing_client_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "openai", None)
    with pytest.raises(MissingExtraError, match=r"\.\[data\]"):
        Captioner.in_folder(Endpoint("big", "http://127.0.0.1:9"), tmp_path)


@pytest.mark.parametrize(("text", "same"), [
    ('{"same_scene": true}', True),
    ('```json\n{"same_scene": false}\n```', False),
    ('{"same_scene": "yes"}', None),
    ("yes", None),
])  # fmt: skip
def test_a_vote_is_yes_no_or_none(tmp_path: Path, text: str, same: bool | None) -> None:
    frame = np.zeros((720, 1280, 3), np.uint8)
    with serving(Answer(text=text)) as chat:
        vote = ask_same_scene(captioner(chat, tmp_path), frame, frame)
    assert vote.same is same
    assert bool(vote.reason) == (same is None)
    first = chat.requests[0]["messages"][0]["content"][1]["image_url"]["url"]
    picture = cv2.imdecode(np.frombuffer(base64.b64decode(first.split(",")[1]), np.uint8), 1)
    assert picture is not None and picture.shape == (512, 910, 3)


def test_a_voter_that_does_not_answer_casts_no_vote(tmp_path: Path) -> None:
    frame = np.zeros((32, 32, 3), np.uint8)
    with serving(BUSY) as chat:
        vote = ask_same_scene(captioner(chat, tmp_path), frame, frame)
    assert vote.same is None
    assert "rate_limited" in vote.reason


def test_a_grid_is_two_rows_of_four_in_order_with_white_gutters() -> None:
    frames = [np.full((90, 160, 3), 20 + 20 * i, np.uint8) for i in range(8)]
    sheet = grid(frames, tile_width=160)
    assert sheet.shape == (2 * 90 + 3 * GUTTER, 4 * 160 + 5 * GUTTER, 3)
    for i in range(8):
        row, column = divmod(i, 4)
        top, left = GUTTER + row * (90 + GUTTER), GUTTER + column * (160 + GUTTER)
        tile = sheet[top : top + 90, left : left + 160]
        assert np.array_equal(tile, frames[i])
        assert (sheet[top : top + 90, left - GUTTER : left] == 255).all()
    assert (sheet[-GUTTER:] == 255).all()


def test_a_16_9_grid_is_2088_by_600_and_about_a_megapixel() -> None:
    assert grid([np.zeros((720, 1280, 3), np.uint8)] * 8).shape == (600, 2088, 3)


def test_a_grid_of_seven_is_refused() -> None:
    with pytest.raises(VideoError, match="8 frames"):
        grid([np.zeros((9, 16, 3), np.uint8)] * 7)


@pytest.mark.parametrize(("seconds", "spans"), [
    (30.0, [(0, 30)]),
    (120.0, [(0, 120)]),
    (139.0, [(0, 120)]),
    (141.0, [(0, 120), (120, 141)]),
    (250.0, [(0, 120), (120, 240)]),
])  # fmt: skip
def test_windows(seconds: float, spans: list[tuple[float, float]]) -> None:
    assert windows_of(seconds) == spans


@given(st.floats(0.1, 5000.0))
def test_windows_are_in_order_and_inside_the_clip(seconds: float) -> None:
    found = windows_of(seconds)
    assert found[0].start == 0
    assert all(a.end == b.start for a, b in itertools.pairwise(found))
    assert seconds - 20.0 < found[-1].end <= seconds + 1e-6
    assert all(w.end - w.start <= 120.0 + 1e-6 for w in found)


def test_the_grid_shows_the_middle_of_eighths() -> None:
    assert grid_moments(TimeRange(120.0, 128.0)) == [120.5 + i for i in range(8)]


@pytest.mark.parametrize("text", [
    "In the second frame a dog runs.", "Across these eight images a dog runs.",
    "The final few frames show a dog.", "A dog is in the top row and then not.",
    "Frame 3 has a dog that runs along.", "This video shows a dog that runs.",
    "A dog runs; in summary, it is fast.", "A collage of a dog that runs along.",
])  # fmt: skip
def test_banned_phrases(text: str) -> None:
    fields = CaptionFields(**{**GOOD_FIELDS, "camera_caption": text})
    assert len(faults_of(fields)) == 1


@pytest.mark.parametrize("text", [
    "A dog runs past a window frame of dark wood.", "A picture hangs on the wall of the hall.",
    "The camera frames a dog in a medium shot.", "A man watches a film on a small screen.",
])  # fmt: skip
def test_words_that_only_sound_like_them_are_allowed(text: str) -> None:
    assert faults_of(CaptionFields(**{**GOOD_FIELDS, "camera_caption": text})) == []


def test_lengths_and_language_are_checked() -> None:
    long = replace_field("short_caption", "word " * 60)
    assert faults_of(long) == ["short_caption has 60 words, not 4 to 45"]
    foreign = replace_field("style_caption", "明亮 而 真实 的 风格 与 色彩")
    assert faults_of(foreign) == ["style_caption is not English text"]


def replace_field(name: str, text: str) -> CaptionFields:
    return CaptionFields(**{**GOOD_FIELDS, name: text})


@pytest.mark.parametrize(("text", "least", "most"), [
    ("7", 7, 7), ("0", 0, 0), ("-3", 0, 0), ("Fri, 01 Jan 2100 00:00:00 GMT", 1e9, 1e10),
])  # fmt: skip
def test_retry_after(text: str, least: float, most: float) -> None:
    found = retry_after(text)
    assert found is not None and least <= found <= most


def test_retry_after_that_says_nothing() -> None:
    assert retry_after("") is None
    assert retry_after("soon") is None


def test_an_endpoint_may_want_another_name_for_its_limit_and_no_temperature(
    tmp_path: Path,
) -> None:
    with serving() as chat:
        plain = captioner(chat, tmp_path).endpoint
        other = replace(plain, tokens_parameter="max_completion_tokens", temperature=None)
        caption_picture(Captioner.in_folder(other, tmp_path), PICTURE)
    (request,) = chat.requests
    assert request["max_completion_tokens"] == 1200
    assert "temperature" not in request and "max_tokens" not in request
