"""Loading a pipeline of diffusers, once a process, in the precision and on the device asked for."""

from __future__ import annotations

import contextlib
import importlib
import json
import warnings
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, get_args

from mirabench.errors import InputError, UnknownNameError
from mirabench.extras import needs_extra
from mirabench.generators.presets import Dtype, Offload


class Settings(NamedTuple):
    """What loading needs to know; see `Diffusers` for their meanings."""

    model: str
    revision: str
    pipeline: str | None
    dtype: Dtype
    dtypes: str | None
    device: str
    offload: Offload
    tiling: bool
    flow_shift: float | None
    guidance: float | None


def library() -> Any:
    """Diffusers itself.

    Raises:
        MissingExtraError: it or torch is not installed.
    """
    with needs_extra("dit", "running a diffusers pipeline needs diffusers"):
        import diffusers  # extra `dit`
        import torch  # noqa: F401
    return diffusers


def folder_of(settings: Settings) -> Path:
    """Where the pipeline lies: the folder named, or the hub's snapshot, whose name is its commit.

    Raises:
        InputError: the folder holds none, or the hub does not have it.
    """
    folder = Path(settings.model)
    if folder.is_dir():
        if not (folder / "model_index.json").is_file():
            raise InputError(f"option model: {folder} holds no pipeline (no model_index.json)")
        return folder
    try:
        found = library().DiffusionPipeline.download(
            settings.model, revision=settings.revision or None
        )
    except Exception as error:  # the hub's errors are many; each means that the model is not there
        first = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise InputError(
            f"option model: {settings.model} is not a folder and does not come from the hub ({first})"
        ) from error
    return Path(found)


@cache
def loaded(settings: Settings) -> Any:
    """The loaded pipeline; once a process."""
    folder = folder_of(settings)
    kind = _kind(folder, settings.pipeline)
    with warnings.catch_warnings():
        # its new name, `dtype`, is silently ignored by diffusers before 0.40
        warnings.filterwarnings("ignore", ".*torch_dtype.*", FutureWarning)
        pipeline = kind.from_pretrained(folder, torch_dtype=_dtypes(settings, folder))
    pipeline.set_progress_bar_config(disable=True)
    if settings.tiling:
        pipeline.vae.enable_tiling()
    if settings.flow_shift is not None:
        pipeline.scheduler = _shifted(pipeline.scheduler, settings.flow_shift)
    if settings.guidance is not None and guided_by_part(pipeline):
        pipeline.guider = pipeline.guider.new(guidance_scale=settings.guidance)
    _place(pipeline, settings)
    return pipeline


def guided_by_part(pipeline: Any) -> bool:
    """Whether its guidance is a part of it, as in HunyuanVideo-1.5, and no argument of its call."""
    return hasattr(getattr(pipeline, "guider", None), "guidance_scale")


def _place(pipeline: Any, settings: Settings) -> None:
    device = _device(settings.device)
    if settings.offload == "model" and device != "cpu":
        pipeline.enable_model_cpu_offload(device=device)
    elif settings.offload == "sequential" and device != "cpu":
        pipeline.enable_sequential_cpu_offload(device=device)
    else:
        pipeline.to(device)


def _dtypes(settings: Settings, folder: Path) -> Any:
    """One dtype, or one a part, as diffusers takes them."""
    import torch  # extra `dit`

    usual = getattr(torch, settings.dtype)
    if not settings.dtypes:
        return usual
    parts = _index(folder)
    found = {"default": usual}
    for text in settings.dtypes.split(","):
        part, _, dtype = text.strip().partition(":")
        if part not in parts:
            raise UnknownNameError(f"part of {settings.model} in the option dtypes", part, parts)
        if dtype not in get_args(Dtype):
            raise UnknownNameError(
                f"precision of {part} in the option dtypes", dtype, get_args(Dtype)
            )
        found[part] = getattr(torch, dtype)
    return found


def _shifted(scheduler: Any, shift: float) -> Any:
    """The same scheduler with another shift; its classes have two names for it."""
    for name in ("flow_shift", "shift"):
        if name in scheduler.config:
            return type(scheduler).from_config(scheduler.config, **{name: shift})
    raise InputError(f"option flow_shift: {type(scheduler).__name__} has no shift; leave it out")


def _index(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "model_index.json").read_text(encoding="utf-8"))
    return found


def _kind(folder: Path, asked: str | None) -> Any:
    """The class that loads a folder: the one asked for, its own, or one of a package of its parts."""
    diffusers = library()
    if asked:
        if not hasattr(diffusers, asked):
            raise InputError(
                f"option pipeline: diffusers {diffusers.__version__} has no class {asked}"
            )
        return getattr(diffusers, asked)
    index = _index(folder)
    name = index.get("_class_name")
    if not isinstance(name, str) or hasattr(diffusers, name):
        return diffusers.DiffusionPipeline
    parts = [value[0] for value in index.values() if isinstance(value, list) and value]
    packages = {str(part).partition(".")[0] for part in parts if part}
    for package in sorted(packages - {"diffusers", "transformers"}):
        with contextlib.suppress(ImportError):
            if kind := getattr(importlib.import_module(package), name, None):
                return kind
    raise InputError(
        f"option model: {folder} is a {name}, which neither diffusers nor an installed package of its "
        "parts has; install the package that it comes from"
    )


def _device(name: str) -> str:
    import torch  # extra `dit`

    if name != "auto":
        return name
    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"
