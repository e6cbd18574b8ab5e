"""How fast is a full board? 2,000 submissions x 150 prompts x 21 metrics, 20 clients at once.

    python leaderboard/benchmark.py --track lite --submissions 200 --clients 8
    python leaderboard/benchmark.py --track lite --submissions 200 --clients 8 --postgres

The rows are random and the board is thrown away: nothing here is a score of anything. Run it with

    python leaderboard/benchmark.py --submissions 2000 --clients 20

It prints one JSON object: seconds until the first table and until the start page is whole, the page
changes' percentiles, and the server's largest memory (resident, MB).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import psutil
import sqlalchemy as sa

from miraboard.schema import ballots, clips, submissions, verdicts, votes
from miraboard.standing import Standing, Value
from miraboard.store import Store, now
from miraboard.tracks import Track, load_tracks
from miraboard.utility import CONSISTENCY
from miraboard.votes.questions import OVERALL, QUESTIONS

TRACK = "mirabench-official"


def main() -> None:
    """Fill a board, serve it, and ask it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--submissions", type=int, default=2000)
    parser.add_argument("--clients", type=int, default=20)
    parser.add_argument("--changes", type=int, default=20, help="page changes of each client")
    parser.add_argument("--track", default=TRACK)
    parser.add_argument("--votes", type=int, default=2000)
    parser.add_argument(
        "--postgres", action="store_true", help="a server of Debian's package, of our own"
    )
    options = parser.parse_args()
    with (
        tempfile.TemporaryDirectory(prefix="mb") as folder,
        _database(Path(folder), postgres=options.postgres) as database,
    ):
        track = load_tracks()[options.track]
        started = time.perf_counter()
        ids = _fill(database, track, options.submissions)
        _vote(database, track, ids, options.votes)
        filled = time.perf_counter() - started
        found = _measure(database, track, ids, options.clients, options.changes, Path(folder))
    found = {
        "database": "postgresql" if options.postgres else "sqlite",
        "submissions": options.submissions, "prompts": len(track.prompts),
        "metrics": len(track.specs), "votes": options.votes, "seconds_to_fill": round(filled, 1),
        **found,
    }  # fmt: skip
    sys.stdout.write(json.dumps(found, indent=2) + "\n")


@contextmanager
def _database(folder: Path, *, postgres: bool) -> Iterator[str]:
    if not postgres:
        yield f"sqlite:///{folder}/board.db"
        return
    found = shutil.which("postgres") or str(max(Path("/usr/lib/postgresql").glob("*/bin/postgres")))
    tools = Path(found).resolve().parent
    as_user = ["runuser", "-u", "nobody", "--"] if os.geteuid() == 0 else []  # it refuses root
    home = folder / "pg"
    home.mkdir()
    if as_user:
        folder.chmod(0o755)
        shutil.chown(home, "nobody")
    data = [*as_user, str(tools / "pg_ctl"), "-D", str(home / "data"), "-w", "-s"]
    make = [*as_user, str(tools / "initdb"), "-D", str(home / "data"), "-U", "board", "-A", "trust"]
    subprocess.run(make, check=True, cwd=home, stdout=subprocess.DEVNULL)
    options = f"-c listen_addresses= -c unix_socket_directories={home}"
    start = [*data, "-l", str(home / "log"), "-o", options, "start"]
    subprocess.run(start, check=True, cwd=home)
    try:
        yield f"postgresql+psycopg://board@/postgres?host={home}"
    finally:
        subprocess.run([*data, "-m", "immediate", "stop"], check=True, cwd=home)


def _vote(database: str, track: Track, ids: list[str], count: int) -> None:
    """Random votes of 50 raters who answer their checks."""
    draw = random.Random(1)
    shown, said = [], []
    for number in range(count + 50):
        rater, check = f"rater-{number % 50}", number >= count
        left, right = draw.sample(ids, 2)
        shown.append({
            "id": f"{number:032x}", "at": now(), "rater": rater, "actor": "benchmark",
            "track_digest": track.digest, "prompt": draw.choice(list(track.prompts)), "left": left,
            "right": left if check else right, "kind": "same" if check else "pair",
            "answer": "tie" if check else "", "again": None,
        })  # fmt: skip
        answer = "tie" if check else draw.choice(["left", "right", "tie"])
        said.append({"ballot": f"{number:032x}", "at": now(), **dict.fromkeys(QUESTIONS, answer)})
    engine = sa.create_engine(database)
    with engine.begin() as connection:
        connection.execute(ballots.insert(), shown)
        connection.execute(votes.insert(), said)
    engine.dispose()


