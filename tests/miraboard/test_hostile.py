"""Hostile cases beyond those of `test_submission`: every one is answered with sentences, and the board goes on.

Each case of a family spoils a valid report, card or token in one way; the
board then takes an honest report.
"""

from __future__ import annotations

import contextlib
import copy
import gc
import http.client
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from miraboard import audit, schema
from miraboard.api import build_api
from miraboard.board import NEW_ACCOUNTS, WRONG_TOKENS, Board
from miraboard.checking import Apart
from miraboard.duplicates import cells_near, equals, marks_of, picture_hash
from miraboard.guard import MAX_BYTES, SubmissionRefused, measure, parse_json
from miraboard.names import plain_name, skeleton
from miraboard.watch import build_watch

Raw = dict[str, Any]


def refused(board: Board, data: bytes, card: Raw, **named: Any) -> set[str]:
    """The codes of a refusal that is as it must be: sentences, and one line more in the log."""
    before = len(board.store.log(10_000))
    answer = board.submit(data, card, "10.0.0.1", **named)
    assert not answer.accepted
    assert all(10 < len(r.text) < 700 and "\n" not in r.text for r in answer.reasons)
    assert len(board.store.log(10_000)) == before + 1
    return {r.code for r in answer.reasons}


# -- freezing ---------------------------------------------------------------------------------

