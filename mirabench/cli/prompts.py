"""`mirabench prompts`: show prompt sets, convert them, validate your own, pair them with videos."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.cli.terminal import split_names, stdout_console

if TYPE_CHECKING:
    from rich.table import Table

    from mirabench.inputs.pairing import Pairing
    from mirabench.inputs.prompts import Prompt

app = typer.Typer(no_args_is_help=True)

Set = Annotated[str, typer.Argument(help="Name of a prompt set, or a file.", show_default=False)]
Form = Annotated[
    list[str] | None,
    typer.Option(help="short, dense or structured; repeat the option or separate by commas."),
]


def _table(*columns: str) -> Table:
    from rich.table import Table

    return Table(*columns, box=None, pad_edge=False)


@app.command("list")
def list_sets() -> None:
    """List the bundled sets."""
    from mirabench.inputs.prompts import cards

    table = _table("name", "version", "prompts", "scenes", "forms", "licence", "title")
    for card in cards().values():
        forms = ", ".join(card.forms)
        counts = (str(card.prompts), str(card.scenes))
        table.add_row(card.name, card.version, *counts, forms, card.licence, card.title)
    stdout_console().print(table)


@app.command()
def show(
    prompts: Set,
    prompt_id: Annotated[
        str | None, typer.Argument(help="One prompt, or one scene, in full.", show_default=False)
    ] = None,
    *,
    form: Form = None,
) -> None:
    """Show the prompts of a set, or one of them with its captions and tags."""
    from mirabench.errors import UnknownNameError
    from mirabench.inputs.prompts import read_prompts

    found = read_prompts(prompts, split_names(form))
    if prompt_id is None:
        for prompt in found.values():
            typer.echo(f"{prompt.id}\t{prompt.text}")
        return
    chosen = [p for key, p in found.items() if key == prompt_id or key.startswith(f"{prompt_id}/")]
    if not chosen:
        raise UnknownNameError("prompt", prompt_id, found)
    _show_fully(chosen)


def _show_fully(chosen: list[Prompt]) -> None:
    for prompt in chosen:
        typer.echo(f"{prompt.id}\n    {prompt.text}\n")
    for name, text in (*chosen[0].captions.items(), *chosen[0].tags.items()):
        typer.echo(f"{name}: {text}")


@app.command()
def export(
    prompts: Set,
    output: Annotated[
        Path, typer.Argument(help="A .csv, .jsonl, .json (VBench's list) or .txt file.")
    ],
    *,
    form: Form = None,
) -> None:
    """Write the prompts for another tool."""
    from mirabench.files import write_text
    from mirabench.inputs.prompts import export_text, read_prompts

    found = read_prompts(prompts, split_names(form))
    text = export_text(found.values(), output.suffix.lower().lstrip("."))
    write_text(output, text)
    typer.echo(f"{output}: {len(found)} prompts", err=True)


@app.command()
def stats(
    prompts: Set,
    *,
    form: Form = None,
    tokens: Annotated[
        bool, typer.Option("--tokens", help="Count CLIP tokens (limit 77), not words.")
    ] = False,
) -> None:
    """Print the lengths of the texts and how often each tag occurs."""
    from mirabench.inputs.prompts import read_prompts
    from mirabench.inputs.prompts.checks import clip_token_counter, count_words, stats_of

    found = read_prompts(prompts, split_names(form))
    counted = stats_of(found.values(), clip_token_counter() if tokens else count_words)
    lengths = _table("tokens in" if tokens else "words in", "texts", "fewest", "mean", "most")
    for name, each in counted.lengths.items():
        numbers = (str(each.count), str(each.fewest), f"{each.mean:.1f}", str(each.most))
        lengths.add_row(name.replace("_", " "), *numbers)
    console = stdout_console()
    console.print(lengths)
    for tag, values in counted.tags.items():
        counts = ", ".join(f"{value} {n}" for value, n in values.items())
        console.print(f"{tag}: {counts}", highlight=False, soft_wrap=True)


@app.command()
def validate(file: Annotated[Path, typer.Argument(help="A table of prompts.")]) -> None:
    """List every problem in a file; exit code 1 if there is one."""
    from mirabench.inputs.prompts import find_problems, read_prompts

    problems = find_problems(file)
    for problem in problems:
        typer.echo(problem)
    if problems:
        raise typer.Exit(1)
    typer.echo(f"{file}: {len(read_prompts(file))} prompts, nothing wrong")


@app.command()
def pair(
    prompts: Set,
    videos: Annotated[list[str], typer.Argument(help="Videos, folders, globs or manifests.")],
    *,
    form: Form = None,
) -> None:
    """Show which video belongs to which prompt; exit code 1 if anything is left over."""
    from mirabench.inputs.prompts import read_prompts
    from mirabench.inputs.samples import collect, pairing_of

    found = pairing_of(collect(videos), read_prompts(prompts, split_names(form)))
    show_pairing(found)
    raise typer.Exit(0 if found.complete else 1)


def show_pairing(pairing: Pairing) -> None:
    """Print what matched and what did not, the latter first."""
    table = _table("video", "prompt", "by", "note")
    for row in pairing.rows():
        table.add_row(*row)
    console = stdout_console()
    console.print(table)
    console.print(pairing.summary(), highlight=False)
