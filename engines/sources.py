"""What the places that weights come from have in common."""

import errno
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

CHUNK = 1 << 20
"""Bytes read at once while copying and hashing."""

Tick = Callable[[int], None]
"""Called with the bytes of the model that are there. It may raise to stop the work."""

_FULL = {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)}


def _quiet(line: str) -> None:
    pass


def _no_progress(name: str, done: int, total: int) -> None:
    pass


@dataclass(frozen=True)
class Report:
    """How a pull tells what it does.

    Attributes:
        say: Called with one line for a person.
        progress: Called with a model's name, its bytes that are there, and its bytes. It may raise to stop the pull.
    """

    say: Callable[[str], None] = _quiet
    progress: Callable[[str, int, int], None] = _no_progress


class SourceFailed(Exception):  # as the project's errors are named
    """A source cannot give what the manifest says; the next one may.

    Attributes:
        expected: It needs something that most people have not set up, so it is not worth a line.
    """

    def __init__(self, reason: str, *, expected: bool = False) -> None:
        super().__init__(" ".join(reason.split()))
        self.expected = expected


def is_full(error: BaseException) -> bool:
    """Whether an error means that the disk is full."""
    return isinstance(error, OSError) and error.errno in _FULL


def sha256_of(path: Path, tick: Tick | None = None) -> str:
    """The SHA-256 of a file; ``tick`` hears the bytes read so far."""
    digest = hashlib.sha256()
    done = 0
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            if tick:
                tick(done)
    return digest.hexdigest()


def size_text(size: int) -> str:
    """``150218479`` as ``150 MB``."""
    if size < 1_000_000:
        return f"{max(1, round(size / 1000))} kB"
    return f"{size / 1e9:.1f} GB" if size >= 999_500_000 else f"{size / 1e6:.0f} MB"
