"""Protocol ids are canonical: each is the digest of its description, and the description is the track's."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from mirabench.features.api import weights_of
from mirabench.identity import digest_of
from mirabench.metrics.api import Metric
from mirabench.report.model import Report
from mirabench.suites.api import metric_identity
from mirabench.weights import cards
from miraboard.guard import Reason
from miraboard.tracks import Track


def check_protocols(report: Report, track: Track) -> Iterator[Reason]:
    """Reasons to doubt the protocols of a report."""
    for key, description in report.protocols.items():
        yield from _canonical(key, description, track)
    used = {(n, s.protocol) for v in report.videos for n, s in v.scores.items()}
    used |= {(n, key) for n, summary in report.summary.items() for key in summary.protocols}
    for name, key in sorted(used):
        if key not in report.protocols:
            yield Reason("unknown-protocol", f"{name}: the report does not spell out {key!r}")
        elif report.protocols[key].get("metric") != name:
            yield Reason("swapped-protocol", f"{name} is under a protocol of another metric, {key}")
    for key in sorted(report.protocols.keys() - {k for _, k in used}):
        yield Reason("unused-protocol", f"no number was measured by {key}")


def _canonical(key: str, description: Mapping[str, Any], track: Track) -> Iterator[Reason]:
    metric = track.metrics.get(str(description.get("metric")))
    if metric is None:
        yield Reason("swapped-protocol", f"{key} describes no metric of the suite")
        return
    spec = metric.spec
    if key != f"{spec.name}@{spec.version}:{digest_of(description, 10)}":
        yield Reason("protocol-digest", f"{key} is not the digest of what the report says it is")
        return
    found = {k: v for k, v in description.items() if k != "weights"}
    wanted = canonical_description(metric, track)
    for part in sorted(found.keys() | wanted.keys()):
        if found.get(part) != wanted.get(part):
            yield Reason(
                "other-protocol",
                f"{spec.name}: {part} is {_short(found.get(part))}, "
                f"the track compares {_short(wanted.get(part))}",
            )
    yield from _weights(metric, description.get("weights", {}))


def canonical_description(metric: Metric, track: Track) -> dict[str, Any]:
    """What the track's protocol of a metric stands for, weights apart."""
    return metric_identity(metric) | {"decoder": [track.decoder], "opencv": track.opencv}


def _weights(metric: Metric, found: Any) -> Iterator[Reason]:
    name = metric.spec.name
    needed = {c for ref in metric.spec.needs.values() for c in weights_of(ref.resolve())}
    if not isinstance(found, dict) or found.keys() != needed:
        yield Reason("weights", f"{name} needs the weights {', '.join(sorted(needed)) or 'none'}")
        return
    for card_name, digest in found.items():
        if not re.fullmatch(r"[0-9a-f]{64}", str(digest)):
            yield Reason("weights", f"{name}: the digest of {card_name} is not a sha256")
            continue
        known = cards()[card_name]
        # where nobody publishes a digest there is nothing to hold the submitter to
        if known.sha256 and not known.matches(str(digest)):
            yield Reason(
                "weights", f"{name}: {card_name} is not the published file ({digest[:12]}...)"
            )


def _short(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
