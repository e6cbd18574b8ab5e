"""Commands of other packages: listed, run, and kept from breaking the rest."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

MODULES = {
    "good.py": '''
import typer

app = typer.Typer(help="Greet, politely.")

@app.command()
def hello(name: str, *, loud: bool = False) -> None:
    """Say hello."""
    typer.echo(f"HELLO {name}" if loud else f"hello {name}")

@app.command()
def bye() -> None:
    """Say goodbye."""

def single(count: int = 1) -> None:
    """One command by itself."""
    typer.echo("single " * count)

def refusing() -> None:
    """Raise what users expect."""
    from mirabench.errors import InputError
    raise InputError("no clips in the cupboard: buy some")

def wanting() -> None:
    """Need an extra."""
    from mirabench.extras import needs_extra
    with needs_extra("ray", "counting clips needs a cluster"):
        import no_such_cluster

NUMBER = 3
def unreadable(given: int | tuple[str, list[str]]) -> None:
    """An argument of no known type."""
''',
    "raises.py": "raise RuntimeError('the moon is full')\n",
    "exits.py": "raise SystemExit('only for others')\n",
    "unparsable.py": "def (:\n",
    "lacking.py": "import no_such_package\n",
}
POINTS = """[mirabench.commands]
greet = good:app
single = good:single
refusing = good:refusing
wanting = good:wanting
moon = raises:app
leaves = exits:app
syntax = unparsable:app
lacks = lacking:app
attribute = good:missing
number = good:NUMBER
unreadable = good:unreadable
twice = good:single
evaluate = good:single
"""
BROKEN = {
    "moon": "RuntimeError: the moon is full",
    "leaves": "SystemExit: only for others",
    "syntax": "SyntaxError",
    "lacks": "No module named 'no_such_package'",
    "attribute": "AttributeError",
    "number": "register a typer.Typer app or a function",
    "unreadable": "none that Typer understands",
    "twice": "two packages register the command 'twice' (good:app and good:single)",
}


def distribution(folder: Path, name: str, points: str) -> None:
    """What pip leaves of a package, so that its entry points are found."""
    facts = folder / f"{name}-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(points)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    for name, text in MODULES.items():
        (folder / name).write_text(text)
    distribution(folder, "first", POINTS)
    distribution(folder, "second", "[mirabench.commands]\ntwice = good:app\n")
    return folder


def mirabench(site: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "mirabench", *arguments], capture_output=True, text=True, cwd=site,
        env={**os.environ, "PYTHONPATH": str(site), "COLUMNS": "400", "NO_COLOR": "1"},
    )  # fmt: skip


def test_help_lists_what_works_and_what_does_not(site: Path) -> None:
    done = mirabench(site, "--help")
    assert done.returncode == 0, done.stderr
    lines = {line.split()[0]: line for line in done.stdout.splitlines() if line.startswith("  ")}
    assert "Greet, politely." in lines["greet"]
    assert "One command by itself." in lines["single"]
    assert all("Cannot run: " in lines[name] for name in BROKEN)
    for name in ("evaluate", "curate", "leaderboard", "miradit"):
        assert name in lines


@pytest.mark.parametrize("name", sorted(BROKEN))
def test_a_broken_command_says_why_in_one_line(site: Path, name: str) -> None:
    done = mirabench(site, name, "--any", "thing")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert BROKEN[name] in done.stderr


def test_groups_functions_and_their_options_run(site: Path) -> None:
    assert mirabench(site, "greet", "hello", "Ada", "--loud").stdout == "HELLO Ada\n"
    assert mirabench(site, "single", "--count", "2").stdout.split() == ["single", "single"]
    assert "--loud" in mirabench(site, "greet", "hello", "-h").stdout


def test_expected_errors_of_plugins_are_one_line(site: Path) -> None:
    done = mirabench(site, "refusing")
    assert (done.returncode, done.stderr) == (2, "mirabench: no clips in the cupboard: buy some\n")
    missing = mirabench(site, "wanting")
    assert missing.returncode == 2
    assert "needs a cluster (no_such_cluster is not installed)" in missing.stderr
    assert 'pip install -e ".[ray]"' in missing.stderr


def test_a_built_in_name_stays_with_the_built_in(site: Path) -> None:
    assert "--suite" in mirabench(site, "evaluate", "--help").stdout


def test_a_typo_is_offered_the_names_of_plugins(site: Path) -> None:
    done = mirabench(site, "gret")
    assert done.returncode == 2
    assert "greet" in done.stderr


def test_our_own_commands_import_no_plugin(site: Path) -> None:
    (site / "raises.py").write_text("open('imported', 'w')\n")
    try:
        assert mirabench(site, "metrics").returncode == 0
        assert not (site / "imported").exists()
    finally:
        (site / "raises.py").write_text(MODULES["raises.py"])


EXTRAS = {
    ("curate", "status", "out"): ("pyarrow", "data"),
    ("leaderboard", "serve"): ("sqlalchemy", "leaderboard"),
    ("miradit", "presets"): ("torch", ""),
    ("miradit", "shapes", "out"): ("torch", "dit"),
}


@pytest.mark.parametrize("words", sorted(EXTRAS), ids=" ".join)
def test_without_its_extra_a_command_has_help_and_says_what_to_install(
    words: tuple[str, ...], tmp_path: Path
) -> None:
    absent, extra = EXTRAS[words]
    code = (
        f"import sys; sys.modules[{absent!r}] = None\nfrom mirabench.cli.main import main; main()"
    )

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=tmp_path
        )

    assert run(words[0], "--help").returncode == 0
    assert f"  {words[0]} " in run("--help").stdout
    done = run(*words)
    if not extra:
        assert done.returncode == 0, done.stderr
        return
    assert done.returncode == 2, done.stderr
    assert done.stderr.count("\n") == 1
    assert f"{absent} is not installed" in done.stderr
    assert f'pip install -e ".[{extra}]"' in done.stderr
