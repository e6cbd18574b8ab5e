"""The page shows what the report holds, trusts no text, asks for nothing, and works in a browser."""

from __future__ import annotations

import base64
import hashlib
import math
import re
from pathlib import Path

import browser
import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.inputs.prompts import Prompt
from mirabench.report.charts import (
    MOST_DOTS,
    MOST_POINTS,
    Scale,
    axis_for,
    curve,
    distribution,
    gaps,
    thinned,
    ticks,
)
from mirabench.report.page import render_page
from mirabench.report.page_clips import ClipExtras
from mirabench.video.encode import write_video

EVIL = '<script>alert("x")</script>&"\''


@pytest.fixture(scope="module")
def run_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    for name, dx in (("b-slow", 0.5), ("a-fast", 3.0), ("c-middle", 1.5)):
        write_video(folder / "clips" / f"{name}.mp4", clipkit.panning(frames=20, dx=dx))
    (folder / "clips" / "d-broken.mp4").touch()
    mirabench.evaluate(
        folder / "clips",
        metrics=["warping_error", "flow_magnitude", "camera_motion_agreement"],
        prompts={"a-fast": Prompt("p", EVIL + " pans right")},
        output=folder / "out",
        cache=False,
    )
    return folder / "out"


@pytest.fixture(scope="module")
def page(run_folder: Path) -> str:
    return (run_folder / "report.html").read_text()


def test_every_metric_and_clip_is_there(page: str) -> None:
    for name in ("warping_error", "flow_magnitude", "camera_motion_agreement"):
        assert f'id="metric-{name}"' in page
    for clip in ("a-fast", "b-slow", "c-middle", "d-broken"):
        assert f"<b>{clip}</b>" in page
    assert page.count("data:image/jpeg;base64,") == 3 * 10
    assert "0 bytes" in page


def test_strangers_text_is_escaped(page: str) -> None:
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert" in page


def test_nothing_is_asked_of_any_server(page: str) -> None:
    assert "default-src 'none'" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)[^"']*""", page)
    assert not re.findall(r"url\((?!data:)|@import", page)


def test_the_policy_runs_the_pages_own_script_and_no_other(page: str) -> None:
    (allowed,) = re.findall(r"script-src '(sha256-[^']+)'", page)
    script = page.split("<script>")[1].split("</script>")[0]
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert allowed == f"sha256-{digest}"


def test_each_protocol_is_explained_where_its_link_leads(page: str) -> None:
    links = set(re.findall(r'href="#(protocol-\d+)"', page))
    assert links
    assert all(f'id="{link}"' in page for link in links)


def test_the_same_report_gives_the_same_bytes(run_folder: Path) -> None:
    report = mirabench.load_report(run_folder)
    extras = {v.id: ClipExtras() for v in report.videos}
    assert render_page(report, extras) == render_page(report, extras)


