"""Transcripts and turns as a person reads them."""

from collections.abc import Iterable
from typing import TYPE_CHECKING

from auricle.domain import Span
from auricle.times import clock, to_seconds
from tools.views import Transcript

if TYPE_CHECKING:
    from tools.export import Source


def transcript_lines(transcript: Transcript, span: Span) -> list[str]:
    """``[m:ss] Name: text``, one line for what one voice says in a breath; doubts stand behind it."""
    lines = []
    for utterance in transcript.within(span):
        speaker = transcript.display(utterance.speaker)
        named = f"{speaker}: " if speaker else ""
        doubts = f"  ({', '.join(utterance.doubts)}?)" if utterance.doubts else ""
        lines.append(f"[{clock(to_seconds(utterance.start))}] {named}{utterance.text}{doubts}")
    return lines


def turn_lines(source: "Source") -> list[str]:
    """``[m:ss - m:ss] Name``, one line a turn."""
    return [
        f"[{clock(to_seconds(turn.start))} - {clock(to_seconds(turn.end))}] {source.transcript.display(turn.label)}"
        for turn in source.turns
    ]


def one_line(path: str) -> str:
    """A path as one line: a file's name may hold what would break or colour the terminal."""
    return "".join(char if char.isprintable() else "?" for char in path)


def length(seconds: float) -> str:
    """A duration: ``29.9 s`` below a minute, else ``1:05``."""
    return f"{seconds:.1f} s" if seconds < 60 else clock(seconds)


def talk(parts: Iterable[tuple[str, float]]) -> str:
    """Who speaks how long: ``Diane 18.2 s, Sheila 10.1 s``."""
    return ", ".join(f"{name} {length(seconds)}" for name, seconds in parts)
