"""Who may submit under which name: accounts with tokens, and names that belong to accounts.

A token is `ACCOUNT:SECRET`, made by the board and shown once. Its secret has 256 random bits, which nobody can
try out, so its plain SHA-256 is kept: a slow hash protects secrets that people choose, and would only let
strangers keep the server busy. Where the board is hosted, the platform's sign-in stands for an account named
`PLATFORM/USER`, which has no token.

A generator's name belongs to the account that first submitted under it, or under a name that looks the same; a
maintainer may move it. What is written stays: the newest line of a name counts.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from miraboard.guard import refuse
from miraboard.names import skeleton
from miraboard.schema import accounts, names

ACCOUNT = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")
"""A local account's name; the slash of a platform's is not in it."""
PLATFORM = re.compile(r"hf/[A-Za-z0-9][A-Za-z0-9._-]{0,36}")
"""An account of Hugging Face, where the board is hosted there."""
DEMO = "demo"
"""The account of the demonstration; nobody has its token."""
RESERVED = frozenset({DEMO, "maintainer", "admin", "mirabench", "miraboard"})


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose a generator's name is."""

    generator: str
    """The name as it was first given."""
    account: str
    """Empty for nobody."""


def is_account(name: str) -> bool:
    """Whether a name could be an account's: a local one, or `PLATFORM/USER`."""
    return bool(ACCOUNT.fullmatch(name) or PLATFORM.fullmatch(name))


def of_platform(user: str) -> str:
    """The account of somebody whom the platform signed in.

    Raises:
        SubmissionRefused: the platform's name is none that this board can hold.
    """
    name = f"hf/{user}"
    if not PLATFORM.fullmatch(name):
        raise refuse("account-name", f"the user name {user[:40]!r} cannot be an account here")
    return name


def create(connection: Connection, name: str, at: str) -> str:
    """Make an account; returns its token, which is kept nowhere.

    Raises:
        SubmissionRefused: the name is no account's name, reserved, or taken by one that looks the same.
    """
    if not ACCOUNT.fullmatch(name):
        raise refuse("account-name", "an account is 1 to 32 of a-z, 0-9 and inner dashes")
    folded = skeleton(name)
    if folded in {skeleton(other) for other in RESERVED}:
        raise refuse("account-name", f"the account name {name!r} is reserved: choose another")
    if connection.execute(sa.select(accounts.c.name).where(accounts.c.folded == folded)).first():
        raise refuse("account-taken", f"{name!r} or a name like it is taken: choose another")
    secret = secrets.token_urlsafe(32)
    connection.execute(
        accounts.insert().values(name=name, folded=folded, secret=_hash(secret), at=at)
    )
    return f"{name}:{secret}"


def account_of(connection: Connection, token: str) -> str:
    """The account whose token this is.

    Raises:
        SubmissionRefused: it is no account's.
    """
    name, _, secret = token.strip().partition(":")
    row = connection.execute(
        sa.select(accounts.c.secret).where(accounts.c.name == name[:40])
    ).first()
    if not hmac.compare_digest(_hash(secret[:200]), row.secret if row else _hash("")) or not row:
        raise refuse(
            "token", "the account's token is wrong: it is ACCOUNT:SECRET, as it was shown once"
        )
    return name


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def owner_of(connection: Connection, generator: str) -> Owner | None:
    """Whose the name is, or one that looks the same; None for a new one."""
    query = (
        sa.select(names.c.generator, names.c.account)
        .where(names.c.folded == skeleton(generator))
        .order_by(names.c.id.desc())
    )
    row = connection.execute(query).first()
    return Owner(row.generator, row.account) if row else None


def claim(connection: Connection, generator: str, account: str, at: str) -> None:
    """Take a new name for an account, or make sure that it is the account's already.

    Raises:
        SubmissionRefused: the name is another account's, or looks like one that is spelled otherwise.
    """
    owner = owner_of(connection, generator)
    if owner is None:
        give(connection, generator, account, at)
    elif owner.account != account:
        raise refuse(
            "name-taken",
            f"the name {owner.generator!r}, which looks like yours, belongs to "
            f"{owner.account or 'an older entry'}: choose another, or ask a maintainer to move it",
        )
    elif owner.generator != generator:
        raise refuse(
            "name-spelling", f"your generator is spelled {owner.generator!r} on this board"
        )


def give(connection: Connection, generator: str, account: str, at: str) -> None:
    """Write down whose a name is from now on."""
    connection.execute(
        names.insert().values(
            folded=skeleton(generator), generator=generator, account=account, at=at
        )
    )
