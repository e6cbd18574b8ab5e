"""The votes of vision-language models in `stitch`, asked through the caption client."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mirabench.video.frames import UInt8Array
from miradata.chat.shared import shared_captioner
from miradata.config import Captions, Endpoint
from miradata.shots.scene import SceneVote, ask_same_scene


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
        return ask_same_scene(
            shared_captioner(self.endpoint, self.captions, self.output), frame_a, frame_b
        )
