"""`transcribe`, `diarize`, `export`, `search`, `slice`: what is heard, and what is made of it."""

from typing import TYPE_CHECKING, Annotated, cast

import typer

from agent.cli.command import End, QualityOption, Recording, Start, add
from agent.cli.context import ensure_models, limits, recording_id, recording_ids, transcript_source, working
from agent.cli.output import Shown, say
from agent.cli.render import length, talk, transcript_lines, turn_lines
from auricle.times import clock, parse_time

if TYPE_CHECKING:
    from tools.toolbox import TranscriptFormat

PANEL = "Listen"


def register(app: typer.Typer) -> None:
    add(app, "transcribe", PANEL)(transcribe)
    add(app, "diarize", PANEL)(diarize)
    add(app, "export", PANEL)(export)
    add(app, "search", PANEL)(search)
    add(app, "slice", PANEL)(slice_)


def transcribe(
    recording: Recording,
    start: Start = None,
    end: End = None,
    language: Annotated[
        str | None, typer.Option(metavar="L", help="What is spoken: en, de, … Detected where not given.")
    ] = None,
    hints: Annotated[str | None, typer.Option(metavar='"a, b"', help="Names and terms to expect.")] = None,
    translate: Annotated[bool, typer.Option("--translate", help="Into English.")] = False,
    quality: QualityOption = None,
) -> Shown:
    """What is said, with times; only the range asked for is listened to."""
    from tools.export.data import as_dict

    first, last = limits(start, end)
    with working(quality=quality) as (toolbox, work):
        found = recording_id(toolbox, recording, work)
        ensure_models(["recognition"], work)
        result = toolbox.transcribe(
            found, start=first, end=last, language=language, hints=hints, translate=translate, work=work
        )
        source = transcript_source(toolbox, found, result.start, result.end, translate)
    for warning in result.warnings:
        say(f"Note: {warning}")
    lines = transcript_lines(source.transcript, source.span)
    return Shown({**as_dict(source), "warnings": result.warnings}, lines or ["Nothing is said there."])


def diarize(
    recording: Recording,
    speakers: Annotated[int | None, typer.Option(metavar="N", help="Exactly so many people.")] = None,
    min_speakers: Annotated[int | None, typer.Option(metavar="N", help="At least so many.")] = None,
    max_speakers: Annotated[int | None, typer.Option(metavar="N", help="At most so many.")] = None,
    start: Start = None,
    end: End = None,
    quality: QualityOption = None,
) -> Shown:
    """Who speaks when; only the range asked for is listened to."""
    from tools.export.data import turns_dict

    first, last = limits(start, end)
    with working(quality=quality) as (toolbox, work):
        found = recording_id(toolbox, recording, work)
        ensure_models(["segmentation", "embedding"], work)
        result = toolbox.diarize(
            found,
            speakers=speakers,
            min_speakers=min_speakers,
            max_speakers=max_speakers,
            start=first,
            end=last,
            work=work,
        )
        source = transcript_source(toolbox, found, first, last)
    for warning in result.warnings:
        say(f"Note: {warning}")
    summary = talk((speaker.speaker, speaker.seconds) for speaker in result.speakers)
    document = {**turns_dict(source), "warnings": result.warnings}
    return Shown(document, [*turn_lines(source), summary or "Nobody speaks."])


def export(
    recording: Recording,
    format_: Annotated[
        str,
        typer.Option(
            "--format",
            "-f",
            metavar="F",
            help="txt, md, qa, html, docx, pdf, png, svg, srt, vtt, ttml, tsv, json, rttm, ctm, textgrid, audacity, "
            "edl or otio.",
        ),
    ],
    start: Start = None,
    end: End = None,
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="Where to; else a new file in this folder.")
    ] = None,
) -> Shown:
    """The transcript as a file. Prints its path."""
    first, last = limits(start, end)
    with working() as (toolbox, work):
        found = recording_id(toolbox, recording, work)
        # The Toolbox names what is allowed where this is not.
        result = toolbox.export_transcript(
            found, cast("TranscriptFormat", format_), start=first, end=last, path=output, work=work
        )
    return Shown(result.model_dump(mode="json"), [result.path])


def search(
    words: Annotated[str, typer.Argument(metavar='"WORDS"', help="What was said.")],
    recordings: Annotated[
        list[str] | None, typer.Argument(metavar="[RECORDING]...", help="Where to look; everywhere if not given.")
    ] = None,
) -> Shown:
    """Where something was said, in what has been transcribed."""
    with working() as (toolbox, work):
        places: list[str | None] = [*recording_ids(toolbox, recordings or [], work)] or [None]
        results = [toolbox.search_transcript(words, recording=place, work=work) for place in places]
    hits = [hit for result in results for hit in result.hits]
    lines = [
        f"{hit.recording} [{clock(hit.start)}] {hit.speaker + ': ' if hit.speaker else ''}{hit.text}" for hit in hits
    ]
    advice = results[0].next
    return Shown({"hits": [hit.model_dump(mode="json") for hit in hits], "next": advice}, lines or [advice])


def slice_(
    recording: Recording,
    start: Annotated[str, typer.Option(metavar="T", help="From here: seconds, M:SS or H:MM:SS.")],
    end: Annotated[str, typer.Option(metavar="T", help="Up to here.")],
    output: Annotated[
        str | None, typer.Option("-o", "--output", metavar="FILE", help="A .wav, .mp3, .flac or .ogg file.")
    ] = None,
) -> Shown:
    """Cuts a stretch of sound out into a file."""
    limits(start, end)
    with working() as (toolbox, work):
        found = recording_id(toolbox, recording, work)
        result = toolbox.slice_audio(found, start=parse_time(start), end=parse_time(end), path=output, work=work)
    return Shown(result.model_dump(mode="json"), [f"{result.path} ({length(result.end - result.start)})"])
