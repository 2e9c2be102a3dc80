"""One person a channel: of a recording whose channels carry different voices, who speaks when needs no guessing."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Recording, Span, Turn
from auricle.times import SAMPLE_RATE, clock, to_seconds
from engines.protocols import SpeakerCount, SpeechDetector
from library import Library
from tools.context import Context
from tools.spans import union
from tools.speech import Section, sections
from tools.work import Work

IDENTITY = "channels@1"

_FRAME = SAMPLE_RATE // 20
_ECHO = 12.0
"""dB under another channel, and half of it by the loudness of each: what is heard there is the other one's echo."""

_GAP = 8
"""Frames: shorter pauses do not end a turn."""

_SHORTEST = 4
_SMOOTH = 10
"""Frames over which the louder one of two who speak at once is told."""


def carries(recording: Recording, count: SpeakerCount) -> bool:
    """Whether its channels are the people, as far as anybody has said how many there are."""
    if not recording.apart:
        return False
    if count.exact is not None:
        return count.exact == recording.channels
    return (count.least or 1) <= recording.channels <= (count.most or recording.channels)


def listen(context: Context, recording: Recording, spans: Sequence[Span], work: Work) -> Diarization:
    """Who speaks when in the sections that some ranges touch; labels are "0", "1", … by first appearance."""
    found = {one.span: one for span in spans for one in sections(context, recording, span, work)}
    turns: list[Turn] = []
    exclusive: list[Turn] = []
    for number, section in enumerate(found.values()):
        work.report(number, len(found), f"listening to each channel at {clock(to_seconds(section.span.start))}")
        work.check_cancelled()
        here, alone = _section(context.library, context.engines.detector(), recording, section)
        turns, exclusive = turns + here, exclusive + alone
    names: dict[str, str] = {}
    for turn in sorted(turns, key=_by_time):
        names.setdefault(turn.label, str(len(names)))
    return Diarization(
        turns=_named(turns, names), exclusive=_named(exclusive, names), voices={}, heard=tuple(union(found))
    )


def _section(
    library: Library, detector: SpeechDetector, recording: Recording, section: Section
) -> tuple[list[Turn], list[Turn]]:
    """Turns with overlap, and with one voice at a time; labels are channels."""
    frames = -(-section.span.length // _FRAME)
    active = np.zeros((recording.channels, frames), dtype=bool)
    levels = np.full((recording.channels, frames), -100.0)
    for channel in range(recording.channels):
        sound = library.recordings.read(recording, section.span, channel)
        padded = np.pad(sound, (0, frames * _FRAME - len(sound))).reshape(frames, _FRAME)
        levels[channel] = 10 * np.log10(np.square(padded).mean(axis=1) + 1e-10)
        for span in detector.speech(sound):
            active[channel, span.start // _FRAME : -(-span.end // _FRAME)] = True
    loudness = np.array([_loud(level[on]) for level, on in zip(levels, active, strict=True)])
    relative = levels - loudness[:, None]
    active &= ~_echoes(active, levels, relative)
    talking = np.array([_without_pauses(on) for on in active])
    smooth = np.array([np.convolve(its, np.ones(_SMOOTH) / _SMOOTH, mode="same") for its in relative])
    loudest = np.where(talking, smooth, -np.inf).argmax(axis=0)
    turns = [turn for channel, on in enumerate(talking) for turn in _turns(on, section.span, channel)]
    alone = [
        turn for channel, on in enumerate(talking) for turn in _turns(on & (loudest == channel), section.span, channel)
    ]
    return turns, alone


def _loud(levels: NDArray[np.float64]) -> float:
    return float(np.quantile(levels, 0.9)) if levels.size else 0.0


def _echoes(active: NDArray[np.bool_], levels: NDArray[np.float64], relative: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Where a channel carries what somebody says on another one."""
    found = np.zeros_like(active)
    for channel in range(len(active)):
        for other in range(len(active)):
            quieter = levels[other] - levels[channel] >= _ECHO
            found[channel] |= active[other] & quieter & (relative[other] - relative[channel] >= _ECHO / 2)
    return found


def _without_pauses(on: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The same frames with short pauses closed and blips left out."""
    closed = on.copy()
    runs = _runs(on)
    for (_, end), (start, _) in pairwise(runs):
        if start - end < _GAP:
            closed[end:start] = True
    for start, end in _runs(closed):
        if end - start < _SHORTEST:
            closed[start:end] = False
    return closed


def _turns(on: NDArray[np.bool_], span: Span, channel: int) -> list[Turn]:
    return [
        Turn(start=span.start + start * _FRAME, end=min(span.start + end * _FRAME, span.end), label=str(channel))
        for start, end in _runs(on)
    ]


def _runs(on: NDArray[np.bool_]) -> list[tuple[int, int]]:
    """Stretches of frames, as (first, one after the last)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(np.int8)))
    return [(int(start), int(end)) for start, end in edges.reshape(-1, 2)]


def _by_time(turn: Turn) -> tuple[int, int]:
    return turn.start, turn.end


def _named(turns: Sequence[Turn], names: dict[str, str]) -> tuple[Turn, ...]:
    return tuple(turn.model_copy(update={"label": names[turn.label]}) for turn in sorted(turns, key=_by_time))
