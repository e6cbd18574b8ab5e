"""Videos find their prompts by manifest, id, or a file name that is a poor copy of the prompt."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from mirabench.inputs.pairing import pair, plain
from mirabench.inputs.prompts import Prompt, read_prompts
from mirabench.inputs.samples import collect, generator_facts, with_prompts

LONG = "a tall ship sails into a harbour at dawn while gulls circle over the masts and " * 5


def prompts(*texts: str, **named: str) -> dict[str, Prompt]:
    numbered = {f"p{n}": text for n, text in enumerate(texts)}
    return {key: Prompt(key, text) for key, text in (numbered | named).items()}


def found(name: str, known: dict[str, Prompt]) -> tuple[str | None, str, str]:
    (match,) = pair([(name, None)], known).matches
    return match.prompt_id, match.how, match.seed


@pytest.mark.parametrize(
    ("name", "how", "seed"),
    [
        ("human-01/short", "id", ""),
        ("run-7/human-01_short", "id", ""),
        ("human-01_short", "id", ""),
        ("Human-01 Short", "id", ""),
        ("human-01--short--seed-3", "id", "3"),
        ("human-01/short/seed-3", "id", "3"),
        ("human-01/short/3", "id", "3"),
        ("A dog, running: fast!", "text", ""),
        ("a_dog__running__fast", "text", ""),
        ("A dog, running: fast!-0", "text", "0"),
        ("batch/A dog, running: fast!-12", "text", "12"),
        ("A dog", "none", ""),
    ],
)
def test_a_name_stands_for_an_id_or_a_text(name, how, seed):
    known = {"human-01/short": Prompt("human-01/short", "A dog, running: fast!")}
    expected = None if how == "none" else "human-01/short"
    assert found(name, known) == (expected, how, seed)


def test_the_manifest_beats_the_name():
    known = prompts(a="a cat", b="a dog")
    stated = [("a", known["b"]), ("b", Prompt("unknown", "a cat"))]
    assert [(m.prompt_id, m.how) for m in pair(stated, known).matches] == [
        ("b", "manifest"),
        ("a", "manifest"),
    ]


def test_a_name_that_ends_in_a_number_of_the_prompt_keeps_it():
    known = prompts("a city in 1980", "a city in")
    assert found("a city in 1980", known) == ("p0", "text", "")
    assert found("a city in 1980-2", known) == ("p0", "text", "2")


def test_an_id_with_a_number_is_not_taken_for_a_seed():
    known = prompts(**{"take-1": "a cat", "take-1-2": "a dog"})
    assert found("take-1-2", known) == ("take-1-2", "id", "")
    assert found("take-1-3", known) == ("take-1", "id", "3")


@pytest.mark.parametrize("limit", [255, 180, 100])
def test_a_long_name_that_a_file_system_cut_still_finds_its_prompt(limit):
    known = prompts(LONG, "a tall ship sinks")
    assert found(LONG[:limit], known) == ("p0", "cut text", "")
    assert found(f"{LONG[: limit - 2]}-4", known) == ("p0", "cut text", "4")


def test_a_name_cut_inside_a_character_finds_its_prompt():
    text = "café à la plage, où l'été s'achève lentement " * 8
    cut = unicodedata.normalize("NFD", text).encode()
    for bytes_kept in range(90, 110):
        name = cut[:bytes_kept].decode("utf-8", "surrogateescape")
        assert found(name, prompts(text))[:2] == ("p0", "cut text")


def test_a_short_beginning_is_no_match():
    assert found("a tall ship", prompts(LONG)) == (None, "none", "")


def test_a_beginning_of_two_prompts_is_ambiguous():
    known = prompts(f"{LONG} and leaves", f"{LONG} and sinks")
    (match,) = pair([(LONG[:200], None)], known).matches
    assert (match.prompt_id, match.how) == (None, "ambiguous")
    assert match.note == "fits 2 prompts: p0, p1"


def test_prompts_that_differ_in_case_alone_need_the_exact_name():
    known = prompts("A Dog runs", "a dog runs")
    assert found("a dog runs", known)[0] == "p1"
    assert found("A Dog runs", known)[0] == "p0"
    assert found("A DOG RUNS", known)[:2] == (None, "ambiguous")


@given(
    st.text(min_size=1, max_size=60), st.sampled_from(["NFC", "NFD", "NFKC"]), st.integers(0, 99)
)
def test_any_unicode_form_case_and_seed_finds_the_prompt(text, form, seed):
    assume(plain(text))
    name = unicodedata.normalize(form, text).replace("/", "_").replace("\0", "_")
    assert found(f"{name}--{seed}", prompts(text))[0] == "p0"


def test_numbers_are_not_guessed_to_be_positions_of_a_list(tmp_path):
    (tmp_path / "p.txt").write_text("a cat\na dog\n")
    known = read_prompts(tmp_path / "p.txt")
    assert found("0001", known) == (None, "none", "")
    assert found("1", known) == (None, "none", "")


def test_the_table_starts_with_what_did_not_match_and_the_summary_counts():
    known = prompts(a="a cat", b="a dog", c="a cow")
    pairing = pair([("a", None), ("x", None), ("a dog-1", None)], known)
    assert not pairing.complete
    assert [row[:2] for row in pairing.rows()] == [
        ("x", ""),
        ("", "c"),
        ("a", "a"),
        ("a dog-1", "b"),
    ]
    assert pairing.summary() == (
        "2 of 3 videos have a prompt (1 by id, 1 by text); 1 prompts have no video"
    )


def touch(folder: Path, *names: str) -> Path:
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return folder


def test_samples_of_a_folder_get_their_prompts(tmp_path):
    known = prompts(a="a cat", b="a dog")
    samples = with_prompts(collect([touch(tmp_path, "one/a.mp4", "a dog-0.mp4", "z.mp4")]), known)
    assert {s.id: s.prompt and s.prompt.id for s in samples} == {
        "one/a": "a",
        "a dog-0": "b",
        "z": None,
    }


class TestManifests:
    HEAD = "id,video_path,prompt,prompt_id,generator,revision,settings,seed,prompt_digest,status"

    def manifest(self, folder: Path, *rows: str) -> Path:
        path = folder / "manifest.csv"
        path.write_text("\n".join([self.HEAD, *rows, ""]), encoding="utf-8")
        return path

    def test_what_made_the_clips_is_told_once_for_each_generator_and_settings(self, tmp_path):
        settings = '"{""steps"": ""20""}"'
        path = self.manifest(
            tmp_path,
            f"a/0,a0.mp4,a cat,a,model,v1,{settings},0,d1,done",
            f"a/10,a10.mp4,a cat,a,model,v1,{settings},10,d1,done",
            f"b/2,b2.mp4,a dog,b,model,v1,{settings},2,d2,done",
        )
        (facts,) = generator_facts(collect([path]))
        digest = facts.pop("prompts_digest")
        assert len(digest) == 64
        assert facts == {
            "name": "model",
            "revision": "v1",
            "settings": {"steps": "20"},
            "seeds": ["0", "2", "10"],
            "clips": 3,
            "prompts": 2,
        }

    def test_two_revisions_are_two_entries(self, tmp_path):
        path = self.manifest(
            tmp_path, "a,a.mp4,a cat,a,model,v2,,0,d,done", "b,b.mp4,a dog,b,model,v1,,0,e,done"
        )
        assert [f["revision"] for f in generator_facts(collect([path]))] == ["v1", "v2"]

    def test_a_table_without_a_generator_tells_nothing(self, tmp_path):
        path = tmp_path / "m.csv"
        path.write_text("id,video_path,seed\n1,a.mp4,3\n")
        (sample,) = collect([path])
        assert sample.made == {}
        assert generator_facts([sample]) == []

    def test_clips_that_were_not_generated_are_kept_and_warned_of(self, tmp_path, caplog):
        path = self.manifest(
            tmp_path, "a,a.mp4,a cat,a,m,,,0,d,failed", "b,b.mp4,a dog,b,m,,,0,e,pending"
        )
        assert len(collect([path])) == 2
        assert "2 of 2 clips were not generated" in caplog.text
