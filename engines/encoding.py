"""What Whisper's encoder makes of windows of sound: the dear half of recognition on a CPU."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_SHORT = 700
_SHORT_WINDOW = 1000
"""Frames (10 ms). Whisper was trained on windows of thirty seconds, but what is no longer than seven is heard as well
in one of ten, in a third of the time. Windows that end with the sound itself cost words."""


class Encoder:
    """Encodes windows of some sound; the last one is kept, since its language and its words begin with the same.

    Args:
        model: A faster_whisper.WhisperModel.
        features: (mels, frames), of all of the sound.
    """

    def __init__(self, model: Any, features: NDArray[np.float32]) -> None:
        self.frames = features.shape[-1] - 1
        self.longest: int = model.feature_extractor.nb_max_frames
        self.window = _SHORT_WINDOW if self.frames <= _SHORT else self.longest
        self._model, self._features = model, features
        self._kept: tuple[tuple[int, int], Any] | None = None

    def encode(self, start: int, size: int) -> Any:
        """What the encoder makes of a window of ``size`` frames from ``start`` on, filled up with silence."""
        from faster_whisper.audio import pad_or_trim

        if self._kept is None or self._kept[0] != (start, size):
            sound = pad_or_trim(self._features[:, start : start + size], self.window)
            self._kept = (start, size), self._model.encode(sound)
        return self._kept[1]

    def language(self, start: int, end: int) -> tuple[str, float]:
        """The language of the first window between two frames, as ISO 639-1, and its probability."""
        if not self._model.model.is_multilingual:
            return "en", 1.0
        size = min(self.longest, end - start)
        token, probability = self._model.model.detect_language(self.encode(start, size))[0][0]
        return str(token)[2:-2], float(probability)
