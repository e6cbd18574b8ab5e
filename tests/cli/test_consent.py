"""Before a run, missing parameters are listed and asked for; nothing is downloaded by surprise."""

from __future__ import annotations

import hashlib
import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import clipkit
import pytest
from typer.testing import CliRunner

from mirabench.cli.main import app
from mirabench.video.encode import write_video
from mirabench.weights import card

runner = CliRunner()
FILE = b"not a checkpoint, but the bytes that the server has"


@pytest.fixture
def arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("MIRABENCH_WEIGHTS", str(tmp_path / "weights"))
    clip = write_video(tmp_path / "a.mp4", clipkit.panning(frames=4, size=(64, 48)))
    metrics = "dynamic_degree,temporal_motion_smoothness,sharpness"
    return ["evaluate", str(clip), "--metrics", metrics, "--output", str(tmp_path / "out")]


def failures(tmp_path: Path) -> dict[str, str]:
    return json.loads((tmp_path / "out" / "report.json").read_text())["videos"][0]["failures"]


def test_what_is_missing_is_listed_with_size_and_licence(
    arguments: list[str], tmp_path: Path
) -> None:
    result = runner.invoke(app, arguments)
    assert "raft-things: 21 MB, BSD-3-Clause: RAFT optical flow" in result.output
    assert "--yes" in result.output
    assert "amt-s:" not in result.output  # not allowed, so not offered
    assert result.exit_code == 1
    assert "weights download raft-things" in failures(tmp_path)["dynamic_degree"]
    assert "--allow-noncommercial" in failures(tmp_path)["temporal_motion_smoothness"]


def test_allowed_ones_are_offered_too(arguments: list[str]) -> None:
    result = runner.invoke(app, [*arguments, "--allow-noncommercial"])
    assert "amt-s: 12 MB, CC-BY-NC-4.0, non-commercial" in result.output


def test_a_plan_says_what_is_missing_and_brings_nothing(
    arguments: list[str], tmp_path: Path
) -> None:
    result = runner.invoke(app, [*arguments, "--plan"])
    assert result.exit_code == 0
    assert "raft-things is not on this machine: 21 MB, BSD-3-Clause" in result.output
    assert not (tmp_path / "weights").exists()


def test_lite_asks_nothing(arguments: list[str]) -> None:
    arguments[3] = "sharpness"
    result = runner.invoke(app, arguments)
    assert result.exit_code == 0 and "parameters" not in result.output


def test_offline_it_says_so_and_the_rest_is_computed(
    arguments: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MIRABENCH_OFFLINE", "1")
    result = runner.invoke(app, [*arguments, "--yes"])
    assert "cannot be downloaded in offline mode" in result.output
    assert result.exit_code == 1
    assert failures(tmp_path).keys() == {"dynamic_degree", "temporal_motion_smoothness"}


@pytest.fixture
def server() -> Iterator[str]:
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(FILE)))
            self.end_headers()
            self.wfile.write(FILE)

        def log_message(self, *_: object) -> None:
            pass

    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}/raft-things.pth"
    httpd.shutdown()
    httpd.server_close()


def test_yes_downloads_before_the_run(
    arguments: list[str], server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from mirabench.weights.card import Mirror, cards

    served = replace(
        card("raft-things"),
        sources=(Mirror(server),),
        sha256=hashlib.sha256(FILE).hexdigest(),
        about_megabytes=0,
        same_weights=(),
    )
    monkeypatch.setitem(cards(), "raft-things", served)  # type: ignore[arg-type]
    result = runner.invoke(app, [*arguments, "--yes"])
    stored = tmp_path / "weights" / "raft-things.pth"
    assert stored.read_bytes() == FILE, result.output
    assert (
        "raft-things.pth" in failures(tmp_path)["dynamic_degree"]
    )  # the server's bytes are no network
