"""Reading the public formats of people's ratings. Each reader's docstring says where its columns are from.

All come as tables (CSV, JSON, JSONL, Parquet); which format a table has is recognised by its columns.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from mirabench.alignment.ratings import Pair, Rated, Ratings, merged
from mirabench.errors import InputError, UnknownNameError
from mirabench.inputs.samples import PATH_COLUMNS
from mirabench.inputs.tables import Row, read_rows

VIDEOFEEDBACK = (
    "visual quality",
    "temporal consistency",
    "dynamic degree",
    "text-to-video alignment",
    "factual consistency",
)
"""The five aspects of VideoFeedback and VideoScore-Bench, in their order, 1 (bad) to 4 (perfect)."""
OVERALL = "overall"
VOTES = {"leftvote": 1.0, "rightvote": 0.0, "tievote": 0.5, "bothbad_vote": 0.5}
_ASKED = re.compile(r'text prompt is "(.*?)",?\s*(?:\n|$)', re.DOTALL)

Rows = Sequence[Row]


@dataclass(frozen=True, slots=True)
class Format:
    """How a table of ratings is known and read."""

    name: str
    columns: tuple[str, ...]
    """All of these make it this format."""
    read: Callable[[Rows, str | None], Ratings]
    source: str
    """Where people find such files."""


def load_ratings(
    path: str | Path, *, aspect: str | None = None, kind: str | None = None
) -> Ratings:
    """Ratings or preferences from a file.

    Args:
        path: CSV, TSV, JSON, JSONL or Parquet.
        aspect: Which of several ratings: a name of `VIDEOFEEDBACK`, a column of a plain table.
        kind: A name of `FORMATS`; recognised by the columns when None.

    Raises:
        ManifestError: the file cannot be read.
        InputError: no known format, an unknown aspect, a rating that is not a number.
        MissingExtraError: Parquet without the extra `data`.
    """
    rows = read_rows(Path(path))
    chosen = _format(Path(path), rows[0].values.keys(), kind)
    found = chosen.read(rows, aspect)
    if not found.rated and not found.pairs:
        raise InputError(f"{path} holds no rating")
    return found


def _format(path: Path, columns: Mapping[str, str] | Any, kind: str | None) -> Format:
    if kind is not None:
        if kind not in FORMATS:
            raise UnknownNameError("format of ratings", kind, FORMATS)
        missing = [c for c in FORMATS[kind].columns if c not in columns]
        if missing:
            raise InputError(f"{path} is no {kind} file: it has no column {missing[0]!r}")
        return FORMATS[kind]
    for each in FORMATS.values():
        if set(each.columns) <= set(columns):
            return each
    raise InputError(
        f"{path} has the columns {', '.join(columns)}, which no known format of ratings has: a plain "
        f"table needs `video` and `rating`; the others are {', '.join(FORMATS)}"
    )


def read_videofeedback(rows: Rows, aspect: str | None) -> Ratings:
    """VideoFeedback: one row per video with five ratings, 1 to 4.

    Columns `id`, `images`, `text prompt`, `video link`, the five of `VIDEOFEEDBACK` (int64) and
    `conversations`; from the dataset card of TIGER-Lab/VideoFeedback (He et al., arXiv 2406.15252).
    The video is known by its `id`. Without an aspect, the mean of the five.
    """
    chosen = _chosen(aspect)
    rated = tuple(
        Rated(
            _required(row, "id"),
            {"": _mean(_number(row, name) for name in chosen)},
            prompt=row.first(["text prompt"]),
        )
        for row in rows
    )
    return Ratings("videofeedback", aspect or OVERALL, rated)


def _chosen(aspect: str | None) -> tuple[str, ...]:
    if aspect is None or aspect == OVERALL:
        return VIDEOFEEDBACK
    if aspect not in VIDEOFEEDBACK:
        raise UnknownNameError("aspect", aspect, VIDEOFEEDBACK)
    return (aspect,)


def read_videoscore_bench(rows: Rows, aspect: str | None) -> Ratings:
    """VideoScore-Bench: rows with `id`, `images` and `conversations`, in four configurations.

    Columns from the public code of VideoScore (github TIGER-AI-Lab/VideoScore, `benchmark/`): the prompt
    stands in `conversations[0].value` as `text prompt is "..."`; `video_feedback` has its ratings as
    `name: digit` in `conversations[1].value` (`eval_feature_metric.py`), `eval_crafter` in `score_list`;
    `genaibench` has ids `0000_left` and `0000_right` with a number `preference`, the larger is preferred
    (`get_genaibench_pairwise_acc.py`); `vbench` has ids `<aspect>_<number>_<model>`, the aspect of two
    words, and `preference`, other model -> 1, 0.5 or 0 (`get_vbench_pairwise_acc.py`).
    """
    preference = rows[0].values.get("preference", "")
    if preference.startswith("{"):
        return _vbench_rows(rows, aspect)
    if preference:
        return Ratings("videoscore-bench", OVERALL, pairs=tuple(_sides(rows)))
    chosen = [VIDEOFEEDBACK.index(name) for name in _chosen(aspect)]
    rated = []
    for row in rows:
        given = _score_list(row)
        if max(chosen) >= len(given):
            raise InputError(
                f"{row.where} has {len(given)} ratings, so none of {aspect or OVERALL!r}"
            )
        value = _mean(given[i] for i in chosen)
        rated.append(Rated(_required(row, "id"), {"": value}, prompt=_prompt_in(row)))
    return Ratings("videoscore-bench", aspect or OVERALL, tuple(rated))


def _score_list(row: Row) -> list[float]:
    if row.values.get("score_list"):
        found = _json(row, "score_list")
        return [_as_number(row, value) for value in found]
    answer = str(_json(row, "conversations")[1].get("value", ""))
    return [float(digits) for digits in re.findall(r": (\d+(?:\.\d+)?)", answer)]


def _prompt_in(row: Row) -> str:
    turns = _json(row, "conversations")
    found = _ASKED.search(str(turns[0].get("value", "")) if turns else "")
    return found[1] if found else ""


def _sides(rows: Rows) -> Iterator[Pair]:
    sides: dict[str, dict[str, tuple[Row, float]]] = {}
    for row in rows:
        number, _, side = _required(row, "id").rpartition("_")
        if side not in {"left", "right"}:
            raise InputError(
                f"{row.where}: the id {row.values['id']!r} is not a <number>_left or _right"
            )
        sides.setdefault(number, {})[side] = (row, _number(row, "preference"))
    for number, found in sides.items():
        if len(found) == 2:  # a side may be missing; the reference code leaves such pairs out too
            (row, left), (_, right) = found["left"], found["right"]
            preference = 0.5 if left == right else float(left > right)
            yield Pair(f"{number}_left", f"{number}_right", preference, prompt=_prompt_in(row))


def _vbench_rows(rows: Rows, aspect: str | None) -> Ratings:
    pairs = []
    known = set()
    for row in rows:
        parts = _required(row, "id").split("_")
        if len(parts) < 4:
            raise InputError(
                f"{row.where}: the id {row.values['id']!r} is not an <aspect>_<number>_<model>"
            )
        name, number, model = "_".join(parts[:2]), parts[2], "_".join(parts[3:])
        known.add(name)
        if aspect not in {None, OVERALL, name}:
            continue
        for other, value in _json(row, "preference").items():
            if value is not None and model < other:  # each pair stands in the file twice
                right = f"{name}_{number}_{other}"
                prompt = _prompt_in(row)
                mine = Pair(row.values["id"], right, _share(row, value), model, other, prompt)
                pairs.append(mine)
    if aspect not in {None, OVERALL, *known}:
        raise UnknownNameError("aspect", str(aspect), known)
    return Ratings("videoscore-bench", aspect or OVERALL, pairs=tuple(pairs))


def read_vbench(rows: Rows, aspect: str | None) -> Ratings:
    """VBench: one JSON list for each dimension; an object is a prompt and its videos of several models.

    Keys `prompt_en`, `question_en`, `videos` (model -> address) and `human_anno` (model -> other model
    -> 1 the first is better, 0.5 equal, 0 the other); from the section "Human Preference Labels" of
    `sampled_videos/README.md` in github Vchitect/VBench (Huang et al., arXiv 2311.17982). A file is one
    dimension, so there is no aspect to choose.
    """
    if aspect not in {None, OVERALL}:
        raise InputError(
            "a VBench file is one dimension: leave --aspect out, and name another file"
        )
    pairs = []
    for row in rows:
        videos = {model: _one_video(row, model, v) for model, v in _json(row, "videos").items()}
        for model, others in _json(row, "human_anno").items():
            for other, value in others.items():
                if model < other or model not in _json(row, "human_anno").get(other, {}):
                    for name in (model, other):
                        if name not in videos:
                            raise InputError(
                                f"{row.where} compares {name!r}, of which it has no video"
                            )
                    share = _share(row, value)
                    prompt = row.first(["prompt_en"])
                    pairs.append(Pair(videos[model], videos[other], share, model, other, prompt))
    return Ratings("vbench", OVERALL, pairs=tuple(pairs))


def _one_video(row: Row, model: str, value: object) -> str:
    """The file's name behind an address, below the model's: models name their files alike."""
    given = value if isinstance(value, list) else [value]
    if len(given) != 1 or not isinstance(given[0], str):
        raise InputError(f"{row.where} has {len(given)} videos of {model!r}, and one preference")
    return f"{model}/{PurePosixPath(unquote(urlsplit(given[0]).path)).name}"


def read_genai_bench(rows: Rows, aspect: str | None) -> Ratings:
    """GenAI-Bench, video generation: one vote of the arena a row.

    Columns `prompt`, `left_model`, `left_video`, `right_model`, `right_video`, `vote_type`, one of
    `leftvote`, `rightvote`, `tievote`, `bothbad_vote`; from the dataset card of TIGER-Lab/GenAI-Bench
    (configuration `video_generation`) and the votes in github TIGER-AI-Lab/GenAI-Bench (Jiang et al.,
    arXiv 2406.04485). `bothbad_vote` is a tie: neither is preferred.
    """
    if aspect not in {None, OVERALL}:
        raise InputError("GenAI-Bench has one vote per pair: leave --aspect out")
    pairs = []
    for row in rows:
        vote = row.values.get("vote_type", "")
        if vote not in VOTES:
            raise InputError(f"{row.where} has the vote {vote!r}: known are {', '.join(VOTES)}")
        left, right = _required(row, "left_video"), _required(row, "right_video")
        models = (row.first(["left_model"]), row.first(["right_model"]))
        pairs.append(
            Pair(_local(left), _local(right), VOTES[vote], *models, prompt=row.first(["prompt"]))
        )
    return Ratings("genai-bench", OVERALL, pairs=tuple(pairs))


def _local(address: str) -> str:
    """The path of a web address; a path as it is."""
    parts = urlsplit(address)
    return unquote(parts.path).lstrip("/") if parts.scheme in {"http", "https"} else address


BOARD = ("overall", "motion", "consistency", "follows")
"""The questions that a leaderboard of ours asks."""


def read_miraboard(rows: Rows, aspect: str | None) -> Ratings:
    """Votes of a leaderboard of this project: one blind vote between two clips a row, four questions.

    Columns `prompt`, `left_model`, `left_video`, `right_model`, `right_video`, `rater`, and `left`, `tie` or
    `right` for each of `BOARD`. Without an aspect, `overall`.
    """
    chosen = aspect or OVERALL
    if chosen not in BOARD:
        raise UnknownNameError("question", chosen, BOARD)
    shares = {"left": 1.0, "tie": 0.5, "right": 0.0}
    pairs = []
    for row in rows:
        vote = row.values.get(chosen, "")
        if vote not in shares:
            raise InputError(f"{row.where} has the vote {vote!r}: known are left, tie, right")
        left, right = _required(row, "left_video"), _required(row, "right_video")
        models = (row.first(["left_model"]), row.first(["right_model"]))
        pairs.append(
            Pair(left, right, shares[vote], *models, row.first(["prompt"]), row.first(["rater"]))
        )
    return Ratings("miraboard", chosen, pairs=tuple(pairs))


def read_plain(rows: Rows, aspect: str | None) -> Ratings:
    """A plain table: `video` and `rating`, and if there are `rater`, `model` and `prompt`.

    A video may have several rows, one for each rater. `aspect` names another column with ratings.
    """
    column = "rating" if aspect in {None, OVERALL} else str(aspect)
    if column not in rows[0].values:
        raise UnknownNameError("column of ratings", column, rows[0].values.keys())
    rated = merged(
        (
            _required(row, *PATH_COLUMNS),
            row.first(["model", "generator"]),
            row.first(["prompt", "prompt_id"]),
            row.first(["rater"]),
            _number(row, column),
        )
        for row in rows
    )
    return Ratings("plain", aspect or "rating", rated)


def _required(row: Row, *columns: str) -> str:
    found = row.first(columns)
    if not found:
        raise InputError(f"{row.where} has no {columns[0] if len(columns) == 1 else 'video'}")
    return found


def _number(row: Row, column: str) -> float:
    return _as_number(row, row.values.get(column, ""), f" in {column!r}")


def _as_number(row: Row, value: object, where: str = "") -> float:
    try:
        number = float(str(value))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"{row.where}{where}: {value!r} is not a rating: write a number")
    return number


def _share(row: Row, value: object) -> float:
    number = _as_number(row, value)
    if number not in {0.0, 0.5, 1.0}:
        raise InputError(f"{row.where}: the preference {value!r} is none of 0, 0.5 and 1")
    return number


def _mean(values: Iterator[float]) -> float:
    given = list(values)
    return sum(given) / len(given)


def _json(row: Row, column: str) -> Any:
    try:
        found = json.loads(row.values.get(column, ""))
    except ValueError as error:
        raise InputError(f"{row.where}: {column!r} is not valid JSON: {error}") from error
    if not isinstance(found, dict | list):
        raise InputError(f"{row.where}: {column!r} is neither a list nor an object")
    return found


FORMATS = {
    each.name: each
    for each in (
        Format("vbench", ("videos", "human_anno"), read_vbench, "Vchitect/VBench, sampled_videos"),
        Format(
            "genai-bench",
            ("left_video", "right_video", "vote_type"),
            read_genai_bench,
            "TIGER-Lab/GenAI-Bench, video_generation",
        ),
        Format(
            "videofeedback", ("id", *VIDEOFEEDBACK), read_videofeedback, "TIGER-Lab/VideoFeedback"
        ),
        Format(
            "videoscore-bench",
            ("id", "conversations"),
            read_videoscore_bench,
            "TIGER-Lab/VideoScore-Bench",
        ),
        Format(
            "miraboard",
            ("left_video", "right_video", *BOARD),
            read_miraboard,
            "a leaderboard of this project, /api/tracks/NAME/votes.csv",
        ),
        Format("plain", ("rating",), read_plain, "a table of your own"),
    )
}
"""Name -> format, in the order in which a table is tried."""
