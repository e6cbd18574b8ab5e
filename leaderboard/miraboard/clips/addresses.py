"""Which addresses a board may fetch clips from, and which machine it then talks to.

A submitter names an address; the board's own network is not theirs to explore. So the scheme and the host
must be on the operator's list, the host's addresses must all be public, and the connection goes to the very
address that was looked at: a name that answers otherwise a second time gains nothing. Each redirect is an
address like the first.
"""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from miraboard.guard import refuse

HUB = (
    "https://huggingface.co", "https://*.huggingface.co", "https://*.hf.co"
)  # fmt: skip
"""The hub, and the hosts that it redirects downloads to."""
MAX_ADDRESS = 500
_PORTS = {"https": 443, "http": 80}
_HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?")
_PLAIN = re.compile(r"[!-\[\]-~]+")
"""Visible ASCII without the backslash, which some readers take for a slash."""
_DATASET = re.compile(
    r"/datasets/(?P<name>[\w.-]+/[\w.-]+)(?:/tree/(?P<revision>[\w.-]+)(?P<folder>/.*)?)?"
)
_NAT64 = ipaddress.ip_network("64:ff9b::/96")

Resolve = Callable[[str, int], Sequence[str]]
"""Host and port -> its addresses."""


@dataclass(frozen=True, slots=True)
class Target:
    """An address that may be fetched, and the machine to connect to."""

    scheme: str
    host: str
    port: int
    path: str
    """With the query; begins with a slash."""
    machine: str
    """The address that was looked at."""


def resolve(host: str, port: int) -> list[str]:
    """The addresses of a host, as the system knows them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets addresses pass that the operator allows."""

    origins: tuple[str, ...] = HUB
    """`https://host`, with `*.` for every host below, and `:port` if it is not the scheme's own."""
    resolve: Resolve = resolve
    """Fake it in tests: the network is outside."""

    def target(self, url: str) -> Target:
        """Where to fetch an address from.

        Raises:
            SubmissionRefused: the scheme or host is not allowed, or the host is not a public machine.
        """
        parts, host, port = self.require(url)
        try:
            machines = self.resolve(host, port)
        except OSError as error:
            raise refuse(
                "clips", f"the host {host} cannot be found: correct the address"
            ) from error
        private = [m for m in machines if not is_public(m)]
        if private or not machines:
            raise refuse(
                "address", f"the host {host} is not on the public network: use one that is"
            )
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return Target(parts.scheme, host, port, path, machines[0])

    def require(self, url: str) -> tuple[SplitResult, str, int]:
        """The parts, host and port of an address that the operator allows; asks nobody.

        Raises:
            SubmissionRefused: it is none.
        """
        if len(url) > 8 * MAX_ADDRESS or not _PLAIN.fullmatch(url):
            raise refuse("address", "an address of clips is plain ASCII without blanks")
        try:
            parts = urlsplit(url)
            host, port = parts.hostname or "", parts.port
        except ValueError as error:
            raise refuse("address", "the address of the clips is none") from error
        if parts.username is not None or parts.password is not None or "@" in parts.netloc:
            raise refuse("address", "an address of clips holds no user name")
        port = port or _PORTS.get(parts.scheme, 0)
        if not _HOST.fullmatch(host) or not any(
            _fits(o, parts.scheme, host, port) for o in self.origins
        ):
            raise refuse(
                "address",
                f"clips are fetched from {', '.join(self.origins)} alone: put them there, or upload them",
            )
        return parts, host, port


def _fits(origin: str, scheme: str, host: str, port: int) -> bool:
    allowed = urlsplit(origin)
    name = allowed.netloc.partition(":")[0].lower()
    below = name.startswith("*.") and host.endswith(name[1:])
    return (
        allowed.scheme == scheme
        and (host == name or below)
        and port == (allowed.port or _PORTS.get(allowed.scheme))
    )


def is_origin(text: str) -> bool:
    """Whether a text is an origin that a `Gate` understands.

    Example:
        >>> is_origin("https://*.example.org:8443"), is_origin("https://*"), is_origin("example.org")
        (True, False, False)
    """
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    host = (parts.hostname or "").removeprefix("*.")
    whole = parts.scheme in _PORTS and f"{parts.scheme}://{parts.netloc}" == text
    return whole and "@" not in text and bool(_HOST.fullmatch(host))


def is_public(address: str) -> bool:
    """Whether an address belongs to the public network, and to one machine in it.

    Addresses that carry another one inside, of older ways to and from IPv6, are judged by that one too.

    Example:
        >>> is_public("93.184.215.14"), is_public("169.254.169.254"), is_public("::ffff:10.0.0.1")
        (True, False, False)
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if found in _NAT64:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFFFFFF)
        if inner is not None or found.teredo is not None:
            return inner is not None and is_public(str(inner))
        if int(found) >> 32 == 0 or found.is_site_local:  # ::a.b.c.d, IPv4 in its oldest dress
            return False
    return found.is_global and not (found.is_multicast or found.is_reserved or found.is_unspecified)


def folder_of(url: str) -> str:
    """The folder that an address of a data set or of a folder means; ends with a slash.

    Raises:
        SubmissionRefused: it is too long, or has a query or fragment.

    Example:
        >>> folder_of("https://huggingface.co/datasets/me/clips/tree/main/a")
        'https://huggingface.co/datasets/me/clips/resolve/main/a/'
        >>> folder_of("https://clips.example.org/run-1")
        'https://clips.example.org/run-1/'
    """
    if len(url) > MAX_ADDRESS:
        raise refuse("address", f"an address of clips has at most {MAX_ADDRESS} characters")
    if "?" in url or "#" in url:
        raise refuse("address", "an address of clips is that of a folder, without ? and #")
    try:
        parts = urlsplit(url)
    except ValueError as error:
        raise refuse("address", "the address of the clips is none") from error
    if any(part in (".", "..") for part in parts.path.split("/")):
        raise refuse("address", "an address of clips has no `..`")
    dataset = _DATASET.fullmatch(parts.path.rstrip("/"))
    if parts.hostname == "huggingface.co" and dataset:
        revision, folder = dataset["revision"] or "main", dataset["folder"] or ""
        base = f"https://huggingface.co/datasets/{dataset['name']}/resolve/{revision}{folder}"
        return f"{base}/"
    return f"{url.rstrip('/')}/"
