"""Checkpoint files into modules: every released layout is read, every key accounted for."""

from __future__ import annotations

import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from mirabench.errors import WeightsError

State = dict[str, Tensor]

_WRAPPERS = ("state_dict", "model", "params", "module", "extractor")
_NAMES_SHOWN = 3


def read_state(path: Path) -> State:
    """The weights in a checkpoint file, by name, on the CPU.

    Takes plain state dicts, ones inside `state_dict`, `model`, `params`, `module` or `extractor`, ones whose
    every key starts with `module.` (saved from DataParallel), TorchScript archives (OpenAI's CLIP)
    and safetensors files. No code from the file runs, except that of a TorchScript archive.

    Raises:
        WeightsError: the file is damaged or holds something else.
    """
    try:
        loaded = _load(path)
    except (OSError, RuntimeError, EOFError, ValueError, pickle.UnpicklingError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise WeightsError(f"{path} cannot be read as a checkpoint: {reason}") from error
    for wrapper in _WRAPPERS:
        if isinstance(loaded, Mapping) and isinstance(loaded.get(wrapper), Mapping):
            loaded = loaded[wrapper]
    tensors = {k: v for k, v in loaded.items() if isinstance(v, Tensor)} if _is_dict(loaded) else {}
    if not tensors:
        raise WeightsError(f"{path} contains no named weights")
    if all(name.startswith("module.") for name in tensors):
        return {name.removeprefix("module."): value for name, value in tensors.items()}
    return tensors


def load_state(module: nn.Module, state: Mapping[str, Tensor], origin: Path | str) -> None:
    """Copy weights into a module; names and shapes must match exactly.

    Args:
        module: filled in place.
        state: weights by name.
        origin: the file they came from, for the error.

    Raises:
        WeightsError: keys are missing, unknown or of another shape; the text shows a few.
    """
    own = module.state_dict()
    missing = [name for name in own if name not in state]
    unknown = [name for name in state if name not in own]
    other = [name for name in own if name in state and own[name].shape != state[name].shape]
    if missing or unknown or other:
        problems = {"missing": missing, "unknown": unknown, "of another shape": other}
        told = "; ".join(f"{len(v)} {k} ({_some(v)})" for k, v in problems.items() if v)
        raise WeightsError(
            f"{origin} is a checkpoint of another model than {type(module).__name__}: {told}"
        )
    module.load_state_dict(state, strict=True)


def _load(path: Path) -> Any:
    if path.suffix == ".safetensors":
        from safetensors.torch import load_file  # part of the extra, like torch itself

        return load_file(path)
    if _is_torchscript(path):
        return torch.jit.load(path, map_location="cpu").state_dict()  # type: ignore[no-untyped-call]  # torch leaves it so
    # Mapped, a large file is not in memory twice; files from before torch 1.6 cannot be.
    mapped = zipfile.is_zipfile(path)
    return torch.load(path, map_location="cpu", weights_only=True, mmap=mapped)


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("/constants.pkl") for name in archive.namelist())


def _is_dict(loaded: object) -> bool:
    return isinstance(loaded, Mapping) and all(isinstance(name, str) for name in loaded)


def _some(names: list[str]) -> str:
    return ", ".join(names[:_NAMES_SHOWN]) + (", ..." if len(names) > _NAMES_SHOWN else "")
