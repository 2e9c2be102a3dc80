"""Time: stored as whole samples at 16 kHz, shown as seconds of the recording."""

import math
import re

from auricle.errors import BadArgument

SAMPLE_RATE = 16_000
"""Samples per second (Hz) of everything stored and heard."""

_CLOCK = re.compile(r"^(?:(?:(\d+):)?([0-5]?\d):)?([0-5]?\d(?:\.\d+)?)$|^(\d+(?:\.\d+)?)$")


def to_samples(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def to_seconds(samples: int) -> float:
    """Seconds, rounded to a millisecond: what is shown and exported."""
    return round(samples / SAMPLE_RATE, 3)


def parse_time(text: str | float) -> float:
    """Reads a time as a person writes it.

    Args:
        text: Seconds (``90``, ``12.5``), ``M:SS`` or ``H:MM:SS``.

    Returns:
        Seconds from the start of the recording.

    Raises:
        BadArgument: It is none of these, negative, or not finite.
    """
    if isinstance(text, int | float):
        seconds = float(text)
        if not math.isfinite(seconds) or seconds < 0:
            raise BadArgument(f"The time {text} is not allowed: give seconds from 0, M:SS or H:MM:SS.")
        return seconds
    match = _CLOCK.match(text.strip())
    if not match:
        raise BadArgument(f"The time '{text}' is not understood: give seconds (90), M:SS (1:30) or H:MM:SS (1:02:03).")
    hours, minutes, seconds_part, plain = match.groups()
    if plain is not None:
        return float(plain)
    return int(hours or 0) * 3600 + int(minutes or 0) * 60 + float(seconds_part)


def clock(seconds: float) -> str:
    """``75.2`` as ``1:15``, ``3725`` as ``1:02:05``."""
    whole = int(seconds)
    hours, rest = divmod(whole, 3600)
    minutes, secs = divmod(rest, 60)
    return f"{hours}:{minutes:02d}:{secs:02d}" if hours else f"{minutes}:{secs:02d}"
