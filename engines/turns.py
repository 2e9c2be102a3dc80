"""From who is who in each window to who speaks when: windows that overlap vote, frame by frame.

The rules are those of pyannote.audio's SpeakerDiarization (`speaker_count`, `to_diarization`, `Binarize`), on bytes
instead of floats and without its loops over frames: an hour takes a moment, ten hours some megabytes.
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Turn
from auricle.times import to_samples
from engines.voicemap import VoiceMap, Windows

_BLOCK = 100_000
"""Frames that are ranked at once."""


Assign = Callable[[VoiceMap], NDArray[np.int64]]
"""The voice of each local speaker of a piece, (windows, local speakers), below 0 for nobody's."""


def turns(pieces: Sequence[VoiceMap], assign: Assign, voices: int, most: int | None) -> tuple[list[Turn], list[Turn]]:
    """Who speaks when.

    Args:
        pieces: In order; windows that are missing between them were not listened to.
        assign: Who is who.
        voices: How many there are.
        most: At most so many speak at once.

    Returns:
        All turns, and those with one voice at a time; labels are the voices' numbers.
    """
    windows = pieces[-1].windows
    votes, speaking = _votes(pieces, assign, voices)
    every = _chosen(votes, np.minimum(speaking, voices if most is None else most))
    alone = _chosen(votes, np.minimum(speaking, 1))
    return _runs(every, windows), _runs(alone, windows)


def _votes(pieces: Sequence[VoiceMap], assign: Assign, voices: int) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """In each frame how many windows hear each voice, (frames, voices), and how many speak at once, (frames,)."""
    last = pieces[-1]
    width, windows = last.active.shape[1], last.windows
    frames = _first_frame(last.first + len(last.active) - 1, windows) + width
    votes = np.zeros((frames, voices), dtype=np.uint8)
    total, seen = np.zeros(frames, dtype=np.uint8), np.zeros(frames, dtype=np.uint8)
    for piece in pieces:
        for number, (active, local) in enumerate(zip(piece.active, assign(piece), strict=True)):
            start = _first_frame(piece.first + number, windows)
            here = slice(start, start + width)
            seen[here] += 1
            if not active.any():
                continue
            total[here] += active.sum(axis=1, dtype=np.uint8)
            for voice in np.unique(local[local >= 0]):
                votes[here, voice] += active[:, local == voice].any(axis=1)
    return votes, np.rint(total / np.maximum(seen, 1)).astype(np.uint8)


def _first_frame(window: int, windows: Windows) -> int:
    return round(window * windows.step / to_samples(1) / windows.frame[1])


def _chosen(votes: NDArray[np.uint8], speaking: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """In each frame as many voices as speak at once, those with the most votes; none without a vote."""
    chosen = np.zeros(votes.shape, dtype=bool)
    for start in range(0, len(votes), _BLOCK):
        block = votes[start : start + _BLOCK].astype(np.int16)
        order = np.argsort(-block, axis=1, kind="stable")
        places = np.argsort(order, axis=1, kind="stable")
        chosen[start : start + _BLOCK] = (places < speaking[start : start + _BLOCK, None]) & (block > 0)
    return chosen


def _runs(chosen: NDArray[np.bool_], windows: Windows) -> list[Turn]:
    """Frames in a row as turns, which begin and end in the middle of a frame."""
    duration, step = windows.frame
    found = []
    for voice in range(chosen.shape[1]):
        changes = np.flatnonzero(np.diff(chosen[:, voice].astype(np.int8), prepend=0, append=0))
        for first, last in zip(changes[::2], changes[1::2], strict=True):
            start, end = (to_samples(float(frame * step + duration / 2)) for frame in (first, last))
            found.append(Turn(start=start, end=end, label=str(voice)))
    return found
