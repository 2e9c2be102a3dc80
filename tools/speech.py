"""Where somebody speaks: found once, section by section, for recognition and diarization alike.

Sections lie at the same places whatever range was asked for, and end where nobody speaks: so do the pieces cut from
them, and what is heard of one range fits together with what is heard of another.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from auricle.domain import Recording, Span
from auricle.times import SAMPLE_RATE, to_samples, to_seconds
from tools.context import Context
from tools.cutting import quietest
from tools.work import Work

SECTION = to_samples(300)
_LOOK = to_samples(30)
"""A section ends in the last so much of its time."""

_WIDER = to_samples(5)
"""A range begins and ends in a pause: that far beyond what was asked for."""

_SETTLE = to_samples(1)
"""The detector is given so much more sound around a place where a section may end."""


@dataclass(frozen=True)
class Section:
    """A few minutes of a recording, and where somebody speaks in them, on the recording's clock."""

    span: Span
    speech: tuple[Span, ...]


def sections(context: Context, recording: Recording, span: Span, work: Work) -> Iterator[Section]:
    """The sections that a span touches, in order; those that nobody has listened to are detected now, and kept."""
    detector = context.engines.detector()
    library = context.library
    known = {take.span: take for take in library.takes.find(recording.id, "speech", detector.identity, {})}
    for number in range(span.start // SECTION, min(span.end // SECTION + 2, _count(recording))):
        here = Span(start=_edge(context, recording, number, known), end=_edge(context, recording, number + 1, known))
        if not here.shared_with(span):
            continue
        work.check_cancelled()
        take = known.get(here)
        if take is None:
            done, total = to_seconds(max(0, here.start - span.start)), to_seconds(span.length)
            work.report(done, total, "finding where somebody speaks")
            found = detector.speech(library.recordings.read(recording, here))
            payload = json.dumps([[here.start + each.start, here.start + each.end] for each in found])
            take = library.takes.add(recording.id, "speech", detector.identity, {}, here, payload)
            known[here] = take
        speech = tuple(Span(start=start, end=end) for start, end in json.loads(take.payload))
        yield Section(here, speech)


def widened(context: Context, recording: Recording, span: Span, around: Sequence[Section]) -> Span:
    """A span moved outwards to pauses, within its sections."""
    speech = [each for section in around for each in section.speech]
    first, last = around[0].span.start, around[-1].span.end
    start, end = max(span.start, first), min(span.end, last)
    if start > first:
        start = _pause(context, recording, speech, Span(start=max(first, start - _WIDER), end=start))
    if end < last:
        end = _pause(context, recording, speech, Span(start=end, end=min(last, end + _WIDER)))
    return Span(start=start, end=end)


def speech_within(speech: Sequence[Span], span: Span) -> list[Span]:
    """Speech in a part of the recording, on that part's own clock."""
    return [
        Span(start=max(each.start, span.start) - span.start, end=min(each.end, span.end) - span.start)
        for each in speech
        if each.shared_with(span)
    ]


def on_clock_of(span: Span, speech: Sequence[Span]) -> list[Span]:
    """Speech anywhere, in samples from the start of a span."""
    return [Span(start=each.start - span.start, end=each.end - span.start) for each in speech]


def faintest(context: Context, recording: Recording, span: Span) -> int:
    """The place in a span where the least is heard, for want of a silence."""
    sound = context.library.recordings.read(recording, span)
    width = SAMPLE_RATE // 20
    if len(sound) < 2 * width:
        return span.end
    energy = np.convolve(np.square(sound), np.ones(width, dtype=np.float32), mode="valid")
    return span.start + int(np.argmin(energy)) + width // 2


def _count(recording: Recording) -> int:
    """How many sections there are: the last one is no shorter than the look, unless it is the only one."""
    return 1 + max(0, recording.duration - _LOOK) // SECTION


def _edge(context: Context, recording: Recording, number: int, known: Iterable[Span]) -> int:
    """Where a section begins: in a silence before its nominal time."""
    if number == 0:
        return 0
    if number >= _count(recording):
        return recording.duration
    look = Span(start=number * SECTION - _LOOK, end=number * SECTION)
    for span in known:
        for edge in (span.start, span.end):
            if look.start <= edge <= look.end:
                return edge
    around = Span(start=look.start - _SETTLE, end=min(look.end + _SETTLE, recording.duration))
    speech = context.engines.detector().speech(context.library.recordings.read(recording, around))
    on_clock = [Span(start=around.start + each.start, end=around.start + each.end) for each in speech]
    return _pause(context, recording, on_clock, look)


def _pause(context: Context, recording: Recording, speech: Sequence[Span], look: Span) -> int:
    cut = quietest(speech, look)
    return faintest(context, recording, look) if cut is None else cut
