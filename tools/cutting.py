"""Long audio in pieces that end where nobody speaks, and what was heard in one put back on the recording's clock."""

import math
from collections.abc import Callable, Iterator

from auricle.domain import Recognition, Recording, Span
from auricle.times import to_samples
from engines.protocols import SpeechDetector
from library import Library

_LONGEST_LOOK = to_samples(60)
_LOOK_SHARE = 0.3


def pieces(
    library: Library, recording: Recording, span: Span, seconds: float, detector: Callable[[], SpeechDetector]
) -> Iterator[Span]:
    """Cuts a span into pieces of at most ``seconds``, each as late as the next silence allows.

    Only the audio around a cut is read, when its turn comes; what fits into one piece is not cut at all.

    Args:
        detector: Makes the speech detector, where one is needed.

    Yields:
        The pieces in order, without gaps.
    """
    longest = to_samples(seconds)
    start = span.start
    while span.end - start > longest:
        left = span.end - start
        # Pieces of about the same length: no last one of a second, which engines hear badly.
        latest = start + min(longest, math.ceil(left / math.ceil(left / longest) * (1 + _LOOK_SHARE / 2)))
        look = min(_LONGEST_LOOK, round((latest - start) * _LOOK_SHARE))
        window = Span(start=latest - look, end=latest)
        speech = detector().speech(library.recordings.read(recording, window))
        cut = window.start + quietest(speech, look)
        yield Span(start=start, end=cut)
        start = cut
    yield Span(start=start, end=span.end)


def quietest(speech: list[Span], length: int) -> int:
    """The middle of the longest silence in ``length`` samples; ``length`` where somebody speaks all the time."""
    edges = [0, *(edge for span in sorted(speech, key=lambda span: span.start) for edge in (span.start, span.end))]
    edges.append(length)
    silences = [(end - start, (start + end) // 2) for start, end in zip(edges[::2], edges[1::2], strict=True)]
    longest, middle = max(silences)
    return max(1, middle) if longest > 0 else length


def shifted(heard: Recognition, piece: Span) -> Recognition:
    """What was heard in a piece, in samples of the recording; nothing lies outside the piece."""

    def place(time: int) -> int:
        return max(piece.start, min(piece.end, piece.start + time))

    segments = tuple(
        segment.model_copy(
            update={
                "start": place(segment.start),
                "end": place(segment.end),
                "words": tuple(
                    word.model_copy(update={"start": place(word.start), "end": place(word.end)})
                    for word in segment.words
                ),
            }
        )
        for segment in heard.segments
    )
    return heard.model_copy(update={"segments": segments})
