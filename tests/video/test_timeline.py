"""A wrong time that hides pictures of an mp4 is damage; what its edit list hides is not."""

from __future__ import annotations

from pathlib import Path

import mutants
import oddities
import pytest

from mirabench.errors import VideoError
from mirabench.video.index import packet_index

KINDS = ("mp4-h264", "mp4-hevc")


def with_offset(raw: bytes, entry: int, ticks: int) -> bytes:
    """An mp4 of which one entry of the table of composition offsets is another."""
    at = raw.index(b"ctts") + 4 + 8 + 8 * entry + 4
    return raw[:at] + ticks.to_bytes(4, "big") + raw[at + 4 :]


def entries(raw: bytes) -> int:
    at = raw.index(b"ctts") + 4 + 4
    return int.from_bytes(raw[at : at + 4], "big")


@pytest.mark.parametrize("name", KINDS)
def test_pictures_moved_out_of_the_film_are_told(tmp_path: Path, name: str) -> None:
    path = mutants.KINDS[name].write(tmp_path / "clip.mp4", mutants.film())
    raw = path.read_bytes()
    assert packet_index(path).damage == ()
    for entry in range(2, entries(raw) - 4, 5):
        path.write_bytes(with_offset(raw, entry, 60_000))
        assert packet_index(path).damage, entry


@pytest.mark.parametrize(
    "edits", [((0, 0.4),), ((0.3, 0.6),), ((0, 0.25), (0.5, 0.25), (0.9, 0.2))]
)
def test_pictures_that_an_edit_list_hides_are_not_missed(
    tmp_path: Path, edits: tuple[tuple[float, float], ...]
) -> None:
    path = mutants.KINDS["mp4-h264"].write(tmp_path / "clip.mp4", mutants.film())
    path.write_bytes(oddities.with_edits(path.read_bytes(), edits))
    index = packet_index(path)
    assert index.damage == ()
    assert len(index.ticks) < mutants.FRAMES


@pytest.mark.parametrize("name", KINDS)
def test_an_edit_list_that_contradicts_the_header_is_told(tmp_path: Path, name: str) -> None:
    path = mutants.KINDS[name].write(tmp_path / "clip.mp4", mutants.film())
    raw = path.read_bytes()
    at = raw.index(b"elst") + 12
    path.write_bytes(raw[:at] + (700).to_bytes(4, "big") + raw[at + 4 :])  # of 1500
    try:
        assert packet_index(path).damage
    except VideoError as error:
        assert "is truncated" in str(error)
