"""Make a release: `prepare X.Y.Z` commits and tags it, `notes X.Y.Z` prints its change notes.

`prepare` writes the version where it is stated and moves the notes in `changes/` into CHANGELOG.md.
It pushes nothing. `git push --follow-tags` does, and the tag starts the release workflow.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACES = {
    "pyproject.toml": r'^version = "(.+)"$',
    "mirabench/__init__.py": r'^__version__ = "(.+)"$',
    "CITATION.cff": r"^version: (.+)$",
}
VERSION = re.compile(r"\d+\.\d+\.\d+((a|b|rc)\d+)?")


def versions(root: Path) -> dict[str, list[str]]:
    """The versions that each place states."""
    return {
        place: re.findall(pattern, (root / place).read_text(encoding="utf-8"), re.MULTILINE)
        for place, pattern in PLACES.items()
    }


def write_version(root: Path, version: str) -> None:
    """State `version` in every place."""
    for place, pattern in PLACES.items():
        path = root / place
        text = path.read_text(encoding="utf-8")
        line = re.search(pattern, text, re.MULTILINE)
        if line is None:
            raise SystemExit(f"{place} states no version: it needs a line like {pattern}")
        text = text[: line.start(1)] + version + text[line.end(1) :]
        path.write_text(text, encoding="utf-8", newline="\n")


def notes(root: Path, version: str) -> str:
    """The part of CHANGELOG.md on one version, without its heading."""
    text = (root / "CHANGELOG.md").read_text(encoding="utf-8")
    part = re.search(
        rf"^## {re.escape(version)} .*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL
    )
    if part is None:
        raise SystemExit(
            f"CHANGELOG.md has no section for {version}: run `make release VERSION={version}`"
        )
    return part.group(1).strip() + "\n"


def prepare(root: Path, version: str) -> None:
    """Commit and tag a release."""
    if not VERSION.fullmatch(version):
        raise SystemExit(
            f"{version!r} is no version: give three numbers, such as 0.2.0 or 0.2.0rc1"
        )
    if run(root, "git", "status", "--porcelain", "--untracked-files=no"):
        raise SystemExit("the working tree has changes: commit or stash them first")
    if run(root, "git", "tag", "--list", f"v{version}"):
        raise SystemExit(f"the tag v{version} exists: choose the next version")
    write_version(root, version)
    run(root, sys.executable, "-m", "towncrier", "build", "--yes", "--version", version)
    run(root, "git", "commit", "--all", "--message", f"Release {version}")
    run(root, "git", "tag", "--annotate", f"v{version}", "--message", notes(root, version))
    sys.stdout.write(f"tagged v{version}; publish it with: git push --follow-tags\n")


def run(root: Path, *command: str) -> str:
    """What a command prints; its failure ends this one."""
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"`{' '.join(command[:3])}` failed with exit code {done.returncode}")
    return done.stdout


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("action", choices=["prepare", "notes"])
    parser.add_argument("version")
    given = parser.parse_args()
    if given.action == "notes":
        sys.stdout.write(notes(ROOT, given.version))
    else:
        prepare(ROOT, given.version)


if __name__ == "__main__":
    main()
