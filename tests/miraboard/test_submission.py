"""What the board refuses, and with which reason. Each case spoils a valid report in one way."""

from __future__ import annotations

import copy
import gzip
import io
import json
import zipfile
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mirabench.report.model import Report
from miraboard.board import Board
from miraboard.card import read_card
from miraboard.guard import MAX_BYTES, MAX_DEPTH, SubmissionRefused, measure, parse_json
from miraboard.submission import check

Raw = dict[str, Any]


def codes(board: Board, data: bytes, fields: dict[str, Any]) -> set[str]:
    outcome = board.submit(data, fields, "10.0.0.1")
    assert not outcome.accepted
    assert all(len(r.text) > 10 for r in outcome.reasons)
    assert board.view("tiny").standings == ()
    assert board.store.log()[0].kind == "refused"
    return {r.code for r in outcome.reasons}


def test_a_valid_report_is_accepted_and_in_the_table(board: Board, kit: Any) -> None:
    outcome = board.submit(kit.data(kit.report()), kit.card(), "10.0.0.1")
    assert outcome.accepted, outcome.reasons
    (standing,) = board.view("tiny").standings
    assert standing.id == outcome.id
    assert board.view("tiny").badge(outcome.id) == "recomputed"


# -- rows -------------------------------------------------------------------------------------


def first(raw: Raw) -> Raw:
    video: Raw = raw["videos"][0]
    return video


def _mean(raw: Raw) -> None:
    raw["summary"]["sharpness"]["mean"] += 0.01


def _mean_in_the_last_digits(raw: Raw) -> None:
    raw["summary"]["sharpness"]["mean"] *= 1 + 1e-6


def _interval(raw: Raw) -> None:
    raw["summary"]["noise"]["ci_low"] -= 0.01


def _no_interval(raw: Raw) -> None:
    raw["summary"]["noise"]["ci_low"] = raw["summary"]["noise"]["ci_high"] = None


def _coverage(raw: Raw) -> None:
    del first(raw)["scores"]["sharpness"]
    first(raw)["failures"]["sharpness"] = "no"


def _score(raw: Raw) -> None:
    first(raw)["scores"]["sharpness"]["value"] = 0.99


def _direction(raw: Raw) -> None:
    raw["summary"]["noise"]["higher_is_better"] = True


def _dimension(raw: Raw) -> None:
    raw["summary"]["noise"]["dimension"] = "text alignment"


def _partial(raw: Raw) -> None:
    raw["partial"] = True


def _missing_prompt(raw: Raw) -> None:
    raw["videos"].pop()


def _other_prompt_text(raw: Raw) -> None:
    first(raw)["prompt"] = "An easier prompt."


def _foreign_prompt(raw: Raw) -> None:
    first(raw)["prompt_id"] = "p99"


def _no_prompt(raw: Raw) -> None:
    first(raw)["prompt_id"] = None


def _extra_clip(raw: Raw) -> None:
    more = copy.deepcopy(first(raw))
    more["id"], more["sha256"] = "p0-extra", "ab" * 32
    raw["videos"].append(more)


def _same_file_twice(raw: Raw) -> None:
    raw["videos"][1]["sha256"] = first(raw)["sha256"]


def _same_id_twice(raw: Raw) -> None:
    raw["videos"][1]["id"] = first(raw)["id"]


def _same_scores_twice(raw: Raw) -> None:
    raw["videos"][1]["scores"] = first(raw)["scores"]


def _no_digest(raw: Raw) -> None:
    first(raw)["sha256"] = None


def _digest_of_nothing(raw: Raw) -> None:
    first(raw)["sha256"] = "0xBEEF"


def _impossible_size(raw: Raw) -> None:
    first(raw)["width"] = -320


def _impossible_length(raw: Raw) -> None:
    first(raw)["duration_seconds"] = 400.0


def _out_of_range(raw: Raw) -> None:
    first(raw)["scores"]["sharpness"]["value"] = 1.7


def _negative_error(raw: Raw) -> None:
    first(raw)["scores"]["warping_error"]["value"] = -0.5


def _unknown_metric(raw: Raw) -> None:
    first(raw)["scores"]["beauty"] = first(raw)["scores"]["sharpness"]


def _unknown_summary(raw: Raw) -> None:
    raw["summary"]["beauty"] = raw["summary"]["sharpness"]


