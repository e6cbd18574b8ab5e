"""Which video belongs to which prompt: by manifest, by id, or by a file name made from the prompt.

File names are poor copies of prompts: a file system cuts them at 255 bytes, changes their unicode
form, merges upper and lower case and forbids characters, and a tool adds `-0` for the first seed.
So names are compared exactly first, then by letters and digits alone, then as the beginning of a
long prompt; a name that fits several prompts is left unpaired and said to be ambiguous.
"""

from __future__ import annotations

import re
import unicodedata
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from mirabench.inputs.prompts import Prompt

How = Literal["manifest", "id", "text", "cut text", "ambiguous", "none"]

SHORTEST_CUT = 32
"""A name with fewer letters is not taken for the beginning of a prompt: `a-cat.mp4` may be any cat."""

_SEED = re.compile(
    r"^(?P<name>.+?)[\s._/-]+(?:seed[\s._-]*)?(?P<seed>\d+)$", re.IGNORECASE | re.DOTALL
)


@dataclass(frozen=True, slots=True)
class Match:
    """What was found for one video."""

    video_id: str
    prompt_id: str | None
    how: How
    seed: str = ""
    """The number at the end of the name that is not part of the prompt."""
    note: str = ""
    """Why there is no prompt."""


@dataclass(frozen=True, slots=True)
class Pairing:
    """What matched and what did not; nothing is computed for it but names."""

    matches: tuple[Match, ...]
    """One for each video, in their order."""
    prompts_without_video: tuple[str, ...]

    @property
    def complete(self) -> bool:
        """Whether every video has its prompt and every prompt a video."""
        return not self.prompts_without_video and all(m.prompt_id for m in self.matches)

    def summary(self) -> str:
        """One line: how many matched how, and what is left over."""
        counts = Counter(m.how for m in self.matches if m.prompt_id)
        how = ", ".join(f"{n} by {how}" for how, n in counts.most_common())
        paired = sum(counts.values())
        return (
            f"{paired} of {len(self.matches)} videos have a prompt{f' ({how})' if how else ''}; "
            f"{len(self.prompts_without_video)} prompts have no video"
        )

    def rows(self) -> list[tuple[str, str, str, str]]:
        """(video, prompt, how, note), what did not match first."""
        matched = sorted(self.matches, key=lambda m: m.prompt_id is not None)
        left = [("", prompt, "none", "no video") for prompt in self.prompts_without_video]
        videos = [(m.video_id, m.prompt_id or "", str(m.how), m.note) for m in matched]
        unpaired = sum(m.prompt_id is None for m in self.matches)
        return [*videos[:unpaired], *left, *videos[unpaired:]]


def pair(videos: Iterable[tuple[str, Prompt | None]], prompts: Mapping[str, Prompt]) -> Pairing:
    """Find each video's prompt.

    Args:
        videos: A video's id (a file's path below its folder, without suffix) and what its manifest
            says it was made from, if it has one.
        prompts: Id -> prompt.
    """
    index = _Index(prompts)
    matches = tuple(index.match(video, stated) for video, stated in videos)
    found = {m.prompt_id for m in matches}
    return Pairing(matches, tuple(key for key in prompts if key not in found))


def plain(name: str) -> str:
    """A name reduced to its letters and digits, in one case and one unicode form.

    Example:
        >>> plain("A dog, running: fast!") == plain("a_dog__running_ fast")
        True
    """
    text = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())
    return re.sub(r"[\W_]+", " ", text).strip()


class _Index:
    """The prompts, to be looked up by what a file may be called."""

    def __init__(self, prompts: Mapping[str, Prompt]) -> None:
        self._prompts = prompts
        self._texts = _grouped((p.text, key) for key, p in prompts.items())
        self._plain_ids = _grouped((plain(key), key) for key in prompts)
        self._plain_texts = _grouped((plain(p.text), key) for key, p in prompts.items())
        self._sorted_texts = sorted(self._plain_texts)

    def match(self, video: str, stated: Prompt | None) -> Match:
        """The prompt that the manifest states, else the one that the name stands for."""
        if stated is not None and stated.id in self._prompts:
            return Match(video, stated.id, "manifest")
        if stated is not None and len(self._texts.get(stated.text, ())) == 1:
            return Match(video, self._texts[stated.text][0], "manifest")
        return self._by_name(video)

    def _by_name(self, video: str) -> Match:
        names = _readings(video)
        # a pass over all readings for each way of comparing: an exact name beats a similar one
        for how, keys_of in self._ways():
            for name, seed in names:
                keys = keys_of(name)
                if len(keys) == 1:
                    return Match(video, keys[0], how, seed)
                if keys:
                    return Match(video, None, "ambiguous", seed, f"fits {_listed(keys)}")
        return Match(video, None, "none", note="its name is neither an id nor a text of a prompt")

    def _ways(self) -> Iterable[tuple[How, Callable[[str], list[str]]]]:
        return (
            ("id", lambda name: [name] if name in self._prompts else []),
            ("text", lambda name: self._texts.get(name, [])),
            ("id", lambda name: self._plain_ids.get(plain(name), [])),
            ("text", lambda name: self._plain_texts.get(plain(name), [])),
            ("cut text", self._by_beginning),
        )

    def _by_beginning(self, name: str) -> list[str]:
        # the cut may fall inside a character, so the last one is not trusted
        start = plain(name)[:-1]
        if len(start) < SHORTEST_CUT:
            return []
        first = bisect_left(self._sorted_texts, start)
        keys: list[str] = []
        for text in self._sorted_texts[first:]:
            if not text.startswith(start):
                break
            keys += self._plain_texts[text]
        return keys


def _readings(video: str) -> list[tuple[str, str]]:
    """(name, seed) that an id can be read as: with or without folders, with or without a seed."""
    whole = dict.fromkeys((video, video.rsplit("/", 1)[-1]))
    found = [(name, "") for name in whole]
    return found + [(m["name"], m["seed"]) for name in whole if (m := _SEED.match(name))]


def _grouped(pairs: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for key, value in pairs:
        if key:
            groups.setdefault(key, []).append(value)
    return groups


def _listed(keys: list[str]) -> str:
    shown = ", ".join(keys[:3])
    return f"{len(keys)} prompts: {shown}{', ...' if len(keys) > 3 else ''}"
