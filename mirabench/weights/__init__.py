"""Where weights come from: cards that name them, and a store that finds and verifies them.

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
