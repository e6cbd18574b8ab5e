"""The plugin from outside: a user's suite of tests, run by pytest, with and without xdist."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

# what a run in this process imports stays imported: NumPy and OpenCV cannot be loaded twice
import mirabench.checks.bench
import mirabench.checks.collecting
import mirabench.report.page  # noqa: F401
from mirabench.report.model import load_report

pytest_plugins = ("pytester",)

PLAIN = (
    "-p",
    "no:cacheprovider",
    "-p",
    "no:xdist",
    "-p",
    "no:timeout",
    "-p",
    "no:hypothesispytest",
)


@pytest.fixture
def suite(pytester: pytest.Pytester, rendered: Path) -> pytest.Pytester:
    """A user's folder with clips in it and no settings."""
    shutil.copytree(rendered, pytester.path, dirs_exist_ok=True)
    return pytester


def results(suite: pytest.Pytester, *arguments: str, **counts: int) -> pytest.RunResult:
    result = suite.runpytest_inprocess(*PLAIN, *arguments)
    result.assert_outcomes(**counts)
    return result


def summary(result: pytest.RunResult) -> str:
    return result.stdout.str()


class TestFixture:
    def test_scores_and_evaluates(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import mirabench as package

            def test_score(mirabench):
                score = mirabench.score("good/0.mp4", "sharpness")
                assert score.status == "ok"
                assert score == package.score("good/0.mp4", "sharpness")

            def test_evaluate(mirabench):
                report = mirabench.evaluate("good", suite="small.toml")
                assert report.summary["sharpness"].n == 5
                assert report is mirabench.evaluate("good", suite="small.toml")

            def test_evaluate_again(mirabench):
                test_evaluate(mirabench)

            def test_assert(mirabench):
                mirabench.assert_metric("good", "sharpness", min=0, max=1)
            """
        )
        results(suite, "-Werror", passed=4)

    def test_the_marker_names_the_suite(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest

            @pytest.mark.mirabench(suite="small.toml")
            def test_it(mirabench):
                assert mirabench.evaluate("good").suite.name == "small"
            """
        )
        results(suite, "--strict-markers", passed=1)

    def test_a_typo_in_the_marker_is_said(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest

            @pytest.mark.mirabench(siute="lite")
            def test_it(mirabench):
                pass
            """
        )
        result = results(suite, errors=1)
        assert "takes suite= and baseline=, not 'siute'" in summary(result)

    def test_a_failure_names_value_status_and_film_strip(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            def test_it(mirabench):
                mirabench.assert_metric("good/0.mp4", "sharpness", min=1)
            """
        )
        text = summary(results(suite, failed=1))
        assert re.search(r"E +AssertionError: sharpness is 0\.\d+, below min 1", text)
        assert re.search(r"E +status +ok", text)
        strip = re.search(r"film strip +(\S+\.jpg)", text)
        assert strip
        assert Path(strip[1]).stat().st_size > 1000
        assert "prepare(" not in text  # our own lines are not in the traceback

    def test_an_empty_folder_is_one_sentence(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_it(mirabench): mirabench.evaluate('empty')")
        assert "InputError: no video in empty:" in summary(results(suite, failed=1))


class TestBaseline:
    TEST = """
        import pytest

        @pytest.mark.mirabench(suite="small.toml")
        def test_it(mirabench):
            mirabench.evaluate("clips")
    """

    @pytest.fixture
    def suite(self, suite: pytest.Pytester) -> pytest.Pytester:
        suite.makepyfile(self.TEST)
        shutil.copytree(suite.path / "good", suite.path / "clips")
        results(
            suite, "--mirabench-baseline=b.json", "--mirabench-update-baseline", passed=1
        )  # fmt: skip
        return suite

    def test_is_written_when_asked_for(self, suite: pytest.Pytester) -> None:
        assert load_report(suite.path / "b.json").suite.name == "small"

    def test_the_same_clips_pass(self, suite: pytest.Pytester) -> None:
        results(suite, "--mirabench-baseline=b.json", passed=1)

    def test_worse_clips_fail_with_what_is_worse(self, suite: pytest.Pytester) -> None:
        shutil.copytree(suite.path / "blurred", suite.path / "clips", dirs_exist_ok=True)
        text = summary(results(suite, "--mirabench-baseline=b.json", failed=1))
        assert re.search(r"\d of 3 metrics are significantly worse than in \S+b\.json", text)
        assert "sharpness is significantly worse than in the baseline: -0." in text
        assert "95 % interval -0." in text
        assert "film strip" in text

    def test_better_clips_pass(self, suite: pytest.Pytester) -> None:
        shutil.copytree(suite.path / "blurred", suite.path / "clips", dirs_exist_ok=True)
        results(suite, "--mirabench-baseline=c.json", "--mirabench-update-baseline", passed=1)
        shutil.copytree(suite.path / "good", suite.path / "clips", dirs_exist_ok=True)
        report = load_report(suite.path / "c.json")
        assert report.summary["sharpness"].mean < 0.5
        suite.makepyfile(
            """
            def test_it(mirabench):
                mirabench.assert_metric("clips", "sharpness", not_worse_than=None, min=0)
                report = mirabench.evaluate("clips", suite="small.toml")
                mirabench.assert_metric(report, "sharpness", not_worse_than="c.json")
            """
        )
        results(suite, passed=1)

    def test_a_test_may_opt_out(self, suite: pytest.Pytester) -> None:
        suite.makepyfile(
            """
            import pytest

            @pytest.mark.mirabench(baseline=False)
            def test_it(mirabench):
                mirabench.evaluate("blurred", metrics=["exposure"])
            """
        )
        results(suite, "--mirabench-baseline=b.json", passed=1)

    @pytest.mark.parametrize(
        ("content", "sentence"),
        [
            (None, "cannot read the report .*b.json: No such file"),
            ("{", "b.json is not JSON"),
            ("{}", "b.json has schema version None"),
        ],
        ids=["absent", "no JSON", "no report"],
    )
    def test_a_baseline_that_cannot_be_read_is_said(
        self, suite: pytest.Pytester, content: str | None, sentence: str
    ) -> None:
        path = suite.path / "b.json"
        path.unlink()
        if content is not None:
            path.write_text(content)
        text = summary(results(suite, "--mirabench-baseline=b.json", failed=1))
        assert re.search(f"ReportError: .*{sentence}", text)

    def test_a_nan_in_it_is_said(self, suite: pytest.Pytester) -> None:
        path = suite.path / "b.json"
        path.write_text(re.sub(r'"value": [\d.e-]+', '"value": NaN', path.read_text(), count=1))
        text = summary(results(suite, "--mirabench-baseline=b.json", failed=1))
        assert (
            "is not a valid report: videos.0.scores.sharpness.value: Input should be a fin" in text
        )

    def test_another_suite_is_said(self, suite: pytest.Pytester) -> None:
        suite.makepyfile("def test_it(mirabench): mirabench.evaluate('clips', metrics=['noise'])")
        text = summary(results(suite, "--mirabench-baseline=b.json", failed=1))
        assert re.search(r"ReportError: the baseline \S+ belongs to another suite, small v1", text)


class TestCheckFiles:
    def test_each_check_is_a_test(self, suite: pytest.Pytester) -> None:
        suite.path.joinpath("a.mirabench.yaml").write_text(
            "videos: good\nsuite: small.toml\nchecks:\n"
            "  - {metric: sharpness, min: 0}\n"
            "  - {metric: sharpness, min: 1}\n"
            "  - {metric: exposure, min: 0, each_clip: true}\n"
        )
        result = results(suite, "-rA", "--strict-markers", "-Werror", passed=2, failed=1)
        text = summary(result)
        assert "PASSED a.mirabench.yaml::sharpness min 0" in text
        assert "FAILED a.mirabench.yaml::sharpness min 1 - sharpness is 0." in text
        assert "film strip" in text
        assert "Traceback" not in text

    def test_they_are_chosen_by_marker_and_name(self, suite: pytest.Pytester) -> None:
        suite.path.joinpath("a.mirabench.yaml").write_text(
            "videos: good\nsuite: small.toml\n"
            "checks: [{metric: sharpness, min: 0}, {metric: exposure, min: 0}]\n"
        )
        suite.makepyfile("def test_other(): pass")
        results(suite, "-m", "mirabench", "-k", "exposure", passed=1, deselected=2)

    def test_the_value_is_in_junit_xml(self, suite: pytest.Pytester) -> None:
        suite.path.joinpath("other.yaml").write_text("checks: none of ours")
        suite.path.joinpath("a.mirabench.yml").write_text(
            "videos: good\nsuite: small.toml\nchecks: [{metric: sharpness, min: 0}]\n"
        )
        results(suite, "--junitxml=j.xml", passed=1)
        assert re.search(r'property name="value" value="0\.\d+"', Path("j.xml").read_text())

    def test_the_baseline_of_the_file_is_kept_and_held(self, suite: pytest.Pytester) -> None:
        suite.path.joinpath("a.mirabench.yaml").write_text(
            "videos: clips\nsuite: small.toml\nbaseline: old/b.json\n"
            "checks: [{metric: sharpness, not_worse_than: baseline}]\n"
        )
        shutil.copytree(suite.path / "good", suite.path / "clips")
        assert "cannot read the report" in summary(results(suite, failed=1))
        results(suite, "--mirabench-update-baseline", passed=1)
        results(suite, passed=1)
        shutil.copytree(suite.path / "blurred", suite.path / "clips", dirs_exist_ok=True)
        assert "significantly worse" in summary(results(suite, failed=1))

    def test_a_broken_file_is_one_sentence(self, suite: pytest.Pytester) -> None:
        suite.path.joinpath("a.mirabench.yaml").write_text("videos: good\nchekcs: []\n")
        text = summary(results(suite, errors=1))
        assert "a.mirabench.yaml, line 2: unknown key 'chekcs': did you mean 'checks'?" in text
        assert "Traceback" not in text

    @pytest.mark.parametrize("videos", ["nothing/*.mp4", "empty"])
    def test_no_clip_is_one_sentence(self, suite: pytest.Pytester, videos: str) -> None:
        suite.path.joinpath("a.mirabench.yaml").write_text(
            f"videos: {videos}\nsuite: small.toml\nchecks: [{{metric: sharpness, min: 0}}]\n"
        )
        text = summary(results(suite, failed=1))
        assert re.search(r"no video (at|in) \S+", text)
        assert "Traceback" not in text


def test_reports_are_kept_and_named(suite: pytest.Pytester) -> None:
    suite.makepyfile(
        """
        def test_it(mirabench):
            mirabench.evaluate("good", suite="small.toml")
            mirabench.evaluate("good", metrics=["sharpness"])
            mirabench.evaluate(["good/0.mp4", "good/1.mp4"], suite="small.toml")
            mirabench.evaluate(["good/0.mp4", "good/2.mp4"], suite="small.toml")
        """
    )
    for _ in range(2):  # a second run writes over the first, and names only its own
        text = summary(results(suite, "--mirabench-report=out", passed=1))
    pages = sorted((suite.path / "out").glob("*/report.html"))
    assert [str(page) for page in pages] == re.findall(r"^report +(\S+)", text, re.MULTILINE)
    assert [p.parent.name for p in pages][:3] == ["0-small", pages[1].parent.name, "good-lite"]
    assert load_report(suite.path / "out" / "good-small").summary["sharpness"].n == 5


def test_an_update_that_wrote_nothing_is_said(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_it(): pass")
    text = summary(results(suite, "--mirabench-update-baseline", passed=1))
    assert "no baseline was written: name one with --mirabench-baseline" in text


@pytest.mark.parametrize(
    "arguments",
    [("--strict-markers", "--strict-config"), ("-p", "no:tmpdir"), ("-p", "no:mirabench")],
    ids=" ".join,
)
def test_a_suite_that_does_not_use_it_is_left_alone(
    pytester: pytest.Pytester, arguments: tuple[str, ...]
) -> None:
    pytester.makepyfile("def test_it(): pass")
    pytester.path.joinpath("settings.yaml").write_text("a: 1")
    results(pytester, "-Werror", *arguments, passed=1)


def test_it_works_without_the_plugin_for_folders(suite: pytest.Pytester) -> None:
    suite.makepyfile("def test_it(mirabench): mirabench.score('good/0.mp4', 'sharpness')")
    results(suite, "-p", "no:tmpdir", passed=1)


def test_workers_of_xdist_compute_a_report_once(suite: pytest.Pytester) -> None:
    """Both workers run every test; the work is done by one of them."""
    suite.makeconftest(
        """
        import mirabench.checks.check_run as session

        run = session.run

        def counted(*arguments):
            with open("runs.txt", "a") as file:
                file.write("run\\n")
            return run(*arguments)

        session.run = counted
        """
    )
    suite.makepyfile(
        """
        def test_one(mirabench):
            assert mirabench.evaluate("good", suite="small.toml").summary["sharpness"].n == 5

        def test_two(mirabench):
            mirabench.evaluate("good", suite="small.toml")
        """
    )
    result = suite.runpytest_subprocess(
        "--tx", "2*popen", "--dist", "each", "-p", "no:cacheprovider", "-p", "no:hypothesispytest",
        "--mirabench-report", "out", "--mirabench-baseline", "b.json", "--mirabench-update-baseline",
    )  # fmt: skip
    result.assert_outcomes(passed=4)
    result.stdout.fnmatch_lines(["report *good-small*report.html", "baseline *b.json"])
    assert (suite.path / "runs.txt").read_text() == "run\n"
    assert len(list((suite.path / "out").glob("*/report.html"))) == 1
    assert load_report(suite.path / "b.json").summary["sharpness"].n == 5


class TestErrors:
    WRONG = """
        from mirabench.checks import assert_metric

        def test_unknown(mirabench):
            mirabench.score("good/0.mp4", "sharpnes")

        def test_missing(mirabench):
            mirabench.score("absent.mp4", "sharpness")

        def test_function():
            assert_metric("absent.mp4", "sharpness", min=0.5)

        def test_own_bug(mirabench):
            mirabench.score("good/0.mp4", 3)
        """

    def test_an_error_ends_at_the_line_of_the_test_and_says_what_to_do(
        self, suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(self.WRONG)
        said = summary(results(suite, "-k", "not own_bug", failed=3))
        assert "unknown metric 'sharpnes': did you mean sharpness?" in said
        assert said.count("no video at absent.mp4") >= 2
        assert "registry.py" not in said and "samples.py" not in said

    def test_full_trace_and_bugs_show_the_way_through_the_library(
        self, suite: pytest.Pytester
    ) -> None:
        suite.makepyfile(self.WRONG)
        assert "registry.py" in summary(results(suite, "--full-trace", "-k", "unknown", failed=1))
        assert "mirabench" in summary(results(suite, "-k", "own_bug", failed=1))
