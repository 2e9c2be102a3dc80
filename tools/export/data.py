"""Transcripts for programs: JSON and TSV. Times are seconds of the recording."""

import json
from collections.abc import Iterable
from typing import Any

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
