r"""Writing files so that a reader, or a run that is killed, never meets half of one.

Everything is written beside its place under another name, flushed to the disk and renamed. Text is UTF-8 with
`\n` line ends. A file name may hold bytes that are not UTF-8; Python keeps such a byte as a lone surrogate, and
it is written as its escape: `caf\udce9.webm`. Within JSON that is JSON's own escape, so whoever reads the file
gets the exact name back; elsewhere it is what people read.
"""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from mirabench.errors import OutputError

_TEMPORARY = re.compile(r"\.(\d{1,10})\.[0-9a-f]{8}\.part(?:\..*)?", re.DOTALL)
_ESCAPE = re.compile(r"\\u(dc[89a-f][0-9a-f])")
_UNREADABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]"
    "|\\\\(?=[\\\\u\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff])"
)
"""What becomes an escape, and a backslash before one or before what would read as one."""
READY = ".replacing"
"""Below a folder: a whole set of files that is being put in place. Only a kill leaves it behind."""
CLOCK_SLACK = 60.0
"""Seconds by which a file server's clock may be off this machine's."""
LONGEST_SUFFIX = 16
"""Bytes of a suffix that the temporary name keeps: writers choose the format by it."""


def write_text(path: Path, text: str) -> None:
    """Write a text file in one step; folders on the way are made.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    write_bytes(path, encoded(text))


def write_bytes(path: Path, data: bytes, *, flush: bool = True) -> None:
    """Write a file in one step; folders on the way are made.

    Args:
        path: The file.
        data: All of it.
        flush: Whether it must survive a power cut, which costs a wait for the disk.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    with replacing(path, flush=flush) as part:
        part.write_bytes(data)


@contextmanager
def replacing(path: Path, *, flush: bool = True) -> Iterator[Path]:
    """A name beside `path`, with its suffix, for a writer of its own; renamed when the block ends well.

    When the block raises, what it wrote is removed and an older file at `path` stays.

    Args:
        path: The file.
        flush: Whether it must survive a power cut, which costs a wait for the disk.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    part = path.with_name(_temporary_name(path))
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        if flush:
            put_in_place(part, path)
        else:
            part.replace(path)
    except OSError as error:
        raise OutputError.writing(path, error) from error
    finally:
        with suppress(OSError):
            part.unlink(missing_ok=True)


def put_in_place(part: Path, path: Path) -> None:
    """Give a finished file of the same folder its name, so that name and bytes survive a power cut.

    Raises:
        OSError: the folder is not writable, or the disk is full.
    """
    _flush(part)
    part.replace(path)
    _flush_folder(path.parent)


def replace_folder(part: Path, folder: Path) -> None:
    """Give a finished folder its name, so that name and bytes survive a power cut; an older one goes.

    A kill between the two renames leaves both of them whole, under other names.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    try:
        _flush_tree(part, _files_below(part))
        old = folder.with_name(_temporary_name(Path()))
        if folder.exists():
            folder.replace(old)
        part.replace(folder)
        _flush_folder(folder.parent)
        shutil.rmtree(old, ignore_errors=True)
    except OSError as error:
        raise OutputError.writing(folder, error) from error


@contextmanager
def replacing_together(folder: Path) -> Iterator[Path]:
    """A folder aside for files that belong together; all take their places when the block ends well.

    Files of subfolders come first, so that what refers to them comes after them. When the block raises, or a
    step after it, the older files are in place as they were and nothing else remains. A kill while the block
    writes changes nothing. A kill while files are put in place, which is a few renames, leaves each of them
    whole, some of them older, and `finish_replacing` completes the set. For one writer at a time: whoever
    calls holds the folder's lock.

    Raises:
        OutputError: the folder is not writable, or the disk is full.
    """
    aside = folder / _temporary_name(Path())
    try:
        finish_replacing(folder)
        (aside / "new").mkdir(parents=True)
        yield aside / "new"
        _put_in_place(aside, folder)
    except OSError as error:
        raise OutputError.writing(folder, error) from error
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def finish_replacing(folder: Path) -> None:
    """Complete what a killed `replacing_together` began to put in place, and remove what it wrote aside.

    Raises:
        OutputError: the folder is not writable.
    """
    ready = folder / READY
    try:
        for name in _files_below(ready):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (ready / name).replace(folder / name)
    except OSError as error:
        raise OutputError.writing(folder, error) from error
    shutil.rmtree(ready, ignore_errors=True)
    for path in folder.glob(".*.part"):
        if path.is_dir() and _is_abandoned(path):
            shutil.rmtree(path, ignore_errors=True)


def _put_in_place(aside: Path, folder: Path) -> None:
    """Rename all files of `aside/new` into `folder`, or none; older ones wait in `aside/old`."""
    new, old, ready = aside / "new", aside / "old", folder / READY
    names = _files_below(new)
    _flush_tree(new, names)
    for name in names:
        if os.path.lexists(folder / name):
            _keep(folder / name, old / name)
    parents = {parent for name in names for parent in name.parents}
    made = [p for p in sorted(parents, reverse=True) if not (folder / p).exists()]
    new.replace(ready)  # from here on a kill leaves a set that can be completed
    try:
        for name in names:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (ready / name).replace(folder / name)
        _flush_folder(folder)
    except BaseException:
        with suppress(OSError):
            ready.replace(new)
        _restore(folder, old, names)
        for parent in made:
            with suppress(OSError):
                (folder / parent).rmdir()
        raise
    shutil.rmtree(ready, ignore_errors=True)


