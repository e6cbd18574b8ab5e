"""Mutation run: every small change to the code that promises rest on must fail a test.

    python tests/mutation/run.py [SECTION ...] [--jobs 2] [--least 0.9] [--sample 150 --seed 0 | --part 1/4]

For each section mutmut (3.x) changes its functions one operator, number or argument at a time and runs those of
the section's tests that reach the function, quick ones first. A mutant that no test fails has survived. Those
that cannot be told from the original by any test are listed in `equivalent.toml` with the reason, and do not
count. Exit status 1 when a section catches less than `--least` of the others. With `--sample` that many mutants
of each section are drawn, and the share comes with its 95 % interval; `--part 1/4` runs a quarter of them.

mutmut wants packages at the root of a project, so that each section is laid out in `build/mutation/SECTION`.
"""

from __future__ import annotations

import argparse
import json
import math
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PACKAGES = {"mirabench": "mirabench", "miraboard": "leaderboard/miraboard"}
CAUGHT = ("killed", "timeout", "segfault", "caught by type check")


@dataclass(frozen=True, slots=True)
class Section:
    """What is mutated, and by what it is held."""

    modules: tuple[str, ...]
    """Files below the packages' names."""
    tests: tuple[str, ...]
    only: tuple[str, ...] = ()
    """Patterns of mutants, where a module holds more than the section is about."""
    leave_out: tuple[str, ...] = ()
    """Tests that take seconds and hold what quicker ones hold too."""


SECTIONS = {
    "identity": Section(
        (
            "mirabench/identity.py", "mirabench/suites/api.py", "mirabench/features/api.py",
            "mirabench/features/cache.py", "mirabench/run/plan.py",
        ),
        ("tests/suites", "tests/features/test_cache_key.py", "tests/run/test_protocol.py"),
        (
            "mirabench.identity.*", "mirabench.suites.api.x*identity*",
            "mirabench.suites.api.x__parameters*", "mirabench.suites.api.x*digest*",
            "mirabench.suites.api.x*_at_precision__*", "mirabench.features.api.x*identity*",
            "mirabench.features.api.x__hashable*", "mirabench.features.api.xǁFeatureRef*",
            "mirabench.features.api.x_weights_of*", "mirabench.features.cache.x_cache_key*",
            "mirabench.run.plan.x_protocol_of*", "mirabench.run.plan.x__opencv_major*",
        ),
        (
            "tests/features/test_cache_key.py::test_other_weights_of_one_card_are_computed_anew",
            "tests/suites/test_protocol_identity.py::test_an_id_is_the_same_in_another_process",
        ),
    ),
    "resume": Section(
        ("mirabench/work/journal.py", "mirabench/work/run.py", "mirabench/work/store.py"),
        ("tests/work/test_run.py", "tests/work/test_store.py", "tests/work/test_lock.py"),
        leave_out=(
            "tests/work/test_run.py::test_a_deadly_item_is_tried_given_up_and_harms_nothing",
            "tests/work/test_run.py::test_nothing_but_a_deadly_item_ends",
            "tests/work/test_run.py::test_a_killed_driver_resumes_and_redoes_at_most_what_was_in_hand",
        ),
    ),
    "workers": Section(
        ("mirabench/work/local.py",), ("tests/work/test_local.py", "tests/work/test_threads.py")
    ),
    "ranking": Section(
        (
            "miraboard/ranking.py", "miraboard/standing.py", "miraboard/utility.py",
            "miraboard/worths.py", "miraboard/paired.py",
        ),
        (
            "tests/miraboard/test_ranking.py", "tests/miraboard/test_leaving_out.py",
            "tests/miraboard/test_paired.py",
        ),
    ),
    "statistics": Section(
        (
            "mirabench/report/interval.py", "mirabench/maths/clustered.py",
            "mirabench/maths/student.py", "mirabench/maths/distribution.py",
            "mirabench/compare/statistics.py",
        ),
        ("tests/report/test_interval.py", "tests/maths", "tests/compare/test_compare_statistics.py"),
        leave_out=(
            "tests/maths/test_distribution_libraries.py",
            "tests/maths/test_jackknife.py::test_the_interval_of_grouped_frechet_distances_covers_the_truth",
            "tests/maths/test_jackknife.py::test_the_interval_of_kernel_distances_covers_the_truth",
            "tests/report/test_interval.py::TestBySimulation",
            "tests/compare/test_compare_statistics.py::TestBySimulation",
        ),
    ),
}  # fmt: skip

PROJECT = """
[tool.mutmut]
source_paths = {sources}
only_mutate = {modules}
pytest_add_cli_args = ["-p", "no:mirabench", "-p", "no:cacheprovider", "-n", "0", "-m", "not slow"{left_out}]
pytest_add_cli_args_test_selection = {tests}
use_setproctitle = false
track_dependencies = false
use_git_change_detection = false
timeout_multiplier = 1.0
timeout_constant = 10.0

[tool.pytest.ini_options]
addopts = ["--import-mode=importlib"]
pythonpath = ["tests/support"]
markers = {markers}
filterwarnings = ["error"]
timeout = 240
"""