def _fill(database: str, track: Track, count: int) -> list[str]:
    Store(database).close()
    engine = sa.create_engine(database)
    draw = np.random.default_rng(0)
    report = _report(track, draw)
    ids = []
    for i in range(count):
        identity = hashlib.sha256(str(i).encode()).hexdigest()[:12]
        ids.append(identity)
        with engine.begin() as connection:
            connection.execute(
                submissions.insert().values(**_submission(identity, i, track, draw, report))
            )
            connection.execute(clips.insert(), _clips(identity, track, draw))
            connection.execute(
                verdicts.insert().values(
                    at=now(), kind="recomputed", submission=identity, passed=True, detail="random"
                )
            )
    engine.dispose()
    return ids


def _submission(
    identity: str, i: int, track: Track, draw: np.random.Generator, report: bytes
) -> dict[str, Any]:
    values = {}
    for name in track.specs:
        mean, half = float(draw.normal()), float(abs(draw.normal(0.2, 0.1)))
        values[name] = Value(mean, mean - half, mean + half, 150, 150)
    moving = {n: v for n, v in values.items() if track.specs[n].dimension == CONSISTENCY}
    standing = Standing(
        id=identity, generator=f"Generator {i // 2}", version=str(i % 2), received=now(),
        track=track.name, licence="none", links=(), clips=150, failed=0, still=0, values=values,
        conditioned=moving,
        worths=draw.uniform(0.4, 0.6, (len(track.ranked), len(track.prompts))).astype("<f4").tobytes(),
    )  # fmt: skip
    return {
        "id": identity, "key": hashlib.sha256(identity.encode()).hexdigest(),
        "received": standing.received, "generator": standing.generator,
        "version": standing.version, "track": track.name, "track_digest": track.digest,
        "card": "{}", "report": report, "standing": standing.to_json(),
    }  # fmt: skip


def _clips(identity: str, track: Track, draw: np.random.Generator) -> list[dict[str, Any]]:
    names = list(track.specs)
    table = draw.normal(size=(len(track.prompts), len(names))).tolist()
    return [
        {
            "submission": identity, "track_digest": track.digest, "clip": prompt,
            "prompt": prompt, "sha256": hashlib.sha256(f"{identity} {prompt}".encode()).hexdigest(),
            "fingerprint": hashlib.sha256(repr(row).encode()).hexdigest()[:32],
            "scores": json.dumps(dict(zip(names, row, strict=True))), "notes": "{}",
        }
        for prompt, row in zip(track.prompts, table, strict=True)
    ]  # fmt: skip


def _report(track: Track, draw: np.random.Generator) -> bytes:
    """A document as large as a real report, with what the generator's page reads of it."""
    scores = {
        name: {
            "value": float(draw.normal()),
            "status": "ok",
            "protocol": f"{name}@1:0123456789",
            "why": "",
        }
        for name in track.specs
    }
    videos = [
        {
            "id": p.id,
            "prompt": p.text,
            "error": None,
            "health": {},
            "failures": {},
            "scores": scores,
        }
        for p in track.prompts.values()
    ]
    return json.dumps({"skipped": {}, "videos": videos, "provenance": {}}).encode()


