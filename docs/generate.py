"""Write the generated pages, and the generated parts of pages; `--check` fails when one is stale.

A part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` in a page that people write. The
names are `metrics` (the table of all metrics), `facts METRIC`, `flags`, `suite SUITE` and `errors`.
Everything comes from the code, so a page cannot say what the code does not.
"""

from __future__ import annotations

import argparse
import inspect
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mirabench import errors, registry
from mirabench.metrics.api import DIMENSIONS, MetricSpec
from mirabench.metrics.health import FLAGS
from mirabench.suites.api import MetricChoice, load_suite

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
NOTE = (
    "<!-- Written by docs/generate.py: change the code it describes, then run `make docs`. -->\n\n"
)

_PART = re.compile(
    r"(?P<begin><!-- (?P<name>[^:>\n]+):begin -->\n).*?(?P<end><!-- (?P=name):end -->)", re.DOTALL
)


def ours(group: str) -> list[str]:
    """The names that this project registers, and not the packages that happen to be installed."""
    points = entry_points(group=group)
    return sorted({p.name for p in points if p.value.split(".")[0] == "mirabench"})


def specs() -> list[MetricSpec]:
    """Of our metrics, by dimension, in the order of the suites."""
    order = [choice.name for name in ours(registry.SUITES) for choice in load_suite(name).metrics]
    found = [MetricChoice(name).build().spec for name in ours(registry.METRICS)]

    def place(spec: MetricSpec) -> tuple[int, int, str]:
        position = order.index(spec.name) if spec.name in order else len(order)
        return DIMENSIONS.index(spec.dimension), position, spec.name

    return sorted(found, key=place)


def page_of(metric: str) -> str:
    """The link to a metric's page, below `docs/metrics/`."""
    if (DOCS / "metrics" / f"{metric}.md").exists():
        return f"{metric}.md"
    for page in sorted((DOCS / "metrics").glob("*.md")):
        if f"\n## `{metric}`\n" in page.read_text(encoding="utf-8"):
            return f"{page.name}#{metric}"
    raise SystemExit(f"the metric {metric!r} has no page: write docs/metrics/{metric}.md")


def metric_table(folder: str) -> str:
    """All metrics; links start from `folder`."""
    rows = []
    for s in specs():
        link = f"[`{s.name}`]({folder}{page_of(s.name)})"
        rows.append((link, s.dimension, s.unit, better(s), inputs(s), s.summary))
    return table(("metric", "dimension", "unit", "better", "needs", "what it measures"), rows)


def better(spec: MetricSpec) -> str:
    """The direction in a word."""
    return "higher" if spec.higher_is_better else "lower"


def inputs(spec: MetricSpec) -> str:
    """What a metric needs besides the clips."""
    found = [*(["prompts"] if spec.needs_prompt else []), *(["reference"] * (spec.scope == "set"))]
    return ", ".join(found)


def facts(metric: str) -> str:
    """What the code says of one metric."""
    spec = MetricChoice(metric).build().spec
    flags = ", ".join(f"[`{flag}`](../health.md#{flag})" for flag in spec.degenerate_when)
    features = dict.fromkeys(ref.name for ref in spec.needs.values())
    rows = [
        ("what", spec.summary),
        ("dimension", spec.dimension),
        ("range", f"{bound(spec.range[0])} to {bound(spec.range[1])}"),
        ("unit", spec.unit or "none"),
        ("better", better(spec)),
        ("scope", spec.scope),
        ("features", ", ".join(f"[`{name}`](../features.md#{name})" for name in features)),
        ("needs besides clips", inputs(spec) or "nothing"),
        ("`degenerate` under the flags", flags or "none"),
        ("source", spec.source),
        ("version", str(spec.version)),
    ]
    if spec.non_commercial:
        rows.append(("licence", "non-commercial: its weights or code forbid commercial use"))
    return table(("fact", "value"), rows)


def bound(value: float) -> str:
    """An end of a range."""
    return f"{value:g}" if math.isfinite(value) else "no limit"


def flag_table() -> str:
    """The health flags and when each is raised."""
    return table(("flag", "raised when"), [(f"[`{f}`](#{f})", text) for f, text in FLAGS.items()])


def suite_table(name: str) -> str:
    """The metrics of one suite with their parameters."""
    suite = load_suite(name)
    rows = []
    for choice in suite.metrics:
        set_here = ", ".join(f"{k} = {v!r}" for k, v in choice.parameters.items())
        rows.append((f"[`{choice.name}`](metrics/{page_of(choice.name)})", set_here or "defaults"))
    head = f"Version {suite.version}. {suite.description}\n\n"
    return head + table(("metric", "parameters"), rows)


def error_tree() -> str:
    """The tree that `mirabench.errors` draws."""
    found = re.search(r"```.*?```\n", errors.__doc__ or "", re.DOTALL)
    return found.group() if found else ""


