"""Frozen networks run once: latents of every clip and tokens of every caption, on disk.

The autoencoder's encoder sees single frames, so a file's frames are encoded once and any stride
and start can be cut out later. Posteriors are stored, not samples: training samples them anew.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from einops import rearrange
from safetensors.torch import load_file, save_file
from torch import Tensor

from mirabench.errors import VideoError
from mirabench.files import replacing
from miradit.data import Clip, Fault, Sample, read_video
from miradit.pipeline import MiraDiTPipeline
from miradit.text import encode_prompts

log = logging.getLogger(__name__)


class Cache:
    """A folder of latents and text tokens of one pipeline's frozen networks."""

    def __init__(self, folder: Path, pipeline: MiraDiTPipeline) -> None:
        self._folder, self._pipeline = folder, pipeline
        self._vae_id, self._text_id = fingerprint(pipeline.vae), fingerprint(pipeline.text_encoder)
        folder.mkdir(parents=True, exist_ok=True)

    def add_clips(
        self, clips: Iterable[Clip], sizes: Sequence[tuple[int, int]], min_frames: int
    ) -> tuple[list[tuple[Clip, Path]], list[Fault]]:
        """Encode what is not there yet; the cached clips, and those that cannot be used."""
        done: list[tuple[Clip, Path]] = []
        faults: list[Fault] = []
        for clip in clips:
            try:
                path = self._clip(clip, sizes)
            except VideoError as error:
                faults.append(Fault(str(clip.path), f"unreadable file: {error}"))
                continue
            frames = frame_shape(path)[0]
            if frames < min_frames:
                faults.append(Fault(str(clip.path), f"too short: {frames} of {min_frames} frames"))
            else:
                done.append((clip, path))
        return done, faults

    def add_texts(self, texts: Iterable[str]) -> None:
        """Encode captions that are not there yet."""
        for text in texts:
            path = self._text_path(text)
            if not path.is_file():
                pipeline = self._pipeline
                tokens = encode_prompts(pipeline.tokenizer, pipeline.text_encoder, [text])
                _save({"tokens": tokens[0].cpu()}, path)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Tokens (B, 77, C) of cached captions."""
        return torch.stack([load_file(self._text_path(text))["tokens"] for text in texts])

    def _text_path(self, text: str) -> Path:
        return self._folder / f"text-{_digest(text, self._text_id)}.safetensors"

    @torch.no_grad()
    def _clip(self, clip: Clip, sizes: Sequence[tuple[int, int]]) -> Path:
        stat = clip.path.stat()
        identity = f"{clip.path.resolve()} {stat.st_size} {stat.st_mtime_ns} {sorted(sizes)}"
        path = self._folder / f"clip-{_digest(identity, self._vae_id)}.safetensors"
        if not path.is_file():
            log.debug("encoding %s", clip.path)
            video = read_video(clip.path, sizes)
            vae = self._pipeline.vae
            parts = [
                vae.encode(part.to(vae.device, vae.dtype)).latent_dist.parameters.cpu().half()
                for part in video.parts
            ]
            _save({"moments": torch.cat(parts), "fps": torch.tensor(video.fps)}, path)
        return path


def read_sample(clip: Clip, path: Path) -> Sample:
    """A cached clip with its captions."""
    stored = load_file(path)
    return Sample(stored["moments"], float(stored["fps"]), clip.captions)


def frame_shape(path: Path) -> tuple[int, ...]:
    """Frames, channels, rows and columns of a cached clip."""
    return tuple(load_file(path)["moments"].shape)


def fingerprint(model: Any) -> str:
    """What a cache depends on: configuration and parameters (of large ones, a part) of a network."""
    config = model.config if isinstance(model.config, dict) else model.config.to_dict()
    # keys with an underscore say where the network was loaded from
    settings = sorted((key, str(value)) for key, value in config.items() if key[0] != "_")
    digest = hashlib.sha256(str(settings).encode())
    for name, value in sorted(model.state_dict().items())[:8]:
        head = rearrange(value.detach(), "... -> (...)")[:4096].float().cpu()
        digest.update(name.encode() + head.numpy().tobytes())
    return digest.hexdigest()


def _digest(*parts: str) -> str:
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:24]


def _save(tensors: dict[str, Tensor], path: Path) -> None:
    with replacing(path) as part:
        save_file({key: value.contiguous() for key, value in tensors.items()}, part)
