"""The votes of vision-language models in `stitch`, asked through the caption client."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from mirabench.video.frames import UInt8Array
from miradata.captions.client import Captioner
from miradata.captions.scene import SceneVote, ask_same_scene
from miradata.captions.stage import FOLDER, endpoint_of
from miradata.config import Captions, Endpoint


@dataclass(frozen=True)
class EndpointAsker:
    """A model behind an OpenAI-compatible endpoint."""

    endpoint: Endpoint
    captions: Captions
    """Retries, prices and the budget, which votes and captions share."""
    output: Path
    """The output folder, for replies and the account."""

    @property
    def model(self) -> str:
        """As the endpoint calls it."""
        return self.endpoint.model

    def ask_same_scene(self, frame_a: UInt8Array, frame_b: UInt8Array) -> SceneVote:
        """Whether two frames (H, W, 3) show the same scene."""
        return ask_same_scene(_captioner(self), frame_a, frame_b)


@lru_cache(maxsize=8)
def _captioner(asker: EndpointAsker) -> Captioner:
    """One client a process."""
    return Captioner.in_folder(
        endpoint_of(asker.endpoint, asker.captions),
        asker.output / FOLDER,
        most_tokens=asker.captions.most_tokens,
        most_money=asker.captions.most_money,
    )
