"""Sets of stretches of time. Times are samples."""

from collections.abc import Iterable, Sequence

from auricle.domain import Span


def union(spans: Iterable[Span]) -> list[Span]:
    """The same stretches in order, those that touch or overlap made one."""
    merged: list[Span] = []
    for span in sorted((span for span in spans if span.length > 0), key=lambda span: span.start):
        if merged and span.start <= merged[-1].end:
            merged[-1] = Span(start=merged[-1].start, end=max(merged[-1].end, span.end))
        else:
            merged.append(Span(start=span.start, end=span.end))
    return merged


def without(span: Span, taken: Sequence[Span]) -> list[Span]:
    """What is left of ``span`` outside ``taken``, in order."""
    left: list[Span] = []
    start = span.start
    for other in union(taken):
        if other.end <= start:
            continue
        if other.start >= span.end:
            break
        if other.start > start:
            left.append(Span(start=start, end=other.start))
        start = other.end
    if start < span.end:
        left.append(Span(start=start, end=span.end))
    return left
