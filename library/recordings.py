"""The recordings: known by the hash of their bytes, decoded once."""

import contextlib
import re
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from filelock import Timeout
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, RowMapping, delete, func, insert, literal_column, select, update

from auricle.domain import Original, Recording, Span
from auricle.errors import BadArgument, BadAudio, LibraryError, NotFound
from library import audio, files, resuming, stored, tables, tracks
from library.database import Database
from library.ids import is_id, new_id

Report = Callable[[float, float], None]

_COLUMNS = tuple(column for column in tables.recordings.c if column.name != "stamp")
_NAMED = 5
_LOCK_POLL_SECONDS = 0.2
_OTHER_BYTES = "!"


class Recordings:
    def __init__(self, database: Database, folder: Path, uploads: Path) -> None:
        self._database = database
        self._folder, self._uploads = folder, uploads

    def add(self, path: Path, report: Report) -> Recording:
        """Makes the file known, decoding it unless the same bytes are known already.

        Args:
            path: A file on this machine.
            report: Called with seconds done and in all (0 where unknown) meanwhile. It may raise to stop.

        Raises:
            NotFound: There is no such file.
            BadArgument: It is a folder, a device, or has a name that is no text.
            BadAudio: It cannot be read or decoded, or has under 0.1 s of sound.
            LibraryError: The library cannot be written.
        """
        path, stamp = files.regular_file(path)
        known = self._where(tables.recordings.c.path == str(path), tables.recordings.c.stamp == stamp)
        if known is not None:
            return known
        sha256 = files.sha256(path, lambda: report(0, 0))
        with self._adding(sha256, report):
            known = self._where(tables.recordings.c.sha256 == sha256)
            if known is not None:
                return self._linked(known, path, stamp)
            sound = audio.decode(path, stamp, self._part(sha256), report)
            recording = Recording(
                id=new_id("r"),
                sha256=sha256,
                path=str(path),
                duration=sound.samples,
                sample_rate=sound.sample_rate,
                channels=sound.channels,
                codec=sound.codec,
                added=time.time(),
                sound=sound.sha256,
                apart=sound.apart,
            )
            # The row first: whatever goes wrong from here on, the sound is there or is quickly decoded to its end.
            with self._database.write() as connection:
                connection.execute(insert(tables.recordings).values(**recording.model_dump(), stamp=stamp))
            self._keep(recording)
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
            ids = ", ".join(recording.id for recording in found[:_NAMED])
            raise BadArgument(
                f"Several recordings are called '{_shown(ref)}': list them, and give one of the ids {ids}."
            )
        if not found:
            raise NotFound(f"There is no file and no recording '{_shown(ref)}'. {_known(recordings)}")
        return found[0]

    def list(self) -> list[Recording]:
        """Every recording, the first added first, whatever the clock said then."""
        query = select(*_COLUMNS).order_by(literal_column("rowid"))
        with self._database.read() as connection:
            return [_recording(row) for row in connection.execute(query).mappings()]

    def remove(self, recording: str) -> None:
        """Forgets a recording: what was heard, decided and stored of it. The original stays, unless it was uploaded.

        Raises:
            NotFound: There is no recording of this id.
        """
        found = self.get(recording)
        about = func.json_extract(tables.jobs.c.args, "$.recording") == found.id
        going_on = tables.jobs.c.state == "running"
        with self._database.write() as connection:
            connection.execute(update(tables.jobs).where(about, going_on).values(cancel_requested=True))
            connection.execute(delete(tables.jobs).where(about, ~going_on))
            connection.execute(delete(tables.recordings).where(tables.recordings.c.id == found.id))
        for file in self.stored_files(found):
            file.unlink(missing_ok=True)
        resuming.discard(self._part(found.sha256))
        original = Path(found.path)
        if original.parent.parent == self._uploads:
            shutil.rmtree(original.parent, ignore_errors=True)

    def read(self, recording: Recording, span: Span | None = None, channel: int | None = None) -> NDArray[np.float32]:
        """The sound of a span, or of all: float32 in [-1, 1), shape (samples,), at 16 kHz.

        Args:
            channel: One channel alone, from 0, of a recording whose channels are kept apart; else the mix of all.

        Raises:
            BadArgument: The span leaves the recording, or there is no such channel.
            LibraryError: The stored audio is lost, and so is the original.
        """
        span = span or recording.span
        if not 0 <= span.start <= span.end <= recording.duration:
            raise BadArgument(
                f"{recording.id} lasts {recording.seconds} s: give a range from 0 to {recording.seconds}."
            )
        if channel is not None and not (recording.apart and 0 <= channel < recording.channels):
            kept = f"channels 0 to {recording.channels - 1}" if recording.apart else "only the mix of its channels"
            raise BadArgument(f"{recording.id} has {kept}, not channel {channel}.")
        wav = self._wav(recording.sha256, channel)
        if not stored.intact(wav, recording.duration):
            self._decode_again(recording)
        try:
            return stored.read(wav, span)
        except OSError as error:
            raise LibraryError(f"The stored audio of {recording.id} cannot be read ({error.strerror}).") from error

    def intact(self, recording: Recording) -> bool:
        """Whether the stored sound is there with all its samples."""
        return all(stored.intact(file, recording.duration) for file in self.stored_files(recording))

    def verify(self, recording: Recording) -> bool:
        """Whether the stored sound is what was decoded, every sample of it.

        Only its length can be told where an earlier version decoded it.
        """
        if not recording.sound:
            return self.intact(recording)
        try:
            digests = [stored.digest(file, recording.duration) for file in self.stored_files(recording)]
        except OSError:
            return False
        return self.intact(recording) and stored.combined(digests) == recording.sound

    def stored_bytes(self, recording: Recording) -> int:
        """What the stored sound takes on disk."""
        return sum(file.stat().st_size for file in self.stored_files(recording) if file.exists())

    def original(self, recording: Recording) -> Original:
        """What became of the file that was added.

        It is hashed only where the file system says something else of it than before, and what was found is remembered.
        """
        path = Path(recording.path)
        try:
            stamp = files.stamp(path)
        except (OSError, ValueError):
            return "missing"
        query = select(tables.recordings.c.stamp).where(tables.recordings.c.id == recording.id)
        with self._database.read() as connection:
            known = connection.execute(query).scalar_one_or_none()
        if known in (stamp, _OTHER_BYTES + stamp):
            return "there" if known == stamp else "changed"
        try:
            same = files.sha256(path) == recording.sha256
        except BadAudio:
            return "missing"
        with contextlib.suppress(LibraryError):  # a library that cannot be written still tells
            self._remember(recording, path, stamp if same else _OTHER_BYTES + stamp)
        return "there" if same else "changed"

    def _remember(self, recording: Recording, path: Path, stamp: str) -> None:
        found = tables.recordings.c.id == recording.id
        with self._database.write() as connection:
            connection.execute(update(tables.recordings).where(found).values(path=str(path), stamp=stamp))

    def _wav(self, sha256: str, channel: int | None = None) -> Path:
        return self._folder / (f"{sha256}.wav" if channel is None else f"{sha256}.{channel}.wav")

    def stored_files(self, recording: Recording) -> tuple[Path, ...]:
        """The stored wavs: the mix first."""
        channels = range(recording.channels) if recording.apart else ()
        return tuple(self._wav(recording.sha256, channel) for channel in (None, *channels))

    def _part(self, sha256: str) -> Path:
        return self._folder / f"{sha256}.part"

    def _keep(self, recording: Recording) -> None:
        """Gives what was decoded its name."""
        part = self._part(recording.sha256)
        for channel in range(recording.channels) if recording.apart else ():
            tracks.channel_part(part, channel).replace(self._wav(recording.sha256, channel))
        part.replace(self._wav(recording.sha256))
        resuming.discard(part)

    def _where(self, *conditions: ColumnElement[bool]) -> Recording | None:
        with self._database.read() as connection:
            row = connection.execute(select(*_COLUMNS).where(*conditions)).mappings().first()
        return None if row is None else _recording(row)

    def _linked(self, known: Recording, path: Path, stamp: str) -> Recording:
        """Points a known recording at the file just given, unless it still lies elsewhere."""
        if known.path != str(path) and self.original(known) == "there":
            return known
        self._remember(known, path, stamp)
        return known.model_copy(update={"path": str(path)})

    @contextmanager
    def _adding(self, sha256: str, report: Report) -> Iterator[None]:
        """One decoding of the same bytes at a time, in all processes; dying lets go of it."""
        lock = resuming.lock(self._folder, sha256)
        try:
            resuming.sweep(self._folder, but=sha256)
            while True:
                try:
                    lock.acquire(timeout=_LOCK_POLL_SECONDS)
                    break
                except Timeout:
                    report(0, 0)
            yield
        except OSError as error:
            raise LibraryError(
                f"Audio cannot be stored in {self._folder} ({error.strerror or error}): make room, or allow writing, "
                "then try again; it goes on where it stopped."
            ) from error
        finally:
            lock.release()

    def _decode_again(self, recording: Recording) -> None:
        advice = f"add {Path(recording.path).name} again from where it is now"
        try:
            path, stamp = files.regular_file(Path(recording.path))
            same = files.sha256(path) == recording.sha256
        except (NotFound, BadArgument, BadAudio):
            same = False
        if not same:
            raise LibraryError(f"The stored audio of {recording.id} is lost, and its original is gone: {advice}.")
        with self._adding(recording.sha256, _unreported):
            if self.intact(recording):
                return
            sound = audio.decode(path, stamp, self._part(recording.sha256), _unreported)
            expected = recording.sound or sound.sha256
            if (sound.samples, sound.sha256) != (recording.duration, expected):
                resuming.discard(self._part(recording.sha256))
                raise LibraryError(f"{recording.id} decodes to another sound now: remove it, then {advice}.")
            self._keep(recording)


def _path_of(ref: str) -> str:
    try:
        return files.absolute(ref)
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
