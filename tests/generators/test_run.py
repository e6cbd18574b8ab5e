"""The loop makes every clip once, records what failed and why, and goes on where it was."""

from __future__ import annotations

import csv
import logging
from dataclasses import replace
from pathlib import Path

import pytest
from fakegen import Moody, paint

from mirabench import evaluate
from mirabench.errors import InputError, ManifestError, MirabenchError, OutputError
from mirabench.generators.manifest import Entry, file_stem, read_manifest
from mirabench.generators.run import Generated, generate_all
from mirabench.inputs.prompts import Prompt
from mirabench.inputs.samples import collect, generator_facts
from mirabench.video.decode import sha256_of

MOODS = {
    "refuse": "the model refuses the file",
    "break": "unexpected RuntimeError: CUDA out of memory",
    "hang": "stopped after 3 s: it hangs, or needs a longer time limit",
    "crash": "its process died (SIGSEGV)",
    "exit": "its process died (exit code 3)",
    "nothing": "it ended without an error and without a video",
    "empty": "the file is empty (0 bytes): write or download it again",
    "garbage": "the file is not a readable video",
    "truncate": "the file",
    "wide": "the video is 64x16, asked for was 32x16",
}


def prompts_of(*texts: str) -> list[Prompt]:
    return [Prompt(text.split()[0], text, {"camera": "Static."}) for text in texts]


