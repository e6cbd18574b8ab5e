"""The engine `ray`: the rows of this process, and none lost or doubled when a node dies."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import toystages
from longfilm import shot, write_film
from toystages import Lingering, Squares, wait_for

from mirabench.errors import InputError
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Policy, Progress
from miradata.collect.sources import find_sources
from miradata.config import STAGES, config_of
from miradata.pipeline import pipeline_of
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

ray = pytest.importorskip("ray")
pytestmark = [
    pytest.mark.ray,
    pytest.mark.slow,
    pytest.mark.xdist_group("ray"),
    pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning"),
]
NUMBERS = tuple(range(8))


@pytest.fixture(autouse=True)
def no_network() -> None:
    """In place of the guard of all tests: Ray's nodes talk by this machine's own address, not 127.0.0.1."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A head node with one core, in processes of its own."""
    with pytest.MonkeyPatch.context() as patch:  # the workers must find the toy stages
        patch.setenv("PYTHONPATH", str(Path(toystages.__file__).parent))
        made = patiently(started)
        yield made
        ray.shutdown()
        made.shutdown()


def started() -> Any:
    from ray.cluster_utils import Cluster

    # nobody looks at the dashboard, which takes longest to start
    return Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})


def patiently(start: Callable[[], Any], times: int = 3) -> Any:
    """Ray gives a node 30 seconds to start, which no setting changes: too few on a busy machine."""
    for _ in range(times - 1):
        with contextlib.suppress(Exception):  # Ray raises no class of its own
            return start()
    return start()


def tables(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("tables/*/*.parquet")}


def test_ray_gives_the_tables_of_this_process(cluster, tmp_path):
    source = tmp_path / "in"
    source.mkdir()
    write_film(source / "a.mp4", [shot(1, 36), shot(2, 36), shot(1, 36)])
    config = config_of({
        "stages": STAGES[:-2], "split": {"min_scene_seconds": 0.5}, "length": {"min_seconds": 1.0},
    })  # fmt: skip
    for name, run in {
        "here": StageRun(tmp_path / "here"),
        "ray": StageRun(tmp_path / "ray", RayExecutor(cluster.address)),
    }.items():
        run.all(pipeline_of(config, find_sources(source), tmp_path / name).stages)
    assert tables(tmp_path / "ray") == tables(tmp_path / "here")
    assert len(Tables(tmp_path / "ray").rows("clips")) == 3


def test_a_node_that_joins_and_is_killed_midway_loses_and_doubles_nothing(cluster, tmp_path):
    node = patiently(lambda: cluster.add_node(num_cpus=1))

    def kill() -> None:
        wait_for(lambda: bool(list(tmp_path.glob(f"{node.node_id}-*"))))
        cluster.remove_node(node, allow_graceful=False)
        (tmp_path / "go").touch()

    killer = threading.Thread(target=kill)
    killer.start()
    told: list[Progress] = []
    run = StageRun(tmp_path / "out", RayExecutor(cluster.address), listener=told.append)
    progress = run.one(Lingering(NUMBERS, tmp_path))
    killer.join()
    assert list(tmp_path.glob(f"{node.node_id}-*"))  # work had begun on it
    assert (progress.ok, progress.failed, len(told)) == (len(NUMBERS), 0, len(NUMBERS) + 1)
    rows = Tables(tmp_path / "out").rows("scores")
    assert [(r["clip_id"], r["value"]) for r in rows] == [
        (f"{n:04d}", float(n * n)) for n in NUMBERS
    ]


def test_an_item_that_kills_its_worker_is_a_failed_row(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("mirabench.work.ray.TRIES", 0)
    run = StageRun(tmp_path / "out", RayExecutor(cluster.address), policy=Policy(tries=1))
    progress = run.one(Squares((1, 2, 3), tmp_path, deadly=(2,)))
    assert (progress.ok, progress.failed) == (2, 1)
    [row] = [r for r in Tables(tmp_path / "out").rows("scores") if r["status"] == "failed"]
    assert row["clip_id"] == "0002"
    assert "its process died" in row["reason"]


def test_no_cluster_at_the_address_is_one_clear_error(tmp_path):
    ray.shutdown()
    with pytest.raises(InputError, match="no Ray cluster at 127"):
        StageRun(tmp_path / "out", RayExecutor("127.0.0.1:1")).one(Squares((1,), tmp_path))
