"""Film strips: from the cache, from the video, and side by side."""

from __future__ import annotations

import re
from pathlib import Path

import clipkit
import cv2
import numpy as np
import pytest

from mirabench.errors import VideoError
from mirabench.features.cache import FeatureCache, cache_key
from mirabench.features.film_strip import (
    FilmStrip,
    StripPicture,
    film_strip,
    pictures,
    side_by_side,
    strip_of,
)
from mirabench.video.decode import FrameCountError, open_video
from mirabench.video.encode import write_video
from mirabench.video.frames import ArrayVideo

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    return write_video(tmp_path / "clip.mp4", clipkit.panning(24), fps=12)


def shown(picture: StripPicture) -> np.ndarray:
    return cv2.imdecode(np.frombuffer(picture.jpeg, np.uint8), cv2.IMREAD_COLOR)[..., ::-1]


class TestFromTheVideo:
    def test_ten_pictures_evenly_over_the_clip(self, clip: Path) -> None:
        found = film_strip(clip)
        wanted = [int((k + 0.5) * 24 / 10) for k in range(10)]
        assert [p.seconds for p in found.pictures] == pytest.approx([w / 12 for w in wanted])
        assert found.sha256 == open_video(clip).info.sha256
        frames = np.concatenate([b.data for b in open_video(clip).frames()])
        for picture, index in zip(found.pictures, wanted, strict=True):
            small = cv2.resize(frames[index], (150, 90), interpolation=cv2.INTER_AREA)
            assert np.abs(shown(picture).astype(int) - small).mean() < 8

    def test_an_array_has_a_strip_too(self) -> None:
        assert len(film_strip(clipkit.still(3)).pictures) == 3

    def test_of_an_opened_video_with_other_settings(self) -> None:
        found = strip_of(ArrayVideo(clipkit.still(9)), FilmStrip(count=4, max_short_side=48))
        assert [shown(p).shape for p in found] == [(48, 80, 3)] * 4

    def test_a_container_that_miscounts_has_a_strip(
        self, clip: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from mirabench.features import film_strip as module

        asked: list[bool] = []

        def miscounting(source: object, *, fps: object = None, exact: bool = False) -> object:
            asked.append(exact)
            opened = open_video(clip)
            if not exact:

                def frames(**_: object) -> object:
                    raise FrameCountError("fewer frames than announced")

                opened.frames = frames  # type: ignore[method-assign,assignment]
            return opened

        monkeypatch.setattr(module, "open_video", miscounting)
        assert len(film_strip(clip).pictures) == 10
        assert asked == [False, True]

    def test_what_is_no_video_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "text.mp4").write_text("no video")
        with pytest.raises(VideoError):
            film_strip(tmp_path / "text.mp4")


class TestFromTheCache:
    @pytest.mark.parametrize("known", [True, False], ids=["digest known", "digest unknown"])
    def test_what_is_there_is_not_decoded_again(
        self, clip: Path, tmp_path: Path, known: bool
    ) -> None:
        sha256 = open_video(clip).info.sha256
        other = film_strip(clipkit.still(2, seed=7))
        table = _table_of(other.pictures)
        FeatureCache(tmp_path / "cache").put(cache_key(sha256, FilmStrip()), table)
        found = film_strip(clip, sha256=sha256 if known else None, cache=tmp_path / "cache")
        assert found == (sha256, other.pictures)

    def test_what_was_made_is_kept(self, clip: Path, tmp_path: Path) -> None:
        first = film_strip(clip, cache=tmp_path / "cache")
        clip.unlink()
        again = film_strip(clip, sha256=first.sha256, cache=tmp_path / "cache")
        assert again == first

    def test_a_file_that_is_gone_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(
            VideoError, match=r"not in the feature cache, and .*gone.mp4 is not here"
        ):
            film_strip(tmp_path / "gone.mp4", sha256="0" * 64, cache=tmp_path / "cache")

    def test_another_file_under_the_name_is_refused(self, clip: Path) -> None:
        with pytest.raises(VideoError, match="not the file any more that was scored"):
            film_strip(clip, sha256="0" * 64)


def _table_of(strip: list[StripPicture]):  # type: ignore[no-untyped-def]
    from mirabench.features.api import as_table

    return as_table(
        seconds=[p.seconds for p in strip],
        jpeg=np.frombuffer(b"".join(p.jpeg for p in strip), np.uint8),
        ends=np.cumsum([len(p.jpeg) for p in strip]),
    )


class TestPictures:
    @pytest.mark.parametrize(
        ("share", "kept"),
        [(1.0, range(10)), (0.5, [1, 3, 5, 7, 9]), (0.2, [2, 7]), (0.0, [5])],
    )
    def test_a_share_is_of_the_middles_of_equal_intervals(
        self, share: float, kept: list[int]
    ) -> None:
        strip = [StripPicture(float(k), bytes([k])) for k in range(10)]
        assert pictures(_table_of(strip), share) == [strip[k] for k in kept]

    def test_side_by_side_they_are_one_picture_in_their_order(self) -> None:
        red, blue = (np.full((30, 50, 3), c, np.uint8) for c in ((220, 30, 30), (30, 30, 220)))
        files = [film_strip(picture[None]).pictures[0].jpeg for picture in (red, blue)]
        row = side_by_side([StripPicture(0.0, files[0]), StripPicture(1.5, files[1])])
        seen = shown(StripPicture(0.0, row)).astype(int)
        assert seen.shape == (30 + 20, 2 * (50 + 4), 3)
        assert np.abs(seen[17, 27] - (220, 30, 30)).max() < 25
        assert np.abs(seen[17, 81] - (30, 30, 220)).max() < 25
        assert seen[36:, :52].min() < 150  # a time is written below

    @pytest.mark.parametrize("size", [(30, 400), (400, 30), (20, 20)])
    def test_a_height_is_kept_whatever_the_shape(self, size: tuple[int, int]) -> None:
        strip = film_strip(np.full((2, *size, 3), 90, np.uint8)).pictures
        row = shown(StripPicture(0.0, side_by_side(strip, 60)))
        assert row.shape[0] == 60 + 20
        assert row.shape[1] == 2 * (size[1] * 60 // size[0] + 4)


def test_there_is_one_room_for_film_strips() -> None:
    """Nobody else takes the feature apart or draws pictures in a row."""
    telling = re.compile(r'hstack|"jpeg"\]|FilmStrip\(|IMWRITE_JPEG')
    found = {
        str(path.relative_to(ROOT))
        for room in ("mirabench", "leaderboard", "models/miradata")
        for path in (ROOT / room).rglob("*.py")
        if telling.search(path.read_text("utf-8"))
    }
    found -= {"mirabench/testing/degrade.py", "models/miradata/chat/picture.py"}  # no strips
    assert found == {
        "mirabench/features/film_strip.py",
        "models/miradata/report/page.py",
    }
