"""`mirabench leaderboard`: serve a board, submit to one, score a sample again, export.

The package `miraboard` is found by name when a command runs, never imported by mirabench.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

app = typer.Typer(no_args_is_help=True)

Database = Annotated[
    str,
    typer.Option(
        "--database",
        envvar="MIRABOARD_DATABASE",
        help="SQLAlchemy URL (default: sqlite:///miraboard.db).",
    ),
]
Tracks = Annotated[
    Path | None,
    typer.Option("--tracks", envvar="MIRABOARD_TRACKS", help="A TOML file of tracks."),
]


def _module(name: str) -> Any:
    """A module of the leaderboard, or the error that names the extra.

    Raises:
        MissingExtraError: it, or something that it needs, is not installed.
    """
    from mirabench.errors import MissingExtraError

    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise MissingExtraError("leaderboard", f"the leaderboard needs {error.name}") from error


def _board(database: str, tracks: Path | None) -> Any:
    from dataclasses import replace

    settings = _module("miraboard.settings").settings_from()
    chosen = {"database": database} if database else {}
    return _module("miraboard.board").Board(replace(settings, tracks=tracks, **chosen))


@app.command()
def serve(
    *,
    database: Database = "",
    tracks: Tracks = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
) -> None:
    """Serve a leaderboard; needs nothing but the extra `leaderboard`."""
    module = _module("miraboard.app")
    board = _board(database, tracks)
    typer.echo(f"leaderboard at http://{host}:{port} (stop with Ctrl-C)")
    module.launch(board, host, port)


@app.command()
def submit(
    report: Annotated[Path, typer.Argument(help="report.json, or the run's folder.")],
    *,
    board: Annotated[str, typer.Option(help="The board's address.")],
    generator: Annotated[str, typer.Option(help="Name of the generator.")],
    version: Annotated[str, typer.Option("--version", help="Its version.")],
    licence: Annotated[str, typer.Option(help="Its licence.")],
    contact: Annotated[str, typer.Option(help="Whom maintainers may ask.")],
    track: Annotated[str, typer.Option(help="The track to enter.")],
    link: Annotated[list[str] | None, typer.Option(help="A link; repeat for more.")] = None,
    strips: Annotated[
        bool, typer.Option("--strips", help="Send film strips of a few clips, to look at.")
    ] = False,
    videos: Annotated[
        Path | None, typer.Option(help="Where the clips lie, if not where the report says.")
    ] = None,
) -> None:
    """Submit a report; exit code 1 when it is refused."""
    from mirabench.errors import InputError

    path = report / "report.json" if report.is_dir() else report
    if not path.is_file():
        raise InputError(f"no report at {path}: give report.json or the folder of a run")
    pictures = _write_strips(path, videos) if strips else None
    card = {
        "generator": generator, "version": version, "track": track, "licence": licence,
        "contact": contact, "links": link or [],
    }  # fmt: skip
    answer = _module("miraboard.client").submit(board, path, card, pictures)
    if answer["accepted"]:
        typer.echo(f"accepted: submission {answer['id']}")
        return
    for reason in answer["reasons"]:
        typer.echo(f"refused: {reason['code']}: {reason['text']}", err=True)
    raise typer.Exit(1)


def _write_strips(report: Path, videos: Path | None) -> Path:
    """`strips.json` beside the report, which the form of the board takes too."""
    from mirabench.report.files import write_atomically
    from mirabench.report.model import load_report

    module = _module("miraboard.strips")
    path = report.with_name("strips.json")
    write_atomically(path, module.to_file(module.make_strips(load_report(report), videos)))
    return path


@app.command()
def rescore(
    submission: Annotated[str, typer.Argument(help="Id of the submission.")],
    *,
    videos: Annotated[Path, typer.Option(help="Folder with the clips' files, under any name.")],
    database: Database = "",
    tracks: Tracks = None,
    sample: Annotated[int, typer.Option(min=1, help="Clips to score again.")] = 8,
    seed: Annotated[
        int | None, typer.Option(help="Of the choice (default: unpredictable).")
    ] = None,
) -> None:
    """Score a sample of a submission's clips again; exit code 1 when scores differ."""
    import secrets

    board = _board(database, tracks)
    found = _module("miraboard.rescore").rescore_submission(
        board, submission, videos, sample=sample,
        seed=secrets.randbits(32) if seed is None else seed,
    )  # fmt: skip
    typer.echo(f"{'agrees' if found.passed else 'DIFFERS'}: {found}")
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def demo(*, database: Database = "", tracks: Tracks = None) -> None:
    """Fill a board with real scores of small rendered clips; takes a few minutes."""
    taken = _module("miraboard.demo").fill(_board(database, tracks), typer.echo)
    typer.echo(f"{taken} submissions accepted")


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Where the pages go.")],
    *,
    database: Database = "",
    tracks: Tracks = None,
) -> None:
    """Write the board as a static site, with CSV and JSON of each track."""
    written = _module("miraboard.export").write_site(_board(database, tracks), folder)
    typer.echo(f"{len(written)} files in {folder}")
