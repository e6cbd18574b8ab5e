"""What people really give it: each mistake is one clear sentence, and harms nothing else."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path

import av
import clipkit
import numpy as np
import pytest

from mirabench.video.encode import write_video


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


def run(
    folder: Path, *arguments: str, check: int | None = None, **more: object
) -> subprocess.CompletedProcess[str]:
    """`mirabench evaluate ... --metrics sharpness` as its user runs it."""
    command = [sys.executable, "-m", "mirabench", "evaluate", *arguments]
    if "--metrics" not in arguments:
        command += ["--metrics", "sharpness,flow_magnitude"]
    if "--output" not in arguments:
        command += ["--output", str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, cwd=folder, **more)  # type: ignore[call-overload]
    assert "Traceback" not in done.stderr, done.stderr
    if check is not None:
        assert done.returncode == check, done.stderr
    return done


def clip(path: Path, frames: int = 10) -> Path:
    return write_video(path, clipkit.panning(frames=frames, size=(64, 48)))


def report_of(folder: Path) -> dict[str, dict]:
    report = json.loads((folder / "out" / "report.json").read_text())
    return {v["id"]: v for v in report["videos"]}


def one_line(done: subprocess.CompletedProcess[str]) -> str:
    """The only line on stderr."""
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    return lines[0]


class TestBadVideosFailAlone:
    def broken(self, folder: Path, kind: str) -> Path:
        path = folder / f"{kind}.mp4"
        if kind == "zero-bytes":
            path.touch()
        elif kind == "text":
            path.write_text("no video")
        elif kind == "truncated":
            whole = clip(folder / "whole" / "w.mp4").read_bytes()
            shutil.rmtree(folder / "whole")
            path.write_bytes(whole[: len(whole) // 2])
        elif kind == "audio-only":
            with av.open(str(path), "w") as container:
                stream = container.add_stream("aac", rate=8000)
                frame = av.AudioFrame.from_ndarray(
                    np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
                )
                frame.sample_rate = 8000
                container.mux(stream.encode(frame))
                container.mux(stream.encode(None))
        elif kind == "directory":
            path.mkdir()
            (path / "frame_1.png").write_bytes(b"no picture")
        return path

    @pytest.mark.parametrize(
        ("kind", "said"),
        [
            ("zero-bytes", "is empty (0 bytes)"),
            ("text", "not a readable video"),
            ("truncated", "truncated"),
            ("audio-only", "no video stream"),
            ("directory", "not a readable picture"),
        ],
    )
    def test_named_and_recorded(self, folder: Path, kind: str, said: str) -> None:
        clip(folder / "clips" / "good.mp4")
        self.broken(folder / "clips", kind)
        done = run(folder, "clips", check=1)
        assert said in done.stdout
        videos = report_of(folder)
        bad = next(v for key, v in videos.items() if key != "good")
        assert said in bad["error"]
        assert bad["failures"].keys() == {"sharpness", "flow_magnitude"}
        assert videos["good"]["scores"].keys() == {"sharpness", "flow_magnitude"}

    def test_one_frame_is_scored_where_one_frame_suffices(self, folder: Path) -> None:
        clip(folder / "one.mp4", frames=1)
        run(folder, "one.mp4", check=0)
        video = report_of(folder)["one"]
        assert video["scores"].keys() == {"sharpness"}
        assert "at least two" in video["not_applicable"]["flow_magnitude"]

    def test_two_by_two_pixels_do_not_crash(self, folder: Path) -> None:
        write_video(folder / "tiny.mp4", clipkit.panning(frames=10)[:, :2, :2])
        done = run(folder, "tiny.mp4", "--metrics", "flow_magnitude,sharpness,warping_error")
        assert done.returncode in (0, 1)
        assert "unexpected" not in done.stdout

    def test_a_gap_in_frame_numbers(self, folder: Path) -> None:
        import cv2

        frames = folder / "frames"
        frames.mkdir()
        for i in (1, 2, 4, 5):
            cv2.imwrite(str(frames / f"{i:03d}.png"), clipkit.still(1, (64, 48))[0])
        done = run(folder, "frames", check=1)
        assert "frame 3 is missing" in done.stdout

    @pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
    def test_no_permission(self, folder: Path) -> None:
        clip(folder / "clips" / "good.mp4")
        secret = clip(folder / "clips" / "secret.mp4")
        secret.chmod(0)
        done = run(folder, "clips", check=1)
        assert "Permission denied" in done.stdout

    def test_no_permission_seen_by_root_as_an_unreadable_mount(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path
    ) -> None:
        import mirabench
        from mirabench.errors import VideoError

        path = clip(folder / "secret.mp4")
        opened = Path.open

        def refuse(self: Path, *a: object, **k: object) -> object:
            if self == path:
                raise PermissionError(13, "Permission denied")
            return opened(self, *a, **k)  # type: ignore[call-overload]

        monkeypatch.setattr(Path, "open", refuse)
        with pytest.raises(VideoError, match=r"cannot read .*secret\.mp4: Permission denied"):
            mirabench.score(path, "sharpness")


class TestManifests:
    def write(self, folder: Path, text: str) -> str:
        clip(folder / "a.mp4")
        (folder / "list.csv").write_text(text)
        return "list.csv"

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("id,prompt\n1,x\n", "no column for the video's path"),
            ("id,video_path\n1,a.mp4\n1,a.mp4\n", "the id '1' stands in 2 rows"),
            ("id,video_path\n1,\n", "row 1 names no video"),
            ("", "holds no rows"),
            ("id,video_path\n", "holds no rows"),
        ],
        ids=["no path column", "an id twice", "an empty path", "empty", "only a header"],
    )
    def test_a_manifest_that_contradicts_itself_is_refused(
        self, folder: Path, text: str, said: str
    ) -> None:
        done = run(folder, self.write(folder, text), check=2)
        assert said in one_line(done)

    def test_a_missing_file_fails_alone(self, folder: Path) -> None:
        name = self.write(folder, "id,video_path\n1,a.mp4\n2,gone.mp4\n")
        done = run(folder, name, check=1)
        assert "gone.mp4" in done.stdout
        assert report_of(folder)["1"]["scores"].keys() == {"sharpness", "flow_magnitude"}

    def test_an_empty_caption_gives_no_score_and_says_so(self, folder: Path) -> None:
        text = "id,video_path,camera_caption\n1,a.mp4,\n2,a.mp4,The camera pans right.\n"
        name = self.write(folder, text)
        run(folder, name, "--metrics", "camera_motion_agreement", check=0)
        videos = report_of(folder)
        assert "camera caption is empty" in videos["1"]["not_applicable"]["camera_motion_agreement"]
        assert videos["2"]["scores"]["camera_motion_agreement"]["value"] > 0.9

    def test_the_official_columns_work_as_they_are(self, folder: Path) -> None:
        clip(folder / "data" / "a.mp4")
        (folder / "meta.csv").write_text(
            "video_idx,video_path,short_caption,dense_caption,main_object_caption,"
            "background_caption,style_caption,camera_caption\n"
            '1,data/a.mp4,"Short, with comma.",Dense.,Object.,Ground.,Style.,It pans right.\n'
        )
        run(folder, "meta.csv", "--metrics", "camera_motion_agreement", check=0)
        assert report_of(folder)["1"]["prompt"] == "Short, with comma."


class TestUsage:
    @pytest.mark.parametrize(
        ("arguments", "said"),
        [
            (["a.mp4", "--suite", "lit"], "did you mean lite"),
            (["a.mp4", "--metrics", "sharpnes"], "did you mean sharpness"),
            (["nowhere.mp4"], "no video at nowhere.mp4"),
            (["*.webm"], "matches nothing"),
            (["a.mp4", "--device", "tpu"], "unknown device 'tpu'"),
            (["a.mp4", "--prompts", "none.csv"], "cannot read none.csv"),
            (["a.mp4", "--output", "a.mp4"], "cannot write"),
            (["a.mp4", "--output", "/proc/nothing"], "cannot write"),
        ],
    )
    def test_one_sentence_and_exit_code_two(
        self, folder: Path, arguments: list[str], said: str
    ) -> None:
        clip(folder / "a.mp4")
        assert said in one_line(run(folder, *arguments, check=2))

    def test_a_full_disk(self, folder: Path) -> None:
        """A limit on file size stands for the full disk: the write fails half way."""
        clip(folder / "a.mp4")

        def limit() -> None:
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

        done = run(folder, "a.mp4", check=2, preexec_fn=limit)
        assert "cannot write" in done.stderr
        assert not list((folder / "out").glob("report.json"))
        assert not list((folder / "out").glob(".*.part"))

    def test_ctrl_c_ends_in_one_line(self, folder: Path) -> None:
        # far more clips than can be done before the signal, however long this process must wait for its turn
        first = clip(folder / "clips" / "0.mp4", frames=24).read_bytes()
        for i in range(1, 500):
            other = struct.pack(">I4sI", 12, b"free", i)  # the same film with another digest
            (folder / "clips" / f"{i}.mp4").write_bytes(first + other)
        process = subprocess.Popen(
            [sys.executable, "-m", "mirabench", "evaluate", "clips", "--workers", "2"],
            cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert process.stderr is not None
        assert process.stderr.readline().startswith("[1/500]")
        process.send_signal(signal.SIGINT)
        _, rest = process.communicate(timeout=200)
        assert process.returncode == 130
        assert "Traceback" not in rest
        assert "interrupted" in rest.splitlines()[-1]


def test_json_prints_only_the_report(folder: Path) -> None:
    clip(folder / "a.mp4")
    done = run(folder, "a.mp4", "--json", check=0)
    assert json.loads(done.stdout)["videos"][0]["id"] == "a"


def test_plan_computes_nothing(folder: Path) -> None:
    clip(folder / "a.mp4")
    done = run(folder, "a.mp4", "--plan", check=0)
    assert "flow_magnitude" in done.stdout
    assert not (folder / "out").exists()


def test_cache_commands(folder: Path) -> None:
    clip(folder / "a.mp4")
    run(folder, "a.mp4", check=0)

    def cache(*arguments: str) -> str:
        command = [sys.executable, "-m", "mirabench", "cache", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    assert "5 entries" in cache("info")
    assert "removed 0 entries" in cache("prune", "--max-gb", "1")
    assert "removed 5 entries" in cache("prune", "--max-gb", "0")
    assert "removed 0 entries" in cache("clear")
