"""Agreement of metrics with people's ratings: `mirabench align`."""

from mirabench.alignment.formats import FORMATS, load_ratings
from mirabench.alignment.ratings import Pair, Rated, Ratings
from mirabench.alignment.study import Alignment, align

__all__ = ["FORMATS", "Alignment", "Pair", "Rated", "Ratings", "align", "load_ratings"]
