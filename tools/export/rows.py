"""What is said one after the other, for files in which nothing may lie over another."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from auricle.times import to_samples

_NUDGE = to_samples(0.01)
"""A start may be moved by so much, in samples."""


@dataclass(frozen=True)
class Placed:
    """A text and when it is said, in samples."""

    start: int
    end: int
    text: str


def in_a_row(parts: Iterable[Placed]) -> list[Placed]:
    """The same texts in order of time, none empty of time and none over another.

    A start is moved by 10 ms at most; what would have to be moved further is written together with what it lies over.
    """
    row: list[Placed] = []
    for part in sorted(parts, key=lambda part: part.start):
        last = row[-1] if row else None
        start = part.start if last is None else max(part.start, last.end)
        end = max(part.end, start + 1)
        if last is not None and (start - part.start > _NUDGE or end - part.end > _NUDGE):
            row[-1] = replace(last, end=max(last.end, part.end), text=f"{last.text.rstrip()} {part.text.lstrip()}")
        else:
            row.append(Placed(start, end, part.text))
    return row
