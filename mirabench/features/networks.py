"""Networks behind learned features: found, loaded once per process, run one at a time.

Where they run is a setting of the process, not of a feature: it may change speed, never what is
measured. How precisely they compute is a parameter of each feature and so part of its protocol.
Importing this module does not import torch.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from mirabench.extras import needs_extra
from mirabench.features.api import AnyExtractor, weights_of
from mirabench.weights import ResolvedWeights, WeightStore, card

if TYPE_CHECKING:
    import torch

    from mirabench.nets.runtime import Runtime

Net = TypeVar("Net")

_one_at_a_time = threading.RLock()
_device = "auto"
_loaded: dict[tuple[object, ...], Any] = {}


def use_device(name: str) -> None:
    """Choose where this process runs networks: auto, cpu, cuda, cuda:N or mps."""
    global _device
    _device = name


def require_torch(why: str) -> None:
    """Make sure that the extra is installed.

    Raises:
        MissingExtraError: it is not.
    """
    with needs_extra("torch", why):
        import torch  # noqa: F401  # the extra `torch`


def resolved_weights(extractor: AnyExtractor) -> dict[str, ResolvedWeights]:
    """Card name -> the file on this machine, for a learned feature; empty for the others.

    Raises:
        WeightsMissingError: a file is not there; the text names the command that downloads it.
        WeightsError: a file is not what its card or the lock file says.
    """
    return {name: resolved_card(name) for name in weights_of(extractor)}


def resolved_card(name: str) -> ResolvedWeights:
    """The file of one card on this machine.

    Raises:
        WeightsMissingError: it is not there.
        WeightsError: it is not what the card or the lock file says.
    """
    return WeightStore().resolve(card(name))


def network(card_name: str, load: Callable[[Path], Net], part: str = "") -> Net:
    """A network with the weights of a card, on this process's device; loaded once.

    Args:
        card_name: The card of the weights.
        load: Makes the network from the file; what it makes has a method `to`.
        part: Which of the card's networks, where a file holds several.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: the weights are missing, damaged, or belong to another model.
    """
    require_torch(f"the feature behind {card_name} is a network")
    found = resolved_card(card_name)
    key = (card_name, part, found.sha256, _device)
    with _one_at_a_time:
        if key not in _loaded:
            _loaded[key] = _placed(load(found.path))
        loaded: Net = _loaded[key]
        return loaded


def _placed(net: Any) -> Any:
    from torch import nn

    from mirabench.nets.placement import placed

    device = runtime().device
    return placed(net, device) if isinstance(net, nn.Module) else net.to(device)


def runtime(precision: str = "fp32") -> Runtime:
    """This process's device with a precision."""
    from mirabench.nets.runtime import choose_runtime

    return choose_runtime(_device, precision)


@contextmanager
def running(precision: str) -> Iterator[torch.device]:
    """Run networks inside: one thread at a time, no gradients, in this precision."""
    where = runtime(precision)
    with _one_at_a_time, where.inference():
        yield where.device
