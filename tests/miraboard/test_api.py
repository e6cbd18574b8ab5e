"""The REST interface, the badge, BibTeX, and the folder for a space."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from mirabench.errors import InputError, OutputError
from miraboard import cite
from miraboard.api import build_api
from miraboard.board import Board
from miraboard.space import write_space
from miraboard.uploads import UploadQuota

CARD = {
    "generator": "Alpha",
    "version": "1.0",
    "track": "tiny",
    "licence": "MIT",
    "contact": "a@b.org",
}


@pytest.fixture
def api(open_board: Any) -> TestClient:
    return TestClient(build_api(open_board(accounts="required")))


def signed_in(api: TestClient, name: str = "lab") -> dict[str, str]:
    token = api.post("/accounts", json={"name": name}).json()["token"]
    return {"Authorization": f"Bearer {token}"}


def test_a_report_goes_in_and_comes_out_ranked(api: TestClient, kit: Any) -> None:
    data = kit.data(kit.report())
    answer = api.post("/submissions", params=CARD, content=data, headers=signed_in(api)).json()
    assert answer["accepted"], answer
    (row,) = api.get("/tracks/tiny").json()["submissions"]
    assert (row["id"], row["rank"], row["cannot_be_told_from"]) == (answer["id"], [1, 1], 0)
    assert api.get("/tracks/tiny.csv").text.startswith("id,generator")
    address = f"/submissions/{answer['id']}"
    assert api.get(f"{address}/report.json").content == data
    badge = api.get(f"{address}/badge.svg")
    assert badge.headers["content-type"].startswith("image/svg+xml")
    assert "rank 1 of 1" in badge.text and ET.fromstring(badge.text).tag.endswith("svg")
    assert api.get(f"{address}/cite.bib").text.startswith("@misc{miraboard-")
    assert 'task_id: "tiny/noise"' in api.get(f"{address}/eval-results.yaml").text
    assert api.get("/log").json()["lines"][0]["kind"] == "accepted"


def test_every_refusal_is_a_sentence(api: TestClient, kit: Any) -> None:
    data = kit.data(kit.report())
    without = api.post("/submissions", params=CARD, content=data).json()
    assert [r["code"] for r in without["reasons"]] == ["account"]
    wrong = {"Authorization": "Bearer lab:wrong"}
    answer = api.post("/submissions", params=CARD, content=data, headers=wrong).json()
    assert [r["code"] for r in answer["reasons"]] == ["token"]
    for path in ("/tracks/none", "/submissions/none/badge.svg", "/submissions/none/report.json"):
        found = api.get(path)
        assert found.status_code == 404 and len(found.json()["error"]) > 10
    assert api.post("/accounts", json={"name": "admin"}).status_code == 422
    large = api.post("/submissions", params=CARD, content=b" " * (17 * 2**20))
    assert (
        large.status_code == 422 and "which nothing that belongs here has" in large.json()["error"]
    )


def test_the_interface_describes_itself(api: TestClient) -> None:
    described = api.get("/openapi.json").json()
    assert described["openapi"].startswith("3.")
    paths = {"/tracks", "/tracks/{track}", "/submissions", "/accounts", "/log"}
    assert paths <= described["paths"].keys()
    for methods in described["paths"].values():
        assert all(len(m["description"]) > 15 for m in methods.values())


def test_a_badge_holds_no_markup_of_a_stranger(board: Board, kit: Any) -> None:
    card = kit.card(generator="A+B (x)")
    assert board.submit(kit.data(kit.report()), card, "10.0.0.1").accepted
    view = board.view("tiny")
    picture = cite.badge(view, board.ranking("tiny"), view.standings[0])
    root = ET.fromstring(picture)
    assert {e.tag.rpartition("}")[2] for e in root.iter()} <= {
        "svg", "title", "clipPath", "rect", "g", "text"
    }  # fmt: skip
    assert "http" not in picture.replace("http://www.w3.org/2000/svg", "")


def test_an_older_versions_badge_says_so(board: Board, kit: Any) -> None:
    for seed, version in ((1, "1.0"), (2, "2.0")):
        board.submit(kit.data(kit.report(seed)), kit.card(version=version), "10.0.0.1")
    view = board.view("tiny")
    assert "older version" in cite.badge(view, board.ranking("tiny"), view.history[0])


def test_bibtex_escapes_what_tex_reads(board: Board, kit: Any) -> None:
    board.submit(kit.data(kit.report()), kit.card(generator="A @ B"), "10.0.0.1")
    view = board.view("tiny")
    entry = cite.bibtex(view, view.standings[0], "")
    assert entry.count("{") == entry.count("}") and "\\url" not in entry


def test_uploads_are_counted_by_address() -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        while (await receive()).get("more_body"):
            pass
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    quota = UploadQuota(app, per_hour=1, proxies=1)
    client = TestClient(quota)

    def sent(address: str, path: str = "/gradio_api/upload") -> int:
        headers = {"x-forwarded-for": address}
        return client.post(path, content=b"x" * (9 * 2**20), headers=headers).status_code

    assert [sent("1.2.3.4") for _ in range(3)] == [200, 200, 429]
    assert sent("1.2.3.5") == 200
    assert sent("1.2.3.4", "/gradio_api/run/table") == 200


def test_a_space_is_whole_and_installs_what_wrote_it(tmp_path: Path) -> None:
    written = write_space(tmp_path / "space")
    assert {p.name for p in written} == {"README.md", "app.py", "Dockerfile", "requirements.txt"}
    compile((tmp_path / "space" / "app.py").read_text(), "app.py", "exec")
    assert (tmp_path / "space" / "README.md").read_text().startswith("---\ntitle:")
    assert "leaderboard" in (tmp_path / "space" / "requirements.txt").read_text()
    with pytest.raises(OutputError, match="not empty"):
        write_space(tmp_path / "space")


def test_a_space_takes_a_wheel_along(tmp_path: Path) -> None:
    wheel = tmp_path / "mirabench-1-py3-none-any.whl"
    wheel.write_bytes(b"wheel")
    write_space(tmp_path / "space", wheel)
    assert (tmp_path / "space" / wheel.name).read_bytes() == b"wheel"
    wanted = (tmp_path / "space" / "requirements.txt").read_text()
    assert wanted == f"./{wheel.name}[leaderboard,postgres]\n"
    with pytest.raises(InputError, match="no wheel"):
        write_space(tmp_path / "other", tmp_path / "none.whl")
