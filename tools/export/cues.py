"""Subtitles as people read them: two short lines at a time, cut where sentences end, shown long enough.

The figures are those of the Netflix and BBC guides for timed text: 42 columns, two lines, 7 seconds, 17 characters a
second to read.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from auricle.times import SAMPLE_RATE
from tools.export.source import Source
from tools.export.text import printable
from tools.passages import merge
from tools.views import PlacedWord

COLUMNS = 42
"""Of a line; a Chinese or Japanese character takes two."""

READING = 17
"""Characters a second that are read with ease; a cue stays that long where there is room after it."""

FASTEST = 20
"""Characters a second that most people still read."""

_LONGEST = 7 * SAMPLE_RATE
_PAUSE = SAMPLE_RATE
_RUN = 2000
_LONG_ENOUGH_MS = 1000
_SHORTEST_MS = 300
_SENTENCE_END = (".", "?", "!", "。", "？", "！", "…")
_CLAUSE_END = (",", ";", ":", "，", "、", "；", "–", "—")

_EACH, _SENTENCE, _CLAUSE, _ELSEWHERE, _HASTY = 1.0, 0.0, 0.5, 2.0, 1.0
"""What a cue costs, what ending it after a sentence, a clause or anywhere else does, and one of under a second."""


@dataclass(frozen=True)
class Cue:
    """What is shown at once.

    Attributes:
        start, end: Milliseconds.
        voice: Who says it; None where voices are not told apart.
        lines: One or two.
    """

    start: int
    end: int
    voice: str | None
    lines: tuple[str, ...]

    @property
    def speed(self) -> float:
        """Characters a second."""
        return sum(map(len, self.lines)) * 1000 / max(1, self.end - self.start)


def cues(source: Source, *, named: bool) -> list[Cue]:
    """Every word of a source, in cues of one voice each.

    Args:
        named: The voice's name stands in the text where it changes; else whoever writes the file shows it.
    """
    found: list[Cue] = []
    last: str | None = None
    for run in merge(source.utterances, pause=_PAUSE, characters=_RUN):
        voice = source.voice(run.speaker)
        prefix = f"{voice}:".split() if named and voice and voice != last else []
        last = voice
        for words in _cut(run.words, prefix):
            lines = _lines([*prefix, *_texts(words)])
            if lines:
                end = max(word.end for word in words)
                found.append(Cue(_ms(words[0].start), _ms(end), voice, tuple(map(printable, lines))))
            prefix = []
    found.sort(key=lambda cue: (cue.start, cue.end))
    return _shown(found, _ms(source.transcript.duration))


def too_fast(found: Sequence[Cue]) -> str:
    """A sentence on the cues that nobody reads in time, since they were said so fast; empty where there are none."""
    fast = sum(cue.speed > FASTEST for cue in found)
    return f"{fast} of {len(found)} cues have over {FASTEST} characters a second, as they were said." if fast else ""


def _cut(words: Sequence[PlacedWord], prefix: Sequence[str]) -> list[Sequence[PlacedWord]]:
    """Cuts where it costs least: after sentences, then after clauses, in as few cues as fit."""
    cost = [0.0] + [float("inf")] * len(words)
    came_from = [0] * (len(words) + 1)
    for start in range(len(words)):
        before = prefix if start == 0 else ()
        for end in range(start + 1, len(words) + 1):
            if not _fits(words[start:end], before):
                break
            total = cost[start] + _cost(words[start:end], end == len(words))
            if total < cost[end]:
                cost[end], came_from[end] = total, start
    ends = [len(words)]
    while ends[-1]:
        ends.append(came_from[ends[-1]])
    return [words[start:end] for end, start in pairwise(ends)][::-1]


def _fits(words: Sequence[PlacedWord], prefix: Sequence[str]) -> bool:
    if len(words) == 1:
        return True
    if words[-1].end - words[0].start > _LONGEST or words[-1].start - words[-2].end > _PAUSE:
        return False
    return bool(_lines([*prefix, *_texts(words)]))


def _cost(words: Sequence[PlacedWord], last: bool) -> float:
    text = words[-1].text.rstrip()
    if last or text.endswith(_SENTENCE_END):
        ending = _SENTENCE
    else:
        ending = _CLAUSE if text.endswith(_CLAUSE_END) else _ELSEWHERE
    hasty = _HASTY if words[-1].end - words[0].start < SAMPLE_RATE else 0.0
    return _EACH + ending + hasty


def _texts(words: Sequence[PlacedWord]) -> list[str]:
    return [word.text for word in words if word.text.strip()]


def _lines(words: Sequence[str]) -> list[str]:
    """One line or two of about the same width; none where they do not fit, but a single word always does."""
    whole = _joined(words)
    if _width(whole) <= COLUMNS or len(words) == 1:
        return [whole] if whole else []
    best: tuple[float, list[str]] | None = None
    for place in range(1, len(words)):
        first, second = _joined(words[:place]), _joined(words[place:])
        # Readers take a last line of digits for the number of the next cue.
        if max(_width(first), _width(second)) > COLUMNS or second.isdigit():
            continue
        uneven = abs(_width(first) - _width(second))
        total = uneven - (8 if first.endswith((*_SENTENCE_END, *_CLAUSE_END)) else 0)
        if best is None or total < best[0]:
            best = (total, [first, second])
    if best is None and len(words) == 2:
        return [_joined(words[:1]), _joined(words[1:])]  # a name and a word that is too long for any line
    return best[1] if best else []


def _joined(words: Sequence[str]) -> str:
    """Words begin with a space where their script has one between words; the parts of a name always have."""
    text = ""
    for word in words:
        text += word if word[:1].isspace() or not text or _wide(text[-1]) or _wide(word[0]) else f" {word}"
    return " ".join(text.split())


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _width(text: str) -> int:
    return sum(2 if _wide(char) else 1 for char in text)


def _shown(found: Sequence[Cue], last: int) -> list[Cue]:
    """Cues that stay until they can be read, as far as the next one and the recording's end allow."""
    shown = []
    for place, cue in enumerate(found):
        following = next((later.start for later in found[place + 1 :] if later.start > cue.start), last)
        wanted = cue.start + max(_LONG_ENOUGH_MS, -(-sum(map(len, cue.lines)) * 1000 // READING))
        end = max(cue.end, cue.start + _SHORTEST_MS, min(wanted, following))
        end = min(end, last)
        shown.append(Cue(max(0, min(cue.start, end - _SHORTEST_MS)), end, cue.voice, cue.lines))
    return shown


def _ms(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE)
