"""The same stages on a Ray cluster: one task per item, rows kept by the process that started the run.

Ray runs the task of a lost node again elsewhere; only the outcome that arrives is written, so that
nothing is lost and nothing doubled. Nodes may join at any time. Source videos must be under the same
path on every node, and so must the output folder for stages that write files.
"""

from __future__ import annotations

import logging
import socket
from collections import deque
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from typing import Any

from mirabench.errors import InputError, MissingExtraError
from miradata.engine import DIED, Done, LocalEngine, broken, process
from miradata.stage import Item, Resources, Stage

PER_CPU = 3
"""Tasks under way per core: enough that no core waits, few enough that little is pickled ahead."""
TRIES = 3
"""How often Ray runs a task whose process or node died."""


@dataclass(frozen=True, slots=True)
class RayEngine:
    """Tasks on a Ray cluster.

    Raises:
        MissingExtraError: ray is not installed.
        InputError: there is no cluster at the address.
    """

    address: str | None = None
    """Of a running cluster (`auto` finds this machine's); None starts one here."""
    workers: int | None = None
    """Cores of a cluster that is started here; None takes all."""
    name: str = "ray"

    def run(self, stage: Stage, items: Sequence[Item]) -> Generator[tuple[int, Done], None, None]:
        """(position, done) of every item, as they finish."""
        # what waits for a server shares an account, so it stays here; so does what is light
        if stage.resources.threads or stage.resources.light:
            yield from LocalEngine(1).run(stage, items)
            return
        ray = connected(self.address, self.workers)
        task = ray.remote(_task).options(**_demands(stage.resources))
        shared = ray.put(stage)
        waiting = deque(range(len(items)))
        running: dict[Any, int] = {}
        try:
            while waiting or running:
                while waiting and len(running) < _room(ray):
                    position = waiting.popleft()
                    running[task.remote(shared, items[position])] = position
                finished, _ = ray.wait(list(running), num_returns=1)
                for reference in finished:
                    position = running.pop(reference)
                    yield position, _result(ray, reference, stage, items[position])
        finally:
            for reference in running:
                ray.cancel(reference, force=True)


def _task(stage: Stage, item: Item) -> Done:
    return process(stage, item)


def _demands(resources: Resources) -> dict[str, Any]:
    return {
        "num_cpus": resources.cpus,
        "num_gpus": resources.gpus,
        "memory": resources.memory_mb * 2**20,
        "max_retries": TRIES,
    }


def _room(ray: Any) -> int:
    """How many tasks may be under way, with the nodes there are now."""
    return max(1, int(ray.cluster_resources().get("CPU", 1)) * PER_CPU)


def _result(ray: Any, reference: Any, stage: Stage, item: Item) -> Done:
    try:
        done: Done = ray.get(reference)
    except ray.exceptions.RayError as error:
        reason = f"{DIED} ({type(error).__name__})"
        return Done(broken(stage, item, reason), 0.0)
    return done


def connected(address: str | None, workers: int | None) -> Any:
    """The module ray, connected to a cluster; once per process.

    Raises:
        MissingExtraError: ray is not installed.
        InputError: there is no cluster at the address.
    """
    try:
        import ray  # extra `ray`
    except ImportError as error:
        raise MissingExtraError("ray", "the engine `ray` needs Ray") from error
    if ray.is_initialized():
        return ray
    _require_listener(address)
    here = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, **here}
    try:
        ray.init(logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise InputError(f"no Ray cluster at {address}: {error}") from error
    return ray


def _require_listener(address: str | None) -> None:
    """Ray itself waits for minutes before it says that nobody is there.

    Raises:
        InputError: nobody listens at the address.
    """
    host, _, port = (address or "").rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return  # none, `auto` or `local`
    try:
        socket.create_connection((host, int(port)), timeout=10).close()
    except OSError as error:
        raise InputError(f"no Ray cluster at {address}: {error.strerror or error}") from error
