"""What went wrong while a file was decoded, gathered frame by frame into a few sentences."""

from __future__ import annotations

from dataclasses import dataclass

from mirabench.video.messages import Message

ERROR = 16
DEMUXER_WARNINGS = ("Packet corrupt", "Continuity check failed", "PES packet size mismatch")
"""What a demuxer only warns of, though bytes are missing."""
OPEN_GROUP = ("mmco: unref short failure", "co located POCs unavailable")
"""What H.264 lacks at the start of a film that was cut, lawfully, at an open group of pictures."""


@dataclass(slots=True)
class Complaints:
    """Counts of what a demuxer and a decoder complained of."""

    decoder: int = 0
    demuxer: int = 0
    corrupt_frames: int = 0
    corrupt_packets: int = 0
    first: str = ""
    """The first message, as FFmpeg words it."""
    groups: int = 0
    """Key frames so far."""

    def heard_decoding(self, messages: list[Message]) -> None:
        """Take what was logged while one packet was decoded."""
        for message in messages:
            if self.groups > 1 or not message.text.startswith(OPEN_GROUP):
                self.decoder += 1
                self._note(message)

    def heard_reading(self, messages: list[Message]) -> None:
        """Take what was logged while one packet was read from the container."""
        for message in messages:
            if message.level <= ERROR or message.text.startswith(DEMUXER_WARNINGS):
                self.demuxer += 1
                self._note(message)

    def refused(self, decoder: str, why: str) -> None:
        """Take that a second decoder does not accept the stream."""
        self.decoder += 1
        self._note(Message(ERROR, decoder, why))

    def _note(self, message: Message) -> None:
        if not self.first:
            words = " ".join(message.text.split())
            self.first = f"{message.source}: {words[:120]}"

    def sentences(self) -> tuple[str, ...]:
        """What was seen, in words; empty for a sound film."""
        counts = {
            "the decoder complained {}": self.decoder,
            "the container's reader complained {}": self.demuxer,
        }
        said = [text.format(_times(n)) for text, n in counts.items() if n]
        if self.first:
            said[0] += f" (first: {self.first})"
        if self.corrupt_frames:
            said.append(f"{self.corrupt_frames} frames are marked corrupt")
        if self.corrupt_packets:
            said.append(f"{self.corrupt_packets} packets are marked corrupt")
        return tuple(said)


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count} times"
