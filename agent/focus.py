"""Where in a transcript a question is probably answered: by the words they share, the rarer the better.

A small model reads ten lines well and a hundred badly, and slowly. What it does not find there it looks for in all of
them, so nothing is lost by looking here first.
"""

import math
from collections import Counter
from collections.abc import Sequence

from agent.verify import SpokenLine
from agent.wording import stems

_ENOUGH = 8
"""Lines that are read as they are."""

_PLACES = 4
_BEFORE, _AFTER = 2, 3
"""Lines around each place: what is answered there was asked before, and often goes on."""

_OF_THE_BEST = 0.4
"""A place counts for as long as it has this share of the best one's score."""

_ANSWERED = 0.4
_SAID_BY = 0.5
"""A speaker's name counts less than what they say: half of all lines may be theirs."""

_EMPTY = stems(
    "what who whom whose why when where which how does did was were are is has have had can could would should will"
    " that this there they them their about with from for and not the any anything something somebody anyone tell"
    " cut out off clip slice trim save part place please her his she they"
    " say said says talk talks mention mentioned recording call meeting people person exactly according"
)
"""Words of questions that say nothing about where the answer is."""


def focus(question: str, lines: Sequence[SpokenLine]) -> list[SpokenLine]:
    """The few lines around the best places, in order; none where no word is shared, or all are few already."""
    scores = _scores(question, lines)
    if len(lines) <= _ENOUGH or not scores:
        return []
    # What is answered in one line was asked in the one before: neighbours share what they score.
    shared = [
        score + 0.5 * max([0.0, *scores[max(0, at - 1) : at], *scores[at + 1 : at + 2]])
        for at, score in enumerate(scores)
    ]
    places = sorted(range(len(lines)), key=lambda at: -shared[at])[:_PLACES]
    kept = {
        near
        for at in places
        if shared[at] >= _OF_THE_BEST * max(shared)
        for near in range(max(0, at - _BEFORE), min(len(lines), at + _AFTER + 1))
    }
    return [lines[at] for at in sorted(kept)]


def nearest(
    question: str, lines: Sequence[SpokenLine], chosen: Sequence[SpokenLine], answer: str = ""
) -> list[SpokenLine]:
    """Lines that a model chose for a question, if any of them has much of its words; else the line that has most.

    Args:
        question: In a person's words.
        lines: Those it was shown.
        chosen: Those it points at.
        answer: What it wrote, whose words count too, but less.
    """
    asked, told = _scores(question, lines), _scores(answer, lines)
    scores = [(asked[at] if asked else 0.0) + (_ANSWERED * told[at] if told else 0.0) for at in range(len(lines))]
    best = max(scores, default=0.0)
    if not best or any(scores[at] >= _OF_THE_BEST * best for at, line in enumerate(lines) if line in chosen):
        return list(chosen)
    return [lines[scores.index(best)]]


def _scores(question: str, lines: Sequence[SpokenLine]) -> list[float]:
    """How much of a question each line has, rare words counting for more; nothing where none has any."""
    wanted = stems(question) - _EMPTY
    if not wanted:
        return []
    said = [stems(line.text) for line in lines]
    names = [stems(line.speaker or "") for line in lines]
    if not any(wanted & words for words in said):
        return []
    common = Counter(word for words, name in zip(said, names, strict=True) for word in words | name)
    rarity = {word: math.log(1 + len(lines) / common[word]) for word in wanted if common[word]}
    return [
        sum(rarity.get(word, 0.0) for word in words) + _SAID_BY * sum(rarity.get(word, 0.0) for word in name - words)
        for words, name in zip(said, names, strict=True)
    ]
