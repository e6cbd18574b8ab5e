"""Damage of wmv: what is lost, doubled or moved by the packets' numbers, wrong bits by the end of a picture."""

from __future__ import annotations

from pathlib import Path

import mutants
import numpy as np
import pytest
from mutants import Kind

from mirabench.video.hidden import hidden_damage
from mirabench.video.structure import structural_damage
from mirabench.video.structure.asf import Piece, _Pictures, pieces

WMV = Kind(".wmv", "wmv2", codec_options={"b": "400k"})


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = WMV.write(tmp_path_factory.mktemp("asf") / "clip.wmv", mutants.film())
    assert structural_damage(path, "asf") == ""
    assert hidden_damage(path) == ()
    return path.read_bytes()


@pytest.mark.parametrize("change", ["cut short", "chunk lost", "chunk doubled"])
def test_a_piece_that_is_not_in_its_place_is_seen(raw: bytes, tmp_path: Path, change: str) -> None:
    path = tmp_path / "clip.wmv"
    for seed in range(40):
        path.write_bytes(mutants.CHANGES[change](raw, np.random.default_rng([3, seed])))
        assert structural_damage(path, "asf") or path.read_bytes() == raw, seed


@pytest.mark.parametrize("number", [8, 16, 24, 32])
def test_wrong_bytes_that_the_decoder_accepts_are_seen(
    raw: bytes, tmp_path: Path, number: int
) -> None:
    path = tmp_path / "clip.wmv"
    path.write_bytes(mutants.flipped_bytes(raw, np.random.default_rng([7, number])))
    assert structural_damage(path, "asf") or hidden_damage(path)


def test_pieces_of_a_packet_written_by_hand() -> None:
    replicated = (5).to_bytes(4, "little") + bytes(4)
    payload = bytes([0x81, 7, 0, 0, 0, 0, 8]) + replicated + b"movie"
    packet = bytes([0x82, 0, 0, 0x08, 0x5D, 3]) + bytes(6) + payload + bytes(3)
    assert pieces(packet) == [Piece(stream=1, number=7, offset=0, size=5, whole=5)]
    with pytest.raises(EOFError):
        pieces(packet[:12])


@pytest.mark.parametrize(
    ("pictures", "wrong"),
    [
        ([(0, 0, 4, 4), (1, 0, 4, 4), (2, 0, 2, 4), (2, 2, 2, 4)], ""),
        ([(255, 0, 4, 4), (0, 0, 4, 4)], ""),
        ([(0, 0, 4, 4), (2, 0, 4, 4)], "a picture is missing"),
        ([(0, 0, 4, 4), (0, 0, 4, 4)], "a picture is missing"),
        ([(0, 0, 2, 4), (1, 0, 4, 4)], "a picture lacks its end"),
        ([(0, 0, 2, 6), (0, 4, 2, 6)], "a piece of a picture is missing"),
        ([(0, 0, 2, 4), (0, 2, 3, 4)], "a piece of a picture is missing"),
    ],
)
def test_pictures_follow_in_number_and_place(
    pictures: list[tuple[int, int, int, int]], wrong: str
) -> None:
    seen = _Pictures()
    told = [seen.take(Piece(1, *picture)) for picture in pictures]
    assert [text for text in told if text] == ([wrong] if wrong else [])
