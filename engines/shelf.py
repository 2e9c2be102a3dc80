"""The folder that weights lie in: what of a model is there, and whether it is what the manifest says.

Hashing a gigabyte takes seconds, so a model that was verified carries a stamp with the sizes and times of its files;
while those stand, it counts as verified.
"""

import errno
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Literal

from engines.manifest import Model
from engines.sources import sha256_of

State = Literal["ready", "unverified", "broken", "missing"]
"""``unverified``: all files are there in the right size, but nobody has hashed them since they last changed."""

STAMP = ".verified.json"


class Shelf:
    """The models under one folder (`AURICLE_MODELS`)."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, model: Model) -> Path:
        return self.root / model.name

    def path(self, model: Model) -> Path:
        """What an engine opens: the folder of a model of several files, the file of a model of one."""
        return self.folder(model) if len(model.files) > 1 else self.folder(model) / model.files[0].path

    def staging(self, model: Model) -> Path:
        """Where a model is put together before it counts; on the same disk, so that it lands in one step."""
        return self.root / ".staging" / model.name

    def state(self, model: Model) -> State:
        """A quick look, without hashing."""
        folder = self.folder(model)
        if not folder.is_dir():
            return "missing"
        for file in model.files:
            path = folder / file.path
            if not path.is_file() or path.stat().st_size != file.bytes:
                return "broken"
        return "ready" if _read_stamp(folder) == _stamp_of(model, folder) else "unverified"

    def settle(self, model: Model) -> State:
        """The quick look, and a hash where nobody has hashed what is there: never ``unverified``."""
        state = self.state(model)
        return self.verify(model) if state == "unverified" else state

    def verify(self, model: Model, progress: Callable[[int], None] | None = None) -> State:
        """Hashes every file, whatever the stamp says."""
        state = self.state(model)
        if state in ("missing", "broken"):
            return state
        folder = self.folder(model)
        stamp = _stamp_of(model, folder)
        before = 0
        for file in model.files:
            tick = None if progress is None else _after(progress, before)
            if sha256_of(folder / file.path, tick) != file.sha256:
                _remove_stamp(folder)
                return "broken"
            before += file.bytes
        _write_stamp(folder, stamp)
        return "ready"

    def land(self, model: Model) -> None:
        """Puts what was verified in the staging folder in its place, in one step."""
        staged, folder = self.staging(model) / "files", self.folder(model)
        _write_stamp(staged, _stamp_of(model, staged))
        if folder.is_symlink():
            folder.unlink()
        elif folder.exists():
            folder.replace(self.staging(model) / "broken")
        staged.replace(folder)
        shutil.rmtree(self.staging(model))


def _after(progress: Callable[[int], None], before: int) -> Callable[[int], None]:
    return lambda done: progress(before + done)


def _stamp_of(model: Model, folder: Path) -> dict[str, object]:
    stats = {file.path: (folder / file.path).stat() for file in model.files}
    return {"model": model.identity, "files": {path: [stat.st_size, stat.st_mtime_ns] for path, stat in stats.items()}}


def _read_stamp(folder: Path) -> object:
    try:
        return json.loads((folder / STAMP).read_text())
    except (OSError, ValueError):
        return None


def _write_stamp(folder: Path, stamp: dict[str, object]) -> None:
    try:
        (folder / STAMP).write_text(json.dumps(stamp))
    except OSError as error:
        # A shelf that may only be read is hashed at every start, and is as right without a stamp.
        if error.errno not in (errno.EACCES, errno.EPERM, errno.EROFS):
            raise


def _remove_stamp(folder: Path) -> None:
    try:
        (folder / STAMP).unlink(missing_ok=True)
    except OSError:
        return
