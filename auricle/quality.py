"""How much care listening takes: three ways between time and accuracy, and what each gives up."""

from dataclasses import dataclass
from typing import Literal

Quality = Literal["fast", "balanced", "best"]


@dataclass(frozen=True)
class Trade:
    """What a quality means for the engines.

    Attributes:
        beam: Recognition's beam.
        step: From one of diarization's windows to the next, as a share of their length.
        shared_voices: What is made of a voice in one window serves those that overlap it.
        batched: On a GPU pieces between pauses are recognized at once, each without what was said before it.
        told: What it trades, for people.
    """

    beam: int
    step: float
    shared_voices: bool
    batched: bool
    told: str


TRADES: dict[Quality, Trade] = {
    "fast": Trade(1, 0.2, True, True, "soonest; a few more words wrong, and short turns of voices missed"),
    "balanced": Trade(5, 0.1, True, True, "nearly as exact as best in much less time"),
    "best": Trade(5, 0.1, False, False, "every voice in every window by itself, every word after what was said before"),
}
