"""Transcripts as files: one small writer a format."""

from dataclasses import dataclass

from tools.export import cutting, data, document, labels, page, pdf, pictures, qa, subtitles, text
from tools.export.source import Export, Source, Writer


@dataclass(frozen=True)
class Format:
    """A way to write a transcript.

    Attributes:
        suffix: The ending of its files.
        media_type: As the web calls it.
        called: What people call such a file.
        of_words: Something must have been transcribed for it.
        of_voices: It is about who speaks.
        readable: The file is text, and worth reading as such.
    """

    suffix: str
    write: Writer
    media_type: str
    called: str
    of_words: bool = True
    of_voices: bool = False
    readable: bool = True


FORMATS: dict[str, Format] = {
    "txt": Format(".txt", text.plain, "text/plain", "transcript"),
    "md": Format(".md", text.markdown, "text/markdown", "Markdown transcript"),
    "qa": Format(".qa.md", qa.questions_and_answers, "text/markdown", "Q&A", of_voices=True),
    "srt": Format(".srt", subtitles.srt, "application/x-subrip", "SRT subtitles"),
    "vtt": Format(".vtt", subtitles.vtt, "text/vtt", "WebVTT subtitles"),
    "ttml": Format(".ttml", subtitles.ttml, "application/ttml+xml", "TTML subtitles"),
    "tsv": Format(".tsv", data.tsv, "text/tab-separated-values", "table"),
    "json": Format(".json", data.as_json, "application/json", "JSON transcript"),
    "rttm": Format(".rttm", labels.rttm, "text/plain", "RTTM turns", of_words=False, of_voices=True),
    "ctm": Format(".ctm", labels.ctm, "text/plain", "CTM words"),
    "textgrid": Format(".TextGrid", labels.textgrid, "text/plain", "Praat TextGrid", of_voices=True),
    "audacity": Format(".labels.txt", labels.audacity, "text/plain", "Audacity labels"),
    "edl": Format(".edl", cutting.edl, "text/plain", "EDL"),
    "otio": Format(".otio", cutting.otio, "application/json", "OpenTimelineIO timeline", of_voices=True),
    "docx": Format(
        ".docx",
        document.docx,
        "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        "Word document",
        of_voices=True,
        readable=False,
    ),
    "html": Format(".html", page.html, "text/html", "page", of_voices=True, readable=False),
    "png": Format(".png", pictures.png, "image/png", "picture", of_words=False, of_voices=True, readable=False),
    "svg": Format(".svg", pictures.svg, "image/svg+xml", "picture", of_words=False, of_voices=True, readable=False),
    "pdf": Format(".pdf", pdf.pdf, "application/pdf", "PDF", of_voices=True, readable=False),
}

__all__ = ["FORMATS", "Export", "Format", "Source"]
