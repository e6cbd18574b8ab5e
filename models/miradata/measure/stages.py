"""The stages that measure clips: what needs no weights in one pass, and a stage for each network."""

from __future__ import annotations

from mirabench.errors import MissingExtraError, WeightsError
from mirabench.features.api import Extractor
from mirabench.features.motion import Motion
from mirabench.features.networks import require_torch, resolved_card, resolved_weights
from mirabench.features.raft_flow import RaftFlow
from miradata.frames.embedding import CLIP_CARD, embedder_here
from miradata.frames.hub import require_present
from miradata.measure.frame_statistics import Luma, Signature
from miradata.measure.nsfw import NsfwFrames
from miradata.measure.score import Scorer, ScoreStage
from miradata.measure.scorers import Aesthetic, Colour, Flow, Nsfw, Signed
from miradata.setting import Absent, Setting

SWITCHED_OFF = Absent("switched off (the profile `learned` switches it on)")


def prepare_score(setting: Setting) -> ScoreStage:
    """Luma, motion, sharpness and signatures: what needs no weights, in one pass."""
    score, dedup = setting.config.score, setting.config.dedup
    embedder, _ = embedder_here(dedup.embedder)  # what is missing, `dedup` says
    scorers = (
        Colour(Luma(score.colour_frames)),
        Flow(Motion(max_short_side=score.short_side)),
        Signed(Signature(dedup.hash_frames, embedder)),
    )
    weights = ((CLIP_CARD, resolved_card(CLIP_CARD).sha256),) if embedder == "clip" else ()
    return ScoreStage("score", setting.root, scorers, rate=score.rate, weights=weights)


def prepare_nsfw(setting: Setting) -> ScoreStage | Absent:
    """A classifier's probability that a frame is not safe for work."""
    nsfw = setting.config.nsfw
    if not nsfw.enabled:
        return SWITCHED_OFF
    return _learned("nsfw", setting, Nsfw(NsfwFrames(nsfw.model)), frames=nsfw.frames)


def prepare_aesthetic(setting: Setting) -> ScoreStage | Absent:
    """LAION's aesthetic score."""
    aesthetic = setting.config.aesthetic
    if not aesthetic.enabled:
        return SWITCHED_OFF
    return _learned("aesthetic", setting, Aesthetic(), frames=aesthetic.frames)


def prepare_raft(setting: Setting) -> ScoreStage | Absent:
    """Motion once more, by RAFT's flow."""
    score = setting.config.score
    if not score.raft:
        return SWITCHED_OFF
    return _learned("raft", setting, Flow(RaftFlow(), ("motion_raft",), "raft"), rate=score.rate)


def _learned(
    name: str, setting: Setting, scorer: Scorer, *, rate: float | None = None, frames: int = 8
) -> ScoreStage | Absent:
    try:
        weights = _digests(scorer.extractor)
    except (MissingExtraError, WeightsError) as error:
        return Absent(str(error))
    gpus = setting.config.running.gpus
    return ScoreStage(
        name, setting.root, (scorer,), rate=rate, frames=frames, gpus=gpus, weights=weights
    )


def _digests(extractor: Extractor) -> tuple[tuple[str, str], ...]:
    """Card -> sha256 of the weights in use.

    Raises:
        MissingExtraError: the packages that the network needs are not installed.
        WeightsError: its weights are not on this machine.
    """
    require_torch(f"{extractor.name} is a network")
    if isinstance(extractor, NsfwFrames):
        require_present(extractor.model)
    return tuple((name, found.sha256) for name, found in resolved_weights(extractor).items())
