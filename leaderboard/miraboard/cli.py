"""`mirabench leaderboard`: serve a board, submit to one, score a sample again, export.

The command comes by the entry point `mirabench.commands`. Its help needs no extra: what `leaderboard` brings
is imported when a command runs.
"""

from __future__ import annotations

import threading
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from mirabench.errors import InputError
from mirabench.extras import needs_extra

if TYPE_CHECKING:
    from miraboard.board import Board

app = typer.Typer(no_args_is_help=True, help="Serve a leaderboard, or submit to one.")

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


def _leaderboard() -> AbstractContextManager[None]:
    return needs_extra("leaderboard", "the leaderboard needs more packages")


def _board(database: str, tracks: Path | None) -> Board:
    from dataclasses import replace

    with _leaderboard():
        from miraboard.board import Board
        from miraboard.settings import settings_from

    settings = settings_from()
    return Board(replace(settings, tracks=tracks, database=database or settings.database))


@app.command()
def serve(
    *,
    database: Database = "",
    tracks: Tracks = None,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port to listen on.")] = 7860,
) -> None:
    """Serve a leaderboard; needs only the extra `leaderboard`."""
    with _leaderboard():
        from miraboard.app import launch
        from miraboard.checking import Apart
        from miraboard.scorer import begin
    board = _board(database, tracks)
    board.checker = apart = Apart(board.tracks)
    threading.Thread(target=apart.start, daemon=True).start()  # it loads while the pages start
    begin(board)
    typer.echo(f"leaderboard at http://{host}:{port} (stop with Ctrl-C)")
    launch(board, host, port)


@app.command()
def submit(
    report: Annotated[Path, typer.Argument(help="report.json, or the run's folder.")],
    *,
    board: Annotated[str, typer.Option(help="Address of the board.")],
    generator: Annotated[str, typer.Option(help="Name of the generator.")],
    version: Annotated[str, typer.Option("--version", help="Its version.")],
    licence: Annotated[str, typer.Option(help="Its licence.")],
    contact: Annotated[str, typer.Option(help="Contact for maintainers.")],
    track: Annotated[str, typer.Option(help="The track to enter.")],
    token: Annotated[
        str,
        typer.Option(
            envvar="MIRABOARD_ACCOUNT",
            help="Token of your account on the board; see `mirabench leaderboard account`.",
        ),
    ] = "",
    link: Annotated[list[str] | None, typer.Option(help="A link; may be repeated.")] = None,
    strips: Annotated[
        bool, typer.Option("--strips", help="Also send film strips of a few clips.")
    ] = False,
    videos: Annotated[
        Path | None,
        typer.Option(help="Folder of the clips, if they are not at the paths in the report."),
    ] = None,
    clips: Annotated[
        str,
        typer.Option(
            help="Where the clips are: a folder's or data set's address, or `upload`; tracks may require it."
        ),
    ] = "",
) -> None:
    """Submit a report; exit code 1 if it is rejected."""
    with _leaderboard():
        from miraboard import client
    path = report / "report.json" if report.is_dir() else report
    if not path.is_file():
        raise InputError(f"no report at {path}: give report.json or the folder of a run")
    pictures = _write_strips(path, videos) if strips else None
    card = {
        "generator": generator, "version": version, "track": track, "licence": licence,
        "contact": contact, "links": link or [],
    }  # fmt: skip
    answer = client.submit(board, path, card, pictures, token, clips)
    if answer["accepted"]:
        typer.echo(f"accepted: submission {answer['id']}")
        if answer["wanted"]:
            _send(board, answer["id"], path, videos)
        return
    for reason in answer["reasons"]:
        typer.echo(f"refused: {reason['code']}: {reason['text']}", err=True)
    raise typer.Exit(1)


@app.command()
def send(
    submission: Annotated[str, typer.Argument(help="Id of the submission.")],
    *,
    board: Annotated[str, typer.Option(help="Address of the board.")],
    report: Annotated[Path, typer.Option(help="Its report.json, or the run's folder.")],
    videos: Annotated[
        Path | None,
        typer.Option(help="Folder of the clips, if they are not at the paths in the report."),
    ] = None,
) -> None:
    """Send a board the clips of a submission that it has drawn."""
    path = report / "report.json" if report.is_dir() else report
    _send(board, submission, path, videos)


def _send(board: str, submission: str, report: Path, videos: Path | None) -> None:
    from mirabench.report.model import load_report

    with _leaderboard():
        from miraboard import client
        from miraboard.scorer import names_of
    records = load_report(report).videos
    names, paths = names_of(records), {v.id: Path(v.path) for v in records}
    left = client.wanted(board, submission)
    for clip in list(left):
        path = videos / names[clip] if videos else paths[clip]
        if not path.is_file():
            raise InputError(f"no clip {path}: name the folder of the clips with --videos")
        left = client.send_clip(board, submission, path)
        typer.echo(f"sent: {clip}")
    typer.echo(
        f"still awaited: {', '.join(left)}" if left else "queued: the board scores the clips"
    )


