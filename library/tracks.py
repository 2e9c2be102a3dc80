"""What a decoding writes: the mix, and each channel beside it as long as they may carry different voices."""

from pathlib import Path

import numpy as np

from auricle.times import SAMPLE_RATE
from library.apart import Sides
from library.mixing import Rows
from library.stored import Track, chunks, combined

_MOST_CHANNELS = 8
_LOOK_EVERY = 60 * SAMPLE_RATE


def channel_part(target: Path, channel: int) -> Path:
    """Where a channel is written while the mix is written to ``target``."""
    return target.with_name(f"{target.name}.{channel}")


class Tracks:
    """Writes rows of samples, each to its file.

    Args:
        target: The mix's file; the channels' are named after it.
        channels: How many channels are kept beside it, where a decoding goes on.
        samples: How much of each stands and is kept.

    Raises:
        OSError: They cannot be written, or what should stand does not.
    """

    def __init__(self, target: Path, channels: int = 0, samples: int = 0) -> None:
        self._mix = Track(target, samples)
        self._each: list[Track] = []
        self._sides: Sides | None = None
        self._looked = samples
        if channels:
            self._keep(channels, samples)
            self._hear_again(samples)

    @property
    def samples(self) -> int:
        return self._mix.samples

    @property
    def channels(self) -> int:
        """How many channels are kept so far; 0 once they are known to carry the same."""
        return len(self._each)

    def begin(self, channels: int) -> None:
        """Keeps so many channels from the first sample on, if that may be of use."""
        if 2 <= channels <= _MOST_CHANNELS:
            self._keep(channels, 0)

    def append(self, rows: Rows) -> None:
        """Writes the mix and, where channels are kept, theirs."""
        self._mix.append(rows[0].tobytes())
        if self._sides is None:
            return
        for track, row in zip(self._each, rows[1:], strict=True):
            track.append(row.tobytes())
        self._sides.hear(rows[1:])
        if self.samples - self._looked >= _LOOK_EVERY:
            self._looked = self.samples
            if self._sides.hopeless():
                self.drop_channels()

    def drop_channels(self) -> None:
        """Leaves it at the mix."""
        for track in self._each:
            track.close()
            track.path.unlink(missing_ok=True)
        self._each, self._sides = [], None

    def tail(self, samples: int) -> Rows:
        """The last samples of every track."""
        return np.stack([track.tail(samples) for track in self._all()])

    def digests(self) -> list[str]:
        """SHA-256 of each track so far."""
        return [track.digest() for track in self._all()]

    def flush(self) -> None:
        for track in self._all():
            track.flush()

    def finish(self) -> tuple[str, bool]:
        """Makes the tracks wavs; the hash of them all, and whether the channels are apart and kept."""
        if self._sides is not None and not self._sides.apart():
            self.drop_channels()
        for track in self._all():
            track.finish()
        return combined(self.digests()), bool(self._each)

    def close(self) -> None:
        for track in self._all():
            track.close()

    def _all(self) -> list[Track]:
        return [self._mix, *self._each]

    def _keep(self, channels: int, samples: int) -> None:
        paths = [channel_part(self._mix.path, channel) for channel in range(channels)]
        self._each = [Track(path, samples) for path in paths]
        self._sides = Sides(channels)

    def _hear_again(self, samples: int) -> None:
        assert self._sides is not None  # noqa: S101 - channels are kept
        pieces = zip(*(chunks(track.path, samples) for track in self._each), strict=True)
        for together in pieces:
            self._sides.hear(np.stack([np.frombuffer(piece, "<i2") for piece in together]))
