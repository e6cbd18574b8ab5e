"""Released .pt files to a diffusers folder: streamed, every key explained.

A released file is the whole training module: denoiser, autoencoder and Flan-T5, 11.8 or 23.7 GB. It
is mapped, not read: one tensor at a time goes from the map to the safetensors file of its part, and
the map is renewed after each gigabyte so that its pages do not pile up in memory.
"""

from __future__ import annotations

import json
import logging
import pickle
import struct
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from diffusers import AutoencoderKLTemporalDecoder
from torch import Tensor
from transformers import PreTrainedTokenizerBase, T5Config, T5EncoderModel

from mirabench.errors import OutputError, WeightsError
from mirabench.files import replacing
from miradit.pipeline import MiraDiTPipeline
from miradit.registry import Release
from miradit.schedule import ScaledDDIMScheduler
from miradit.transformer import RECOMPUTED, MiraDiT, explain_keys, infer_config
from miradit.vae import diffusers_name, diffusers_tensor, infer_vae_config, quant_conv

CONTAINERS = ("module", "state_dict", "ema")
"""Where the weights are: DeepSpeed's files, Lightning's, a bare denoiser; else at the top."""
WRAPPER = "_forward_module."
PREFIXES = {
    "denoiser": "model.diffusion_model.",
    "vae": "first_stage_model.",
    "text_encoder": "cond_stage_model.transformer.",
}
_POSTERIOR = ("variance", "log_variance_clipped", "mean_coef1", "mean_coef2")
_ROOTS = ("", "_one_minus", "_recip", "_recipm1")
SCHEDULE_BUFFERS = frozenset(
    {"betas", "alphas_cumprod", "alphas_cumprod_prev", "log_one_minus_alphas_cumprod", "scale_arr"}
    | {f"sqrt{kind}_alphas_cumprod" for kind in _ROOTS}
    | {f"posterior_{kind}" for kind in _POSTERIOR}
)
"""Ignored: half-precision files hold them in half, 14 % off at t = 1; they are computed again."""
TIED_EMBEDDING = "encoder.embed_tokens.weight"
MAP_BYTES = 2**30

Shape = tuple[int, ...]
log = logging.getLogger(__name__)


class Checkpoint:
    """The tensors of a .pt file by their reference names, read one at a time.

    Raises:
        WeightsError: the file is truncated, holds more than tensors, or is not a checkpoint.
    """

    def __init__(self, path: Path, *, map_bytes: int = MAP_BYTES) -> None:
        self._path, self._limit, self._seen = path, map_bytes, 0
        self._tensors = self._open()
        if not self._tensors:
            raise WeightsError(f"{path} holds no tensors: use a checkpoint of Mira-v0 or Mira-v1")
        self.shapes = {key: tuple(value.shape) for key, value in self._tensors.items()}
        self.dtypes = {key: value.dtype for key, value in self._tensors.items()}

    def read(self, key: str) -> Tensor:
        """One tensor; it must not be kept beyond the next call."""
        if self._seen > self._limit:
            self._tensors, self._seen = self._open(), 0
        tensor = self._tensors[key]
        self._seen += tensor.numel() * tensor.element_size()
        return tensor

    def _open(self) -> dict[str, Tensor]:
        content = _load(self._path)
        for name in CONTAINERS:
            if isinstance(content.get(name), Mapping):
                content = content[name]
                break
        return {
            key.removeprefix(WRAPPER): value
            for key, value in content.items()
            if isinstance(value, Tensor)
        }


def _load(path: Path) -> Mapping[str, Any]:
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
        if not zipped:
            raise WeightsError(
                f"{path} is not a zipped PyTorch checkpoint: use a file of Mira-v0 or v1"
            )
        if not zipfile.is_zipfile(path):
            raise WeightsError(
                f"{path} is truncated: it ends after {path.stat().st_size} bytes without its index; "
                "download it again (mirabench weights verifies it)"
            )
        content = torch.load(path, map_location="cpu", mmap=True, weights_only=True)
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except (RuntimeError, pickle.UnpicklingError, EOFError) as error:
        reason = str(error).splitlines()[0]
        raise WeightsError(f"{path} is damaged or holds more than tensors: {reason}") from error
    if not isinstance(content, Mapping):
        raise WeightsError(f"{path} holds a {type(content).__name__}, not a table of tensors")
    return content


@dataclass(frozen=True)
class Part:
    """One network of the file, on its way to its folder."""

    name: str
    """Folder, and name in the pipeline."""
    file: str
    """Its safetensors file."""
    model: Any
    """The network without memory (meta device), which knows its configuration."""
    shapes: Mapping[str, Shape]
    """What to store: parameter name -> shape."""
    sources: Mapping[str, str]
    """Parameter name -> key in the checkpoint."""
    added: Mapping[str, Tensor] = field(default_factory=dict)
    """Parameters that the checkpoint lacks."""


