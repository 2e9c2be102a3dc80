"""Checks an answer before it is given: quotes against the transcript, times against the recording, names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from rapidfuzz import fuzz

from auricle.times import clock

_QUOTE = re.compile(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|„([^“”]+)[“”]")
_QUOTED_WORDS = 3
"""Shorter quotations are words that are talked about."""

_ALIKE = 90.0
"""Partial ratio (0 to 100) from which on a quote counts as found: punctuation and a slip of one letter in ten."""

_CLOCK = re.compile(r"(?<![\d:])(\d{1,2}):([0-5]\d)(?::([0-5]\d))?(?![\d:])")
_GRACE = 1.0
_LABEL = re.compile(r"\bSpeaker \d+\b")
_SAYS = (
    r"(?:says?|said|speaks?|spoke|talks?|talked|asks?|asked|tells?|told|mentions?|mentioned|thinks?|wants?|is called)"
)
_WHO_DOES = re.compile(r"\W*(?:who|whose|wer|wessen|qui|quién|quien|chi)\b", re.IGNORECASE)
_NAME_SAYS = re.compile(rf"\b([A-Z]\w+) {_SAYS}\b")
_NOBODY = frozenset(
    {"he", "she", "they", "it", "we", "you", "i", "who", "someone", "somebody", "everyone", "everybody", "nobody"}
    | {"both", "this", "that", "what", "which", "one", "neither", "each", "people", "speaker", "speakers", "caller"}
    | {"recording", "transcript", "call", "speech", "and", "also", "but", "then", "so", "there"}
)


@dataclass(frozen=True)
class SpokenLine:
    """A line of a transcript, in seconds of its recording."""

    recording: str
    start: float
    end: float
    speaker: str | None
    text: str


def find_quote(quote: str, lines: Sequence[SpokenLine]) -> SpokenLine | None:
    """Where a quote is said: one line, or neighbouring ones taken together; None where nowhere."""
    wanted = normalised(quote)
    if not wanted:
        return None
    pairs = [
        SpokenLine(one.recording, one.start, other.end, one.speaker, f"{one.text} {other.text}")
        for one, other in pairwise(lines)
        if one.recording == other.recording
    ]
    for places in (lines, pairs):
        scored = [(_likeness(wanted, normalised(place.text)), place) for place in places]
        score, place = max(scored, key=lambda entry: entry[0], default=(0.0, None))
        if score >= _ALIKE:
            return place
    return None


def quotes_in(text: str) -> list[str]:
    """The quotations of three and more words in an answer."""
    found = [next(group for group in match.groups() if group is not None) for match in _QUOTE.finditer(text)]
    return [quote for quote in found if len(quote.split()) >= _QUOTED_WORDS]


def complaints(
    text: str, lines: Sequence[SpokenLine], durations: Sequence[float], known: Sequence[str], said: str = ""
) -> list[str]:
    """What is wrong with an answer, each as a sentence for the model that wrote it.

    Args:
        text: The answer.
        lines: What was said.
        durations: Of the recordings, in seconds.
        known: What the speakers are called.
        said: The instruction, whose words may be repeated.
    """
    found = [
        f'The quote "{quote}" is not in the transcript.' for quote in quotes_in(text) if not find_quote(quote, lines)
    ]
    longest = max(durations, default=0.0)
    found += [
        f"The time {match[0]} lies behind the end of the recording, {clock(longest)}."
        for match in _CLOCK.finditer(text)
        if match[0] not in said and _seconds(match) > longest + _GRACE
    ]
    found += [f"There is no {label}." for label in _LABEL.findall(text) if label not in known]
    everything = {*_NOBODY, *normalised(" ".join([said, *known, *(line.text for line in lines)])).split()}
    found += [f"There is nobody called {name}." for name in _NAME_SAYS.findall(text) if name.lower() not in everything]
    return list(dict.fromkeys(found))


def misattributed(question: str, text: str, cited: Sequence[SpokenLine], known: Sequence[str]) -> bool:
    """Whether an answer to "who …?" names somebody who neither says the lines it rests on nor is named in them.

    Args:
        question: What was asked.
        text: The answer.
        cited: The lines it rests on.
        known: What the speakers are called.
    """
    if not _WHO_DOES.match(question) or not cited:
        return False
    named = sorted((match.start(), name) for name in known if (match := re.search(rf"\b{re.escape(name)}\b", text)))
    there = normalised(" ".join(f"{line.speaker or ''} {line.text}" for line in cited))
    return bool(named) and normalised(named[0][1]) not in there


def normalised(text: str) -> str:
    """Words only, in one case: what counts when quotes are compared."""
    return " ".join(re.findall(r"\w+", text.casefold().replace("'", "").replace("’", "")))


def _likeness(quote: str, said: str) -> float:
    # The shorter one is looked for in the longer: a quote must not count as found in a line that is shorter than it.
    if len(said) < len(quote) * _ALIKE / 100:
        return 0.0
    return fuzz.partial_ratio(quote, said)


def _seconds(match: re.Match[str]) -> float:
    first, second, third = match.groups()
    return float(int(first) * 60 + int(second) if third is None else int(first) * 3600 + int(second) * 60 + int(third))
