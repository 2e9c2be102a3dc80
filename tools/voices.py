"""The sound of one voice: where it is heard alone, and its vector."""

from bisect import bisect_left
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Recording, Span, Turn
from auricle.times import to_samples
from library import Library
from tools.jobs import Jobs
from tools.spans import union
from tools.work import Work

MOST_SPEECH = to_samples(30)
"""More of a voice than that changes its vector little."""

LEAST = 8.0
"""Seconds of clean speech for a voiceprint."""

_SHORTEST = to_samples(0.4)


def vectors(
    library: Library, jobs: Jobs, recording: Recording, voices: Sequence[Sequence[Span]], work: Work
) -> NDArray[np.float32]:
    """The vector of each voice, (voices, dim), given where it speaks."""
    asked = {"recording": recording.id, "voices": [[[s.start, s.end] for s in spans] for spans in voices]}
    done = jobs.run("embed", asked, work)
    return np.stack([np.frombuffer(library.takes.blob(take), dtype=np.float32) for take in done["takes"]])


def alone(turns: Sequence[Turn], speaker: str) -> list[Span]:
    """Where one voice speaks and no other does, in order."""
    others = union(turn for turn in turns if turn.label != speaker)
    starts = [other.start for other in others]
    found = []
    for own in union(turn for turn in turns if turn.label == speaker):
        start = own.start
        first = max(0, bisect_left(starts, own.start) - 1)
        for other in others[first : bisect_left(starts, own.end)]:
            if other.start > start:
                found.append(Span(start=start, end=other.start))
            start = max(start, other.end)
        if start < own.end:
            found.append(Span(start=start, end=own.end))
    return found


def clearest(turns: Sequence[Turn], speaker: str, most: int = MOST_SPEECH) -> list[Span]:
    """The longest stretches of a voice alone, together about as long as is of use, in order of time."""
    chosen: list[Span] = []
    left = most
    for span in sorted(alone(turns, speaker), key=lambda span: -span.length):
        if left <= 0 or span.length < _SHORTEST:
            break
        chosen.append(Span(start=span.start, end=min(span.end, span.start + left)))
        left -= span.length
    return sorted(chosen, key=lambda span: span.start)


def pieces(spans: Sequence[Span], seconds: float = 3.0, most: int = 40) -> list[list[Span]]:
    """Speech in pieces of about so many seconds each, in order; each may be of several stretches."""
    wanted = to_samples(seconds)
    found: list[list[Span]] = [[]]
    have = 0
    for span in spans:
        start = span.start
        while start < span.end:
            end = min(span.end, start + wanted - have)
            found[-1].append(Span(start=start, end=end))
            have, start = have + end - start, end
            if have >= wanted:
                found.append([])
                have = 0
    whole = found if have >= wanted // 2 else found[:-1]
    return whole[:: -(-len(whole) // most)] if whole else []


def length(spans: Sequence[Span]) -> int:
    """Samples in all."""
    return sum(span.length for span in spans)
