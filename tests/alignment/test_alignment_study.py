"""Ratings against rendered videos whose order is known: metrics, baselines, matching, what is left out."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import clipkit
import numpy as np
import pytest

import mirabench
from mirabench.alignment import Alignment, agreement, align
from mirabench.alignment.agreement import spearman
from mirabench.alignment.matching import match
from mirabench.alignment.ratings import Video
from mirabench.alignment.scoring import Running
from mirabench.alignment.study import AlignmentRow
from mirabench.alignment.table import fill_page, markdown
from mirabench.errors import InputError, ReportError, UnknownNameError
from mirabench.video.encode import write_video

SPEEDS = {"slow/a": 0.5, "slow/b": 1.0, "fast/a": 2.0, "fast/b": 3.0, "faster/a": 4.0}
RUNNING = Running(cache=False)


@pytest.fixture(autouse=True, scope="module")
def few_draws() -> Iterator[None]:
    """What is compared is tested here, not how sure it is."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(agreement, "DRAWS", 50)
        yield


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Five pans of two prompts (a, b) by three models, and ratings that are their speed."""
    made = tmp_path_factory.mktemp("rated")
    rows = [("video", "rating", "model", "prompt")]
    for name, dx in SPEEDS.items():
        write_video(made / "videos" / f"{name}.mp4", clipkit.panning(16, dx=dx, size=(96, 64)))
        rows.append((f"{name}.mp4", str(dx), *name.split("/")))
    with (made / "people.csv").open("w", newline="") as file:
        csv.writer(file).writerows(rows)
    return made


@pytest.fixture(scope="module")
def found(folder: Path) -> Alignment:
    return align(
        folder / "people.csv", ["flow_magnitude", "warping_error", "sharpness"],
        videos=folder / "videos", running=RUNNING,
    )  # fmt: skip


@pytest.fixture(scope="module")
def report(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run's folder over the same videos."""
    output = tmp_path_factory.mktemp("report")
    mirabench.evaluate(folder / "videos", metrics=["flow_magnitude"], output=output, cache=False)
    return output


def row(found: Alignment, name: str) -> AlignmentRow:
    return next(r for r in found.rows if r.name == name)


