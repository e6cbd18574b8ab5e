"""The same work on a Ray cluster: one task per item, results kept by the process that started the run.

Ray runs the task of a lost node again elsewhere; only the outcome that arrives is kept, so that nothing
is lost and nothing doubled. Nodes may join at any time. Files that items name must be under the same
path on every node, and so must the folder of work that writes files.
"""

from __future__ import annotations

import logging
import socket
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mirabench.errors import InputError
from mirabench.extras import needs_extra
from mirabench.work.item import Done, Item, Resources, Work, given_up, perform
from mirabench.work.local import LocalExecutor, Results, died

PER_CPU = 3
"""Tasks under way per core: enough that no core waits, few enough that little is pickled ahead."""
TRIES = 3
"""How often Ray runs a task whose process or node died."""


@dataclass(frozen=True, slots=True)
class RayExecutor:
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

    def run(self, work: Work, items: Sequence[Item]) -> Results:
        """(position, done) of every item, as they finish."""
        # what waits for a server shares an account, so it stays here; so does what is light
        if work.resources.threads or work.resources.light:
            yield from LocalExecutor(0).run(work, items)
            return
        ray = connected(self.address, self.workers)
        task = ray.remote(_task).options(**_demands(work.resources))
        shared = ray.put(work)
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
                    yield position, _result(ray, reference, work, items[position])
        finally:
            for reference in running:
                ray.cancel(reference, force=True)

    def close(self) -> None:
        """Nothing: the connection serves the whole process."""


def _task(work: Work, item: Item) -> Done:
    """In a child of Ray's worker when the work has a time limit: a task cannot be stopped from within."""
    if work.resources.seconds is None:
        return perform(work, item)
    with LocalExecutor(1) as executor:
        return next(done for _, done in executor.run(work, [item]))


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


def _result(ray: Any, reference: Any, work: Work, item: Item) -> Done:
    try:
        done: Done = ray.get(reference)
    except ray.exceptions.RayError as error:
        return Done(given_up(work, item, died(type(error).__name__)), 0.0)
    return done


def connected(address: str | None, workers: int | None) -> Any:
    """The module ray, connected to a cluster; once per process.

    Raises:
        MissingExtraError: ray is not installed.
        InputError: there is no cluster at the address.
    """
    with needs_extra("ray", "the executor `ray` needs Ray"):
        import ray  # extra `ray`
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
