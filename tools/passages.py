"""Utterances put together into what a person reads as one line or one turn."""

import unicodedata
from collections.abc import Iterable, Sequence
from itertools import groupby

from tools.views import PlacedWord, Utterance


def merge(utterances: Iterable[Utterance], *, pause: int, characters: int) -> list[Utterance]:
    """Joins neighbours of one voice into lines.

    Args:
        utterances: In order of time.
        pause: Samples of silence from which on a new line starts.
        characters: A line that is this long is not added to.

    Returns:
        Lines with every word of the utterances, in the same order.
    """
    runs: list[list[Utterance]] = []
    length = 0
    for utterance in utterances:
        last = runs[-1][-1] if runs else None
        size = len(utterance.text)
        if (
            last is not None
            and last.speaker == utterance.speaker
            and utterance.start - last.end < pause
            and length + size < characters
        ):
            runs[-1].append(utterance)
            length += size
        else:
            runs.append([utterance])
            length = size
    return [join(run) for run in runs]


def turns(utterances: Iterable[Utterance]) -> list[list[Utterance]]:
    """What each voice says before another one speaks, however long."""
    return [list(group) for _, group in groupby(utterances, key=lambda utterance: utterance.speaker)]


def join(run: Sequence[Utterance]) -> Utterance:
    """One utterance of all the words of a run of one voice."""
    if len(run) == 1:
        return run[0]
    words: list[PlacedWord] = []
    for utterance in run:
        first = utterance.words[0]
        if words and _need_space(words[-1].text, first.text):
            words.append(first.model_copy(update={"text": f" {first.text}"}))
            words.extend(utterance.words[1:])
        else:
            words.extend(utterance.words)
    return Utterance(
        start=min(utterance.start for utterance in run),
        end=max(utterance.end for utterance in run),
        speaker=run[0].speaker,
        words=tuple(words),
        doubts=tuple(dict.fromkeys(doubt for utterance in run for doubt in utterance.doubts)),
    )


def _need_space(before: str, after: str) -> bool:
    """Whether two words would run into one; scripts written without spaces need none."""
    if not before or not after or before[-1].isspace() or after[0].isspace():
        return False
    return not any(unicodedata.east_asian_width(char) in "WF" for char in (before[-1], after[0]))
