"""Damage that a decoder accepts is told; lawful films that look damaged for a moment are not."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import av
import cv2
import faults
import lawful
import mutants
import numpy as np
import pytest

from mirabench.video.hidden import consumption, hidden_damage
from mirabench.video.hidden.scans import wrong_scan
from mirabench.video.hidden.units import JUNK, Layout

ACCEPTED = [
    ("fmp4-h264", "a bit", 182), ("webm-vp8", "many bytes", 211), ("webm-vp8", "chunk zeroed", 291),
    ("mov-mjpeg", "four bytes", 325), ("avi-mjpeg", "a bit", 517), ("mp4-hevc", "chunk zeroed", 924),
    ("webm-vp8", "four bytes", 1291), ("mp4-hevc", "a bit", 1304), ("webm-vp9-live", "chunk zeroed", 1412),
    ("webm-vp9-live", "a bit", 1472), ("mov-mjpeg", "a bit", 1625), ("webm-vp9", "a bit", 1630),
    ("webm-vp8", "a bit", 1791),
]  # fmt: skip
"""Damages that FFmpeg decodes without a word, into pictures whose flow is more than 5 % off."""


@pytest.mark.parametrize(("name", "change", "number"), ACCEPTED)
def test_what_a_decoder_accepts_is_told(
    tmp_path: Path, name: str, change: str, number: int
) -> None:
    kind = mutants.KINDS[name]
    path = kind.write(tmp_path / f"clip{kind.suffix}", mutants.film())
    assert hidden_damage(path) == ()
    random = np.random.default_rng([7, number])
    path.write_bytes(mutants.CHANGES[change](path.read_bytes(), random))
    assert hidden_damage(path)


FEW = [("h264", "subtitle"), ("h264 slices ts", "fade"), ("hevc", "glitch"), ("vp8 resilient", "dark"),
       ("vp9", "cuts"), ("mjpeg", "rolling flash"), ("huffyuv", "dark"), ("ffvhuff", "snow")]  # fmt: skip


@pytest.mark.parametrize(("encoder", "content"), FEW)
def test_a_lawful_film_is_not_damaged(tmp_path: Path, encoder: str, content: str) -> None:
    assert of_lawful(tmp_path, encoder, content, 0) == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("seeds", [1, faults.whole(2)], ids=["one seed each", "all seeds"])
@pytest.mark.parametrize("encoder", lawful.ENCODERS)
def test_no_lawful_film_is_damaged(tmp_path: Path, encoder: str, seeds: int) -> None:
    shift = list(lawful.ENCODERS).index(encoder)
    for number, content in enumerate(lawful.CONTENTS, shift):
        for seed in [number % 2, 1 - number % 2][:seeds]:
            assert of_lawful(tmp_path, encoder, content, seed) == (), (content, seed)


def of_lawful(folder: Path, encoder: str, content: str, seed: int) -> tuple[str, ...]:
    if (encoder, content) == ("vp9 lossless", "snow"):
        return ()  # the encoder's own buffer is too small for it
    kind = lawful.ENCODERS[encoder]
    return hidden_damage(kind.write(folder / f"clip{kind.suffix}", lawful.CONTENTS[content](seed)))


def jpeg(quality: int, *more: int, size: tuple[int, int] = (75, 51), grey: bool = False) -> bytes:
    picture = mutants.film()[0][: size[1], : size[0]]
    picture = picture[..., 0] if grey else picture
    return bytes(cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, *more])[1])


JPEGS = {
    "coarse": jpeg(10),
    "fine": jpeg(98),
    "grey": jpeg(80, grey=True),
    "own tables": jpeg(80, cv2.IMWRITE_JPEG_OPTIMIZE, 1),
    "restarts": jpeg(80, cv2.IMWRITE_JPEG_RST_INTERVAL, 2),
    "444": jpeg(80, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444),
    "411": jpeg(80, cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_411),
    "progressive": jpeg(80, cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
}


@pytest.mark.parametrize("name", JPEGS)
def test_a_whole_jpeg_comes_out(name: str) -> None:
    assert wrong_scan(JPEGS[name]) == ""
    assert wrong_scan(JPEGS[name] + JPEGS[name]) == "", "two fields in one packet"


@pytest.mark.parametrize("name", [name for name in JPEGS if name != "progressive"])
def test_a_jpeg_with_a_piece_less_or_more_does_not(name: str) -> None:
    data = JPEGS[name]
    start = data.index(b"\xff\xda") + 40
    middle = (start + len(data)) // 2
    assert wrong_scan(data[:start] + data[middle:])
    assert wrong_scan(data[:middle] + data[start:])
    assert wrong_scan(data[:-2] + b"\x55" * 5 + data[-2:])


@pytest.mark.parametrize(
    "encoder", ["h264 slices ts", "hevc slices", "vp8", "vp9 hidden", "huffyuv"]
)
def test_the_budget_counts_every_decoding(
    tmp_path: Path, encoder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A picture of many slices is tried as many times, each from the key frame on."""
    kind, pixels = lawful.ENCODERS[encoder], lawful.SIZE[0] * lawful.SIZE[1]
    path = kind.write(tmp_path / f"clip{kind.suffix}", lawful.CONTENTS["snow"](0))
    replayed, budget = list[int](), 60
    whole = consumption._replayed

    def counting(*arguments: Any) -> Any:
        replayed.append(len(arguments[2]))
        return whole(*arguments)

    monkeypatch.setattr(consumption, "_replayed", counting)
    monkeypatch.setattr(consumption, "REPLAYED_PIXELS", budget * pixels)
    assert hidden_damage(path) == ()
    assert 0 < sum(replayed) <= 2 * budget


