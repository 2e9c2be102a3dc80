"""Words meet voices: by exclusive diarization, with boundaries that respect phrases and pauses.

A turn's boundary comes from a frame of the segmentation model, a word's from cross-attention; each is off by a
tenth of a second or two, so taking the voice at a word's middle cuts "And I'm | Sheila in Texas" in two. Here the
words of a recording are one path through the voices (Viterbi): giving a word to a voice costs the seconds in which
somebody else speaks, and changing the voice costs little where people do change (a sentence's end, a pause) and
much inside a phrase. A real change inside a phrase still wins, since all its seconds speak for it.
"""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from auricle.domain import Diarization, Span, Turn, Word
from auricle.times import SAMPLE_RATE

CHANGE_AT_SENTENCE = 0.1
"""Cost, in seconds, of a new voice after a sentence or a pause: less than any real "Yes." takes."""

CHANGE_AT_COMMA = 0.4
"""The same at a comma, colon or dash: about one word."""

CHANGE_IN_PHRASE = 0.8
"""The same within a phrase: two or three words, more than a turn's boundary is usually off by."""

PAUSE = 0.3
"""Seconds without a word that count as a pause: beyond the stops and breaths inside fluent phrases."""

OVERLAP_CREDIT = 0.5
"""Where the voice speaks too but another has the exclusive turn, a second counts as this share against it."""

NEAR = 0.5
"""Seconds. A word that far from everybody's turns has no voice: nobody was heard there."""

PULL = 0.2
"""What a second's distance from a voice's turn costs a word that lies in nobody's: breaks ties, no more."""

SHORTEST_WORD = 0.1
"""Seconds. Recognition gives some words no length at all; they are looked at this wide."""

MOST_OF_ONE_WORD = 1.0
"""Seconds. Recognition stretches a word over the pause beside it; one word never weighs more than this."""

_CLOSERS = "\"'”’»)]}"
_SENTENCE_ENDS = (".", "?", "!", "…", "。", "？", "！", "؟", "।")
_CLAUSE_ENDS = (",", ";", ":", "—", "–", "-", "，", "、", "；", "：", "،")


