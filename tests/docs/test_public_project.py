"""What the world sees of the project: workflows, releases, pins and a site that loads nothing."""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
PINS = sorted((ROOT / "requirements").glob("*.txt"))


def release() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / ".ci" / "release.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def targets() -> set[str]:
    return set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), flags=re.MULTILINE))


class TestWorkflows:
    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_actions_are_pinned_by_commit(self, path: Path) -> None:
        used = re.findall(r"uses: (.*)", path.read_text())
        assert used
        pinned = re.compile(r"actions/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+")
        assert [action for action in used if not pinned.fullmatch(action)] == []

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_permissions_are_read_only_unless_a_job_asks(self, path: Path) -> None:
        assert yaml.safe_load(path.read_text())["permissions"] == {"contents": "read"}

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_make_targets_exist(self, path: Path) -> None:
        used = re.findall(r"run: make (.*)", path.read_text())
        assert {target for line in used for target in line.split()} <= targets()

    def test_tests_run_on_every_python_that_is_promised(self) -> None:
        jobs = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())["jobs"]
        promised = ["3.10", "3.11", "3.12", "3.13", "3.14"]
        assert jobs["test"]["strategy"]["matrix"]["python"] == promised
        assert jobs["demo"]["strategy"]["matrix"]["python"] == promised
        assert 'requires-python = ">=3.10"' in (ROOT / "pyproject.toml").read_text()

    @pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
    def test_issue_forms_name_commands_that_exist(self, path: Path) -> None:
        from mirabench.cli.main import app

        known = {command.name for command in app.registered_commands}
        known |= {group.name for group in app.registered_groups} | {"--version"}
        assert set(re.findall(r"`mirabench (\S+?)[ `]", path.read_text())) <= known


@pytest.mark.parametrize("path", PINS, ids=lambda path: path.name)
def test_every_pin_has_hashes(path: Path) -> None:
    if path.name == "override.txt":
        return
    pins = re.split(r"^(?=\S)", path.read_text(), flags=re.MULTILINE)[1:]
    assert pins
    assert [pin for pin in pins if "==" not in pin or "--hash=sha256:" not in pin] == []


class Loaded(HTMLParser):
    """Addresses that a browser fetches when it shows a page; links that a reader may follow are none."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in {"a", "form"} or (tag == "link" and dict(attrs).get("rel") == "canonical"):
            return
        names = {"src", "href", "srcset", "poster", "data", "action"}
        self.addresses += [value for name, value in attrs if name in names and value]
        self.addresses += re.findall(r"url\(([^)]*)\)", dict(attrs).get("style") or "")


def elsewhere(text: str) -> list[str]:
    return re.findall(r"(?:https?:)?//[^\s\"')]+", text)


def test_the_site_loads_nothing_from_elsewhere(tmp_path: Path) -> None:
    command = ["build", "-q", "-f", str(ROOT / "docs" / "mkdocs.yml"), "-d", str(tmp_path)]
    subprocess.run([sys.executable, "-m", "mkdocs", *command], check=True)
    found = []
    for page in tmp_path.rglob("*.html"):
        loaded = Loaded()
        loaded.feed(page.read_text(encoding="utf-8"))
        found += [(page.name, a) for address in loaded.addresses for a in elsewhere(address)]
    for sheet in tmp_path.rglob("*.css"):
        rules = re.sub(r"/\*.*?\*/", "", sheet.read_text(encoding="utf-8"), flags=re.DOTALL)
        fetched = re.findall(r"url\([^)]*\)|@import[^;]*", rules)
        found += [(sheet.name, a) for rule in fetched for a in elsewhere(rule)]
    assert len(list(tmp_path.rglob("*.html"))) > 50
    assert found == []


class TestReleases:
    def test_the_version_is_the_same_everywhere(self) -> None:
        stated = release().versions(ROOT)
        assert {len(found) for found in stated.values()} == {1}
        assert len({version for (version,) in stated.values()}) == 1

    def test_a_release_moves_each_note_into_the_changelog(self, tmp_path: Path) -> None:
        for name in ("pyproject.toml", "CITATION.cff", "CHANGELOG.md", "mirabench/__init__.py"):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
        shutil.copytree(ROOT / "changes", tmp_path / "changes")
        (tmp_path / "changes" / "probe.added.md").write_text("A probe.\n\nIts reason.\n")
        for words in (
            "init -q",
            "config user.name A",
            "config user.email a@example.com",
            "add .",
            "commit -qm A",
        ):
            subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
        notes = [p for p in (ROOT / "changes").glob("*.*.md") if p.suffixes[-2:] != [".md", ".j2"]]

        release().prepare(tmp_path, "9.8.7")

        written = release().notes(tmp_path, "9.8.7")
        assert "- A probe.\n\n  Its reason.\n" in written
        assert written.count("\n- ") == len(notes) + 1
        assert {p.name for p in (tmp_path / "changes").iterdir()} == {"README.md", "template.md.j2"}
        assert release().versions(tmp_path) == {p: ["9.8.7"] for p in release().PLACES}
        tags = subprocess.run(["git", "tag"], cwd=tmp_path, capture_output=True, text=True)
        assert tags.stdout == "v9.8.7\n"
        with pytest.raises(SystemExit, match=r"the tag v9\.8\.7 exists"):
            release().prepare(tmp_path, "9.8.7")

    def test_a_version_has_three_numbers(self) -> None:
        with pytest.raises(SystemExit, match=r"'1\.2' is no version"):
            release().prepare(ROOT, "1.2")
