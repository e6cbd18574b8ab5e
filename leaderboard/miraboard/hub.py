"""`eval.yaml`, which makes a data set of prompts a benchmark on the Hugging Face hub.

The format is the hub's own (huggingface/hub-docs, docs/hub/eval-results.md): a name, a description, the
framework that measures, and tasks, of which each has its own table there. A track has one task for its score
and one for each metric; their ids are the `task_id` of `.eval_results`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from miraboard.tracks import Track

FRAMEWORK = "mirabench"
"""`evaluation_framework`, the same in `eval.yaml` and in `.eval_results`."""
DATASET = "mirabench/prompts"
"""The benchmark's data set on the hub, unless the board's operator names another."""
SCORE = "score"
SPLIT = "test"


def task_id(track: str, name: str) -> str:
    """The id of a track's metric, or of its score."""
    return f"{track}/{name}"


def eval_yaml(tracks: Iterable[Track], url: str = "") -> str:
    """The text of `eval.yaml`, for the root of the benchmark's data set.

    Every scalar is written as a JSON string, which YAML reads as the same value.

    Args:
        tracks: Of the board. A set of prompts is a configuration of the data set, of the split `test`.
        url: The board's address; empty where it has none.
    """
    described = (
        "Video generators scored by mirabench: numbers with intervals, ranks as ranges. A task is the "
        "mean of a metric over the clips that a generator made of the prompts, or a track's score, 0 to 100."
    )
    if url:
        described += f" The board: {url}"
    lines = [
        f"name: {_text('mirabench')}",
        f"description: {_text(described)}",
        f"evaluation_framework: {_text(FRAMEWORK)}",
        "",
        "tasks:",
    ]
    for track in tracks:
        for name in (SCORE, *track.specs):
            lines += [
                f"  - id: {_text(task_id(track.name, name))}",
                f"    config: {_text(track.prompt_source or 'default')}",
                f"    split: {_text(SPLIT)}",
            ]
    return "\n".join(lines) + "\n"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)
