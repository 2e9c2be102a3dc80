"""What part somebody plays in a conversation, from how they talk: agent, customer or interviewer. English rules.

Like names, roles come with the words they rest on, and what is not clear has none.
"""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from tools.sentences import sentences
from tools.views import Transcript

Role = Literal["agent", "customer", "interviewer"]

ENOUGH = 2.0
MARGIN = 1.0

_SAYS: tuple[tuple[Role, float, str], ...] = (
    ("agent", 3.0, r"how (may|can|could) (i|we) (help|assist)|what can (i|we) (do for|get) you"),
    (
        "agent",
        3.0,
        r"thank you for calling|thanks for calling|you're through to|you've reached .* (support|desk|service)",
    ),
    ("agent", 2.0, r"(order|account|reference|policy|booking|customer) number|your (postcode|zip code|date of birth)"),
    ("agent", 2.0, r"(i'm|i am) calling (about|regarding) your|do you have a reservation|on a recorded line"),
    ("agent", 2.0, r"your (appointment|parcel|reservation|subscription|claim) (is|will|has|was|ends)"),
    ("agent", 1.0, r"let me (check|look)|i('ll| will) (send|refund|transfer) you|is there anything else|one moment"),
    (
        "customer",
        2.0,
        r"i('d| would) like (a|to (cancel|return|order|book|speak|complain))|i want (my money|to cancel)",
    ),
    (
        "customer",
        2.0,
        r"i (bought|ordered) .* from you|(never|doesn't|does not|didn't|won't|not) work|i (lost|forgot) my",
    ),
    ("customer", 1.0, r"my (order|account|internet|card|printer|subscription|parcel|bill|line)\b"),
    (
        "interviewer",
        3.0,
        r"my guests? (today|tonight|is|are)|with me (is|are|today|tonight)|welcome (back )?to the show",
    ),
    ("interviewer", 3.0, r"why do you want to work|tell us about yourself|thank you for (joining|coming on)"),
    ("interviewer", 3.0, r"you're listening to|on the line is|this is .* podcast"),
)
"""(role of the one who says it, how much it weighs, the words)."""

_COUNTERPART: dict[Role, Role] = {"agent": "customer", "customer": "agent"}


@dataclass(frozen=True)
class RoleFound:
    """A voice's role, with the words it rests on and when they are said (samples)."""

    voice: str
    role: Role
    quote: str
    start: int


def roles(transcript: Transcript) -> list[RoleFound]:
    """The roles that are clear, by first appearance of their voices."""
    said = list(_said(transcript))
    weights: defaultdict[str, defaultdict[Role, float]] = defaultdict(lambda: defaultdict(float))
    for weight, found in said:
        weights[found.voice][found.role] += weight
    clear: dict[str, RoleFound] = {}
    for voice, its in weights.items():
        best, *rest = sorted(its, key=lambda role: -its[role])
        if its[best] >= ENOUGH and its[best] - (its[rest[0]] if rest else 0.0) >= MARGIN:
            clear[voice] = max((each for each in said if (each[1].voice, each[1].role) == (voice, best)), key=_weight)[
                1
            ]
    return [clear[view.id] for view in transcript.speakers if view.id in clear] + _counterparts(transcript, clear)


def _weight(said: tuple[float, RoleFound]) -> float:
    return said[0]


def _said(transcript: Transcript) -> Iterator[tuple[float, RoleFound]]:
    for sentence in sentences(transcript):
        if sentence.voice is None:
            continue
        text = sentence.text.lower().replace("’", "'")
        for role, weight, words in _SAYS:
            if re.search(words, text):
                yield weight, RoleFound(sentence.voice, role, sentence.text, sentence.words[0].start)


def _counterparts(transcript: Transcript, clear: dict[str, RoleFound]) -> list[RoleFound]:
    """In a call of two, whoever speaks with an agent is the customer."""
    if len(transcript.speakers) != 2 or len(clear) != 1:
        return []
    (found,) = clear.values()
    other = next(view.id for view in transcript.speakers if view.id != found.voice)
    role = _COUNTERPART.get(found.role)
    return [RoleFound(other, role, found.quote, found.start)] if role else []
