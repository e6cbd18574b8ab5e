"""A reference in a file: what its clips score and the vectors that distances need; none is decoded again.

`reference.npz` holds, for each metric of scope `set`, the vectors of every clip (float64, or float32 where
that loses nothing), their mean and covariance where the sample determines them, for each metric of scope
`clip` the scores that count, and `meta`: the clips' digests, versions, date, weights and what each metric's
numbers were made of. A run whose metrics are made otherwise is refused.
"""

from __future__ import annotations

import io
import json
import time
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mirabench import __version__
from mirabench.errors import InputError
from mirabench.file_digest import sha256_of
from mirabench.files import write_bytes
from mirabench.identity import digest_of
from mirabench.maths.distribution import Moments
from mirabench.metrics.api import Metric, SetFormula
from mirabench.run.plan import opencv_major
from mirabench.suites.api import metric_identity, unwrapped

SCHEMA = 1
EMBEDDED = "embedded"
"""Names the statistics of rendered clips that are part of the package."""
PER_DIMENSION = 2
"""Vectors for each dimension from which on mean and covariance are written too."""

Vectors = tuple[NDArray[np.float64], ...]


@dataclass(frozen=True, slots=True, eq=False)
class ReferenceStatistics:
    """What is kept of the reference clips."""

    name: str
    """File name, or `embedded`."""
    sha256: str
    """Of the file; empty before it is written."""
    clips: Sequence[Mapping[str, Any]]
    """Id, sha256, size, rate and length of each clip that was read."""
    identities: Mapping[str, Mapping[str, Any]]
    """Metric -> everything that its numbers were made of."""
    vectors: Mapping[str, Vectors] = field(default_factory=dict)
    """Set metric -> the vectors of each clip that has any."""
    values: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    """Clip metric -> the scores that count."""
    weights: Mapping[str, str] = field(default_factory=dict)
    """Card -> sha256 of the weights in use."""
    decoders: Sequence[str] = ()
    made: Mapping[str, Any] = field(default_factory=dict)
    """Suite, version of mirabench, date."""

    def why_not(self, metric: Metric) -> str:
        """Why a metric cannot be compared with it, in a sentence; empty when it can or needs no reference."""
        name = metric.spec.name
        if metric.spec.scope == "clip" or name in self.vectors:
            return ""
        if not isinstance(unwrapped(metric), SetFormula):
            return f"it compares clips themselves, which {self.name} does not hold"
        return f"{self.name} has no vectors of it: build it again with a suite that has this metric"

    def require_same(self, metrics: Sequence[Metric]) -> None:
        """Refuse metrics whose numbers are made otherwise than those of the file.

        Raises:
            InputError: a metric that both have differs in version, feature, preprocessing or parameter.
        """
        for metric in metrics:
            name = metric.spec.name
            if name not in self.identities:
                continue
            difference = _difference(self.identities[name], identity_of(metric))
            if difference:
                raise InputError(
                    f"the reference {self.name} cannot be compared with: of {name}, {difference}; build it "
                    "again with `mirabench reference build`, or leave the metric out with --metrics"
                )

    def other_weights(self, cards: Mapping[str, str]) -> str:
        """Why weights in use do not go with the file, in a sentence; empty when they do."""
        for card, digest in cards.items():
            if self.weights.get(card, digest) != digest:
                return (
                    f"the reference {self.name} was made with other weights of {card} "
                    f"(sha256 {self.weights[card][:12]}, here {digest[:12]}): build it again"
                )
        return ""


def identity_of(metric: Metric) -> dict[str, Any]:
    """What a metric's numbers are made of, as JSON reads it."""
    found: dict[str, Any] = json.loads(
        json.dumps(metric_identity(metric) | {"opencv": opencv_major()})
    )
    return found


def _difference(theirs: Any, ours: Any, where: str = "") -> str:
    """The first place where two identities differ, in words."""
    if isinstance(theirs, Mapping) and isinstance(ours, Mapping):
        for key in dict.fromkeys((*theirs, *ours)):
            place = f"{where}.{key}" if where else str(key)
            if told := _difference(theirs.get(key), ours.get(key), place):
                return told
        return ""
    return "" if theirs == ours else f"{where} was {theirs} and is {ours} here"


