"""Pictures to unit vectors, so that a dot product says how alike two are.

`histogram` and `dct` need nothing: colours wherever they are, and coarse shapes whatever their
colours, so their errors differ, as those of the two networks do. `dinov2` (transformers) and `clip`
(the benchmark's own) are loaded when first used, once per process.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from mirabench.errors import MissingExtraError, UnknownNameError, WeightsError
from mirabench.features.networks import require_torch, resolved_card
from mirabench.video.frames import UInt8Array
from miradata.config import Dedup, Embedder
from miradata.frames.hub import loaded, require_present

Vectors = NDArray[np.float32]
DINOV2 = "facebook/dinov2-base"
"""A hub name or a folder; stands for the paper's DINOv2, whose size is unpublished."""
CLIP_CARD = "clip-vit-b-32"
"""Stands in for the paper's ImageBind, whose weights are non-commercial."""

HISTOGRAM_BINS = (12, 6, 6)
"""Hue, saturation, value."""
DCT_SIZE, DCT_KEPT = 32, 8
"""The picture is shrunk to this side, and so many coefficients each way are kept, as in a phash."""


def embed(name: str, pictures: Sequence[UInt8Array], *, dinov2: str = DINOV2) -> Vectors:
    """(N, D) one vector of unit length per picture; zero where a picture has nothing to tell by.

    Args:
        name: histogram, dct, dinov2 or clip.
        pictures: uint8 RGB (H, W, 3), of any sizes.
        dinov2: A hub name that is in the cache, or a folder.

    Raises:
        UnknownNameError: no such embedder.
        MissingExtraError: torch or transformers is not installed.
        WeightsError: the weights are not on this machine.
    """
    if name == "dinov2":
        return unit(_dinov2(pictures, dinov2))
    if name not in _EMBEDDERS:
        raise UnknownNameError("embedder", name, [*_EMBEDDERS, "dinov2"])
    return unit(_EMBEDDERS[name](pictures))


def require_embedder(name: str | None) -> None:
    """Refuse before the work an embedder that cannot run here.

    Raises:
        MissingExtraError: torch is not installed.
        WeightsError: its weights are not on this machine.
    """
    if name == "dinov2":
        require_torch("DINOv2 is a network")
        require_present(DINOV2)
    if name == "clip":
        require_torch("CLIP is a network")
        resolved_card(CLIP_CARD)


def embedder_here(wanted: Embedder) -> tuple[Embedder, str]:
    """The embedder of `dedup` that can run here, and why it is not the wanted one."""
    try:
        require_embedder(wanted)
    except (MissingExtraError, WeightsError) as error:
        return Dedup().embedder, str(error)
    return wanted, ""


def unit(vectors: NDArray[np.floating]) -> Vectors:
    """Rows divided by their length; rows of zeros stay."""
    length = np.linalg.norm(vectors.astype(np.float64), axis=1, keepdims=True)
    return np.asarray(vectors / np.where(length > 0, length, 1.0), np.float32)


def _histogram(pictures: Sequence[UInt8Array]) -> Vectors:
    """Square roots of shares of colours: the dot product is Bhattacharyya's coefficient."""
    ranges = [0, 180, 0, 256, 0, 256]
    rows = []
    for picture in pictures:
        hsv = cv2.cvtColor(_shrunk(picture, 128), cv2.COLOR_RGB2HSV)
        counts = cv2.calcHist([hsv], [0, 1, 2], None, list(HISTOGRAM_BINS), ranges)
        rows.append(np.sqrt(counts.ravel()))
    return np.stack(rows)


def _dct(pictures: Sequence[UInt8Array]) -> Vectors:
    """Low frequencies of luma without the mean: the dot product is the correlation of thumbnails."""
    rows = []
    for picture in pictures:
        luma = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
        small = cv2.resize(luma, (DCT_SIZE, DCT_SIZE), interpolation=cv2.INTER_AREA)
        low = cv2.dct(small.astype(np.float32))[:DCT_KEPT, :DCT_KEPT].ravel()[1:]
        rows.append(np.where(np.abs(low) < 1.0, 0.0, low))  # a flat picture's noise is not a shape
    return np.stack(rows).astype(np.float32)


def _shrunk(picture: UInt8Array, side: int) -> UInt8Array:
    return np.asarray(cv2.resize(picture, (side, side), interpolation=cv2.INTER_AREA), np.uint8)


def _clip(pictures: Sequence[UInt8Array]) -> Vectors:
    from mirabench.features.frame_embeddings import clip_tower, embed_with
    from mirabench.nets import preprocess  # extra `torch`

    network = embed_with(clip_tower("ViT-B/32"), preprocess.for_clip, "fp32")
    return np.concatenate([network(picture[None]) for picture in pictures])


def _dinov2(pictures: Sequence[UInt8Array], name: str) -> Vectors:
    import torch  # extra `torch`

    from mirabench.features.networks import running

    processor, model = _loaded_dinov2(name)
    inputs = processor(images=list(pictures), return_tensors="pt")
    with running("fp32") as device:
        model.to(device)
        states = model(**inputs.to(device)).last_hidden_state  # (N, 1 + patches, D)
        rows: Vectors = states[:, 0].to(torch.float32).cpu().numpy().copy()  # not the patches too
    return rows


@cache
def _loaded_dinov2(name: str) -> tuple[Any, Any]:
    """The preprocessing and the network; never downloads.

    Raises:
        MissingExtraError: transformers is not installed.
        WeightsMissingError: the weights are not in the hub's cache.
    """
    return loaded(name, "AutoImageProcessor"), loaded(name, "AutoModel")


_EMBEDDERS: dict[str, Callable[[Sequence[UInt8Array]], Vectors]] = {
    "histogram": _histogram,
    "dct": _dct,
    "clip": _clip,
}