def _dropped_metric(raw: Raw) -> None:
    del raw["summary"]["noise"]
    raw["skipped"]["noise"] = "too noisy"


def _untold_metric(raw: Raw) -> None:
    raw["skipped"].clear()


def _static_that_counts(raw: Raw) -> None:
    first(raw)["health"]["static"] = "no frame differs from the first"


def _consistency_alone(raw: Raw) -> None:
    for video in raw["videos"]:
        del video["scores"]["flow_magnitude"]
        video["failures"]["flow_magnitude"] = "not run"


def _invented_flag(raw: Raw) -> None:
    first(raw)["health"]["gorgeous"] = "very"


def _scored_though_unreadable(raw: Raw) -> None:
    first(raw)["error"] = "no such file"


def _told_twice(raw: Raw) -> None:
    first(raw)["failures"]["noise"] = ", yet"


def _climbs_out(raw: Raw) -> None:
    first(raw)["path"] = "../../etc/passwd"


def _climbs_out_by_id(raw: Raw) -> None:
    first(raw)["id"] = "..\\..\\windows\\system32"


def _absolute_id(raw: Raw) -> None:
    first(raw)["id"] = "/etc/passwd"


def _wrong_digest(raw: Raw) -> None:
    raw["suite"]["digest"] = "0" * 16


def _wrong_version(raw: Raw) -> None:
    raw["suite"]["version"] += 1


def _newer_schema(raw: Raw) -> None:
    raw["schema_version"] = "2.0"


def _unknown_field(raw: Raw) -> None:
    raw["verified"] = True


