"""Whatever is killed, and how often: the report of the undisturbed run, and hardly a clip done twice."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import clipkit
import drill
import psutil
import pytest
from faults import whole_case

from mirabench.video.encode import write_video
from mirabench.work.status import status_of

FILES = ("report.json", "scores.csv", "report.html")


def rendered(folder: Path, count: int) -> Path:
    folder.mkdir()
    for n in range(count):
        frames = clipkit.panning(frames=3, size=(64, 48), dx=0.5, seed=n)
        write_video(folder / f"{n:03d}.mp4", frames, fps=8)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    return {name: (folder / name).read_bytes() for name in FILES}


def undisturbed(clips: Path, folder: Path) -> dict[str, bytes]:
    subprocess.run(drill.command(clips, folder, 0.0), check=True, capture_output=True)
    return files(folder)


@pytest.mark.slow
@pytest.mark.parametrize(("clips", "kills", "workers"), [(12, 4, 1), whole_case(200, 50, 2)])
def test_killed_workers_and_drivers_change_nothing(
    tmp_path: Path, clips: int, kills: int, workers: int
) -> None:
    made = rendered(tmp_path / "clips", clips)
    whole = undisturbed(made, tmp_path / "whole")
    folder = tmp_path / "killed"
    arguments = drill.command(made, folder, 0.2, workers=workers)
    done = drill.Drill(arguments, folder, clips, kills, drill.workers_of, driver_share=0.3)
    assert done.run(seed=clips) == 0
    assert files(folder) == whole
    assert done.killed_drivers and done.killed_others
    # a killed worker costs the clip in hand; a killed driver takes its workers along, each with one in hand
    redone = drill.marks(folder) - clips
    assert redone <= done.killed_others + workers * done.killed_drivers
    assert status_of(folder)["state"] == "ended"


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Two nodes as processes, each with one core."""
    pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    folder = str(Path(drill.__file__).parent)
    monkeypatch.setenv("PYTHONPATH", folder)
    monkeypatch.setenv("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    made.shutdown()


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.xdist_group("ray")
@pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
@pytest.mark.parametrize(("clips", "kills"), [(8, 0), whole_case(200, 50)])
def test_two_nodes_of_ray_give_the_report_of_one_process(
    cluster: Any, tmp_path: Path, clips: int, kills: int
) -> None:
    made = rendered(tmp_path / "clips", clips)
    whole = undisturbed(made, tmp_path / "whole")
    folder = tmp_path / "ray"
    options = {"executor": "ray", "ray_address": cluster.address, "clip_timeout": 600}
    arguments = drill.command(made, folder, 0.2 if kills else 0.0, **options)
    lost = _LostNode(cluster)
    done = drill.Drill(
        arguments, folder, clips, kills, lambda driver: lost.victims(), driver_share=0.15
    )
    assert done.run(seed=1) == 0, (folder / "driver.log").read_text()[-3000:]
    assert files(folder) == whole
    assert lost.nodes >= (kills > 0)


class _LostNode:
    """Actors and what they started; once, midway, a whole node goes and another comes."""

    def __init__(self, cluster: Any) -> None:
        self.cluster, self.nodes, self._asked = cluster, 0, 0

    def victims(self) -> Sequence[psutil.Process]:
        self._asked += 1
        if self._asked % 20 == 0:
            [node] = self.cluster.worker_nodes
            self.cluster.remove_node(node, allow_graceful=False)
            self.nodes += 1
            self.cluster.add_node(
                num_cpus=1
            )  # here: it sets signal handlers, which threads may not
        return [p for p in psutil.process_iter() if _is_actor(p)]


def _is_actor(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        line = " ".join(process.cmdline())
        ours = process.environ().get("PYTHONPATH") == str(Path(drill.__file__).parent)
        return ours and ("ray::_Actor" in line or "spawn_main" in line)
    return False