def test_a_report_without_a_single_number_still_renders(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    mirabench.evaluate(tmp_path / "empty.mp4", output=tmp_path / "out")
    text = (tmp_path / "out" / "report.html").read_text()
    assert "▲ partial" in text
    assert not re.search(r">\s*(nan|none|inf)\s*<", text, re.IGNORECASE)


class TestCharts:
    def test_the_middle_of_an_axis_is_drawn_in_the_middle(self) -> None:
        assert Scale(10, 20, 240)(15) == 120
        assert Scale(20, 10, 240)(12.5) == 180
        assert Scale(5, 5, 240)(5) == 120

    def test_an_axis_starts_at_the_metrics_own_end_when_that_is_near(self) -> None:
        assert axis_for([0.2, 0.8], 0.0, 1.0) == (0.0, 1.0)
        low, _ = axis_for([100.0, 101.0], 0.0, None)
        assert low > 90

    def test_an_axis_holds_a_curve_that_leaves_its_metrics_range(self) -> None:
        low, high = axis_for([-0.17, -0.14], 0.0, 1.0)
        assert low < -0.17 < -0.14 < high

    def test_few_clips_are_dots_and_many_a_histogram(self) -> None:
        few = distribution([0.5] * MOST_DOTS, 0.5, None, Scale(0, 1, 240))
        assert (few.count("<circle"), few.count('class="bin"')) == (MOST_DOTS, 0)
        values = [0.05] * MOST_DOTS + [0.95] * (MOST_DOTS // 2)
        many = distribution(values, 0.35, (0.2, 0.5), Scale(0, 1, 240))
        assert many.count("<circle") == 0
        # the tallest bin is twenty high, the one of half as many clips ten
        assert re.findall(r'class="bin".*?height="([\d.]+)"', many) == ["20", "10"]

    def test_a_curve_breaks_at_a_gap(self) -> None:
        seconds = np.array([0.0, 1.0, 2.0, 6.0, 7.0])
        drawn = curve(seconds, np.arange(5.0), 8.0, (0.0, 4.0), (0.0, 0.0))
        assert 'd="M0 0L1 1L2 2M6 3L7 4"' in drawn
        assert gaps(seconds).tolist() == [6.0]

    def test_a_single_moment_is_a_dot(self) -> None:
        drawn = curve(np.array([2.0]), np.array([1.0]), 4.0, (0.0, 2.0), (2.0, 1.0))
        assert 'class="point" d="M500.0 30.0h.01"' in drawn

    @pytest.mark.parametrize("duration", [0.0, 0.04, 0.66, 1.0, 7.3, 60.0, 601.0])
    def test_ticks_are_few_and_within_the_clip(self, duration: float) -> None:
        found = ticks(duration)
        assert 1 <= len(found) <= 11
        assert found[0] == 0 and found[-1] <= duration

    def test_thinning_keeps_the_spike(self) -> None:
        seconds, values = np.arange(5000.0), np.zeros(5000)
        values[3141] = 7.0
        few_seconds, few = thinned(seconds, values)
        assert len(few) <= MOST_POINTS
        assert few.max() == 7.0
        assert few_seconds[few.argmax()] == 3141


@pytest.mark.browser
def test_in_a_real_browser(run_folder: Path) -> None:
    problems: list[str] = []
    asked: list[str] = []
    with browser.opened() as chromium:
        tab = chromium.new_page()
        tab.on("console", lambda message: problems.append(message.text))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.on("request", lambda request: asked.append(request.url))
        tab.goto((run_folder / "report.html").as_uri())

        def order() -> list[str]:
            return tab.locator("#table tbody th").all_inner_texts()

        assert order() == ["a-fast", "b-slow", "c-middle", "d-broken"]
        tab.get_by_role("button", name="flow magnitude").click()
        assert order() == ["b-slow", "c-middle", "a-fast", "d-broken"]
        tab.get_by_role("button", name="flow magnitude").click()
        assert order() == ["a-fast", "c-middle", "b-slow", "d-broken"]

        tab.locator("#filter").fill("slow")
        assert tab.locator("#table tbody tr:visible").count() == 1
        tab.locator("#filter").fill("")
        assert tab.locator("#state option").all_inner_texts() == [
            "all clips (4)",
            "with failures (1)",
        ]
        tab.locator("#state").select_option("failed")
        assert tab.locator("#table tbody tr:visible th").all_inner_texts() == ["d-broken"]
        tab.locator("#state").select_option("")

        first = tab.locator("details.clip").first
        assert not first.locator(".filmstrip").is_visible()
        tab.locator("#table tbody th a", has_text="a-fast").click()
        first.locator(".filmstrip img").first.wait_for(state="visible")
        resting = first.locator(".reading").first.inner_text()
        first.locator(".curve").first.hover(position={"x": 100, "y": 10})
        assert first.locator(".reading").first.inner_text() != resting

        before = tab.evaluate("getComputedStyle(document.body).backgroundColor")
        tab.get_by_role("button", name="Switch between light and dark").click()
        assert tab.evaluate("getComputedStyle(document.body).backgroundColor") != before
    assert problems == []
    assert all(url.startswith(("file:", "data:")) for url in asked)


@pytest.mark.parametrize("value", [0.1 + 0.2, -7.3e5, 0.0, 5e-324, 1e-12])
@pytest.mark.parametrize("low", [None, 0.0])
def test_many_clips_that_differ_in_the_last_digit_have_a_distribution(
    value: float, low: float | None
) -> None:
    values = [value, math.nextafter(value, math.inf)] * 100
    ends = axis_for(values, low, None)
    picture = distribution(values, value, None, Scale(*ends, 240.0))
    assert 1 <= picture.count('class="bin"') <= 2  # the middle may be a border
