"""The conformance kit: our metrics pass it, and each of its checks catches somebody."""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import culprits
import pytest

from mirabench import registry
from mirabench.errors import InputError, UnknownNameError
from mirabench.features.api import weights_of
from mirabench.inputs.prompts import Prompt
from mirabench.metrics import temporal
from mirabench.metrics.api import ClipFormula, Metric
from mirabench.suites.api import MetricChoice
from mirabench.testing.conformance import (
    CHECKS,
    DECLARED,
    MEASURED,
    Bench,
    CheckResult,
    assert_conforms,
    check_metric,
    find_metrics,
)


def built_in() -> list[Metric]:
    found = [MetricChoice(name).build() for name in registry.names(registry.METRICS)]
    return [metric for metric in found if type(metric).__module__.startswith("mirabench.")]


def learned(metric: Metric) -> bool:
    return any(weights_of(ref.resolve()) for ref in metric.spec.needs.values())


ASK_FOR_LONGER_FILMS = (
    "thumbnail_lag_similarity", "thumbnail_lag_drift", "thumbnail_lag_return", "revisit_error",
)  # fmt: skip
"""Metrics that say nothing of the bench's clips of 2/3 s; their own tests show rate, size and damage."""


def families() -> dict[str, list[Metric]]:
    """Metrics without weights by the features that they share, so that each is computed once."""
    found: dict[str, list[Metric]] = defaultdict(list)
    for metric in built_in():
        if not learned(metric):
            found["+".join(sorted({r.name for r in metric.spec.needs.values()}))].append(metric)
    return found


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench() as shared:
        yield shared


@pytest.fixture
def features(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The culprits' features and two of their metrics, registered as a package would, unlicensed."""
    facts = tmp_path / "culprits-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: culprits\nVersion: 1.0\n\nNothing."
    )
    lines = [f"{name} = culprits:{kind}" for name, kind in culprits.FEATURES.items()]
    (facts / "entry_points.txt").write_text(
        "\n".join(
            ["[mirabench.features]", *lines, "[mirabench.metrics]", "unblemished = culprits:Honest"]
        )
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    registry.refresh()
    yield
    registry.refresh()


def verdicts(metric: Metric, bench: Bench) -> dict[str, CheckResult]:
    return {result.check: result for result in check_metric(metric, bench)}


class TestOurMetrics:
    @pytest.mark.parametrize("family", families().values(), ids=families().keys())
    def test_without_weights_pass_every_check_that_applies(
        self, family: list[Metric], bench: Bench
    ) -> None:
        for metric in family:
            found = check_metric(metric, bench)
            assert [r.check for r in found] == list(CHECKS)
            assert [str(r) for r in found if r.verdict == "fail"] == []
            skipped = {r.check for r in found if r.verdict == "skipped"}
            if metric.spec.name not in ASK_FOR_LONGER_FILMS:
                assert skipped <= {"prompt", "curve"}, "a metric of ours declares its behaviour"

    @pytest.mark.parametrize(
        "metric", [m for m in built_in() if learned(m)], ids=lambda metric: metric.spec.name
    )
    def test_with_weights_say_which_are_missing(
        self, metric: Metric, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path))
        monkeypatch.setenv("HF_HOME", str(tmp_path))
        found = verdicts(metric, bench)
        assert [str(found[c]) for c in DECLARED if found[c].verdict != "pass"] == []
        for name in MEASURED:
            assert found[name].verdict == "skipped"
            assert "mirabench weights" in found[name].text


CASES = [
    (culprits.Nameless, "spec", "'No Name' is not a lower-case identifier; the summary is empty"),
    (culprits.Rangeless, "spec", "is not (low, high)"),
    (culprits.Flagless, "spec", "blakc in degenerate_when is not a health flag"),
    (culprits.Undegradable, "spec", "'melt', which mirabench.testing.degrade lacks"),
    (culprits.Scopeless, "spec", "scope 'set' goes with compare()"),
    (culprits.Needy, "features", "did you mean pulse"),
    (culprits.Mutable, "parameters", "not frozen"),
    (culprits.Plain, "parameters", "not a dataclass"),
    (culprits.Odd, "parameters", "the parameter 'table'"),
    (culprits.Moody, "determinism", "a second run gives"),
    (culprits.Chunky, "chunks", "pushing 1 frames at a time"),
    (culprits.Placed, "workers", "another process gives"),
    (culprits.Wide, "resolution", "half the size turns 320 into 160"),
    (culprits.Counting, "frame rate", "half the frame rate turns 16 into 8"),
    (culprits.Hasty, "degenerate", "a one-frame clip crashes it (unexpected IndexError"),
    (culprits.Dividing, "degenerate", "a black clip crashes it (the computation gave nan"),
    (culprits.Blind, "merit", "name the health flag 'static'"),
    (culprits.Dark, "merit", "name the health flag 'black'"),
    (culprits.Beyond, "range", "outside [0, 1]"),
    (culprits.Backwards, "direction", "is the direction right?"),
    (culprits.Deaf, "prompt", "raise NotApplicable"),
    (culprits.Crooked, "curve", "3 times go with 2 values"),
    (culprits.Late, "curve", "leave the clip"),
    (culprits.Scratching, "inputs", "the metric changes a feature's table"),
    (culprits.Scribbling, "inputs", "the feature scribble changes the frames"),
    (culprits.Calling, "network", "it reached for weights.example"),
    (culprits.Hoarding, "memory", "the feature hoard keeps"),
]


