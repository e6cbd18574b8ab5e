"""A skip that is not on the written list fails a run of CI; the list holds nothing that is not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import skiplist

TESTS = Path(__file__).parents[1]
LIST = TESTS / "skips.toml"

pytest_plugins = ("pytester",)

SUITE = """
    import pytest

    def test_runs():
        pass

    @pytest.mark.skip(reason="the moon is up")
    def test_skips():
        pass
"""
WHOLE = 'import pytest\npytest.importorskip("no_such_module")\n'
HARNESS = """
    from pathlib import Path

    import skiplist

    def pytest_configure(config):
        skiplist.watch(config, Path(__file__).with_name("tests") / "skips.toml")
"""
ENTRY = """
[[skip]]
tests = "{tests}"
reason = "{reason}"
because = "Nobody can help it."
absent = "{absent}"
"""


@pytest.fixture
def project(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> pytest.Pytester:
    monkeypatch.setenv("CI", "true")
    monkeypatch.syspath_prepend(Path(skiplist.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", str(Path(skiplist.__file__).parent))  # for workers
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")  # else each process imports them all
    pytester.makepyfile(test_it=SUITE)
    pytester.makeconftest(HARNESS)
    pytester.mkdir("tests")
    return pytester


def outcome(
    project: pytest.Pytester,
    *,
    workers: int = 0,
    tests: str = "*",
    reason: str = "moon",
    absent: str = "",
) -> pytest.RunResult:
    """Of a run in this process, which takes a tenth of the time, unless workers are asked for."""
    entry = ENTRY.format(tests=tests, reason=reason, absent=absent)
    (project.path / "tests" / "skips.toml").write_text(entry)
    if workers:
        return project.runpytest_subprocess("-p", "no:cacheprovider", "-p", "xdist", f"-n{workers}")
    return project.runpytest_inprocess("-p", "no:cacheprovider")


class TestARunOfCi:
    def test_takes_a_listed_skip(self, project: pytest.Pytester) -> None:
        assert outcome(project).ret == 0

    def test_fails_on_an_unlisted_skip_and_names_it(self, project: pytest.Pytester) -> None:
        found = outcome(project, tests="test_other.py::*")
        assert found.ret == 1
        found.stdout.fnmatch_lines(["*skips that tests/skips.toml does not allow*",
                                    "test_it.py::test_skips:*the moon is up"])  # fmt: skip

    def test_fails_on_a_listed_test_that_skips_for_another_reason(
        self, project: pytest.Pytester
    ) -> None:
        assert outcome(project, reason="the sun is up").ret == 1

    @pytest.mark.parametrize(("absent", "ret"), [("nowhere", 0), ("test_it.py", 1)])
    def test_fails_where_what_the_test_needs_is_there(
        self, project: pytest.Pytester, absent: str, ret: int
    ) -> None:
        assert outcome(project, absent=absent).ret == ret

    def test_fails_on_a_module_that_skips_as_a_whole(self, project: pytest.Pytester) -> None:
        project.makepyfile(test_whole=WHOLE)
        found = outcome(project)
        assert found.ret == 1
        found.stdout.fnmatch_lines(["test_whole.py:*no_such_module*"])


class TestARunOfCiWithWorkers:
    """Workers report to the process that judges; how it judges is held above."""

    def test_takes_a_listed_skip(self, project: pytest.Pytester) -> None:
        assert outcome(project, workers=2).ret == 0

    def test_fails_on_skips_of_tests_and_of_modules_and_names_them(
        self, project: pytest.Pytester
    ) -> None:
        project.makepyfile(test_whole=WHOLE)
        found = outcome(project, workers=2, reason="the sun is up")
        assert found.ret == 1
        found.stdout.fnmatch_lines(["test_it.py::test_skips:*the moon is up",
                                    "test_whole.py:*no_such_module*"])  # fmt: skip


def test_outside_ci_skips_are_free(
    project: pytest.Pytester, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CI")
    assert outcome(project, tests="test_other.py::*").ret == 0


def test_an_expected_failure_is_no_skip(project: pytest.Pytester) -> None:
    project.makepyfile(
        test_it="import pytest\n@pytest.mark.xfail(reason='known')\ndef test_x(): assert 0\n"
    )
    assert outcome(project, tests="none").ret == 0


@pytest.mark.parametrize("entry", skiplist.read_list(LIST), ids=lambda entry: entry.reason)
def test_every_entry_says_why_and_names_a_reason_that_a_test_gives(entry: skiplist.Allowed) -> None:
    assert entry.because.endswith(".") and len(entry.because) > 30
    assert not entry.absent or entry.absent in skiplist.THINGS or "/" in entry.absent
    texts = [file.read_text(encoding="utf-8") for file in TESTS.rglob("*.py")]
    here = Path(__file__).read_text(encoding="utf-8")
    assert any(entry.reason in text for text in texts if text != here)


@pytest.mark.parametrize("thing", skiplist.THINGS)
def test_what_may_be_absent_can_be_asked(thing: str) -> None:
    assert skiplist.THINGS[thing]() in (True, False)
