"""What is written stays: replays, copies, concurrency, crashes; on SQLite, on Postgres where there is one."""

from __future__ import annotations

import base64
import importlib.util
import os
import pickle
import shutil
import subprocess
import sys
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import DatabaseError

from mirabench.errors import InputError
from miraboard import schema
from miraboard.board import Board
from miraboard.guard import SubmissionRefused
from miraboard.settings import Settings
from miraboard.store import Store

JPEG = cv2.imencode(".jpg", np.zeros((8, 8, 3), np.uint8))[1].tobytes()
DEBIAN = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"))
POSTGRES = shutil.which("postgres") or next(map(str, reversed(DEBIAN)), "")
"""Debian keeps servers off the path."""


def _tool(name: str) -> str:
    return str(Path(POSTGRES).resolve().with_name(name))


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a server of our own, on a socket in a temporary folder."""
    if not POSTGRES:
        pytest.skip("no postgres on this machine")
    if importlib.util.find_spec("psycopg") is None:
        pytest.skip("no driver psycopg is installed")
    as_user: list[str] = []
    if os.geteuid() == 0:  # postgres refuses to run as root
        if shutil.which("runuser") is None:
            pytest.skip("postgres does not run as root, and there is no runuser")
        as_user = ["runuser", "-u", "nobody", "--"]
    # pytest's own folders are closed to other users, and too long for a socket's path
    with tempfile.TemporaryDirectory(prefix="pg") as name:
        folder = Path(name)
        if as_user:
            shutil.chown(folder, "nobody")
        yield from _serve(folder, as_user)


def _serve(folder: Path, as_user: list[str]) -> Iterator[str]:
    data = str(folder / "data")
    quiet = {"cwd": folder, "stdout": subprocess.DEVNULL}
    made = subprocess.run(
        [*as_user, _tool("initdb"), "-D", data, "-U", "board", "-A", "trust", "--no-sync"],
        capture_output=True, text=True, cwd=folder,
    )  # fmt: skip
    if made.returncode:
        pytest.skip(f"initdb does not run here: {made.stderr.strip()[-200:]}")
    control = [*as_user, _tool("pg_ctl"), "-D", data, "-w"]
    options = f"-c listen_addresses= -c unix_socket_directories={folder} -c fsync=off"
    start = [*control, "-l", str(folder / "log"), "-o", options, "start"]
    subprocess.run(start, check=True, **quiet)  # type: ignore[call-overload]
    try:
        yield f"postgresql+psycopg://board@/postgres?host={folder}"
    finally:
        stop = [*control, "-m", "immediate", "stop"]
        subprocess.run(stop, check=True, **quiet)  # type: ignore[call-overload]


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'board.db'}"
    url: str = request.getfixturevalue("postgres")
    engine = sa.create_engine(url)
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()
    return url


@pytest.fixture
def here(database: str, open_board: Callable[..., Board]) -> Board:
    return open_board(database=database)


def submit(board: Board, kit: Any, seed: int = 1, **card: Any) -> Any:
    return board.submit(kit.data(kit.report(seed)), kit.card(**card), "10.0.0.1")


def test_the_report_is_kept_byte_by_byte(here: Board, kit: Any) -> None:
    data = kit.data(kit.report()) + b"\n\n"
    outcome = here.submit(data, kit.card(), "10.0.0.1")
    assert here.store.report(outcome.id).encode() == data


def test_a_retry_is_the_same_submission(here: Board, kit: Any) -> None:
    first, second = submit(here, kit), submit(here, kit)
    assert first.accepted
    assert first.id == second.id
    assert len(here.view("tiny").standings) == 1
    assert [e.kind for e in here.store.log()] == ["retried", "accepted"]


def test_a_replay_under_another_name_is_refused(here: Board, kit: Any) -> None:
    assert submit(here, kit).accepted
    outcome = submit(here, kit, generator="Thief")
    assert {r.code for r in outcome.reasons} == {"copied-clip", "copied-scores", "near-copy"}


def test_the_same_clips_as_a_new_version_are_refused(here: Board, kit: Any) -> None:
    assert submit(here, kit).accepted
    assert "copied-clip" in {r.code for r in submit(here, kit, version="2.0").reasons}


def test_one_copied_clip_is_enough(here: Board, kit: Any) -> None:
    assert submit(here, kit).accepted
    report = kit.report(2)
    report.videos[3].sha256 = kit.report(1).videos[3].sha256
    outcome = here.submit(kit.data(report), kit.card(generator="Beta"), "10.0.0.1")
    assert {r.code for r in outcome.reasons} == {"copied-clip"}


def test_copied_scores_under_other_digests_are_refused(here: Board, kit: Any) -> None:
    assert submit(here, kit).accepted
    videos = kit.report(2).videos
    videos[5].scores = kit.report(1).videos[5].scores
    outcome = here.submit(kit.data(kit.again(videos)), kit.card(generator="Beta"), "10.0.0.1")
    assert {r.code for r in outcome.reasons} == {"copied-scores", "near-copy"}


def test_a_correction_follows_a_withdrawal(here: Board, kit: Any) -> None:
    first = submit(here, kit)
    here.moderate(here.settings.token, first.id, "withdrawn", "a wrong version")
    assert here.view("tiny").standings == ()
    second = submit(here, kit, version="1.1")
    assert second.accepted
    assert [s.version for s in here.view("tiny").standings] == ["1.1"]
    assert here.store.report(first.id)  # still there


def test_a_restored_submission_is_back(here: Board, kit: Any) -> None:
    first = submit(here, kit)
    for kind in ("withdrawn", "restored"):
        here.moderate(here.settings.token, first.id, kind, "a mistake")
    assert [s.id for s in here.view("tiny").standings] == [first.id]


def _one_row(connection: Any, table: sa.Table) -> None:
    """Some row in a table that a submission leaves empty, and in those that it points to."""
    if connection.execute(sa.select(sa.func.count()).select_from(table)).scalar():
        return
    values = {
        column.name: _some_value(connection, table, column)
        for column in table.columns
        if not (column.primary_key and column.type.python_type is int)
    }
    connection.execute(table.insert().values(values))


def _some_value(connection: Any, table: sa.Table, column: Any) -> Any:
    some: dict[type, Any] = {int: 1, bool: True, bytes: b"x", float: 1.0}
    for key in column.foreign_keys:
        if key.column.table is table:
            return None
        _one_row(connection, key.column.table)
        return connection.execute(sa.select(key.column)).scalar()
    return some.get(column.type.python_type, "x")


@pytest.mark.parametrize("table", list(schema.metadata.tables))
def test_the_database_itself_refuses_changes(
    here: Board, kit: Any, table: str, database: str
) -> None:
    strips = b'{"p1-1": "%s"}' % base64.b64encode(JPEG)
    data = kit.data(kit.report())
    here.register("somebody", "10.0.0.1")
    assert here.submit(data, kit.card(), "10.0.0.1", strips=strips).accepted
    with here.store.writing() as connection:
        _one_row(connection, schema.metadata.tables[table])
    engine = sa.create_engine(database)
    columns = schema.metadata.tables[table].columns
    column = next(c.name for c in columns if not c.primary_key and c.type.python_type is str)
    statements = [f"UPDATE {table} SET {column} = 'x'", f"DELETE FROM {table}"]
    if database.startswith("postgresql"):
        statements.append(f"TRUNCATE {table} CASCADE")
    for statement in statements:
        with pytest.raises(DatabaseError, match="append-only"), engine.begin() as connection:
            connection.execute(sa.text(statement))
    engine.dispose()


def test_the_migrations_make_what_the_schema_says(here: Board, database: str) -> None:
    engine = sa.create_engine(database)
    found = sa.inspect(engine)
    for name, table in schema.metadata.tables.items():
        columns = {c["name"]: c["nullable"] for c in found.get_columns(name)}
        assert columns == {c.name: bool(c.nullable) for c in table.columns}
        indices = {i["name"] for i in found.get_indexes(name)} - {f"{name}_key_key"}
        assert {str(i.name) for i in table.indexes} <= indices
    engine.dispose()


def test_a_board_opens_its_database_again(open_board: Callable[..., Board], kit: Any) -> None:
    outcome = submit(open_board(), kit)
    assert [s.id for s in open_board().view("tiny").standings] == [outcome.id]


def test_forty_at_once_are_all_answered_none_lost_none_doubled(here: Board, kit: Any) -> None:
    """Twenty different, ten of them sent twice, five spoiled, five copies under another name."""
    good = [(kit.data(kit.report(seed)), kit.card(generator=f"G{seed}")) for seed in range(1, 21)]
    spoiled = [(data.replace(b"0.1.0", b"<b>"), card) for data, card in good[:5]]
    copies = [(data, {**card, "generator": "Thief"}) for data, card in good[10:15]]
    jobs = [*good, *good[:10], *spoiled, *copies]
    assert len(jobs) == 40
    with ThreadPoolExecutor(40) as pool:
        outcomes = list(pool.map(lambda job: here.submit(*job, "10.0.0.1"), jobs))
    standings = here.view("tiny").standings
    assert len({o.id for o in outcomes if o.accepted}) == len(standings) == 20
    assert all(o.accepted or o.reasons for o in outcomes)
    clips = {seed: {v.sha256 for v in kit.report(seed).videos} for seed in range(11, 16)}
    assert all(clips.values())
    # of a pair that came at once exactly one is in, whichever was first
    assert (
        sum(s.generator == "Thief" for s in standings)
        + sum(s.generator in {f"G{n}" for n in range(11, 16)} for s in standings)
        == 5
    )
    assert not any(o.accepted for o in outcomes[30:35])
    assert len(here.store.log(500)) == 40


_KILLED = """
    import os, sys
    from miraboard import store
    from miraboard.board import Board
    sys.path.insert(0, {tests!r})
    import pickle
    data, card, track = pickle.loads(open({job!r}, "rb").read())
    from miraboard.settings import Settings
    board = Board(Settings(database={database!r}, accounts="optional"), {{track.name: track}})
    def die(*_): os._exit(9)
    store.{where} = die
    board.submit(data, card, "10.0.0.1")
