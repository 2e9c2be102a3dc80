"""A transcript as text that fits into one answer, and where it goes on."""

from dataclasses import dataclass, replace
from pathlib import Path

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE, to_seconds
from library import Library
from tools.export import FORMATS, Source
from tools.paths import clean_name
from tools.reading import heard_transcript, unheard_note
from tools.transcript import fold

MOST_CHARACTERS = 40_000
"""About 10,000 tokens of English, three quarters of an hour of talk: clients put what they read before their model."""

MOST_FOR_PROGRAMS = 400_000
"""The same for JSON, where each word has its times."""

READABLE = tuple(kind for kind, form in FORMATS.items() if form.readable)
"""The formats that are text."""

_MILLISECOND = SAMPLE_RATE // 1000


@dataclass(frozen=True)
class Excerpt:
    """A range of a transcript, written out.

    Attributes:
        span: What the text covers; it may end before what was asked for.
        goes_on: Where to read on, in seconds; None at the end of what was asked for.
        note: What the reader should know: what was not listened to yet, and what the format says.
    """

    text: str
    span: Span
    goes_on: float | None
    note: str


def excerpt(library: Library, recording: Recording, span: Span, kind: str) -> Excerpt:
    """Writes a range in one of the export formats, as much of it as fits.

    Raises:
        BadArgument: An unknown format, or something to be called before.
    """
    form = FORMATS.get(kind)
    if form is None or not form.readable:
        raise BadArgument(f"The format '{kind[:20]}' is not known: give {', '.join(READABLE)}.")
    transcript = (heard_transcript if form.of_words else fold)(library, recording)
    file = Path(recording.path)
    source = Source(title=clean_name(file.stem), transcript=transcript, span=span, media=file.name)
    written = form.write(source)
    most = MOST_FOR_PROGRAMS if form.media_type == "application/json" else MOST_CHARACTERS
    while len(written.text) > most and (end := _earlier_end(source, most / len(written.text))):
        source = replace(source, span=Span(start=span.start, end=end))
        written = form.write(source)
    missing = unheard_note(transcript, source.span) if form.of_words else ""
    return Excerpt(
        text=written.text,
        span=source.span,
        goes_on=to_seconds(source.span.end) if source.span.end < span.end else None,
        note=" ".join(filter(None, [written.note, missing])),
    )


def _earlier_end(source: Source, share: float) -> int | None:
    """The beginning of the first utterance past a share of them, on a whole millisecond; None where there is none.

    Times are shown in milliseconds, so the next range begins exactly where this one ends.
    """
    lines = source.utterances
    fitting = max(1, min(len(lines) - 1, int(len(lines) * share)))
    starts = (line.start // _MILLISECOND * _MILLISECOND for line in lines[fitting:])
    return next((start for start in starts if source.span.start < start < source.span.end), None)