def _keep(path: Path, at: Path) -> None:
    """A second name for a file; a copy where the file system has no such names."""
    at.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(path, at)
    except OSError:
        shutil.copy2(path, at, follow_symlinks=False)


def _restore(folder: Path, old: Path, names: Sequence[Path]) -> None:
    for name in names:
        with suppress(OSError):
            if os.path.lexists(old / name):
                (old / name).replace(folder / name)
            else:
                (folder / name).unlink(missing_ok=True)


def _files_below(root: Path) -> list[Path]:
    """Names relative to `root`, those in subfolders first."""
    found = [path.relative_to(root) for path in root.rglob("*") if path.is_file()]
    return sorted(found, key=lambda name: (-len(name.parts), name.parts))


def require_writable(folder: Path) -> None:
    """Find out before the work whether its result can be written.

    Raises:
        OutputError: it cannot.
    """
    probe = folder / _temporary_name(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise OutputError.writing(folder, error) from error


def remove_abandoned(folder: Path) -> list[Path]:
    """Remove the temporary files below a folder whose writers are gone: killed before they could rename.

    For a moment at which no other machine writes there: of a writer elsewhere nothing tells that it lives.

    Returns:
        What was removed. A file that cannot be removed stays; readers pass over it by its name.
    """
    removed = []
    for path in folder.rglob(".*.part*"):
        if _is_abandoned(path):
            with suppress(OSError):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
                removed.append(path)
    return removed


def _is_abandoned(path: Path) -> bool:
    """Whether it has a temporary file's name, and the process in the name is gone."""
    found = _TEMPORARY.fullmatch(path.name)
    return found is not None and not _is_writing(int(found[1]), path)


def _is_writing(process: int, path: Path) -> bool:
    """Whether a process may still write a file: one that ended without its parent taking note does not.

    Nor does another that was given the same number later, after a restart for instance.
    """
    import psutil  # 15 ms that only who finds such a file should pay

    try:
        writer = psutil.Process(process)
        if writer.status() in (psutil.STATUS_ZOMBIE, psutil.STATUS_DEAD):
            return False
        return writer.create_time() < path.lstat().st_mtime + CLOCK_SLACK
    except (psutil.NoSuchProcess, FileNotFoundError, OverflowError):
        return False
    except (psutil.Error, OSError):
        return True  # another user's, or nothing that can be asked


def encoded(text: str) -> bytes:
    r"""UTF-8 of any text; what stands for a byte of a file name that is not UTF-8 becomes its escape.

    Example:
        >>> encoded(os.fsdecode(b"caf\xe9.webm"))
        b'caf\\udce9.webm'
    """
    return text.encode("utf-8", "backslashreplace")


def readable(name: str) -> str:
    r"""A file's name for people and tables: one line, any terminal, valid in XML, and no other file's.

    What stands for a byte that is not UTF-8, and characters that move a terminal's cursor, become escapes;
    a backslash is doubled where it would read as part of one. Other names stay as they are.

    Example:
        >>> print(readable(os.fsdecode(b"caf\xe9")), readable("two\nlines"), readable("a\\b"))
        caf\udce9 two\u000alines a\b
        >>> print(readable("caf\\udce9"))
        caf\\udce9
    """
    return _UNREADABLE.sub(_escape, name)


def _escape(found: re.Match[str]) -> str:
    return "\\\\" if found[0] == "\\" else f"\\u{ord(found[0]):04x}"


def named(folder: Path, name: str) -> Path:
    r"""The file that `encoded` wrote the name of: itself if there is such a file, else its escapes undone.

    Example:
        >>> named(Path("clips"), r"caf\udce9.webm").name == os.fsdecode(b"caf\xe9.webm")
        True
    """
    path = folder / name
    if not _ESCAPE.search(name) or path.exists():
        return path
    return folder / _ESCAPE.sub(lambda found: chr(int(found[1], 16)), name)


def _temporary_name(path: Path) -> str:
    """Short and unique: the longest name that a file system holds leaves no room for an addition."""
    suffix = path.suffix if len(os.fsencode(path.suffix)) <= LONGEST_SUFFIX else ""
    return f".{os.getpid()}.{secrets.token_hex(4)}.part{suffix}"


def _flush(path: Path) -> None:
    # a rename that survives a power cut must not lead to bytes that did not
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _flush_tree(root: Path, names: Sequence[Path]) -> None:
    for name in names:
        _flush(root / name)
    for folder in {root / parent for name in names for parent in name.parents}:
        _flush_folder(folder)


def _flush_folder(folder: Path) -> None:
    with suppress(OSError):  # Windows opens no folders
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
