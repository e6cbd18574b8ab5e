"""The process that opens one stranger's clip: gives up rights, scores, draws, and tells.

`python -m miraboard.clips.child` reads a pickled `Job` of its parent, and writes one JSON object. Nothing
that decodes is imported before the filter is in place: it holds for this thread and those that it starts.
"""

from __future__ import annotations

import json
import os
import pickle
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from miraboard.clips.confine import Limits, confine


@dataclass(frozen=True, slots=True)
class Job:
    """One clip to score."""

    suite: bytes
    """Pickled, because reading it imports what decodes."""
    prompt: bytes
    clip: str
    path: str
    folder: str
    """Where the film and its picture go: `film.mp4` and `poster.jpg`."""
    limits: Limits


def main() -> None:
    """Score the clip that the parent names."""
    job: Job = pickle.load(sys.stdin.buffer)  # of our own parent, over a pipe
    answer = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a library prints is not the answer
    confine(job.limits)
    json.dump(found(job), answer)
    answer.close()


def found(job: Job) -> dict[str, Any]:
    """The scores and curves of a clip, and facts of its film, which is drawn into the job's folder."""
    from mirabench.inputs.samples import Sample  # only now: see above
    from mirabench.run.assemble import record_of
    from mirabench.run.clip import ClipTask, score_clip
    from mirabench.run.plan import make_plan
    from mirabench.run.prepare import Job as Run
    from miraboard.clips.curves import thinned

    suite, prompt = pickle.loads(job.suite), pickle.loads(job.prompt)  # as above
    plan = make_plan(suite, with_prompts=True, with_reference=False, pictures=False)
    sample = Sample(job.clip, Path(job.path), prompt)
    result = score_clip(ClipTask(sample, plan, cache=None, device="cpu"))
    record = record_of(Run(suite, plan, [sample], []), sample, result)
    curves = {n: thinned(s.curve) for n, s in result.scores.items() if s.curve is not None}
    return {"record": record.model_dump(mode="json"), "curves": curves, "film": _drawn(job)}


def _drawn(job: Job) -> dict[str, Any] | None:
    """Facts of the film; None where the clip cannot be drawn."""
    from dataclasses import asdict

    from mirabench.errors import MirabenchError
    from miraboard.clips.web_video import draw

    folder = Path(job.folder)
    try:
        film = draw(Path(job.path), folder / "film.mp4", folder / "poster.jpg")
    except MirabenchError:
        return None
    return asdict(film)


if __name__ == "__main__":
    main()
