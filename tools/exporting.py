"""Files: transcripts and slices, where they go and what is told of them."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from auricle.domain import Recording, Span
from auricle.errors import BadArgument
from auricle.times import to_seconds
from library import Library
from tools import page_sound
from tools.export import FORMATS, Source
from tools.jobs import Jobs
from tools.naming import only_of
from tools.paths import clean_name, output_path, write_file
from tools.reading import heard_transcript, unheard_note
from tools.results import AudioSlice, ExportedFile
from tools.transcript import fold
from tools.work import Work

_PREVIEW = 300


def export_transcript(
    library: Library,
    jobs: Jobs,
    recording: Recording,
    span: Span,
    kind: str,
    path: str | None,
    translated: bool,
    speakers: Sequence[str] | None,
    work: Work,
) -> ExportedFile:
    """Writes a range of a transcript, or only what some of its voices say.

    Raises:
        NotFound: There is no such voice.
        BadArgument: An unknown format, a path that is not allowed, or something to be called before.
        WorkError: The file cannot be written.
        StillWorking: The sound of a page takes longer than the face waits, and goes on.
    """
    form = FORMATS.get(kind)
    if form is None:
        raise BadArgument(f"The format '{kind}' is not known: give {', '.join(FORMATS)}.")
    title = clean_name(Path(recording.path).stem)
    transcript = (heard_transcript if form.of_words else fold)(library, recording, translated)
    transcript = only_of(transcript, speakers)
    source = Source(title=title, transcript=transcript, span=span, media=Path(recording.path).name)
    if kind == "html":
        source = replace(source, sound=page_sound.beside_or_within(library, jobs, recording, span, path, title, work))
    export = form.write(source)
    target = output_path(path, title, form.suffix, keep=Path(recording.path), content=export.content)
    write_file(target, export.content)
    missing = unheard_note(transcript, span) if form.of_words else ""
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
    jobs: Jobs, recording: Recording, span: Span, kind: str | None, path: str | None, work: Work
) -> AudioSlice:
    """Writes a range of the sound.

    Raises:
        BadArgument: An unknown format, or a path that is not allowed or says another format.
        WorkError: The file cannot be written.
        StillWorking: It takes longer than the face waits, and goes on.
    """
    from tools import slicing  # pydub and PyAV, which nothing else here needs

    ending = Path(path).suffix.lower().lstrip(".") if path else ""
    wanted = kind or ending or "wav"
    allowed = ", ".join(slicing.FORMATS)
    if wanted not in slicing.FORMATS:
        raise BadArgument(f"The format '{wanted}' is not known: give {allowed}.")
    if ending in slicing.FORMATS and ending != wanted:
        raise BadArgument(f"The path ends in .{ending} and the format is {wanted}: give one of them, or the same.")
    args = {
        "recording": recording.id,
        "start": span.start,
        "end": span.end,
        "format": wanted,
        "path": str(slicing.target_of(recording, span, wanted, path, Path.cwd())) if path else None,
        "folder": str(Path.cwd()),
    }
    done = jobs.briefly("cut", args, work, holds=_is_there)
    return AudioSlice(
        recording=recording.id,
        path=done["path"],
        start=to_seconds(span.start),
        end=to_seconds(span.end),
        format=wanted,
        bytes=done["bytes"],
        next=written(done),
    )


def written(done: dict[str, Any]) -> str:
    """What to tell of a slice that was cut."""
    told = f"The file is written; give the person its path, {done['path']}."
    copy = " The original was not there as it was added, so this is the stored 16 kHz mono copy."
    return told if done["whole"] else told + copy


def _is_there(done: dict[str, Any]) -> bool:
    try:
        return Path(done["path"]).stat().st_size == int(done["bytes"])
    except OSError:
        return False
