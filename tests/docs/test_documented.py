"""What the code has, the docs have: headings, fields, links, and blocks that run."""

from __future__ import annotations

import importlib.util
import inspect
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

import pytest
import yaml
from typer.testing import CliRunner

import mirabench
from mirabench import errors, registry
from mirabench.cli.weights import app
from mirabench.metrics.health import FLAGS
from mirabench.report import model
from mirabench.suites.api import load_suite
from mirabench.weights import cards

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = [
    *sorted(DOCS.rglob("*.md")),
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md")),
    ROOT / "changes" / "README.md",
]
VARIABLE = re.compile(r"\b(?:MIRABENCH|HF|XDG)_[A-Z][A-Z_]+\b")


@cache
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def headings(page: Path) -> set[str]:
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return {line.strip(" `") for line in re.findall(r"^#+ (.*)$", text, flags=re.MULTILINE)}


def sections(page: Path) -> dict[str, str]:
    """Heading -> the text below it, down to the next heading."""
    parts = re.split(r"^#+ (.*)$", page.read_text(), flags=re.MULTILINE)
    return {title.strip(" `"): text for title, text in zip(parts[1::2], parts[2::2], strict=True)}


def rows(text: str) -> set[str]:
    """The first cells of the tables in a text."""
    return set(re.findall(r"^\| `(\w+)` \|", text, flags=re.MULTILINE))


def project(group: str) -> list[str]:
    return generate().ours(group)


class TestEverythingHasItsHeading:
    @pytest.mark.parametrize("metric", project(registry.METRICS))
    def test_metric(self, metric: str) -> None:
        target = generate().page_of(metric).split("#")[0]
        page = DOCS / "metrics" / target
        assert metric in headings(page)
        assert f"<!-- facts {metric}:begin -->" in page.read_text()
        assert {"Formula", "Source", "Status and failure"} <= headings(page)
        assert any(title.startswith("When not to trust") for title in headings(page))

    @pytest.mark.parametrize("page", ["metrics/index.md", "features.md", "cli.md"])
    def test_generated_pages_are_not_empty(self, page: str) -> None:
        assert (DOCS / page).read_text().count("\n") > 20

    def test_feature(self) -> None:
        assert set(project(registry.FEATURES)) <= headings(DOCS / "features.md")

    def test_suite(self) -> None:
        assert set(project(registry.SUITES)) <= headings(DOCS / "suites.md")

    def test_weight_card(self) -> None:
        assert set(cards()) <= headings(DOCS / "weights.md")

    def test_health_flag(self) -> None:
        assert set(FLAGS) <= headings(DOCS / "health.md")

    def test_error_class(self) -> None:
        named = {
            name
            for name, kind in inspect.getmembers(errors, inspect.isclass)
            if issubclass(kind, errors.MirabenchError)
        }
        assert named <= headings(DOCS / "errors.md")

    def test_environment_variable(self) -> None:
        sources = (path.read_text() for path in (ROOT / "mirabench").rglob("*.py"))
        read = {name for text in sources for name in VARIABLE.findall(text)}
        assert "MIRABENCH_CACHE" in read
        assert read == {h for h in headings(DOCS / "environment.md") if VARIABLE.fullmatch(h)}


class TestTheOfficialSuite:
    OFFICIAL = load_suite("mirabench-official")

    def test_precision_has_a_row_for_each_column(self) -> None:
        text = (DOCS / "precision.md").read_text()
        linked = [
            metric.name
            for metric in self.OFFICIAL.metrics
            if re.search(rf"^\| [^|]*\[`{metric.name}`\]\(metrics/", text, flags=re.MULTILINE)
        ]
        assert linked == [metric.name for metric in self.OFFICIAL.metrics]
        assert len(linked) == 21

    def test_the_download_command_brings_all_that_it_needs(self) -> None:
        (command,) = re.findall(
            r"^mirabench weights (download --suite .*)$",
            (DOCS / "weights.md").read_text(),
            flags=re.MULTILINE,
        )
        asked = CliRunner().invoke(app, command.split(), input="n\n")
        offered = re.findall(r"^(\S+): .* [kMG]B, ", asked.output, flags=re.MULTILINE)
        needed = [generate().cards_of(choice.build().spec) for choice in self.OFFICIAL.metrics]
        # CoTracker's code is a card too, but a checkout or torch.hub's cache may stand in for it
        assert set(offered) == {name for names in needed for name in names} | {"cotracker-code"}

    def test_non_commercial_metrics_are_those_with_non_commercial_weights(self) -> None:
        for choice in self.OFFICIAL.metrics:
            spec = choice.build().spec
            behind = [cards()[name].non_commercial for name in generate().cards_of(spec)]
            assert spec.non_commercial == any(behind), choice.name

    def test_the_readme_tells_lite_first_and_then_the_suites_that_need_weights(self) -> None:
        readme = (ROOT / "README.md").read_text()
        part = readme[readme.index("<!-- metrics:begin -->") : readme.index("<!-- metrics:end -->")]
        named = re.split(r"\(docs/suites\.md#([\w-]+)\)", part)[1:]
        assert named[::2] == ["lite", "mirabench", "mirabench-official"]
        for name, table in zip(named[::2], named[1::2], strict=True):
            listed = re.findall(r"^\| \[`(\w+)`\]", table, flags=re.MULTILINE)
            assert sorted(listed) == sorted(choice.name for choice in load_suite(name).metrics)


