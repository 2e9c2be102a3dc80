"""Which voice has which name: decided from what is said, one name a voice, and never by force."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from auricle.domain import Evidence
from auricle.times import clock, to_seconds
from engines.protocols import Judge
from prompts import load
from tools.mentions import Mention
from tools.pointing import ADDRESSED, PointsAt
from tools.views import Transcript

ENOUGH = ADDRESSED
"""A name needs at least this much evidence: one greeting between two people, or one plain introduction."""

MARGIN = 1.0
"""And this much more than the same name has for another voice, or the same voice has for another name."""

JUDGED = 1.0
"""What a judgement weighs: alone it names nobody, since small models lean towards the speaker."""

MOST_JUDGED = 12
"""Unclear mentions that are judged in one call; each costs a small local model some seconds."""

ANSWERS = 0.7
"""Where two voices may have been spoken to: the share of the one who answers. Thanks go the other way round."""

_SCHEMA = {
    "type": "object",
    "properties": {"points_at": {"type": "string", "enum": ["speaker", "addressee", "other"]}},
    "required": ["points_at"],
    "additionalProperties": False,
}


MOST_RIVALS = 4
"""Voices between which a person is asked to choose."""


@dataclass(frozen=True)
class Rivals:
    """A name that may be that of any of some voices (speaker ids): only a person can say whose."""

    name: str
    voices: tuple[str, ...]


@dataclass
class Decision:
    """Names for voices, by speaker id, each with its evidence; and what was left open.

    Attributes:
        conflicts: What contradicts, in words.
        rivals: What to ask the person, the most pressing first.
    """

    names: dict[str, tuple[str, Evidence]] = field(default_factory=dict)
    conflicts: list[str] = field(default_factory=list)
    rivals: list[Rivals] = field(default_factory=list)


Scores = Mapping[str, Mapping[str, float]]
"""Evidence by voice and name."""


def judged(mentions: Sequence[Mention], judge: Judge) -> list[Mention]:
    """The mentions, with those that no rule decides put to the judge, one small question each."""
    left = MOST_JUDGED
    result = []
    for mention in mentions:
        if mention.points_at is not None or mention.voice is None or left == 0:
            result.append(mention)
            continue
        left -= 1
        prompt = load(
            "mention",
            person=_as_data(mention.name),
            sentence=_as_data(mention.quote),
            before=_as_data(mention.reply_to),
        )
        answer = judge(prompt, _SCHEMA).get("points_at")
        points_at: PointsAt = answer if answer in ("speaker", "addressee") else "other"
        result.append(mention.decided(points_at, 0.0 if points_at == "other" else JUDGED))
    return result


def decide(
    transcript: Transcript,
    people: Sequence[str],
    mentions: Sequence[Mention],
    settled: Mapping[str, str],
    known: Mapping[str, tuple[str, Evidence]] | None = None,
) -> Decision:
    """Gives listed people to voices.

    Args:
        people: Everybody the person listed, each once.
        mentions: Of these people.
        settled: Names in force by speaker id: they stay, and nobody else gets them.
        known: Whose voice it is by a voiceprint, by speaker id; what is said may contradict it.
    """
    decision = Decision()
    agreed = _sounding(transcript, mentions, settled, known or {}, decision)
    decision.names.update({voice: (known or {})[voice] for voice in agreed})
    settled = {**settled, **{voice: name for voice, (name, _) in decision.names.items()}}
    unclear = set(known or {}) - set(settled)
    voices = [view.id for view in transcript.speakers]
    scores = score(mentions, voices)
    blocked = _contradictions(transcript, mentions, settled, decision)
    taken = list(settled.values())
    free_voices = [voice for voice in voices if voice not in settled and voice not in blocked | unclear]
    free_people = [name for name in people if not any(same(name, one) for one in taken) and name not in blocked]
    for voice, name in _best(scores, free_voices, free_people):
        if _clear(scores, voice, name, voices, people):
            decision.names[voice] = (name, _said(mentions, voice, name, voices))
    named = {*settled, *decision.names}
    left_voices = [voice for voice in free_voices if voice not in named]
    left_people = [name for name in free_people if name not in {given for given, _ in decision.names.values()}]
    if len(left_voices) == len(left_people) == 1 and len(people) == len(voices) and named and not decision.conflicts:
        voice, name = left_voices[0], left_people[0]
        if scores[voice][name] >= 0:
            statement = f"The only one left of {', '.join(people)}."
            decision.names[voice] = (name, Evidence(source="elimination", quote=statement))
    elif 1 <= len(left_people) <= len(left_voices) and 2 <= len(left_voices) <= MOST_RIVALS:
        decision.rivals.append(Rivals(left_people[0], tuple(left_voices)))
    return decision


def _sounding(
    transcript: Transcript,
    mentions: Sequence[Mention],
    settled: Mapping[str, str],
    known: Mapping[str, tuple[str, Evidence]],
    decision: Decision,
) -> list[str]:
    """The voices whose voiceprint nothing contradicts; what does is told, and leaves the voice without a name."""
    agreed = []
    introduced = [each for each in mentions if each.kind == "introduction" and not each.judged]
    taken = {name.casefold() for name in settled.values()}
    for voice, (name, _) in known.items():
        if voice in settled:
            continue
        against = [each for each in introduced if (each.voice == voice) != same(each.name, name)]
        if against:
            decision.conflicts.append(
                f"{transcript.display(voice)} sounds like {name}, but {_told(transcript, against[0])} says otherwise: "
                "listen to both."
            )
        elif name.casefold() not in taken:
            agreed.append(voice)
    return agreed


def same(one: str, other: str) -> bool:
    """Whether two names may be one person's: "Alice" and "Alice Warren"."""
    ours, theirs = set(one.casefold().split()), set(other.casefold().split())
    return ours <= theirs or theirs <= ours