@app.command()
def account(
    name: Annotated[str, typer.Argument(help="Name of the account: a-z, 0-9, dashes.")],
    *,
    board: Annotated[str, typer.Option(help="Address of the board.")],
) -> None:
    """Make an account on a board; prints its token, which is shown once."""
    with _leaderboard():
        from miraboard import client
    typer.echo(client.register(board, name))


def _write_strips(report: Path, videos: Path | None) -> Path:
    """`strips.json` beside the report, which the form of the board takes too."""
    from mirabench.files import write_text
    from mirabench.report.model import load_report

    with _leaderboard():
        from miraboard.strips import make_strips, to_file
    path = report.with_name("strips.json")
    write_text(path, to_file(make_strips(load_report(report), videos)))
    return path


@app.command()
def rescore(
    submission: Annotated[str, typer.Argument(help="Id of the submission.")],
    *,
    videos: Annotated[Path, typer.Option(help="Folder with the clips' files, under any name.")],
    database: Database = "",
    tracks: Tracks = None,
    sample: Annotated[int, typer.Option(min=1, help="Clips to score again.")] = 8,
    seed: Annotated[int | None, typer.Option(help="Seed of the sample (default: random).")] = None,
) -> None:
    """Score a sample of a submission's clips again; exit code 1 if scores differ."""
    import secrets

    with _leaderboard():
        from miraboard.rescore import rescore_submission
    found = rescore_submission(
        _board(database, tracks), submission, videos, sample=sample,
        seed=secrets.randbits(32) if seed is None else seed,
    )  # fmt: skip
    typer.echo(f"{'agrees' if found.passed else 'DIFFERS'}: {found}")
    if not found.passed:
        raise typer.Exit(1)


@app.command()
def demo(*, database: Database = "", tracks: Tracks = None) -> None:
    """Fill a board with the scores of small rendered clips, which come with the package."""
    with _leaderboard():
        from miraboard.demo import fill
    taken = fill(_board(database, tracks), typer.echo)
    typer.echo(f"{taken} submissions accepted")


@app.command()
def audit(
    *,
    database: Database = "",
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Check every line and report; exit code 1 if one differs."),
    ] = False,
    head: Annotated[
        str, typer.Option(help="A hash that was the newest once and must still be there.")
    ] = "",
) -> None:
    """Print the audit log's newest hash, or check that nothing in the log was changed."""
    with _leaderboard():
        from miraboard.settings import settings_from
        from miraboard.store import Store
    store = Store(database or settings_from().database)
    try:
        if not verify:
            typer.echo(store.head())
            return
        found = store.audit(head)
    finally:
        store.close()
    typer.echo(f"{found.lines} lines, newest {found.head}")
    for problem in found.problems:
        typer.echo(problem, err=True)
    if found.problems:
        raise typer.Exit(1)


@app.command()
def grant(
    role: Annotated[str, typer.Argument(help="The Postgres role that the board runs as.")],
    *,
    database: Database = "",
) -> None:
    """Let a Postgres role read and add, and nothing else; run as the tables' owner."""
    with _leaderboard():
        from miraboard.settings import settings_from
        from miraboard.store import Store
    store = Store(database or settings_from().database)
    store.grant(role)
    store.close()
    typer.echo(f"{role} may read and add rows, and change or remove none")


@app.command("eval-yaml")
def eval_yaml(
    path: Annotated[Path, typer.Argument(help="The file to write, eval.yaml.")],
    *,
    tracks: Tracks = None,
    url: Annotated[str, typer.Option(help="Address of the board, for the description.")] = "",
) -> None:
    """Write what makes a data set of prompts a benchmark on the Hugging Face hub."""
    from mirabench.files import write_text

    with _leaderboard():
        from miraboard.hub import eval_yaml
        from miraboard.tracks import load_tracks
    write_text(path, eval_yaml(load_tracks(tracks).values(), url))
    typer.echo(str(path))


@app.command()
def space(
    folder: Annotated[Path, typer.Argument(help="Folder to write; it must be new or empty.")],
    *,
    wheel: Annotated[
        Path | None,
        typer.Option(help="Wheel of mirabench to install (default: this version, from the index)."),
    ] = None,
) -> None:
    """Write a folder that a Hugging Face Space, or any container host, runs as it is."""
    with _leaderboard():
        from miraboard.space import write_space
    for path in write_space(folder, wheel):
        typer.echo(str(path))


@app.command()
def export(
    folder: Annotated[Path, typer.Argument(help="Folder for the pages.")],
    *,
    database: Database = "",
    tracks: Tracks = None,
) -> None:
    """Write the board as a static site, with CSV and JSON of each track."""
    with _leaderboard():
        from miraboard.export import write_site
    written = write_site(_board(database, tracks), folder)
    typer.echo(f"{len(written)} files in {folder}")