def convert(
    path: Path,
    output: Path,
    release: Release,
    *,
    dtype: torch.dtype | None = None,
    tokenizer: PreTrainedTokenizerBase | None = None,
    denoiser_only: bool = False,
) -> None:
    """Write a checkpoint as a folder that `MiraDiTPipeline.from_pretrained` loads.

    Args:
        path: The .pt file.
        output: The folder; files of the same name in it are replaced.
        release: What the weights cannot tell.
        dtype: Float type to store; None keeps the file's.
        tokenizer: Flan-T5's, saved beside the text encoder.
        denoiser_only: Write only the denoiser, from a file that may hold nothing else.

    Raises:
        WeightsError: the file is damaged, or a key in it is not explained.
        OutputError: the folder cannot be written.
    """
    checkpoint = Checkpoint(path)
    parts = plan_parts(checkpoint, release, denoiser_only=denoiser_only)
    metadata = {
        "format": "pt",
        "source": path.name,
        "release": release.name,
        "num_frames": str(release.num_frames),
        "text_spatial_cond": str(release.text_spatial_cond).lower(),
        "scale_end": str(release.scale_end),
        "nominal_fps": "6",
    }
    try:
        for part in parts:
            log.info("writing %s: %d tensors", part.name, len(part.sources) + len(part.added))
            folder = output / part.name
            folder.mkdir(parents=True, exist_ok=True)
            if isinstance(part.model, T5EncoderModel):
                part.model.config.save_pretrained(folder)
            else:
                part.model.save_config(folder)
            entries = [_entry(part, key, checkpoint, dtype) for key in part.shapes]
            write_safetensors(folder / part.file, entries, metadata)
        if not denoiser_only:
            _save_pipeline(output, {part.name: part.model for part in parts}, release, tokenizer)
    except OSError as error:
        raise OutputError.writing(output, error) from error


def plan_parts(
    checkpoint: Checkpoint, release: Release, *, denoiser_only: bool = False
) -> list[Part]:
    """Where every tensor goes.

    Raises:
        WeightsError: a key that belongs nowhere, or a part that is not complete.
    """
    shapes = _by_part(checkpoint.shapes)
    for key, dtype in checkpoint.dtypes.items():
        if not dtype.is_floating_point and key not in SCHEDULE_BUFFERS:
            raise WeightsError(
                f"{key} is {dtype}: MiraDiT takes floating-point weights, not quantised ones"
            )
    parts = [_denoiser_part(shapes["denoiser"], release)]
    if denoiser_only:
        return parts
    for name in ("vae", "text_encoder"):
        if not shapes[name]:
            raise WeightsError(
                f"the checkpoint holds no {name} (keys {PREFIXES[name]}*): "
                "convert it with --denoiser-only, or use a released file"
            )
    first = next(key for key in checkpoint.dtypes if key.startswith(PREFIXES["vae"]))
    return [
        *parts,
        _vae_part(shapes["vae"], checkpoint.dtypes[first]),
        _text_part(shapes["text_encoder"]),
    ]


def _by_part(shapes: Mapping[str, Shape]) -> dict[str, dict[str, Shape]]:
    found: dict[str, dict[str, Shape]] = {name: {} for name in PREFIXES}
    if not any(key.startswith(tuple(PREFIXES.values())) for key in shapes):
        found["denoiser"] = dict(shapes)
        return found
    unknown = []
    for key, shape in shapes.items():
        name = next((n for n, prefix in PREFIXES.items() if key.startswith(prefix)), None)
        if name is not None:
            found[name][key] = shape
        elif key not in SCHEDULE_BUFFERS:
            unknown.append(key)
    if unknown:
        raise WeightsError(
            f"{len(unknown)} keys belong to no part of MiraDiT ({', '.join(unknown[:3])}): "
            "use a checkpoint of Mira-v0 or Mira-v1"
        )
    return found


def _denoiser_part(shapes: Mapping[str, Shape], release: Release) -> Part:
    sources = {key.removeprefix(PREFIXES["denoiser"]): key for key in shapes}
    sources = {name: key for name, key in sources.items() if name not in RECOMPUTED}
    named = {name: shapes[key] for name, key in sources.items()}
    config = infer_config(named)
    if config["out_channels"] != release.out_channels:
        raise WeightsError(
            f"the denoiser puts out {config['out_channels']} channels, {release.name} has "
            f"{release.out_channels}: this is another release's file; name it with --release"
        )
    with torch.device("meta"):
        model = MiraDiT(
            **config,
            num_frames=release.num_frames,
            text_spatial_cond=release.text_spatial_cond,
        )
    wanted = _shapes(model)
    explain_keys(named, wanted, what="denoiser")
    return Part("denoiser", "diffusion_pytorch_model.safetensors", model, wanted, sources)


