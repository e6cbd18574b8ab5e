"""Files in the exact format of each public source, made here, read back."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from mirabench.alignment import FORMATS, load_ratings
from mirabench.alignment.formats import VIDEOFEEDBACK
from mirabench.errors import InputError, ManifestError, UnknownNameError


def parquet(path: Path, rows: list[dict[str, object]]) -> Path:
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(rows), path)
    return path


def saved(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


def conversation(prompt: str, answer: str = "") -> list[dict[str, str]]:
    asked = (
        f'Rate it. \nFor this video, the text prompt is "{prompt}",\nall the frames are as follows:'
    )
    return [{"from": "human", "value": asked}, {"from": "gpt", "value": answer}]


class TestVideoFeedback:
    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        rows = []
        for name, scores in (("2000001", (1, 2, 3, 4, 2)), ("2000002", (4, 4, 1, 3, 3))):
            rows.append(
                {
                    "id": name,
                    "images": [f"{name}_00.jpg", f"{name}_01.jpg"],
                    "text prompt": "a dog, running",
                    "video link": f"https://host.example/{name}.mp4",
                    **dict(zip(VIDEOFEEDBACK, scores, strict=True)),
                    "conversations": conversation("a dog, running"),
                }
            )
        return parquet(tmp_path / "train-00000-of-00001.parquet", rows)

    def test_the_mean_of_the_five(self, file: Path) -> None:
        found = load_ratings(file)
        assert (found.format, found.aspect) == ("videofeedback", "overall")
        assert [(r.video, r.rating, r.prompt) for r in found.rated] == [
            ("2000001", 2.4, "a dog, running"),
            ("2000002", 3.0, "a dog, running"),
        ]

    def test_one_of_the_five(self, file: Path) -> None:
        found = load_ratings(file, aspect="dynamic degree")
        assert [r.rating for r in found.rated] == [3.0, 1.0]

    def test_an_aspect_that_nobody_rated(self, file: Path) -> None:
        with pytest.raises(UnknownNameError, match="did you mean dynamic degree"):
            load_ratings(file, aspect="dynamic")


class TestVideoScoreBench:
    def test_ratings_in_the_answer(self, tmp_path: Path) -> None:
        answer = "\n".join(f"{name}: {n}" for n, name in enumerate(VIDEOFEEDBACK, start=1))
        rows = [
            {"id": "v1", "images": ["a.jpg"], "conversations": conversation('a "red" cat', answer)}
        ]
        found = load_ratings(parquet(tmp_path / "t.parquet", rows))
        assert [(r.rating, r.prompt) for r in found.rated] == [(3.0, 'a "red" cat')]
        again = load_ratings(tmp_path / "t.parquet", aspect="factual consistency")
        assert again.rated[0].rating == 5.0

    def test_ratings_in_a_list(self, tmp_path: Path) -> None:
        rows = [{"id": "v1", "score_list": [3.5, 4.0, 1.0], "conversations": conversation("a cat")}]
        path = parquet(tmp_path / "t.parquet", rows)
        assert load_ratings(path, aspect="temporal consistency").rated[0].rating == 4.0
        with pytest.raises(InputError, match="has 3 ratings, so none of 'overall'"):
            load_ratings(path)

    def test_preferences_between_two_sides(self, tmp_path: Path) -> None:
        sides = [("0000_left", 1), ("0000_right", 0), ("0001_left", 0), ("0001_right", 0),
                 ("0002_left", 0), ("0002_right", 1), ("0003_left", 1)]  # fmt: skip
        rows = [
            {"id": name, "preference": given, "conversations": conversation("a cat")}
            for name, given in sides
        ]
        found = load_ratings(parquet(tmp_path / "t.parquet", rows))
        assert [(p.left, p.right, p.preference) for p in found.pairs] == [
            ("0000_left", "0000_right", 1.0),
            ("0001_left", "0001_right", 0.5),
            ("0002_left", "0002_right", 0.0),
        ]

    def test_preferences_among_models_count_each_pair_once(self, tmp_path: Path) -> None:
        rows = [
            {"id": "technical_quality_0_cogvideo", "conversations": conversation("a cat"),
             "preference": {"cogvideo": None, "lavie": 0.0, "modelscope": 0.5}},
            {"id": "technical_quality_0_lavie", "conversations": conversation("a cat"),
             "preference": {"cogvideo": 1.0, "lavie": None, "modelscope": 1.0}},
            {"id": "technical_quality_0_modelscope", "conversations": conversation("a cat"),
             "preference": {"cogvideo": 0.5, "lavie": 0.0, "modelscope": None}},
        ]  # fmt: skip
        found = load_ratings(parquet(tmp_path / "t.parquet", rows))
        assert {(p.left_model, p.right_model): p.preference for p in found.pairs} == {
            ("cogvideo", "lavie"): 0.0,
            ("cogvideo", "modelscope"): 0.5,
            ("lavie", "modelscope"): 1.0,
        }
        assert found.pairs[0].left == "technical_quality_0_cogvideo"
        with pytest.raises(UnknownNameError, match="technical_quality"):
            load_ratings(tmp_path / "t.parquet", aspect="technical_qualit")


class TestVBench:
    def entry(self, **more: object) -> dict[str, object]:
        hosts = {m: f"https://host.example/{m}/a%20cat-0.mp4?x=1" for m in ("cogvideo", "lavie")}
        settled = {
            "prompt_en": "a cat", "style_en": "oil", "question_en": "Which is sharper?", "videos": hosts,
            "human_anno": {"cogvideo": {"lavie": 0}, "lavie": {"cogvideo": 1}},
        }  # fmt: skip
        return {**settled, **more}

    def test_a_pair_is_read_once_and_named_by_model_and_file(self, tmp_path: Path) -> None:
        found = load_ratings(saved(tmp_path / "imaging_quality.json", [self.entry()]))
        (pair,) = found.pairs
        assert (pair.left, pair.right, pair.preference) == (
            "cogvideo/a cat-0.mp4", "lavie/a cat-0.mp4", 0.0,
        )  # fmt: skip
        assert pair.prompt == "a cat"

    def test_half_a_table_of_preferences(self, tmp_path: Path) -> None:
        only = self.entry(human_anno={"lavie": {"cogvideo": 0.5}})
        (pair,) = load_ratings(saved(tmp_path / "d.json", [only])).pairs
        assert (pair.left_model, pair.preference) == ("lavie", 0.5)

    @pytest.mark.parametrize(
        ("entry", "says"),
        [
            ({"human_anno": {"cogvideo": {"lavie": 2}}}, "none of 0, 0.5 and 1"),
            (
                {"human_anno": {"cogvideo": {"pika": 1}}},
                "compares 'pika', of which it has no video",
            ),
            (
                {"videos": {"cogvideo": ["a.mp4", "b.mp4"]}},
                "2 videos of 'cogvideo', and one preference",
            ),
            ({"videos": "a.mp4"}, "'videos' is not valid JSON"),
        ],
    )
    def test_what_is_wrong_is_said_with_its_place(
        self, entry: dict[str, object], says: str, tmp_path: Path
    ) -> None:
        with pytest.raises(InputError, match=f"d.json row 1.*{says}"):
            load_ratings(saved(tmp_path / "d.json", [self.entry(**entry)]))

    def test_has_no_aspect(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="one dimension"):
            load_ratings(saved(tmp_path / "d.json", [self.entry()]), aspect="colour")


class TestGenAiBench:
    def row(self, **more: str) -> dict[str, object]:
        settled = {
            "prompt": "a cat", "left_model": "Sora", "right_model": "Pika", "vote_type": "leftvote",
            "left_video": "https://host.example/v/1.mp4", "right_video": "https://host.example/v/2.mp4",
        }  # fmt: skip
        return {**settled, **more}

    @pytest.mark.parametrize(
        ("vote", "preference"),
        [("leftvote", 1.0), ("rightvote", 0.0), ("tievote", 0.5), ("bothbad_vote", 0.5)],
    )
    def test_a_vote(self, vote: str, preference: float, tmp_path: Path) -> None:
        found = load_ratings(parquet(tmp_path / "t.parquet", [self.row(vote_type=vote)]))
        (pair,) = found.pairs
        assert (pair.left, pair.preference, pair.right_model) == ("v/1.mp4", preference, "Pika")

    def test_an_unknown_vote(self, tmp_path: Path) -> None:
        path = parquet(tmp_path / "t.parquet", [self.row(vote_type="both")])
        with pytest.raises(InputError, match="row 1 has the vote 'both': known are leftvote"):
            load_ratings(path)


class TestPlain:
    def test_raters_of_one_video_are_kept_apart(self, tmp_path: Path) -> None:
        path = tmp_path / "r.csv"
        path.write_text(
            "video,rating,rater,model,prompt\na.mp4,1,ann,m,p\na.mp4,4,bob,m,p\na.mp4,2,ann,m,p\nb.mp4,3,,,\n"
        )
        found = load_ratings(path)
        assert [dict(r.by_rater) for r in found.rated] == [{"ann": 1.5, "bob": 4.0}, {"": 3.0}]
        assert found.rated[0].rating == 2.75
        assert found.raters() == ["ann", "bob"]

    def test_another_column(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("video,rating,motion\na.mp4,1,5\n")
        assert load_ratings(tmp_path / "r.csv", aspect="motion").rated[0].rating == 5.0

    @pytest.mark.parametrize("rating", ["good", "", "nan", "inf"])
    def test_a_rating_that_is_no_number(self, rating: str, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text(f"video,rating\na.mp4,3\nb.mp4,{rating}\n")
        with pytest.raises(
            InputError, match=f"r.csv row 2 in 'rating': '{rating}' is not a rating"
        ):
            load_ratings(tmp_path / "r.csv")

    def test_a_row_without_a_video(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("video,rating\n,3\n")
        with pytest.raises(InputError, match="row 1 has no video"):
            load_ratings(tmp_path / "r.csv")


class TestTellingFormatsApart:
    def test_an_unknown_one_names_its_columns_and_the_known(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("clip,mos\na.mp4,3\n")
        with pytest.raises(InputError, match=r"columns clip, mos.*`video` and `rating`.*vbench"):
            load_ratings(tmp_path / "r.csv")

    def test_a_file_said_to_be_another(self, tmp_path: Path) -> None:
        (tmp_path / "r.csv").write_text("video,rating\na.mp4,3\n")
        with pytest.raises(InputError, match="no vbench file: it has no column 'videos'"):
            load_ratings(tmp_path / "r.csv", kind="vbench")
        with pytest.raises(UnknownNameError, match="did you mean vbench"):
            load_ratings(tmp_path / "r.csv", kind="vbensh")

    def test_no_file(self, tmp_path: Path) -> None:
        with pytest.raises(ManifestError, match="cannot read"):
            load_ratings(tmp_path / "r.csv")

    def test_every_format_says_where_its_files_are(self) -> None:
        assert all(each.source for each in FORMATS.values())
