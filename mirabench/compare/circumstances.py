"""Other circumstances of the computation itself: an arithmetic, a device or a seed that a metric also takes.

A metric is measured again only where it has such a choice: features of networks run in other arithmetics and on
other devices, features that draw at random take a seed. What a suite's metrics do not have costs nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from mirabench.features.api import weights_of
from mirabench.metrics.api import Metric
from mirabench.suites.api import PRECISIONS, Suite, metric_identity

SEEDS = (1, 2, 3)
"""In place of a feature's own."""


@dataclass(frozen=True, slots=True)
class Circumstance:
    """One way to compute the same numbers of the same files again."""

    source: str
    name: str
    suite: Suite
    metrics: frozenset[str]
    """Those that it can touch."""
    device: str = "auto"


def circumstances(suite: Suite, device: str = "auto") -> Iterator[Circumstance]:
    """All that a suite has beside its own arithmetic, device and seeds.

    Args:
        suite: What is measured.
        device: Where its networks run.
    """
    for precision in PRECISIONS:
        yield from _if_any("precision", precision, suite, suite.at_precision(precision), device)
    for seed in SEEDS:
        yield from _if_any("seed", str(seed), suite, suite.at_seed(seed), device)
    learned = frozenset(m.spec.name for m in suite.built() if _learned(m))
    if learned:
        for other in _other_devices(device):
            yield Circumstance("device", other, suite, learned, other)


def _if_any(
    source: str, name: str, suite: Suite, other: Suite, device: str
) -> Iterator[Circumstance]:
    pairs = zip(suite.built(), other.built(), strict=True)
    changed = [a.spec.name for a, b in pairs if metric_identity(a) != metric_identity(b)]
    if changed:
        yield Circumstance(source, name, other.only(changed), frozenset(changed), device)


def _learned(metric: Metric) -> bool:
    return any(weights_of(ref.resolve()) for ref in metric.spec.needs.values())


def _other_devices(device: str) -> list[str]:
    from mirabench.nets.placement import devices  # extra `torch`, which learned metrics need anyway
    from mirabench.nets.runtime import choose_device

    kinds = dict.fromkeys(name.split(":")[0] for name in devices())
    return [kind for kind in kinds if kind != choose_device(device).type]
