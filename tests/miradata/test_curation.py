"""A whole run on a film of known parts: what is published, what the page says, and training on it."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from chatserver import GOOD_FIELDS, Answer, Chat, serving
from clipkit import still
from longfilm import FPS, shot, write_film

from mirabench.errors import InputError, OutputError
from mirabench.inputs.samples import collect
from miradata.config import config_of
from miradata.curation import Curated, configured, curate, funnel_of
from miradata.publish.export import export_v1
from miradata.report.histogram import Mark, histogram
from miradata.report.page import hours
from miradata.run_file import remembered
from miradata.tables.query import query
from miradata.tables.schema import SCHEMAS
from miradata.tables.store import Tables

HOSTILE = "<b>film & co.mp4"


def settings(folder: Path, **given: Any) -> dict[str, Any]:
    return {
        "input": str(folder),
        "split": {"min_scene_seconds": 0.5},
        "length": {"min_seconds": 1.5, "min_seconds_by_source": {}},
        "running": {"workers": 1},
        **given,
    }


@pytest.fixture(scope="module")
def footage(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two lively shots, a still, a dark one, the first again, a short one; and two useless files."""
    folder = tmp_path_factory.mktemp("footage")
    frames = 2 * FPS
    dark = (shot(5, frames) // 24 + 4).astype(np.uint8)
    shots = [
        shot(1, frames),
        shot(2, frames),
        still(frames, seed=4),
        dark,
        shot(1, frames),
        shot(8, 18),
    ]
    write_film(folder / HOSTILE, shots)
    (folder / "empty.mp4").touch()
    (folder / "text.mp4").write_text("no video")
    return folder


@pytest.fixture(scope="module")
def chat() -> Iterator[Chat]:
    with serving() as found:
        yield found


@pytest.fixture(scope="module")
def curated(footage: Path, chat: Chat, tmp_path_factory: pytest.TempPathFactory) -> Curated:
    prices = {"price_prompt": 1.0, "price_completion": 5.0, "most_money": 1.0}
    captions = {"endpoint": {"base_url": chat.url, "model": "big"}, **prices}
    output = tmp_path_factory.mktemp("curated") / "out"
    return curate(config_of(settings(footage, captions=captions)), output)


def digests(output: Path) -> dict[str, str]:
    files = [*output.glob("tables/*/*.parquet"), output / "published.parquet"]
    return {str(f.relative_to(output)): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}


def test_every_part_of_the_film_meets_its_known_fate(curated: Curated) -> None:
    clips = {row["clip_id"]: row["t0_ns"] / 1e9 for row in Tables(curated.output).rows("clips")}
    found = {round(clips[f.clip_id]): (f.step, f.metric) for f in curated.published.fates}
    doubles = {found.pop(0), found.pop(8)}
    assert found == {
        2: ("kept", ""),
        4: ("limit", "motion"),
        6: ("limit", "luma_mean"),
        10: ("length", ""),
    }
    assert doubles == {("kept", ""), ("duplicate", "")}


def test_the_funnel_counts_each_step(curated: Curated) -> None:
    steps = {step.label: step.count for step in funnel_of(curated.output)}
    assert steps == {
        "source videos": 3, "usable videos": 1, "shots between cuts": 6, "clips once stitched": 6,
        "long enough": 5, "within the limits": 3, "no duplicate": 2, "in the level": 2,
        "captioned": 2, "published": 2,
    }  # fmt: skip
    seconds = [step.seconds for step in funnel_of(curated.output)]
    assert seconds == sorted(seconds, reverse=True)


def test_only_what_is_published_was_paid_for(curated: Curated, chat: Chat) -> None:
    assert len(chat.requests) == 2
    assert [row["dense_caption"] for row in curated.published.rows] == [
        GOOD_FIELDS["dense_caption"]
    ] * 2


def test_a_run_again_changes_no_table_and_costs_nothing(curated: Curated, chat: Chat) -> None:
    before, asked = digests(curated.output), len(chat.requests)
    curate(remembered(curated.output).config, curated.output)
    assert digests(curated.output) == before
    assert len(chat.requests) == asked


def test_the_page_shows_everything_and_escapes_it(curated: Curated) -> None:
    page = curated.page.read_text()
    assert HOSTILE not in page
    assert "&lt;b&gt;film &amp; co.mp4" in page
    assert page.count('<svg class="histogram"') == 5
    assert re.search(r"luma_mean 0\.0\d+ is below 0\.08", page)
    assert "limit ≥ 0.08" in page
    assert GOOD_FIELDS["camera_caption"] in page
    assert "2,000 prompt and 400 completion tokens, 0.00 in the money" in page
    assert "aesthetic: switched off" in page
    assert "nsfw: nothing was measured" in page
    assert page.count("data:image/jpeg;base64,") == 4 * 6
    assert not re.search(r"(src|href)=\"(?!data:|#)", page), "nothing is fetched"


@pytest.mark.slow
def test_a_table_that_was_published_trains_a_model(curated: Curated, tmp_path: Path) -> None:
    from miradit.configs import PRESETS
    from miradit.data import read_clips
    from miradit.train import train

    export_v1(curated.output, tmp_path / "v1" / "table.csv")
    table = curated.output / "published.parquet"
    exported, kept = read_clips(tmp_path / "v1" / "table.csv"), read_clips(table)
    assert [clip.captions for clip in exported[0]] == [clip.captions for clip in kept[0]]
    assert (len(kept[0]), exported[1], kept[1]) == (2, [], [])
    config = dataclasses.replace(
        PRESETS["tiny"], data=str(table), output=str(tmp_path / "run"), steps=2, batch_size=2,
        sizes=((32, 32),), num_frames=6, min_frames=4, save_every=2,
    )  # fmt: skip
    losses = train(config)
    assert len(losses) == 2
    assert np.isfinite(losses).all()


def test_in_lite_the_text_beside_a_video_is_the_prompt(footage: Path, tmp_path: Path) -> None:
    for name in (HOSTILE, "film.txt"):
        (tmp_path / "in").mkdir(exist_ok=True)
        source = footage / HOSTILE
        target = tmp_path / "in" / "film.mp4"
        target.write_bytes(source.read_bytes())
        if name.endswith(".txt"):
            (tmp_path / "in" / name).write_text("Colours drift.\n")
    made = curate(config_of(settings(tmp_path / "in")), tmp_path / "out")
    assert {row["short_caption"] for row in made.published.rows} == {"Colours drift."}
    export_v1(tmp_path / "out", tmp_path / "t.csv")
    with (tmp_path / "t.csv").open(newline="") as file:
        assert {row["short_caption"] for row in csv.DictReader(file)} == {"Colours drift."}


def test_killed_while_captioning_and_run_again_the_tables_are_identical(
    footage: Path, tmp_path: Path
) -> None:
    def config(name: str, url: str) -> Path:
        endpoint = {"endpoint": {"base_url": url, "model": "big"}, "concurrency": 1}
        path = tmp_path / f"{name}.yaml"
        path.write_text(json.dumps(settings(footage, captions=endpoint)))  # JSON is YAML
        return path

    with serving() as calm:
        curate(configured(config("calm", calm.url)), tmp_path / "calm")
    with serving(Answer(), Answer(delay=30.0)) as chat:
        given = config("killed", chat.url)
        command = [sys.executable, "-m", "mirabench", "curate", "run", given, "--output"]
        child = subprocess.Popen([*command, tmp_path / "killed"], stderr=subprocess.DEVNULL)
        while len(chat.requests) < 2 and child.poll() is None:
            time.sleep(0.01)  # until the second window is asked
        child.kill()
        assert child.wait() == -signal.SIGKILL
        chat.answers = [Answer()]
        curate(configured(given), tmp_path / "killed")
    assert digests(tmp_path / "killed") == digests(tmp_path / "calm")
    assert len(chat.requests) == 3, "the first answer was kept"


def temporary(output: Path) -> list[Path]:
    return [path for path in output.rglob("*") if ".part" in path.name]


def test_killed_while_clips_are_written_no_unfinished_file_is_left_or_read(
    footage: Path, tmp_path: Path
) -> None:
    (tmp_path / "c.yaml").write_text(json.dumps(settings(footage, running={"workers": 2})))
    output = tmp_path / "killed"
    command = [sys.executable, "-m", "mirabench", "curate", "run", tmp_path / "c.yaml", "--output"]
    for _ in range(5):  # until a kill falls into the writing of a clip
        child = subprocess.Popen(
            [*command, output], stderr=subprocess.DEVNULL, start_new_session=True
        )
        while child.poll() is None and not list(output.glob("clips/*/.*")):
            time.sleep(0.001)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
        if list(output.glob("clips/*/.*")):
            break
        shutil.rmtree(output)
    assert list(output.glob("clips/*/.*.part.mp4")), "the kill left an unfinished clip"
    (output / "clips" / "whole.mp4").write_bytes((footage / HOSTILE).read_bytes())
    read = [sample.source for sample in collect([output / "clips"])]
    assert output / "clips" / "whole.mp4" in read
    assert not any(Path(str(source)).name.startswith(".") for source in read)
    (output / "clips" / "whole.mp4").unlink()
    made = curate(configured(tmp_path / "c.yaml"), output)
    assert temporary(output) == []
    curate(configured(tmp_path / "c.yaml"), tmp_path / "calm")
    assert digests(output) == digests(tmp_path / "calm")
    assert len(made.published.rows) == 2


def test_a_worker_that_is_killed_leaves_no_unfinished_file_behind(
    footage: Path, tmp_path: Path
) -> None:
    output = tmp_path / "out"
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    mine = output / "clips" / "ab" / f".{os.getpid()}.0123abcd.part.mp4"
    left = mine.with_name(f".{gone.pid}.0123abcd.part.mp4")

    def listen(progress: Any) -> None:  # in the middle of the run, as if a worker had died now
        mine.parent.mkdir(parents=True, exist_ok=True)
        mine.touch()
        left.touch()

    curate(config_of(settings(footage)), output, listener=listen)
    assert temporary(output) == [mine], "its writer lives"


def test_collected_videos_are_curated_and_what_cannot_be_fetched_is_said(
    footage: Path, tmp_path: Path
) -> None:
    handler = partial(Quiet, directory=str(footage))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        (tmp_path / "list.txt").write_text(f"{site}/{quote(HOSTILE)}\n{site}/none.mp4\n")
        (tmp_path / "c.yaml").write_text(
            "collect: {rights: ours, folder: videos, list: list.txt, seconds_between: 0}\n"
            "length: {min_seconds: 1.5}\nsplit: {min_scene_seconds: 0.5}\n"
        )
        made = curate(configured(tmp_path / "c.yaml", workers=1), tmp_path / "out")
        server.shutdown()
    assert len(made.published.rows) == 2
    assert made.published.rows[0]["source"] == "127.0.0.1"
    assert made.published.rows[0]["url"].startswith(site)
    assert made.absent[-1] == f"collect: {site}/none.mp4: HTTP 404 Not Found"
    assert "none.mp4: HTTP 404 Not Found" in made.page.read_text()


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


def test_a_stricter_level_publishes_less_without_measuring_again(
    footage: Path, curated: Curated, tmp_path: Path
) -> None:
    levels = tmp_path / "levels.yaml"
    levels.write_text(
        "name: t\nversion: '1'\nlevels: [{name: all}, {name: none, rules: [{metric: motion, "
        "least: 1000.0, origin: test}]}]\n"
    )
    given = settings(footage, publish={"levels": str(levels), "level": "none"})
    made = curate(config_of(given), curated.output)
    assert made.published.rows == []
    assert {f.reason for f in made.published.fates if f.step == "level"}
    assert made.progress["score"].reused == made.progress["score"].total > 0
    assert "0</b> clips published" in made.page.read_text()


def test_an_output_that_cannot_be_written_is_found_out_before_the_work(
    footage: Path, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        curate(config_of(settings(footage)), tmp_path / "file" / "out")


def test_paths_in_a_file_start_at_the_file(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("input: videos\npublish: {levels: l.yaml}\n")
    config = configured(tmp_path / "c.yaml", workers=3)
    assert config.input == tmp_path / "videos"
    assert config.publish.levels == tmp_path / "l.yaml"
    assert config.running.workers == 3


def test_the_profile_of_the_command_comes_before_the_files(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("input: videos\nsplit: {threshold: 26}\n")
    config = configured(tmp_path / "c.yaml", profile="learned")
    assert (config.profile, config.split.threshold, config.aesthetic.enabled) == (
        "learned", 26.0, True,
    )  # fmt: skip


def test_a_file_without_input_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "c.yaml").write_text("profile: lite\n")
    with pytest.raises(InputError, match="names no input"):
        configured(tmp_path / "c.yaml")


def test_a_folder_that_is_no_run_is_one_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="output of no run"):
        remembered(tmp_path)
    (tmp_path / "run.json").write_text("{}")
    with pytest.raises(InputError, match="cannot be read"):
        remembered(tmp_path)


@pytest.mark.parametrize("values", [[], [1.0], [1.0, 1.0], [0.0, 1e-9, 5.0]])
def test_a_histogram_of_anything(values: list[float]) -> None:
    column = np.array(values)
    drawn = histogram(column, column > 0, [Mark("<limit>", 2.0)], "m")
    assert ("<svg" in drawn) == bool(values)
    assert "<limit>" not in drawn and "nan" not in drawn


def test_lengths_for_people() -> None:
    assert [hours(s) for s in (0, 42.25, 200, 5025)] == ["0.0 s", "42.2 s", "3 min", "1 h 24 min"]


def test_every_table_has_a_key() -> None:
    from miradata.tables.schema import KEYS

    assert set(KEYS) == set(SCHEMAS)


def test_names_that_are_no_utf_8_go_in_through_and_out(tmp_path: Path) -> None:
    source = tmp_path / os.fsdecode(b"d\xe9p\xf4t")
    output = tmp_path / os.fsdecode(b"sorti\xe9")
    write_film(source / os.fsdecode(b"caf\xe9.mp4"), [shot(1, 2 * FPS)])
    write_film(source / "sub" / "caf\\udce9.mp4", [shot(2, 2 * FPS)])  # says what an escape says
    (source / os.fsdecode(b"caf\xe9.txt")).write_text("Colours drift.\n")
    (source / os.fsdecode(b"\xff.mp4")).write_text("no video")
    made = curate(config_of(settings(source)), output)
    named = {row["video"]: row["short_caption"] for row in made.published.rows}
    assert named == {"caf\\udce9.mp4": "Colours drift.", "sub/caf\\udce9.mp4": None}
    videos = {row["path"]: row["status"] for row in Tables(output).rows("videos")}
    assert videos == {**dict.fromkeys(named, "ok"), "\\udcff.mp4": "rejected"}
    page = made.page.read_text()
    assert page.count("data:image/jpeg;base64,") == 4 * 2, "the pictures are found"
    assert export_v1(output, tmp_path / os.fsdecode(b"v\xe9") / "table.parquet") == 2
    assert query(output, "SELECT count(*) AS n FROM clips").to_pylist() == [{"n": 2}]
    again = curate(remembered(output).config, output)
    assert again.progress["probe"].reused == 3
    done = subprocess.run(
        [sys.executable, "-m", "mirabench", "curate", "status", output], capture_output=True
    )
    assert done.returncode == 0, done.stderr


def test_two_files_that_would_share_a_name_in_the_tables_are_refused(tmp_path: Path) -> None:
    write_film(tmp_path / "in" / os.fsdecode(b"caf\xe9.mp4"), [shot(1, 8)])
    write_film(tmp_path / "in" / "caf\\udce9.mp4", [shot(2, 8)])
    with pytest.raises(InputError, match="rename one"):
        curate(config_of(settings(tmp_path / "in")), tmp_path / "out")
