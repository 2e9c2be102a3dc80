"""Long audio in pieces that end where nobody speaks, and what was heard in one put back on the recording's clock."""

from collections.abc import Callable, Iterator, Sequence

from auricle.domain import Recognition, Span

_EARLIEST = 0.5
"""Of the longest piece: no piece ends sooner, so that the longest pause is found among many."""

_REST = 1 / 6
"""Of the longest piece: no last piece is shorter, since engines hear little in a second."""


def pieces(span: Span, speech: Sequence[Span], longest: int, faintest: Callable[[Span], int]) -> Iterator[Span]:
    """Cuts a span into pieces of at most ``longest`` samples, each at the longest pause in its second half.

    Args:
        speech: Where somebody speaks.
        faintest: Where to cut in a stretch without any pause.

    Yields:
        The pieces in order, without gaps.
    """
    start = span.start
    while span.end - start > longest:
        look = Span(
            start=start + round(longest * _EARLIEST), end=min(start + longest, span.end - round(longest * _REST))
        )
        cut = quietest(speech, look)
        end = faintest(look) if cut is None else cut
        yield Span(start=start, end=end)
        start = end
    yield Span(start=start, end=span.end)


def quietest(speech: Sequence[Span], look: Span) -> int | None:
    """The middle of the longest pause that begins and ends in a stretch; None where somebody speaks all the time."""
    edges = [look.start]
    for each in speech:
        if each.shared_with(look):
            edges += [max(each.start, look.start), min(each.end, look.end)]
    edges.append(look.end)
    length, middle = max((end - start, (start + end) // 2) for start, end in zip(edges[::2], edges[1::2], strict=True))
    return middle if length > 0 else None


def shifted(heard: Recognition, start: int, span: Span) -> Recognition:
    """What was heard in some sound, in samples of the recording.

    Args:
        start: Where the sound begins in the recording.
        span: What of it counts: words whose middle lies outside are left out, and none reaches beyond it.
    """

    def place(time: int) -> int:
        return max(span.start, min(span.end, start + time))

    segments = []
    for segment in heard.segments:
        words = tuple(
            word.model_copy(update={"start": place(word.start), "end": place(word.end)})
            for word in segment.words
            if span.start <= start + (word.start + word.end) // 2 <= span.end
        )
        if len(words) == len(segment.words):
            placed = {"start": place(segment.start), "end": place(segment.end), "words": words}
        elif words:
            text = "".join(word.text for word in words).strip()
            placed = {"start": words[0].start, "end": words[-1].end, "words": words, "text": text}
        else:
            continue
        segments.append(segment.model_copy(update=placed))
    return heard.model_copy(update={"segments": tuple(segments)})
