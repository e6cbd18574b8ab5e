"""Every error of the project derives from `MirabenchError` and stands in the tree that `errors.py` draws."""

from __future__ import annotations

import ast
import builtins
import pickle
import re
from dataclasses import dataclass
from pathlib import Path

import pytest

from mirabench import errors

ROOT = Path(__file__).resolve().parents[2]
PLACES = ("mirabench", "leaderboard", "models", "prompts")
LINE = re.compile(
    r"^(?P<stem>[│ ]*(?:[├└]── )?)(?P<name>\w+)(?: \((?P<also>\w+)\))?(?: +(?P<what>.+))?$"
)


@dataclass(frozen=True)
class Declared:
    """A class as its file declares it; nothing is imported, so no extra is needed."""

    name: str
    bases: tuple[str, ...]
    file: str
    text: str


def declared_classes() -> list[Declared]:
    found = []
    for file in (file for place in PLACES for file in sorted((ROOT / place).rglob("*.py"))):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef):
                bases = tuple(ast.unparse(base).split("[")[0].split(".")[-1] for base in node.bases)
                text = ast.get_docstring(node) or ""
                found.append(Declared(node.name, bases, str(file.relative_to(ROOT)), text))
    return found


def built_in(name: str) -> bool:
    kind = getattr(builtins, name, None)
    return isinstance(kind, type) and issubclass(kind, BaseException)


def error_classes() -> list[Declared]:
    """What derives from an exception, over however many classes."""
    classes = declared_classes()
    found: list[Declared] = []
    while True:
        names = {error.name for error in found}
        more = [c for c in classes if any(b in names or foreign(b) for b in c.bases)]
        if len(more) == len(found):
            return found
        found = more


def foreign(base: str) -> bool:
    """Whether a class that is not ours is an exception, as far as its name tells."""
    return built_in(base) or base.endswith(("Error", "Exception", "Warning"))


ERRORS = error_classes()
PUBLIC = [error for error in ERRORS if not error.name.startswith("_")]


def drawn() -> dict[str, tuple[str, ...]]:
    """Name -> what it derives from: the class above it, and a built-in one in parentheses."""
    (tree,) = re.findall(r"```\n(.*?)```", errors.__doc__ or "", flags=re.DOTALL)
    found: dict[str, tuple[str, ...]] = {}
    above: dict[int, str] = {}
    for line in tree.splitlines():
        match = LINE.match(line)
        assert match, line
        depth = len(match["stem"]) // 4
        parents = (above[depth - 1] if depth else "Exception", match["also"])
        found[match["name"]] = tuple(parent for parent in parents if parent)
        above[depth] = match["name"]
        assert not depth or match["what"], f"nothing is said of {match['name']}"
    return found


def test_the_walk_sees_every_package() -> None:
    names = {error.name for error in ERRORS}
    assert {
        "LicenceError",
        "TransferError",
        "V1Error",
        "OutOfMemoryError",
        "SubmissionRefused",
    } <= names


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: error.name)
def test_every_error_is_a_mirabench_error(error: Declared) -> None:
    parents = {e.name: e.bases for e in ERRORS}
    reached = {error.name}
    for _ in ERRORS:
        reached |= {base for name in reached for base in parents.get(name, ())}
    assert "MirabenchError" in reached, f"{error.name} in {error.file}"


def test_the_tree_has_every_public_error_and_no_other() -> None:
    assert sorted(error.name for error in PUBLIC) == sorted(drawn())


@pytest.mark.parametrize("error", PUBLIC, ids=lambda error: error.name)
def test_an_error_hangs_where_it_is_drawn(error: Declared) -> None:
    assert error.bases == drawn()[error.name]


@pytest.mark.parametrize("error", PUBLIC, ids=lambda error: error.name)
def test_an_error_has_its_section_in_the_docs(error: Declared) -> None:
    page = (ROOT / "docs" / "errors.md").read_text(encoding="utf-8")
    assert re.search(rf"^##+ `{error.name}`$", page, flags=re.MULTILINE)


def test_errors_with_arguments_of_their_own_survive_a_worker() -> None:
    for error in (
        errors.UnknownNameError("metric", "sharpnes", ["sharpness"]),
        errors.MissingExtraError("torch", "DINO needs torch"),
    ):
        again = pickle.loads(pickle.dumps(error))
        assert (type(again), str(again)) == (type(error), str(error))
