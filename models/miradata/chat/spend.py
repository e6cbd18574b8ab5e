"""What captions have cost, and the cap: one append-only file that all workers and reruns share.

A call is reserved at its worst price before it is made and charged at its real one afterwards, so
that workers side by side do not pass the cap together. A reservation whose process was killed stays
counted: the call may have been paid.
"""

from __future__ import annotations

import contextlib
import json
import threading
import uuid
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from mirabench.errors import InputError, MirabenchError
from mirabench.work.journal import append_text

SPEND_FILE = "spend.jsonl"


class Tokens(NamedTuple):
    """Tokens of one call, or of many."""

    prompt: int = 0
    completion: int = 0


@dataclass(frozen=True, slots=True)
class Prices:
    """What a million tokens cost, in the money of the cap; no price is built in, they change."""

    prompt: float = 0.0
    completion: float = 0.0

    def of(self, tokens: Tokens) -> float:
        """The price of these tokens."""
        return (tokens.prompt * self.prompt + tokens.completion * self.completion) / 1e6


class OverBudgetError(MirabenchError):
    """The next call could pass the cap; the text says which one."""


@dataclass
class Spend:
    """The account of an output folder.

    Raises:
        InputError: a cap on money without prices, which could never be kept.
    """

    path: Path
    prices: Prices = field(default_factory=Prices)
    most_tokens: int | None = None
    most_money: float | None = None
    _known: dict[str, Tokens] = field(default_factory=dict)
    _read: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        if self.most_money is not None and self.prices.of(Tokens(1, 1)) <= 0:
            raise InputError(
                "captions have a cap in money but no prices: set what a million prompt and "
                "completion tokens cost at your endpoint"
            )

    @property
    def tokens(self) -> Tokens:
        """Everything spent or reserved so far, by all workers."""
        with self._lock:
            self._catch_up()
            return Tokens(
                sum(t.prompt for t in self._known.values()),
                sum(t.completion for t in self._known.values()),
            )

    @property
    def money(self) -> float:
        """The price of `tokens`."""
        return self.prices.of(self.tokens)

    def reserve(self, worst: Tokens) -> str:
        """Set the worst price of a call aside.

        Returns:
            The reservation, for `charge`.

        Raises:
            OverBudgetError: it could pass a cap; nothing is set aside.
        """
        reservation = uuid.uuid4().hex
        self._append(reservation, worst)
        why = self._passed()
        if why:
            self._append(reservation, Tokens())
            raise OverBudgetError(why)
        return reservation

    def charge(self, reservation: str, used: Tokens) -> None:
        """Replace a reservation by what was used."""
        self._append(reservation, used)

    def _passed(self) -> str:
        tokens = self.tokens
        if self.most_tokens is not None and sum(tokens) > self.most_tokens:
            return f"the cap of {self.most_tokens:,} tokens would be passed"
        if self.most_money is not None and self.prices.of(tokens) > self.most_money:
            return f"the cap of {self.most_money:g} in money would be passed"
        return ""

    def _append(self, reservation: str, tokens: Tokens) -> None:
        append_text(self.path, json.dumps([reservation, *tokens]) + "\n")

    def _catch_up(self) -> None:
        if not self.path.exists():
            return
        with self.path.open("rb") as file:
            file.seek(self._read)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        for line in filter(None, whole.splitlines()):
            with contextlib.suppress(ValueError):  # torn: the call it was for was never made
                reservation, prompt, completion = json.loads(line)
                self._known[reservation] = Tokens(int(prompt), int(completion))
