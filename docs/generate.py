"""Write the generated pages, and the generated parts of pages; `--check` fails when one is stale.

A part stands between `<!-- NAME:begin -->` and `<!-- NAME:end -->` in a page that people write. The
names are `metrics` (a table for each suite), `facts METRIC`, `flags`, `suite SUITE`, `errors`,
`weights`, `columns` and `functions`.
Everything comes from the code, or from what its scripts measured, so a page cannot say what these do not.
"""

from __future__ import annotations

import argparse
import inspect
import json
import math
import re
import sys
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from mirabench import errors, extras, functional, registry
from mirabench.features.api import weights_of
from mirabench.metrics.api import DIMENSIONS, MetricSpec
from mirabench.metrics.health import FLAGS
from mirabench.suites.api import MetricChoice, load_suite
from mirabench.weights import WeightCard, cards

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
    return sorted({p.name for p in points if p.value.split(".")[0] in extras.OURS})


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


def metric_table(folder: str, chosen: Sequence[MetricSpec]) -> str:
    """These metrics; links start from `folder`."""
    rows = []
    for s in chosen:
        link = f"[`{s.name}`]({folder}{page_of(s.name)})"
        rows.append((link, s.dimension, s.unit, better(s), needs(s), s.summary))
    return table(("metric", "dimension", "unit", "better", "needs", "what it measures"), rows)


def suite_tables(folder: str) -> str:
    """The metrics of each suite, `lite` first; links start from `folder`, this one."""
    parts = []
    for name in sorted(ours(registry.SUITES), key=lambda name: (name != "lite", name)):
        suite = load_suite(name)
        members = {choice.name for choice in suite.metrics}
        chosen = [spec for spec in specs() if spec.name in members]
        head = f"**[`{name}`]({folder}suites.md#{name})**. {suite.description}\n\n"
        parts.append(head + metric_table(f"{folder}metrics/", chosen))
    return "\n".join(parts)


def better(spec: MetricSpec) -> str:
    """The direction in a word."""
    return "higher" if spec.higher_is_better else "lower"


def inputs(spec: MetricSpec) -> str:
    """What a metric needs besides the clips."""
    found = [*(["prompts"] if spec.needs_prompt else []), *(["reference"] * (spec.scope == "set"))]
    return ", ".join(found)


def needs(spec: MetricSpec) -> str:
    """What a metric needs besides the clips, weights included."""
    weights = "weights (non-commercial)" if spec.non_commercial else "weights"
    return ", ".join(text for text in (inputs(spec), weights if cards_of(spec) else "") if text)


def cards_of(spec: MetricSpec) -> list[str]:
    """The weight cards behind a metric."""
    found = (name for ref in spec.needs.values() for name in weights_of(ref.resolve()))
    return list(dict.fromkeys(found))


def weight_links(names: Sequence[str], page: str) -> str:
    """Links to the sections of cards."""
    return ", ".join(f"[`{name}`]({page}#{name})" for name in names)


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
    if cards_of(spec):
        rows.insert(-3, ("weights", weight_links(cards_of(spec), "../weights.md")))
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


def weights_part() -> str:
    """Every weight card: a table, then a section each."""
    rows = []
    for each in cards().values():
        link = f"[`{each.name}`](#{each.name})"
        rows.append((link, each.size_text, licence(each), each.purpose))
    overview = table(("name", "size", "licence", "for"), rows)
    return "\n".join([overview, *(card_section(each) for each in cards().values())])


def licence(each: WeightCard) -> str:
    """The licence of the weights, marked where it forbids commercial use."""
    return f"{each.licence}, **non-commercial**" if each.non_commercial else each.licence


def card_section(each: WeightCard) -> str:
    """One card."""
    digest = {0: "not published; pinned at the first download", 64: f"`{each.sha256}`"}
    sources = [f"<{s.url}>" + (f", in it `{s.member}`" if s.member else "") for s in each.sources]
    lines = {
        "For": each.purpose,
        "File": " or ".join(f"`{name}`" for name in (each.filename, *each.aliases)),
        "Size": each.size_text,
        "Licence": licence(each),
        "Revision": f"`{each.revision}`" if each.revision else "",
        "sha256": digest.get(len(each.sha256), f"begins with `{each.sha256}`"),
        "Source": "; else ".join(sources),
        "Same weights in another file": weight_links(each.same_weights, ""),
    }
    listed = "".join(f"- {key}: {value}\n" for key, value in lines.items() if value)
    return f"### `{each.name}`\n\n{listed}"


def columns_part() -> str:
    """Whole columns by the reference's own code and by ours, from `tests/golden/columns.json`."""
    found = json.loads((ROOT / "tests" / "golden" / "columns.json").read_text(encoding="utf-8"))
    rows = []
    for name, row in found["columns"].items():
        theirs, ours = ("; ".join(f"{v:.7g}" for v in row[side]) for side in ("reference", "ours"))
        seconds = [f"{s:.1f}" if s >= 0.05 else "" for s in row["seconds"]]
        rows.append((f"`{name}`", theirs, ours, f"{row['relative']:.0e}", *seconds))
    return table(("column", "the reference", "ours", "relative difference", "its s", "our s"), rows)


