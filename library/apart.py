"""Whether channels carry different voices, as the two sides of a call do; told from how loud each is, when.

Two people on a line take turns: while one channel speaks, the other is quiet. A voice in a room is in all channels at
once, music too; a dead channel never speaks, and noise is always the same.
"""

from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from auricle.times import SAMPLE_RATE

_FRAME = SAMPLE_RATE // 20
_BLOCK = 20 * _FRAME
_QUIETEST = -100  # dB of full scale; a level's bin is how far it lies above
_BINS = 1 - _QUIETEST

_ABOVE_FLOOR = 10  # dB over a channel's own quiet, to be a voice
_BELOW_LOUD = 25  # dB under a channel's own loudness: less is the others' echo
_FAINTEST = -55
_LOUDER = 10  # dB beyond the other channel, plainly or each measured by its own loudness
_TURNS = 20  # frames: each side speaks for a second at least
_ALONE = 0.7  # of all speech, one side alone
_EARLY = 10 * 60 * 20  # frames of speech after which voices heard at once will not come apart


class Sides:
    """Counts how often each two channels are how loud at the same time: as much memory for an hour as for ten.

    Args:
        channels: How many there are, two or more.
    """

    def __init__(self, channels: int) -> None:
        self._channels = channels
        self._pairs = list(combinations(range(channels), 2))
        self._counts = np.zeros((len(self._pairs), _BINS, _BINS), np.int64)
        self._held: list[NDArray[np.int16]] = []
        self._size = 0

    def hear(self, sound: NDArray[np.int16]) -> None:
        """Takes what comes next, as (channels, samples)."""
        self._held.append(sound)
        self._size += sound.shape[1]
        if self._size >= _BLOCK:
            self._count()

    def _count(self) -> None:
        sound = np.concatenate(self._held, axis=1)
        whole = sound.shape[1] // _FRAME * _FRAME
        self._held, self._size = [sound[:, whole:]], sound.shape[1] - whole
        frames = sound[:, :whole].reshape(self._channels, -1, _FRAME).astype(np.float32) / np.float32(32768)
        levels = 10 * np.log10(np.square(frames).mean(axis=2) + 10.0 ** (_QUIETEST / 10))
        bins = np.clip(np.round(levels) - _QUIETEST, 0, _BINS - 1).astype(np.intp)
        for pair, (one, other) in enumerate(self._pairs):
            np.add.at(self._counts[pair], (bins[one], bins[other]), 1)

    def hopeless(self) -> bool:
        """Whether two channels have spoken at once for so long that more sound will not set them apart."""
        return any(self._speech(pair) >= _EARLY and not self._take_turns(pair) for pair in self._live())

    def apart(self) -> bool:
        """Whether each channel with a voice in it has one of its own, and there are two or more such."""
        live = self._live()
        return bool(live) and all(self._take_turns(pair) for pair in live)

    def _live(self) -> list[int]:
        """The pairs in which both channels speak."""
        speaks = [self._levels(channel)[self._voice(channel)[0]].sum() >= _TURNS for channel in range(self._channels)]
        return [pair for pair, both in enumerate(self._pairs) if all(speaks[channel] for channel in both)]

    def _levels(self, channel: int) -> NDArray[np.int64]:
        """How often a channel has which level."""
        pair = next(number for number, both in enumerate(self._pairs) if channel in both)
        found: NDArray[np.int64] = self._counts[pair].sum(axis=1 - self._pairs[pair].index(channel))
        return found

    def _voice(self, channel: int) -> tuple[NDArray[np.bool_], int]:
        """Which levels of a channel are its voice, and how loud that is."""
        counts = self._levels(channel)
        bins = np.arange(_BINS)
        heard = bins >= max(_quantile(counts, 0.05) + _ABOVE_FLOOR, _FAINTEST - _QUIETEST)
        loud = _quantile(np.where(heard, counts, 0), 0.95)
        return heard & (bins >= loud - _BELOW_LOUD), loud

    def _speech(self, pair: int) -> int:
        """Frames in which either speaks."""
        (one, _), (other, _) = (self._voice(channel) for channel in self._pairs[pair])
        return int(self._counts[pair][one[:, None] | other[None, :]].sum())

    def _take_turns(self, pair: int) -> bool:
        (one_speaks, one_loud), (other_speaks, other_loud) = (self._voice(channel) for channel in self._pairs[pair])
        bins = np.arange(_BINS)
        plainly = bins[:, None] - bins[None, :]
        for_itself = plainly - (one_loud - other_loud)
        ahead = (np.maximum(plainly, for_itself) >= _LOUDER) & (for_itself > -_LOUDER)
        behind = (np.minimum(plainly, for_itself) <= -_LOUDER) & (for_itself < _LOUDER)
        one_alone = int(self._counts[pair][one_speaks[:, None] & ahead].sum())
        other_alone = int(self._counts[pair][other_speaks[None, :] & behind].sum())
        alone = one_alone + other_alone
        return min(one_alone, other_alone) >= _TURNS and alone >= _ALONE * self._speech(pair)


def _quantile(counts: NDArray[np.int64], share: float) -> int:
    """The bin below which this share of what was counted lies."""
    return int(np.searchsorted(np.cumsum(counts), share * counts.sum(), side="right")) if counts.any() else _BINS
