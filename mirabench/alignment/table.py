"""An alignment as a table: Markdown for a page, cells for a terminal."""

from __future__ import annotations

import re
from pathlib import Path

from mirabench.alignment.agreement import FEWEST, Estimate
from mirabench.alignment.study import Alignment, AlignmentRow
from mirabench.errors import InputError
from mirabench.files import write_text

HEAD = ("scores", "videos", "Spearman", "Kendall", "pair accuracy", "models' Spearman")


def cells(row: AlignmentRow) -> tuple[str, ...]:
    """The row's texts, under `HEAD`."""
    found = row.agreement
    count = f"{row.scored} raters" if row.kind == "people" and row.scored else str(row.scored)
    prompts = max(found.spearman.clusters, found.accuracy.clusters)
    if row.kind != "people" and prompts < row.scored:
        count += f" of {prompts} prompts"
    if row.left_out:
        count += f" ({row.left_out} without)"
    return (
        row.name,
        count if row.scored or row.kind != "people" else "",
        _text(found.spearman),
        _text(found.kendall),
        _text(found.accuracy, counted=row.kind != "people"),
        _text(found.model_spearman, counted=row.kind != "people"),
    )


def _text(estimate: Estimate, *, counted: bool = False) -> str:
    if estimate.value is None:
        why = "too few" if estimate.n < FEWEST else "all the same"
        return f"{why} (n {estimate.n})" if estimate.n else ""
    text = f"{estimate.value:.3f}"
    if estimate.low is not None:
        text += f" [{estimate.low:.3f}, {estimate.high:.3f}]"
    return f"{text}, n {estimate.n}" if counted else text


def caption(found: Alignment) -> str:
    """What the table rests on, in a sentence or two."""
    what = f"{found.pairs} preferences between" if found.pairs else "ratings of"
    people = f" by {found.raters} raters" if found.raters else ""
    return (
        f"{what} {found.rated} videos{people} ({found.format}, {found.aspect}); {found.matched} of "
        "the videos are available."
    )


def markdown(found: Alignment) -> str:
    """The table as Markdown, under its caption."""
    lines = [HEAD, ("---",) * len(HEAD), *(cells(row) for row in found.rows)]
    table = "".join(f"| {' | '.join(line)} |\n" for line in lines)
    text = caption(found)
    return f"{text[:1].upper()}{text[1:]}\n\n{table}"


def fill_page(page: Path, found: Alignment) -> None:
    """Put the table between `<!-- begin alignment NAME -->` and its end in a page.

    Raises:
        InputError: the page has no such place.
        OutputError: it cannot be written.
    """
    place = re.compile(
        rf"(<!-- begin alignment {re.escape(found.name)} -->\n).*?"
        rf"(<!-- end alignment {re.escape(found.name)} -->)",
        re.DOTALL,
    )
    try:
        text = page.read_text(encoding="utf-8")
    except OSError as error:
        raise InputError(f"cannot read the page {page}: {error.strerror or error}") from error
    if not place.search(text):
        raise InputError(
            f"{page} has no place for {found.name}: write <!-- begin alignment {found.name} --> and "
            f"<!-- end alignment {found.name} --> where the table goes"
        )
    write_text(page, place.sub(lambda m: f"{m[1]}\n{markdown(found)}\n{m[2]}", text))
