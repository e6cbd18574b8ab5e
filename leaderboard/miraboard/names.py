"""Names that look alike are one name: Unicode's normal form, then its table of confusable characters.

`plain_name` is what is kept and shown. `skeleton` is the same text for all names that a reader would take for
each other; it is compared and never shown. It errs on the strict side: `I`, `l`, `i` and `1` are one letter.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from itertools import groupby

from confusable_homoglyphs.confusables import confusables_data

PUNCTUATION = frozenset(" .,+()/:@-")
MOST_MARKS = 4
"""Marks on one letter: Tibetan and Vietnamese need three."""
_JOINERS = "\u200c\u200d"
_JOINED = re.compile(rf"(?<=[^\W\x00-\u02ff])[{_JOINERS}](?=[^\W\x00-\u02ff])")
"""A joiner within a word of Arabic or of an Indian script, where it changes what is seen."""
_UNSEEN = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufff8\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
"""Unicode's Default_Ignorable_Code_Point (DerivedCoreProperties.txt, 16.0); letters are among them."""


def plain_name(text: str) -> str:
    """The name as it is kept: normal form NFKC, single blanks.

    Full width becomes plain width, and a letter with its mark one character.

    Example:
        >>> plain_name("Ｍｉｒａ  2 ")
        'Mira 2'

    Raises:
        ValueError: it has a character that is no letter, mark, digit or `. , + - ( ) / : @`, or cannot be seen.
    """
    found = " ".join(unicodedata.normalize("NFKC", text).split())
    if _UNSEEN.search(_JOINED.sub("", _marks_as_letters(found))):
        raise ValueError("it has characters that cannot be seen")
    if strange := [c for c in found if not _is_plain(c)]:
        raise ValueError(
            f"{strange[0]!r} is no letter, digit, blank or . , + - ( ) / : @ of a plain name"
        )
    if _longest_pile(found) > MOST_MARKS:
        raise ValueError(f"it has a letter with more than {MOST_MARKS} marks")
    if (
        not found
        or not _is_letter(found[0])
        or not (_is_letter(found[-1]) or found[-1] in "+).\u094d")
    ):
        raise ValueError(
            "it begins with a letter or digit, and ends with one, or with + ) or a point"
        )
    if ".." in found:
        raise ValueError("it has `..`")
    return found


def _is_letter(character: str) -> bool:
    return unicodedata.category(character)[0] in "LMN"


def _is_plain(character: str) -> bool:
    return character in PUNCTUATION or character in _JOINERS or _is_letter(character)


def _marks_as_letters(text: str) -> str:
    """Each mark as a letter, so that a joiner between a virama and a letter is between letters."""
    return "".join(
        "\u0915" if unicodedata.category(c)[0] == "M" and not _UNSEEN.match(c) else c for c in text
    )


def _longest_pile(text: str) -> int:
    piles = groupby(unicodedata.normalize("NFD", text), lambda c: unicodedata.category(c)[0] == "M")
    return max((len(list(marks)) for is_mark, marks in piles if is_mark), default=0)


@lru_cache(maxsize=4096)
def skeleton(name: str) -> str:
    """The same text for names that look the same.

    Example:
        >>> skeleton("Alpha") == skeleton("ΑLРНА") == skeleton("ａｌｐｈａ")
        True
    """
    text = unicodedata.normalize("NFD", unicodedata.normalize("NFKC", name))
    text = _looked_up(_looked_up(text).casefold()).casefold()
    text = re.sub(rf"[\s{_JOINERS}]", "", unicodedata.normalize("NFD", _UNSEEN.sub("", text)))
    return text.replace("i", "l").replace("rn", "m")


def _looked_up(text: str) -> str:
    return "".join(_prototype(c) for c in text)


@lru_cache(maxsize=16384)
def _prototype(character: str) -> str:
    """What a character is taken for: a plain Latin one where the table has one, else the least of its kind."""
    if character.isascii():
        return {"0": "o", "1": "l", "|": "l", "5": "5"}.get(character, character)
    alike = [_UNSEEN.sub("", found["c"]) for found in confusables_data.get(character, ())]
    plain = [c for c in alike if c.isascii() and c.isalnum()]
    return min(plain or [*alike, character], key=lambda c: (len(c), c))
