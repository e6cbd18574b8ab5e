"""What FFmpeg says while it works: the only place where many a decoder tells of damage."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import NamedTuple

from av import logging as av_logging


class Message(NamedTuple):
    """One line of FFmpeg's log."""

    level: int
    """FFmpeg's: 16 is an error, 24 a warning."""
    source: str
    """The demuxer or decoder that speaks."""
    text: str


@dataclass(slots=True)
class _Switch:
    """FFmpeg has one log for the whole process: it is on while anybody listens."""

    lock: Lock = field(default_factory=Lock)
    listeners: int = 0
    level: int | None = None
    skipped: bool = True

    def on(self) -> None:
        with self.lock:
            if self.listeners == 0:
                self.level, self.skipped = av_logging.get_level(), av_logging.get_skip_repeated()
                av_logging.set_level(max(self.level or 0, av_logging.WARNING))
                # "repeated" compares with the last message of any clip, so it would lose some
                av_logging.set_skip_repeated(False)
            self.listeners += 1

    def off(self) -> None:
        with self.lock:
            self.listeners -= 1
            if self.listeners == 0:
                av_logging.set_level(self.level)
                av_logging.set_skip_repeated(self.skipped)


_SWITCH = _Switch()


@contextmanager
def listening() -> Iterator[list[Message]]:
    """Collect warnings and errors that FFmpeg logs from this thread.

    The decoder must work without threads of its own: their messages come from elsewhere, and a
    thread that waits to log while its decoder is closed would wait forever.
    """
    heard: list[Message] = []
    _SWITCH.on()
    try:
        with av_logging.Capture(local=True) as lines:
            try:
                yield heard
            finally:
                heard += [Message(level, name, text.strip()) for level, name, text in lines]
    finally:
        _SWITCH.off()
