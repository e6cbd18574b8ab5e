"""Submitting from a program: the same form as the page's, through gradio_client."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gradio_client import Client, handle_file

from mirabench.errors import InputError


def submit(
    board: str, report: Path, card: Mapping[str, Any], strips: Path | None = None, token: str = ""
) -> dict[str, Any]:
    """Send a report; the answer has `accepted`, `id` and `reasons`.

    Sending the same again gives the same id, so a caller that lost the answer simply retries.

    Args:
        board: The board's address.
        report: `report.json`.
        card: `generator`, `version`, `track`, `licence`, `contact`, and `links`, a list.
        strips: `strips.json`, if pictures are to be shown.
        token: Of the account; a board may take reports without one.

    Raises:
        InputError: the board cannot be reached, or did not understand.
    """
    _, answer = _asked(
        board, "/submit", handle_file(report),
        *(card[k] for k in ("generator", "version", "track", "licence", "contact")),
        " ".join(card.get("links", ())), handle_file(strips) if strips else None, token,
    )  # fmt: skip
    if not isinstance(answer, dict) or "accepted" not in answer:
        raise InputError(f"{board} is not a miraboard of this version")
    return answer


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
