"""Check files: what clips must reach, written down in YAML beside them.

```yaml
videos: outputs/*.mp4
suite: lite
checks:
  - {metric: sharpness, min: 0.3}
  - {metric: warping_error, not_worse_than: reports/last.json}
```
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import Field, ValidationError

from mirabench import registry
from mirabench.checks.requirement import BASELINE, Requirement, Strict, most_telling, sentence
from mirabench.errors import InputError, MirabenchError, UnknownNameError
from mirabench.extras import needs_extra
from mirabench.suites.api import Suite, load_suite

Place = tuple[str | int, ...]
"""Where something stands in the file: keys and positions from the root."""


class CheckSpec(Strict):
    """The content of a check file; paths are relative to its folder."""

    videos: str | list[str] = Field(description="Files, folders, globs or manifests.")
    suite: str = Field(default="lite", description="A registered suite, or a TOML file.")
    prompts: str | None = Field(
        default=None, description="A table of prompts, paired by id or name."
    )
    reference: str | list[str] | None = Field(
        default=None, description="Real clips to compare with."
    )
    fps: float | None = Field(default=None, gt=0, description="Frame rate of frame folders.")
    baseline: str | None = Field(
        default=None, description="The report behind `not_worse_than: baseline`."
    )
    checks: list[Requirement] = Field(min_length=1, description="What must hold.")


@dataclass(frozen=True, slots=True)
class CheckFile:
    """A check file that was read and found to be valid."""

    path: Path
    spec: CheckSpec
    suite: Suite
    lines: tuple[int, ...]
    """Line of each check, from 1."""

    @property
    def videos(self) -> list[str]:
        """What `mirabench.evaluate` takes."""
        return self._inputs(self.spec.videos)

    @property
    def reference(self) -> list[str] | None:
        """Real clips, if any."""
        return None if self.spec.reference is None else self._inputs(self.spec.reference)

    def beside(self, text: str) -> Path:
        """A path of the file, which is relative to the file's folder."""
        return self.path.parent / text

    def _inputs(self, named: str | list[str]) -> list[str]:
        return [_input(self.path.parent, n) for n in ([named] if isinstance(named, str) else named)]


def _input(folder: Path, text: str) -> str:
    path = folder / text
    if path.exists() or not glob.has_magic(text):
        return str(path)
    return str(Path(glob.escape(str(folder))) / text)  # the folder's own name is not a pattern


def read_check_file(path: Path) -> CheckFile:
    """Read a check file; every name in it is looked up, no video is opened.

    Raises:
        InputError: it cannot be read or is not a valid check file; the sentence names file and line.
        MissingExtraError: PyYAML is not installed.
    """
    raw, lines = _read_yaml(path)
    spec = _validated(path, raw, lines)
    at = tuple(lines.get(("checks", i), 1) for i in range(len(spec.checks)))
    suite = _suite(path, spec, lines)
    for asked, line in zip(spec.checks, at, strict=True):
        _require_known(f"{path}, line {line}", asked, suite)
        if asked.not_worse_than == "":
            raise InputError(f"{path}, line {line}: not_worse_than is empty: say `{BASELINE}`")
    return CheckFile(path, spec, suite, at)


def _validated(path: Path, raw: object, lines: dict[Place, int]) -> CheckSpec:
    try:
        return CheckSpec.model_validate(raw)
    except ValidationError as error:
        first = most_telling(error)
        place = tuple(part for part in first["loc"] if part not in ("str", "list[str]"))
        model = Requirement if place[:1] == ("checks",) and len(place) > 2 else CheckSpec
        told = first | {"loc": place}
        raise InputError(f"{path}, line {_line(lines, place)}: {sentence(told, model)}") from error


def _line(lines: dict[Place, int], place: Place) -> int:
    while place and place not in lines:
        place = place[:-1]
    return lines.get(place, 1)


def _suite(path: Path, spec: CheckSpec, lines: dict[Place, int]) -> Suite:
    named = spec.suite
    try:
        return load_suite(path.parent / named if named.endswith(".toml") else named)
    except MirabenchError as error:
        raise InputError(f"{path}, line {_line(lines, ('suite',))}: {error}") from error


def _require_known(where: str, asked: Requirement, suite: Suite) -> None:
    known = [choice.name for choice in suite.metrics]
    if asked.metric in known:
        return
    registered = registry.names(registry.METRICS)
    if asked.metric not in registered:
        raise InputError(f"{where}: {UnknownNameError('metric', asked.metric, registered)}")
    raise InputError(
        f"{where}: the suite {suite.name} does not measure {asked.metric}: name another suite, "
        "or write one that does"
    )


def _read_yaml(path: Path) -> tuple[Any, dict[Place, int]]:
    """The document, and the line of every key and list entry."""
    with needs_extra("check", f"reading the check file {path} needs PyYAML"):
        import yaml  # extra `check`
    try:
        loader = yaml.SafeLoader(path.read_text(encoding="utf-8-sig"))
        root = loader.get_single_node()
        lines = dict(_places(root, (), path))
        return loader.construct_document(root) if root is not None else None, lines
    except OSError as error:
        raise InputError(f"cannot read {path}: {error.strerror or error}") from error
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        what = getattr(error, "problem", None) or str(error)
        raise InputError(f"{path}{where}: not valid YAML: {what}") from error


def _places(node: Any, place: Place, path: Path) -> Iterator[tuple[Place, int]]:
    kind = getattr(node, "id", None)
    if kind == "mapping":
        seen: set[str] = set()
        for key, value in node.value:
            line = key.start_mark.line + 1
            if str(key.value) in seen:
                raise InputError(
                    f"{path}, line {line}: the key {key.value!r} is duplicated: remove one of them"
                )
            seen.add(str(key.value))
            yield (*place, key.value), line
            yield from _places(value, (*place, key.value), path)
    elif kind == "sequence":
        yield from _entries(node.value, place, path)


def _entries(nodes: Sequence[Any], place: Place, path: Path) -> Iterator[tuple[Place, int]]:
    for position, node in enumerate(nodes):
        yield (*place, position), node.start_mark.line + 1
        yield from _places(node, (*place, position), path)