class TestLayout:
    def test_units_with_lengths(self) -> None:
        layout = Layout.of("h264", b"\x01...\xff")
        picture, other = b"\x65" + bytes(40), b"\x06abc"
        packet = b"".join(len(u).to_bytes(4, "big") + u for u in (other, picture))
        assert layout.pictures(packet) == [(12, 53)]
        longer = layout.lengthened(packet)
        assert longer[8:12] == (41 + len(JUNK)).to_bytes(4, "big")
        assert longer[12:53] == picture

    def test_units_after_start_codes(self) -> None:
        packet = b"\0\0\0\1\x09\x10\0\0\0\1\x65abc\0\0\1\x41de\0"
        assert [packet[a:b] for a, b in Layout.of("h264", None).pictures(packet)] == [
            b"\x65abc",
            b"\x41de",
        ]

    def test_units_that_do_not_fit_are_left_alone(self) -> None:
        packet = b"\0\0\0\x09\x65abc"
        layout = Layout.of("h264", b"\x01...\xff")
        assert layout.pictures(packet) == []
        assert layout.lengthened(packet) == packet

    def test_frames_of_a_superframe(self) -> None:
        frames, marker = (b"\x84" + bytes(60), b"\x86" + bytes(70)), b"\xc9"
        packet = b"".join(frames) + marker + b"\x3d\0\x47\0" + marker
        layout = Layout.of("vp9", None)
        assert layout.pictures(packet) == [(0, 61), (61, 132)]
        longer = layout.lengthened(packet)
        assert [longer[a:b] for a, b in layout.pictures(longer)] == [f + JUNK for f in frames]

    @pytest.mark.parametrize("pattern", [b"\0", b"\x03", b"\x5a", b"\xa7", b"\xc0", b"\xff"])
    def test_every_byte_of_an_altered_end_is_another(self, pattern: bytes) -> None:
        packet = pattern * 100
        trial = next(Layout.of("vp8", None).spoiled(packet))
        for end in trial.ends:
            assert len(end) == len(packet)
            assert end[:-8] == packet[:-8]
            assert all(a != b for a, b in zip(end[-8:], packet[-8:], strict=True))

    def test_a_vp8_picture_is_a_number_that_is_made_smaller(self) -> None:
        trials = [
            t for t in Layout.of("vp8", None).spoiled(bytes([7] * 60 + [1, 0, 0])) if t.lowered
        ]
        assert [end[-4:] for trial in trials for end in trial.ends] == [b"\7\0\xff\xff"]

    def test_nothing_is_below_zero(self) -> None:
        trials = Layout.of("vp8", None).spoiled(bytes([7] * 60) + bytes(4))
        assert not any(trial.lowered for trial in trials)


def test_a_wrong_bit_in_vp8_tokens_is_told(tmp_path: Path) -> None:
    path = mutants.KINDS["webm-vp8"].write(tmp_path / "clip.webm", mutants.film()[:14])
    raw = path.read_bytes()
    with av.open(str(path)) as container:
        data = bytes(next(packet for packet in container.demux(video=0)))
    start, tokens = raw.index(data), 10 + (int.from_bytes(data[:3], "little") >> 5)
    told = 0
    for bit in np.random.default_rng(1).integers(8 * tokens, 8 * len(data), 10).tolist():
        changed = bytearray(raw)
        changed[start + bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        told += bool(hidden_damage(path))
    assert told >= 9, "one in 128 ends by chance where a sound picture does"


@pytest.mark.parametrize("encoder", ["huffyuv", "ffvhuff"])
def test_a_wrong_bit_in_huffman_codes_is_told(tmp_path: Path, encoder: str) -> None:
    path = lawful.ENCODERS[encoder].write(tmp_path / "clip.avi", mutants.film()[:6])
    raw, told = path.read_bytes(), 0
    start, end = raw.index(b"movi") + 4000, raw.rindex(b"idx1") - 4000
    for bit in np.random.default_rng(2).integers(8 * start, 8 * end, 10).tolist():
        changed = bytearray(raw)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(changed)
        told += bool(hidden_damage(path))
    assert told >= 5, "the others alter samples by a few levels"
