"""What a client is shown of the person's files: paths inside the allowed folders, and of all others the name alone."""

import contextlib
import re
from collections.abc import Sequence
from pathlib import Path, PurePath
from typing import TypeVar

from pydantic import BaseModel

Told = TypeVar("Told", bound=BaseModel)

_PATHS = frozenset({"path"})
_SENTENCES = frozenset({"next", "note", "error", "warnings"})
"""Fields that Auricle writes. What was said in a recording stays as it is, whatever it looks like."""

_TAIL = r"(?:(?! /)[^'\"(),;:\n])*"
_ROOT = r"/(?![/\s])|[A-Za-z]:[\\/](?!/)"


class Discretion:
    """Takes folders that are no client's business out of what it is told.

    Args:
        allowed: Resolved; what lies in them is shown as it is.
        others: Folders whose names may hold anything, as Auricle's own: known, they are recognised whole.
    """

    def __init__(self, allowed: Sequence[Path], others: Sequence[Path]) -> None:
        self._allowed = tuple(allowed)
        known = [str(folder) for folder in (*allowed, *others)]
        with contextlib.suppress(RuntimeError):
            known.append(str(Path.home()))
        longest_first = sorted(map(re.escape, known), key=len, reverse=True)
        self._path = re.compile(rf"(?<![\w.~/\\])(?:{'|'.join(longest_first)}|{_ROOT}){_TAIL}")

    def path(self, path: str) -> str:
        """A file's path, or its name alone where it lies elsewhere."""
        return path if self._inside(path) else PurePath(path).name

    def sentence(self, text: str) -> str:
        """A message without the folders that it names."""
        return self._path.sub(lambda found: self._named(found.group()), text)

    def result(self, result: Told) -> Told:
        """A tool's result, and the results in it."""
        changes: dict[str, object] = {}
        for name, value in result:
            if isinstance(value, str) and name in _PATHS:
                changes[name] = self.path(value)
            elif isinstance(value, str) and name in _SENTENCES:
                changes[name] = self.sentence(value)
            elif isinstance(value, list):
                changes[name] = [
                    self.result(item)
                    if isinstance(item, BaseModel)
                    else (self.sentence(item) if name in _SENTENCES else item)
                    for item in value
                ]
        return result.model_copy(update=changes)

    def _named(self, found: str) -> str:
        # Words that follow a path cannot be told from a name with spaces: they stay, the folders before them go.
        return found if self._inside(found) else re.split(r"[\\/]", found.rstrip("\\/"))[-1] or "…"

    def _inside(self, path: str) -> bool:
        return any(PurePath(path).is_relative_to(folder) for folder in self._allowed)
