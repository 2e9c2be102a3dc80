"""What diarization hears before it decides how many people there are, and the file that keeps it."""

import sys
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class VoiceMap:
    """Local speakers, window by window; stored, so that another speaker count clusters them again without listening.

    Attributes:
        segmentations: Speaker activity, (windows, frames, local speakers), float32 in [0, 1].
        embeddings: A voice embedding for each local speaker, (windows, local speakers, dim); NaN rows where silent.
        window: (start, duration, step) of the windows, in seconds.
        frame: The same of the frames; the default is segmentation-3.0's.
        length: Samples of audio. The last window reaches beyond it, turns must not.
    """

    segmentations: NDArray[np.float32]
    embeddings: NDArray[np.float32]
    window: tuple[float, float, float]
    frame: tuple[float, float, float] = (0.0, 0.0619375, 0.016875)
    length: int = sys.maxsize

    def save(self, path: Path) -> None:
        """Writes an .npz file under exactly that name, whole or not at all."""
        unfinished = path.with_name(f".{path.name}.{uuid4().hex}")
        try:
            with unfinished.open("wb") as file:
                np.savez_compressed(
                    file,
                    segmentations=self.segmentations,
                    embeddings=self.embeddings,
                    window=np.array(self.window),
                    frame=np.array(self.frame),
                    length=np.array(self.length),
                )
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)

    @classmethod
    def load(cls, path: Path) -> "VoiceMap":
        """Reads what `save` wrote; nothing in the file is ever executed."""
        with np.load(path, allow_pickle=False) as arrays:
            return cls(
                segmentations=arrays["segmentations"],
                embeddings=arrays["embeddings"],
                window=_triple(arrays["window"]),
                frame=_triple(arrays["frame"]),
                length=int(arrays["length"]),
            )


def _triple(values: NDArray[np.float64]) -> tuple[float, float, float]:
    start, duration, step = (float(value) for value in values)
    return start, duration, step
