"""A page to read and hear: one HTML file that needs nothing else and asks nobody for anything.

All that was said is data: it is escaped in the HTML and in the JSON, and the page's policy allows its own script alone.
"""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, Template
from markupsafe import Markup

from auricle.domain import Span, Turn
from auricle.times import SAMPLE_RATE, clock, to_seconds
from tools.export.source import Export, Source
from tools.export.text import at, lines_of, plain, printable
from tools.spans import union
from tools.statistics import overlaps, statistics
from tools.views import Utterance

COLOURS = 8
"""Okabe and Ito's, which colour-blind people tell apart; more voices than that share them, and have their names."""

WIDTH = 1000
_LANE = 18
_BELOW = 14
_UNSURE = 0.5
"""Words below this probability are underlined."""


def html(source: Source) -> Export:
    """The page. ``source.sound`` is where its audio comes from; without one there is no player."""
    style, script = asset("page.css"), asset("page.js")
    rows = _rows(source)
    places = {row["id"]: place for place, row in enumerate(rows)}
    lines = lines_of(source)
    start, end = to_seconds(source.span.start), to_seconds(source.span.end)
    length = clock(to_seconds(source.transcript.duration))
    part = length if source.span.length == source.transcript.duration else f"{clock(start)} to {clock(end)} of {length}"
    text = template("page.html").render(
        title=printable(source.title),
        language=source.transcript.language or "und",
        policy=_policy(style, script, source.sound),
        style=Markup(style),  # noqa: S704 - ours
        script=Markup(script),  # noqa: S704 - ours
        facts=", ".join(filter(None, [part, printable(source.media), f"revision {source.transcript.revision}"])),
        sound=source.sound,
        rows=rows,
        height=_LANE * len(rows) + _BELOW,
        overlaps=[_place(span, source.span) for span in overlaps(source.turns)],
        doubts=[_place(span, source.span) for span in union(line for line in lines if line.doubts)],
        lines=[_line(source, line, places) for line in lines],
        recording=source.transcript.recording,
        revision=source.transcript.revision,
        data=_data(source, lines, rows),
    )
    return Export(plain(source).text, data=text.encode("utf-8", "replace"))


def _rows(source: Source) -> list[dict[str, Any]]:
    counted = {each.id: each for each in statistics(source.transcript, source.span, None).speakers}
    rows: list[dict[str, Any]] = []
    for view in source.transcript.speakers:
        if view.id not in counted:
            continue
        number = counted[view.id]
        turns: list[Turn] = [turn for turn in source.turns if turn.label == view.id]
        rows.append(
            {
                "id": view.id,
                "label": printable(view.label),
                "name": printable(view.display),
                "colour": f"v{len(rows) % COLOURS}",
                "y": _LANE * len(rows) + 2,
                "turns": [_place(span, source.span) for span in union(turns)],
                "time": clock(number.seconds),
                "share": f"{number.share:.0%}",
                "words": number.words,
            }
        )
    return rows


def _line(source: Source, line: Utterance, places: dict[str, int]) -> dict[str, Any]:
    place = places.get(line.speaker or "")
    return {
        "at": at(line),
        "voice": place,
        "name": printable(source.voice(line.speaker) or ""),
        "text": printable(line.text),
        "classes": "" if place is None else f"v{place % COLOURS}",
        "overlap": line.overlap,
        "doubt": bool(line.doubts),
    }


def _data(source: Source, lines: list[Utterance], rows: list[dict[str, Any]]) -> dict[str, Any]:
    """What the script needs. Times are milliseconds of the recording; ``offset`` is where the sound begins."""
    return {
        "recording": source.transcript.recording,
        "title": printable(source.title),
        "start": _ms(source.span.start),
        "end": _ms(source.span.end),
        "offset": _ms(source.span.start),
        "voices": [{"label": row["label"], "name": row["name"]} for row in rows],
        "lines": [
            [
                _ms(line.start),
                [
                    [
                        _ms(word.start),
                        _ms(word.end),
                        f"{' ' if word.text[:1].isspace() else ''}{printable(word.text)}",
                        word.overlap + 2 * (word.probability < _UNSURE),
                    ]
                    for word in line.words
                ],
                printable(line.text),
            ]
            for line in lines
        ],
    }


def _policy(style: str, script: str, sound: str) -> str:
    media = "data:" if sound.startswith("data:") else "'self' file:" if sound else "'none'"
    return (
        f"default-src 'none'; style-src {hash_of(style)}; script-src {hash_of(script)}; media-src {media}; "
        "base-uri 'none'; form-action 'none'"
    )


def hash_of(text: str) -> str:
    """A style or script as a content security policy names it."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def _place(part: Span, whole: Span) -> tuple[float, float]:
    """Where a stretch lies in the timeline, and how wide it is: wide enough to be seen."""
    scale = WIDTH / max(1, whole.length)
    return round((part.start - whole.start) * scale, 2), max(0.6, round(part.length * scale, 2))


def _ms(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE)


@cache
def asset(name: str) -> str:
    """One of the files that pages are made of."""
    return (files("tools.export") / "assets" / name).read_text(encoding="utf-8")


@cache
def template(name: str) -> Template:
    """One of the templates; everything put into it is escaped."""
    environment = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(asset(name))
