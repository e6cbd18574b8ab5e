"""Prompt sets by name or file, their forms, custom tables, export, checks, and the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from mirabench.cli.prompts import app
from mirabench.errors import ManifestError, UnknownNameError
from mirabench.inputs.prompts import (
    ASPECTS,
    Prompt,
    cards,
    export_text,
    find_problems,
    in_form,
    read_prompts,
    stats_of,
)

CAPTIONS = {aspect: f"The {aspect} caption." for aspect in ASPECTS}


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


class TestBundledSets:
    def test_the_set_has_150_prompts_called_scene_and_form(self):
        prompts = read_prompts("mirabench-v1")
        assert len(prompts) == 150
        assert list(prompts)[:3] == ["human-01/short", "human-01/dense", "human-01/structured"]
        assert all(prompt.id == key for key, prompt in prompts.items())

    def test_cards_tell_what_is_there(self):
        for name, card in cards().items():
            assert len(read_prompts(name)) == card.prompts == card.scenes * len(card.forms)

    def test_forms_choose_a_part(self):
        assert len(read_prompts("smoke", ["structured"])) == 6

    def test_the_forms_of_a_scene_share_captions_and_tags_but_not_the_text(self):
        prompts = read_prompts("smoke")
        scene = [prompts[f"object-08/{form}"] for form in ("short", "dense", "structured")]
        assert len({p.text for p in scene}) == len({p.digest() for p in scene}) == 3
        assert scene[0].captions == scene[1].captions == scene[2].captions
        assert scene[0].tags["category"] == "object"

    def test_an_unknown_name_offers_the_nearest(self):
        with pytest.raises(UnknownNameError, match="did you mean mirabench-v2 or mirabench-v1"):
            read_prompts("mirabench-v")


class TestForms:
    def test_structured_is_six_labelled_captions_in_miradatas_order(self):
        found = in_form(Prompt("s", "x", CAPTIONS), "structured")
        assert found.id == "s/structured"
        assert found.text == (
            "Short: The short caption. Dense: The dense caption. "
            "Main object: The main_object caption. Background: The background caption. "
            "Style: The style caption. Camera: The camera caption."
        )

    def test_a_form_without_its_caption_is_refused(self):
        with pytest.raises(ManifestError, match="no dense_caption, which the form dense needs"):
            in_form(Prompt("s", "x", {"short": "x"}), "dense")

    def test_the_digest_follows_text_and_captions_not_the_id(self):
        prompt = Prompt("a", "x", CAPTIONS)
        assert prompt.digest() == Prompt("b", "x", CAPTIONS, {"tag": "y"}).digest()
        assert prompt.digest() != Prompt("a", "y", CAPTIONS).digest()
        assert prompt.digest() != Prompt("a", "x", {**CAPTIONS, "camera": "No."}).digest()


class TestFiles:
    def test_the_official_meta_columns_are_read_as_they_are(self, tmp_path):
        head = "video_idx,video_path,short_caption,dense_caption,camera_caption"
        path = write(tmp_path / "meta.csv", f"{head}\n1,a/b.mp4,A cat.,A cat walks.,Static.\n")
        (prompt,) = read_prompts(path).values()
        assert (prompt.id, prompt.text) == ("1", "A cat.")
        assert prompt.captions == {"short": "A cat.", "dense": "A cat walks.", "camera": "Static."}

    def test_the_published_meta_table_reads(self, data):
        prompts = read_prompts(data / "meta_generated.csv")
        assert list(prompts) == ["1", "2"]
        assert all(set(p.captions) == set(ASPECTS) for p in prompts.values())

    def test_a_vbench_list_gets_ids_and_keeps_its_dimensions(self, tmp_path):
        entries = [
            {"prompt_en": "a cat", "dimension": ["color", "scene"]},
            {"prompt_en": "a dog", "dimension": ["scene"], "auxiliary_info": {"color": "red"}},
        ]
        prompts = read_prompts(write(tmp_path / "full_info.json", json.dumps(entries)))
        assert [(p.id, p.text) for p in prompts.values()] == [
            ("row-0001", "a cat"),
            ("row-0002", "a dog"),
        ]
        assert json.loads(prompts["row-0001"].tags["dimension"]) == ["color", "scene"]

    def test_a_text_file_is_one_prompt_a_line_and_blank_lines_count_for_nothing_but_the_id(
        self, tmp_path
    ):
        prompts = read_prompts(write(tmp_path / "p.txt", "\ufeffa cat, running\n\n  a dog  \n"))
        assert {p.id: p.text for p in prompts.values()} == {
            "line-0001": "a cat, running",
            "line-0003": "a dog",
        }

    def test_a_file_in_the_shape_of_ours_gives_three_forms_when_asked(self, prompts_folder):
        prompts = read_prompts(prompts_folder / "smoke.csv", ["short", "structured"])
        assert len(prompts) == 12
        assert prompts["human-04/short"].text == read_prompts("smoke")["human-04/short"].text

    @pytest.mark.parametrize(
        ("name", "text", "says"),
        [
            ("a.csv", "prompt\na cat\n", "no id"),
            ("a.csv", "id,style\n1,real\n", "no text"),
            ("a.csv", "id,prompt\n1,a\n1,b\n", "already taken"),
            ("a.txt", "\n \n", "holds no prompt"),
            ("a.json", "{", "not valid JSON"),
        ],
        ids=["no id", "no text", "id twice", "empty", "broken"],
    )
    def test_a_file_that_cannot_work_is_refused(self, name, text, says, tmp_path):
        with pytest.raises(ManifestError, match=says):
            read_prompts(write(tmp_path / name, text))

    def test_a_missing_file_is_named(self, tmp_path):
        with pytest.raises(ManifestError, match="no such file"):
            read_prompts(tmp_path / "absent.csv")


one_line = st.text(
    st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp", "Zs"]), min_size=1, max_size=20
)


@given(
    st.dictionaries(one_line, st.tuples(one_line, one_line, one_line), min_size=1, max_size=4),
    st.sampled_from(["csv", "jsonl"]),
)
def test_what_is_exported_reads_back_the_same(tmp_path_factory, rows, form):
    prompts = {
        key: Prompt(key, text, {"short": text, "camera": camera}, {"mood": mood})
        for key, (text, camera, mood) in rows.items()
    }
    path = tmp_path_factory.mktemp("export") / f"set.{form}"
    path.write_text(export_text(prompts.values(), form), encoding="utf-8", newline="\n")
    assert read_prompts(path) == prompts


class TestChecks:
    def test_our_own_sets_have_no_problem(self, prompts_folder):
        assert find_problems(prompts_folder / "mirabench-v1.csv") == []

    @pytest.mark.parametrize(
        ("rows", "says"),
        [
            ("1,a cat\n1,a dog\n", "row 2: its id is the same as in a.csv row 1: '1'"),
            ("Cat,a cat\ncat,a dog\n", "its id is the same but for case or unicode form"),
            ("caf\u00e9,a cat\ncafe\u0301,a dog\n", "its id is the same but for case or unicode"),
            ("1,a cat\n2,A  Cat\n", "its text is the same but for case"),
            ("1,\n2,a dog\n", "row 1: no text"),
            (",a cat\n2,a dog\n", "no id: give each prompt"),
            ('1,"a\ncat"\n', "its text holds a line break"),
            ("1,a c\ufffdt\n", "U+FFFD"),
        ],
        ids=["id twice", "case", "unicode", "text twice", "no text", "no id", "break", "encoding"],
    )
    def test_a_problem_is_named_with_its_row(self, rows, says, tmp_path):
        problems = find_problems(write(tmp_path / "a.csv", f"id,prompt\n{rows}"))
        assert len(problems) == 1
        assert says in problems[0]

    def test_all_problems_come_at_once(self, tmp_path):
        text = "id,prompt,camera_caption\n1,a cat,Static.\n1,a cat,\n,,\n"
        assert len(find_problems(write(tmp_path / "a.csv", text))) == 5

    def test_stats_count_words_by_form_and_tags_one_by_one(self):
        prompts = [
            Prompt("a/short", "one two", {"short": "one two"}, {"moves": "pan;tilt"}),
            Prompt("a/dense", "one two three", {"short": "one two"}, {"moves": "pan;tilt"}),
            Prompt("b/short", "one two three four", {"short": "one"}, {"moves": "pan"}),
        ]
        found = stats_of(prompts)
        assert found.prompts == 3
        short = found.lengths["form short"]
        assert (short.count, short.fewest, short.mean, short.most) == (2, 2, 3.0, 4)
        assert found.lengths["short caption"].count == 2
        assert found.tags == {"moves": {"pan": 3, "tilt": 2}}


class TestCommandLine:
    def run(self, *arguments: object) -> tuple[int, str]:
        result = CliRunner().invoke(app, [str(a) for a in arguments])
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    def test_list_names_the_sets(self):
        code, text = self.run("list")
        assert code == 0
        assert "mirabench-v1" in text
        assert "150" in text

    def test_show_gives_a_line_a_prompt_or_one_scene_in_full(self):
        assert len(self.run("show", "smoke", "--form", "short")[1].splitlines()) == 6
        scene = self.run("show", "smoke", "human-04")[1]
        assert "human-04/structured" in scene
        assert "motion: high" in scene

    def test_show_refuses_an_unknown_prompt(self):
        with pytest.raises(UnknownNameError, match="did you mean"):
            self.run("show", "smoke", "human-4/short")

    @pytest.mark.parametrize("suffix", ["csv", "jsonl", "json", "txt"])
    def test_export_writes_what_other_tools_read(self, suffix, tmp_path):
        path = tmp_path / f"out.{suffix}"
        assert self.run("export", "smoke", path, "--form", "dense")[0] == 0
        texts = [p.text for p in read_prompts(path).values()]
        assert texts == [p.text for p in read_prompts("smoke", ["dense"]).values()]

    def test_export_to_an_unknown_format_says_which_there_are(self, tmp_path):
        with pytest.raises(UnknownNameError, match="csv"):
            self.run("export", "smoke", tmp_path / "a.xlsx")

    def test_stats_print_lengths_and_tags(self):
        text = self.run("stats", "mirabench-v1")[1]
        assert "form structured" in text
        assert "category: animal 39, human 39, landscape 36, object 36" in text

    def test_stats_count_the_tokens_that_clip_reads(self):
        pytest.importorskip("open_clip", reason="CLIP's tokenizer is in the extra `torch`")
        lines = self.run("stats", "mirabench-v1", "--tokens", "--form", "short")[1].splitlines()
        assert next(s for s in lines if s.startswith("form short")).split() == (
            ["form", "short", "50", "15", "17.5", "22"]  # as the table of prompts/README.md
        )

    def test_validate_exits_with_1_and_lists_the_problems(self, tmp_path, prompts_folder):
        code, text = self.run("validate", write(tmp_path / "a.csv", "id,prompt\n1,a\n1,b\n"))
        assert (code, "its id is the same" in text) == (1, True)
        code, text = self.run("validate", prompts_folder / "smoke.csv")
        assert (code, "6 prompts, nothing wrong" in text) == (0, True)

    def test_pair_shows_what_is_left_over(self, tmp_path):
        write(tmp_path / "p.txt", "a cat\na dog\n")
        for name in ("a cat-0.mp4", "a horse-0.mp4"):
            (tmp_path / name).touch()
        code, text = self.run("pair", tmp_path / "p.txt", tmp_path)
        assert code == 1
        assert "1 of 2 videos have a prompt (1 by text); 1 prompts have no video" in text
        assert text.index("a horse-0") < text.index("a cat-0")
