"""Frames into what each network was trained on, exactly as the reference evaluation does it.

Pure functions from uint8 RGB (N, H, W, 3) to float32 (N, 3, h, w). Every resize names its filter:
PIL's are antialiased and round to whole levels; torch's `interpolate` is not and does not.
"""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import InterpolationMode
from torchvision.transforms import functional as tv

Frames = NDArray[np.uint8]

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)

_BILINEAR, _BICUBIC = Image.Resampling.BILINEAR, Image.Resampling.BICUBIC


def to_tensor(frames: Frames) -> Tensor:
    """(N, H, W, 3) uint8 to (N, 3, H, W) uint8, contiguous."""
    return torch.from_numpy(np.ascontiguousarray(frames.transpose(0, 3, 1, 2)))


def for_dino(frames: Frames) -> Tensor:
    """Short side 224, PIL bilinear, no crop, ImageNet's normalisation."""
    return _normalised(_pil_resized(frames, _short_side(frames, 224), _BILINEAR), "imagenet")


def for_clip(frames: Frames) -> Tensor:
    """Short side 224, PIL bicubic, centre crop 224x224, CLIP's normalisation."""
    resized = _pil_resized(frames, _short_side(frames, 224), _BICUBIC)
    return _normalised(tv.center_crop(resized, [224, 224]), "clip")


def for_viclip(frames: Frames, *, antialias: bool = True) -> Tensor:
    """Short side 224, torchvision's bicubic on tensors, centre crop, CLIP's normalisation.

    Args:
        frames: uint8 RGB (N, H, W, 3).
        antialias: on since torchvision 0.17; the reference's README pins 0.13, which had none.
    """
    width, height = _short_side(frames, 224)
    resized = tv.resize(
        to_tensor(frames), [height, width], InterpolationMode.BICUBIC, antialias=antialias
    )
    return _normalised(tv.center_crop(resized, [224, 224]), "clip")


def for_musiq(frames: Frames, *, antialias: bool = True) -> Tensor:
    """Longer side at most 512, torchvision's bilinear on float tensors, then [0, 1]."""
    height, width = frames.shape[1:3]
    images = to_tensor(frames).float()
    if max(height, width) > 512:
        scale = 512.0 / max(height, width)
        size = [int(scale * height), int(scale * width)]
        images = tv.resize(images, size, InterpolationMode.BILINEAR, antialias=antialias)
    return images / 255


def for_i3d(frames: Frames) -> Tensor:
    """Squashed to 224x224, bilinear without antialias, [-1, 1]."""
    images = F.interpolate(
        to_tensor(frames).float(), (224, 224), mode="bilinear", align_corners=False
    )
    return images / 255 * 2 - 1


def squashed(frames: Frames, side: int) -> Tensor:
    """Squashed to side x side, torch's bilinear with antialias, [0, 1]."""
    images = F.interpolate(
        to_tensor(frames).float(),
        (side, side),
        mode="bilinear",
        align_corners=False,
        antialias=True,
    )
    return images / 255


def imagenet(images: Tensor) -> Tensor:
    """(N, 3, h, w) in [0, 1] normalised by ImageNet's statistics."""
    normalised: Tensor = tv.normalize(images, list(IMAGENET_MEAN), list(IMAGENET_STD))
    return normalised


def for_inception(frames: Frames, *, wrap: bool) -> Tensor:
    """Squashed to 299x299 by PIL bilinear; whole numbers 0..255 as float32.

    Args:
        frames: uint8 RGB (N, H, W, 3).
        wrap: reproduce the reference, which normalises by ImageNet's statistics and then lets
            torchmetrics cast (x * 255) to uint8: most values wrap around modulo 256, as they do on
            x86 (the cast of a negative float is undefined in C). A defect; for parity only.
    """
    images = _pil_resized(frames, (299, 299), _BILINEAR)
    if not wrap:
        return images.float()
    levels = torch.trunc(_normalised(images, "imagenet") * 255).to(torch.int64)
    return levels.remainder(256).float()


def _short_side(frames: Frames, short: int) -> tuple[int, int]:
    """(width, height) with this short side; the long one is cut to a whole number (torchvision)."""
    height, width = frames.shape[1:3]
    if width <= height:
        return short, int(short * height / width)
    return int(short * width / height), short


def _pil_resized(frames: Frames, size: tuple[int, int], how: Image.Resampling) -> Tensor:
    pictures = [np.asarray(Image.fromarray(frame).resize(size, how)) for frame in frames]
    return to_tensor(np.stack(pictures))


def _normalised(images: Tensor, statistics: str) -> Tensor:
    mean, std = (IMAGENET_MEAN, IMAGENET_STD) if statistics == "imagenet" else (CLIP_MEAN, CLIP_STD)
    normalised: Tensor = tv.normalize(images.float() / 255, list(mean), list(std))
    return normalised