FAMILIES: dict[str, Callable[[int], bytes]] = {
    "unterminated-string": lambda n: b'"' + b'\\"' * (n // 2),
    "unterminated-key": lambda n: b'{"' + b"k" * n,
    "backslashes": lambda n: b"\\" * n,
    "escaped-backslashes": lambda n: b'["' + b"\\\\" * (n // 2) + b'"]',
    "unicode-escapes": lambda n: b'["' + b"\\u0041" * (n // 6) + b'"]',
    "lone-surrogates": lambda n: b"[" + b",".join([b'"\\ud800"'] * (n // 9)) + b"]",
    "quotes": lambda n: b'"' * n,
    "opening": lambda n: b"[" * n,
    "opening-objects": lambda n: b'{"a":' * (n // 5),
    "closing": lambda n: b"]" * n,
    "empty-lists": lambda n: b"[" + b",".join([b"[]"] * (n // 3)) + b"]",
    "empty-objects": lambda n: b"[" + b",".join([b"{}"] * (n // 3)) + b"]",
    "huge-integer": lambda n: b"[" + b"9" * n + b"]",
    "huge-negative": lambda n: b"[-" + b"9" * n + b"]",
    "huge-fraction": lambda n: b"[0." + b"9" * n + b"]",
    "huge-exponent": lambda n: b"[1e" + b"9" * n + b"]",
    "many-numbers": lambda n: b'{"a":[' + b",".join([b"1.5"] * (n // 4)) + b"]}",
    "many-strings": lambda n: b'{"a":[' + b",".join([b'"abc"'] * (n // 6)) + b"]}",
    "long-keys-many-leaves": lambda n: (
        b'{"' + b"k" * (n // 2) + b'":[' + b",".join([b"1"] * (n // 4)) + b"]}"
    ),
    "many-keys": lambda n: (
        b"{" + b",".join(b'"%07d":1' % i for i in range(n // 12)) + b"}"
    ),
    "markup-starts": lambda n: b'{"a":[' + b",".join([b'"' + b"<" * 7000 + b'"'] * (n // 7003)) + b"]}",
    "entity-starts": lambda n: b'{"a":[' + b",".join([b'"' + b"&#a" * 2300 + b'"'] * (n // 6903)) + b"]}",
    "near-utf8": lambda n: b'{"a":"' + "é".encode() * (n // 2) + b"\xc3",
    "blanks": lambda n: b" " * n,
    "commas": lambda n: b"[" + b"," * n,
    "colons": lambda n: b"{" + b":" * n,
}  # fmt: skip


def seconds(data: bytes) -> float:
    """The least of a few tries: what the machine does besides only adds."""
    found = []
    gc.disable()  # what else the tests hold would be walked through in the middle
    try:
        for _ in range(3):
            started = time.process_time()
            with contextlib.suppress(SubmissionRefused):
                parse_json(data)
            found.append(time.process_time() - started)
    finally:
        gc.enable()
    return min(found)


@pytest.mark.parametrize("make", FAMILIES.values(), ids=list(FAMILIES))
def test_four_times_the_bytes_take_no_more_than_about_four_times_as_long(
    make: Callable[[int], bytes],
) -> None:
    small, large = seconds(make(100_000)), seconds(make(400_000))
    assert large < 8 * small + 0.05  # what is quadratic takes 16 times, and here seconds


@pytest.mark.parametrize("make", FAMILIES.values(), ids=list(FAMILIES))
def test_hostile_bytes_are_answered(board: Board, kit: Any, make: Callable[[int], bytes]) -> None:
    assert refused(board, make(50_000), kit.card())
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted


def test_brackets_in_strings_and_after_escapes_are_no_nesting() -> None:
    assert measure(b'{"a\\\\": "[[[", "b\\"[": [1]}').depth == 2


# -- numbers ----------------------------------------------------------------------------------

NUMBERS: dict[str, tuple[str, Any]] = {
    f"{place}={value!r}": (place, value)
    for place, values in {
        "videos.0.scores.noise.value": [
            1.7e308, -1.7e308, 1e16, True, "1.0", None, [], {}, 10**30, -1.0, 256.0
        ],
        "videos.0.width": ["320", 320.5, True, 10**25, -1, 0],
        "videos.0.fps": ["24", True, 1e300, 0, -24.0],
        "videos.0.num_frames": ["48", 48.5, False],
        "summary.noise.mean": [1.7e308, "0.5", True],
        "summary.noise.n": ["8", 8.5, True, -8, 10**19],
        "summary.noise.coverage": ["1.0", 2.0, -1.0],
        "summary.noise.ci_low": [-1.7e308, "0"],
        "summary.noise.higher_is_better": ["no", 0, None],
        "partial": ["no", 0, 1, None],
        "suite.version": ["1", 1.5, True],
        "provenance.seed": [1.7e308, -(10**40)],
        "videos.0.health": [[], "static", {"static": 1}],
        "videos.0.scores": [[], None, {"noise": 1.0}],
        "videos": [{}, None, "all", [1]],
        "protocols": [[], {"noise@1:0": None}],
        "videos.0.id": [1, None, ""],
    }.items()
    for value in values
}  # fmt: skip


def put(raw: Raw, place: str, value: Any) -> None:
    *way, last = place.split(".")
    found: Any = raw
    for key in way:
        found = found[int(key)] if isinstance(found, list) else found[key]
    found[last] = value


@pytest.mark.parametrize(("place", "value"), NUMBERS.values(), ids=list(NUMBERS))
def test_a_number_that_is_none_is_refused(board: Board, kit: Any, place: str, value: Any) -> None:
    raw = kit.raw()
    put(raw, place, value)
    assert refused(board, kit.data(raw), kit.card()) - {"unreadable"}


@pytest.mark.parametrize(
    "changes",
    [{"ci_high": 1e14, "ci_low": -5.0}, {"mean_of_all": 1.0}, {"degenerate": 3}, {"clusters": 99}],
)
def test_a_distance_is_held_to_its_range_in_every_field(
    board: Board, kit: Any, changes: Any
) -> None:
    codes = refused(board, kit.data(kit.distance(**changes)), kit.card())
    assert codes & {"out-of-range", "forged-aggregate"}


def test_endless_provenance_is_refused(board: Board, kit: Any) -> None:
    raw = kit.raw()
    raw["provenance"]["x"] = list(range(100_000))
    assert refused(board, kit.data(raw), kit.card()) == {"provenance"}


# -- near-copies ------------------------------------------------------------------------------


def _shift(v: float, _name: str) -> float:
    return v * (1 + 1e-13)


def _shift_more(v: float, _name: str) -> float:
    return v * (1 + 1e-6)


def _common_factor(v: float, _name: str) -> float:
    return v * 1.013


def _every_other(v: float, name: str) -> float:
    return v * (1.05 if name in ("noise", "exposure") else 1 + 1e-9)


NEAR = [_shift, _shift_more, _common_factor, _every_other]


def changed(kit: Any, change: Callable[[float, str], float], seed: int = 1) -> Any:
    report = kit.report(seed)
    for k, video in enumerate(report.videos):
        video.sha256 = f"{k:064x}"
        for name, score in video.scores.items():
            score.value = change(score.value, name)
    return kit.again(report.videos)


@pytest.mark.parametrize("change", NEAR)
@pytest.mark.parametrize("own", [False, True])
def test_nearly_the_scores_of_an_earlier_submission_are_refused(
    board: Board, kit: Any, change: Any, own: bool
) -> None:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    card = kit.card(version="2.0") if own else kit.card(generator="Thief")
    assert refused(board, kit.data(changed(kit, change)), card) == {"near-copy"}


def realistic(
    kit: Any, seed: int, of: int, noise: float, bend: Callable[[float], float] = float
) -> Any:
    """Scores that differ by prompt as those of clips do; `of` and `noise` say whose and how far off."""
    report = kit.report(seed)
    base, draw = np.random.default_rng(of), np.random.default_rng(1000 + seed)
    for k, video in enumerate(report.videos):
        video.sha256 = f"{seed:032x}{k:032x}"
        for score in video.scores.values():
            value = 0.3 * float(base.lognormal(0, 0.4)) * (1 + noise * float(draw.normal()))
            score.value = min(0.99, bend(value))
    return kit.again(report.videos)


@pytest.mark.parametrize("noise", [1e-3, 3e-3, 1e-2])
@pytest.mark.parametrize(
    "bend", [float, lambda v: 1.05 * v, lambda v: v + 0.02, lambda v: v**1.05],
    ids=["as it is", "scaled", "shifted", "bent"],
)  # fmt: skip
def test_a_copy_with_noise_is_refused(
    board: Board, kit: Any, noise: float, bend: Callable[[float], float]
) -> None:
    assert board.submit(kit.data(realistic(kit, 1, 7, 0.0)), kit.card(), "10.0.0.1").accepted
    copied = kit.data(realistic(kit, 2, 7, noise, bend))
    assert refused(board, copied, kit.card(generator="Thief")) == {"near-copy"}
    own = board.submit(copied, kit.card(version="2.0"), "10.0.0.1")
    assert own.accepted  # of one generator only the newest version has a row


def test_generators_that_agree_which_prompts_are_hard_are_no_copies(board: Board, kit: Any) -> None:
    """Two dozen that share three quarters of what prompts do to scores."""
    for seed in range(24):
        report = realistic(kit, seed, 7, 0.25)
        assert board.submit(
            kit.data(report), kit.card(generator=f"Own {seed}"), "10.0.0.1"
        ).accepted


def test_rounded_scores_are_refused(board: Board, kit: Any) -> None:
    report = changed(kit, lambda v, _: float(f"{v:.6g}"))
    assert "rounded-scores" in refused(board, kit.data(report), kit.card())


@pytest.mark.parametrize("noise", [0.0, 1e-12, 1e-6, 1e-3])
def test_one_clip_for_all_prompts_is_refused(board: Board, kit: Any, noise: float) -> None:
    report, draw = kit.report(), np.random.default_rng(0)
    first = report.videos[0].model_copy(deep=True)
    for video in report.videos:
        video.scores = copy.deepcopy(first.scores)
        for score in video.scores.values():
            score.value *= 1 + noise * float(draw.normal())
    codes = refused(board, kit.data(kit.again(report.videos)), kit.card())
    assert codes & {"identical-scores", "repeated-clip", "one-clip"}


def test_independent_clips_hardly_ever_agree(kit: Any) -> None:
    """A thousand clips with six metrics each: no pair of half a million agrees in four."""
    index: dict[int, list[tuple[int, float]]] = {}
    template = kit.report().videos[0]
    draw = np.random.default_rng(0)
    for number in range(1000):
        video = template.model_copy(deep=True)
        for score in video.scores.values():
            score.value = float(draw.lognormal(0, 0.5))
        assert max(equals(cells_near(video), index).values(), default=0) < 4
        for cell, value in marks_of(video):
            index.setdefault(cell, []).append((number, value))


def test_a_pictures_hash_survives_its_drawing_again_and_tells_others_apart() -> None:
    draw = np.random.default_rng(0)
    one, other = (draw.integers(0, 255, (8, 49)).astype(np.uint8) for _ in range(2))
    again = np.clip(one.astype(int) + draw.integers(-3, 4, one.shape), 0, 255).astype(np.uint8)
    hashes = [picture_hash(p) for p in (one, again, other)]
    from miraboard.duplicates import alike

    assert hashes[0] and hashes[1] and hashes[2]
    assert alike(hashes[0], hashes[1]) and not alike(hashes[0], hashes[2])
    assert picture_hash(np.full((8, 49), 7, np.uint8)) is None


# -- names and accounts -----------------------------------------------------------------------

ALIKE = ["Аlpha", "ΑLРНА", "Ａｌｐｈａ", "Alpha ", "Al pha", "ALPHA", "alpha", "A1pha", "AIpha",
         "Alрhа", "𝐀lpha", "Aⅼpha", "Al\u00a0pha"]  # fmt: skip
UNSEEN = ["Al\u200bpha", "\u3164", "Al\u034fpha", "\u2800", "A\ufe0flpha",
          "Al\u00adpha",
          "\u115f", "A\u202elpha", "\u2060Alpha", "Al\u200dpha", "a" + "\u0301" * 9,
          "\U000e0041lpha", " \t "]  # fmt: skip


@pytest.mark.parametrize("name", ALIKE)
def test_a_name_that_looks_like_anothers_is_refused(board: Board, kit: Any, name: str) -> None:
    tokens = [board.register(n, "10.0.0.1") for n in ("first", "second")]
    first, second = (board.sign_in(token, "10.0.0.1") for token in tokens)
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1", account=first).accepted
    card = kit.card(generator=name, version="9")
    assert refused(board, kit.data(kit.report(2)), card, account=second) == {"name-taken"}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_name_that_cannot_be_seen_is_refused(board: Board, kit: Any, name: str) -> None:
    codes = refused(board, kit.data(kit.report()), kit.card(generator=name))
    assert codes & {"card", "control-characters"}


@pytest.mark.parametrize("name", ["demo: renderer", "Demo:x", "DЕМО: best", "ｄｅｍｏ：x"])
def test_the_demonstrations_names_are_reserved(board: Board, kit: Any, name: str) -> None:
    assert refused(board, kit.data(kit.report()), kit.card(generator=name)) == {"reserved-name"}


@pytest.mark.parametrize(
    "name",
    ["हिन्दी वीडियो", "क्\u200dष मॉडल", "Мира 視頻", "한국어", "العربية", "ไทย", "Việt Nam", "தமிழ்"],
)
def test_names_of_every_script_are_taken_as_they_are(board: Board, kit: Any, name: str) -> None:
    answer = board.submit(kit.data(kit.report()), kit.card(generator=name), "10.0.0.1")
    assert answer.accepted, answer.reasons
    assert board.view("tiny").standings[0].generator == name == plain_name(name)


def test_names_that_differ_to_a_reader_differ() -> None:
    names = ["Alpha", "Beta", "Wan 2.1", "Wan 2.2", "é", "e", "日本", "中国"]
    assert len(set(map(skeleton, names))) == len(names)


@pytest.mark.parametrize("version", ["1.0", "1.O", "１.0", "1.0 "])
def test_the_same_version_again_is_refused(board: Board, kit: Any, version: str) -> None:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    card = kit.card(version=version)
    assert refused(board, kit.data(kit.report(2)), card) == {"same-version"}


def test_a_board_that_asks_for_accounts_takes_nothing_without(open_board: Any, kit: Any) -> None:
    board = open_board(accounts="required")
    assert refused(board, kit.data(kit.report()), kit.card()) == {"account"}
    account = board.sign_in(board.register("lab-1", "10.0.0.1"), "10.0.0.1")
    data = kit.data(kit.report())
    assert board.submit(data, kit.card(), "10.0.0.1", account=account).accepted


@pytest.mark.parametrize(
    "name",
    ["", "A", "a b", "-a", "a-", "x" * 40, "admin", "dem0", "hf/me", "ä", "lab", "1ab"],
)  # fmt: skip
def test_an_account_has_a_plain_name_of_its_own(board: Board, name: str) -> None:
    board.register("lab", "10.0.0.9")
    with pytest.raises(SubmissionRefused, match="account"):
        board.register(name, "10.0.0.1")


@pytest.mark.parametrize(
    "token",
    ["", ":", "lab", "lab:", "lab:x", "nobody:x", "é:é", "lab:\ud800", "x" * 10_000],
)  # fmt: skip
def test_a_wrong_token_is_nobody(board: Board, token: str) -> None:
    board.register("lab", "10.0.0.9")
    with pytest.raises(SubmissionRefused, match="token"):
        board.sign_in(token, "10.0.0.1")


def test_a_token_is_kept_nowhere(board: Board) -> None:
    token = board.register("lab", "10.0.0.1")
    assert board.sign_in(f" {token}\n", "10.0.0.1") == "lab"
    database = board.settings.database.removeprefix("sqlite:///")
    for suffix in ("", "-wal"):
        with open(database + suffix, "rb") as file:  # noqa: PTH123  # a name with a suffix
            assert token.partition(":")[2].encode() not in file.read()


def test_a_maintainer_moves_a_name(board: Board, kit: Any) -> None:
    for name in ("first", "second"):
        board.register(name, "10.0.0.1")
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1", account="first").accepted
    board.move(board.settings.token, "Alpha", "second", "10.0.0.1")
    card, data = kit.card(version="2"), kit.data(kit.report(2))
    assert refused(board, data, card, account="first") == {"name-taken"}
    assert board.submit(data, card, "10.0.0.1", account="second").accepted


# -- quotas -----------------------------------------------------------------------------------


def test_wrong_tokens_are_limited_and_the_log_is_not_pushed_out(board: Board) -> None:
    for _ in range(WRONG_TOKENS + 30):
        with pytest.raises(SubmissionRefused):
            board.moderate("wrong", "x", "withdrawn", "because", "10.0.0.1")
    kinds = [e.kind for e in board.store.log()]
    assert (kinds.count("denied"), kinds.count("limited")) == (WRONG_TOKENS, 1)
    with pytest.raises(SubmissionRefused, match="wrong tokens within an hour"):
        board.require_token(board.settings.token, "10.0.0.1")
    board.require_token(board.settings.token, "10.0.0.2")


def test_accounts_are_limited_by_address(board: Board) -> None:
    for k in range(NEW_ACCOUNTS):
        board.register(f"lab-{k}x", "10.0.0.1")
    with pytest.raises(SubmissionRefused, match="accounts a day"):
        board.register("one-more", "10.0.0.1")
    assert board.register("elsewhere", "10.0.0.2")


def test_an_account_is_limited_over_all_its_addresses(open_board: Any, kit: Any) -> None:
    board = open_board(per_hour=3)
    codes = [
        {r.code for r in board.submit(b"{}", kit.card(), f"10.0.0.{k}", account="lab").reasons}
        for k in range(5)
    ]
    assert codes == [{"schema-version"}] * 3 + [{"rate-limit"}] * 2


def test_what_an_account_keeps_is_limited(open_board: Any, kit: Any) -> None:
    board = open_board(megabytes=0)
    assert refused(board, kit.data(kit.report()), kit.card()) == {"storage"}


# -- the log ----------------------------------------------------------------------------------


@pytest.fixture
def logged(board: Board, kit: Any) -> Iterator[Board]:
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1").accepted
    for _ in range(3):
        board.submit(b"{}", kit.card(), "10.0.0.1")
    yield board


def test_a_whole_log_is_whole_and_knows_its_old_heads(logged: Board) -> None:
    head = logged.store.head()
    logged.submit(b"[]", {}, "10.0.0.1")
    found = logged.store.audit(head)
    assert (found.problems, found.lines, found.head) == ((), 5, logged.store.head())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET detail = 'nothing' WHERE id = 2",
        "UPDATE events SET actor = 'x' WHERE id = 1",
        "DELETE FROM events WHERE id = 2",
        "UPDATE events SET hash = NULL, detail = 'x' WHERE id = 2",
        "INSERT INTO events (at, kind, actor, detail, account) VALUES ('2026', 'x', 'y', 'z', '')",
        "UPDATE submissions SET report = x'7b7d'",
        "DELETE FROM submissions",
    ],
)
def test_a_log_that_was_tampered_with_says_so(logged: Board, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(logged.settings.database.removeprefix("sqlite:///")) as connection:
        for table in ("events", "submissions"):
            for verb in ("update", "delete"):
                connection.execute(f"DROP TRIGGER {table}_no_{verb}")
        connection.execute(statement)
    connection.close()
    if statement.startswith("INSERT"):
        logged.submit(b"[]", {}, "10.0.0.1")  # the next line follows the forged one
        assert logged.store.audit().lines == 6
        return
    assert logged.store.audit().problems


def test_a_log_cut_off_at_its_end_has_lost_its_head(logged: Board) -> None:
    import sqlite3

    head = logged.store.head()
    with sqlite3.connect(logged.settings.database.removeprefix("sqlite:///")) as connection:
        connection.execute("DROP TRIGGER events_no_delete")
        connection.execute("DELETE FROM events WHERE id = (SELECT max(id) FROM events)")
    connection.close()
    assert logged.store.audit().problems == ()
    (problem,) = logged.store.audit(head).problems
    assert head in problem


def test_a_lines_hash_is_over_all_it_says() -> None:
    line = {"at": "1", "kind": "k", "submission": None, "actor": "a", "detail": "d", "account": ""}
    hashes = {audit.link(audit.FIRST, {**line, key: "other"}) for key in line}
    assert len(hashes | {audit.link(audit.FIRST, line), audit.link("1" * 64, line)}) == 8
    assert set(line) <= set(schema.events.c.keys())


# -- apart ------------------------------------------------------------------------------------


def test_a_report_is_checked_apart_within_its_time_and_the_next_one_too(
    open_board: Any, kit: Any
) -> None:
    """A good one, a refused one, one that takes too long, and a good one again."""
    board: Board = open_board()
    board.checker = apart = Apart(board.tracks)
    try:
        assert board.submit(kit.data(kit.report(1)), kit.card(), "10.0.0.1").accepted
        assert refused(board, b"[" * 1000, kit.card()) == {"nested"}
        apart._seconds = 0.0
        card = kit.card(generator="Slow")
        assert refused(board, kit.data(kit.report(2)), card) == {"too-slow"}
        apart._seconds = 60.0
        assert board.submit(kit.data(kit.report(2)), card, "10.0.0.1").accepted
    finally:
        apart.close()


def test_what_goes_wrong_in_a_check_is_one_sentence(
    board: Board, kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    from miraboard import checking

    def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError

    monkeypatch.setattr(checking, "check", broken)
    assert refused(board, kit.data(kit.report()), kit.card()) == {"unreadable"}


def test_the_limit_of_bytes_is_looked_at_first() -> None:
    with pytest.raises(SubmissionRefused, match="too-large"):
        parse_json(b"\xff" * (MAX_BYTES + 1))


def test_a_report_is_plain_json_again(kit: Any) -> None:
    assert parse_json(kit.data(kit.report())) == json.loads(kit.data(kit.report()))


# -- a whole server ---------------------------------------------------------------------------


@dataclass(frozen=True)
class Knock:
    """One hostile request."""

    method: str
    path: str
    data: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()


CARD_QUERY = "generator=Forger&version=1.0&track=tiny&licence=MIT&contact=a@b.org"
SENT = f"/api/submissions?{CARD_QUERY}"
ODD_QUERIES = [
    "",
    "track=tiny",
    CARD_QUERY.replace("tiny", "none"),
    CARD_QUERY.replace("Forger", "%00"),
    f"{CARD_QUERY}&links=javascript:x",
    CARD_QUERY.replace("Forger", "demo:+x"),
    CARD_QUERY.replace("Forger", "%3Cscript%3E"),
    CARD_QUERY.replace("1.0", "%E2%80%AE"),
    CARD_QUERY.replace("Forger", "x" * 5000),
    f"{CARD_QUERY}&clips=http://127.0.0.1/",
    f"{CARD_QUERY}&clips=file:///etc/passwd",
    f"{CARD_QUERY}&clips=https://169.254.169.254/latest/",
    f"{CARD_QUERY}&clips=https://huggingface.co@evil.org/",
    f"{CARD_QUERY}&clips=%0d%0aHost:evil",
    f"{CARD_QUERY}&links=" + "&links=".join(["http://a.b"] * 200),
    "%ff=%fe",
    "track[]=tiny",
]
ODD_PATHS = [
    "/api/tracks/none",
    "/api/tracks/..%2f..%2fetc%2fpasswd",
    "/api/tracks/tiny.csv%00",
    "/api/tracks/%3Cscript%3E.csv",
    "/api/submissions/none/report.json",
    "/api/submissions/' OR 1=1--/report.json".replace(" ", "%20"),
    "/api/submissions/..%2f../badge.svg",
    "/api/submissions/none/scoring",
    "/api/submissions/%00/scoring",
    "/api/submissions/" + "a" * 3000 + "/cite.bib",
    "/api/log?limit=-1",
    "/api/log?limit=99999999999999999999",
    "/api/log?before=0",
    "/api/log?before=1e999",
    "/api/log?before=99999999999999999999999",
    "/api/films/x.mp4",
    "/api/films/" + "0" * 64 + ".mp4",
    "/api/films/..%2f..%2fboard.db.mp4",
    "/api/films/%2e%2e/%2e%2e/etc/passwd",
    "/api/films/" + "A" * 64 + ".jpg",
    "/api/films/.jpg",
    "/watch/?track=%00&prompt=%ff&id=%ff%fe",
    "/watch/?id=" + "a," * 4000,
    "/watch/?track=" + "x" * 6000,
    "/watch/../api/log",
    "/watch/watch.js%00",
    "/watch/%2e%2e/board.py",
    "/api/openapi.json/..",
    "//evil.org/",
    "/api//tracks",
    "/api/tracks?x=" + "y" * 7000,
]
ODD_TOKENS = [
    "Bearer lab:wrong",
    "Bearer ",
    "Bearer :",
    "Bearer " + "x" * 5000,
    "Basic YTpi",
    "Bearer lab:%00",
    "Bearer demo:x",
]
ODD_ACCOUNTS = [
    b"",
    b"{}",
    b"[]",
    b'{"name": 1}',
    b'{"name": ""}',
    b'{"name": "admin"}',
    b'{"name": "hf/x"}',
    b"{" * 5000,
    b'{"name": "' + b"x" * 9000 + b'"}',
    b'{"name": "\\u0000"}',
    b"\xff\xfe",
]
ODD_CLIPS = ["none", "%00", "..%2f..", "a" * 12, "' OR 1=1", "0" * 3000]


def knocks(kit: Any) -> list[Knock]:
    """All of them; the log's limits are off, so that every one is looked at."""
    spoilt = []
    for place, value in NUMBERS.values():
        raw = kit.raw()
        put(raw, place, value)
        spoilt.append(kit.data(raw))
    whole = kit.data(kit.report())
    return [
        *(Knock("POST", SENT, make(60_000)) for make in FAMILIES.values()),
        *(Knock("POST", SENT, data) for data in spoilt),
        *(Knock("POST", f"/api/submissions?{query}", whole) for query in ODD_QUERIES),
        *(Knock("GET", path.replace(" ", "%20")) for path in ODD_PATHS),
        *(Knock("POST", SENT, whole, (("Authorization", token),)) for token in ODD_TOKENS),
        *(
            Knock("POST", "/api/accounts", data, (("Content-Type", "application/json"),))
            for data in ODD_ACCOUNTS
        ),
        *(
            Knock("POST", f"/api/submissions/{of.replace(' ', '%20')}/clips", b"x" * 100)
            for of in ODD_CLIPS
        ),
        *(
            Knock(method, "/api/submissions")
            for method in ("PUT", "DELETE", "PATCH", "OPTIONS", "TRACE")
        ),
    ]


@pytest.fixture
def served(open_board: Any, tmp_path: Any) -> Iterator[tuple[Board, int]]:
    """A board behind a real server, its checks apart."""
    board: Board = open_board(clips=tmp_path / "media", accounts="required")
    board.checker = apart = Apart(board.tracks)
    routes = [Mount("/api", app=build_api(board)), Mount("/watch", app=build_watch(board))]
    server = uvicorn.Server(uvicorn.Config(Starlette(routes=routes), port=0, log_level="critical"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)  # waits for the thread, at most
    yield board, server.servers[0].sockets[0].getsockname()[1]
    server.should_exit = True
    thread.join()
    apart.close()


def _answer(port: int, knock: Knock) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request(knock.method, knock.path, knock.data or None, dict(knock.headers))
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def test_a_hundred_and_more_hostile_requests_leave_the_server_as_it_was(
    served: tuple[Board, int], kit: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each is answered without a traceback and leaves no row, and the next honest visitor is served."""
    from miraboard import board as module

    board, port = served
    for limit in ("WRONG_TOKENS", "NEW_ACCOUNTS"):
        monkeypatch.setattr(module, limit, 10_000)
    token = board.register("lab", "10.0.0.9")
    allowed = (("Authorization", f"Bearer {token}"),)
    tried = knocks(kit)
    assert len(tried) >= 100
    for knock in tried:
        headers = knock.headers or (allowed if knock.path.startswith("/api/submissions?") else ())
        status, body = _answer(port, replace(knock, headers=headers))
        assert status < 500, (knock.path[:100], knock.data[:100], body[:300])
        assert b"Traceback" not in body and b"root:" not in body
        if knock.path.startswith("/api/submissions?") and status == 200:
            assert not json.loads(body)["accepted"], (knock.path[:200], knock.data[:200])
        alive, tracks = _answer(port, Knock("GET", "/api/tracks"))
        assert alive == 200 and json.loads(tracks)[0]["name"] == "tiny"
    assert board.view("tiny").standings == () and not board.store.audit().problems
    status, body = _answer(port, Knock("POST", SENT, kit.data(kit.report()), allowed))
    assert status == 200 and json.loads(body)["accepted"]
