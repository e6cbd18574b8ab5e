"""What is known of a run as metrics for Prometheus: read from the run's folder at each scrape.

The endpoint needs nothing of the run but its folder, so it serves a running one, a dead one, and one of another
machine that shares the disk.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mirabench.errors import InputError
from mirabench.extras import needs_extra
from mirabench.work.status import status_of

COUNTS = ("total", "done", "reused", "rejected", "failed")
"""Numbers of items."""
GAUGES = {
    "seconds": "Seconds since the run began.",
    "eta_seconds": "Seconds until it ends, at the pace so far.",
    "updated": "When this was last noted, in seconds since 1970.",
    "decode_seconds": "Seconds of decoding, over all workers.",
    "network_seconds": "Seconds of features that run a network, over all workers.",
    "features_computed": "Features that were computed.",
    "features_from_cache": "Features that came from the cache.",
    "retries": "Tries that ended with the death of their process.",
}


def serve(folder: Path, port: int, address: str = "127.0.0.1") -> Any:
    """Serve the metrics of a folder's run over HTTP, in a thread; returns the server, to be shut down.

    Raises:
        MissingExtraError: prometheus_client is not installed.
        InputError: the port cannot be had.
    """
    with needs_extra("monitor", "the Prometheus endpoint needs prometheus_client"):
        import prometheus_client as client  # extra `monitor`
    registry = client.CollectorRegistry()
    registry.register(FolderCollector(folder))
    try:
        server, _ = client.start_http_server(port, addr=address, registry=registry)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise InputError(
            f"cannot serve on {address}:{port}: {reason}; choose another port"
        ) from error
    return server


class FolderCollector:
    """Reads the status of a folder at each scrape."""

    def __init__(self, folder: Path) -> None:
        """Args: folder: The output folder of a run."""
        self._folder = folder

    def collect(self) -> Iterator[Any]:
        """The metrics as they are now; none while there is no run yet."""
        from prometheus_client.core import GaugeMetricFamily  # extra `monitor`

        try:
            found = status_of(self._folder)
        except InputError:
            return
        state = GaugeMetricFamily(
            "mirabench_state", "1 for the state that it is in.", labels=["state"]
        )
        for name in ("running", "interrupted", "ended"):
            state.add_metric([name], float(found["state"] == name))
        yield state
        items = GaugeMetricFamily("mirabench_items", "Items by what became of them.", labels=["of"])
        for name in COUNTS:
            items.add_metric([name], float(found.get(name, 0)))
        yield items
        for name, text in GAUGES.items():
            if isinstance(found.get(name), int | float):
                yield GaugeMetricFamily(f"mirabench_{name}", text, value=float(found[name]))
        yield from _labelled(GaugeMetricFamily, found)


def _labelled(family: Any, found: dict[str, Any]) -> Iterator[Any]:
    texts = {
        "stage_seconds": ("stage", "Seconds of a stage, over all workers."),
        "feature_seconds": ("feature", "Seconds of a feature, over all workers."),
        "peak_memory_bytes": ("process", "Most memory that a process held."),
    }
    for name, (label, text) in texts.items():
        metric = family(f"mirabench_{name}", text, labels=[label])
        for key, value in found.get(name, {}).items():
            metric.add_metric([key], float(value))
        yield metric
