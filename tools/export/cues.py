"""Subtitles as people read them: two short lines at a time, cut where sentences end, shown long enough.

The figures are those of the Netflix and BBC guides for timed text: 42 columns, two lines, 7 seconds, 17 characters a
second to read.
"""

import unicodedata
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

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

_EACH, _SENTENCE, _CLAUSE, _ELSEWHERE, _HASTY = 1.0, 0.0, 0.5, 4.0, 1.0
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
            lines = _lines(_after(prefix, _texts(words)))
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
    fitting = _Fitting(words, prefix)
    for start in range(len(words)):
        for end in range(start + 1, len(words) + 1):
            if not fitting.fits(start, end):
                break
            total = cost[start] + _cost(words[start:end], end == len(words))
            if total < cost[end]:
                cost[end], came_from[end] = total, start
    ends = [len(words)]
    while ends[-1]:
        ends.append(came_from[ends[-1]])
    return [words[start:end] for end, start in pairwise(ends)][::-1]


class _Fitting:
    """Which words fit into one cue; widths are added up once, for hours of words.

    Args:
        words: Of one voice, in order.
        prefix: What stands before the first of them.
    """

    def __init__(self, words: Sequence[PlacedWord], prefix: Sequence[str]) -> None:
        self._words, self._prefix = words, prefix
        self._texts = _texts(words)
        self._ahead = [len(text) - len(text.lstrip()) for text in self._texts]
        self._until = [0, *accumulate(_width(text) for text in self._texts)]

    def fits(self, start: int, end: int) -> bool:
        """Whether words[start:end] are two lines at most, not too long, and without a pause before the last."""
        words = self._words
        if end - start == 1:
            return True
        if words[end - 1].end - words[start].start > _LONGEST or words[end - 1].start - words[end - 2].end > _PAUSE:
            return False
        if (self._prefix and start == 0) or self._texts[end - 1].strip().isdigit():
            before = self._prefix if start == 0 else ()
            return bool(_fitting_lines(_after(before, self._texts[start:end])))
        # The first line takes as many words as it can; the rest must fit into the second.
        second = bisect_right(self._until, COLUMNS + self._until[start] + self._ahead[start], start, end + 1) - 1
        if second >= end:
            return True
        return second > start and self._until[end] - self._until[second] - self._ahead[second] <= COLUMNS


def _cost(words: Sequence[PlacedWord], last: bool) -> float:
    text = words[-1].text.rstrip()
    if last or text.endswith(_SENTENCE_END):
        ending = _SENTENCE
    else:
        ending = _CLAUSE if text.endswith(_CLAUSE_END) else _ELSEWHERE
    hasty = _HASTY if words[-1].end - words[0].start < SAMPLE_RATE else 0.0
    return _EACH + ending + hasty


def _texts(words: Sequence[PlacedWord]) -> list[str]:
    """What words add to a line: with the one space before it that a word may have."""
    return [f"{' ' if word.text[:1].isspace() else ''}{printable(word.text)}" for word in words]


def _lines(words: Sequence[str]) -> list[str]:
    """One line or two of about the same width; too wide only where a single word is."""
    return _fitting_lines(words) or [line for line in (_joined(words[:-1]), _joined(words[-1:])) if line]


def _fitting_lines(words: Sequence[str]) -> list[str]:
    """The same; none where they do not fit."""
    whole = _joined(words)
    if _width(whole) <= COLUMNS:
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
    return best[1] if best else []


def _joined(words: Sequence[str]) -> str:
    """Words begin with a space where their script has one between words."""
    return " ".join("".join(words).split())


def _after(prefix: Sequence[str], texts: Sequence[str]) -> list[str]:
    """A name, and what is said after it."""
    if not prefix or not texts:
        return list(texts)
    return [*(f" {part}" for part in prefix), f" {texts[0].lstrip()}", *texts[1:]]


def _wide(char: str) -> bool:
    return unicodedata.east_asian_width(char) in "WF"


def _width(text: str) -> int:
    return sum(2 if _wide(char) else 1 for char in text)


def _shown(found: Sequence[Cue], last: int) -> list[Cue]:
    """Cues that stay until they can be read, as far as the next one and the recording's end allow."""
    shown = []
    starts = [cue.start for cue in found]
    for cue in found:
        later = bisect_right(starts, cue.start)
        following = starts[later] if later < len(starts) else last
        wanted = cue.start + max(_LONG_ENOUGH_MS, -(-sum(map(len, cue.lines)) * 1000 // READING))
        end = max(cue.end, cue.start + _SHORTEST_MS, min(wanted, following))
        end = min(end, last)
        shown.append(Cue(max(0, min(cue.start, end - _SHORTEST_MS)), end, cue.voice, cue.lines))
    return shown


def _ms(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE)
