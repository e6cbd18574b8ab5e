"""One prompt: its text, the captions behind it, and the three forms a scene can be asked for in."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from mirabench.errors import ManifestError, UnknownNameError

ASPECTS = ("short", "dense", "main_object", "background", "style", "camera")
"""MiraData's structured captions, in the order of its tables; columns are `<aspect>_caption`."""

FORMS = ("short", "dense", "structured")
"""How a scene is put to a generator: one caption, or all six with their labels."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """What was asked for."""

    id: str
    """Clips of one prompt share it; intervals are clustered by it."""
    text: str
    """What the generator got."""
    captions: Mapping[str, str] = field(default_factory=dict)
    """Aspect -> caption; an aspect whose column exists but is empty maps to the empty text."""
    tags: Mapping[str, str] = field(default_factory=dict)
    """Any other column of the table: category, motion, dimension, ..."""
    text_is_told: bool = True
    """False when the table has captions but no text: what the generator got is then not known."""

    def caption(self, aspect: str) -> str | None:
        """The caption of one aspect; None when the table has no such column."""
        return self.captions.get(aspect)

    def asks_for(self, aspect: str) -> bool:
        """Whether the generator was given this caption: the text contains it.

        Where the text is not told, it is taken to have been given every caption of the table.

        Example:
            >>> scene = Prompt("dog", "", {"short": "A dog runs.", "camera": "The camera is static."})
            >>> [in_form(scene, "short").asks_for(aspect) for aspect in ("short", "camera", "style")]
            [True, False, False]
        """
        caption = " ".join((self.caption(aspect) or "").split())
        return bool(caption) and (not self.text_is_told or caption in " ".join(self.text.split()))

    def digest(self) -> str:
        """The sha256 over text and captions, so that an edited prompt is told from the old one."""
        content = json.dumps([self.text, sorted(self.captions.items())], ensure_ascii=False)
        return hashlib.sha256(content.encode()).hexdigest()


def in_form(scene: Prompt, form: str) -> Prompt:
    """The scene as a prompt in one form, with the id `<scene>/<form>`.

    `structured` joins the six captions in MiraData's order, each after its label, on one line.

    Raises:
        UnknownNameError: no such form.
        ManifestError: the scene lacks a caption that the form needs.

    Example:
        >>> captions = {"short": "A dog runs.", "dense": "A dog runs along a beach."}
        >>> in_form(Prompt("dog", "A dog runs.", captions), "dense")  # doctest: +ELLIPSIS
        Prompt(id='dog/dense', text='A dog runs along a beach.', ...
    """
    if form not in FORMS:
        raise UnknownNameError("form of a prompt", form, FORMS)
    aspects = ASPECTS if form == "structured" else (form,)
    missing = [aspect for aspect in aspects if not scene.caption(aspect)]
    if missing:
        raise ManifestError(
            f"the prompt {scene.id!r} has no {missing[0]}_caption, which the form {form} needs"
        )
    if form == "structured":
        text = " ".join(f"{_label(aspect)}: {scene.captions[aspect]}" for aspect in aspects)
    else:
        text = scene.captions[form]
    return replace(scene, id=f"{scene.id}/{form}", text=text, text_is_told=True)


def _label(aspect: str) -> str:
    return aspect.replace("_", " ").capitalize()
