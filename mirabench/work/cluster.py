"""A connection to a Ray cluster, or a sentence that says within seconds why there is none.

Ray waits for minutes at an address where something else listens, or nobody answers, and cannot be stopped
meanwhile. So a child process, which can be ended, tries the address first. The child runs this file.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
from typing import IO, Any

from mirabench.errors import InputError
from mirabench.extras import needs_extra

SECONDS = 15.0
"""How long an address may take to answer, once Ray is imported."""
_NO_ANSWER = "what listens there does not answer as a Ray cluster does"


def connected(address: str | None, workers: int | None) -> Any:
    """The module ray, connected to a cluster; once per process.

    Args:
        address: Of a running cluster (`auto`: this machine's); None starts one here.
        workers: Cores of a cluster that is started here; None takes all.

    Raises:
        MissingExtraError: ray is not installed.
        InputError: there is no cluster at the address.
    """
    with needs_extra("ray", "the executor `ray` needs Ray"):
        import ray  # extra `ray`
    if ray.is_initialized():
        return ray
    if address is not None:
        require_cluster(address)
    here = {"num_cpus": workers, "include_dashboard": False} if address is None else {}
    options: dict[str, Any] = {"address": address or "local", "log_to_driver": False, **here}
    try:
        ray.init(logging_level=logging.ERROR, **options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise no_cluster(address or "local", str(error)) from error
    return ray


def require_cluster(address: str, *, seconds: float = SECONDS) -> None:
    """Find out whether a Ray cluster answers, in bounded time.

    Args:
        address: `auto`, HOST:PORT, or with a scheme.
        seconds: How long it may take.

    Raises:
        InputError: none does.
    """
    _require_listener(address, seconds)
    command = [sys.executable, "-m", __name__, address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None  # it was asked for
        child.stdout.readline()  # its import of Ray, which a busy machine draws out, does not count
        try:
            said, _ = child.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            raise no_cluster(address, f"{_NO_ANSWER} within {seconds:g} s") from None
    if child.returncode:
        raise no_cluster(address, _reason(said))


def _require_listener(address: str, seconds: float) -> None:
    host, _, port = address.rpartition("://")[2].rpartition(":")
    if not port.isdigit():
        return  # `auto`
    try:
        socket.create_connection((host, int(port)), timeout=seconds).close()
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or str(error)
        raise no_cluster(address, why) from error


def no_cluster(address: str, reason: str) -> InputError:
    """The sentence for an address where no cluster is."""
    return InputError(
        f"no Ray cluster at {address}: {' '.join(reason.split())}; start one with `ray start --head`, or "
        "correct --ray-address"
    )


def _reason(said: bytes) -> str:
    """What the child said of its failure; Ray ends the process itself where it has given up."""
    lines = said.decode(errors="replace").splitlines()
    try:
        return str(json.loads(lines[-1])["reason"])
    except (IndexError, ValueError, TypeError, KeyError):
        return _NO_ANSWER


def _try(address: str, told: IO[str]) -> int:
    """In the child: connect and leave. Its exit code."""
    import ray  # extra `ray`; the parent has it

    told.write("\n")
    told.flush()
    try:
        ray.init(address=address, log_to_driver=False, logging_level=logging.CRITICAL)
    except Exception as error:  # whatever it is, the parent says it
        told.write(json.dumps({"reason": str(error)}) + "\n")
        return 1
    ray.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(_try(sys.argv[1], sys.stdout))
