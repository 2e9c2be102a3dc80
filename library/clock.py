"""The player's clock: where a frame lies in what a player would play, whatever its container counts from."""

from dataclasses import dataclass
from typing import Any

from auricle.times import SAMPLE_RATE

# Timestamps of small containers are coarse; a jump beyond this is a real gap.
_JITTER = SAMPLE_RATE // 10
_LONGEST_GAP = 3600 * SAMPLE_RATE
_LONGEST_LEAD = 10 * SAMPLE_RATE


@dataclass
class PlayersClock:
    """Holds the sound taken so far against the frames' timestamps.

    Attributes:
        zero: The player's zero on the container's clock, in seconds; None until a frame tells.
        total: Seconds the container says it lasts; 0 where it does not.
        begun: A frame with a timestamp was placed.
        taken: Seconds on the player's clock that are spoken for.
        moved: Seconds by which broken timestamps were set right.
    """

    zero: float | None
    total: float
    begun: bool = False
    taken: float = 0.0
    moved: float = 0.0

    def place(self, frame: Any) -> int:
        """Takes a frame: how many samples at 16 kHz of silence come before it, or, if negative, lie before zero."""
        lead = self._lead(frame)
        self.taken += lead / SAMPLE_RATE
        self.taken += frame.samples / frame.sample_rate
        return lead

    def _lead(self, frame: Any) -> int:
        if frame.pts is None or frame.time_base is None:
            return 0
        at = float(frame.pts * frame.time_base)
        if self.zero is None:
            self.zero = at
        first, self.begun = not self.begun, True
        gap = round((at - self.zero + self.moved - self.taken) * SAMPLE_RATE)
        if first and -_LONGEST_LEAD <= gap <= _LONGEST_GAP:
            return gap
        if _JITTER < gap <= self._longest_gap():
            return gap
        if abs(gap) > _JITTER:
            # The clock jumps back, or farther than the file is long: the timestamps are wrong, the sound is not.
            self.moved -= gap / SAMPLE_RATE
        return 0

    def _longest_gap(self) -> int:
        if not self.total:
            return _LONGEST_GAP
        return min(_LONGEST_GAP, round((self.total + 1 - self.taken) * SAMPLE_RATE))
