"""Submitting from a program: the same form as the page's, through gradio_client."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from mirabench.errors import InputError


def submit(
    board: str, report: Path, card: Mapping[str, Any], strips: Path | None = None, token: str = "",
    clips: str = "",
) -> dict[str, Any]:  # fmt: skip
    """Send a report; the answer has `accepted`, `id`, `reasons`, `state` and `wanted`, clips to send.

    Sending the same again gives the same id, so a caller that lost the answer simply retries.

    Args:
        board: The board's address.
        report: `report.json`.
        card: `generator`, `version`, `track`, `licence`, `contact`, and `links`, a list.
        strips: `strips.json`, if pictures are to be shown.
        token: Of the account; a board may take reports without one.
        clips: Address of the clips' folder or data set, or `upload`.

    Raises:
        InputError: the board cannot be reached, or did not understand.
    """
    _, answer = _asked(
        board, "/submit", handle_file(report),
        *(card[k] for k in ("generator", "version", "track", "licence", "contact")),
        " ".join(card.get("links", ())), handle_file(strips) if strips else None, token, clips,
    )  # fmt: skip
    if not isinstance(answer, dict) or "accepted" not in answer:
        raise InputError(f"{board} is not a miraboard of this version")
    return answer


def wanted(board: str, submission: str) -> list[str]:
    """The clips of a submission that a board waits for.

    Raises:
        InputError: the board cannot be reached, or does not know the submission.
    """
    found = _rest(f"{board.rstrip('/')}/api/submissions/{submission}/scoring")
    return [str(clip) for clip in found["wanted"]]


def send_clip(board: str, submission: str, clip: Path) -> list[str]:
    """Send one clip that a board has drawn; returns those that it still waits for.

    Raises:
        InputError: the board cannot be reached, or does not want this file.
    """
    found = _rest(f"{board.rstrip('/')}/api/submissions/{submission}/clips", clip.read_bytes())
    return [str(name) for name in found["wanted"]]


def _rest(address: str, data: bytes | None = None) -> dict[str, Any]:
    """The answer of the board's plain interface."""
    if not address.startswith(("http://", "https://")):
        raise InputError(f"{address} is no address of a board: it begins with https://")
    try:
        with urllib.request.urlopen(address, data, timeout=120) as answer:
            found: dict[str, Any] = json.loads(answer.read())
    except urllib.error.HTTPError as error:
        told = json.loads(error.read() or b"{}").get("error", f"it answers {error.code}")
        raise InputError(f"the board refuses: {told}") from error
    except (OSError, ValueError) as error:
        raise InputError(f"the board at {address} does not answer: {error}") from error
    return found


def register(board: str, name: str) -> str:
    """Make an account; returns its token, which the board shows once.

    Raises:
        InputError: the board cannot be reached, or does not make this account.
    """
    told, token = _asked(board, "/register", name)
    if not token:
        raise InputError(f"{board}: {re.sub('<[^>]*>', '', str(told)).strip()}")
    return str(token)


def _asked(board: str, name: str, *arguments: Any) -> Any:
    try:
        client = Client(board, verbose=False)
        try:
            return client.predict(*arguments, api_name=name)
        finally:
            client.close()
    except Exception as error:  # the boundary: the client has no error class of its own
        raise InputError(
            f"the board {board} did not accept the submission ({type(error).__name__}: {error}): "
            "send it again, nothing is counted more than once"
        ) from error
