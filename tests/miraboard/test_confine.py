"""What the process that opens strangers' clips can still do: nothing that reaches out."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import clipkit
import pytest

from mirabench.errors import InputError
from mirabench.inputs.prompts import Prompt
from mirabench.suites.api import load_suite
from mirabench.video.encode import REPEATABLE, write_video
from miraboard.clips import apart
from miraboard.clips.apart import read_answer, score_apart
from miraboard.clips.confine import Limits

TRIES = """
import json, os, signal, socket, subprocess, sys, threading
from miraboard.clips.confine import Limits, confine
inside, outside = socket.socketpair()
confine(Limits(seconds=60, gigabytes=0.5, megabytes_written=1))
def large(): open(sys.argv[1], "wb").write(b"x" * 3_000_000)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
tries = {
    "inet": lambda: socket.socket(socket.AF_INET),
    "inet6": lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM),
    "unix": lambda: socket.socket(socket.AF_UNIX),
    "netlink": lambda: socket.socket(16, socket.SOCK_RAW),
    "name": lambda: socket.getaddrinfo("example.org", 80),
    "connect": lambda: inside.connect("/var/run/docker.sock"),
    "program": lambda: subprocess.run(["true"], check=True),
    "exec": lambda: os.execv("/bin/true", ["true"]),
    "spawn": lambda: os.posix_spawn("/bin/true", ["true"], {}),
    "fork": lambda: os._exit(0) if os.fork() == 0 else None,
    "kill": lambda: os.kill(os.getppid(), 0),
    "file": large,
    "memory": lambda: bytearray(2**30),
}
found = {}
for name, attempt in tries.items():
    try:
        attempt()
        found[name] = ""
    except BaseException as error:
        found[name] = type(error).__name__
thread = threading.Thread(target=lambda: found.update(thread="ran"))
thread.start(); thread.join()
print(json.dumps(found))
"""


def test_nothing_reaches_out(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", TRIES, str(tmp_path / "large")], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found.pop("thread") == "ran"
    assert {k: v for k, v in found.items() if not v} == {}
    assert found["memory"] == "MemoryError" and len(found) == 13


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "a.mp4"
    frames = clipkit.panning(frames=14, dx=1.5, size=(96, 64), seed=1)
    return write_video(path, frames, fps=12, options=REPEATABLE)


PROMPT = Prompt("p", "A ball.")
SUITE = load_suite("lite").only(["sharpness", "noise"])


def test_a_clip_is_scored_and_drawn_apart(clip: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MIRABOARD_TOKEN", "a-secret-of-the-board")
    found = score_apart(SUITE, PROMPT, "a", clip, Limits())
    assert set(found.record.scores) == {"sharpness", "noise"} == set(found.curves)
    assert found.film is not None
    assert (found.film.width, found.film.height, found.film.frames) == (96, 64, 14)
    assert b"ftyp" in found.video[:16] and found.poster.startswith(b"\xff\xd8")


def test_a_clip_that_takes_too_long_is_ended(clip: Path) -> None:
    with pytest.raises(InputError, match=r"took more than 0\.01 s"):
        score_apart(SUITE, PROMPT, "a", clip, Limits(seconds=0.01))


def test_a_file_that_is_no_video_has_a_record_that_says_so(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"#!/bin/sh\n" * 100)
    found = score_apart(SUITE, PROMPT, "a", path, Limits())
    assert found.record.error and not found.record.scores and found.film is None


def test_no_secret_is_passed_on() -> None:
    assert not any("TOKEN" in name or "DATABASE" in name or "SECRET" in name for name in apart.KEPT)


ANSWERS: dict[str, Any] = {
    "nothing": b"",
    "no json": b"{",
    "a list": b"[]",
    "too much": b" " * (apart.MOST_ANSWER + 1),
    "another clip": json.dumps(
        {"record": {"id": "b", "path": "x"}, "curves": {}, "film": None}
    ).encode(),
    "endless film": json.dumps(
        {
            "record": {"id": "a", "path": "x"},
            "curves": {},
            "film": {"width": 4, "height": 4, "fps": 1, "frames": 10**9},
        }
    ).encode(),
    "no number": json.dumps(
        {"record": {"id": "a", "path": "x"}, "curves": {"n": [[0, "x"]]}, "film": None}
    ).encode(),
    "infinite": b'{"record": {"id": "a", "path": "x"}, "curves": {"n": [[0, 1e999]]}, "film": null}',
}


@pytest.mark.parametrize("data", ANSWERS.values(), ids=list(ANSWERS))
def test_what_a_taken_over_process_says_is_checked(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(InputError):
        read_answer(data, "a", tmp_path)
