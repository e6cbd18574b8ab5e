"""Pages of many clips: constant at first sight, all clips within reach, strangers' text inert."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import clipkit
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from reportkit import clip, report

from mirabench.features.api import FeatureTable, as_table
from mirabench.features.film_strip import StripPicture
from mirabench.files import encoded
from mirabench.metrics.api import Curve
from mirabench.report import page_data
from mirabench.report.files import write_run
from mirabench.report.model import Report
from mirabench.report.page import SINGLE_FILE_CLIPS, page_files, render_page
from mirabench.report.page_clips import ClipExtras
from mirabench.report.page_data import DATA_FILE, MOST_BYTES, PageFile, inert
from mirabench.report.page_pack import LEAST_PICTURES, Budget, fitted, packed, points_for
from mirabench.report.table import number

EVIL = "</script><script>globalThis.pwned = 1</script><img src=x onerror='pwned=1'>&\u2028\u2029\"\\\x00é"
SURROGATE = "caf\udce9"
BUDGET = 20_000_000 / 5_000
"""Bytes that 5,000 clips leave for each, page and data together."""


def strip_of(seed: int = 0) -> FeatureTable:
    """Ten noisy pictures: the worst that a film strip can hold."""
    rng = np.random.default_rng(seed)
    noise = rng.integers(0, 256, (10, 90, 160, 3), np.uint8)
    files = [cv2.imencode(".jpg", pixels)[1].tobytes() for pixels in noise]
    ends = np.cumsum([len(file) for file in files])
    return as_table(
        seconds=np.arange(10.0), jpeg=np.frombuffer(b"".join(files), np.uint8), ends=ends
    )


STRIP = strip_of()
WAVE = Curve(np.linspace(0, 10, 400), np.sin(np.arange(400.0)) * 3 + 2)


def many(clips: int, **changes: Any) -> Report:
    """Every 7th clip failed, every 11th is degenerate and flagged; sharpness falls with the position."""
    videos = []
    for i in range(clips):
        failed = ("sharpness",) if i % 7 == 3 else ()
        degenerate = ("flow_magnitude",) if i % 11 == 5 else ()
        scores = {"flow_magnitude": 1 / (i + 3.1), "camera_motion": 1e5 * i}
        if not failed:
            scores["sharpness"] = 1 - i / 1000
        one = clip(
            f"clip-{i:05d}", f"p{i}", text=f"prompt number {i}: a boat passes", failed=failed,
            degenerate=degenerate, **scores,
        )  # fmt: skip
        one.duration_seconds, one.width, one.height, one.fps, one.num_frames = (
            10.0,
            64,
            48,
            24.0,
            240,
        )
        one.health = {"frozen": "all frames are the same"} if degenerate else {}
        videos.append(one)
    return report(videos)


def extras_of(found: Report) -> dict[str, ClipExtras]:
    one = ClipExtras(STRIP, {"sharpness": WAVE, "flow_magnitude": WAVE})
    return {video.id: one for video in found.videos}


def written(folder: Path, found: Report, extras: dict[str, ClipExtras] | None = None) -> Path:
    write_run(folder, found, page_files(found, extras or {}), {})
    return folder / "report.html"


def records(files: list[PageFile], kind: str) -> list[Any]:
    """All records of a kind, in order."""
    texts = [f.text for f in files if f.name.startswith(f"report-data/{kind}-")]
    return [r for text in texts for r in json.loads(text[text.index("[") : text.rindex("]") + 1])]


class TestSize:
    def test_a_page_of_few_clips_is_one_self_contained_file(self) -> None:
        found = many(SINGLE_FILE_CLIPS)
        (page,) = page_files(found, extras_of(found))
        assert page == ("report.html", render_page(found, extras_of(found)))
        assert page.text.count("data:image/jpeg") == 10 * SINGLE_FILE_CLIPS

    def test_the_page_does_not_grow_with_the_clips(self) -> None:
        sizes, nodes = [], []
        for clips in (200, 1000):
            *_, page = page_files(many(clips), {})
            sizes.append(len(page.text))
            nodes.append(len(re.findall(r"<[a-z]", page.text)))
        assert abs(nodes[1] - nodes[0]) < 60, "a histogram has up to 30 bars"
        assert abs(sizes[1] - sizes[0]) < 5_000

    def test_a_clip_of_five_thousand_fits_its_share(self) -> None:
        found = many(300)
        names = [f"metric-{i}" for i in range(17)]
        for video in found.videos:
            video.scores = dict.fromkeys(names, video.scores["flow_magnitude"])
        found.summary = dict.fromkeys(names, found.summary["flow_magnitude"])
        budget = Budget.of(5_000)
        extras = ClipExtras(STRIP, dict.fromkeys(names, WAVE))
        taken = 0
        for video in found.videos:
            one = page_data._Clip(found, video, extras, names)
            taken += len(inert(one.record({}, budget))) + len(
                inert(page_data.row_record(video, names))
            )
        assert taken / 300 < BUDGET * 0.95

    def test_the_share_of_a_clip_falls_to_a_floor(self) -> None:
        budgets = [Budget.of(clips) for clips in (51, 200, 1_000, 5_000, 100_000)]
        assert budgets == sorted(budgets, reverse=True)
        assert sum(budgets[-1]) < BUDGET * 0.75

    def test_files_are_bounded_and_hold_all_clips_once(self) -> None:
        found = many(400)
        *data, page = page_files(found, extras_of(found))
        assert page.name == "report.html"
        assert len(data) > 5
        for file in data:
            assert DATA_FILE.fullmatch(file.name.removeprefix("report-data/"))
            assert len(file.text) < MOST_BYTES + 1000
        rows = records(data, "rows")
        assert [row[0] for row in rows] == [v.id for v in found.videos]
        assert len(records(data, "clips")) == 400

    def test_a_clip_larger_than_a_file_has_its_own(self) -> None:
        found = many(60)
        found.videos[30].prompt = "x" * (MOST_BYTES + 1)
        *data, _ = page_files(found, {})
        rows = [file for file in data if "/rows-" in file.name]
        assert len(rows) == 3
        assert len(records([rows[1]], "rows")) == 1

    def test_files_are_given_one_by_one(self) -> None:
        found = many(400)
        asked: list[str] = []

        class Extras(dict[str, ClipExtras]):
            def get(self, key: str, default: Any = None) -> Any:
                asked.append(key)
                return ClipExtras(STRIP, {"sharpness": WAVE})

        files: Iterator[PageFile] = page_files(found, Extras())
        next(files)
        assert 0 < len(asked) < 200, "the first file is there before all clips were looked at"

    def test_the_same_report_gives_the_same_files(self) -> None:
        found = many(120)
        assert list(page_files(found, extras_of(found))) == list(
            page_files(found, extras_of(found))
        )

    def test_of_many_reference_clips_some_are_named_the_broken_ones_first(self) -> None:
        from mirabench.report.model import ReferenceRecord

        found = many(3)
        found.reference = [ReferenceRecord(id=f"real-{i}", path="r") for i in range(5000)]
        found.reference[4000].error = "0 bytes"
        page = render_page(found, {})
        assert page.count("<li>real-") == 50
        assert "<li>real-4000: ▲ 0 bytes</li>" in page
        assert "These are 50 of 5000" in page


class TestText:
    @given(st.lists(st.text(st.characters(exclude_categories=())), max_size=4))
    def test_any_text_comes_back_and_holds_nothing_that_a_parser_could_take(
        self, texts: list[str]
    ) -> None:
        found = inert(texts)
        assert json.loads(found) == texts
        assert found.isascii()
        assert not set("<>&") & set(found)
        assert all(c.isprintable() for c in found)

    def test_every_place_of_strangers_text_is_inert_in_the_files(self) -> None:
        found = many(60)
        for video in found.videos:
            for name in ("id", "path", "prompt", "error"):
                setattr(video, name, EVIL + SURROGATE + video.id)
            video.failures = {"sharpness": EVIL}
            video.health = {"frozen": EVIL}
        *data, page = page_files(found, {})
        for file in data:
            assert file.text.isascii()
            assert not set("<>&") & set(file.text)
        assert "<script>globalThis" not in page.text
        assert records(data, "rows")[0][0] == found.videos[0].id
        encoded(page.text).decode("utf-8")


class TestFitting:
    def test_strips_that_fit_are_kept_as_they_are(self) -> None:
        strip = [StripPicture(0.0, b"any"), StripPicture(1.0, b"thing")]
        assert [base64.b64decode(s.data) for s in fitted(strip, 100)] == [b"any", b"thing"]

    @pytest.mark.parametrize("budget", [LEAST_PICTURES, 3_500, 9_999])
    def test_strips_that_do_not_become_small_pictures_within_the_budget(self, budget: int) -> None:
        table = strip_of(1)
        ends = [0, *table["ends"].tolist()]
        data = table["jpeg"].tobytes()
        strip = [StripPicture(float(i), data[ends[i] : ends[i + 1]]) for i in range(10)]
        found = fitted(strip, budget)
        assert len(found) == max(1, budget // LEAST_PICTURES)
        assert sum(len(still.data) for still in found) <= budget
        smooth = clipkit.panning(frames=1, size=(160, 90))[0]
        jpeg = cv2.imencode(".jpg", cv2.GaussianBlur(smooth, (9, 9), 2))[1].tobytes() * 1
        (one,) = fitted([StripPicture(0.0, jpeg)], LEAST_PICTURES)
        assert len(one.data) <= LEAST_PICTURES

    def test_a_wide_picture_stays_small(self) -> None:
        wide = np.full((90, 4000, 3), 128, np.uint8)
        wide[:, ::2] = np.random.default_rng(0).integers(0, 256, (90, 2000, 3), np.uint8)
        jpeg = cv2.imencode(".jpg", wide)[1].tobytes()
        (one,) = fitted([StripPicture(0.0, jpeg)], LEAST_PICTURES)
        assert len(one.data) <= LEAST_PICTURES

    def test_what_is_no_picture_is_left_out(self) -> None:
        assert fitted([StripPicture(0.0, b"x" * 9_000), StripPicture(1.0, b"")], 1_000) == []
        assert fitted([], 1_000) == []

    def test_a_packed_curve_keeps_its_extremes(self) -> None:
        values = np.zeros(3000)
        values[1234], values[2000] = 7.0, -3.0
        found = packed(Curve(np.arange(3000.0), values), 3000.0, 20)
        assert (found.low, found.high) == (-3.0, 7.0)
        assert len(found.points) <= 4 * 20
        assert "//" in [found.points[i + 2 : i + 4] for i in range(0, len(found.points), 4)]

    def test_a_packed_curve_keeps_its_gaps(self) -> None:
        seconds = np.array([0.0, 1.0, 2.0, 6.0, 7.0])
        assert packed(Curve(seconds, np.arange(5.0)), 8.0, 300).starts == [3]

    def test_a_flat_curve_and_a_clip_without_length_are_drawn(self) -> None:
        assert packed(Curve(np.array([0.0]), np.array([2.0])), 0.0, 8).points == "AAAA"

    def test_many_curves_share_what_a_clip_may_take(self) -> None:
        assert points_for(2, 1_200) == 136
        assert points_for(17, 1_900) * 17 * 4 <= 1_900
        assert (points_for(1000, 1_200), points_for(1, 100_000)) == (8, 300)


CLIPS = 120


@pytest.fixture(scope="module")
def found() -> Report:
    found = many(CLIPS)
    found.videos[110].id = EVIL + "110"
    found.videos[110].prompt = EVIL
    found.videos[110].failures = {"sharpness": EVIL}
    found.videos[110].path = SURROGATE
    found.videos[110].scores.pop("sharpness", None)
    return found


@pytest.fixture(scope="module")
def page(found: Report, tmp_path_factory: pytest.TempPathFactory) -> Path:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(page_data, "MOST_BYTES", 2_000)
        folder = tmp_path_factory.mktemp("paged")
        path = written(folder / "a folder # 1", found, extras_of(found))
    assert len(list(path.parent.glob("report-data/rows-*"))) > 3
    return path


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser.opened() as opened:
        yield opened


@pytest.fixture
def tab(chromium: Any, page: Path) -> Iterator[Any]:
    tab = chromium.new_page()
    problems: list[str] = []
    asked: list[str] = []
    tab.on("console", lambda message: problems.append(message.text))
    tab.on("pageerror", lambda error: problems.append(str(error)))
    tab.on("request", lambda request: asked.append(request.url))
    tab.goto(page.as_uri())
    yield tab
    assert problems == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
    tab.close()


def until(tab: Any, expression: str) -> None:
    """Wait for a claim about the page; its policy forbids playwright's own way, which evaluates text."""
    for _ in range(200):
        if tab.evaluate(expression):
            return
        tab.wait_for_timeout(50)
    raise AssertionError(f"never came true: {expression}")


