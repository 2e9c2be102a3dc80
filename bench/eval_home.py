"""The evaluation recordings, heard once by the real engines and kept: each task gets a copy."""

import json
import shutil
import tempfile
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from filelock import FileLock

from auricle.settings import Settings
from bench.scoring import eval_folder
from library import Library
from tools.toolbox import Toolbox

_KEPT = Path(tempfile.gettempdir()) / "auricle-bench" / "heard"


class NoRecordings(Exception):
    """The evaluation recordings are not there; what needs them is left out."""


def heard_home(wanted: Iterable[str], home: Path) -> dict[str, str]:
    """Makes a home with these recordings, all heard; returns their ids in the library.

    Raises:
        NoRecordings: They are not there.
    """
    paths = {one: _path(one) for one in wanted}
    known = _hear(paths)
    shutil.copytree(_KEPT, home, dirs_exist_ok=True)
    with Library(home) as library:
        for recording in library.recordings.list():
            if recording.id not in {known[one] for one in paths}:
                library.recordings.remove(recording.id)
    return {one: known[one] for one in paths}


def _hear(paths: dict[str, Path]) -> dict[str, str]:
    """Hears what nobody has heard yet with these weights; what is known is found in milliseconds."""
    _KEPT.parent.mkdir(parents=True, exist_ok=True)
    known: dict[str, str] = {}
    with FileLock(_KEPT.with_suffix(".lock")):
        toolbox = Toolbox(Settings(home=_KEPT, worker="inline"))
        try:
            for one, path in paths.items():
                known[one] = toolbox.add_recording(str(path)).id
                toolbox.transcribe(known[one])
                toolbox.diarize(known[one])
        finally:
            toolbox.close()
    return known


@cache
def _manifest(folder: Path) -> dict[str, Path]:
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines() if line]
    return {row["id"]: folder / row["path"] for row in rows}


def _path(one: str) -> Path:
    folder = eval_folder()
    if not (folder / "manifest.jsonl").is_file():
        raise NoRecordings(f"There are no evaluation recordings in {folder}: set AURICLE_EVAL to their folder.")
    return _manifest(folder)[one]
