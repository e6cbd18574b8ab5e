"""Where network parameters come from: cards that name them, a store that finds and checks them.

Nothing here imports torch, and nothing downloads unless `WeightStore.download` is called.
"""

from mirabench.weights.card import WeightCard, card, cards
from mirabench.weights.importing import import_weights
from mirabench.weights.ledger import Evidence
from mirabench.weights.store import ResolvedWeights, WeightStore

__all__ = [
    "Evidence",
    "ResolvedWeights",
    "WeightCard",
    "WeightStore",
    "card",
    "cards",
    "import_weights",
]
