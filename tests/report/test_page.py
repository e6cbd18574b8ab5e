"""The page shows what the report holds, trusts no text, asks for nothing, and works in a browser."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.prompts import Prompt
from mirabench.report.charts import MOST_POINTS, Scale, axis_for, thinned
from mirabench.report.page import ClipExtras, render_page
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

    def test_thinning_keeps_the_spike(self) -> None:
        seconds, values = np.arange(5000.0), np.zeros(5000)
        values[3141] = 7.0
        few_seconds, few = thinned(seconds, values)
        assert len(few) <= MOST_POINTS
        assert few.max() == 7.0
        assert few_seconds[few.argmax()] == 3141


@pytest.mark.browser
def test_in_a_real_browser(run_folder: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.skip("no Chromium on this machine")
    sync_api = pytest.importorskip("playwright.sync_api")
    flags = [
        "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
        "--disable-background-networking", "--disable-component-update",
    ]  # fmt: skip
    problems: list[str] = []
    asked: list[str] = []
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        tab = browser.new_page()
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
        browser.close()
    assert problems == []
    assert all(url.startswith(("file:", "data:")) for url in asked)