def supported(mentions: Iterable[Mention], voice: str, voices: Sequence[str]) -> Evidence | None:
    """Evidence that a voice has the one name that the mentions are about, if what is said is enough for it."""
    known = list(mentions)
    scores = score(known, voices)
    if not known or scores[voice][known[0].name] < ENOUGH:
        return None
    return _said(known, voice, known[0].name, voices)


def score(mentions: Iterable[Mention], voices: Sequence[str]) -> Scores:
    """Adds up what is said, by voice and name."""
    scores: defaultdict[str, defaultdict[str, float]] = defaultdict(lambda: defaultdict(float))
    for mention in mentions:
        for voice, share in _meant(mention, voices).items():
            scores[voice][mention.name] += share * mention.strength
    return scores


def _meant(mention: Mention, voices: Sequence[str]) -> dict[str, float]:
    """The voices a mention may point at, with shares of 1."""
    if mention.voice is None:
        return {}
    if mention.points_at == "speaker":
        return {mention.voice: 1.0}
    if mention.points_at != "addressee":
        return {}
    if mention.meant is not None:
        return {mention.meant: 1.0}
    others = [voice for voice in voices if voice != mention.voice]
    if len(others) == 1:
        return {others[0]: 1.0}
    after, before = mention.after, mention.before
    if mention.kind == "thanks":
        after, before = before, after
    shares: defaultdict[str, float] = defaultdict(float)
    for voice, share in ((after, ANSWERS), (before, 1 - ANSWERS)):
        if voice in others:
            shares[voice] += share
    return dict(shares)


def _contradictions(
    transcript: Transcript, mentions: Sequence[Mention], settled: Mapping[str, str], decision: Decision
) -> set[str]:
    """Lists what contradicts; returns the voices and names that are left open because of it."""
    introduced: dict[str, dict[str, Mention]] = defaultdict(dict)
    for mention in mentions:
        if mention.voice and mention.kind == "introduction" and not mention.judged:
            introduced[mention.name].setdefault(mention.voice, mention)
    blocked: set[str] = set()
    for name, by_voice in introduced.items():
        if len(by_voice) > 1:
            told = " and ".join(_told(transcript, mention) for mention in by_voice.values())
            decision.conflicts.append(f"Several voices introduce themselves as {name}: {told}.")
            blocked |= {name, *by_voice}
            free = tuple(voice for voice in by_voice if voice not in settled)
            if len(free) > 1 and name.casefold() not in {taken.casefold() for taken in settled.values()}:
                decision.rivals.append(Rivals(name, free))
    for view in transcript.speakers:
        own = [by_voice[view.id] for by_voice in introduced.values() if view.id in by_voice]
        if len(own) > 1:
            told = " and ".join(f'"{mention.quote}" at {_clock(mention)}' for mention in own)
            decision.conflicts.append(
                f"{view.display} has several names: {told}; maybe two people are heard as one voice."
            )
            blocked |= {view.id, *(mention.name for mention in own)}
    for voice, name in settled.items():
        for other, mention in introduced.get(name, {}).items():
            if other != voice:
                decision.conflicts.append(
                    f"{transcript.display(voice)} is named already, and {_told(transcript, mention)} says so too."
                )
                blocked.add(other)
    return blocked


def _best(scores: Scores, voices: Sequence[str], people: Sequence[str]) -> list[tuple[str, str]]:
    """One name a voice, so that all evidence together is greatest (Kuhn, 1955, by scipy)."""
    if not voices or not people:
        return []
    from scipy.optimize import linear_sum_assignment

    matrix = [[max(0.0, scores[voice][name]) for name in people] for voice in voices]
    rows, columns = linear_sum_assignment(matrix, maximize=True)
    return [(voices[row], people[column]) for row, column in zip(rows, columns, strict=True)]


def _clear(scores: Scores, voice: str, name: str, voices: Sequence[str], people: Sequence[str]) -> bool:
    """Enough evidence, and clearly more than for the next best voice and the next best name."""
    own = scores[voice][name]
    rivals = [scores[other][name] for other in voices if other != voice]
    rivals += [scores[voice][other] for other in people if other != name]
    return own >= ENOUGH and own - max(rivals, default=0.0) >= MARGIN


def _said(mentions: Iterable[Mention], voice: str, name: str, voices: Sequence[str]) -> Evidence:
    """The strongest quote for a name: an introduction before a greeting before a judgement."""
    about = [mention for mention in mentions if mention.name == name and _meant(mention, voices).get(voice)]
    best = max(about, key=lambda mention: mention.strength * _meant(mention, voices)[voice])
    return Evidence(source="said", quote=best.quote, at=best.start)


def _told(transcript: Transcript, mention: Mention) -> str:
    return f'{transcript.display(mention.voice)} at {_clock(mention)} ("{mention.quote}")'


def _clock(mention: Mention) -> str:
    return clock(to_seconds(mention.start))


def _as_data(text: str) -> str:
    return text.replace("<", "‹").replace(">", "›")
