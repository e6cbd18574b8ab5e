"""The page shows every difference and the pictures that are left, trusts no text, and asks for nothing."""

from __future__ import annotations

import re
import shutil
from dataclasses import replace
from pathlib import Path

import browser
import clipkit
import pytest
from reportkit import clip, report

import mirabench
from mirabench.compare.build import compare
from mirabench.compare.model import Comparison
from mirabench.compare.page import render_page
from mirabench.compare.runs import Run, read_runs
from mirabench.compare.strips import MOST_PAIRS, MOST_PROMPTS, strips_of
from mirabench.inputs.prompts import Prompt
from mirabench.video.encode import write_video

EVIL = '<script>alert("x")</script>&"\''


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs over two prompts, with their feature cache; the second is blurred."""
    folder = tmp_path_factory.mktemp("films")
    prompts = {name: Prompt(name, f"{EVIL} {name}") for name in ("dog", "cat")}
    for run, sigma in (("base", 0.0), ("new", 2.0)):
        for seed, name in enumerate(prompts):
            film = clipkit.blur(clipkit.panning(frames=8, size=(96, 64), seed=seed), sigma)
            write_video(folder / run / f"{name}-seed-0.mp4", film)
        mirabench.evaluate(
            folder / run, metrics=["sharpness"], prompts=prompts, output=folder / f"{run}-out",
            cache=folder / "cache",
        )  # fmt: skip
    return folder


@pytest.fixture
def runs(films: Path) -> list[Run]:
    return read_runs([films / "base-out", films / "new-out"])


@pytest.fixture
def found(runs: list[Run]) -> Comparison:
    return compare(runs)


def test_pictures_come_from_the_cache(
    films: Path, runs: list[Run], found: Comparison, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("mirabench.features.film_strip.open_video", None)  # so it cannot be called
    strips = strips_of(found, runs, films / "cache")
    assert len(strips) == 4
    assert all(len(s.pictures) == 8 and not s.why for s in strips.values())
    page = render_page(found, runs, strips)
    assert page.count("data:image/jpeg;base64,") == 4 * 8


def test_without_the_cache_they_come_from_the_videos(
    films: Path, runs: list[Run], found: Comparison
) -> None:
    assert strips_of(found, runs, None) == strips_of(found, runs, films / "cache")


def test_pictures_that_are_gone_are_said_to_be(
    films: Path, runs: list[Run], found: Comparison, tmp_path: Path
) -> None:
    for video in runs[1].report.videos:
        video.path = str(tmp_path / "moved.mp4")
    strips = strips_of(found, runs, tmp_path / "empty cache")
    page = render_page(found, runs, strips)
    assert page.count("data:image/jpeg;base64,") == 2 * 8
    assert page.count("not in the feature cache, and") == 2


def test_another_film_under_the_same_name_is_not_shown(
    films: Path, runs: list[Run], found: Comparison, tmp_path: Path
) -> None:
    for video in runs[1].report.videos:
        video.path = str(shutil.copy(films / "base" / "dog-seed-0.mp4", tmp_path))
    strips = strips_of(found, runs, None)
    assert "is not the file any more" in strips["new-out", "dog-seed-0"].why


def test_every_metric_and_verdict_is_there(runs: list[Run], found: Comparison) -> None:
    page = render_page(found, runs, {})
    assert "sharpness" in page
    assert "○ open" in page
    assert "Overall:" in page
    assert "intervals need at least 5 prompts" in page
    assert "2 prompts cannot show any difference" in page
    assert "Where they differ most" in page


def test_strangers_text_is_escaped(runs: list[Run], found: Comparison) -> None:
    page = render_page(found, runs, {})
    assert "<script" not in page
    assert "&lt;script&gt;alert" in page


def test_a_run_may_have_any_name(runs: list[Run]) -> None:
    named = [replace(runs[0], name=EVIL), runs[1]]
    assert "<script" not in render_page(compare(named), named, {})


def test_nothing_is_asked_of_any_server(runs: list[Run], found: Comparison) -> None:
    page = render_page(found, runs, {})
    assert "default-src 'none'; style-src 'sha256-" in page
    assert not re.findall(r"""(?:src|href)\s*=\s*["'](?!data:|#)[^"']*""", page)
    assert not re.findall(r"url\((?!data:)|@import|style=", page)


def test_the_same_comparison_gives_the_same_bytes(runs: list[Run], found: Comparison) -> None:
    assert render_page(found, runs, {}) == render_page(compare(runs), runs, {})


def test_a_comparison_without_a_single_number_still_renders() -> None:
    frozen = report([clip("x", "x", sharpness=1.0, degenerate=["sharpness"])])
    named = [Run("a", frozen), Run("b", frozen)]
    page = render_page(compare(named), named, {})
    assert "◆ nothing to compare" in page
    assert "No prompt differs." in page
    assert not re.search(r">\s*(nan|none|inf)\s*<", page, re.IGNORECASE)


def test_of_many_prompts_and_seeds_the_page_shows_some() -> None:
    def many(shift: float) -> Run:
        clips = [
            clip(f"p{i}/seed-{s}", f"p{i}", sharpness=0.5 + shift * (1 + i))
            for i in range(12) for s in range(4)
        ]  # fmt: skip
        return Run(str(shift), report(clips))

    named = [many(0.0), many(0.01)]
    page = render_page(compare(named), named, {})
    assert page.count('class="prompt-card"') == MOST_PROMPTS
    assert page.count(f"{MOST_PAIRS} of 4 pairs of this prompt are shown") == MOST_PROMPTS
    assert page.index("<h4>p11</h4>") < page.index("<h4>p10</h4>")
    assert "<h4>p0</h4>" not in page


def test_the_page_does_not_grow_with_the_clips() -> None:
    def page(clips: int) -> str:
        def run(name: str, shift: float) -> Run:
            paired = [clip(f"p{i}", f"p{i}", sharpness=i % 17 / 20 + shift) for i in range(clips)]
            alone = [clip(f"{name}-{i}", f"{name}-{i}", sharpness=0.5) for i in range(clips)]
            return Run(name, report(paired + alone))

        named = [run("a", 0.0), run("b", 0.01)]
        return render_page(compare(named), named, {})

    small, large = page(100), page(400)
    assert abs(len(large) - len(small)) < 2_000
    assert "and 350 more, in compare.json" in large


@pytest.mark.browser
def test_a_browser_draws_it_in_light_and_dark(
    films: Path, runs: list[Run], found: Comparison, tmp_path: Path
) -> None:
    path = tmp_path / "compare.html"
    path.write_text(render_page(found, runs, strips_of(found, runs, films / "cache")))
    complaints: list[str] = []
    paper = {}
    with browser.opened() as chromium:
        for scheme in ("light", "dark"):
            page = chromium.new_page(viewport={"width": 390, "height": 800}, color_scheme=scheme)
            page.on("console", lambda message: complaints.append(message.text))
            page.goto(path.as_uri())
            paper[scheme] = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert page.evaluate("document.documentElement.scrollWidth") == 390
            assert page.evaluate("[...document.images].every(i => i.naturalWidth > 0)")
    assert not complaints
    assert paper["light"] != paper["dark"]


def test_the_band_of_the_error_budget_stands_beside_the_interval(runs: list[Run]) -> None:
    page = render_page(compare(runs, bands={"sharpness": 0.25}), runs, {})
    assert page.count("error budget ±0.2500") == 1
    assert "error budget ±" not in render_page(compare(runs), runs, {})
