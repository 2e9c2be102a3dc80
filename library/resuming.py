"""Going on with a decoding that was killed: what it had written, and how to be where it was again.

A checkpoint tells how many packets were read, and the state of everything after them. To go on, the packets are read
again without decoding (which is as quick as reading the file), the last few are decoded so that the decoder is what it
was, and the last seconds are resampled and compared with what stands. Whatever differs, the decoding begins anew.
"""

import contextlib
import shutil
import time
from collections import deque
from pathlib import Path
from typing import NamedTuple

from filelock import FileLock, Timeout
from pydantic import BaseModel, ConfigDict, ValidationError

from auricle.times import SAMPLE_RATE
from library.clock import PlayersClock
from library.mixing import Form

EVERY = 60 * SAMPLE_RATE
"""Sound between two checkpoints, in samples: what a kill costs at most."""

LEAD = 3
"""Marks before a checkpoint: the first is decoded from, the last but one resampled from."""

_MARK_SECONDS = 5
_WEEK = 7 * 24 * 3600
_SHORT = 2**30

# After these, a decoder is the same whatever came long before. Others carry something along (AAC draws its noise from a
# generator that is never set back), so that the sound would be as good, but not the same bit for bit.
_FORGETFUL = {"flac", "alac", "wavpack", "mp1", "mp2", "mp3", "vorbis", "opus"}


class Differs(Exception):
    """What was decoded again is not what stands: the decoding begins anew."""


class Mark(NamedTuple):
    """A place between two packets: how many there were, and what the resampler had been fed."""

    packets: int
    fed: int


class Checkpoint(BaseModel):
    """A place to go on from.

    Attributes:
        lead: Earlier places, five seconds apart, up to this one.
        given: Samples the resampler had given out.
        samples: Samples written, the same to every track.
        digests: SHA-256 of the samples of each track: the mix, then the channels.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    lead: tuple[Mark, ...]
    form: Form
    given: int
    samples: int
    digests: tuple[str, ...]
    clock: PlayersClock
    rate: int
    good: int
    bad: int

    @property
    def here(self) -> Mark:
        return self.lead[-1]


class Marks:
    """Remembers places on the way, of one resampler."""

    def __init__(self) -> None:
        self._marks: deque[Mark] = deque(maxlen=LEAD + 1)

    def clear(self) -> None:
        self._marks.clear()

    def pass_by(self, mark: Mark, rate: int) -> tuple[Mark, ...]:
        """Remembers a place if it is far enough from the last; all of them where there are enough to go on from it."""
        if self._marks and mark.fed - self._marks[-1].fed < _MARK_SECONDS * rate:
            return ()
        self._marks.append(mark)
        return tuple(self._marks) if len(self._marks) > LEAD else ()


def can_resume(codec: str) -> bool:
    """Whether a decoder of this codec can be brought to where it was, exactly."""
    return codec.startswith("pcm_") or codec in _FORGETFUL


def save(checkpoint: Checkpoint, target: Path) -> None:
    """Writes the checkpoint of a decoding to ``target``: all of it or nothing.

    Raises:
        OSError: It cannot be written.
    """
    new = target.with_name(f"{target.name}.new")
    new.write_text(checkpoint.model_dump_json(), encoding="utf-8")
    new.replace(_place(target))


def load(target: Path) -> Checkpoint | None:
    """The checkpoint of a decoding to ``target``, if one was left."""
    try:
        return Checkpoint.model_validate_json(_place(target).read_bytes())
    except (OSError, ValidationError):
        return None


def discard(target: Path) -> None:
    """Drops everything that a decoding to ``target`` left, the checkpoint first."""
    with contextlib.suppress(OSError):
        _place(target).unlink(missing_ok=True)
        for path in target.parent.glob(f"{target.name}*"):
            path.unlink(missing_ok=True)


def sweep(folder: Path, but: str) -> None:
    """Drops what decodings left that nobody went on with for a week; any of them where the disk is nearly full.

    Args:
        but: The hash that is about to be decoded: its own are left.
    """
    short = shutil.disk_usage(folder).free < _SHORT
    for path in folder.glob("*.part*"):
        sha256 = path.name.partition(".")[0]
        if sha256 == but or not (short or _forgotten(path)):
            continue
        # Whoever decodes holds this lock.
        with contextlib.suppress(OSError, Timeout), lock(folder, sha256).acquire(timeout=0):
            path.unlink(missing_ok=True)


def lock(folder: Path, sha256: str) -> FileLock:
    """What holds off a second decoding of the same bytes; dying lets go of it."""
    return FileLock(folder / f"adding-{sha256[0]}.lock")


def _forgotten(path: Path) -> bool:
    try:
        return abs(time.time() - path.stat().st_mtime) > _WEEK
    except OSError:
        return False


def _place(target: Path) -> Path:
    return target.with_name(f"{target.name}.json")