class TestVideos:
    def test_a_metric_that_measures_what_people_rated(self, found: Alignment) -> None:
        agreement = row(found, "flow_magnitude").agreement
        assert agreement.spearman.value == agreement.kendall.value == 1.0
        assert (agreement.accuracy.value, agreement.accuracy.n) == (1.0, 4)
        assert (agreement.model_spearman.value, agreement.model_spearman.n) == (1.0, 3)
        assert (found.matched, found.rated, found.format) == (5, 5, "plain")

    def test_less_is_better_is_turned_round(self, found: Alignment, folder: Path) -> None:
        raw = [
            -mirabench.score(folder / "videos" / f"{name}.mp4", "warping_error", cache=False).value
            for name in SPEEDS
        ]
        expected = spearman(np.array(raw), np.array(list(SPEEDS.values())))
        assert row(found, "warping_error").agreement.spearman.value == expected

    def test_the_baselines(self, found: Alignment) -> None:
        names = [r.name for r in found.rows if r.kind == "baseline"]
        assert names == [
            "flow_magnitude of a static copy", "warping_error of a static copy",
            "sharpness of a static copy", "bitrate", "random",
        ]  # fmt: skip

    def test_a_static_copy_shows_what_one_picture_tells(self, found: Alignment) -> None:
        # no motion: nothing to rank; and what the metric itself calls degenerate does not count
        assert row(found, "flow_magnitude of a static copy").agreement.spearman.value is None
        assert row(found, "warping_error of a static copy").scored == 0
        assert row(found, "warping_error of a static copy").left_out == 5
        assert row(found, "sharpness of a static copy").scored == 5

    def test_says_what_it_rests_on(self, found: Alignment) -> None:
        assert row(found, "flow_magnitude").protocols[0].startswith("flow_magnitude@")
        assert '"seed"' in found.to_json()

    def test_ratings_of_unknown_videos_are_left_out_with_a_warning(
        self, folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        text = (folder / "people.csv").read_text() + "nowhere/z.mp4,5,m,p\n"
        (tmp_path / "more.csv").write_text(text)
        with caplog.at_level("WARNING"):
            found = align(
                tmp_path / "more.csv", ["exposure"], videos=folder / "videos", static=False,
                running=RUNNING,
            )  # fmt: skip
        assert (found.rated, found.matched) == (6, 5)
        assert "1 of 6 rated videos are not in" in caplog.text
        assert "nowhere/z.mp4" in caplog.text

    def test_one_bad_video_does_not_lose_the_others(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "v").mkdir()
        for path in (folder / "videos").rglob("*.mp4"):
            (tmp_path / "v" / f"{path.parent.name}-{path.name}").write_bytes(path.read_bytes())
        (tmp_path / "v" / "slow-a.mp4").write_bytes(b"no video")
        lines = (folder / "people.csv").read_text().replace("/", "-")
        (tmp_path / "r.csv").write_text(lines)
        found = align(
            tmp_path / "r.csv", ["flow_magnitude"], videos=tmp_path / "v", running=RUNNING
        )
        measured = row(found, "flow_magnitude")
        assert (measured.scored, measured.left_out) == (4, 1)
        assert "slow-a" in measured.why

    def test_preferences_of_the_arena(self, folder: Path, tmp_path: Path) -> None:
        head = "prompt,left_model,left_video,right_model,right_video,vote_type\n"
        (tmp_path / "votes.csv").write_text(
            head
            + "a,slow,slow/a.mp4,fast,fast/a.mp4,rightvote\n"
            + "b,fast,fast/b.mp4,slow,slow/b.mp4,leftvote\n"
            + "a,faster,faster/a.mp4,fast,fast/a.mp4,leftvote\n"
            + "a,faster,faster/a.mp4,slow,slow/a.mp4,bothbad_vote\n"
        )
        found = align(
            tmp_path / "votes.csv", ["flow_magnitude"], videos=folder / "videos", static=False,
            running=RUNNING,
        )  # fmt: skip
        agreement = row(found, "flow_magnitude").agreement
        assert (found.format, found.pairs) == ("genai-bench", 4)
        assert (agreement.accuracy.value, agreement.accuracy.n) == (1.0, 3)
        assert agreement.model_spearman.n == 3

    def test_a_metric_that_needs_a_prompt_gets_that_of_the_ratings(
        self, folder: Path, tmp_path: Path
    ) -> None:
        rows = [f"{name}.mp4,{dx},The camera pans right." for name, dx in SPEEDS.items()]
        (tmp_path / "r.csv").write_text("\n".join(["video,rating,prompt", *rows]))
        found = align(
            tmp_path / "r.csv", ["camera_motion_agreement"], videos=folder / "videos",
            static=False, running=RUNNING,
        )  # fmt: skip
        assert row(found, "camera_motion_agreement").scored == 5


class TestReports:
    def test_scores_of_an_earlier_run(self, folder: Path, report: Path) -> None:
        found = align(folder / "people.csv", ["flow_magnitude"], report=report)
        assert row(found, "flow_magnitude").agreement.spearman.value == 1.0
        assert [r.name for r in found.rows] == ["flow_magnitude", "bitrate", "random"]

    def test_a_metric_that_it_lacks(self, folder: Path, report: Path) -> None:
        with pytest.raises(UnknownNameError, match="unknown metric of the report 'sharpness'"):
            align(folder / "people.csv", ["sharpness"], report=report)

    def test_no_report(self, folder: Path, tmp_path: Path) -> None:
        with pytest.raises(ReportError, match="cannot read the report"):
            align(folder / "people.csv", ["sharpness"], report=tmp_path / "none.json")


class TestBadInput:
    def test_no_common_video(self, folder: Path, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("video,rating\nx.mp4,3\n")
        with pytest.raises(
            InputError, match=r"none of the 1 rated videos is in .*name 'x.mp4', there"
        ):
            align(tmp_path / "r.csv", ["exposure"], videos=folder / "videos", running=RUNNING)

    def test_a_metric_that_compares_sets(self, folder: Path) -> None:
        with pytest.raises(
            InputError, match="'handmade_frechet_distance' gives no number for single"
        ):
            align(
                folder / "people.csv", ["handmade_frechet_distance"], videos=folder / "videos",
                running=RUNNING,
            )  # fmt: skip

    def test_an_unknown_metric(self, folder: Path) -> None:
        with pytest.raises(UnknownNameError, match="did you mean sharpness"):
            align(folder / "people.csv", ["sharpnes"], videos=folder / "videos", running=RUNNING)

    @pytest.mark.parametrize("both", [{}, {"videos": "v", "report": "r"}])
    def test_neither_or_both_of_videos_and_report(self, folder: Path, both: dict[str, str]) -> None:
        with pytest.raises(InputError, match="either the videos or a report"):
            align(folder / "people.csv", ["exposure"], **both)  # type: ignore[arg-type]

    def test_no_metric(self, folder: Path) -> None:
        with pytest.raises(InputError, match="at least one metric"):
            align(folder / "people.csv", [], videos=folder / "videos")


class TestMatching:
    PATHS: ClassVar = {
        "v/lavie/color/a cat-0.mp4": 1,
        "v/pika/color/a cat-0.mp4": 2,
        "v/pika/b.gif": 3,
    }

    def test_by_the_file_alone_where_it_is_one(self) -> None:
        assert match({"b": Video("b")}, self.PATHS, "v") == {"b": 3}
        assert match({"x/b.mp4": Video("x/b.mp4")}, self.PATHS, "v") == {"x/b.mp4": 3}

    def test_by_the_longer_common_path(self) -> None:
        name = "lavie/color/a cat-0.mp4"
        assert match({name: Video(name)}, self.PATHS, "v") == {name: 1}

    def test_by_the_models_folder(self) -> None:
        name = "pika/a cat-0.mp4"
        assert match({name: Video(name, "pika")}, self.PATHS, "v") == {name: 2}

    def test_never_by_guessing(self) -> None:
        with pytest.raises(InputError, match="none of the 1 rated videos"):
            match({"a cat-0": Video("a cat-0")}, self.PATHS, "v")


class TestPages:
    def test_the_table_has_a_row_for_each(self, found: Alignment) -> None:
        lines = markdown(found).splitlines()
        assert lines[0].startswith("Ratings of 5 videos (plain, rating)")
        assert len([line for line in lines if line.startswith("| ")]) == 2 + len(found.rows)

    def test_says_how_many_prompts_and_why_there_is_no_number(self, found: Alignment) -> None:
        cells = {line.split(" | ")[0]: line.split(" | ") for line in markdown(found).splitlines()}
        assert cells["| flow_magnitude"][1] == "5 of 2 prompts"
        assert cells["| flow_magnitude of a static copy"][2] == "all the same (n 5)"
        assert cells["| warping_error of a static copy"][1] == "0 (5 without)"

    def test_a_page_is_filled_in_its_place_and_again(
        self, found: Alignment, tmp_path: Path
    ) -> None:
        page = tmp_path / "page.md"
        page.write_text(
            "before\n<!-- begin alignment people -->\nold\n<!-- end alignment people -->\nafter\n"
        )
        fill_page(page, found)
        once = page.read_text()
        assert "old" not in once
        assert markdown(found) in once
        assert once.startswith("before\n")
        assert once.endswith("after\n")
        fill_page(page, found)
        assert page.read_text() == once

    def test_a_page_without_a_place(self, found: Alignment, tmp_path: Path) -> None:
        (tmp_path / "page.md").write_text("nothing")
        with pytest.raises(InputError, match="no place for people"):
            fill_page(tmp_path / "page.md", found)
