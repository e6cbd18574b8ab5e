"""The board: submit, moderate, look up. What the pages, the command line and the tests all call."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mirabench.errors import InputError, UnknownNameError
from miraboard import ranking
from miraboard.card import read_card
from miraboard.guard import Reason, SubmissionRefused, check_text, refuse
from miraboard.settings import Settings
from miraboard.standing import Standing, standing_of
from miraboard.store import Store, Verdict, now
from miraboard.submission import check
from miraboard.tracks import Track, load_tracks

log = logging.getLogger(__name__)

MODERATION = ("withdrawn", "restored")
DEMO = "demo: "
"""What the names of demonstration generators begin with."""
DEMO_NOTICE = (
    "names that begin with 'demo:' are a demonstration: small renderers of this project, degraded on "
    "purpose; their clips were really scored by mirabench"
)
COUNTED = ("accepted", "refused", "retried")
"""Lines of the log that a rate limit counts."""


@dataclass(frozen=True, slots=True)
class SubmissionAnswer:
    """The answer to a submission."""

    accepted: bool
    id: str = ""
    reasons: tuple[Reason, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """For the API."""
        reasons = [{"code": r.code, "text": r.text} for r in self.reasons]
        return {"accepted": self.accepted, "id": self.id, "reasons": reasons}


@dataclass(frozen=True, slots=True)
class View:
    """One track as it stands: what a page needs."""

    track: Track
    standings: tuple[Standing, ...]
    """Withdrawn ones are not in it."""
    verdicts: Mapping[str, tuple[Verdict, ...]]

    def standing(self, identity: str) -> Standing:
        """The submission of that id.

        Raises:
            UnknownNameError: it is not in this track, or was withdrawn.
        """
        for standing in self.standings:
            if standing.id == identity:
                return standing
        raise UnknownNameError("submission", identity, [s.id for s in self.standings])

    def badge(self, identity: str) -> str:
        """How far the numbers were checked: `recomputed`, `rescored` or `disputed`."""
        kinds = [v for v in self.verdicts.get(identity, ()) if v.kind == "rescored"]
        if kinds:
            return "rescored" if kinds[-1].passed else "disputed"
        return "recomputed"


@dataclass
class _Cached:
    revision: int = -1
    views: dict[str, View] = field(default_factory=dict)
    rankings: dict[tuple[str, str], ranking.Ranking] = field(default_factory=dict)


class Board:
    """One leaderboard. Safe to call from several threads."""

    def __init__(self, settings: Settings, tracks: Mapping[str, Track] | None = None) -> None:
        self.settings = settings
        self.tracks = dict(tracks if tracks is not None else load_tracks(settings.tracks))
        self.store = Store(settings.database)
        self._lock = threading.Lock()
        self._cached = _Cached()

    def close(self) -> None:
        """Give the database back."""
        self.store.close()

    def submit(
        self, data: bytes, fields: Mapping[str, Any], address: str, *, strips: bytes = b""
    ) -> SubmissionAnswer:
        """Take a submission, or say why not; either way the audit log has a line.

        Args:
            data: The bytes of `report.json`.
            fields: Of the card.
            address: Where it comes from; only its digest is kept.
            strips: The bytes of `strips.json`, if there are film strips.
        """
        actor = actor_of(address)
        if self.store.recent(actor, COUNTED, 3600) >= self.settings.per_hour:
            reason = Reason(
                "rate-limit",
                f"more than {self.settings.per_hour} submissions within an hour: try again later",
            )
            self.store.event("limited", actor, reason.code)
            return SubmissionAnswer(False, reasons=(reason,))
        try:
            identity = self._accept(data, fields, actor, strips)
        except SubmissionRefused as refusal:
            digest = hashlib.sha256(data).hexdigest()[:16]
            codes = ", ".join(dict.fromkeys(r.code for r in refusal.reasons))
            # codes alone: a stranger's text does not get into the log
            self.store.event("refused", actor, f"report {digest}: {codes}")
            return SubmissionAnswer(False, reasons=refusal.reasons)
        return SubmissionAnswer(True, identity)

    def _accept(self, data: bytes, fields: Mapping[str, Any], actor: str, strips: bytes) -> str:
        card = read_card(dict(fields))
        checked = check(data, card, self.tracks, strips=strips)
        standing = standing_of(checked.key[:12], card, checked.report, checked.track, now())
        return self.store.accept(checked, standing, actor)

    def moderate(self, token: str, identity: str, kind: str, why: str) -> None:
        """Withdraw a submission from its table, or restore it.

        Raises:
            SubmissionRefused: the token is wrong, or the text is not plain.
            InputError: no such submission or verdict.
        """
        self.require_token(token)
        if kind not in MODERATION:
            raise UnknownNameError("verdict", kind, MODERATION)
        if not why.strip():
            raise InputError("say why: the audit log is public")
        check_text(why, "the reason")
        self.store.verdict(identity, kind, why.strip()[:500], "maintainer", passed=True)

    def require_token(self, token: str) -> None:
        """Let maintainers pass.

        Raises:
            SubmissionRefused: the token is not the board's, or the board has none.
        """
        ours = self.settings.token.encode()
        if not ours or not hmac.compare_digest(ours, token.encode()):
            self.store.event("denied", "maintainer", "wrong token")
            raise refuse("token", "the maintainer's token is wrong, or MIRABOARD_TOKEN is not set")

    def view(self, track: str) -> View:
        """One track as it stands now.

        Raises:
            UnknownNameError: no such track.
        """
        if track not in self.tracks:
            raise UnknownNameError("track", track, self.tracks)
        return self._fresh(track)[0]

    def notice(self, track: str) -> str:
        """What to say above a table."""
        demo = any(s.generator.startswith(DEMO) for s in self.view(track).standings)
        return " ".join(filter(None, [self.settings.notice, DEMO_NOTICE if demo else ""]))

    def ranking(self, track: str, weights: Mapping[str, float] | None = None) -> ranking.Ranking:
        """The places in a track under some weights."""
        chosen = {k: v for k, v in (weights or {}).items() if v != 1.0}
        view, cached = self._fresh(track)
        key = (track, json.dumps(chosen, sort_keys=True))
        if key not in cached.rankings:
            if len(cached.rankings) > 256:
                cached.rankings.clear()
            cached.rankings[key] = ranking.rank(view.standings, view.track.specs, chosen)
        return cached.rankings[key]

    def _fresh(self, track: str) -> tuple[View, _Cached]:
        revision = self.store.revision()
        with self._lock:
            if self._cached.revision != revision:
                self._cached = _Cached(revision)
            cached = self._cached
            if track not in cached.views:
                cached.views[track] = self._load(self.tracks[track])
            return cached.views[track], cached

    def _load(self, track: Track) -> View:
        verdicts: dict[str, list[Verdict]] = {}
        for verdict in self.store.verdicts():
            verdicts.setdefault(verdict.submission, []).append(verdict)
        gone = {
            key for key, found in verdicts.items()
            if [v.kind for v in found if v.kind in MODERATION][-1:] == ["withdrawn"]
        }  # fmt: skip
        kept = tuple(s for s in self.store.standings(track.digest) if s.id not in gone)
        return View(track, kept, {k: tuple(v) for k, v in verdicts.items()})


def actor_of(address: str) -> str:
    """A pseudonym for an address, so that the public log holds none.

    The digest of an IPv4 address can be found by trying them all: it hides it from readers, not
    from an investigator.
    """
    return "client-" + hashlib.sha256(f"miraboard:{address}".encode()).hexdigest()[:12]
