"""The recordings: known by the hash of their bytes, decoded once."""

import contextlib
import hashlib
import os
import re
import stat
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, select, update

from auricle.domain import Recording, Span
from auricle.errors import BadArgument, BadAudio, LibraryError, NotFound
from library import audio, tables
from library.database import Database
from library.ids import is_id, new_id
from library.takes import Takes

Report = Callable[[float, float], None]

_COLUMNS = tuple(column for column in tables.recordings.c if column.name != "stamp")
_NAMED = 5
_LOCK_POLL_SECONDS = 0.2


class Recordings:
    def __init__(self, database: Database, folder: Path, takes: Takes) -> None:
        self._database = database
        self._folder = folder
        self._takes = takes

    def add(self, path: Path, report: Report) -> Recording:
        """Makes the file known, decoding it unless the same bytes are known already.

        Args:
            path: A file on this machine.
            report: Called with seconds done and in all (0 where unknown) while decoding. It may raise to stop.

        Raises:
            NotFound: There is no such file.
            BadArgument: It is a folder, a device, or has a name that is no text.
            BadAudio: It cannot be read or decoded, or has under 0.1 s of sound.
            LibraryError: The library cannot be written.
        """
        path, stamp = _regular_file(path)
        known = self._where(tables.recordings.c.path == str(path), tables.recordings.c.stamp == stamp)
        if known is not None:
            return known
        sha256 = _hash(path)
        with self._adding(sha256, report):
            known = self._where(tables.recordings.c.sha256 == sha256)
            if known is not None:
                return self._moved(known, path, stamp)
            sound = self._decode(path, sha256, report)
            if _stamp(path) != stamp:
                raise BadAudio(f"{path.name} changed while it was read: add it again when it is complete.")
            recording = Recording(
                id=new_id("r"),
                sha256=sha256,
                path=str(path),
                duration=sound.samples,
                sample_rate=sound.sample_rate,
                channels=sound.channels,
                codec=sound.codec,
                added=time.time(),
            )
            with self._database.write() as connection:
                connection.execute(insert(tables.recordings).values(**recording.model_dump(), stamp=stamp))
        return recording

    def get(self, ref: str) -> Recording:
        """Finds a recording.

        Args:
            ref: Its id; or its path, or its file's name with or without the ending, where only one has it.

        Raises:
            NotFound: None has it; the message lists some that are known.
            BadArgument: Several have the name.
        """
        recordings = self.list()
        if is_id(ref, "r"):
            found = [recording for recording in recordings if recording.id == ref]
        else:
            # The newest: the file at this path may have been another one before.
            found = [recording for recording in recordings if recording.path == _path_of(ref)][-1:]
        if not found:
            found = [recording for recording in recordings if ref in _names(recording)]
        if len(found) > 1:
            ids = ", ".join(f"{recording.id} ({recording.path})" for recording in found[:_NAMED])
            raise BadArgument(f"Several recordings are called '{_shown(ref)}': give one of the ids {ids}.")
        if not found:
            raise NotFound(f"There is no file and no recording '{_shown(ref)}'. {_known(recordings)}")
        return found[0]

    def list(self) -> list[Recording]:
        """Every recording, oldest first."""
        query = select(*_COLUMNS).order_by(tables.recordings.c.added, tables.recordings.c.id)
        with self._database.read() as connection:
            return [_recording(row) for row in connection.execute(query).mappings()]

    def remove(self, recording: str) -> None:
        """Forgets a recording: what was heard, decided and stored of it. The original file stays.

        Raises:
            NotFound: There is no recording of this id.
        """
        found = self.get(recording)
        blobs = [self._takes.blob_path(take.payload) for take in self._takes.find(found.id, "voices")]
        about = func.json_extract(tables.jobs.c.args, "$.recording") == found.id
        going_on = tables.jobs.c.state == "running"
        with self._database.write() as connection:
            connection.execute(update(tables.jobs).where(about, going_on).values(cancel_requested=True))
            connection.execute(delete(tables.jobs).where(about, ~going_on))
            connection.execute(delete(tables.recordings).where(tables.recordings.c.id == found.id))
        for file in (self._wav(found.sha256), *blobs):
            file.unlink(missing_ok=True)

    def read(self, recording: Recording, span: Span | None = None) -> NDArray[np.float32]:
        """The sound of a span, or of all: float32 in [-1, 1), shape (samples,), at 16 kHz.

        Raises:
            BadArgument: The span leaves the recording.
            LibraryError: The stored audio is lost, and so is the original.
        """
        span = span or recording.span
        if not 0 <= span.start <= span.end <= recording.duration:
            raise BadArgument(
                f"{recording.id} lasts {recording.seconds} s: give a range from 0 to {recording.seconds}."
            )
        wav = self._wav(recording.sha256)
        if not audio.intact(wav, recording.duration):
            self._decode_again(recording)
        try:
            return audio.read(wav, span)
        except OSError as error:
            raise LibraryError(f"The stored audio of {recording.id} cannot be read ({error.strerror}).") from error

    def _wav(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.wav"

    def _where(self, *conditions: ColumnElement[bool]) -> Recording | None:
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(*conditions)).mappings().first()
        return None if row is None else _recording(row)

    def _moved(self, known: Recording, path: Path, stamp: str) -> Recording:
        """Points a known recording at the file just given, if it was elsewhere and is no longer there."""
        if known.path != str(path) and Path(known.path).exists():
            return known
        with self._database.write() as connection:
            connection.execute(
                update(tables.recordings).where(tables.recordings.c.id == known.id).values(path=str(path), stamp=stamp)
            )
        return known.model_copy(update={"path": str(path)})

    @contextmanager
    def _adding(self, sha256: str, report: Report) -> Iterator[None]:
        """One decoding of the same bytes at a time, in all processes; dying lets go of it."""
        lock = FileLock(self._folder / f"adding-{sha256[0]}.lock")
        while True:
            try:
                lock.acquire(timeout=_LOCK_POLL_SECONDS)
                break
            except Timeout:
                report(0, 0)
        try:
            # What a killed decoding left behind: while the lock is ours, nobody writes these.
            for part in self._folder.glob(f"{sha256[0]}*.part"):
                part.unlink(missing_ok=True)
            yield
        except OSError as error:
            raise LibraryError(
                f"Audio cannot be stored in {self._folder} ({error.strerror or error}): make room, then try again."
            ) from error
        finally:
            lock.release()

    def _decode(self, path: Path, sha256: str, report: Report) -> audio.Sound:
        part = self._folder / f"{sha256}.part"
        try:
            sound = audio.decode(path, part, report)
            part.replace(self._wav(sha256))
        finally:
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
        return sound

    def _decode_again(self, recording: Recording) -> None:
        advice = f"add {Path(recording.path).name} again from where it is now"
        try:
            path, _ = _regular_file(Path(recording.path))
            same = _hash(path) == recording.sha256
        except (NotFound, BadArgument, BadAudio):
            same = False
        if not same:
            raise LibraryError(f"The stored audio of {recording.id} is lost, and its original is gone: {advice}.")
        with self._adding(recording.sha256, _unreported):
            if not audio.intact(self._wav(recording.sha256), recording.duration):
                sound = self._decode(path, recording.sha256, _unreported)
                if sound.samples != recording.duration:
                    raise LibraryError(f"{recording.id} decodes to another length now: remove it, then {advice}.")