def _measure(
    database: str, track: Track, ids: list[str], clients: int, changes: int, folder: Path
) -> dict[str, Any]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mirabench", "leaderboard", "serve", "--port", str(port)]
    environment = {**os.environ, "MIRABOARD_DATABASE": database}
    url = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
        try:
            _wait(url)
            page, first = _first_page(url), _first_table(url, track)
            with ThreadPoolExecutor(clients + 1) as pool:
                counting = pool.submit(_count_all, url, track)
                asked = [
                    t
                    for found in pool.map(
                        lambda c: _browse(url, track, ids, changes, c), range(clients)
                    )
                    for t in found
                ]
                counted = counting.result()
            memory = psutil.Process(server.pid).memory_info().rss / 2**20
            peak = _peak(server.pid)
        finally:
            server.terminate()
            server.wait()
    return {
        "seconds_to_first_page": round(page + first, 3),
        "seconds_to_first_table": round(first, 3),
        "clients": clients,
        "seconds_to_count_the_votes": round(counted, 1),
        "page_changes": len(asked),
        "milliseconds": _percentiles([t for _, t in asked]),
        "by_page": {
            kind: _percentiles([t for k, t in asked if k == kind])
            for kind in sorted({k for k, _ in asked})
        },
        "memory_mb": round(memory),
        "memory_peak_mb": peak,
        "cpus": len(os.sched_getaffinity(0)),
    }


def _count_all(url: str, track: Track) -> float:
    """Seconds until the votes on every question were counted, which happens while pages are changed."""
    started = time.perf_counter()
    with httpx.Client(timeout=60) as client:
        for question in QUESTIONS:
            while client.get(
                f"{url}/api/tracks/{track.name}/people", params={"question": question}
            ).is_error:
                time.sleep(0.5)
    return time.perf_counter() - started


def _percentiles(seconds: list[float]) -> dict[str, float]:
    return {f"p{q}": round(1000 * float(np.percentile(seconds, q)), 1) for q in (50, 95, 99)}


def _first_page(url: str) -> float:
    """Seconds for the document and what it says the page is made of."""
    started = time.perf_counter()
    with httpx.Client() as client:
        for path in ("/", "/config"):
            client.get(url + path, timeout=60).raise_for_status()
    return time.perf_counter() - started


def _peak(pid: int) -> int | None:
    try:
        text = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return None
    (line,) = [row for row in text.splitlines() if row.startswith("VmHWM")]
    return round(int(line.split()[1]) / 1024)


def _wait(url: str) -> None:
    for _ in range(600):
        try:
            httpx.get(f"{url}/config", timeout=5)
            return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise SystemExit("the server did not start")


def _ask(client: httpx.Client, url: str, name: str, data: list[Any]) -> float:
    started = time.perf_counter()
    answer = client.post(f"{url}/gradio_api/run/{name}", json={"data": data}, timeout=60)
    answer.raise_for_status()
    if not str(answer.json()["data"][0]).startswith("<div"):
        raise SystemExit(f"{name} answered no page")
    return time.perf_counter() - started


def _table(track: Track, search: str = "", order: str = "score", page: int = 1) -> list[Any]:
    return [track.name, search, order, [], "", page, "", *[1.0] * 6]


def _first_table(url: str, track: Track) -> float:
    with httpx.Client() as client:
        return _ask(client, url, "table", _table(track))


def _browse(
    url: str, track: Track, ids: list[str], changes: int, seed: int
) -> list[tuple[str, float]]:
    draw = random.Random(seed)
    prompts, orders = list(track.prompts), [*track.dimensions, *track.specs]
    times = []
    time.sleep(draw.uniform(0, 1.5))  # people do not arrive within one millisecond
    with httpx.Client() as client:
        for _ in range(changes):
            kind = draw.choice(
                ["table", "table", "search", "compare", "submission", "prompt", "people"]
            )
            if kind == "table":
                data = _table(track, order=draw.choice(orders), page=draw.randint(1, 40))
            elif kind == "search":
                kind, data = "table", _table(track, search=str(draw.randint(0, 999)))
            elif kind == "compare":
                data = [track.name, draw.sample(ids, 2)]
            elif kind == "people":
                data = [track.name, OVERALL]
            else:
                data = [track.name, draw.choice(ids if kind == "submission" else prompts)]
            times.append((kind, _ask(client, url, kind, data)))
            time.sleep(draw.uniform(0.5, 1.5))  # a person looks at what came
    return times


if __name__ == "__main__":
    main()
