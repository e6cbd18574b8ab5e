"""The pictures from which an image-to-video model starts: one a prompt, in a folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mirabench.errors import InputError
from mirabench.file_digest import sha256_of_folder
from mirabench.inputs.prompts import Prompt

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp")


def digest_of_images(folder: Path) -> str:
    """The sha256 over the names and contents of a folder's files.

    Raises:
        InputError: it is no folder.
    """
    if not folder.is_dir():
        raise InputError(f"option images: {folder} is not a folder")
    return f"sha256:{sha256_of_folder(folder)}"


def first_frame(folder: Path, prompt: Prompt, width: int | None, height: int | None) -> Any:
    """The first frame of a prompt as a PIL image (height, width, 3), cut to the size from its middle.

    Its file is what the prompt's column `image` says, or the prompt's id with the ending of a picture.

    Raises:
        InputError: there is none, or it cannot be read.
    """
    from PIL import Image, ImageOps, UnidentifiedImageError

    path = _path(folder, prompt)
    try:
        picture = ImageOps.exif_transpose(Image.open(path)).convert("RGB")
    except (OSError, UnidentifiedImageError) as error:
        raise InputError(f"cannot read the first frame {path}: {error}") from error
    if width is None or height is None:
        return picture
    return ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)


def _path(folder: Path, prompt: Prompt) -> Path:
    named = prompt.tags.get("image")
    names = [named] if named else [f"{prompt.id}{suffix}" for suffix in SUFFIXES]
    for name in names:
        if (folder / name).is_file():
            return folder / name
    raise InputError(
        f"no first frame of the prompt {prompt.id} in {folder}: there is no {' or '.join(names)}"
    )
