"""Attack clips, score clean and degraded ones with one suite, and judge every metric."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path

from mirabench import __version__
from mirabench.attacks.api import DROP, TEXT, Attack, Footage, Reaction
from mirabench.attacks.judge import TOLERANCE, allowed_move, gain_of, verdict_on, yardstick_of
from mirabench.attacks.model import AttackRecord, AttackReport, Case, MetricRecord, Reading
from mirabench.attacks.work import AttackWork, ScoredClip, items_of
from mirabench.errors import InputError, NotApplicable
from mirabench.metrics.api import MetricSpec
from mirabench.metrics.camera_caption import asked_moves
from mirabench.metrics.camera_motion_agreement import caption_of
from mirabench.suites.api import Suite, load_suite
from mirabench.work.journal import FileJournal, NoJournal, locked
from mirabench.work.local import LocalExecutor
from mirabench.work.run import Listener, Policy, Run
from mirabench.work.store import LineStore, MemoryStore

REFERENCE = "mirabench-official"


@dataclass(frozen=True, slots=True)
class Setting:
    """How a run is carried out; only `tolerance` may change a verdict."""

    tolerance: float = TOLERANCE
    workers: int = 0
    """Child processes; 0 works in this one."""
    device: str = "auto"
    cache: bool | str | Path = True
    folder: Path | None = None
    """Keeps the journal, so that an interrupted run resumes; None keeps nothing."""
    listener: Listener | None = None
    """Told after each clip."""
    clip_seconds: float | None = None
    """How long one clip may take before its process is ended; needs a worker."""
    allow_noncommercial: bool = False
    """Whether weights whose licence forbids commercial use may be used."""


def run_attacks(
    clean: Sequence[Footage],
    attacks: Sequence[Attack],
    *,
    suite: str | Path | Suite = "lite",
    yardstick: Sequence[Footage] = (),
    setting: Setting | None = None,
) -> AttackReport:
    """Attack each clean clip with each attack and judge the suite's metrics.

    Args:
        clean: The clips; names unique.
        attacks: What is done to them.
        suite: The metrics.
        yardstick: Further clean clips, only for the spread of each metric.
        setting: How to carry it out.

    Raises:
        InputError: no clip, two of one name, or an unknown suite.
    """
    setting = setting or Setting()
    _check_names([*clean, *yardstick])
    chosen = load_suite(suite)
    specs = [m.spec for m in chosen.built()]
    records = _scored(clean, attacks, yardstick, chosen, setting)
    skipped = _skipped_by_all([records[clip.name] for clip in clean])
    spreads = {s.name: _spread(s, records, [*clean, *yardstick]) for s in specs}
    cases = [
        _case(spec, clip, attack, records, spreads[spec.name][0], setting.tolerance)
        for clip in clean
        for attack in attacks
        for spec in specs
        if spec.scope == "clip" and spec.name not in skipped
    ]
    return AttackReport(
        suite=chosen.name,
        suite_version=chosen.version,
        suite_digest=chosen.digest(),
        mirabench=__version__,
        tolerance=setting.tolerance,
        clips={clip.name: _facts(clip) for clip in clean},
        attacks=[_attack_record(attack) for attack in attacks],
        metrics=[_metric_record(s, *spreads[s.name], skipped) for s in specs],
        cases=cases,
    )


def _skipped_by_all(clips: Sequence[ScoredClip]) -> dict[str, str]:
    first = clips[0].skipped
    return {k: why for k, why in first.items() if all(k in clip.skipped for clip in clips)}


def _check_names(clips: Sequence[Footage]) -> None:
    if not clips:
        raise InputError("there is no clip to attack: name a video")
    names = [clip.name for clip in clips]
    doubled = [name for name in names if names.count(name) > 1]
    if doubled:
        raise InputError(f"two clips are called {doubled[0]!r}: rename one of the files")


def _scored(
    clean: Sequence[Footage],
    attacks: Sequence[Attack],
    yardstick: Sequence[Footage],
    suite: Suite,
    setting: Setting,
) -> dict[str, ScoredClip]:
    """Name -> record of every clip, clean or attacked; from the journal where it was scored before."""
    items = items_of(clean, attacks, yardstick, suite)
    folder = setting.folder
    store = LineStore(folder, AttackWork.name) if folder else MemoryStore()
    journal = FileJournal.of(folder, AttackWork.name) if folder else NoJournal()
    if isinstance(journal, FileJournal):
        journal.forget_failures()
    work = AttackWork(
        suite, setting.device, setting.cache, setting.allow_noncommercial, setting.clip_seconds
    )
    with locked(folder) if folder else nullcontext(), LocalExecutor(setting.workers) as executor:
        Run(
            work,
            items,
            executor,
            journal=journal,
            store=store,
            policy=Policy(tries=1, flush_items=1),
            listener=setting.listener,
        ).go()
    return {item.id: ScoredClip.of(store.values[key]) for key, item in items.items()}


def _spread(
    spec: MetricSpec, records: Mapping[str, ScoredClip], clips: Sequence[Footage]
) -> tuple[float | None, int]:
    readings = [_reading(records[clip.name], spec.name) for clip in clips]
    values = [r.value for r in readings if r.sound and r.value is not None]
    return yardstick_of(spec, values), len(values)


def _reading(scored: ScoredClip, metric: str) -> Reading:
    video = scored.video
    if metric in video.scores:
        score = video.scores[metric]
        return Reading(value=score.value, status=score.status, why=score.why)
    if metric in video.not_applicable:
        return Reading(status="not_applicable", why=video.not_applicable[metric])
    if metric in scored.skipped:
        return Reading(status="not_applicable", why=scored.skipped[metric])
    return Reading(status="failed", why=video.failures.get(metric) or video.error or "not computed")


def _case(
    spec: MetricSpec,
    clip: Footage,
    attack: Attack,
    records: Mapping[str, ScoredClip],
    spread: float | None,
    tolerance: float,
) -> Case:
    before = _reading(records[clip.name], spec.name)
    after = _reading(records[f"{clip.name}/{attack.name}"], spec.name)
    declared = _declared(attack, spec, clip)
    allowed = allowed_move(spec, spread, tolerance)
    gain = None
    if before.value is not None and after.value is not None:
        gain = gain_of(spec, before.value, after.value)
    judged = verdict_on(spec, declared, before, after, allowed)
    by_value = verdict_on(spec, declared, before, after, allowed, trust_status=False)
    return Case(
        clip=clip.name,
        attack=attack.name,
        metric=spec.name,
        declared=declared,
        honest=before,
        attacked=after,
        gain=round(gain / spread, 4) if gain is not None and spread else None,
        verdict=judged.verdict,
        by_value=by_value.verdict,
        why=judged.why,
    )


def _declared(attack: Attack, spec: MetricSpec, clip: Footage) -> Reaction | None:
    declared = attack.expected(spec)
    if declared == DROP and spec.dimension == TEXT and not _asks_for_motion(clip):
        return None  # a locked-off shot is kept by a frozen picture too
    return declared


def _asks_for_motion(clip: Footage) -> bool:
    try:
        return bool(set(asked_moves(caption_of(clip.prompt))) - {"static"})
    except NotApplicable:
        return False


def _facts(clip: Footage) -> str:
    frames, height, width = clip.frames.shape[:3]
    origin = "rendered, " if clip.rendered else ""
    return f"{origin}{width}x{height}, {frames} frames at {clip.fps:g} per second"


def _attack_record(attack: Attack) -> AttackRecord:
    return AttackRecord(
        name=attack.name,
        version=attack.version,
        kind=attack.kind,
        does=attack.does,
        pretends=attack.pretends,
    )


def _metric_record(
    spec: MetricSpec, spread: float | None, clips: int, skipped: Mapping[str, str]
) -> MetricRecord:
    why = "compares sets of clips, not a clip with its degraded copy" if spec.scope == "set" else ""
    return MetricRecord(
        name=spec.name,
        version=spec.version,
        dimension=spec.dimension,
        higher_is_better=spec.higher_is_better,
        unit=spec.unit,
        spread=spread,
        spread_clips=clips,
        published=spec.name in {choice.name for choice in load_suite(REFERENCE).metrics},
        skipped=why or skipped.get(spec.name, ""),
    )
