"""What was ordered from a paid service, on disk: nothing is bought twice, and no more is spent than allowed.

`orders.jsonl` in the folder of a run is append-only, one line for each thing that happened to an order. A
line is on the disk before what it announces is done: an order is noted before it is sent, and its job
before anybody waits for it. A run that is killed anywhere picks its jobs up again, and an order that may
have been sent is sent again under the key it had, which a service that knows such keys does not bill twice.
"""

from __future__ import annotations

import hashlib
import json
import time
import uuid
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Literal

from filelock import FileLock

from mirabench.errors import GeneratorError
from mirabench.work.journal import append_text

FILE_NAME = "orders.jsonl"
Happening = Literal["run", "sent", "accepted", "refused", "lost", "failed", "expired", "fetched"]
OVER: tuple[Happening, ...] = ("failed", "expired")
"""After these an order is placed anew, under another key."""


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that happened to an order."""

    at: str
    """UTC, ISO 8601."""
    happened: Happening
    """`run` begins the orders of a run; `lost`: no answer tells whether the service took the order; `expired`:
    the service no longer knows the job or its video; `fetched`: the video is here."""
    clip: str = ""
    """Its id, for people."""
    order: str = ""
    """What is ordered: a digest of prompt, seed and settings."""
    key: str = ""
    """The idempotency key of the try."""
    job: str = ""
    """Where the job is asked for."""
    price: float = 0.0
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may cost, and how fast it may order."""

    price: float = 0.0
    """Of one clip, in any currency."""
    max_cost: float | None = None
    """In the same currency; an order of which nobody knows whether it was taken counts as paid."""
    per_minute: float = 0.0
    """Orders; 0 means no limit."""


@dataclass(slots=True)
class OrderBook:
    """The orders of a run; several processes may have it open."""

    folder: Path | None
    """None keeps the lines in memory."""
    limits: Limits = field(default_factory=Limits)
    _lines: list[Line] = field(default_factory=list)

    def lines(self) -> list[Line]:
        """Everything since the last run began."""
        found = self._lines if self.folder is None else list(_read(self.folder / FILE_NAME))
        begun = max((i for i, line in enumerate(found) if line.happened == "run"), default=0)
        return found[begun:]

    def job(self, order: str) -> str:
        """The address of an order's job; empty when there is none, or none that is of use."""
        found = ""
        for line in self.lines():
            if line.order == order and line.happened in ("accepted", *OVER):
                found = line.job if line.happened == "accepted" else ""
        return found

    def send(self, order: str, clip: str) -> str:
        """Note that an order is sent now, and wait for its turn; its key.

        Raises:
            GeneratorError: it would cost more than is allowed.
            OutputError: the folder cannot be written.
        """
        with self._lock():
            lines = self.lines()
            run = next((line.key for line in lines if line.happened == "run"), "")
            if not run:
                run = self._begin()
            self._refuse_cost(lines)
            turn = self._turn(lines)
            over = sum(line.order == order and line.happened in OVER for line in lines)
            key = hashlib.sha256(f"{run} {order} {over}".encode()).hexdigest()[:32]
            self._add(Line(_text(turn), "sent", clip, order, key, price=self.limits.price))
        if (wait := turn - time.time()) > 0:
            time.sleep(wait)
        return key

    def note(self, happened: Happening, order: str, *, job: str = "", reason: str = "") -> None:
        """Note what happened to the last try of an order.

        Raises:
            OutputError: the folder cannot be written.
        """
        with self._lock():
            last = next(
                (x for x in reversed(self.lines()) if x.order == order and x.happened == "sent"),
                Line("", "sent", order=order),
            )
            self._add(
                Line(_text(time.time()), happened, last.clip, order, last.key, job, 0.0, reason)
            )

    def begin(self) -> None:
        """Forget the orders of earlier runs of this folder; their lines stay.

        Raises:
            OutputError: the folder cannot be written.
        """
        with self._lock():
            self._begin()

    def spent(self) -> float:
        """What the orders of this run cost, those that were lost included."""
        return _spent(self.lines())

    def ordered(self) -> set[str]:
        """The ids of the clips that the service has a job for."""
        last = {x.order: x for x in self.lines() if x.happened in ("accepted", *OVER)}
        return {line.clip for line in last.values() if line.happened == "accepted"}

    def _begin(self) -> str:
        run = uuid.uuid4().hex
        self._add(Line(_text(time.time()), "run", key=run))
        return run

    def _refuse_cost(self, lines: list[Line]) -> None:
        limit, spent, price = self.limits.max_cost, _spent(lines), self.limits.price
        # a tenth of the smallest amount that anybody bills is no more than rounding
        if limit is not None and spent + price > limit + 1e-6:
            raise GeneratorError(
                f"not ordered: {spent:g} of the {limit:g} allowed by max_cost are spent and a clip costs "
                f"{price:g}; raise it and give the same command again"
            )

    def _turn(self, lines: list[Line]) -> float:
        """When the next order may be sent, in seconds since 1970."""
        now = time.time()
        sent = [_seconds(line.at) for line in lines if line.happened == "sent"]
        if not self.limits.per_minute or not sent:
            return now
        return max(now, max(sent) + 60.0 / self.limits.per_minute)

    def _add(self, line: Line) -> None:
        if self.folder is None:
            self._lines.append(line)
        else:
            append_text(self.folder / FILE_NAME, json.dumps(asdict(line)) + "\n")

    def _lock(self) -> FileLock | _NoLock:
        if self.folder is None:
            return _NoLock()
        self.folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self.folder / ".orders.lock")


class _NoLock:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


def digest_of(*parts: str) -> str:
    """What names an order: equal for equal parts."""
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


def _spent(lines: Iterable[Line]) -> float:
    prices: list[float] = []
    last: dict[str, int] = {}
    for line in lines:
        if line.happened == "sent":
            last[line.order] = len(prices)
            prices.append(line.price)
        elif line.happened == "refused" and line.order in last:
            prices[last[line.order]] = 0.0
    return sum(prices)


def _read(path: Path) -> Iterable[Line]:
    if not path.is_file():
        return
    with path.open(encoding="utf-8", errors="replace") as file:
        for text in file:
            try:
                yield Line(**json.loads(text))
            except (ValueError, TypeError):
                continue  # torn by a kill: what it would have announced was not done


def _text(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).isoformat(timespec="milliseconds")


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()