TWICE = """

from hypothesis import HealthCheck, settings

settings.register_profile("twice", suppress_health_check=[HealthCheck.differing_executors])
settings.load_profile("twice")
"""
"""mutmut runs the tests more than once in a process, which hypothesis takes for a mistake."""


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("sections", nargs="*", help=f"of {', '.join(SECTIONS)}; all by default")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--least", type=float, default=0.9)
    parser.add_argument(
        "--sample", type=int, help="so many mutants of each section; all by default"
    )
    parser.add_argument("--seed", type=int, default=0, help="which ones are drawn")
    parser.add_argument("--part", default="1/1", help="only every N-th mutant, from the K-th: K/N")
    options = parser.parse_args()
    first, parts = map(int, options.part.split("/"))
    shares = []
    for name in options.sections or SECTIONS:
        folder = laid_out(name, SECTIONS[name])
        mutants = sorted(wanted(folder))[first - 1 :: parts]
        drawn = mutants
        if options.sample is not None and options.sample < len(mutants):
            drawn = Random(options.seed).sample(mutants, options.sample)
            print(f"{name}: {len(drawn)} of {len(mutants)} mutants, drawn with seed {options.seed}")
        shares.append(run(folder, drawn, options.jobs))
    return int(min(shares) < options.least)


def run(folder: Path, mutants: Sequence[str], jobs: int) -> float:
    """The share of mutants that the section's tests catch; printed with those that survived."""
    name = folder.name
    said = mutmut(folder, "run", "--max-children", str(jobs), *mutants)
    found = {mutant: status for mutant, status in results(folder).items() if mutant in set(mutants)}
    if not found or "not checked" in found.values():
        raise SystemExit(f"{name}: mutmut gave no result\n{said[-3000:]}")
    counts = Counter(status for status in found.values())
    listed = tomllib.loads((HERE / "equivalent.toml").read_text(encoding="utf-8"))
    survived = {mutant for mutant, status in found.items() if status not in CAUGHT}
    equivalent = {m for m in survived if m in listed.get(name, {})}
    total = len(found) - len(equivalent)
    caught = total - len(survived - equivalent)
    low, high = wilson(caught, total)
    print(
        f"{name}: {caught} of {total} caught ({caught / total:.1%}; as a sample {low:.1%} to {high:.1%}); "
        f"{len(equivalent)} equivalent"
    )
    print("  " + ", ".join(f"{count} {status}" for status, count in sorted(counts.items())))
    for mutant in sorted(survived - equivalent):
        print(f"  {found[mutant]}: {mutant}")
    return caught / total


def wilson(caught: int, total: int) -> tuple[float, float]:
    """95 % interval of a share by Wilson's score."""
    share, z = caught / total, 1.959964
    centre = (share + z * z / (2 * total)) / (1 + z * z / total)
    half = z * math.sqrt(share * (1 - share) / total + (z / (2 * total)) ** 2) / (1 + z * z / total)
    return centre - half, centre + half


def laid_out(name: str, section: Section) -> Path:
    """A project of its own with the packages at its root; what an earlier run found is kept."""
    folder = ROOT / "build" / "mutation" / name
    folder.mkdir(parents=True, exist_ok=True)
    ignored = shutil.ignore_patterns("__pycache__")
    for package, place in {**PACKAGES, "tests": "tests"}.items():
        shutil.rmtree(folder / package, ignore_errors=True)
        shutil.copytree(ROOT / place, folder / package, ignore=ignored)
    with (folder / "tests" / "conftest.py").open("a", encoding="utf-8") as conftest:
        conftest.write(TWICE)
    shutil.rmtree(folder / "mutants", ignore_errors=True)
    with (ROOT / "pyproject.toml").open("rb") as file:
        markers = tomllib.load(file)["tool"]["pytest"]["ini_options"]["markers"]
    sources = sorted({module.partition("/")[0] for module in section.modules})
    text = PROJECT.format(
        sources=json.dumps(sources), modules=json.dumps(section.modules),
        tests=json.dumps(section.tests), markers=json.dumps(markers),
        left_out="".join(f', "--deselect", {json.dumps(test)}' for test in section.leave_out),
    )  # fmt: skip
    (folder / "pyproject.toml").write_text(text)
    return folder


def wanted(folder: Path) -> list[str]:
    """Every mutant that the section is about, none of them run yet."""
    said = mutmut(folder, "run", "none")  # makes the mutants, then finds that none has this name
    names = results(folder)
    if not names:
        raise SystemExit(f"{folder.name}: mutmut made no mutants\n{said[-3000:]}")
    patterns = SECTIONS[folder.name].only or ("*",)
    return [name for name in names if any(fnmatchcase(name, pattern) for pattern in patterns)]


def results(folder: Path) -> dict[str, str]:
    """Mutant -> what became of it."""
    lines = mutmut(folder, "results", "--all", "true").splitlines()
    pairs = [line.strip().rpartition(": ") for line in lines if ": " in line]
    return {mutant: status for mutant, _, status in pairs}


def mutmut(folder: Path, *arguments: str) -> str:
    """What mutmut prints in a laid-out project, its exit status aside."""
    command = [sys.executable, "-m", "mutmut", *arguments]
    done = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True)
    return done.stdout + done.stderr


if __name__ == "__main__":
    sys.exit(main())
