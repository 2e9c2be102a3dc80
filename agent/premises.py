"""What a question takes for granted: that people it names are there, and that a name is one person's."""

import re
from collections.abc import Sequence

from rapidfuzz import fuzz

from agent.verify import SpokenLine, normalised

_ALIKE = 75.0
"""Ratio (0 to 100) from which on two spellings may be one name: recognition writes names as they sound."""

_ENGLISH = re.compile(r"\b(?:what|who|whom|when|where|why|how|which|did|does|do|is|was|are|has|have|the|tell)\b", re.I)
_CAPITALISED = re.compile(r"(?<=[^.?!:\s])\s+([A-Z][a-zà-ÿ]{2,})(?:['’]s)?\b(?!\s*&)")
_NO_NAMES = frozenset(
    word
    for words in (
        "monday tuesday wednesday thursday friday saturday sunday",
        "january february march april may june july august september october november december",
        "english german french spanish italian markdown json speaker mister miss doctor professor",
    )
    for word in words.split()
)
_DECLARED = r"\b{name}\b\s+(?:is|are|was|speaks?|and\b.{{1,40}}\bspeak)|\b(?:between|with)\s+(?:\w+\s+and\s+)?{name}\b"


def absent_names(question: str, lines: Sequence[SpokenLine], facts: str = "") -> list[str]:
    """Names in a question that nobody has and nobody says.

    A language in which other words are capitalised too is left alone, and so is a person whom the question introduces.

    Args:
        question: The instruction.
        lines: All that is said.
        facts: What is known besides.
    """
    if not _ENGLISH.search(question):
        return []
    said = set(normalised(" ".join([facts, *(f"{line.speaker or ''} {line.text}" for line in lines)])).split())
    absent = []
    for match in _CAPITALISED.finditer(question):
        name = match[1]
        word = name.casefold()
        introduced = re.search(_DECLARED.format(name=re.escape(name)), question)
        if word in _NO_NAMES or introduced or any(fuzz.ratio(word, other) >= _ALIKE for other in said):
            continue
        absent.append(name)
    return list(dict.fromkeys(absent))


def namesakes(question: str, lines: Sequence[SpokenLine]) -> dict[str, list[str]]:
    """Names in a question that several people have, with their full names; none that it gives in full."""
    speakers = list(dict.fromkeys(line.speaker for line in lines if line.speaker))
    said = " ".join(line.text for line in lines)
    found: dict[str, list[str]] = {}
    for name in dict.fromkeys(re.findall(r"\b[A-Z][a-zà-ÿ]{2,}\b", question)):
        full = [speaker for speaker in speakers if speaker.split()[0] == name and " " in speaker]
        full += [f"{name} {surname}" for surname in re.findall(rf"\b{re.escape(name)} ([A-Z][a-zà-ÿ]{{2,}})\b", said)]
        people = list(dict.fromkeys(full))
        if len(people) > 1 and not any(person.casefold() in question.casefold() for person in people):
            found[name] = people
    return found
