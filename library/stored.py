"""Sound on disk: 16-bit mono wavs at 16 kHz, hashed as they are written, read by the window."""

import contextlib
import hashlib
import os
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Span
from auricle.times import SAMPLE_RATE

LONGEST = (2**32 - 2**16) // 2
"""Samples: a wav's sizes are 32 bits, 37 hours of this."""

BYTES = 2
_HEADER = 44
_CHUNK = 2**20


class Track:
    """One wav as it is written. It is no wav before ``finish``.

    Args:
        path: The file; begun anew, unless ``samples`` of it are to be kept.

    Attributes:
        samples: Those written so far.

    Raises:
        OSError: The file cannot be written, or is not there to go on with.
    """

    def __init__(self, path: Path, samples: int = 0) -> None:
        self.path = path
        self.samples = samples
        self._hash = hashlib.sha256()
        self._file: BinaryIO
        if not samples:
            self._file = path.open("wb")
            self._file.write(_header(0))
            return
        for chunk in chunks(path, samples):
            self._hash.update(chunk)
        self._file = path.open("r+b")
        self._file.truncate(_HEADER + BYTES * samples)
        self._file.seek(0, os.SEEK_END)

    def append(self, data: bytes) -> None:
        self._file.write(data)
        self._hash.update(data)
        self.samples += len(data) // BYTES

    def digest(self) -> str:
        """SHA-256 of the samples so far."""
        return self._hash.hexdigest()

    def flush(self) -> None:
        """So much of it outlives this process."""
        self._file.flush()

    def tail(self, samples: int) -> NDArray[np.int16]:
        """The last samples that were written."""
        self._file.flush()
        with self.path.open("rb") as file:
            file.seek(_HEADER + BYTES * (self.samples - samples))
            return np.frombuffer(file.read(BYTES * samples), dtype="<i2")

    def finish(self) -> None:
        """Makes it a wav that outlives a loss of power."""
        self._file.seek(0)
        self._file.write(_header(self.samples))
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def close(self) -> None:
        """Lets go of the file as it is."""
        with contextlib.suppress(OSError):  # a full disk is told once, by whoever wrote
            self._file.close()


def _header(samples: int) -> bytes:
    size = BYTES * samples
    form = struct.pack("<HHIIHH", 1, 1, SAMPLE_RATE, SAMPLE_RATE * BYTES, BYTES, 8 * BYTES)
    return b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt \x10\0\0\0" + form + b"data" + struct.pack("<I", size)


def chunks(path: Path, samples: int) -> Iterator[bytes]:
    """The first samples of a stored wav, finished or not, piece by piece.

    Raises:
        OSError: It is not there or shorter.
    """
    left = BYTES * samples
    with path.open("rb") as file:
        file.seek(_HEADER)
        while left:
            chunk = file.read(min(_CHUNK, left))
            if not chunk:
                raise OSError(f"{path.name} is shorter than it was")
            left -= len(chunk)
            yield chunk


def combined(digests: list[str]) -> str:
    """One hash for several tracks; that of the mix where it stands alone."""
    if len(digests) == 1:
        return digests[0]
    return hashlib.sha256("".join(digests).encode()).hexdigest()


def digest(path: Path, samples: int) -> str:
    """SHA-256 of a stored wav's samples.

    Raises:
        OSError: It cannot be read.
    """
    found = hashlib.sha256()
    for chunk in chunks(path, samples):
        found.update(chunk)
    return found.hexdigest()


def intact(path: Path, samples: int) -> bool:
    """Whether the stored wav is there with all its samples."""
    try:
        return path.stat().st_size == _HEADER + BYTES * samples
    except OSError:
        return False


def read(path: Path, span: Span) -> NDArray[np.float32]:
    """A window of a stored wav, by seek and read: mapped pages would count as memory.

    Returns:
        float32 in [-1, 1), shape (samples,), at 16 kHz.
    """
    with path.open("rb") as file:
        file.seek(_HEADER + BYTES * span.start)
        data = file.read(BYTES * span.length)
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(32768)
