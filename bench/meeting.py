"""Meetings written for the bench: who says what, and when it would have been said.

A file of `bench/meetings/` has a head of `key: value` lines up to `---`, then one turn a line:

    Priya: Good morning everyone.
    [2:30] Tom: We decided on the second offer.
    ~ 12:00

`[2:30]` is when a turn begins at the earliest; `~ 12:00` is small talk of everybody who has spoken, up to that time.
Blank lines and those that begin with `#` are nothing.
"""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

from auricle.times import parse_time, to_samples

FOLDER = Path(__file__).parent / "meetings"
WORDS_A_SECOND = 2.3
PAUSE = 0.7
"""Seconds between two turns."""

SLOW_PAUSE = 6.0
"""The same in small talk."""

_BREATH = 14
"""Words of a segment, about; it ends with a sentence where it can."""

_TURN = re.compile(r"(?:\[(?P<at>[\d:]+)\]\s*)?(?P<speaker>[^:\[\]]{1,40}):\s+(?P<text>\S.*)")
_SLOTS = {
    "{day}": ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday"),
    "{thing}": (
        "the printer",
        "the newsletter",
        "the parking",
        "the intranet page",
        "the coffee machine",
        "the badges",
    ),
    "{how}": ("quite well", "slowly", "better than last time", "as usual", "more or less"),
    "{place}": ("upstairs", "in the other building", "at the front desk", "in the basement", "by the lifts"),
}


@dataclass(frozen=True)
class SaidWord:
    """A word with its time in samples."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class SaidTurn:
    """What one person says without a break, in samples."""

    speaker: str
    words: tuple[SaidWord, ...]

    @property
    def start(self) -> int:
        return self.words[0].start

    @property
    def end(self) -> int:
        return self.words[-1].end

    @property
    def text(self) -> str:
        return " ".join(word.text for word in self.words)

    def breaths(self) -> Iterator[tuple[SaidWord, ...]]:
        """The turn in segments of a sentence or two."""
        run: list[SaidWord] = []
        for word in self.words:
            run.append(word)
            if (len(run) >= _BREATH // 2 and word.text[-1] in ".?!") or len(run) >= 2 * _BREATH:
                yield tuple(run)
                run = []
        if run:
            yield tuple(run)


@dataclass(frozen=True)
class Meeting:
    """A whole one. ``language`` is what recognition would say."""

    name: str
    turns: tuple[SaidTurn, ...]
    language: str = "en"

    @property
    def samples(self) -> int:
        """Its length; a second of quiet follows the last word."""
        return self.turns[-1].end + to_samples(1)

    @property
    def speakers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(turn.speaker for turn in self.turns))

    def with_said(self, name: str, after: int, said: Sequence[str]) -> "Meeting":
        """The same with more turns, as lines, after so many of its own: how an attack gets into a harmless call."""
        lines = [f"{turn.speaker}: {turn.text}" for turn in self.turns]
        return replace(parse(name, "\n".join([*lines[:after], *said, *lines[after:]])), language=self.language)


@cache
def load_meeting(name: str) -> Meeting:
    return parse(name, (FOLDER / f"{name}.txt").read_text(encoding="utf-8"))


def parse(name: str, text: str) -> Meeting:
    """Reads a meeting.

    Raises:
        ValueError: A line is neither a turn nor small talk, or nobody says anything.
    """
    head, separator, body = text.partition("\n---\n")
    fields = dict(line.split(": ", 1) for line in head.splitlines() if line.strip()) if separator else {}
    turns: list[SaidTurn] = []
    clock = 0.5
    for line in (body if separator else text).splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith("~"):
            speakers = list(dict.fromkeys(turn.speaker for turn in turns))
            for speaker, said in _small_talk(name, speakers, clock):
                if clock >= parse_time(line[1:].strip()):
                    break
                clock = _say(turns, speaker, said, clock) + SLOW_PAUSE
            continue
        match = _TURN.fullmatch(line)
        if match is None:
            raise ValueError(f"{name}: '{line[:60]}' is no turn: write 'Name: what is said'.")
        at = parse_time(match["at"]) if match["at"] else 0.0
        clock = _say(turns, match["speaker"], match["text"], max(clock, at))
    if not turns:
        raise ValueError(f"{name}: nobody says anything.")
    return Meeting(name, tuple(turns), fields.get("language", "en"))


def _say(turns: list[SaidTurn], speaker: str, text: str, clock: float) -> float:
    """Adds a turn; returns when the next may begin, in seconds."""
    length = 1 / WORDS_A_SECOND
    words = tuple(
        SaidWord(to_samples(clock + place * length), to_samples(clock + (place + 0.9) * length), word)
        for place, word in enumerate(text.split())
    )
    turns.append(SaidTurn(speaker, words))
    return clock + len(words) * length + PAUSE


def _small_talk(name: str, speakers: Sequence[str], clock: float) -> Iterator[tuple[str, str]]:
    """Talk about nothing, the same each time, for ever."""
    lines = [line for line in (FOLDER / "small_talk.txt").read_text(encoding="utf-8").splitlines() if line.strip()]
    chance = random.Random(f"{name} {clock:.0f}")
    while True:
        for number, line in enumerate(chance.sample(lines, len(lines))):
            for slot, choices in _SLOTS.items():
                line = line.replace(slot, chance.choice(choices))
            yield speakers[number % len(speakers)], line
