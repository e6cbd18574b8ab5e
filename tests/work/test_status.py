"""What a folder tells of its run: at work, interrupted or ended, and how far it came."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import urllib.request
from pathlib import Path

import pytest

from mirabench.errors import InputError
from mirabench.work import status as room
from mirabench.work.journal import locked
from mirabench.work.run import Progress
from mirabench.work.status import StatusFile, status_of

HALF = Progress("score", 10, 1, ok=3, failed=1, seconds=8.0, item="c")


@pytest.fixture
def prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "SECONDS_BETWEEN", 0.0)


def test_a_folder_of_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output folder of no run"):
        status_of(tmp_path)


def test_a_run_at_work_an_interrupted_one_and_one_that_ended(tmp_path: Path) -> None:
    file = StatusFile(tmp_path, facts=lambda: {"retries": 2})
    with locked(tmp_path):
        assert status_of(tmp_path) == {"state": "running"}  # before its first word
        file.tell(HALF)
        found = status_of(tmp_path)
    # 5 of 10 are there, 4 of them of this run in 8 seconds: 2 seconds for each of the other 5
    counts = (found["state"], found["done"], found["total"], found["eta_seconds"], found["retries"])
    assert counts == ("running", 5, 10, 10.0, 2)
    assert status_of(tmp_path)["state"] == "interrupted"
    file.end()
    assert (status_of(tmp_path)["state"], status_of(tmp_path)["eta_seconds"]) == ("ended", 0.0)


def test_a_killed_process_leaves_an_interrupted_run(tmp_path: Path) -> None:
    code = (
        "import sys, time\nfrom pathlib import Path\nfrom mirabench.work.journal import locked\n"
        "from mirabench.work.status import StatusFile\nfrom mirabench.work.run import Progress\n"
        "folder = Path(sys.argv[1])\nwith locked(folder):\n"
        "    StatusFile(folder).tell(Progress('score', 2, 0, ok=1))\n    print(flush=True)\n"
        "    time.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    process.stdout.readline()
    assert status_of(tmp_path)["state"] == "running"
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    assert (status_of(tmp_path)["state"], status_of(tmp_path)["done"]) == ("interrupted", 1)


@pytest.mark.parametrize(
    ("identity", "ended", "continues"),
    [("a", False, True), ("b", False, False), ("a", True, False)],
)
def test_a_run_goes_on_with_an_interrupted_one_of_the_same_work(
    tmp_path: Path, identity: str, ended: bool, continues: bool
) -> None:
    earlier = StatusFile(tmp_path, work="a")
    earlier.tell(HALF)
    if ended:
        earlier.end()
    assert StatusFile(tmp_path, work=identity).continues() is continues


def test_it_is_written_no_more_often_than_once_a_second(tmp_path: Path) -> None:
    file = StatusFile(tmp_path)
    file.tell(HALF)
    file.tell(Progress("score", 10, 1, ok=4))
    assert status_of(tmp_path)["done"] == 5


def test_a_disk_that_refuses_is_said_once_and_harms_nothing(
    tmp_path: Path, prompt: None, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "journal").write_text("in the way")
    file = StatusFile(tmp_path)
    for _ in range(3):
        file.tell(HALF)
    assert sum("status" in r.message for r in caplog.records) == 1


def test_torn_status_is_no_status(tmp_path: Path) -> None:
    (tmp_path / "journal").mkdir()
    (tmp_path / "journal" / "status.json").write_text('{"ended": fal')
    assert not StatusFile(tmp_path).continues()


def test_prometheus_reads_the_folder_at_each_scrape(tmp_path: Path, prompt: None) -> None:
    pytest.importorskip("prometheus_client")
    from mirabench.work.prometheus import serve

    file = StatusFile(tmp_path, facts=lambda: {"feature_seconds": {"motion": 1.5}})
    server = serve(tmp_path, 0)
    try:
        port = server.server_port

        def scraped() -> str:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
                return str(reply.read(), "utf-8")

        assert "mirabench_items" not in scraped()  # no run yet
        file.tell(HALF)
        text = scraped()
        assert 'mirabench_items{of="done"} 5.0' in text
        assert 'mirabench_state{state="interrupted"} 1.0' in text
        assert 'mirabench_feature_seconds{feature="motion"} 1.5' in text
        file.tell(Progress("score", 10, 1, ok=9))
        assert 'mirabench_items{of="done"} 10.0' in scraped()
    finally:
        server.shutdown()
        server.server_close()


def test_log_lines_are_json_with_the_facts(capsys: pytest.CaptureFixture[str]) -> None:
    from mirabench.cli.json_log import JsonLines

    record = logging.LogRecord("mirabench", logging.WARNING, "", 1, "clip %s", ("é",), None)
    record.facts = {"seconds": 2.0}
    line = json.loads(JsonLines().format(record))
    assert (line["level"], line["message"], line["seconds"]) == ("warning", "clip é", 2.0)