class TestTheReportPage:
    @pytest.mark.parametrize(
        "kind", [k for k in vars(model).values() if inspect.isclass(k) and k.__module__ == model.__name__
                 and not k.__name__.startswith("_")], ids=lambda kind: kind.__name__,
    )  # fmt: skip
    def test_has_every_field_of_the_schema(self, kind: type) -> None:
        assert rows(sections(DOCS / "report.md")[kind.__name__]) == set(kind.model_fields)

    def test_has_every_column_and_every_fact_of_the_run(self, clips: Path, tmp_path: Path) -> None:
        mirabench.evaluate(clips / "clip.mp4", metrics=["sharpness"], output=tmp_path)
        told = sections(DOCS / "report.md")
        header = (tmp_path / "scores.csv").read_text().splitlines()[0]
        assert rows(told["scores.csv"]) == set(header.split(","))
        run = yaml.safe_load((tmp_path / "run.json").read_text())
        assert rows(told["run.json"]) == run.keys()
        assert {p.name for p in tmp_path.iterdir()} - {"feature-cache"} == rows_of_files(told)


def rows_of_files(told: dict[str, str]) -> set[str]:
    return set(re.findall(r"^\| `([\w.]+)` \|", told["The report"], flags=re.MULTILINE))


def test_generated_pages_are_fresh() -> None:
    assert [page.name for page in generate().stale()] == [], "run `make docs` and commit"


class TestLinks:
    @pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
    def test_resolve(self, page: Path) -> None:
        text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if target.startswith(("http://", "https://")):
                continue
            name, _, anchor = target.partition("#")
            file = (page.parent / name).resolve() if name else page
            assert file.exists(), f"{target}: no such file"
            if anchor:
                assert anchor in {slug(title) for title in headings(file)}, target

    def test_the_site_builds_without_a_warning(self, tmp_path: Path) -> None:
        # not -q: it drops the warnings before --strict counts them
        command = ["build", "--strict", "-f", str(DOCS / "mkdocs.yml"), "-d", str(tmp_path)]
        done = subprocess.run([sys.executable, "-m", "mkdocs", *command], capture_output=True)
        assert done.returncode == 0, done.stderr.decode()
        assert (tmp_path / "metrics" / "sharpness.html").exists()

    def test_every_metric_page_is_in_the_navigation(self) -> None:
        listed = (DOCS / "mkdocs.yml").read_text()
        pages = {p.relative_to(DOCS).as_posix() for p in (DOCS / "metrics").glob("*.md")}
        assert {page for page in pages if f"- {page}\n" not in listed} == set()


def slug(title: str) -> str:
    """The anchor that both GitHub and MkDocs make of a heading."""
    return re.sub(r"[-\s]+", "-", re.sub(r"[^\w\s-]", "", title.lower()).strip())


class TestSmallFiles:
    def test_change_notes_have_a_kind(self) -> None:
        notes = [
            p.name
            for p in (ROOT / "changes").iterdir()
            if p.name not in {"README.md", "template.md.j2"}
        ]
        kind = re.compile(r"[a-z0-9][a-z0-9-]*\.(added|changed|fixed|removed)\.md")
        assert [name for name in notes if not kind.fullmatch(name)] == []

    def test_the_citation_is_of_this_version(self) -> None:
        citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
        assert citation["version"] == mirabench.__version__
        assert citation["license"] == "Apache-2.0"

    def test_hooks_before_a_commit_need_no_network(self) -> None:
        hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
        assert [repo["repo"] for repo in hooks] == ["local"]
        assert {hook["language"] for hook in hooks[0]["hooks"]} == {"system"}
