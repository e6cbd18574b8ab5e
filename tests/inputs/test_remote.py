"""Clips at addresses: found, fetched while they are scored, and scored as they would be here."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import clipkit
import pytest

import mirabench
from mirabench.errors import InputError, MissingExtraError
from mirabench.inputs import remote
from mirabench.inputs.samples import collect
from mirabench.video.encode import write_video

fsspec = pytest.importorskip("fsspec")


@pytest.fixture(scope="module")
def clips(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("clips")
    for n in range(2):
        film = clipkit.panning(frames=4, size=(64, 48), dx=0.5, seed=n)
        write_video(folder / f"clip{n}.mp4", film, fps=8)
    return folder


@pytest.fixture
def bucket(clips: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A bucket with two clips and a manifest, on a real S3 server of this machine."""
    pytest.importorskip("s3fs")
    server = pytest.importorskip("moto.server").ThreadedMotoServer(
        "127.0.0.1", port=0, verbose=False
    )
    server.start()
    host, port = server.get_host_and_port()
    for name, value in {
        "AWS_ACCESS_KEY_ID": "key", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)
    storage: Any = fsspec.filesystem("s3", skip_instance_cache=True)
    storage.mkdir("films")
    for clip in sorted(clips.glob("*.mp4")):
        storage.put_file(str(clip), f"films/run/{clip.name}")
    table = "video_path,prompt\nrun/clip0.mp4,a pan\ns3://films/run/clip1.mp4,another pan\n"
    storage.pipe_file("films/manifest.csv", table.encode())
    yield "s3://films"
    server.stop()
    fsspec.filesystem("s3").clear_instance_cache()


@pytest.mark.slow
def test_clips_of_a_bucket_have_the_scores_they_have_here(clips: Path, bucket: str) -> None:
    here = mirabench.evaluate(clips, metrics=["sharpness"])
    for given in (f"{bucket}/run", f"{bucket}/run/*.mp4", f"{bucket}/manifest.csv"):
        there = mirabench.evaluate(given, metrics=["sharpness"])
        assert [v.path for v in there.videos] == [f"{bucket}/run/clip{n}.mp4" for n in range(2)]
        assert [v.id for v in there.videos] == ["clip0", "clip1"]
        assert [v.scores for v in there.videos] == [v.scores for v in here.videos]
    assert [v.prompt for v in there.videos] == ["a pan", "another pan"]
    gone = mirabench.evaluate([f"{bucket}/run/clip0.mp4"], metrics=["sharpness"], cache=False)
    assert not gone.partial


def test_an_unreadable_clip_is_a_failure_with_its_address(clips: Path) -> None:
    with fsspec.open("memory://held/a.mp4", "wb") as file:
        file.write((clips / "clip0.mp4").read_bytes())
    with fsspec.open("memory://held/b.mp4", "wb") as file:
        file.write(b"no video")
    report = mirabench.evaluate("memory://held", metrics=["sharpness"])
    assert [bool(v.error) for v in report.videos] == [False, True]
    assert [v.id for v in report.videos] == ["a", "b"]
    assert "memory:///held/b.mp4" in (report.videos[1].error or "")
    assert tempfile.gettempdir() not in (report.videos[1].error or "")


def test_a_storage_that_fails_every_tenth_call_loses_nothing(
    clips: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)
    content = (clips / "clip0.mp4").read_bytes()
    storage = MemoryFileSystem()
    for n in range(25):
        storage.pipe_file(f"/flaky/{n:02d}.mp4", content)
    get, calls = MemoryFileSystem.get_file, []

    def failing(self: Any, *arguments: Any, **options: Any) -> Any:
        calls.append(arguments)
        if len(calls) % 10 == 0:
            raise OSError("503 slow down")
        return get(self, *arguments, **options)

    monkeypatch.setattr(MemoryFileSystem, "get_file", failing)
    report = mirabench.evaluate("memory://flaky", metrics=["sharpness"])
    assert len(calls) > 25
    assert (len(report.videos), report.partial) == (25, False)


def test_a_storage_that_always_fails_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    from fsspec.implementations.memory import MemoryFileSystem

    monkeypatch.setattr(remote, "FIRST_PAUSE", 0.0)

    def failing(*_: Any, **__: Any) -> Any:
        raise OSError("503 slow down")

    monkeypatch.setattr(MemoryFileSystem, "isfile", failing)
    with pytest.raises(InputError, match="cannot look at memory://x: 503 slow down"):
        collect(["memory://x/"[:-1]])


def test_an_address_of_a_file_here_is_its_path(clips: Path) -> None:
    [sample] = collect([(clips / "clip0.mp4").as_uri()])
    assert sample.source == clips / "clip0.mp4"


def test_a_clip_that_vanished_is_a_failure(tmp_path: Path) -> None:
    table = tmp_path / "manifest.csv"
    table.write_text("video_path\nmemory://vanished/a.mp4\n")
    report = mirabench.evaluate(table, metrics=["sharpness"])
    assert (report.videos[0].error or "").startswith("there is no file memory://vanished/a.mp4")


def test_nothing_at_an_address_is_said() -> None:
    with pytest.raises(InputError, match="there is nothing at memory://none"):
        collect(["memory://none"])


def test_a_missing_library_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(MissingExtraError, match=r"\[storage\]"):
        collect(["s3://bucket/clips"])
