import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import transforms as T
from torchvision.transforms import InterpolationMode

from mirabench.nets import preprocess

CLIP = T.Normalize(preprocess.CLIP_MEAN, preprocess.CLIP_STD)
IMAGENET = T.Normalize(preprocess.IMAGENET_MEAN, preprocess.IMAGENET_STD)


@pytest.fixture(params=[(240, 384), (300, 200), (224, 224)], ids=["wide", "tall", "square"])
def frames(request):
    return np.random.default_rng(0).integers(0, 256, (2, *request.param, 3), dtype=np.uint8)


def through_pil(frames, *steps):
    """What the reference does: PIL pictures through torchvision's transforms."""
    return torch.stack([T.Compose(steps)(Image.fromarray(frame)) for frame in frames])


def test_dino(frames):
    expected = through_pil(frames, T.Resize(224), T.ToTensor(), IMAGENET)
    assert torch.equal(preprocess.for_dino(frames), expected)


def test_clip(frames):
    bicubic = T.Resize(224, InterpolationMode.BICUBIC)
    expected = through_pil(frames, bicubic, T.CenterCrop(224), T.ToTensor(), CLIP)
    assert torch.equal(preprocess.for_clip(frames), expected)


@pytest.mark.parametrize("antialias", [True, False])
def test_viclip(frames, antialias):
    resize = T.Resize(224, InterpolationMode.BICUBIC, antialias=antialias)
    images = T.CenterCrop(224)(resize(torch.from_numpy(frames).permute(0, 3, 1, 2)))
    expected = CLIP(images.float().div(255.0))
    assert torch.equal(preprocess.for_viclip(frames, antialias=antialias), expected)


def test_musiq_keeps_small_pictures(frames):
    expected = torch.from_numpy(frames).permute(0, 3, 1, 2) / 255.0
    assert torch.equal(preprocess.for_musiq(frames), expected)


def test_musiq_brings_the_longer_side_to_512():
    frames = np.zeros((1, 626, 1001, 3), dtype=np.uint8)
    assert preprocess.for_musiq(frames).shape == (1, 3, 320, 512)


def test_i3d(frames):
    images = preprocess.for_i3d(frames)
    assert images.shape == (2, 3, 224, 224)
    assert images.min() >= -1 and images.max() <= 1
    black = np.zeros_like(frames)
    assert torch.allclose(preprocess.for_i3d(black), torch.tensor(-1.0))
    assert torch.allclose(preprocess.for_i3d(black + 255), torch.tensor(1.0), atol=1e-5)


def test_inception(frames):
    images = preprocess.for_inception(frames, wrap=False)
    expected = through_pil(frames, T.Resize((299, 299)), T.PILToTensor())
    assert torch.equal(images, expected.float())


def test_inception_with_the_references_wrapped_levels():
    # 255 normalises to (1 - 0.485) / 0.229 = 2.2489; times 255 is 573.47; 573 modulo 256 is 61.
    white = np.full((1, 299, 299, 3), 255, dtype=np.uint8)
    assert preprocess.for_inception(white, wrap=True)[0, 0, 0, 0] == 61
    # 0 gives -2.1179, times 255 -540.07; -540 modulo 256 is 228.
    assert preprocess.for_inception(white * 0, wrap=True)[0, 0, 0, 0] == 228


def test_frames_are_not_changed(frames):
    before = frames.copy()
    for prepare in (preprocess.for_dino, preprocess.for_clip, preprocess.for_musiq):
        prepare(frames)
    assert np.array_equal(frames, before)
