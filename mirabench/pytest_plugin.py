"""The pytest plugin: metrics as assertions, check files as tests.

Every pytest run of an environment that has mirabench loads this module, so it imports nothing but
pytest; what measures is imported when a fixture or a check file asks for it.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from mirabench.checks.bench import Bench
    from mirabench.checks.check_run import CheckRun
    from mirabench.checks.running import Baselines

_PACKAGE = Path(__file__).parent
_CHECK_FILES = (".mirabench.yaml", ".mirabench.yml")
_CHECK_RUN = pytest.StashKey["CheckRun"]()
_MARKER = (
    "mirabench(suite='lite', baseline=True): the suite that the fixture `mirabench` measures with, and "
    "whether its reports are compared with --mirabench-baseline"
)


def _absolute(path: str) -> str:
    """As text, because pytest-xdist sends options to its workers as plain values."""
    return str(Path(path).absolute())


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options."""
    group = parser.getgroup("mirabench", "metrics of generated video")
    group.addoption(
        "--mirabench-baseline", metavar="REPORT", type=_absolute,
        help="report.json of an earlier run: a metric that is significantly worse now fails.",
    )  # fmt: skip
    group.addoption(
        "--mirabench-update-baseline", action="store_true",
        help="Write the report of this run as the baseline and compare with none.",
    )  # fmt: skip
    group.addoption(
        "--mirabench-report", metavar="DIR", type=_absolute,
        help="Keep the reports of this run and the film strips of its failures here.",
    )  # fmt: skip


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, for `--strict-markers`."""
    config.addinivalue_line("markers", _MARKER)


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Check files are tests."""
    if not file_path.name.endswith(_CHECK_FILES):
        return None
    from mirabench.checks.collecting import CheckFileNode

    config = parent.config
    return CheckFileNode.of(parent, file_path, _check_run(config), _baselines(config))


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> None:
    """An error of ours ends at the line of the test that met it; `--full-trace` shows the rest.

    Its sentence says what was wrong and what to do: a reader has no use for the way through the library.
    """
    raised = call.excinfo
    if raised is None or item.config.getoption("fulltrace") or not _is_ours(raised.type):
        return
    error, outside = raised.value, None
    for entry in reversed([e for e in _entries(raised.tb) if not _is_inside(e)]):
        outside = TracebackType(outside, entry.tb_frame, entry.tb_lasti, entry.tb_lineno)
    if outside is not None:
        error.__traceback__, error.__cause__, error.__suppress_context__ = outside, None, True
        call.excinfo = pytest.ExceptionInfo.from_exception(error)


def _entries(traceback: TracebackType | None) -> Iterator[TracebackType]:
    while traceback is not None:
        yield traceback
        traceback = traceback.tb_next


def _is_inside(entry: TracebackType) -> bool:
    return _PACKAGE in Path(entry.tb_frame.f_code.co_filename).parents


def _is_ours(error: type[BaseException]) -> bool:
    names = {(base.__module__, base.__name__) for base in error.__mro__}
    return ("mirabench.errors", "MirabenchError") in names


@pytest.fixture
def mirabench(request: pytest.FixtureRequest) -> Bench:
    """Scores and reports of video: `.score`, `.evaluate`, `.assert_metric`.

    Each is computed once for all tests, and once for all workers of pytest-xdist.
    """
    from mirabench.checks.bench import Bench

    marker = request.node.get_closest_marker("mirabench")
    said = _said_by(marker)
    config = request.config
    return Bench(
        _check_run(config),
        _baselines(config, compared=bool(said.get("baseline", True))),
        said.get("suite", "lite"),
    )


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    """Name the reports and baselines that were written."""
    updated = config.getoption("--mirabench-update-baseline")
    if not updated and not config.getoption("--mirabench-report"):
        return
    check_run = _check_run(config)
    lines = [f"report    {page}" for page in check_run.kept_reports()]
    lines += [f"baseline  {path}" for path in check_run.kept_baselines()]
    if updated and not check_run.kept_baselines():
        lines.append(
            "no baseline was written: name one with --mirabench-baseline, or in a check file"
        )
    terminalreporter.section("mirabench")
    for line in lines:
        terminalreporter.write_line(line)


def _said_by(marker: pytest.Mark | None) -> dict[str, Any]:
    """The arguments of the nearest marker.

    Raises:
        InputError: it has other arguments than the two that there are.
    """
    if marker is None:
        return {}
    unknown = sorted(marker.kwargs.keys() - {"suite", "baseline"})
    if marker.args or unknown:
        from mirabench.errors import InputError

        wrong = repr(unknown[0] if unknown else marker.args[0])
        raise InputError(f"@pytest.mark.mirabench takes suite= and baseline=, not {wrong}")
    return dict(marker.kwargs)


def _check_run(config: pytest.Config) -> CheckRun:
    """What the tests of this run share, made when it is first asked for."""
    from mirabench.checks.check_run import CheckRun

    if _CHECK_RUN not in config.stash:
        output = config.getoption("--mirabench-report")
        config.stash[_CHECK_RUN] = CheckRun(
            _shared_folder(config), Path(output) if output else None
        )
    return config.stash[_CHECK_RUN]


def _shared_folder(config: pytest.Config) -> Path:
    """A folder of this run; the workers of pytest-xdist have the same one."""
    factory = getattr(
        config, "_tmp_path_factory", None
    )  # the public road is a fixture, for tests only
    if factory is None:  # -p no:tmpdir
        return Path(tempfile.mkdtemp(prefix="mirabench-"))
    base: Path = factory.getbasetemp()
    is_worker = hasattr(config, "workerinput")
    return (base.parent if is_worker else base) / "mirabench"


def _baselines(config: pytest.Config, *, compared: bool = True) -> Baselines:
    from mirabench.checks.running import Baselines

    path = config.getoption("--mirabench-baseline") if compared else None
    update = bool(config.getoption("--mirabench-update-baseline"))
    return Baselines(Path(path) if path else None, update)