class _Line:
    """Stretches of time that do not overlap, in order, for quick questions."""

    def __init__(self, spans: Iterable[Span]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for span in sorted(spans, key=lambda span: (span.start, span.end)):
            if self._ends and span.start <= self._ends[-1]:
                self._ends[-1] = max(self._ends[-1], span.end)
            else:
                self._starts.append(span.start)
                self._ends.append(span.end)

    def meeting(self, start: int, end: int) -> list[tuple[int, int]]:
        """The stretches within [start, end), cut to it."""
        found = []
        index = max(0, bisect_right(self._starts, start) - 1)
        while index < len(self._starts) and self._starts[index] < end:
            low, high = max(start, self._starts[index]), min(end, self._ends[index])
            if low < high:
                found.append((low, high))
            index += 1
        return found

    def covered(self, start: int, end: int) -> int:
        return sum(high - low for low, high in self.meeting(start, end))

    def distance(self, start: int, end: int) -> int:
        """Samples from [start, end) to the nearest stretch; 0 where they meet. The line must not be empty."""
        index = bisect_right(self._starts, start)
        before = start - self._ends[index - 1] if index else None
        after = self._starts[index] - end if index < len(self._starts) else None
        return max(0, min(gap for gap in (before, after) if gap is not None))


class _Voices:
    """Who speaks when, asked about one word at a time."""

    def __init__(self, diarization: Diarization) -> None:
        everything = (*diarization.exclusive, *diarization.turns)
        self.labels = list(dict.fromkeys(turn.label for turn in sorted(everything, key=lambda turn: turn.start)))
        self._exclusive = _by_label(diarization.exclusive, self.labels)
        self._speaking = _by_label(everything, self.labels)
        self._anybody = _Line(everything)
        self._held = _Line(diarization.exclusive)

    def near(self, start: int, end: int) -> bool:
        return self._anybody.distance(start, end) <= NEAR * SAMPLE_RATE

    def costs(self, start: int, end: int) -> list[float]:
        """What giving [start, end) to each label costs, in seconds."""
        held = self._held.covered(start, end)
        costs = []
        for own, speaking in zip(self._exclusive, self._speaking, strict=True):
            if held:
                mine = own.covered(start, end)
                others = held - mine
                besides = min(others, speaking.covered(start, end) - mine)
                cost = (others - OVERLAP_CREDIT * besides) / SAMPLE_RATE
            else:
                cost = PULL * min(NEAR, speaking.distance(start, end) / SAMPLE_RATE)
            costs.append(min(cost, MOST_OF_ONE_WORD))
        return costs

    def overlap(self, start: int, end: int) -> bool:
        """Whether two or more speak for at least half of [start, end)."""
        edges = sorted(
            edge for line in self._speaking for low, high in line.meeting(start, end) for edge in ((low, 1), (high, -1))
        )
        together, speaking, since = 0, 0, start
        for at, change in edges:
            if speaking > 1:
                together += at - since
            speaking, since = speaking + change, at
        return 2 * together >= end - start


def place(words: Sequence[Word], diarization: Diarization) -> list[tuple[str | None, bool]]:
    """Gives every word to a voice.

    Takes time in the order of words x voices: hours of speech take seconds.

    Args:
        words: In the order they were heard, with their punctuation, as recognition gives them.
        diarization: Who speaks when, on the same clock.

    Returns:
        For each word (label, overlap): the voice's label, None where nobody was heard near; and whether two or
        more people speak during it.
    """
    voices = _Voices(diarization)
    placed: list[tuple[str | None, bool]] = [(None, False)] * len(words)
    if not voices.labels:
        return placed
    spans = [_looked_at(word) for word in words]
    heard = [index for index, span in enumerate(spans) if voices.near(*span)]
    for index, voice in zip(heard, _cheapest_path(words, spans, heard, voices), strict=True):
        placed[index] = (voices.labels[voice], voices.overlap(*spans[index]))
    return placed


def _cheapest_path(
    words: Sequence[Word], spans: Sequence[tuple[int, int]], heard: Sequence[int], voices: _Voices
) -> list[int]:
    """Viterbi with the voices as states. One cost for any change keeps a step linear in the voices."""
    totals = [0.0] * len(voices.labels)
    came_from: list[list[int]] = []
    before: int | None = None
    for index in heard:
        change = 0.0 if before is None else _change_cost(words[before], words[index])
        best = min(range(len(totals)), key=totals.__getitem__)
        moving = totals[best] + change
        origins = [voice if total <= moving else best for voice, total in enumerate(totals)]
        steps = voices.costs(*spans[index])
        totals = [min(total, moving) + step for total, step in zip(totals, steps, strict=True)]
        came_from.append(origins)
        before = index
    path = []
    voice = min(range(len(totals)), key=totals.__getitem__)
    for origins in reversed(came_from):
        path.append(voice)
        voice = origins[voice]
    return path[::-1]


def _change_cost(before: Word, after: Word) -> float:
    text = before.text.rstrip().rstrip(_CLOSERS)
    if text.endswith(_SENTENCE_ENDS) or after.start - before.end >= PAUSE * SAMPLE_RATE:
        return CHANGE_AT_SENTENCE
    return CHANGE_AT_COMMA if text.endswith(_CLAUSE_ENDS) else CHANGE_IN_PHRASE


def _looked_at(word: Word) -> tuple[int, int]:
    """A word's span, widened about its middle where it is too short to meet anything."""
    missing = max(0, round(SHORTEST_WORD * SAMPLE_RATE) - word.length)
    return word.start - missing // 2, word.end + missing - missing // 2


def _by_label(turns: Iterable[Turn], labels: Sequence[str]) -> list[_Line]:
    of_label: dict[str, list[Turn]] = {label: [] for label in labels}
    for turn in turns:
        of_label[turn.label].append(turn)
    return [_Line(of_label[label]) for label in labels]