def table(head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    """A Markdown table."""
    lines = [head, ("---",) * len(head), *rows]
    cells = (" | ".join(c.replace("|", "\\|") for c in line) for line in lines)
    return "".join(f"| {line} |\n" for line in cells)


PARTS: dict[str, Callable[..., str]] = {
    "facts": facts,
    "flags": flag_table,
    "suite": suite_table,
    "errors": error_tree,
}


def filled(page: Path, text: str) -> str:
    """The page's text with its generated parts as they should be."""

    def fill(found: re.Match[str]) -> str:
        kind, *arguments = found["name"].split()
        if kind == "metrics":
            part = metric_table("docs/metrics/" if page.parent == ROOT else "metrics/")
        else:
            part = PARTS[kind](*arguments)
        return f"{found['begin']}\n{part}\n{found['end']}"

    return _PART.sub(fill, text)


def metrics_page() -> str:
    """`docs/metrics/index.md`."""
    return (
        f"# Metrics\n\n{NOTE}"
        "One row for each metric, by dimension. The page behind a name tells what it measures, how,\n"
        "where the formula comes from and when not to trust it. `better` says which direction is\n"
        "better; `needs` says what a run must be given besides clips.\n\n"
        f"{metric_table('')}"
    )


def features_page() -> str:
    """`docs/features.md`, from the docstrings of the extractors."""
    parts = [
        f"# Features\n\n{NOTE}"
        "A feature is a small table that is computed once for a clip and shared by all metrics that\n"
        "read it. The text below is that of the code. [Concepts](concepts.md) tells how features\n"
        "and metrics fit together.\n"
    ]
    return "\n".join([*parts, *(feature_section(name) for name in ours(registry.FEATURES))])


def feature_section(name: str) -> str:
    """One feature: what its module and its class say, and who reads it."""
    kind = registry.load(registry.FEATURES, name)
    module = inspect.cleandoc(inspect.getmodule(kind).__doc__ or "")
    about = re.sub(rf"^Feature `{name}`: ", "", module)
    columns = inspect.cleandoc(kind.__doc__ or "")
    columns = columns.removeprefix(f"Extractor of the feature `{name}`.").strip()
    readers = [s.name for s in specs() if name in {ref.name for ref in s.needs.values()}]
    read_by = ", ".join(f"[`{m}`](metrics/{page_of(m)})" for m in readers)
    parameters = ", ".join(f"`{k} = {v!r}`" for k, v in defaults(kind))
    return (
        f"## `{name}`\n\n{about[:1].upper()}{about[1:]}\n\n{columns}\n\n"
        f"- Parameters: {parameters or 'none'}.\n"
        f"- Read by: {read_by or 'no metric; see its description'}.\n"
    )


def defaults(kind: type) -> Iterator[tuple[str, object]]:
    """Parameters of an extractor and their defaults."""
    for key, parameter in inspect.signature(kind).parameters.items():
        yield key, parameter.default


def cli_page() -> str:
    """`docs/cli.md`, from the help of each command."""
    import typer
    from typer.testing import CliRunner

    from mirabench.cli.main import app

    def help_of(words: list[str]) -> str:
        # the test runner's terminal has a fixed width and no colours
        environment = {"TERM": "dumb", "NO_COLOR": "1", "COLUMNS": "100"}
        result = CliRunner().invoke(app, [*words, "--help"], env=environment, prog_name="mirabench")
        return "\n".join(line.rstrip() for line in result.output.strip().splitlines())

    parts = [
        f"# Command line\n\n{NOTE}"
        "Results go to stdout, progress and messages to stderr. The exit code is 0 when all is good,\n"
        "1 when the work is done but something in it failed, 2 when the command cannot be run.\n"
        "[Environment variables](environment.md) are on a page of their own.\n"
    ]
    for words in commands(typer.main.get_command(app), []):
        title = " ".join(["mirabench", *words])
        parts.append(f"## `{title}`\n\n```text\n{help_of(words)}\n```\n")
    return "\n".join(parts)


def commands(command: Any, words: list[str]) -> Iterator[list[str]]:
    """The words of each command and group, in the order in which the help lists them."""
    yield words
    for name, child in getattr(command, "commands", {}).items():
        yield from commands(child, [*words, name])


def pages() -> dict[Path, str]:
    """Every generated or partly generated page -> the text that it should have."""
    written = [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]
    whole = {
        DOCS / "metrics" / "index.md": metrics_page(),
        DOCS / "features.md": features_page(),
        DOCS / "cli.md": cli_page(),
    }
    texts = {p: p.read_text(encoding="utf-8") for p in written if p.exists() and p not in whole}
    parts = {page: filled(page, text) for page, text in texts.items() if _PART.search(text)}
    return {**parts, **whole}


def stale() -> dict[Path, str]:
    """The pages whose text is not what it should be, and that text."""
    return {
        page: text
        for page, text in pages().items()
        if not page.exists() or page.read_text(encoding="utf-8") != text
    }


def main(arguments: list[str] | None = None) -> int:
    """Write what is stale, or with `--check` only name it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when stale")
    check = parser.parse_args(arguments).check
    found = stale()
    for page, text in found.items():
        sys.stdout.write(f"{'stale' if check else 'written'}: {page.relative_to(ROOT)}\n")
        if not check:
            page.write_text(text, encoding="utf-8", newline="\n")
    if check and found:
        sys.stdout.write("run `make docs` and commit what it writes\n")
    return int(check and bool(found))


if __name__ == "__main__":
    sys.exit(main())
