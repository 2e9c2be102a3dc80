"""A range of a recording, as it is asked for and as it is checked."""

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import clock, parse_time, to_samples, to_seconds

Time = float | str
"""Seconds, M:SS or H:MM:SS."""

_GRACE = 1.0
"""Seconds. Durations are shown rounded, so an end that is past the recording by less is its end."""


def span_of(recording: Recording, start: Time | None, end: Time | None) -> Span:
    """Checks a range.

    Raises:
        BadArgument: A time that is not understood or lies past the end, or a start that is not before the end.
    """
    first = 0.0 if start is None else parse_time(start)
    last = recording.seconds if end is None else parse_time(end)
    allowed = f"{recording.id} lasts {recording.seconds} s ({clock(recording.seconds)}): give times from 0 to that"
    if first >= recording.seconds:
        raise BadArgument(f"The start {start} is past the end. {allowed}.")
    if last > recording.seconds + _GRACE:
        raise BadArgument(f"The end {end} is past the end. {allowed}.")
    if first >= last:
        raise BadArgument(f"The start {start or 0} is not before the end {end}. {allowed}, the start first.")
    span = Span(start=to_samples(first), end=min(to_samples(last), recording.duration))
    if span.length <= 0:
        raise BadArgument(f"From {start} to {end} there is nothing. {allowed}.")
    return span


def range_of(recording: Recording, start: int | None, end: int | None) -> Span:
    """A range in samples; the whole where nothing is said.

    Raises:
        BadArgument: It is empty, or leaves the recording.
    """
    span = Span(start=start or 0, end=recording.duration if end is None else end)
    if not 0 <= span.start < span.end <= recording.duration:
        raise BadArgument(
            f"{recording.id} has nothing from {to_seconds(span.start)} to {to_seconds(span.end)} s: "
            f"give a range within 0 to {recording.seconds} s."
        )
    return span
