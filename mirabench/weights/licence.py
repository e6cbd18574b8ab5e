"""Licences that need the user's consent: non-commercial weights are used only if explicitly allowed."""

from __future__ import annotations

import os
from collections.abc import Mapping

from mirabench.errors import LicenceError
from mirabench.weights.card import WeightCard

ENVIRONMENT = "MIRABENCH_ALLOW_NONCOMMERCIAL"
_TRUE = {"1", "true", "yes", "on"}


def noncommercial_allowed(environ: Mapping[str, str] = os.environ) -> bool:
    """Whether the environment allows weights that forbid commercial use."""
    return environ.get(ENVIRONMENT, "").strip().lower() in _TRUE


def require_licence(card: WeightCard, *, noncommercial: bool) -> None:
    """Make sure that a card may be used.

    Args:
        card: What is about to be used.
        noncommercial: Whether the user allowed non-commercial weights.

    Raises:
        LicenceError: its licence forbids commercial use and nobody allowed that.
    """
    if card.non_commercial and not noncommercial:
        instead = f", or measure {card.instead} instead" if card.instead else ""
        raise LicenceError(
            f"{card.name} is {card.licence}, for non-commercial use only: allow it with "
            f"--allow-noncommercial (or {ENVIRONMENT}=1){instead}"
        )
