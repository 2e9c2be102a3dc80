"""Answers that need no LLM: what was written, counted and found, told by code from the tools' results."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent import counting
from agent.answer import citation
from agent.state import Done, Outcome
from agent.verify import SpokenLine
from auricle.times import clock
from tools.export import FORMATS
from tools.languages import LANGUAGES
from tools.reading import MOST_HITS

_FOR_READING = {"qa", "md", "txt"}
_SHORT = 6000
"""Bytes: three or four minutes of talk."""


@dataclass
class Told:
    """A part of the answer."""

    text: str
    citations: list[dict[str, Any]] = field(default_factory=list)
    files: list[str] = field(default_factory=list)


def tell(outcome: Outcome, done: Sequence[Done]) -> Told:
    """What came of something that was asked for, in words.

    Args:
        outcome: Of a kind that is a tool's name or ``talk_time``.
        done: Every call and its result.
    """
    tool = "measure_talk" if outcome["kind"] == "talk_time" else outcome["kind"]
    mine = [entry for entry in done if entry["tool"] == tool and entry["arguments"] == outcome["arguments"]]
    if not mine:
        return Told("")
    entry = mine[-1]
    if entry["error"] is not None:
        return Told(f"That failed: {entry['error']['message']}")
    result = entry["result"] or {}
    related = [
        other for other in done if other["result"] and other["result"].get("recording") == result.get("recording")
    ]
    match outcome["kind"]:
        case "export_transcript":
            return _export(result, related, entry["arguments"].get("speakers"))
        case "slice_audio":
            cut = f"{clock(result['start'])}–{clock(result['end'])}"
            return Told(f"Cut {cut} out to {result['path']}.", files=[_absolute(result["path"])])
        case "transcribe":
            return _transcription(result)
        case "diarize" | "name_speakers":
            return Told(_people(related))
        case "talk_time":
            return Told(counting.told(result, outcome["question"]))
        case "list_recordings":
            return Told(_recordings(result))
        case "search_transcript":
            return _hits(result, str(entry["arguments"]["words"]))
    return Told(str(result.get("next", "")))


def _export(result: dict[str, Any], related: Sequence[Done], only: Sequence[str] | None) -> Told:
    voices = _voices(related)
    turns = _result_of(related, "diarize").get("turns")
    counted = f" ({turns} turns, {_seconds_each(voices)})" if voices and turns else ""
    counted = f" (only what {' and '.join(only)} said)" if only else counted
    text = f"Wrote the {FORMATS[result['format']].called} to {result['path']}{counted}."
    told = " ".join(filter(None, [text, _unnamed(related), result.get("note", "")]))
    return Told("\n\n".join(filter(None, [told, _shown(result)])), files=[_absolute(result["path"])])


def _shown(result: dict[str, Any]) -> str:
    """A short document whole, else how it begins: nobody should have to open a file to see thirty lines."""
    path = Path(result["path"])
    if result["format"] in _FOR_READING and path.is_file() and path.stat().st_size <= _SHORT:
        return path.read_text(encoding="utf-8").strip()
    preview = str(result.get("preview", "")).rstrip()
    cut = path.is_file() and path.stat().st_size > len(preview.encode()) + 1
    return f"{preview} …" if cut else preview


def _transcription(result: dict[str, Any]) -> Told:
    stretch = f"{clock(result['start'])}–{clock(result['end'])}"
    if not result["words"]:
        return Told(" ".join([f"Nothing is said from {stretch}.", *result.get("warnings", [])]))
    language = LANGUAGES.get(result["language"] or "", result["language"] or "").capitalize()
    text = f"Transcribed {stretch}: {result['words']} words{f', {language}' if language else ''}."
    return Told("\n".join([text, *result.get("warnings", []), "", str(result["preview"]).rstrip()]))


def _people(related: Sequence[Done]) -> str:
    voices = _voices(related)
    diarized = _result_of(related, "diarize")
    if not voices:
        return "Nobody is heard speaking."
    many = "1 person speaks" if len(voices) == 1 else f"{len(voices)} people speak"
    text = f"{many}: {_seconds_each(voices)}; {diarized.get('turns', 0)} turns."
    why = [
        f"{speaker['name']}: “{speaker['quote']}” at {clock(speaker['start'])}."
        for speaker in _result_of(related, "name_speakers").get("speakers", [])
        if speaker["name"] and speaker["quote"] and speaker["start"] is not None
    ]
    return "\n".join(filter(None, [text, *why, _unnamed(related), *diarized.get("warnings", [])]))


def _recordings(result: dict[str, Any]) -> str:
    known = result["recordings"]
    if not known:
        return "The library has no recordings yet: auricle add FILE."
    lines = [f"{Path(one['path']).name} ({clock(one['duration'])}, {one['id']})" for one in known]
    return "\n".join([f"The library has {len(known)} recording{'s' if len(known) > 1 else ''}:", *lines])


def _hits(result: dict[str, Any], words: str) -> Told:
    lines = [
        SpokenLine(hit["recording"], hit["start"], hit["end"], hit["speaker"], hit["text"]) for hit in result["hits"]
    ]
    lines.sort(key=lambda line: (line.recording, line.start))
    if not lines:
        return Told(f"“{words}” is not said in what was transcribed.")
    times = "once" if len(lines) == 1 else f"in {'at least ' if len(lines) >= MOST_HITS else ''}{len(lines)} places"
    shown = [f"[{clock(line.start)}] {f'{line.speaker}: ' if line.speaker else ''}{line.text}" for line in lines]
    return Told("\n".join([f"“{words}” is said {times}:", *shown]), [citation(line, verified=True) for line in lines])


def _voices(related: Sequence[Done]) -> list[tuple[str, float]]:
    """What each voice is called and how many seconds it speaks, by first appearance."""
    names = {
        speaker["id"]: speaker["name"] or speaker["label"]
        for entry in related
        if entry["tool"] == "name_speakers" and entry["result"]
        for speaker in entry["result"]["speakers"]
    }
    return [
        (names.get(speaker["id"], speaker["speaker"]), speaker["seconds"])
        for speaker in _result_of(related, "diarize").get("speakers", [])
    ]


def _unnamed(related: Sequence[Done]) -> str:
    named = _result_of(related, "name_speakers")
    without = [speaker["label"] for speaker in named.get("speakers", []) if speaker["name"] is None]
    if not without:
        return " ".join(named.get("conflicts", []))
    told = f"Nothing that is said tells who {' and '.join(without)} {'is' if len(without) == 1 else 'are'}."
    return " ".join([told, *named.get("conflicts", [])])


def _result_of(related: Sequence[Done], tool: str) -> dict[str, Any]:
    return next((entry["result"] or {} for entry in reversed(related) if entry["tool"] == tool), {})


def _seconds_each(voices: Sequence[tuple[str, float]]) -> str:
    return ", ".join(f"{name} {seconds:.0f} s" for name, seconds in voices)


def _absolute(path: str) -> str:
    return str(Path(path).absolute())
