"""Networks of `transformers`, from the hub's cache or a folder; nothing downloads by surprise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirabench.errors import WeightsMissingError
from mirabench.extras import needs_extra


def loaded(name: str, kind: str) -> Any:
    """What one of transformers' `Auto` classes makes of a name.

    Args:
        name: A hub name that is in the cache, or a folder.
        kind: The class: `AutoModel`, `AutoImageProcessor`, ...

    Raises:
        MissingExtraError: transformers is not installed.
        WeightsMissingError: the files are not on this machine; the text names the command.
    """
    with needs_extra("curate", f"{name} needs transformers"):
        import transformers  # extra `curate`
    missing = f"{name} is not on this machine: run `hf download {name}`, or give a folder"
    folder = _folder(name)
    if folder is None:
        raise WeightsMissingError(missing)
    try:  # by its folder: asked by name, transformers looks on the hub for an adapter all the same
        made = getattr(transformers, kind).from_pretrained(folder, local_files_only=True)
    except (OSError, ValueError) as error:
        raise WeightsMissingError(missing) from error
    return made.eval() if hasattr(made, "eval") else made


def require_present(name: str) -> None:
    """Refuse before the work what could not be loaded in it.

    Raises:
        WeightsMissingError: the model is not on this machine; the text names the command.
    """
    if not present(name):
        raise WeightsMissingError(f"{name} is not on this machine: run `hf download {name}`")


def present(name: str) -> bool:
    """Whether a model's configuration is on this machine; loads no weights."""
    return _folder(name) is not None


def _folder(name: str) -> Path | None:
    if Path(name).is_dir():
        return Path(name)
    try:
        from huggingface_hub import try_to_load_from_cache  # extra `curate`
    except ImportError:
        return None
    found = try_to_load_from_cache(name, "config.json")
    return Path(found).parent if isinstance(found, str) else None
