"""Every reply that was paid for, kept on disk under what was asked, so that nothing is paid twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from mirabench.files import encoded, write_text

REPLY_FOLDER = "replies"


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of an endpoint, or why there is none."""

    status: str
    """`success`, `truncated`, `refused`, `timeout`, `rate_limited`, `over_budget` or `error`."""
    reason: str = ""
    text: str = ""
    """As it came."""
    model: str = ""
    """As the endpoint names it, which may be more exact than what was asked for."""
    prompt_version: str = ""
    finish_reason: str = ""
    prompt_tokens: int = 0
    completion_tokens: int = 0
    tokens_estimated: bool = False
    """The endpoint told no usage: the tokens are the worst case that was reserved."""
    calls: int = 0
    """Requests sent, retries included; 0 when nothing was sent."""

    @property
    def paid(self) -> bool:
        """Whether an endpoint answered, so that asking again would cost again."""
        return self.status in {"success", "truncated", "refused"}


def digest_of(request: Mapping[str, Any]) -> str:
    """The identity of a question: model, messages, schema and settings."""
    text = json.dumps(request, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(encoded(text)).hexdigest()


@dataclass(frozen=True, slots=True)
class ReplyStore:
    """A folder of replies, one JSON file each."""

    folder: Path

    def get(self, digest: str) -> Reply | None:
        """The reply to a question that was asked before."""
        try:
            return Reply(**json.loads(self._path(digest).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None  # not there, or of another version: ask again

    def put(self, digest: str, reply: Reply) -> None:
        """Keep a paid reply.

        Raises:
            OutputError: the folder cannot be written.
        """
        write_text(self._path(digest), json.dumps(asdict(reply), ensure_ascii=False) + "\n")

    def _path(self, digest: str) -> Path:
        return self.folder / digest[:2] / f"{digest}.json"
