"""Saved states of an LLM: what reading a fixed prompt left in its memory, as files.

A file's name carries the prompt's key and a digest of its content, so a file that was cut short or
damaged is noticed before llama.cpp, which checks little, would read it.
"""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

KEPT = 12
"""State files kept; the one not used for longest goes first. About 28 kB a token for the small model."""

_NAME = re.compile(r"^(?P<key>[0-9a-f]{32})\.(?P<digest>[0-9a-f]{16})\.bin$")


class SavedStates:
    """The state files in one folder."""

    def __init__(self, folder: Path, kept: int = KEPT) -> None:
        self.folder = folder
        self._kept = kept
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def find(self, key: str) -> Path | None:
        """The sound file of a key; damaged ones are removed."""
        for path in self.folder.glob(f"{key}.*.bin"):
            match = _NAME.match(path.name)
            if match and match["digest"] == _digest(path):
                path.touch()
                return path
            path.unlink(missing_ok=True)
        return None

    def keep(self, key: str, save: Callable[[str], None]) -> None:
        """Lets ``save`` write a file of the given name into the folder and keeps it under ``key``."""
        name = f"{key}.new"
        written = self.folder / name
        try:
            save(name)
            if written.exists():
                written.replace(self.folder / f"{key}.{_digest(written)}.bin")
        finally:
            written.unlink(missing_ok=True)
        self._prune()

    def _prune(self) -> None:
        files = sorted(self.folder.glob("*.bin"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for path in files[self._kept :]:
            path.unlink(missing_ok=True)


def state_key(*parts: object) -> str:
    """A key of everything that makes a state what it is."""
    return hashlib.sha256("\0".join(map(str, parts)).encode()).hexdigest()[:32]


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:16]
