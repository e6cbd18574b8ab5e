"""The six released checkpoints, with what their weights cannot tell.

Where to get them, their size and licence stand on mirabench's weight cards (`mirabench weights`),
under the name `miradit-<release>`. Options are those of the published configs of the Mira
repository (2 September 2024); no correct config of `768-v1-10s` was published, so its options are
those of `768-v1-5s` with the 60 frames that its name and the README promise.
"""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType

from mirabench.errors import UnknownNameError


@dataclass(frozen=True, slots=True)
class Release:
    """One released checkpoint."""

    name: str
    """Its file is `<name>.pt`, its weight card `miradit-<name>`."""
    height: int
    """Pixels; latents are an eighth."""
    width: int
    """Pixels."""
    num_frames: int
    """Frames of a clip, which are meant to be shown at 6 a second."""
    text_spatial_cond: bool
    """Whether text attention also sees its own frame (the v0 layout)."""
    scale_end: float
    """Signal scale from timestep 400 on."""
    out_channels: int
    """Rows of the head in units of the patch; 8 carries an unused variance head."""
    uncond_probability: float
    """Captions dropped in training; with 0, guidance relies on what v0 learned."""
    max_stride: int
    """Largest frame stride in training."""

    @property
    def card(self) -> str:
        """Name of its weight card."""
        return f"miradit-{self.name}"


_ROWS = (
    Release("128-v0", 80, 128, 120, True, 0.7, 4, 0.05, 4),
    Release("384-v0", 240, 384, 60, True, 0.7, 4, 0.05, 4),
    Release("384-v1-10s", 240, 384, 60, False, 0.3, 4, 0.0, 4),
    Release("384-v1-20s", 240, 384, 120, True, 0.7, 4, 0.05, 4),
    Release("768-v1-5s", 480, 768, 30, False, 0.3, 8, 0.0, 3),
    Release("768-v1-10s", 480, 768, 60, False, 0.3, 8, 0.0, 3),
)

RELEASES = MappingProxyType({release.name: release for release in _ROWS})


def release(name: str) -> Release:
    """The release of that name.

    Raises:
        UnknownNameError: no such release; the nearest names are offered.
    """
    if name not in RELEASES:
        raise UnknownNameError("MiraDiT release", name, RELEASES)
    return RELEASES[name]
