"""Shapes and dtypes in annotations: `UInt8[np.ndarray, "T H W 3"]` is a clip.

The names are jaxtyping's. The test suite loads jaxtyping before anything else, so there every call of a
public array function is held to its shapes. Elsewhere a name means `typing.Annotated`, which is what a
type checker sees too: the shape is there to be read, nothing is checked, and nothing heavy is imported.

One letter stands for one size within a signature: T frames, H height, W width, N things (pairs of frames,
points, vectors), D dimensions.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if not TYPE_CHECKING and "jaxtyping" in sys.modules:
    from jaxtyping import Bool, Float, Float32, Float64, Int, Real, UInt8
else:
    from typing import Annotated as Bool
    from typing import Annotated as Float
    from typing import Annotated as Float32
    from typing import Annotated as Float64
    from typing import Annotated as Int
    from typing import Annotated as Real
    from typing import Annotated as UInt8

__all__ = ["Bool", "Float", "Float32", "Float64", "Int", "Real", "UInt8"]