def _regular_file(path: Path) -> tuple[Path, str]:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise BadArgument(f"The file's name {str(path)!a} is no valid text: rename the file.") from None
    try:
        path = Path(_absolute(str(path.expanduser())))
        status = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(f"There is no file {path}: give the path of an audio or video file.") from None
    except (OSError, ValueError, RuntimeError) as error:
        raise BadArgument(f"{str(path)!a} cannot be opened ({error}): give the path of an audio file.") from error
    if stat.S_ISDIR(status.st_mode):
        raise BadArgument(f"{path} is a folder: give the audio or video files in it.")
    if not stat.S_ISREG(status.st_mode):
        raise BadArgument(f"{path} is no regular file: give the path of an audio or video file.")
    if status.st_size == 0:
        raise BadAudio(f"{path.name} is empty: give a file with sound in it.")
    return path, _stamp(path)


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_dev}:{status.st_ino}:{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _hash(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadAudio(f"{path.name} cannot be read ({error.strerror}): check its permissions.") from error


def _absolute(ref: str) -> str:
    # Links are kept: the name a person gave is the one to show.
    return os.path.abspath(Path(ref).expanduser())  # noqa: PTH100


def _path_of(ref: str) -> str:
    try:
        return _absolute(ref)
    except (ValueError, RuntimeError):
        return ref


def _names(recording: Recording) -> set[str]:
    path = Path(recording.path)
    return {path.name, path.stem}


def _shown(ref: str) -> str:
    printable = re.sub(r"[^\x20-\x7e\u00a0-\ud7ff\ue000-\uffff]", "?", ref)
    return printable if len(printable) <= 200 else printable[:200] + "…"


def _known(recordings: list[Recording]) -> str:
    if not recordings:
        return "The library is empty: add a file first."
    names = ", ".join(f"{recording.id} ({Path(recording.path).name})" for recording in recordings[-_NAMED:])
    more = f" and {len(recordings) - _NAMED} more" if len(recordings) > _NAMED else ""
    return f"Known are {names}{more}; or add the file first."


def _unreported(_done: float, _total: float) -> None:
    """Decoding again has nobody to tell."""


def _recording(row: RowMapping) -> Recording:
    return Recording.model_validate(dict(row))
