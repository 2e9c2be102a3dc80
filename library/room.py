"""What a library takes on disk, what of it may go, and the going."""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from auricle.domain import Recording
from library.store import Library

_DAY = 86_400.0

MADE_AGAIN = {
    "sounds": "the sound of pages",
    "clips": "samples of voices",
    "llm": "what LLMs left in memory",
}
"""Folders whose files are made again when they are needed."""


@dataclass(frozen=True)
class Room:
    """Something that takes room.

    Attributes:
        what: In words.
        size: Bytes.
        files: The files of it that may go, for they are made again when they are needed.
    """

    what: str
    size: int
    files: tuple[Path, ...] = ()


def rooms(library: Library) -> list[Room]:
    """What takes how much, the largest first."""
    home = library.home
    whole: list[Path] = []
    spare: list[Path] = []
    for recording in library.recordings.list():
        stored = [file for file in library.recordings.stored_files(recording) if file.is_file()]
        # Without the original there is no other copy of the sound.
        (spare if library.recordings.original(recording) == "there" else whole).extend(stored)
    found = [
        _room("stored sound whose original is gone", whole),
        _room("stored sound, decoded again from its original when it is needed", spare, may_go=True),
        _room("what was heard and decided", [file for file in home.glob("*.db*") if file.is_file()]),
        _room("files that were uploaded", _files(home / "uploads")),
        _room("what scripts came to", _files(home / "kept")),
        *(_room(what, _files(home / folder), may_go=True) for folder, what in MADE_AGAIN.items()),
    ]
    return sorted((room for room in found if room.size), key=lambda room: -room.size)


def clear(found: Sequence[Room]) -> int:
    """Removes what may go; returns the bytes that are free now."""
    freed = 0
    for room in found:
        for file in room.files:
            size = file.stat().st_size if file.is_file() else 0
            file.unlink(missing_ok=True)
            freed += size
    return freed


def older_than(library: Library, days: float) -> list[Recording]:
    """The recordings that were added more than so many days ago."""
    return [recording for recording in library.recordings.list() if recording.added < time.time() - days * _DAY]


def free_bytes(home: Path) -> int:
    return shutil.disk_usage(home).free


def _room(what: str, files: Sequence[Path], *, may_go: bool = False) -> Room:
    return Room(what, sum(file.stat().st_size for file in files), tuple(files) if may_go else ())


def _files(folder: Path) -> list[Path]:
    return [file for file in folder.rglob("*") if file.is_file() and not file.is_symlink()]