@pytest.mark.browser
class TestInABrowser:
    """Three pages of rows, in several small files."""

    @staticmethod
    def ids(tab: Any) -> list[str]:
        found: list[str] = tab.locator("#table tbody th").all_inner_texts()
        return found

    def test_nothing_is_loaded_before_it_is_asked_for(self, tab: Any, page: Path) -> None:
        assert tab.evaluate("performance.getEntriesByType('resource').length") == 0
        assert len(self.ids(tab)) == SINGLE_FILE_CLIPS
        assert tab.locator("#place").inner_text() == "1 to 50 of 120 clips"

    def test_nodes_do_not_grow_with_the_clips(
        self, tab: Any, chromium: Any, tmp_path: Path
    ) -> None:
        nodes = tab.evaluate("document.querySelectorAll('*').length")
        other = chromium.new_page()
        more = many(3 * CLIPS)
        other.goto(written(tmp_path, more).as_uri())
        assert abs(other.evaluate("document.querySelectorAll('*').length") - nodes) < 50
        other.close()

    def test_pages_turn_and_show_the_numbers_of_the_report(self, tab: Any, found: Report) -> None:
        tab.get_by_role("button", name="Next").click()
        tab.get_by_text("51 to 100 of 120 clips").wait_for()
        names = [name for name, s in found.summary.items()]
        heads = [h.replace(" ", "_") for h in tab.locator("#table thead th").all_inner_texts()]
        for row, video in zip(
            tab.locator("#table tbody tr").all(), found.videos[50:100], strict=True
        ):
            texts = row.locator("th, td").all_inner_texts()
            assert texts[0] == video.id
            for name in names:
                text = texts[heads.index(name)]
                if name in video.scores:
                    assert text.removesuffix(" ◆") == number(video.scores[name].value)
                    assert text.endswith("◆") == (video.scores[name].status == "degenerate")
                else:
                    assert text == "▲ failed"
        tab.get_by_role("button", name="Last").click()
        tab.get_by_text("101 to 120 of 120 clips").wait_for()
        assert tab.get_by_role("button", name="Next").is_disabled()

    def test_search_and_choice_look_at_all_clips(self, tab: Any, found: Report) -> None:
        tab.locator("#filter").fill("Number 117:")
        tab.get_by_text("1 of 120 clips", exact=True).wait_for()
        assert self.ids(tab) == ["clip-00117"]
        tab.locator("#filter").fill("")
        failed = [v.id for v in found.videos if v.failures]
        degenerate = [v.id for v in found.videos if v.health]
        for key, words, expected in (
            ("failed", "with failures", failed),
            ("degenerate", "with degenerate scores", degenerate),
            ("flag:frozen", "frozen", degenerate),
        ):
            assert f"{words} ({len(expected)})" in tab.locator("#state").inner_text()
            tab.locator("#state").select_option(key)
            tab.locator("#shown", has_text=f"{len(expected)} of 120 clips").wait_for()
            until(tab, f"document.querySelectorAll('#table tbody tr').length === {len(expected)}")
            assert [text.split("</script>")[0] for text in self.ids(tab)] == [
                text.split("</script>")[0] for text in expected
            ]
        tab.locator("#filter").fill("nobody")
        tab.get_by_text("no clip", exact=True).wait_for()

    def test_heads_sort_all_clips_and_those_without_a_number_come_last(
        self, tab: Any, found: Report
    ) -> None:
        scored = {
            v.id: v.scores["sharpness"].value for v in found.videos if "sharpness" in v.scores
        }
        for click in (1, -1):
            tab.get_by_role("button", name="sharpness").click()
            expected = sorted(scored, key=lambda name, sign=click: sign * scored[name])  # type: ignore[misc]
            tab.locator("#table tbody tr:first-child th", has_text=expected[0]).wait_for()
            assert self.ids(tab) == expected[:50]
        tab.get_by_role("button", name="Last").click()
        tab.get_by_text("101 to 120").wait_for()
        assert tab.locator("#table tbody tr:last-child").inner_text().count("failed") == 1

    def test_a_clip_opens_by_its_link_wherever_it_is(self, tab: Any, page: Path) -> None:
        for position in (117, 3, 49, 50):
            tab.goto(page.as_uri() + f"#clip-{position}")
            opened = tab.locator(f"#clip-{position}")
            opened.locator(".scores").wait_for()
            assert opened.locator("summary b").inner_text() == f"clip-{position:05d}"
            assert f"prompt number {position}:" in opened.inner_text()
            until(tab, f"document.activeElement.parentElement.id === 'clip-{position}'")
        tab.reload()
        tab.locator("#clip-50 .scores").wait_for()
        tab.goto(page.as_uri() + "#clip-999")
        assert len(self.ids(tab)) == 50

    def test_a_clip_opens_by_keyboard_and_its_curves_can_be_read(self, tab: Any) -> None:
        first = tab.locator("details.clip").first
        assert first.locator(".filmstrip").count() == 0
        first.locator("summary").focus()
        tab.keyboard.press("Enter")
        first.locator(".filmstrip img").first.wait_for(state="visible")
        until(tab, "[...document.images].every(i => i.complete && i.naturalWidth > 0)")
        assert first.locator(".curve").count() == 2
        resting = first.locator(".reading").first.inner_text()
        first.locator(".curve").first.hover(position={"x": 100, "y": 10})
        read = re.fullmatch(
            r"([\d.e+-]+) at ([\d.]+) s", first.locator(".reading").first.inner_text()
        )
        assert read and resting.startswith("worst")
        at = int(np.argmin(abs(WAVE.seconds - float(read[2]))))
        assert WAVE.values[max(0, at - 1) : at + 2].min() - 0.01 <= float(read[1])
        assert float(read[1]) <= WAVE.values[max(0, at - 1) : at + 2].max() + 0.01

    def test_a_clip_says_what_the_self_contained_page_says(
        self, tab: Any, chromium: Any, found: Report, page: Path, tmp_path: Path
    ) -> None:
        whole = tmp_path / "whole.html"
        extras = extras_of(found)
        whole.write_bytes(encoded(render_page(found, extras)))
        other = chromium.new_page()
        for position in (16, 17, 110):
            texts = []
            for side, path in ((tab, page), (other, whole)):
                side.goto(path.as_uri() + f"#clip-{position}")
                side.locator(f"#clip-{position} .scores tbody").wait_for()
                shown = side.locator(f"#clip-{position}").inner_text()
                shown = shown.replace("\x00", "")  # a parser of HTML leaves it out
                words = re.findall(r"[^\s,◆▲○]+|[◆▲○]", shown.replace("\\udce9", SURROGATE[-1]))
                texts.append(sorted(words))
            assert texts[0] == texts[1]
        other.close()

    def test_strangers_text_is_shown_and_does_nothing(self, tab: Any, page: Path) -> None:
        tab.goto(page.as_uri() + "#clip-110")
        opened = tab.locator("#clip-110")
        opened.locator(".scores").wait_for()
        assert tab.evaluate("globalThis.pwned") is None
        assert "</script><script>globalThis.pwned = 1</script>" in opened.inner_text()
        assert opened.locator("script, img[src=x]").count() == 0

    def test_a_page_without_its_folder_says_what_is_missing(
        self, chromium: Any, page: Path, tmp_path: Path
    ) -> None:
        alone = tmp_path / "report.html"
        alone.write_bytes(page.read_bytes())
        tab = chromium.new_page()
        tab.goto(alone.as_uri())
        tab.get_by_role("button", name="Next").click()
        tab.get_by_text("keep the folder report-data beside this page").wait_for()
        assert len(self.ids(tab)) == 50
        tab.close()

    def test_without_scripts_the_summary_and_the_first_clips_are_there(
        self, chromium: Any, page: Path
    ) -> None:
        context = chromium.new_context(java_script_enabled=False)
        tab = context.new_page()
        tab.goto(page.as_uri())
        assert tab.locator("table.metrics tbody tr").count() == 3
        assert tab.locator("#table tbody tr").count() == 50
        assert "first 50 of 120 clips" in tab.locator("noscript").inner_text()
        assert not tab.locator("#pages").is_visible()
        context.close()
