"""What diarization hears before it decides how many people there are, piece by piece, and how it is kept."""

import io
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from auricle.times import SAMPLE_RATE


@dataclass(frozen=True)
class Windows:
    """How audio is looked at: in windows that overlap, always the same ones, whatever range was asked for.

    Attributes:
        length: Samples in a window.
        step: Samples from one to the next; the first begins with the recording.
        frame: (duration, step) of segmentation's frames, in seconds.
    """

    length: int = 10 * SAMPLE_RATE
    step: int = SAMPLE_RATE
    frame: tuple[float, float] = (0.0619375, 0.016875)

    def count(self, samples: int) -> int:
        """Windows that see all of so much audio; the last may reach beyond its end."""
        return 1 + -(-max(0, samples - self.length) // self.step)

    def covered(self, windows: int) -> int:
        """Samples from the start of the first of so many windows to the end of the last."""
        return (windows - 1) * self.step + self.length


@dataclass(frozen=True)
class VoiceMap:
    """Local speakers in successive windows. Another speaker count clusters them again, nobody listens again.

    Attributes:
        active: Who speaks when within each window, (windows, frames, local speakers), bool.
        embeddings: Their voices, (windows, local speakers, dim), float32; NaN rows where too little was said.
        windows: How the recording is cut into them.
        first: Which of the recording's windows the first of these is.
    """

    active: NDArray[np.bool_]
    embeddings: NDArray[np.float32]
    windows: Windows = Windows()
    first: int = 0

    def to_bytes(self) -> bytes:
        """An .npz, with silence and absent voices left out."""
        heard = np.isfinite(self.embeddings).all(axis=2)
        file = io.BytesIO()
        np.savez_compressed(
            file,
            active=np.packbits(self.active),
            shape=np.array(self.active.shape),
            heard=heard,
            embeddings=self.embeddings[heard],
            windows=np.array([self.windows.length, self.windows.step, *self.windows.frame]),
            first=np.array(self.first),
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> "VoiceMap":
        """Reads what `to_bytes` gave; nothing in it is ever executed.

        Raises:
            ValueError, KeyError, zipfile.BadZipFile: It is something else, or damaged.
        """
        with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
            shape, heard, voices = tuple(arrays["shape"]), arrays["heard"], arrays["embeddings"]
            embeddings = np.full((*heard.shape, voices.shape[-1]), np.nan, dtype=np.float32)
            embeddings[heard] = voices
            active = np.unpackbits(arrays["active"], count=int(np.prod(shape))).reshape(shape).astype(bool)
            length, step, *frame = arrays["windows"].tolist()
            windows = Windows(int(length), int(step), (frame[0], frame[1]))
            return cls(active, embeddings, windows, int(arrays["first"]))
