"""A comparison says what the scores say, leaves out what says nothing, and refuses what does not compare."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import BaseModel
from reportkit import clip, report

from mirabench.compare.build import compare
from mirabench.compare.model import (
    Comparison,
    Contrast,
    Difference,
    LeftOut,
    PairRecord,
    RunRecord,
    Side,
)
from mirabench.compare.runs import Run, read_runs
from mirabench.compare.statistics import LEVEL
from mirabench.errors import InputError, ReportError, UnknownNameError
from mirabench.report.model import Report, VideoRecord


def clips(count: int = 12, shift: float = 0.0, **more: float) -> list[VideoRecord]:
    """One clip a prompt: sharpness rises from 0.30 in hundredths, and every third scatters."""
    return [
        clip(f"p{i}/seed-0", f"p{i}", sharpness=0.30 + i / 100 + shift * (1 + i % 3 / 10), **more)
        for i in range(count)
    ]


def between(a: Report, b: Report, **options: bool) -> Comparison:
    return compare([Run("base", a), Run("new", b)], **options)  # type: ignore[arg-type]


def sharpness(found: Comparison) -> Difference:
    return found.contrasts[0].metrics["sharpness"]


class TestVerdicts:
    def test_more_of_what_is_good_is_better(self) -> None:
        found = sharpness(between(report(clips()), report(clips(shift=0.1))))
        assert found.verdict == "better"
        assert found.mean == pytest.approx(0.11)
        assert found.mean_b - found.mean_a == pytest.approx(found.mean)
        assert found.p == 2 / 2**12

    def test_the_other_way_round_is_worse(self) -> None:
        found = between(report(clips(shift=0.1)), report(clips()))
        assert sharpness(found).verdict == "worse"
        assert found.worse

    def test_less_of_what_is_bad_is_better(self) -> None:
        a = [clip(f"p{i}", f"p{i}", noise=3.0 + i) for i in range(12)]
        b = [clip(f"p{i}", f"p{i}", noise=2.0 + i) for i in range(12)]
        assert between(report(a), report(b)).contrasts[0].metrics["noise"].verdict == "better"

    def test_a_run_like_itself_shows_no_difference(self) -> None:
        found = sharpness(between(report(clips()), report(clips())))
        assert (found.verdict, found.mean, found.p) == ("equivalent", 0, 1)

    def test_five_prompts_can_show_nothing(self) -> None:
        found = sharpness(between(report(clips(5)), report(clips(5, shift=0.1))))
        assert found.verdict == "open"
        assert "it takes 6" in found.why

    def test_one_prompt_can_show_nothing(self) -> None:
        found = sharpness(between(report(clips(1)), report(clips(1, shift=0.1))))
        assert (found.verdict, found.p, found.ci_low) == ("open", None, None)
        assert "1 prompt cannot show any difference in 1 test," in found.why

    def test_more_tests_need_more_prompts(self) -> None:
        more = {"noise": 1.0, "exposure": 0.5}
        found = between(report(clips(7, **more)), report(clips(7, shift=0.1, **more)))
        # 3 tests at 2 / 2^7 each, times 3, are below 0.05; with 6 prompts they would not be
        assert sharpness(found).p_holm == pytest.approx(3 * 2 / 2**7)
        assert sharpness(found).verdict == "better"
        found = between(report(clips(6, **more)), report(clips(6, shift=0.1, **more)))
        assert sharpness(found).verdict == "open"
        assert "6 prompts cannot show any difference in 3 tests" in sharpness(found).why

    def test_fewer_metrics_are_fewer_tests(self) -> None:
        more = {"noise": 1.0, "exposure": 0.5}
        runs = [
            Run("a", report(clips(6, **more))),
            Run("b", report(clips(6, shift=0.1, **more))),
        ]
        found = compare(runs, metrics=["sharpness"])
        assert list(found.contrasts[0].metrics) == ["sharpness"]
        assert sharpness(found).verdict == "better"

    def test_all_runs_are_corrected_together(self) -> None:
        runs = [Run(n, report(clips(8, shift=s))) for n, s in (("a", 0), ("b", 0.1), ("c", 0.2))]
        found = compare(runs)
        ps = [c.metrics["sharpness"].p_holm for c in found.contrasts]
        assert ps == pytest.approx([2 * 2 / 2**8] * 2)

    def test_prompts_not_clips_are_counted(self) -> None:
        def seeds(shift: float) -> Report:
            return report([
                clip(f"p{i}/seed-{s}", f"p{i}", sharpness=0.3 + i / 100 + shift)
                for i in range(4) for s in range(10)
            ])  # fmt: skip

        found = sharpness(between(seeds(0.0), seeds(0.1)))
        assert (found.n, found.prompts) == (40, 4)
        assert found.verdict == "open"
        assert found.ci_low is None


class TestWhatIsLeftOut:
    def test_degenerate_and_failed_scores_are_counted_by_side(self) -> None:
        a, b = clips(), clips(shift=0.1)
        a[0] = clip("p0/seed-0", "p0", sharpness=9.0, degenerate=["sharpness"])
        b[0] = clip("p0/seed-0", "p0", sharpness=9.0, degenerate=["sharpness"])
        b[1] = clip("p1/seed-0", "p1", sharpness=-9.0, degenerate=["sharpness"])
        b[2] = clip("p2/seed-0", "p2", failed=["sharpness"])
        found = sharpness(between(report(a), report(b)))
        assert (found.n, found.prompts, found.left_out.pairs) == (9, 9, 3)
        assert (found.left_out.degenerate_a, found.left_out.degenerate_b) == (1, 2)
        assert (found.left_out.failed_a, found.left_out.failed_b) == (0, 1)
        assert found.mean == pytest.approx(0.11)

    def test_nothing_left_is_said(self) -> None:
        frozen = [clip("x", "x", sharpness=1.0, degenerate=["sharpness"])]
        found = sharpness(between(report(frozen), report(frozen)))
        assert found.verdict == "nothing to compare"
        assert found.mean is None and found.p is None
        assert "no pair of clips" in found.why

    def test_clips_without_a_partner_are_named(self) -> None:
        found = between(report(clips(8)), report(clips(7))).contrasts[0]
        assert found.only_a == ["p7/seed-0"]
        assert found.only_b == []
        assert found.paired == {"prompt and seed": 7}

    def test_distances_have_no_test(self) -> None:
        a = report(clips(), distances={"fid": 30.0})
        b = report(clips(), distances={"fid": 20.0})
        found = between(a, b).contrasts[0].metrics["fid"]
        assert (found.a.mean, found.b.mean) == (30.0, 20.0)
        assert (found.b.ci_low, found.b.ci_high) == (19.0, 21.0)
        assert found.verdict == "no test"
        assert "no paired test is possible" in found.why

    def test_a_metric_of_one_run_only_is_said(self) -> None:
        found = between(report(clips(noise=1.0)), report(clips()))
        assert found.remarks == ["only base has noise"]
        assert list(found.contrasts[0].metrics) == ["sharpness"]

    def test_other_libraries_are_said(self) -> None:
        a, b = report(clips()), report(clips())
        a.provenance["libraries"] = {"av": "1", "numpy": "2"}
        b.provenance["libraries"] = {"av": "3", "numpy": "2"}
        assert between(a, b).remarks == ["base and new were made with av 1 and 3"]


class TestRefusals:
    def test_other_suites(self) -> None:
        with pytest.raises(ReportError, match=r"mine v1 \(aaaaaaaaaa\).*--across"):
            between(report(clips(), digest="a" * 10), report(clips()))

    def test_other_protocols_say_what_differs(self) -> None:
        a = [clip("x", "x", sharpness=1.0, protocol="old")]
        b = [clip("x", "x", sharpness=1.0, protocol="new")]
        known = {"decoder": ["pyav-rgb24"], "version": 1}
        ours = report(a, protocols={"sharpness@old": known})
        theirs = report(b, protocols={"sharpness@new": known | {"decoder": ["array"]}})
        with pytest.raises(ReportError, match="sharpness was not measured in the same way in base and new: "
                           "decoder pyav-rgb24 and array;"):  # fmt: skip
            between(ours, theirs)

    def test_across_shows_them_apart_and_tests_the_rest(self) -> None:
        a = report(clips(), digest="a" * 10)
        b = clips(shift=0.1)
        for video, other in zip(a.videos, b, strict=True):
            video.scores["noise"] = clip("", noise=1.0, protocol="old").scores["noise"]
            other.scores["noise"] = clip("", noise=2.0, protocol="new").scores["noise"]
        a = report(a.videos, digest="a" * 10)
        found = between(a, report(b), across=True).contrasts[0].metrics
        assert found["noise"].verdict == "no test"
        assert "not measured in the same way" in found["noise"].why
        assert found["noise"].mean is found["noise"].p is None
        assert (found["noise"].a.mean, found["noise"].b.mean) == (1.0, 2.0)
        assert found["sharpness"].verdict == "better"

    def test_nothing_in_common(self) -> None:
        with pytest.raises(ReportError, match="no prompt and no clip id in common"):
            between(report([clip("a", "a", noise=1.0)]), report([clip("b", "b", noise=1.0)]))

    def test_prompts_in_common_but_no_seed(self) -> None:
        a, b = (report([clip(f"x/seed-{s}", "x", noise=1.0)]) for s in (1, 2))
        with pytest.raises(ReportError, match="share prompts, but no clip of one prompt and seed"):
            between(a, b)

    def test_an_unknown_metric(self) -> None:
        runs = [Run("a", report(clips())), Run("b", report(clips()))]
        with pytest.raises(UnknownNameError, match="did you mean sharpness"):
            compare(runs, metrics=["sharpnes"])


class TestReading:
    def test_runs_are_named_by_what_tells_them_apart(self, tmp_path: Path) -> None:
        paths = [tmp_path / "runs" / name / "out" / "report.json" for name in ("a", "b")]
        for path in paths:
            path.parent.mkdir(parents=True)
            path.write_text(report(clips()).to_json())
        assert [run.name for run in read_runs([paths[0], paths[1].parent])] == ["a", "b"]

    def test_the_same_file_twice(self, tmp_path: Path) -> None:
        (tmp_path / "report.json").write_text(report(clips()).to_json())
        (tmp_path / "link").symlink_to(tmp_path)
        for other in (tmp_path / "report.json", tmp_path / "link"):
            with pytest.raises(InputError, match="are the same file"):
                read_runs([tmp_path, other])

    def test_a_single_report(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="needs two reports"):
            read_runs([tmp_path])


def test_prompts_are_ordered_by_how_much_they_differ() -> None:
    a, b = clips(8), clips(8)
    b[5].scores["sharpness"].value += 0.5
    b[2].scores["sharpness"].value -= 0.1
    found = between(report(a), report(b)).contrasts[0]
    assert found.most_different == ["prompt:p5", "prompt:p2"]
    assert found.metrics["sharpness"].by_prompt["prompt:p5"] == pytest.approx(0.5)


def test_the_file_reads_back_and_repeats_to_the_byte() -> None:
    found = between(report(clips()), report(clips(shift=0.1)))
    assert Comparison.model_validate_json(found.to_json()) == found
    assert between(report(clips()), report(clips(shift=0.1))).to_json() == found.to_json()
    assert found.method["level"] == LEVEL


@pytest.mark.parametrize(
    "kind", [Comparison, RunRecord, Contrast, PairRecord, Difference, Side, LeftOut]
)
def test_the_docs_have_every_field(kind: type[BaseModel]) -> None:
    page = (Path(__file__).resolve().parents[2] / "docs" / "compare.md").read_text()
    section = page.split(f"### `{kind.__name__}`")[1].split("\n### ")[0]
    assert not {name for name in kind.model_fields if f"`{name}`" not in section}
