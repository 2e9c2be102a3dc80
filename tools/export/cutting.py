"""Transcripts for editing programs: an EDL to cut by, and an OpenTimelineIO timeline with a track for each voice."""

import json
from typing import Any
from urllib.parse import quote

from auricle.times import SAMPLE_RATE
from tools.export.rows import Placed, in_a_row
from tools.export.source import UNKNOWN_VOICE, Export, Source
from tools.export.text import lines_of, printable, spoken

FRAMES = 60
"""A second of an EDL has so many: its times are within 10 ms of what was said."""


def edl(source: Source) -> Export:
    """CMX 3600: the lines one after the other, without what lies between them; the text as comments."""
    name = printable(source.media) or source.title
    blocks = [f"TITLE: {printable(source.title)}\nFCM: NON-DROP FRAME\n"]
    done = 0
    for number, line in enumerate(lines_of(source), 1):
        start = _frames(line.start)
        end = max(_frames(line.end), start + 1)
        times = " ".join(_timecode(at) for at in (start, end, done, done + end - start))
        done += end - start
        blocks.append(
            f"{number:03d}  AX       A     C        {times}\n"
            f"* FROM CLIP NAME: {name}\n* COMMENT: {spoken(source, line)}\n"
        )
    return Export("\n".join(blocks), f"The EDL counts {FRAMES} frames a second: open it at that rate.")


def otio(source: Source) -> Export:
    """OpenTimelineIO: each voice's lines as clips on a track of its own, at their own time, with gaps between."""
    voices: dict[str | None, list[Placed]] = {view.id: [] for view in source.transcript.speakers}
    for line in lines_of(source):
        voices.setdefault(line.speaker, []).append(Placed(line.start, line.end, line.text))
    tracks = [_track(source, speaker, in_a_row(lines)) for speaker, lines in voices.items() if lines]
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": printable(source.title),
        "global_start_time": None,
        "metadata": {"auricle": {"recording": source.transcript.recording, "revision": source.transcript.revision}},
        "tracks": {**_item("Stack.1", "tracks"), "children": tracks},
    }
    return Export(json.dumps(timeline, ensure_ascii=False, indent=1) + "\n")


def _track(source: Source, speaker: str | None, lines: list[Placed]) -> dict[str, Any]:
    children: list[dict[str, Any]] = []
    at = 0
    name = source.voice(speaker)
    for line in lines:
        if line.start > at:
            children.append({**_item("Gap.1", ""), "source_range": _range(0, line.start - at)})
        children.append(_clip(source, line, f"{name}: {line.text}" if name else line.text))
        at = line.end
    return {**_item("Track.1", printable(name or UNKNOWN_VOICE)), "kind": "Audio", "children": children}


def _clip(source: Source, line: Placed, name: str) -> dict[str, Any]:
    media = {
        "OTIO_SCHEMA": "ExternalReference.1",
        "name": printable(source.media),
        "metadata": {},
        "available_range": _range(0, source.transcript.duration),
        "target_url": quote(source.media),
    }
    return {
        **_item("Clip.2", printable(name)),
        "source_range": _range(line.start, line.end - line.start),
        "media_references": {"DEFAULT_MEDIA": media},
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _item(schema: str, name: str) -> dict[str, Any]:
    nothing: dict[str, Any] = {"metadata": {}, "source_range": None, "effects": [], "markers": [], "enabled": True}
    return {"OTIO_SCHEMA": schema, "name": name, **nothing}


def _range(start: int, length: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "TimeRange.1", "start_time": _time(start), "duration": _time(length)}


def _time(samples: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "rate": float(SAMPLE_RATE), "value": float(samples)}


def _frames(samples: int) -> int:
    return round(samples * FRAMES / SAMPLE_RATE)


def _timecode(frames: int) -> str:
    seconds, frame = divmod(frames, FRAMES)
    minutes, second = divmod(seconds, 60)
    hours, minute = divmod(minutes, 60)
    return f"{hours:02d}:{minute:02d}:{second:02d}:{frame:02d}"
