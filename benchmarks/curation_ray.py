"""Curation of 1,000 short clips: this machine's processes, Ray, and Ray with a node that is killed midway.

    python benchmarks/curation_ray.py [--clips 1000] [--workers 2]

Renders small videos of one-second shots and curates them three times. In the third run a second Ray node
(a process of its own, with its own address) joins while clips are scored and is killed while it works.
All three must leave the same bytes in every table: nothing lost, nothing doubled.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from mirabench.video.encode import write_video
from mirabench.work.local import Executor, LocalExecutor
from mirabench.work.ray import RayExecutor
from mirabench.work.run import Listener, Progress
from miradata.collect.sources import find_sources
from miradata.config import STAGES, config_of
from miradata.pipeline import pipeline_of
from miradata.stage_run import StageRun
from miradata.tables.store import Tables

FPS, SIZE, SHOTS = 12, (160, 96), 25
CONFIG = config_of(
    {"stages": STAGES[:-2], "split": {"min_scene_seconds": 0.5}, "length": {"min_seconds": 0.5}}
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clips", type=int, default=1000)
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        (folder / "in").mkdir()
        for n in range(-(-arguments.clips // SHOTS)):
            rendered(folder / "in" / f"{n:03d}.mp4", n)
        good = compared(folder, arguments.workers)
    sys.exit(0 if good else 1)


def rendered(path: Path, seed: int) -> None:
    """One-second shots, each a pan over a texture of its own."""
    random = np.random.default_rng(seed)
    width, height = SIZE
    frames = []
    for _ in range(SHOTS):
        small = random.integers(0, 255, (12, 20, 3), np.uint8)
        wide = cv2.resize(small, (2 * width, height), interpolation=cv2.INTER_CUBIC)
        frames += [wide[:, 4 * t : 4 * t + width] for t in range(FPS)]
    write_video(path, frames, fps=FPS, options={"preset": "ultrafast"})


def compared(folder: Path, workers: int) -> bool:
    import ray

    local = curated(folder, "local", LocalExecutor(workers))
    on_ray = curated(folder, "ray", RayExecutor(workers=workers))
    ray.shutdown()
    killed = with_a_node_that_dies(folder)
    same = [local == on_ray, local == killed]
    print(f"ray leaves the tables of this machine's processes: {same[0]}")
    print(f"so it does with a node that joined and was killed:  {same[1]}")
    return all(same)


def curated(
    folder: Path, name: str, executor: Executor, listener: Listener | None = None
) -> dict[str, bytes]:
    """Every table's bytes, after a run with an empty cache."""
    os.environ["MIRABENCH_CACHE"] = str(folder / "cache" / name)
    output = folder / name
    began = time.perf_counter()
    stages = pipeline_of(CONFIG, find_sources(folder / "in"), output).stages
    ended = StageRun(output, executor, listener=listener).all(stages)
    tables = Tables(output)
    print(
        f"{name}: {len(tables.rows('clips'))} clips, {len(tables.rows('scores'))} scores, "
        f"{len(tables.rows('events'))} tasks, {sum(p.failed for p in ended.values())} failed, "
        f"{time.perf_counter() - began:.1f} s"
    )
    top = output / "tables"
    return {str(p.relative_to(top)): p.read_bytes() for p in top.rglob("*.parquet")}


def with_a_node_that_dies(folder: Path) -> dict[str, bytes]:
    import ray
    from ray.cluster_utils import Cluster

    os.environ["MIRABENCH_CACHE"] = str(folder / "cache" / "killed")  # the nodes inherit it
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        return curated(folder, "killed", RayExecutor(cluster.address), _Saboteur(cluster))
    finally:
        ray.shutdown()
        cluster.shutdown()


class _Saboteur:
    """Adds a node after a tenth of the clips, and kills it while it works, after four tenths."""

    def __init__(self, cluster: Any) -> None:
        self._cluster = cluster
        self._node: Any = None
        self._killed = False

    def __call__(self, progress: Progress) -> None:
        if progress.work != "score" or self._killed:
            return
        if self._node is None and progress.done > progress.total * 0.1:
            self._node = self._cluster.add_node(num_cpus=1)
            print(f"  a node joins at {progress.done} of {progress.total}: {_address(self._node)}")
        elif self._node is not None and progress.done > progress.total * 0.4 and self._busy():
            self._cluster.remove_node(self._node, allow_graceful=False)
            self._killed = True
            print(f"  it is killed, working, at {progress.done} of {progress.total}")

    def _busy(self) -> bool:
        from ray._private.state import available_resources_per_node

        free = available_resources_per_node().get(self._node.node_id, {})
        return float(free.get("CPU", 0)) == 0.0


def _address(node: Any) -> str:
    return f"{node.node_ip_address}:{node.node_manager_port}"


if __name__ == "__main__":
    main()
