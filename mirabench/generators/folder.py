"""The generator `folder`: clips that are finished already, brought into a run by their names."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from mirabench.errors import GeneratorError, InputError
from mirabench.inputs.pairing import Pairing, pair
from mirabench.inputs.prompts import Prompt
from mirabench.video.paths import is_video_file, natural_key


@dataclass(frozen=True, slots=True)
class Folder:
    """Finds each clip in a folder: by the prompt's id or text, and the seed at the end of the name."""

    path: Path
    """The folder; its sub-folders count."""
    revision: str = ""
    """Which model made the clips; goes into the manifest."""

    name: ClassVar[str] = "folder"

    def describe(self) -> dict[str, str]:
        """The folder, which is not hashed as a whole: each clip is.

        Raises:
            InputError: there is no such folder, or no video in it.
        """
        self._files()
        return {"revision": self.revision, "path": str(self.path)}

    def generate(self, prompt: Prompt, *, seed: int, output: Path) -> None:
        """Link or copy the prompt's file; the `seed`-th one where the names carry no seeds."""
        files = self._files()
        matches = _pairing(files, [prompt]).matches
        found = {m.video_id: m.seed for m in matches if m.prompt_id}
        named = [video for video, number in found.items() if number and int(number) == seed]
        bare = [video for video, number in found.items() if not number]
        chosen = named or (bare if seed == 0 else [])
        if len(chosen) != 1:
            raise GeneratorError(_why_not_one(self.path, seed, chosen))
        _bring(files[chosen[0]], output)

    def pairing(self, prompts: list[Prompt]) -> Pairing:
        """Which file is taken for which prompt, to be looked at before the run."""
        return _pairing(self._files(), prompts)

    def _files(self) -> dict[str, Path]:
        if not self.path.is_dir():
            raise InputError(f"option path: there is no folder {self.path}")
        found = [p for p in self.path.rglob("*") if is_video_file(p) and not p.name.startswith(".")]
        if not found:
            raise InputError(f"option path: no video in {self.path}")
        names = {p.relative_to(self.path).with_suffix("").as_posix(): p for p in found}
        return {name: names[name] for name in sorted(names, key=natural_key)}


def _pairing(files: dict[str, Path], prompts: list[Prompt]) -> Pairing:
    return pair([(name, None) for name in files], {p.id: p for p in prompts})


def _why_not_one(folder: Path, seed: int, chosen: list[str]) -> str:
    if chosen:
        return f"{len(chosen)} files in {folder} fit it: {', '.join(chosen[:3])}; keep one"
    return f"no file in {folder} is named after it with the seed {seed}"


def _bring(file: Path, output: Path) -> None:
    try:
        os.link(
            file, output
        )  # a set of long clips is large: no second copy where one disk holds both
    except OSError:
        try:
            shutil.copyfile(file, output)
        except OSError as error:
            raise GeneratorError(f"cannot copy {file}: {error.strerror or error}") from error