class TestAStrangersMetric:
    @pytest.mark.usefixtures("features")
    @pytest.mark.parametrize(
        ("kind", "check", "text"), CASES, ids=[f"{c}-{kind.__name__}" for kind, c, _ in CASES]
    )
    def test_is_caught_with_one_sentence(
        self, kind: type, check: str, text: str, bench: Bench
    ) -> None:
        with Bench() if kind is culprits.Scratching else nullcontext(bench) as clips:
            found = verdicts(kind(), clips)[check]
        assert found.verdict == "fail", found
        assert text in found.text

    def test_every_check_has_its_culprit(self) -> None:
        shown_below = {"picklable", "light", "licence", "docs", "number"}
        assert {check for _, check, _ in CASES} | shown_below == set(CHECKS)

    def test_that_breaks_nothing_passes(self, bench: Bench) -> None:
        found = verdicts(culprits.Honest(), bench)
        # in no package, so nobody described it
        assert [r.check for r in found.values() if r.verdict == "fail"] == ["docs"]
        assert {r.check for r in found.values() if r.verdict == "skipped"} == {"prompt", "curve"}

    def test_of_sets_is_compared_with_other_clips(self, bench: Bench) -> None:
        found = verdicts(culprits.Apart(), bench)
        assert float(found["number"].text.split()[4]) > 0
        assert found["memory"].verdict == "pass"

    @pytest.mark.usefixtures("features")
    def test_in_a_package_without_licence_or_description(self, bench: Bench) -> None:
        found = verdicts(culprits.Honest(), bench)
        assert "culprits declares no licence" in found["licence"].text
        assert "no README or docs page names `unblemished`" in found["docs"].text

    def test_that_cannot_be_imported_by_another_process(self, bench: Bench) -> None:
        class Local(culprits.Plain):
            pass

        found = verdicts(Local(), bench)
        assert "top level" in found["picklable"].text
        assert found["light"].verdict == "skipped"
        assert found["workers"].verdict == "fail"

    def test_that_imports_a_heavy_library(
        self, bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (tmp_path / "tensorflow.py").write_text("")
        (tmp_path / "greedy.py").write_text("import tensorflow\nfrom culprits import *\n")
        (tmp_path / "greedy.py").open("a").write("class Greedy(Honest):\n    pass\n")
        monkeypatch.syspath_prepend(str(tmp_path))
        try:
            (metric,) = find_metrics("greedy:Greedy")
            with Bench() as own:
                assert "loads tensorflow" in verdicts(metric, own)["light"].text
        finally:
            sys.modules.pop("tensorflow", None)
            sys.modules.pop("greedy", None)

    def test_that_does_not_apply_to_the_clips_is_skipped(self, bench: Bench) -> None:
        found = verdicts(culprits.Choosy(), bench)
        assert "the prompt asks for nothing purple" in found["number"].text
        assert {found[name].verdict for name in MEASURED} == {"skipped"}

    def test_can_be_given_a_prompt_that_it_applies_to(self) -> None:
        with Bench(prompt=Prompt("p", "a purple cat")) as own:
            found = verdicts(culprits.Choosy(), own)
        assert found["number"].verdict == "pass"
        assert found["prompt"].verdict == "pass"


class TestAssertConforms:
    def test_names_each_check_that_fails(self, bench: Bench) -> None:
        with pytest.raises(AssertionError, match=r"beyond fails 2 checks:\n  docs: .*\n  range: "):
            assert_conforms(culprits.Beyond(), bench)


class TestFinding:
    def test_a_module_stands_for_all_its_metrics(self) -> None:
        names = {metric.spec.name for metric in find_metrics("mirabench.metrics.temporal")}
        assert {"warping_error", "temporal_flicker"} <= names
        assert names == {m.spec.name for m in vars(temporal).values() if isinstance(m, ClipFormula)}

    def test_a_metric_of_a_module(self) -> None:
        (metric,) = find_metrics("mirabench.metrics.temporal:WARPING_ERROR")
        assert metric.spec.name == "warping_error"

    def test_a_file(self, tmp_path: Path) -> None:
        (tmp_path / "mine_alone.py").write_text(
            "from culprits import Honest\nclass Mine(Honest): pass\n"
        )
        try:
            (metric,) = find_metrics(str(tmp_path / "mine_alone.py"))
        finally:
            sys.modules.pop("mine_alone", None)
            sys.path.remove(str(tmp_path))
        assert metric.spec.name == "unblemished"

    @pytest.mark.parametrize(
        ("text", "error", "says"),
        [
            ("sharpnes", UnknownNameError, "did you mean sharpness?"),
            ("nowhere/metric.py", InputError, "there is no file nowhere/metric.py"),
            (
                "mirabench.metrics.temporal:Warp",
                InputError,
                "no metric 'Warp': its metrics are WARPING_ERROR",
            ),
            ("mirabench.errors", InputError, "defines nothing with a `spec`"),
            ("mirabench.nothing", InputError, "does not import: No module named"),
        ],
    )
    def test_what_is_not_there(self, text: str, error: type[Exception], says: str) -> None:
        with pytest.raises(error, match=says.replace("?", r"\?")):
            find_metrics(text)