def functions_part() -> str:
    """The public functions of arrays: what each is called with, and its docstring's first line."""
    rows = []
    for name in functional.__all__:
        found = getattr(functional, name)
        arguments = ", ".join(inspect.signature(found).parameters)
        first = (inspect.getdoc(found) or "").splitlines()[0]
        rows.append((f"`{name}`", f"`({arguments})`", first))
    return table(("name", "arguments", "what it gives"), rows)


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
    "weights": weights_part,
    "columns": columns_part,
    "functions": functions_part,
}


def filled(page: Path, text: str) -> str:
    """The page's text with its generated parts as they should be."""

    def fill(found: re.Match[str]) -> str:
        kind, *arguments = found["name"].split()
        if kind == "metrics":
            part = suite_tables("docs/" if page.parent == ROOT else "")
        else:
            part = PARTS[kind](*arguments)
        return f"{found['begin']}\n{part}\n{found['end']}"

    return _PART.sub(fill, text)


def metrics_page() -> str:
    """`docs/metrics/index.md`."""
    return (
        f"# Metrics\n\n{NOTE}"
        "One row per metric, grouped by dimension. The linked page says what the metric measures, how it is\n"
        "computed, where the formula comes from, and when not to trust it. `better` is the better direction;\n"
        "`needs` lists what a run needs besides clips. See [Suites](../suites.md) for the metrics that run\n"
        "together, and [Weights](../weights.md) for how to get weights.\n\n"
        f"{metric_table('', specs())}"
    )


def features_page() -> str:
    """`docs/features.md`, from the docstrings of the extractors."""
    parts = [
        f"# Features\n\n{NOTE}"
        "A feature is a small table that is computed once per clip and shared by all metrics that read\n"
        "it. The descriptions below come from the code. [Concepts](concepts.md) explains how features and\n"
        "metrics fit together.\n\n"
        "Features with weights run a network and preprocess frames as the public MiraBench code does.\n"
        "`precision` is `fp32`, `bf16` or `fp16`. `rate` is the number of frames per second to use; with\n"
        "`None`, every frame is used. Parameters are part of the protocol id.\n"
    ]
    return "\n".join([*parts, *(feature_section(name) for name in ours(registry.FEATURES))])


def feature_section(name: str) -> str:
    """One feature: what its module and its class say, and who reads it."""
    kind = registry.load(registry.FEATURES, name)
    columns = re.sub(
        rf"^(Extractor of the feature )?`{name}`[.:]\s*", "", inspect.cleandoc(kind.__doc__ or "")
    )
    readers = [s.name for s in specs() if name in {ref.name for ref in s.needs.values()}]
    read_by = ", ".join(f"[`{m}`](metrics/{page_of(m)})" for m in readers)
    parameters = ", ".join(f"`{k} = {v!r}`" for k, v in defaults(kind))
    weights = weight_links(weights_of(kind()), "weights.md")
    return (
        f"## `{name}`\n\n{about_module(kind, name)}{capital(columns)}\n\n"
        f"- Parameters: {parameters or 'none'}.\n"
        + (f"- Weights: {weights}.\n" if weights else "")
        + f"- Used by: {read_by or 'no metric; see its description'}.\n"
    )


def about_module(kind: type, name: str) -> str:
    """The module's text; nothing of a module of several features."""
    text = inspect.cleandoc(inspect.getmodule(kind).__doc__ or "")
    own = f"Feature `{name}`: "
    return f"{capital(text.removeprefix(own))}\n\n" if text.startswith(own) else ""


def capital(text: str) -> str:
    """The text with a capital at its beginning."""
    return text[:1].upper() + text[1:]


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
        "Results go to stdout, progress and messages to stderr. The exit code is 0 if everything\n"
        "succeeded, 1 if something in the run failed, and 2 if the command cannot run. See also\n"
        "[Environment variables](environment.md).\n"
    ]
    for words in commands(typer.main.get_command(app), []):
        title = " ".join(["mirabench", *words])
        parts.append(f"## `{title}`\n\n```text\n{help_of(words)}\n```\n")
    return "\n".join(parts)


def commands(command: Any, words: list[str]) -> Iterator[list[str]]:
    """The words of each command and group of ours, in the order in which the help lists them."""
    yield words
    if not hasattr(command, "list_commands"):
        return
    strangers = set(registry.names(registry.COMMANDS)) - set(ours(registry.COMMANDS))
    for name in command.list_commands(None):
        if words or name not in strangers:
            yield from commands(command.get_command(None, name), [*words, name])


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
