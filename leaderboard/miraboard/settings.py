"""What the operator of a board may set; environment variables, read at one place."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from mirabench.errors import InputError
from miraboard.clips.addresses import HUB, is_origin

SHORTEST_TOKEN = 16


@dataclass(frozen=True, slots=True)
class Settings:
    """How a board is run."""

    database: str = "sqlite:///miraboard.db"
    """`MIRABOARD_DATABASE`: an SQLAlchemy URL."""
    token: str = ""
    """`MIRABOARD_TOKEN`: lets maintainers withdraw, restore and record a rescoring; empty forbids it."""
    per_hour: int = 20
    """`MIRABOARD_PER_HOUR`: submissions, refused ones too, that one address may try in an hour."""
    megabytes: int = 500
    """`MIRABOARD_MEGABYTES`: reports and pictures that one account may keep here."""
    accounts: str = "required"
    """`MIRABOARD_ACCOUNTS`: `required`, or `optional` for a board among people who trust each other."""
    proxies: int = 0
    """`MIRABOARD_PROXIES`: reverse proxies in front; that many entries of X-Forwarded-For are theirs."""
    tracks: Path | None = None
    """`MIRABOARD_TRACKS`: a TOML file of tracks instead of the bundled one."""
    clips: Path = Path("miraboard-clips")
    """`MIRABOARD_CLIPS`: the folder of films, and of clips that wait to be scored."""
    clip_hosts: tuple[str, ...] = HUB
    """`MIRABOARD_CLIP_HOSTS`: origins that clips are fetched from, separated by blanks: `https://host`,
    `https://*.host`."""
    clip_seconds: int = 600
    """`MIRABOARD_CLIP_SECONDS`: that scoring one clip may take."""
    clip_gigabytes: int = 8
    """`MIRABOARD_CLIP_GIGABYTES`: of memory that it may take."""
    votes_per_hour: int = 120
    """`MIRABOARD_VOTES_PER_HOUR`: that one rater, or one address, may give; four times that in a day."""
    notice: str = ""
    """`MIRABOARD_NOTICE`: a line above the table, to say what a demo board's rows are."""

    def __post_init__(self) -> None:
        if self.token and len(self.token) < SHORTEST_TOKEN:
            raise InputError(f"MIRABOARD_TOKEN needs at least {SHORTEST_TOKEN} characters")
        if self.accounts not in ("required", "optional"):
            raise InputError(
                f"MIRABOARD_ACCOUNTS is {self.accounts!r}: give `required` or `optional`"
            )
        for origin in self.clip_hosts:
            if not is_origin(origin):
                raise InputError(
                    f"MIRABOARD_CLIP_HOSTS holds {origin!r}: give origins such as https://huggingface.co"
                )


def settings_from(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings that the environment names, defaults for the rest.

    Raises:
        InputError: a number is none, or the token is too short.
    """
    tracks = environment.get("MIRABOARD_TRACKS", "")
    usual = Settings()
    return Settings(
        database=environment.get("MIRABOARD_DATABASE", "") or usual.database,
        token=environment.get("MIRABOARD_TOKEN", ""),
        per_hour=_whole(environment, "MIRABOARD_PER_HOUR", usual.per_hour),
        megabytes=_whole(environment, "MIRABOARD_MEGABYTES", usual.megabytes),
        accounts=environment.get("MIRABOARD_ACCOUNTS", "") or usual.accounts,
        proxies=_whole(environment, "MIRABOARD_PROXIES", usual.proxies),
        tracks=Path(tracks) if tracks else None,
        clips=Path(environment.get("MIRABOARD_CLIPS", "") or usual.clips),
        clip_hosts=tuple(environment.get("MIRABOARD_CLIP_HOSTS", "").split()) or usual.clip_hosts,
        clip_seconds=_whole(environment, "MIRABOARD_CLIP_SECONDS", usual.clip_seconds),
        clip_gigabytes=_whole(environment, "MIRABOARD_CLIP_GIGABYTES", usual.clip_gigabytes),
        votes_per_hour=_whole(environment, "MIRABOARD_VOTES_PER_HOUR", usual.votes_per_hour),
        notice=environment.get("MIRABOARD_NOTICE", ""),
    )


def _whole(environment: Mapping[str, str], name: str, default: int) -> int:
    text = environment.get(name, "")
    try:
        return int(text) if text else default
    except ValueError as error:
        raise InputError(f"{name} is {text!r}, not a whole number") from error
