"""A vision-language model as a voter of the stitch stage: do these two frames belong together?"""

from __future__ import annotations

from dataclasses import dataclass

from mirabench.video.frames import UInt8Array
from mirabench.video.resize import Resize
from miradata.captions import prompt
from miradata.captions.client import Captioner
from miradata.captions.fields import ReplyError, SameScene, parse_json, strict_schema
from miradata.captions.grid import data_url, jpeg

LONGEST_SHORT_SIDE = 512
"""Pixels of the pictures' short side."""
MOST_TOKENS = 30


@dataclass(frozen=True, slots=True)
class SceneVote:
    """One vote; `same` is None when there is none, and `reason` says why."""

    same: bool | None
    reason: str = ""
    model: str = ""


def ask_same_scene(captioner: Captioner, frame_a: UInt8Array, frame_b: UInt8Array) -> SceneVote:
    """Whether two frames, uint8 RGB (H, W, 3) from either side of a cut, show one scene.

    A refusal, a broken answer or an endpoint that does not answer is no vote, never a no.
    """
    shrink = Resize(max_short_side=LONGEST_SHORT_SIDE)
    content: list[dict[str, object]] = [{"type": "text", "text": prompt.SAME_SCENE}]
    for frame in (frame_a, frame_b):
        url = data_url(jpeg(shrink(frame[None])[0]))
        content.append({"type": "image_url", "image_url": {"url": url, "detail": "low"}})
    reply = captioner.ask(
        [{"role": "user", "content": content}],
        version=prompt.VERSION,
        schema=strict_schema(SameScene),
        max_tokens=MOST_TOKENS,
    )
    if reply.status != "success":
        return SceneVote(None, f"{reply.status}: {reply.reason}", reply.model)
    try:
        answer: SameScene = parse_json(reply.text, SameScene)
    except ReplyError as error:
        return SceneVote(None, f"bad_json: {error}", reply.model)
    return SceneVote(answer.same_scene, model=reply.model)
