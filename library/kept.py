"""What the steps of scripts came to, so that a run that was interrupted or edited repeats only what changed.

Small files, one a result, in a folder for each recording; whoever removes a recording removes them.
"""

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from auricle.errors import LibraryError
from library.edits import Edits

_TOGETHER = "together"
_EDITS = "edits.json"
_NAME = re.compile(r"[a-z0-9_]+")


class Kept:
    """The results that scripts keep.

    Args:
        folder: Where they are; made when the first one is kept.
        edits: The log of decisions: what a person decided since makes a result stale, what a step decided does not.
    """

    def __init__(self, folder: Path, edits: Edits) -> None:
        self._folder, self._edits = folder, edits

    def recall(self, recordings: Sequence[str], key: str) -> dict[str, Any] | None:
        """What was kept; None where nothing was, or it cannot be read."""
        with contextlib.suppress(OSError, ValueError):
            kept = json.loads((self._of(recordings) / f"{_safe(key)}.json").read_text(encoding="utf-8"))
            if isinstance(kept, dict):
                return kept
        return None

    def keep(self, recordings: Sequence[str], key: str, result: dict[str, Any]) -> None:
        """Keeps a result of one recording, or of several together.

        Raises:
            LibraryError: It cannot be written.
        """
        self._write(self._of(recordings) / f"{_safe(key)}.json", {**result, "recordings": list(recordings)})

    def forget(self, recording: str) -> None:
        """Removes what was kept of a recording, alone and together with others."""
        shutil.rmtree(self._folder / _safe(recording), ignore_errors=True)
        for file in (self._folder / _TOGETHER).glob("*.json"):
            with contextlib.suppress(OSError, ValueError):
                if recording in json.loads(file.read_text(encoding="utf-8")).get("recordings", ()):
                    file.unlink()

    def decided_elsewhere(self, recording: str) -> list[int]:
        """The edits in force that no step of a script made; and those that one made and somebody undid, negative."""
        mine = self._mine(recording)
        since = mine["since"]
        edits = self._edits.of(recording)
        if since is not None:  # a run that was killed: what followed was its own, unless a person said it
            mine["seqs"] += [edit.seq for edit in edits if edit.seq > since and edit.evidence.source != "person"]
        in_force = [edit.seq for edit in edits]
        undone = [-seq for seq in mine["seqs"] if seq not in in_force]
        return [seq for seq in in_force if seq not in mine["seqs"]] + undone

    @contextmanager
    def deciding(self, recording: str) -> Iterator[None]:
        """While a step works: the edits it makes are its own."""
        elsewhere = self.decided_elsewhere(recording)
        known = [edit.seq for edit in self._edits.of(recording)]
        own = [seq for seq in known if seq not in elsewhere] + [-seq for seq in elsewhere if seq < 0]
        since = max(known, default=0)
        self._write(self._of([recording]) / _EDITS, {"seqs": own, "since": since})
        try:
            yield
        finally:
            own += [edit.seq for edit in self._edits.of(recording) if edit.seq > since]
            self._write(self._of([recording]) / _EDITS, {"seqs": own, "since": None})

    def _mine(self, recording: str) -> dict[str, Any]:
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            kept = json.loads((self._of([recording]) / _EDITS).read_text(encoding="utf-8"))
            return {"seqs": list(kept["seqs"]), "since": kept["since"]}
        return {"seqs": [], "since": None}

    def _of(self, recordings: Sequence[str]) -> Path:
        return self._folder / (_safe(recordings[0]) if len(recordings) == 1 else _TOGETHER)

    def _write(self, file: Path, data: dict[str, Any]) -> None:
        partial = file.with_name(f"{file.name}.{os.getpid()}.part")
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            partial.write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8", errors="replace")
            partial.replace(file)
        except OSError as error:
            raise LibraryError(
                f"The results of a script cannot be kept in {file.parent} ({error.strerror or error}): make room there."
            ) from error


def _safe(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise ValueError(f"{name!r} is no id")
    return name
