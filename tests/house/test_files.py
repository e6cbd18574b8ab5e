"""Writing files: whole or not at all, under any name, as valid UTF-8."""

from __future__ import annotations

import csv
import errno
import io
import json
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mirabench.errors import OutputError
from mirabench.files import (
    encoded,
    remove_abandoned,
    replacing,
    require_writable,
    write_bytes,
    write_text,
)

NAMES = [b"caf\xe9.webm", b"\xff", b"a\nb.csv", b"x" * 255, b"y." + b"z" * 253, "ä".encode() * 127]


@pytest.mark.parametrize("name", NAMES, ids=lambda name: repr(name[:12]))
def test_any_name_that_a_file_system_holds_is_written(name: bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    write_text(path, "one\n")
    write_bytes(path, b"two\n")
    assert [os.fsencode(file.name) for file in tmp_path.iterdir()] == [name]
    assert path.read_bytes() == b"two\n"


@given(st.lists(st.binary(max_size=12).map(os.fsdecode), max_size=4))
def test_names_come_back_from_json_byte_for_byte(names: list[str]) -> None:
    data = encoded(json.dumps(names, ensure_ascii=False))
    assert [os.fsencode(name) for name in json.loads(data.decode("utf-8"))] == [
        os.fsencode(name) for name in names
    ]


@given(st.text())
def test_text_without_such_bytes_is_plain_utf_8(text: str) -> None:
    assert encoded(text).decode("utf-8") == text


def test_csv_with_such_a_name_is_valid_utf_8() -> None:
    buffer = io.StringIO()
    csv.writer(buffer).writerow([os.fsdecode(b"caf\xe9"), "é"])
    assert encoded(buffer.getvalue()).decode("utf-8") == "caf\\udce9,é\r\n"


def test_line_ends_are_the_same_everywhere(tmp_path: Path) -> None:
    write_text(tmp_path / "a", "one\ntwo\n")
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


def test_what_fails_leaves_the_older_file_and_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write_text(path, "old")
    with pytest.raises(ZeroDivisionError), replacing(path) as part:
        part.write_text("half")
        raise ZeroDivisionError
    assert path.read_text() == "old"
    assert [file.name for file in tmp_path.iterdir()] == ["table.csv"]


def test_a_full_disk_says_where_and_what_to_do(tmp_path: Path) -> None:
    with (
        pytest.raises(OutputError, match=r"table\.csv.*free some space"),
        replacing(tmp_path / "table.csv"),
    ):
        raise OSError(errno.ENOSPC, "No space left on device")
    assert not list(tmp_path.iterdir())


def test_a_file_in_the_place_of_a_folder_is_an_output_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError):
        write_text(tmp_path / "file" / "inner", "x")
    with pytest.raises(OutputError):
        require_writable(tmp_path / "file")
    (tmp_path / "folder").mkdir()
    with pytest.raises(OutputError):
        write_text(tmp_path / "folder", "x")


def test_a_writable_folder_is_left_as_it_was(tmp_path: Path) -> None:
    require_writable(tmp_path / "new" / "folder")
    assert not list((tmp_path / "new" / "folder").iterdir())


def test_the_temporary_name_keeps_the_suffix_and_the_folder(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    with replacing(path) as part:
        assert (part.suffix, part.parent) == (".mp4", tmp_path)
        assert part.name.startswith(".")
        part.touch()


def test_data_is_on_the_disk_before_the_name_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, seen = tmp_path / "a", []
    monkeypatch.setattr(os, "fsync", lambda _: seen.append(path.exists()))
    write_text(path, "x")
    assert seen == [False, True], "the file before the rename, the folder after it"


def test_readers_never_see_half_of_a_file(tmp_path: Path) -> None:
    path, ended, torn = tmp_path / "a", threading.Event(), []
    write_text(path, "0" * 100_000)

    def read() -> None:
        while not ended.is_set():
            text = path.read_text()
            if len(text) != 100_000 or len(set(text)) != 1:
                torn.append(text[:20])

    reader = threading.Thread(target=read)
    reader.start()
    writers = [
        threading.Thread(target=lambda n=n: [write_text(path, str(n) * 100_000) for _ in range(10)])
        for n in range(3)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    ended.set()
    reader.join()
    assert not torn


HELD = """
import sys, time
from pathlib import Path
from mirabench.files import replacing
with replacing(Path(sys.argv[1])) as part:
    part.write_bytes(b"half")
    print(flush=True)
    time.sleep(60)
"""


def test_a_writer_that_ended_is_gone_before_its_parent_takes_note(tmp_path: Path) -> None:
    """Where the first process of a container reaps nobody, every orphan stays a zombie."""
    target = tmp_path / "clip.mp4"
    writer = subprocess.Popen([sys.executable, "-c", HELD, target], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    [half] = tmp_path.iterdir()
    writer.kill()
    os.waitid(os.P_PID, writer.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and stays a zombie
    assert remove_abandoned(tmp_path) == [half]
    writer.communicate()


def test_a_later_process_of_the_same_number_is_not_the_writer(tmp_path: Path) -> None:
    old, fresh = (tmp_path / f".{os.getpid()}.0123abc{end}.part.mp4" for end in "de")
    old.touch()
    fresh.touch()
    os.utime(old, (0.0, 0.0))
    assert remove_abandoned(tmp_path) == [old]
    assert fresh.exists()


def test_what_a_killed_writer_left_is_removed_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "clip.mp4"
    writer = subprocess.Popen([sys.executable, "-c", HELD, target], stdout=subprocess.PIPE)
    assert writer.stdout is not None
    writer.stdout.readline()
    others = [".4194304.part.mp4", ".hidden.mp4", "1.0123abcd.part", ".x.0123abcd.part", "clip.mp4"]
    for name in others:
        (tmp_path / name).touch()
    with replacing(tmp_path / "mine") as mine:
        mine.touch()
        [half] = target.parent.iterdir()
        assert remove_abandoned(tmp_path) == [], "both writers are alive"
        writer.kill()
        writer.communicate()
        assert remove_abandoned(tmp_path) == [half]
    found = {path.name for path in tmp_path.rglob("*") if path.is_file()}
    assert found == {*others, "mine"}
