"""The pipeline: which stages a configuration means, in which order, and what it cannot measure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import InputError, MirabenchError
from mirabench.features.api import Extractor
from mirabench.features.motion import Motion
from mirabench.features.networks import require_torch, resolved_card, resolved_weights
from mirabench.features.raft_flow import RaftFlow
from mirabench.work.local import Executor, LocalExecutor
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Listener, Policy, Progress
from miradata.collect.sources import Source
from miradata.config import Config, Dedup, Embedder, Running, Score, Stitch
from miradata.frames.embedding import CLIP_CARD, DINOV2
from miradata.frames.hub import present
from miradata.measure.frame_statistics import Luma, Signature
from miradata.measure.nsfw import NsfwFrames
from miradata.measure.score import Scorer, ScoreStage
from miradata.measure.scorers import Aesthetic, Colour, Flow, Nsfw, Signed
from miradata.select.dedup import DedupStage
from miradata.shots.length import LengthStage
from miradata.shots.probe import Probe
from miradata.shots.split import SplitStage
from miradata.shots.stitch import SceneAsker, StitchStage
from miradata.stage import Stage
from miradata.stage_run import StageRun


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Stages in order, and what they leave out."""

    stages: tuple[Stage, ...]
    absent: tuple[str, ...]
    """One sentence per part that is switched off, or whose weights or extra are not here."""


def root_of(sources: Sequence[Source]) -> Path:
    """The folder that the names of sources are relative to.

    Raises:
        InputError: there is no source.
    """
    if not sources:
        raise InputError("there is no source video")
    first = sources[0]
    return first.path.parents[len(Path(first.name).parts) - 1]


def pipeline_of(config: Config, sources: Sequence[Source], output: Path) -> Pipeline:
    """The pipeline that a configuration means on this machine; nothing is run.

    Args:
        config: The configuration.
        sources: From `find_sources`.
        output: The output folder.

    Raises:
        InputError: there is no source.
    """
    root = root_of(sources)
    absent: list[str] = []
    stitch, dedup = _stitch_here(config, absent), _dedup_here(config, absent)
    stages: list[Stage] = [
        Probe(tuple(sources)),
        SplitStage(root, config.split),
        StitchStage(
            root,
            stitch,
            gpus=config.running.gpus,
            vlm_a=_asker(config, output, "vlm_a"),
            vlm_b=_asker(config, output, "vlm_b"),
        ),
        LengthStage(config.length),
        ScoreStage(
            "score",
            root,
            _cheap(config.score, dedup),
            rate=config.score.rate,
            weights=_signed(dedup),
        ),
        *_learned(config, root, absent),
        DedupStage(dedup),
    ]
    if config.captions.endpoint is None:
        absent.append("captions: no endpoint is configured")
    return Pipeline(tuple(stages), tuple(absent))


def executor_of(running: Running) -> Executor:
    """The executor that a configuration names."""
    if running.executor == "ray":
        return RayExecutor(running.ray_address, running.workers)
    return LocalExecutor(running.workers)


def run_pipeline(
    pipeline: Pipeline,
    config: Config,
    output: Path,
    *,
    executor: Executor | None = None,
    listener: Listener | None = None,
) -> dict[str, Progress]:
    """Run the stages; stage -> how it ended. What earlier runs finished is not done again.

    Raises:
        OutputError: the output folder cannot be written. Finished work is kept.
    """
    here = executor or executor_of(config.running)
    run = StageRun(output, here, Policy(tries=config.running.tries), listener)
    try:
        return run.all(pipeline.stages)
    finally:
        here.close()


def _cheap(score: Score, dedup: Dedup) -> tuple[Scorer, ...]:
    """What needs no weights, all in one pass."""
    return (
        Colour(Luma(score.colour_frames)),
        Flow(Motion(max_short_side=score.short_side)),
        Signed(Signature(dedup.hash_frames, dedup.embedder)),
    )


def _signed(dedup: Dedup) -> tuple[tuple[str, str], ...]:
    return ((CLIP_CARD, resolved_card(CLIP_CARD).sha256),) if dedup.embedder == "clip" else ()


def _learned(config: Config, root: Path, absent: list[str]) -> list[Stage]:
    """The networks that are switched on and here; of the others, why they are not."""
    frames = config.nsfw.frames
    found: list[Stage] = []
    for name, scorer, enabled, rate in (
        ("nsfw", Nsfw(NsfwFrames(config.nsfw.model)), config.nsfw.enabled, None),
        ("aesthetic", Aesthetic(), config.aesthetic.enabled, None),
        ("raft", Flow(RaftFlow(), ("motion_raft",), "raft"), config.score.raft, config.score.rate),
    ):
        if not enabled:
            absent.append(f"{name}: switched off (the profile `learned` switches it on)")
            continue
        try:
            weights = _usable(scorer.extractor)
        except MirabenchError as error:
            absent.append(f"{name}: {error}")
            continue
        frames = config.nsfw.frames if name == "nsfw" else config.aesthetic.frames
        found.append(
            ScoreStage(
                name, root, (scorer,), rate=rate, frames=frames, gpus=config.running.gpus,
                weights=weights,
            )
        )  # fmt: skip
    return found


def _usable(extractor: Extractor) -> tuple[tuple[str, str], ...]:
    """The digests of an extractor's parameters.

    Raises:
        MirabenchError: they, or the packages that they need, are not here.
    """
    require_torch(f"{extractor.name} is a network")
    if isinstance(extractor, NsfwFrames):
        _require_hub(extractor.model)
    return tuple((name, found.sha256) for name, found in resolved_weights(extractor).items())


def _require_hub(name: str) -> None:
    if not present(name):
        raise InputError(f"{name} is not on this machine: run `hf download {name}`")


def _require_embedder(name: str | None) -> None:
    if name == "dinov2":
        require_torch("DINOv2 is a network")
        _require_hub(DINOV2)
    if name == "clip":
        require_torch("CLIP is a network")
        resolved_card(CLIP_CARD)


def _stitch_here(config: Config, absent: list[str]) -> Stitch:
    """The settings without embeddings that are not here; without any voter, those of `lite`."""
    here: dict[str, Embedder | None] = {"emb_a": config.stitch.emb_a, "emb_b": config.stitch.emb_b}
    for voter, name in list(here.items()):
        try:
            _require_embedder(name)
        except MirabenchError as error:
            here[voter] = None
            absent.append(f"stitch: {voter} does not vote: {error}")
    asked = config.stitch.emb_a or config.stitch.emb_b
    if asked and not any(here.values()) and not (config.stitch.vlm_a or config.stitch.vlm_b):
        lite = Stitch()
        here = {"emb_a": lite.emb_a, "emb_b": lite.emb_b}
        absent.append(f"stitch: {lite.emb_a} and {lite.emb_b} vote instead")
    return config.stitch.model_copy(update=here)


def _dedup_here(config: Config, absent: list[str]) -> Dedup:
    """The settings with an embedder that is here."""
    try:
        _require_embedder(config.dedup.embedder)
    except MirabenchError as error:
        lite = Dedup().embedder
        absent.append(f"dedup: {lite} embeds instead: {error}")
        return config.dedup.model_copy(update={"embedder": lite})
    return config.dedup


def _asker(config: Config, output: Path, voter: str) -> SceneAsker | None:
    endpoint = getattr(config.stitch, voter)
    if endpoint is None:
        return None
    from miradata.shots.votes import EndpointAsker  # extra `data`: the chat client

    return EndpointAsker(endpoint, config.captions, output)
