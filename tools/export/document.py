"""A Word document by python-docx: who spoke how long, and what was said, with headings to find one's way."""

import io
from itertools import groupby
from typing import TYPE_CHECKING

from auricle.times import SAMPLE_RATE, clock, to_samples, to_seconds
from tools.export.source import Export, Source
from tools.export.text import LEGEND, lines_of, marks, plain, printable
from tools.statistics import statistics
from tools.views import Utterance

if TYPE_CHECKING:
    from docx.document import Document

_CHAPTER = to_samples(600)
"""Longer recordings have a heading every ten minutes."""


def docx(source: Source) -> Export:
    """A document with a title, a table of who spoke how long, and the transcript."""
    import docx as python_docx  # lxml takes a while to load, and few exports need it

    document = python_docx.Document()
    document.core_properties.title = printable(source.title)
    document.core_properties.author = "Auricle"
    document.core_properties.language = source.transcript.language or ""
    document.add_heading(printable(source.title), 0)
    document.add_paragraph(_facts(source))
    _who_speaks(document, source)
    document.add_heading("Transcript", 1)
    lines = lines_of(source)
    chapters = [(start, list(part)) for start, part in groupby(lines, key=lambda line: line.start // _CHAPTER)]
    for number, part in chapters:
        if len(chapters) > 1:
            document.add_heading(clock(to_seconds(number * _CHAPTER)), 2)
        for line in part:
            _add(document, source, line)
    if any(marks(line) for line in lines):
        document.add_paragraph().add_run(LEGEND).italic = True
    out = io.BytesIO()
    document.save(out)
    return Export(plain(source).text, data=out.getvalue())


def _facts(source: Source) -> str:
    start, end = clock(to_seconds(source.span.start)), clock(to_seconds(source.span.end))
    language = f", language: {source.transcript.language}" if source.transcript.language else ""
    length = clock(to_seconds(source.transcript.duration))
    return f"{start} to {end} of {length}{language}. Times are hours, minutes and seconds of the recording."


def _who_speaks(document: "Document", source: Source) -> None:
    speakers = statistics(source.transcript, source.span, None).speakers
    if not speakers:
        return
    document.add_heading("Who speaks", 1)
    table = document.add_table(1, 5, style="Light Grid Accent 1")
    _fill(table.rows[0].cells, ("Speaker", "Time", "Share", "Turns", "Words"))
    for view in speakers:
        row = (printable(view.speaker), clock(view.seconds), f"{view.share:.0%}", str(view.turns), str(view.words))
        _fill(table.add_row().cells, row)


def _fill(cells: "tuple[object, ...]", texts: tuple[str, ...]) -> None:
    for cell, text in zip(cells, texts, strict=True):
        cell.text = text  # type: ignore[attr-defined]


def _add(document: "Document", source: Source, line: Utterance) -> None:
    from docx.shared import Pt, RGBColor

    paragraph = document.add_paragraph()
    voice = source.voice(line.speaker)
    if voice:
        paragraph.add_run(f"{printable(voice)} ").bold = True
    at = paragraph.add_run(f"[{_at(line.start)}] ")
    at.font.size, at.font.color.rgb = Pt(8), RGBColor(0x59, 0x59, 0x59)
    paragraph.add_run(printable(line.text))
    if marks(line):
        paragraph.add_run(marks(line)).italic = True


def _at(samples: int) -> str:
    """With hundredths: whoever quotes from a document finds the word again."""
    seconds, hundredths = divmod(round(samples * 100 / SAMPLE_RATE), 100)
    return f"{clock(seconds)}.{hundredths:02d}"
