"""Where files go, and that they arrive whole."""

import os
import unicodedata
from pathlib import Path

from auricle.errors import BadArgument, WorkError

_NOT_IN_NAMES = '/\\:*?"<>|'
_LONGEST_STEM = 120


def clean_name(text: str, fallback: str = "recording") -> str:
    """A file name's stem without control characters, path separators or a leading dot."""
    kept = "".join(
        "_" if char in _NOT_IN_NAMES else char
        for char in text
        if not unicodedata.category(char).startswith(("C", "Z")) or char == " "
    )
    stem = " ".join(kept.split()).strip(". ")
    while len(stem.encode()) > _LONGEST_STEM:
        stem = stem[:-1].rstrip(". ")
    return stem or fallback


def output_path(
    path: str | None,
    stem: str,
    suffix: str,
    keep: Path | None = None,
    content: bytes | None = None,
    folder: Path | None = None,
) -> Path:
    """Where to write: the path asked for, else a new file in the current folder.

    Args:
        path: What was asked for; a regular file there is replaced.
        stem: The default name, not yet cleaned.
        suffix: The default ending, with its dot.
        keep: A file that must not be written over: the recording itself.
        content: What will be written, where known: a file of the default name that says just that is taken again.
        folder: Where a new file goes, instead of the current one.

    Raises:
        BadArgument: The path is a folder or a device, its folder does not exist, or it is ``keep``.
    """
    if path is None:
        return _free(folder or Path.cwd(), clean_name(stem), suffix, content)
    if not path.strip() or any(unicodedata.category(char) == "Cc" for char in path):
        raise BadArgument("The path is empty or has control characters: give the file to write, or leave it out.")
    target = Path(path).expanduser().absolute()
    try:
        target.lstat()
    except FileNotFoundError:
        pass
    except (OSError, ValueError) as error:
        raise BadArgument(
            f"The path {path[:60]}… cannot be used ({getattr(error, 'strerror', None) or error}): give another path."
        ) from None
    if not target.parent.is_dir():
        raise BadArgument(f"The folder {target.parent} does not exist: make it first, or give another path.")
    if target.exists() and not target.is_file():
        raise BadArgument(f"{target} is not a regular file: give the path of a file to write.")
    if keep is not None and target.exists() and keep.exists() and target.samefile(keep):
        raise BadArgument(f"{target} is the recording itself: give another path.")
    return target


def write_file(target: Path, content: bytes) -> None:
    """Writes beside the target, then moves it there: a reader never sees half a file.

    Raises:
        WorkError: The folder or the disk does not allow it.
    """
    partial = partial_path(target)
    try:
        partial.write_bytes(content)
        partial.replace(target)
    except OSError as error:
        raise cannot_write(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


def partial_path(target: Path) -> Path:
    """Where the file grows before it gets its name; hidden, and another one in each process."""
    return target.with_name(f".{target.name[:100]}.{os.getpid()}.part")


def cannot_write(target: Path, error: OSError) -> WorkError:
    return WorkError(f"{target} cannot be written ({error.strerror or error}): give another path, or make room.")


def _free(folder: Path, stem: str, suffix: str, content: bytes | None) -> Path:
    candidate, number = folder / f"{stem}{suffix}", 1
    while os.path.lexists(candidate) and not _says(candidate, content):
        number += 1
        candidate = folder / f"{stem} ({number}){suffix}"
    return candidate


def _says(path: Path, content: bytes | None) -> bool:
    if content is None or path.is_symlink() or not path.is_file() or path.stat().st_size != len(content):
        return False
    return path.read_bytes() == content
