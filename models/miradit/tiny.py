"""A toy of the whole pipeline that trains on two CPU cores, and clips of shapes to train it on.

Its autoencoder is arithmetic (a thumbnail), its text encoder a small T5 with random, frozen
weights, its tokenizer a list of words: nothing is downloaded. It shows that the training code
works, not what the method can do.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import tokenizers
import torch
from transformers import PreTrainedTokenizerFast, T5Config, T5EncoderModel

from mirabench.video.encode import write_video
from miradit.pipeline import MiraDiTPipeline
from miradit.schedule import ScaledDDIMScheduler
from miradit.transformer import MiraDiT
from miradit.vae import Thumbnail

COLOURS = {"red": (220, 40, 40), "green": (40, 180, 60), "blue": (50, 80, 230)}
SHAPES = ("square", "disc")
MOTIONS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}
BACKGROUND = 24
TEXT_WIDTH = 32


def tiny_pipeline(
    captions: Iterable[str], *, num_frames: int, height: int, width: int, seed: int
) -> MiraDiTPipeline:
    """A random pipeline of 0.6 million parameters that knows the words of the captions."""
    words = sorted({word for caption in captions for word in caption.lower().split()})
    tokenizer = word_tokenizer(words)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        encoder = T5EncoderModel(
            T5Config(
                vocab_size=len(tokenizer),
                d_model=TEXT_WIDTH,
                d_kv=8,
                d_ff=64,
                num_layers=1,
                num_heads=4,
                feed_forward_proj="gated-gelu",
                tie_word_embeddings=False,
                is_encoder_decoder=False,
                use_cache=False,
            )
        )
        denoiser = MiraDiT(
            num_frames=num_frames,
            flexible_frames=True,
            num_layers=3,
            num_attention_heads=4,
            attention_head_dim=16,
            caption_channels=TEXT_WIDTH,
        )
        initialise(denoiser)
    scheduler = ScaledDDIMScheduler(scale_end=0.7, eta=0.0)
    return MiraDiTPipeline(
        denoiser, Thumbnail(), encoder.eval(), tokenizer, scheduler, height=height, width=width
    )


@torch.no_grad()
def initialise(denoiser: MiraDiT) -> None:
    """Start as the DiT papers do: every block's gate and the head at zero (adaLN-zero)."""
    torch.nn.init.zeros_(denoiser.proj_out.weight)
    torch.nn.init.zeros_(denoiser.proj_out.bias)
    for name, parameter in denoiser.named_parameters():
        if "blocks." in name and name.endswith("scale_shift_table"):
            torch.nn.init.zeros_(parameter)


def word_tokenizer(words: Iterable[str]) -> PreTrainedTokenizerFast:
    """A tokenizer of whole words, with T5's padding and end marks."""
    vocabulary = ["<pad>", "</s>", "<unk>", *words]
    core = tokenizers.Tokenizer(
        tokenizers.models.WordLevel({w: i for i, w in enumerate(vocabulary)}, unk_token="<unk>")
    )
    core.normalizer = tokenizers.normalizers.Lowercase()
    core.pre_tokenizer = tokenizers.pre_tokenizers.WhitespaceSplit()
    core.post_processor = tokenizers.processors.TemplateProcessing(
        single="$A </s>", special_tokens=[("</s>", 1)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=core, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def render_shape(
    colour: str, shape: str, motion: str, *, frames: int, size: int, seed: int
) -> np.ndarray:
    """A shape that crosses the picture, uint8 RGB (frames, size, size, 3); the seed places it."""
    rng = np.random.default_rng(seed)
    radius = size * rng.uniform(0.14, 0.2)
    direction = np.array(MOTIONS[motion], dtype=float)
    side = rng.uniform(-0.25, 0.25) * size * (direction == 0)
    rows, cols = np.mgrid[:size, :size]
    clip = np.full((frames, size, size, 3), BACKGROUND, dtype=np.uint8)
    for i, at in enumerate(np.linspace(-0.35, 0.35, frames)):
        centre = size / 2 + side + direction * at * size
        apart = np.stack([rows - centre[0], cols - centre[1]])
        distance = np.abs(apart).max(axis=0) if shape == "square" else np.hypot(*apart)
        clip[i][distance < radius] = COLOURS[colour]
    return clip


def write_shapes(folder: Path, count: int, *, frames: int = 16, size: int = 128) -> Path:
    """Clips of moving shapes at 16 frames per second with a table of captions; the table's path."""
    table = folder / "clips.csv"
    folder.mkdir(parents=True, exist_ok=True)
    kinds = [(c, s, m) for c in COLOURS for s in SHAPES for m in MOTIONS]
    with table.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["clip_id", "file_path", "short_caption"])
        for i in range(count):
            colour, shape, motion = kinds[i % len(kinds)]
            name = f"{i:04d}.mp4"
            clip = render_shape(colour, shape, motion, frames=frames, size=size, seed=i)
            write_video(folder / name, clip, fps=16)
            writer.writerow([i, name, f"a {colour} {shape} moves {motion}"])
    return table