def _text_for_number(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["value"] = "a lot"


def _own_status(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["status"] = "superb"


def _other_metrics_protocol(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["protocol"] = first(raw)["scores"]["sharpness"]["protocol"]


def _unexplained_protocol(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["protocol"] = "noise@1:0123456789"


def _edited_description(raw: Raw) -> None:
    key = first(raw)["scores"]["noise"]["protocol"]
    raw["protocols"][key]["features"] = {}


def _unused_protocol(raw: Raw) -> None:
    raw["protocols"]["beauty@1:0123456789"] = {"metric": "beauty"}


def _reference_is_ours(raw: Raw) -> None:
    raw["reference"] = [{"id": "r", "path": "r.mp4", "sha256": first(raw)["sha256"], "error": None}]


def _script_in_reason(raw: Raw) -> None:
    raw["skipped"]["handmade_frechet_distance"] = "<script>alert(1)</script>"


def _script_in_key(raw: Raw) -> None:
    raw["provenance"]["<img src=x onerror=alert(1)>"] = 1


def _script_address(raw: Raw) -> None:
    first(raw)["path"] = "javascript:alert(1)"


def _entity(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["why"] = "&#60;script&#62;"


def _invisible(raw: Raw) -> None:
    first(raw)["id"] = "p0\u202egp4"


def _endless_text(raw: Raw) -> None:
    first(raw)["scores"]["noise"]["why"] = "x" * 10_000


def _infinite_in_provenance(raw: Raw) -> None:
    raw["provenance"]["x"] = float("inf")


SPOILED: dict[Callable[[Raw], None], str] = {
    _mean: "forged-aggregate",
    _mean_in_the_last_digits: "forged-aggregate",
    _interval: "forged-aggregate",
    _no_interval: "forged-aggregate",
    _coverage: "forged-aggregate",
    _score: "forged-aggregate",
    _partial: "forged-aggregate",
    _direction: "metric-description",
    _dimension: "metric-description",
    _missing_prompt: "missing-prompts",
    _other_prompt_text: "changed-prompt",
    _foreign_prompt: "unknown-prompt",
    _no_prompt: "unknown-prompt",
    _extra_clip: "uneven-prompts",
    _same_file_twice: "duplicate-clip",
    _same_id_twice: "duplicate-id",
    _same_scores_twice: "identical-scores",
    _no_digest: "clip-digest",
    _digest_of_nothing: "clip-digest",
    _impossible_size: "clip-facts",
    _impossible_length: "clip-facts",
    _out_of_range: "out-of-range",
    _negative_error: "out-of-range",
    _unknown_metric: "unknown-metric",
    _unknown_summary: "unknown-metric",
    _dropped_metric: "missing-metric",
    _untold_metric: "missing-metric",
    _static_that_counts: "counts-degenerate",
    _consistency_alone: "consistency-alone",
    _invented_flag: "health",
    _scored_though_unreadable: "scored-error",
    _told_twice: "told-twice",
    _climbs_out: "path",
    _climbs_out_by_id: "path",
    _absolute_id: "path",
    _wrong_digest: "wrong-suite",
    _wrong_version: "wrong-suite",
    _newer_schema: "schema-version",
    _unknown_field: "schema",
    _text_for_number: "schema",
    _own_status: "schema",
    _other_metrics_protocol: "swapped-protocol",
    _unexplained_protocol: "unknown-protocol",
    _edited_description: "protocol-digest",
    _unused_protocol: "swapped-protocol",
    _reference_is_ours: "reference-clip",
    _script_in_reason: "markup",
    _script_in_key: "markup",
    _script_address: "markup",
    _entity: "markup",
    _invisible: "control-characters",
    _endless_text: "text-too-long",
    _infinite_in_provenance: "not-finite",
}


@pytest.mark.parametrize(
    ("spoil", "code"), SPOILED.items(), ids=[f.__name__.strip("_") for f in SPOILED]
)
def test_a_spoiled_report_is_refused(
    board: Board, kit: Any, spoil: Callable[[Raw], None], code: str
) -> None:
    raw = kit.raw()
    spoil(raw)
    assert code in codes(board, kit.data(raw), kit.card())


DISTANCES: dict[str, tuple[dict[str, Any], str]] = {
    "negative": ({"mean": -3.0, "ci_low": -4.0, "ci_high": -2.0}, "out-of-range"),
    "outside-its-interval": ({"mean": 9.0}, "forged-aggregate"),
    "half-an-interval": ({"ci_low": None}, "forged-aggregate"),
    "of-more-clips-than-there-are": ({"n": 800}, "forged-aggregate"),
    "of-one-clip": ({"n": 1, "coverage": 1 / 8}, "forged-aggregate"),
    "failed-with-a-value": ({"status": "failed"}, "forged-aggregate"),
    "without-protocol": ({"protocols": []}, "unused-protocol"),
}


@pytest.mark.parametrize(("changes", "code"), DISTANCES.values(), ids=list(DISTANCES))
def test_an_impossible_distance_is_refused(
    board: Board, kit: Any, changes: dict[str, Any], code: str
) -> None:
    assert code in codes(board, kit.data(kit.distance(**changes)), kit.card())


def test_a_possible_distance_is_accepted(board: Board, kit: Any) -> None:
    assert board.submit(kit.data(kit.distance()), kit.card(), "10.0.0.1").accepted


def test_a_protocol_of_another_decoder_is_refused(board: Board, kit: Any) -> None:
    """Consistent in itself, id and all: only it was measured in another way."""
    from mirabench.identity import digest_of

    report: Report = kit.report()
    old = report.videos[0].scores["noise"].protocol
    description = {**report.protocols.pop(old), "decoder": ["array"]}
    new = f"{old.partition(':')[0]}:{digest_of(description, 10)}"
    report.protocols[new] = description
    for video in report.videos:
        video.scores["noise"].protocol = new
    report.summary["noise"].protocols = [new]
    assert codes(board, kit.data(report), kit.card()) == {"other-protocol"}


# -- bytes ------------------------------------------------------------------------------------


def _zip(data: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("report.json", data)
    return buffer.getvalue()


BYTES: dict[str, tuple[Callable[[bytes], bytes], str]] = {
    "nan": (lambda d: d.replace(b'"width": 320', b'"width": NaN', 1), "not-finite"),
    "infinity": (lambda d: d.replace(b'"fps": 24.0', b'"fps": -Infinity', 1), "not-finite"),
    "overflow": (lambda d: d.replace(b'"fps": 24.0', b'"fps": 1e999', 1), "not-finite"),
    "endless-integer": (
        lambda d: d.replace(b'"width": 320', b'"width": ' + b"9" * 5000, 1), "endless-number"
    ),
    "300-megabytes": (lambda d: b" " * 300_000_000, "too-large"),
    "nested": (lambda d: b"[" * 1_000_000, "nested"),
    "nested-in-provenance": (
        lambda d: d.replace(b'"0.1.0"', b'{"a":' * 5000 + b"1" + b"}" * 5000), "nested"
    ),
    "zip": (_zip, "compressed"),
    "zip-bomb": (lambda d: gzip.compress(b"[" * 10_000_000), "compressed"),
    "not-json": (lambda d: d[:-200], "not-json"),
    "not-utf8": (lambda d: b"\xff\xfe" + d, "not-utf8"),
    "list": (lambda d: b"[]", "not-json"),
    "empty": (lambda d: b"", "not-json"),
    "key-twice": (
        lambda d: d.replace(b'"partial": false', b'"partial": true, "partial": false'),
        "duplicate-key",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("change", "code"), BYTES.values(), ids=list(BYTES))
def test_spoiled_bytes_are_refused(
    board: Board, kit: Any, change: Callable[[bytes], bytes], code: str
) -> None:
    before = kit.data(kit.report())
    after = change(before)
    assert after != before
    assert codes(board, after, kit.card()) == {code}


# -- card -------------------------------------------------------------------------------------

CARDS: dict[str, dict[str, Any]] = {
    "script-in-name": {"generator": "<script>alert(1)</script>"},
    "handler-in-name": {"generator": '" onmouseover="alert(1)'},
    "sql-in-name": {"generator": "x'; DROP TABLE submissions; --"},
    "path-in-name": {"generator": "../../../etc/passwd"},
    "formula-in-name": {"generator": "=HYPERLINK(1)"},
    "invisible-name": {"generator": "Al\u200bpha"},
    "no-name": {"generator": "   "},
    "endless-name": {"generator": "x" * 100},
    "no-contact": {"contact": ""},
    "script-link": {"links": ["javascript:alert(1)"]},
    "quote-in-link": {"links": ['https://example.org/"onclick="x']},
    "file-link": {"links": ["file:///etc/passwd"]},
    "many-links": {"links": ["https://example.org"] * 7},
    "unknown-field": {"verified": True},
    "unknown-track": {"track": "easier"},
    "number-for-version": {"version": 3},
}


@pytest.mark.parametrize("changes", CARDS.values(), ids=list(CARDS))
def test_a_spoiled_card_is_refused(board: Board, kit: Any, changes: dict[str, Any]) -> None:
    found = codes(board, kit.data(kit.report()), kit.card(**changes))
    assert found & {"card", "markup", "control-characters", "unknown-track"}


def test_a_name_in_any_script_is_welcome(board: Board, kit: Any) -> None:
    card = kit.card(generator="Мира 視頻 v2 (beta)", links=["https://example.org/a?b=c#d"])
    assert board.submit(kit.data(kit.report()), card, "10.0.0.1").accepted


# -- properties -------------------------------------------------------------------------------


@given(st.binary(max_size=300))
def test_no_bytes_do_anything_but_parse_or_be_refused(data: bytes) -> None:
    try:
        assert isinstance(parse_json(data), dict)
    except SubmissionRefused as refusal:
        assert refusal.reasons


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
)


@given(json_values)
def test_depth_is_that_of_the_parsed_value(value: Any) -> None:
    def deep(v: Any) -> int:
        inner = v.values() if isinstance(v, dict) else v if isinstance(v, list) else None
        return 0 if inner is None else 1 + max(map(deep, inner), default=0)

    assert measure(json.dumps(value).encode()).depth == deep(value)


@settings(max_examples=40)
@given(data=st.data())
def test_any_changed_number_of_a_summary_is_noticed(
    kit: Any, track: Any, data: st.DataObject
) -> None:
    raw = kit.raw()
    name = data.draw(st.sampled_from(sorted(raw["summary"])))
    summary = raw["summary"][name]
    key = data.draw(st.sampled_from([k for k, v in summary.items() if isinstance(v, float | int)]))
    old = summary[key]
    summary[key] = (not old) if isinstance(old, bool) else old + data.draw(st.integers(1, 9))
    with pytest.raises(SubmissionRefused):
        check(kit.data(raw), read_card(kit.card()), {"tiny": track})


def test_limits_leave_room_for_a_full_report(kit: Any) -> None:
    per_clip = len(kit.data(kit.report())) / len(kit.track.prompts)
    assert per_clip * 21 / 6 * 2_000 < MAX_BYTES * 2
    assert measure(kit.data(kit.report())).depth < MAX_DEPTH / 2
