"""Transcripts for programs: JSON, TSV and RTTM. Times are seconds of the recording."""

import json
from collections.abc import Iterable
from typing import Any

from auricle.errors import BadArgument
from auricle.times import to_seconds
from tools.export.source import Export, Source
from tools.export.text import one_line
from tools.views import SpeakerView, Utterance


def as_dict(source: Source) -> dict[str, Any]:
    """The transcript of a range as plain data: what ``auricle transcribe --json`` prints."""
    transcript = source.transcript
    return {
        "recording": transcript.recording,
        "revision": transcript.revision,
        "language": transcript.language,
        "language_probability": transcript.language_probability,
        "duration": to_seconds(transcript.duration),
        "segments": [_segment(source, utterance) for utterance in source.utterances],
        "speakers": _speakers(source.transcript.speakers),
    }


def turns_dict(source: Source) -> dict[str, Any]:
    """Who speaks when as plain data: what ``auricle diarize --json`` prints."""
    speaking = {turn.label for turn in source.turns}
    voices = [view for view in source.transcript.speakers if view.id in speaking]
    return {
        "recording": source.transcript.recording,
        "revision": source.transcript.revision,
        "speakers": [view.display for view in voices],
        "voices": _speakers(voices),
        "turns": [
            {"start": to_seconds(turn.start), "end": to_seconds(turn.end), "speaker": source.voice(turn.label)}
            for turn in source.turns
        ],
    }


def as_json(source: Source) -> Export:
    """JSON with every word, its time, its probability and its voice."""
    return Export(json.dumps(as_dict(source), ensure_ascii=False, indent=2) + "\n")


def tsv(source: Source) -> Export:
    """Tab-separated: start, end, speaker, text, with a header."""
    rows = [("start", "end", "speaker", "text")]
    rows += [
        (
            f"{to_seconds(utterance.start):.3f}",
            f"{to_seconds(utterance.end):.3f}",
            source.voice(utterance.speaker) or "",
            one_line(utterance.text),
        )
        for utterance in source.utterances
    ]
    return Export("".join("\t".join(row) + "\n" for row in rows))


def rttm(source: Source) -> Export:
    """NIST RTTM: who speaks when, overlap included.

    Raises:
        BadArgument: Voices have not been told apart.
    """
    if not source.transcript.diarized:
        raise BadArgument("RTTM says who speaks when, and voices are not told apart yet: call diarize first.")
    names = _distinct([(view.id, view.display) for view in source.transcript.speakers])
    file_id = _token(source.title)
    lines = [
        f"SPEAKER {file_id} 1 {to_seconds(turn.start):.3f} {to_seconds(turn.length):.3f} "
        f"<NA> <NA> {names[turn.label]} <NA> <NA>\n"
        for turn in source.turns
    ]
    return Export("".join(lines))


def _segment(source: Source, utterance: Utterance) -> dict[str, Any]:
    return {
        "start": to_seconds(utterance.start),
        "end": to_seconds(utterance.end),
        "text": utterance.text,
        "speaker": source.transcript.display(utterance.speaker),
        "doubts": list(utterance.doubts),
        "words": [
            {
                "start": to_seconds(word.start),
                "end": to_seconds(word.end),
                "text": word.text.strip(),
                "probability": round(word.probability, 3),
                "speaker": source.transcript.display(word.speaker),
                "overlap": word.overlap,
            }
            for word in utterance.words
        ],
    }


def _speakers(voices: Iterable[SpeakerView]) -> list[dict[str, Any]]:
    return [
        {
            "id": view.id,
            "label": view.label,
            "name": view.name,
            "speaker": view.display,
            "seconds": view.seconds,
        }
        for view in voices
    ]


def _token(text: str) -> str:
    """RTTM's fields are separated by white space, so a name has none."""
    return "_".join(text.split()) or "_"


def _distinct(names: list[tuple[str, str]]) -> dict[str, str]:
    tokens: dict[str, str] = {}
    for speaker, name in names:
        token = _token(name)
        while token in tokens.values():
            token = f"{token}_"
        tokens[speaker] = token
    return tokens