def rows(manifest: Path) -> list[dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def troubled(tmp_path_factory) -> Generated:
    """One run in which most things go wrong, and two clips go right."""
    folder = tmp_path_factory.mktemp("troubled")
    wanted = prompts_of("first", *MOODS, "last")
    return generate_all(Moody(), wanted, folder, timeout=3, size=(32, 16))


@pytest.mark.parametrize(("mood", "why"), MOODS.items(), ids=list(MOODS))
def test_what_goes_wrong_is_recorded_with_its_reason(mood, why, troubled):
    entry = next(e for e in troubled.failed if e.prompt.id == mood)
    assert entry.why.startswith(why)
    row = next(r for r in rows(troubled.manifest) if r["prompt_id"] == mood)
    assert (row["status"], row["sha256"]) == ("failed", "")
    assert not (troubled.manifest.parent / row["video_path"]).exists()


def test_one_bad_clip_does_not_take_the_others_along(troubled):
    assert [e.prompt.id for e in troubled.entries if e.status == "done"] == ["first", "last"]


def test_a_file_that_did_not_pass_is_kept_for_looking_at(troubled):
    rejected = {p.name for p in (troubled.manifest.parent / "rejected").iterdir()}
    assert {"garbage--seed-0.mp4", "wide--seed-0.mp4", "hang--seed-0.mp4"} <= rejected


def test_what_the_generator_prints_is_in_its_log(troubled):
    text = (troubled.manifest.parent / "generate.log").read_text()
    assert "going away" in text
    assert "CUDA out of memory" in text


def test_nothing_temporary_is_left(troubled):
    left = {p.name for p in troubled.manifest.parent.iterdir()}
    assert left == {"manifest.csv", "videos", "rejected", "generate.log", "journal"}


def test_evaluate_takes_the_manifest_and_counts_the_missing_clips(troubled):
    report = evaluate([troubled.manifest], metrics=["exposure"], cache=False)
    assert report.partial
    assert len(report.videos) == 12
    assert sum(v.error is None for v in report.videos) == 2
    assert report.summary["exposure"].failed == 10


def test_a_manifest_tells_all_of_a_clip(tmp_path):
    outcome = generate_all(Moody("7"), prompts_of("cat on a mat"), tmp_path, seeds=(3, 5))
    assert not outcome.failed
    first, second = rows(outcome.manifest)
    video = tmp_path / first["video_path"]
    assert (first["id"], first["video_path"]) == ("cat/seed-3", "videos/cat--seed-3.mp4")
    assert first["prompt"] == "cat on a mat"
    assert first["camera_caption"] == "Static."
    assert (first["generator"], first["revision"], first["seed"]) == ("moody", "7", "3")
    assert first["settings"] == '{"mood": "varied"}'
    assert first["prompt_digest"] == prompts_of("cat on a mat")[0].digest()
    assert first["sha256"] == sha256_of(video) != second["sha256"]
    assert (first["width"], first["height"], first["num_frames"]) == ("32", "16", "4")
    assert float(first["seconds"]) > 0
    (facts,) = generator_facts(collect([outcome.manifest]))
    assert (facts["name"], facts["seeds"], facts["prompts"]) == ("moody", ["3", "5"], 1)


def test_running_again_makes_what_is_missing_and_nothing_else(tmp_path):
    marker = tmp_path / "marker"
    generator = Moody(marker=str(marker))
    wanted = prompts_of("cat", "wait", "dog")
    first = generate_all(generator, wanted, tmp_path / "run", timeout=3)
    assert [e.prompt.id for e in first.failed] == ["wait"]
    marker.touch()
    made: list[tuple[int, int, str]] = []

    def note(done: int, total: int, entry: Entry, seconds_left: float) -> None:
        made.append((done, total, entry.id))
        assert seconds_left == 0

    second = generate_all(generator, wanted, tmp_path / "run", timeout=3, progress=note)
    assert made == [(1, 1, "wait/seed-0")]
    assert (second.reused, second.failed) == (2, [])
    kept = {e.id: e.facts for e in first.entries if e.status == "done"}
    assert kept == {e.id: e.facts for e in second.entries if e.id in kept}


def test_clips_whose_file_or_prompt_changed_are_made_again(tmp_path, caplog):
    wanted = prompts_of("gone", "changed", "edited", "kept")
    first = generate_all(Moody(), wanted, tmp_path)
    (tmp_path / "videos" / "gone--seed-0.mp4").unlink()
    paint(tmp_path / "videos" / "changed--seed-0.mp4", "something else")
    wanted[2] = replace(wanted[2], text="edited since")
    with caplog.at_level(logging.WARNING):
        second = generate_all(Moody(), wanted, tmp_path)
    assert second.reused == 1
    for reason in ("its file is gone", "its file has changed", "its prompt has changed"):
        assert reason in caplog.text
    before, after = ({e.id: e.facts.sha256 for e in o.entries} for o in (first, second))
    assert [key for key in before if before[key] != after[key]] == ["edited/seed-0"]


def test_a_generator_that_ignores_its_prompt_or_seed_is_found_out(tmp_path):
    by_prompt = generate_all(Moody(), [*prompts_of("copy"), Prompt("b", "copy b")], tmp_path / "a")
    assert "the same file as copy/seed-0: the generator does not use its prompt" in (
        by_prompt.failed[0].why
    )
    by_seed = generate_all(Moody(), prompts_of("copy"), tmp_path / "b", seeds=(0, 1))
    assert [e.id for e in by_seed.failed] == ["copy/seed-1"]
    assert "does not use its seed" in by_seed.failed[0].why


def test_another_size_than_the_first_clip_is_noted(tmp_path):
    outcome = generate_all(Moody(), prompts_of("cat", "wide"), tmp_path)
    assert not outcome.failed
    (odd,) = outcome.odd
    assert odd.why == "it is 64x16, the first clip (cat/seed-0) is 32x16"


def test_other_settings_are_not_mixed_into_one_manifest(tmp_path):
    generate_all(Moody("1"), prompts_of("cat"), tmp_path)
    with pytest.raises(InputError, match="made with revision 1, this run has 2: choose another"):
        generate_all(Moody("2"), prompts_of("cat"), tmp_path)
    again = generate_all(Moody("2"), prompts_of("cat"), tmp_path, resume=False)
    assert (again.reused, [e.maker.revision for e in again.entries]) == (0, ["2"])


def test_clips_of_earlier_runs_stay_in_the_manifest(tmp_path):
    generate_all(Moody(), prompts_of("cat"), tmp_path)
    outcome = generate_all(Moody(), prompts_of("dog"), tmp_path, seeds=(1,))
    assert [e.id for e in outcome.entries] == ["dog/seed-1"]
    assert list(read_manifest(outcome.manifest)) == ["cat/seed-0", "dog/seed-1"]


def test_an_error_that_no_clip_can_escape_ends_the_run(tmp_path):
    with pytest.raises(MirabenchError, match="option model: there is none"):
        generate_all(Moody(), prompts_of("fatal", "cat"), tmp_path)
    statuses = [e.status for e in read_manifest(tmp_path / "manifest.csv").values()]
    assert statuses == ["pending", "pending"]


def test_a_manifest_of_somebody_else_is_not_overwritten(tmp_path):
    (tmp_path / "manifest.csv").write_text("id,video_path,prompt\n1,a.mp4,a cat\n")
    with pytest.raises(ManifestError, match="was not written by `mirabench generate`"):
        generate_all(Moody(), prompts_of("cat"), tmp_path)


def test_a_manifest_that_points_out_of_its_folder_is_refused(tmp_path):
    outcome = generate_all(Moody(), prompts_of("cat"), tmp_path / "run")
    text = outcome.manifest.read_text().replace("videos/cat", "videos/../../cat")
    outcome.manifest.write_text(text)
    with pytest.raises(ManifestError, match="was not written by"):
        generate_all(Moody(), prompts_of("cat"), tmp_path / "run", resume=False)


def test_two_prompts_of_one_id_are_refused(tmp_path):
    with pytest.raises(InputError, match="two prompts have the id 'cat'"):
        generate_all(Moody(), [Prompt("cat", "one"), Prompt("cat", "two")], tmp_path)


def test_a_folder_that_cannot_be_made_is_said_before_the_work(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="cannot write"):
        generate_all(Moody(), prompts_of("cat"), tmp_path / "file")


def test_nothing_to_do_is_said():
    with pytest.raises(InputError, match="name at least one prompt and one seed"):
        generate_all(Moody(), [], Path("unused"))


@pytest.mark.parametrize(
    ("prompt_id", "stem"),
    [
        ("human-01/short", "human-01--short"),
        ("line-0001", "line-0001"),
        ("../../etc/passwd", None),
        ("Human-01", None),
        ("a--b", None),
        ("a" * 300, None),
        ("日本", None),
        ("", None),
    ],
)
def test_file_names_are_readable_where_that_is_safe_and_unique_everywhere(prompt_id, stem):
    found = file_stem(prompt_id)
    assert stem in (None, found)
    assert len(found) <= 110
    assert not set(found) & set('/\\:*?"<>| ')
    assert not found.startswith(".")


def test_ids_that_a_file_system_may_merge_get_different_names():
    ids = ["a/b", "a--b", "A/b", "a_b", "a b", "é", "e\u0301", "a" * 200, "a" * 201]
    assert len({file_stem(i).casefold() for i in ids}) == len(ids)
