"""Files: transcripts and slices, where they go and what is told of them."""

from pathlib import Path

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import clock, to_seconds
from library import Library
from tools.export import FORMATS, Source
from tools.paths import clean_name, output_path, write_file
from tools.reading import heard_transcript, unheard_note
from tools.results import AudioSlice, ExportedFile
from tools.transcript import fold
from tools.work import Work

_PREVIEW = 300
_WITHOUT_WORDS = "rttm"


def export_transcript(
    library: Library, recording: Recording, span: Span, kind: str, path: str | None, translated: bool
) -> ExportedFile:
    """Writes a range of a transcript.

    Raises:
        BadArgument: An unknown format, a path that is not allowed, or something to be called before.
        WorkError: The file cannot be written.
    """
    form = FORMATS.get(kind)
    if form is None:
        raise BadArgument(f"The format '{kind}' is not known: give {', '.join(FORMATS)}.")
    title = clean_name(Path(recording.path).stem)
    if kind == _WITHOUT_WORDS:
        transcript = fold(library, recording, translated)
    else:
        transcript = heard_transcript(library, recording, translated)
    export = form.write(Source(title=title, transcript=transcript, span=span))
    content = export.text.encode("utf-8", "replace")
    target = output_path(path, title, form.suffix, keep=Path(recording.path), content=content)
    write_file(target, content)
    missing = "" if kind == _WITHOUT_WORDS else unheard_note(transcript, span)
    note = " ".join(filter(None, [export.note, missing]))
    return ExportedFile(
        recording=recording.id,
        revision=transcript.revision,
        path=str(target),
        format=kind,
        preview=export.text[:_PREVIEW],
        note=note,
        next=f"The file is written; give the person its path, {target}. {note}".strip(),
    )


def slice_audio(
    library: Library, recording: Recording, span: Span, kind: str | None, path: str | None, work: Work
) -> AudioSlice:
    """Writes a range of the sound.

    Raises:
        BadArgument: An unknown format, or a path that is not allowed or says another format.
        WorkError: The file cannot be written.
    """
    from tools import slicing  # pydub and PyAV, which nothing else here needs

    ending = Path(path).suffix.lower().lstrip(".") if path else ""
    wanted = kind or ending or "wav"
    allowed = ", ".join(slicing.FORMATS)
    if wanted not in slicing.FORMATS:
        raise BadArgument(f"The format '{wanted}' is not known: give {allowed}.")
    if ending in slicing.FORMATS and ending != wanted:
        raise BadArgument(f"The path ends in .{ending} and the format is {wanted}: give one of them, or the same.")
    start, end = to_seconds(span.start), to_seconds(span.end)
    stem = f"{Path(recording.path).stem} {clock(start)}-{clock(end)}".replace(":", ".")
    target = output_path(path, stem, slicing.FORMATS[wanted], keep=Path(recording.path))
    from_original = slicing.write_slice(library, recording, span, target, wanted, work)
    told = f"The file is written; give the person its path, {target}."
    copy = " The original was not there as it was added, so this is the stored 16 kHz mono copy."
    return AudioSlice(
        recording=recording.id,
        path=str(target),
        start=start,
        end=end,
        format=wanted,
        bytes=target.stat().st_size,
        next=told if from_original else told + copy,
    )