def _vae_part(shapes: Mapping[str, Shape], dtype: torch.dtype) -> Part:
    sources = {diffusers_name(key.removeprefix(PREFIXES["vae"])): key for key in shapes}
    named = {
        name: tuple(diffusers_tensor(name, torch.empty(shapes[key], device="meta")).shape)
        for name, key in sources.items()
    }
    with torch.device("meta"):
        model = AutoencoderKLTemporalDecoder(**infer_vae_config(named))
    added = quant_conv(model.config.latent_channels, dtype)
    wanted = _shapes(model)
    explain_keys(named | {k: tuple(v.shape) for k, v in added.items()}, wanted, what="vae")
    return Part("vae", "diffusion_pytorch_model.safetensors", model, wanted, sources, added)


def _text_part(shapes: Mapping[str, Shape]) -> Part:
    sources = {key.removeprefix(PREFIXES["text_encoder"]): key for key in shapes}
    named = {name: shapes[key] for name, key in sources.items()}
    with torch.device("meta"):
        model = T5EncoderModel(infer_t5_config(named))
    # tied in two places, stored in one
    wanted = {name: shape for name, shape in _shapes(model).items() if name != TIED_EMBEDDING}
    explain_keys(named, wanted, what="text encoder", allowed=frozenset({TIED_EMBEDDING}))
    return Part("text_encoder", "model.safetensors", model, wanted, sources)


def infer_t5_config(shapes: Mapping[str, Shape]) -> T5Config:
    """A Flan-T5 encoder's sizes from the shapes of its weights.

    Raises:
        WeightsError: the keys that tell are missing.
    """
    first = "encoder.block.0.layer"
    try:
        words, width = shapes["shared.weight"]
        heads = shapes[f"{first}.0.SelfAttention.relative_attention_bias.weight"][1]
        inner = shapes[f"{first}.0.SelfAttention.q.weight"][0]
        hidden = shapes[f"{first}.1.DenseReluDense.wi_0.weight"][0]
    except (KeyError, ValueError, IndexError) as error:
        raise WeightsError(f"the text encoder is not a Flan-T5: {error} is missing") from error
    layers = {key.split(".")[2] for key in shapes if key.startswith("encoder.block.")}
    return T5Config(
        vocab_size=words,
        d_model=width,
        d_kv=inner // heads,
        d_ff=hidden,
        num_layers=len(layers),
        num_heads=heads,
        feed_forward_proj="gated-gelu",
        tie_word_embeddings=False,
        is_encoder_decoder=False,
        use_cache=False,
    )


def _shapes(model: torch.nn.Module) -> dict[str, Shape]:
    return {key: tuple(value.shape) for key, value in model.state_dict().items()}


@dataclass(frozen=True)
class Entry:
    """One tensor to write."""

    name: str
    shape: Shape
    dtype: torch.dtype
    source: Iterable[Tensor]
    """Yields the tensor when it is its turn."""


def _entry(part: Part, name: str, checkpoint: Checkpoint, dtype: torch.dtype | None) -> Entry:
    shape = part.shapes[name]
    if name in part.added:
        value = part.added[name]
        return Entry(name, shape, dtype or value.dtype, (value,))
    key = part.sources[name]

    def read() -> Iterator[Tensor]:
        value = checkpoint.read(key)
        yield diffusers_tensor(name, value) if part.name == "vae" else value

    return Entry(name, shape, dtype or checkpoint.dtypes[key], read())


_DTYPE_NAMES = {
    torch.float64: "F64",
    torch.float32: "F32",
    torch.float16: "F16",
    torch.bfloat16: "BF16",
}


def write_safetensors(path: Path, entries: list[Entry], metadata: Mapping[str, str]) -> None:
    """A safetensors file, written tensor by tensor and put in place when it is complete.

    `safetensors.torch.save_file` would need all of them in memory at once.
    """
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    offset = 0
    for entry in entries:
        size = entry.dtype.itemsize * int(torch.Size(entry.shape).numel())
        header[entry.name] = {
            "dtype": _DTYPE_NAMES[entry.dtype],
            "shape": list(entry.shape),
            "data_offsets": [offset, offset + size],
        }
        offset += size
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # the format wants its data aligned
    with replacing(path) as part, part.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for entry in entries:
            for tensor in entry.source:
                flat = tensor.to(entry.dtype).contiguous().reshape(-1)
                file.write(flat.view(torch.uint8).numpy().data)


def _save_pipeline(
    output: Path,
    models: Mapping[str, Any],
    release: Release,
    tokenizer: PreTrainedTokenizerBase | None,
) -> None:
    scheduler = ScaledDDIMScheduler(scale_end=release.scale_end)
    scheduler.save_pretrained(output / "scheduler")
    if tokenizer is not None:
        tokenizer.save_pretrained(output / "tokenizer")
    pipeline = MiraDiTPipeline(
        models["denoiser"],
        models["vae"],
        models["text_encoder"],
        tokenizer,
        scheduler,
        height=release.height,
        width=release.width,
    )
    pipeline.save_config(output)
