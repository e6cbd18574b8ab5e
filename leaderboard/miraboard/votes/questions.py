"""What raters are asked, and how they may answer."""

from __future__ import annotations

from collections.abc import Mapping

from mirabench.errors import UnknownNameError
from miraboard.guard import refuse

QUESTIONS: Mapping[str, str] = {
    "overall": "Which video is better overall?",
    "motion": "Which one moves better: as much as the prompt asks, and the way things move?",
    "consistency": "In which one do things stay what they are, from the first frame to the last?",
    "follows": "Which one shows what the prompt says?",
}
"""Name -> what is asked. `follows` is the question about the prompt."""
ANSWERS: Mapping[str, str] = {"left": "Left", "tie": "No difference", "right": "Right"}
OUTCOME: Mapping[str, int] = {"left": 0, "tie": 1, "right": 2}
"""Answer -> its number in tables of votes."""
OVERALL = "overall"


def require_question(name: str) -> None:
    """Let known questions pass.

    Raises:
        UnknownNameError: it is none.
    """
    if name not in QUESTIONS:
        raise UnknownNameError("question", name[:40], QUESTIONS)


def read_answers(given: Mapping[str, object]) -> dict[str, str]:
    """Question -> answer, of a stranger's form.

    Raises:
        SubmissionRefused: a question has no answer, or one that is none, or there is another question.
    """
    unknown = sorted(str(k)[:40] for k in given if k not in QUESTIONS)
    if unknown:
        raise refuse("vote", f"{unknown[0]!r} is no question: they are {', '.join(QUESTIONS)}")
    for name in QUESTIONS:
        answer = given.get(name)
        if not isinstance(answer, str) or answer not in ANSWERS:
            said = "no answer" if answer is None else f"the answer {str(answer)[:40]!r}"
            raise refuse("vote", f"{name!r} has {said}: answer left, tie or right")
    return {name: str(given[name]) for name in QUESTIONS}
