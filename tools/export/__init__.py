"""Transcripts as files: one small writer a format."""

from dataclasses import dataclass

from tools.export import data, qa, subtitles, text
from tools.export.source import Export, Source, Writer


@dataclass(frozen=True)
class Format:
    """A way to write a transcript, and the ending of its files."""

    suffix: str
    write: Writer


FORMATS: dict[str, Format] = {
    "txt": Format(".txt", text.plain),
    "md": Format(".md", text.markdown),
    "qa": Format(".qa.md", qa.questions_and_answers),
    "srt": Format(".srt", subtitles.srt),
    "vtt": Format(".vtt", subtitles.vtt),
    "tsv": Format(".tsv", data.tsv),
    "json": Format(".json", data.as_json),
    "rttm": Format(".rttm", data.rttm),
}

__all__ = ["FORMATS", "Export", "Format", "Source"]
