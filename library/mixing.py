"""A stream's frames as 16 kHz samples: the mix of all channels, and each of them beside it."""

from math import gcd
from typing import Any, NamedTuple

import av
import numpy as np
from numpy.typing import NDArray

from auricle.times import SAMPLE_RATE

Rows = NDArray[np.int16]
"""Sound as (tracks, samples): the mix, then each channel where they are kept."""


class Form(NamedTuple):
    """How a frame's samples lie."""

    format: str
    layout: str
    rate: int

    @classmethod
    def of(cls, frame: Any) -> "Form":
        return cls(frame.format.name, frame.layout.name, frame.sample_rate)

    @property
    def step(self) -> tuple[int, int]:
        """The fewest samples in and out after which a resampler is where it began."""
        common = gcd(self.rate, SAMPLE_RATE)
        return self.rate // common, SAMPLE_RATE // common


class Mixer:
    """Resamples frames of one form.

    Args:
        channels: How many there are, where each is given beside the mix; else 0.

    Attributes:
        fed: Samples taken in, at the form's rate.
        given: Samples given out, at 16 kHz; the last few are held back until more comes, or ``drain``.
    """

    def __init__(self, form: Form, channels: int) -> None:
        self.form = form
        self.fed = self.given = 0
        self._rows = 1 + channels
        self._resamplers = [av.AudioResampler(format="s16", layout="mono", rate=SAMPLE_RATE)]
        if channels:
            self._resamplers.append(av.AudioResampler(format="s16p", layout=form.layout, rate=SAMPLE_RATE))

    def begin_at(self, fed: int) -> int:
        """Begins in the middle, where a resampler that was fed from the start is at the beginning of a step.

        Args:
            fed: What that one had been fed.

        Returns:
            How many of the samples from there on come before the step, and must be left out.
        """
        taken, made = self.form.step
        late = -fed % taken
        self.fed = fed + late
        self.given = self.fed // taken * made
        return late

    def leave_channels(self) -> None:
        """Gives the mix alone from here on."""
        self._rows = 1
        del self._resamplers[1:]

    def feed(self, frame: Any) -> Rows:
        self.fed += frame.samples
        frame.pts = None  # a resampler only counts; the clock is kept elsewhere
        return self._resample(frame)

    def drain(self) -> Rows:
        """What is still held back. Nothing can be fed afterwards."""
        return self._resample(None) if self.fed else np.empty((self._rows, 0), np.int16)

    def _resample(self, frame: Any) -> Rows:
        pieces = [
            np.concatenate(found, axis=1)
            for resampler in self._resamplers
            if (found := [piece.to_ndarray() for piece in resampler.resample(frame)])
        ]
        # Resamplers of one rate give out the same number of samples.
        rows: Rows = np.concatenate(pieces) if pieces else np.empty((self._rows, 0), np.int16)
        self.given += rows.shape[1]
        return rows


def without_first(frame: Any, samples: int) -> Any:
    """A frame less its first samples.

    Raises:
        ValueError: Its format cannot be cut.
    """
    sound = frame.to_ndarray()
    apart = sound.shape[0] > 1 or frame.layout.nb_channels == 1
    rest = sound[:, samples if apart else samples * frame.layout.nb_channels :]
    cut = av.AudioFrame.from_ndarray(np.ascontiguousarray(rest), format=frame.format.name, layout=frame.layout.name)
    cut.sample_rate = frame.sample_rate
    return cut