"""


@pytest.mark.parametrize(
    ("database", "where"),
    [("sqlite", "_clip_rows"), ("sqlite", "_event"), ("postgres", "_verdict")],
    indirect=["database"],
)
def test_killed_half_way_nothing_is_there_and_the_retry_works(
    open_board: Callable[..., Board], kit: Any, tmp_path: Path, where: str, database: str
) -> None:
    job = tmp_path / "job"
    job.write_bytes(pickle.dumps((kit.data(kit.report()), kit.card(), kit.track)))
    code = textwrap.dedent(_KILLED).format(
        tests=str(Path(__file__).parent), job=str(job), database=database, where=where
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 9, done.stderr
    board = open_board(database=database)
    assert board.view("tiny").standings == ()
    assert board.store.log() == []
    outcome = submit(board, kit)
    assert outcome.accepted
    assert len(board.store.rows_of(outcome.id)) == 8
    assert submit(board, kit).id == outcome.id


def test_the_rate_limit_holds_one_address_and_not_the_next(
    open_board: Callable[..., Board], kit: Any
) -> None:
    board = open_board(per_hour=3)
    codes = [
        {r.code for r in board.submit(b"{}", kit.card(), "10.0.0.1").reasons} for _ in range(5)
    ]
    assert codes == [{"schema-version"}] * 3 + [{"rate-limit"}] * 2
    assert board.submit(kit.data(kit.report()), kit.card(), "10.0.0.2").accepted


@pytest.mark.parametrize("token", ["", "a-token-of-the-test", "a-token-of-the-tests ", "é"])
def test_a_wrong_token_moderates_nothing(board: Board, kit: Any, token: str) -> None:
    outcome = submit(board, kit)
    with pytest.raises(SubmissionRefused, match="token"):
        board.moderate(token, outcome.id, "withdrawn", "because")
    assert len(board.view("tiny").standings) == 1
    assert board.store.log()[0].kind == "denied"


def test_a_board_without_a_token_has_no_maintainer(open_board: Callable[..., Board]) -> None:
    with pytest.raises(SubmissionRefused, match="token"):
        open_board(token="").moderate("", "x", "withdrawn", "because")


def test_a_short_token_is_not_taken() -> None:
    with pytest.raises(InputError, match="16"):
        Settings(token="secret")


def test_the_log_holds_no_address_and_no_strangers_text(board: Board, kit: Any) -> None:
    board.submit(b"{}", kit.card(generator="<script>"), "203.0.113.7")
    (event,) = board.store.log()
    assert "203.0.113.7" not in repr(event)
    assert "script" not in repr(event)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("sqlite:////no/such/folder/board.db", "cannot open the database"),
        ("nonsense", "cannot open the database"),
        ("mysql+nodriver://x", "cannot open the database"),
    ],
)
def test_a_database_that_is_not_there_is_one_sentence(url: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        Store(url)


@pytest.fixture
def granted(postgres: str, open_board: Callable[..., Board]) -> Iterator[tuple[str, str]]:
    """The owner's URL and that of a role that was granted what a board needs."""
    from typer.testing import CliRunner

    from miraboard import cli

    engine = sa.create_engine(postgres, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        for statement in (
            "DROP SCHEMA public CASCADE", "CREATE SCHEMA public", "DROP ROLE IF EXISTS serving",
            "CREATE ROLE serving LOGIN",
        ):  # fmt: skip
            connection.execute(sa.text(statement))
    open_board(database=postgres)
    done = CliRunner().invoke(cli.app, ["grant", "serving", "--database", postgres])
    assert done.exit_code == 0 and "may read and add rows" in done.output
    yield postgres, postgres.replace("board@", "serving@")
    with engine.connect() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


def test_a_board_serves_as_a_granted_role(
    granted: tuple[str, str], open_board: Callable[..., Board], kit: Any
) -> None:
    board = open_board(database=granted[1])
    outcome = submit(board, kit)
    board.moderate(board.settings.token, outcome.id, "withdrawn", "a wrong one")
    assert board.register("lab", "10.0.0.1") and not board.store.audit().problems


@pytest.mark.parametrize("table", list(schema.metadata.tables))
def test_a_granted_role_changes_removes_and_truncates_nothing(
    granted: tuple[str, str], table: str
) -> None:
    column = schema.metadata.tables[table].columns.keys()[-1]
    engine = sa.create_engine(granted[1])
    for statement in (
        f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE",
        f"DROP TABLE {table} CASCADE", f"ALTER TABLE {table} DISABLE TRIGGER ALL",
        f"ALTER TABLE {table} ADD COLUMN x int", f"DROP TRIGGER {table}_append_only ON {table}",
        "UPDATE alembic_version SET version_num = '0'", "CREATE TABLE mine (x int)",
        "CREATE OR REPLACE FUNCTION append_only() RETURNS trigger AS 'BEGIN RETURN NEW; END' LANGUAGE plpgsql",
    ):  # fmt: skip
        with (
            pytest.raises(DatabaseError, match=r"permission denied|must be owner"),
            engine.begin() as connection,
        ):
            connection.execute(sa.text(statement))
    engine.dispose()


@pytest.mark.parametrize("role", ["nobody_here", 'x"; DROP TABLE events; --', "x' OR '1'='1", ""])
def test_a_role_that_is_none_is_one_sentence(
    postgres: str, open_board: Callable[..., Board], role: str
) -> None:
    board = open_board(database=postgres)
    with pytest.raises(InputError, match="cannot grant to the role"):
        board.store.grant(role)
    assert board.store.log() == [] or board.store.log()


def test_grants_are_for_postgres(open_board: Callable[..., Board]) -> None:
    with pytest.raises(InputError, match="grants are for Postgres"):
        open_board().store.grant("serving")