def is_statistics(reference: object) -> bool:
    """Whether an input names statistics rather than clips."""
    return isinstance(reference, str | Path) and (
        str(reference) == EMBEDDED or Path(reference).suffix == ".npz"
    )


def load_statistics(reference: str | Path) -> ReferenceStatistics:
    """Statistics from a file, or those of the package.

    Raises:
        InputError: the file is missing, damaged or of another kind.
    """
    embedded = str(reference) == EMBEDDED
    path = Path(str(files("mirabench.run") / "embedded.npz")) if embedded else Path(reference)
    name = EMBEDDED if embedded else path.name
    try:
        with np.load(path, allow_pickle=False) as held:
            arrays = {key: held[key] for key in held.files}
        return _from_arrays(name, sha256_of(path), arrays)
    except OSError as error:
        raise InputError(f"cannot read the reference {path}: {error.strerror or error}") from error
    except (ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} is no reference that `mirabench reference build` wrote, or it is damaged: build it again"
        ) from error


def _from_arrays(name: str, sha256: str, arrays: Mapping[str, Any]) -> ReferenceStatistics:
    meta = json.loads(arrays["meta"].tobytes())
    if meta["schema"] != SCHEMA:
        raise ValueError(f"its schema is {meta['schema']}, this mirabench reads {SCHEMA}")
    held: dict[str, Vectors] = {}
    for key in dict.fromkeys(meta["vectors"].values()):
        rows = arrays[f"vectors/{key}"].astype(np.float64)
        ends = np.cumsum(arrays[f"counts/{key}"])[:-1]
        held[key] = tuple(np.split(rows, ends))
    return ReferenceStatistics(
        name=name,
        sha256=sha256,
        clips=meta["clips"],
        identities=meta["identities"],
        vectors={metric: held[key] for metric, key in meta["vectors"].items()},
        values={metric: arrays[f"values/{metric}"] for metric in meta["values"]},
        weights=meta["weights"],
        decoders=meta["decoders"],
        made=meta["made"],
    )


def write_statistics(path: Path, found: ReferenceStatistics) -> None:
    """Write the file in one step; the same statistics give the same bytes."""
    keys = {metric: _key(vectors) for metric, vectors in found.vectors.items()}
    meta = {
        "schema": SCHEMA,
        "made": dict(found.made),
        "clips": [dict(clip) for clip in found.clips],
        "identities": {name: dict(what) for name, what in found.identities.items()},
        "vectors": keys,
        "values": list(found.values),
        "weights": dict(found.weights),
        "decoders": list(found.decoders),
    }
    arrays: dict[str, NDArray[Any]] = {
        "meta": np.frombuffer(json.dumps(meta, sort_keys=True).encode(), np.uint8)
    }
    arrays |= {f"values/{name}": values for name, values in found.values.items()}
    for metric, key in keys.items():
        arrays |= _arrays_of(key, found.vectors[metric])
    stream = io.BytesIO()
    np.savez_compressed(stream, allow_pickle=False, **arrays)
    write_bytes(path, stream.getvalue())


def _key(vectors: Vectors) -> str:
    """Metrics of the same vectors share them in the file."""
    return digest_of([[len(rows), rows.tobytes().hex()] for rows in vectors], 12)


def _arrays_of(key: str, vectors: Vectors) -> dict[str, NDArray[Any]]:
    rows = np.concatenate(vectors)
    single = rows.astype(np.float32)
    kept = single if np.array_equal(single.astype(np.float64), rows) else rows
    found: dict[str, NDArray[Any]] = {
        f"vectors/{key}": kept,
        f"counts/{key}": np.array([len(v) for v in vectors], np.int64),
    }
    if len(rows) >= PER_DIMENSION * rows.shape[1]:
        moments = Moments.of(rows)
        found |= {f"mean/{key}": moments.mean, f"covariance/{key}": moments.covariance}
    return found


def made_now(suite: str, version: int) -> dict[str, Any]:
    """Where statistics come from: suite, version of mirabench, day."""
    return {
        "suite": suite,
        "suite_version": version,
        "mirabench": __version__,
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
    }
