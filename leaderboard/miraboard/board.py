"""The board: submit, moderate, look up. What the pages, the command line and the tests all call."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.engine import Connection

from mirabench.errors import InputError, UnknownNameError
from mirabench.files import write_bytes
from miraboard import accounts, ranking, seen, states
from miraboard.card import read_card
from miraboard.checking import Checker, Here
from miraboard.clips.addresses import Gate, folder_of
from miraboard.clips.download import MAX_CLIP_BYTES
from miraboard.correlated import copies_of
from miraboard.guard import Reason, SubmissionRefused, check_text, refuse
from miraboard.names import skeleton
from miraboard.seen import Films
from miraboard.settings import Settings
from miraboard.standing import Standing
from miraboard.states import Scoring, Wanted
from miraboard.store import Store, Verdict, now
from miraboard.submission import Checked
from miraboard.tracks import Track, load_tracks

log = logging.getLogger(__name__)

MODERATION = ("withdrawn", "restored")
DEMO = "demo: "
"""What the names of demonstration generators begin with."""
DEMO_NOTICE = (
    "Names that begin with 'demo:' are a demonstration: small renderers of this project, degraded on "
    "purpose. Their clips were really scored by mirabench."
)
COUNTED = ("accepted", "refused", "retried")
"""Lines of the log that a rate limit counts."""
WRONG_TOKENS = 10
"""That one address may try in an hour, of accounts and of maintainers together."""
NEW_ACCOUNTS = 5
"""That one address may make in a day."""
HOUR, DAY = 3600, 86_400


@dataclass(frozen=True, slots=True)
class SubmissionAnswer:
    """The answer to a submission."""

    accepted: bool
    id: str = ""
    reasons: tuple[Reason, ...] = ()
    state: str = ""
    """Of the scoring of its clips; empty where nobody scores them."""
    wanted: tuple[str, ...] = ()
    """Clips to upload, now that the sample is drawn."""

    def to_json(self) -> dict[str, Any]:
        """For the API."""
        reasons = [{"code": r.code, "text": r.text} for r in self.reasons]
        return {
            "accepted": self.accepted, "id": self.id, "reasons": reasons, "state": self.state,
            "wanted": list(self.wanted),
        }  # fmt: skip


@dataclass(frozen=True, slots=True)
class View:
    """One track as it stands: what a page needs."""

    track: Track
    standings: tuple[Standing, ...]
    """One for each generator, its newest version; withdrawn ones are not in it."""
    history: tuple[Standing, ...]
    """Older versions, oldest first; they have pages and no rank."""
    verdicts: Mapping[str, tuple[Verdict, ...]]
    states: Mapping[str, Scoring] = field(default_factory=dict)
    """Of the submissions whose clips the board scores, on every track."""
    waiting: tuple[Standing, ...] = ()
    """Those that are no rows of the table: not yet scored, or refused; newest first."""

    def standing(self, identity: str) -> Standing:
        """The submission of that id.

        Raises:
            UnknownNameError: it is not in this track, or was withdrawn.
        """
        for standing in (*self.standings, *self.history, *self.waiting):
            if standing.id == identity:
                return standing
        raise UnknownNameError("submission", identity, [s.id for s in self.standings])

    def versions(self, standing: Standing) -> list[Standing]:
        """All submissions of a standing's generator, newest first."""
        own = [s for s in self.standings if s.name_key == standing.name_key]
        older = [s for s in self.history if s.name_key == standing.name_key]
        return [*own, *reversed(older)]

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

    def __init__(
        self,
        settings: Settings,
        tracks: Mapping[str, Track] | None = None,
        checker: Checker | None = None,
    ) -> None:
        self.settings = settings
        self.tracks = dict(tracks if tracks is not None else load_tracks(settings.tracks))
        self.store = Store(settings.database)
        self.checker: Checker = checker or Here(self.tracks)
        self.films = Films(settings.clips)
        self.on_clips: Callable[[], None] = _nothing
        """Called when clips came that are to be scored."""
        self._lock = threading.Lock()
        self._cached = _Cached()

    def close(self) -> None:
        """Give the database back."""
        self.checker.close()
        self.store.close()

    def submit(
        self, data: bytes, fields: Mapping[str, Any], address: str, *, strips: bytes = b"",
        account: str = "", clips: str = "",
    ) -> SubmissionAnswer:  # fmt: skip
        """Take a submission, or say why not; either way the audit log has a line.

        Args:
            data: The bytes of `report.json`.
            fields: Of the card.
            address: Where it comes from; only its digest is kept.
            strips: The bytes of `strips.json`, if there are film strips.
            account: Who sends it, signed in: see `sign_in`; empty for nobody.
            clips: Where the clips are: a folder's or data set's address, or `upload`. Empty means `upload` on a
                track that requires clips, and that nobody scores them on others.
        """
        actor = actor_of(address)
        try:
            self._within_quotas(actor, account, len(data) + len(strips))
        except SubmissionRefused as refusal:
            self._limited(actor, refusal.reasons[0].code)
            return SubmissionAnswer(False, reasons=refusal.reasons)
        try:
            identity = self._accept(data, fields, actor, account, strips, clips)
        except SubmissionRefused as refusal:
            digest = hashlib.sha256(data).hexdigest()[:16]
            codes = ", ".join(dict.fromkeys(r.code for r in refusal.reasons))
            # codes alone: a stranger's text does not get into the log
            self.store.event("refused", actor, f"report {digest}: {codes}", account=account)
            return SubmissionAnswer(False, reasons=refusal.reasons)
        return self._answer(identity)

    def _answer(self, identity: str) -> SubmissionAnswer:
        with self.store.reading() as connection:
            scoring = states.newest(connection, identity)
        if scoring is None:
            return SubmissionAnswer(True, identity)
        self.on_clips()
        wanted = () if scoring.source or scoring.state != "queued" else self.awaited(scoring)
        return SubmissionAnswer(True, identity, state=scoring.state, wanted=tuple(wanted))

    def awaited(self, scoring: Scoring) -> list[str]:
        """The drawn clips that have not arrived yet."""
        with self.store.reading() as connection:
            digests = seen.digests(connection, scoring.submission, scoring.drawn)
            known = seen.records(connection, scoring.submission)
        return [
            clip for clip, digest in digests.items()
            if clip not in known and not self.films.arrived(scoring.submission, digest).is_file()
        ]  # fmt: skip

    def receive(self, identity: str, data: bytes) -> list[str]:
        """Take the bytes of one drawn clip; returns the clips that are still awaited.

        Anybody may send them: only bytes with the digest that the report states are taken.

        Raises:
            SubmissionRefused: nothing is awaited, or not these bytes.
        """
        with self.store.reading() as connection:
            scoring = states.newest(connection, identity)
            if scoring is None or scoring.state != "queued" or scoring.source:
                raise refuse("clips", f"no clips of the submission {identity[:12]!r} are awaited")
            digests = seen.digests(connection, identity, scoring.drawn)
        digest = hashlib.sha256(data).hexdigest()
        if len(data) > MAX_CLIP_BYTES or digest not in digests.values():
            raise refuse(
                "clips", "this file is none of the clips that were drawn: send those that the board names, "
                f"unchanged, each up to {MAX_CLIP_BYTES:,} bytes",
            )  # fmt: skip
        path = self.films.arrived(identity, digest)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, data)
        left = self.awaited(scoring)
        if not left:
            self.on_clips()
        return left

    def _within_quotas(self, actor: str, account: str, size: int) -> None:
        limit = self.settings.per_hour
        tried = self.store.recent(actor, COUNTED, HOUR)
        of_account = self.store.recent(actor, COUNTED, HOUR, account=account) if account else 0
        if max(tried, of_account) >= limit:
            raise refuse(
                "rate-limit", f"more than {limit} submissions within an hour: try again later"
            )
        most = self.settings.megabytes * 2**20
        if self.store.stored(account) + size > most:
            raise refuse(
                "storage", f"an account's submissions may keep {self.settings.megabytes:,} MB here, and "
                "yours are full: ask a maintainer",
            )  # fmt: skip

    def _limited(self, actor: str, code: str) -> None:
        """One line an hour for who is held back: the log cannot be pushed out by knocking."""
        if not self.store.recent(actor, ("limited",), HOUR):
            self.store.event("limited", actor, code)

    def _accept(
        self, data: bytes, fields: Mapping[str, Any], actor: str, account: str, strips: bytes,
        clips: str,
    ) -> str:  # fmt: skip
        card = read_card(dict(fields))
        self._require_account(card.generator, account)
        source = self._source(clips.strip())
        checked = self.checker.check(data, card, strips)
        track = self.tracks[checked.track]
        view = self.view(track.name)
        entered = [s for s in (*view.standings, *view.history) if s.id != checked.standing.id]
        reasons = copies_of(checked.standing, entered, track)
        scored = track.requires == "clips" or bool(clips.strip())
        wanted = wanted_of(checked, track, source)

        def also(connection: Connection, identity: str) -> None:
            if reasons:  # after plainer copies were looked for, which say more
                raise SubmissionRefused(*reasons)
            if scored:
                states.queue(connection, identity, wanted, now())

        return self.store.accept(checked, actor, account, also)

    def _source(self, clips: str) -> str:
        """The folder's address; empty for an upload.

        Raises:
            SubmissionRefused: the address is none that this board fetches from.
        """
        if clips in ("", "upload"):
            return ""
        folder = folder_of(clips)
        Gate(self.settings.clip_hosts).require(folder)
        return folder

    def _require_account(self, generator: str, account: str) -> None:
        """Before anything costly: whether this account may submit under this name at all."""
        if not account and self.settings.accounts == "required":
            raise refuse(
                "account",
                "this board asks for an account: make one on the tab Submit, or with "
                "`mirabench leaderboard account NAME --board URL`, and send its token",
            )
        demonstration = skeleton(generator).startswith(skeleton(DEMO))
        if demonstration != (account == accounts.DEMO):
            raise refuse("reserved-name", f"Names that begin with {DEMO!r} are the demonstration's")
        owner = self.store.owner(generator)
        if owner is not None and owner.account != account:
            raise refuse(
                "name-taken",
                f"the name {owner.generator!r}, which is or looks like yours, belongs to "
                f"{owner.account or 'nobody who signed in'}: choose another, or ask a maintainer",
            )

    def register(self, name: str, address: str) -> str:
        """Make an account; returns its token, which is kept nowhere and shown once.

        Raises:
            SubmissionRefused: the name is no account's name or taken, or the address made too many.
        """
        actor = actor_of(address)
        if self.store.recent(actor, ("registered",), DAY) >= NEW_ACCOUNTS:
            self._limited(actor, "accounts")
            raise refuse("rate-limit", f"an address may make {NEW_ACCOUNTS} accounts a day")
        return self.store.register(name.strip(), actor)

    def sign_in(self, token: str, address: str) -> str:
        """The account whose token this is.

        Raises:
            SubmissionRefused: it is no account's, or the address tried too many.
        """
        actor = actor_of(address)
        self._few_wrong_tokens(actor)
        try:
            return self.store.account(token)
        except SubmissionRefused:
            self.store.event("denied", actor, "wrong account token")
            raise

    def _few_wrong_tokens(self, actor: str) -> None:
        if self.store.recent(actor, ("denied",), HOUR) >= WRONG_TOKENS:
            self._limited(actor, "tokens")
            raise refuse(
                "rate-limit", f"{WRONG_TOKENS} wrong tokens within an hour: try again later"
            )

    def moderate(self, token: str, identity: str, kind: str, why: str, address: str = "") -> None:
        """Withdraw a submission from its table, or restore it.

        Raises:
            SubmissionRefused: the token is wrong, or the text is not plain.
            InputError: no such submission or verdict.
        """
        self.require_token(token, address)
        if kind not in MODERATION:
            raise UnknownNameError("verdict", kind, MODERATION)
        if not why.strip():
            raise InputError("say why: the audit log is public")
        check_text(why, "the reason")
        self.store.verdict(identity, kind, why.strip()[:500], "maintainer", passed=True)

    def move(self, token: str, generator: str, account: str, address: str = "") -> None:
        """Give a generator's name to another account.

        Raises:
            SubmissionRefused: the token is wrong, or the account's name is none.
            InputError: nobody has submitted under the name.
        """
        self.require_token(token, address)
        if not accounts.is_account(account):
            raise refuse("account-name", f"{account[:40]!r} is no account's name")
        self.store.move(generator, account, "maintainer")

    def require_token(self, token: str, address: str = "") -> None:
        """Let maintainers pass.

        Raises:
            SubmissionRefused: the token is not the board's, the board has none, or too many were tried.
        """
        actor = actor_of(address) if address else "maintainer"
        self._few_wrong_tokens(actor)
        ours = self.settings.token.encode()
        if not ours or not hmac.compare_digest(ours, token.encode("utf-8", "replace")):
            self.store.event("denied", actor, "wrong maintainer's token")
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
            cached.rankings[key] = ranking.rank(view.standings, view.track, chosen)
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
        with self.store.reading() as connection:
            scorings = states.all_newest(connection)
        hidden = {key for key, scoring in scorings.items() if scoring.hidden}
        entries = [s for s in self.store.standings(track.digest) if s.id not in gone]
        kept = [s for s in entries if s.id not in hidden]
        newest = {s.name_key: s.id for s in kept}  # they come oldest first
        entered = tuple(s for s in kept if newest[s.name_key] == s.id)
        older = tuple(s for s in kept if newest[s.name_key] != s.id)
        waiting = tuple(s for s in reversed(entries) if s.id in hidden)
        told = {k: tuple(v) for k, v in verdicts.items()}
        return View(track, entered, older, told, scorings, waiting)


def wanted_of(checked: Checked, track: Track, source: str) -> Wanted:
    """What is to be scored of a submission; a clip that nobody could read has nothing to compare."""
    clips = {row.clip: row.prompt for row in checked.rows if row.sha256}
    return Wanted(track.requires == "clips", source, track.sample, clips, track.shown_prompts)


def _nothing() -> None:
    """Nobody scores."""


def actor_of(address: str) -> str:
    """A pseudonym for an address, so that the public log holds none.

    The digest of an IPv4 address can be found by trying them all: it hides it from readers, not
    from an investigator.
    """
    return "client-" + hashlib.sha256(f"miraboard:{address}".encode()).hexdigest()[:12]
