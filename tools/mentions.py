"""Where names are said, and whom each one points at: found by code, so that nothing is invented."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from rapidfuzz import fuzz

from tools.pointing import Kind, PointsAt, point
from tools.sentences import Sentence, Token, key, sentences, vocabulary
from tools.views import Transcript

SIMILAR = 85.0
"""rapidfuzz ratio from which a longer word counts as a misheard name: "Shila" for "Sheila", not "Diana" for "Diane"."""

_LONG = 5
_LONGEST_QUOTE = 240
_MOST_NAME_WORDS = 3
_NOT_NAMES = vocabulary(
    "i i'm i'll i've i'd ok okay yes no god sir madam ma'am everyone everybody guys folks there all both doctor ",
    "monday tuesday wednesday thursday friday saturday sunday january february march april june july august ",
    "september october november december english american british french german spanish italian chinese japanese ",
    "korean indian canadian mexican russian irish scottish african european asian australian dutch polish greek ",
    "turkish arab jewish christian catholic muslim republican democrat mr mrs ms miss dr the a an it that this well ",
    "so and but or not just very really going sorry glad happy sure fine good here from in at my your his her we you ",
    "oh ah um uh well right now hi hello hey hiya welcome bye goodbye thanks thank morning ",
    "afternoon evening dear please mum mom dad mummy daddy ",
    "grandma grandpa councillor chair professor officer",
)


@dataclass(frozen=True)
class Mention:
    """A name said at a time. Times are samples.

    Attributes:
        voice: Speaker id of the one who says it; None for a word without a voice.
        points_at: None where no rule decides.
        reply_to: The last sentence of another voice before it.
        before: Speaker id of the other voice that spoke last before it, and after of the one that answers.
        strength: How much it weighs; negative for "I'm not Bob".
        meant: Speaker id of the one spoken to, where that is plain.
    """

    name: str
    quote: str
    start: int
    end: int
    voice: str | None
    points_at: PointsAt | None
    kind: Kind
    strength: float
    before: str | None
    after: str | None
    reply_to: str = ""
    judged: bool = False
    meant: str | None = None

    def decided(self, points_at: PointsAt, strength: float) -> "Mention":
        """The same, decided by a judge."""
        return replace(self, points_at=points_at, strength=strength, judged=True)


def find(transcript: Transcript, people: Sequence[str]) -> list[Mention]:
    """Every place where one of ``people`` is named, in order of time.

    A name is found whatever its case and accents, and a longer one when it was misheard a little. A first name alone
    counts where only one of the people has it.
    """
    parts = sentences(transcript)
    wanted = _wanted(people)
    cased = any(token.text[:1].isupper() for part in parts for token in part.tokens)
    mentions = []
    for part in parts:
        start = 0
        while start < len(part.tokens):
            match = _match(part.tokens, start, wanted, cased)
            if match is None:
                start += 1
                continue
            name, end = match
            mentions.append(_mention(parts, part, start, end, name))
            start = end
    return _confirmed(mentions)


def _confirmed(mentions: list[Mention]) -> list[Mention]:
    """Two who call each other by name in turn, "Over to you, Laura." and "Thanks, Sven.", mean each other."""
    result = list(mentions)
    for number, (one, reply) in enumerate(pairwise(mentions)):
        mutual = (one.after, reply.before) == (reply.voice, one.voice) and one.voice != reply.voice
        if mutual and one.points_at == reply.points_at == "addressee" and one.name != reply.name:
            result[number] = replace(result[number], meant=reply.voice)
            result[number + 1] = replace(reply, meant=one.voice)
    return result


def candidates(transcript: Transcript) -> list[str]:
    """Names that people use for themselves or for each other, most often used first."""
    parts = sentences(transcript)
    inside = {token.text for part in parts for token in part.tokens[1:] if token.text[:1].isupper()}
    counts: dict[str, int] = {}
    for part in parts:
        start = 0
        while start < len(part.tokens):
            length = _name_length(part.tokens, start)
            if length:
                name = " ".join(token.text for token in part.tokens[start : start + length])
                found = _mention(parts, part, start, start + length, name)
                # Every sentence begins with a capital: a name called there must be written with one elsewhere.
                sure = start > 0 or found.kind != "vocative" or part.tokens[0].text in inside
                if found.points_at in ("speaker", "addressee") and found.kind != "mention" and sure:
                    counts[name] = counts.get(name, 0) + 1
            start += length or 1
    return sorted(_whole(counts), key=lambda name: -counts[name])


def _whole(names: Iterable[str]) -> list[str]:
    """Without those that are a part of one other, fuller name: "Demir" beside "Yusuf Demir"."""
    words = {name: set(key(name).split()) for name in names}
    return [name for name, its in words.items() if sum(its < others for others in words.values()) != 1]


def namesakes(transcript: Transcript, name: str) -> list[str]:
    """The full names of those who share a first name; none where it is one person's."""
    full: dict[str, None] = {}
    for part in sentences(transcript):
        for start, token in enumerate(part.tokens):
            length = _name_length(part.tokens, start) if token.key == key(name) else 0
            if length > 1:
                full[" ".join(token.text for token in part.tokens[start : start + length])] = None
    return list(full) if len(full) > 1 else []


def _name_length(tokens: Sequence[Token], start: int) -> int:
    """How many words from here on look like one name: capitalised, not possessive, no other punctuation between."""
    length = 0
    for token in tokens[start : start + _MOST_NAME_WORDS]:
        looks = token.text[:1].isupper() and token.text[:1].isalpha() and not token.possessive
        if not looks or token.key in _NOT_NAMES:
            break
        length += 1
        if token.stop:
            break
    return length


def _wanted(people: Sequence[str]) -> list[tuple[tuple[str, ...], str]]:
    """What to look for: (words, person), longest first, with first names that only one person has."""
    full = {tuple(key(name).split()): name for name in people if key(name).split()}
    firsts = [words[0] for words in full]
    wanted = list(full.items())
    wanted += [((words[0],), name) for words, name in full.items() if len(words) > 1 and firsts.count(words[0]) == 1]
    return sorted(wanted, key=lambda item: -len(item[0]))


def _match(
    tokens: Sequence[Token], start: int, wanted: Sequence[tuple[tuple[str, ...], str]], cased: bool
) -> tuple[str, int] | None:
    best: tuple[float, int, str] | None = None
    tied = False
    for words, name in wanted:
        heard = tokens[start : start + len(words)]
        if len(heard) < len(words) or any(token.stop for token in heard[:-1]):
            continue
        if cased and any(char.islower() for char in heard[0].text[:1]):
            continue  # "will" is not Will, where the recognizer writes capitals
        score = min(_similar(token, word) for token, word in zip(heard, words, strict=True))
        if score < SIMILAR or (best and (len(words), score) < (best[1], best[0])):
            continue
        tied = best is not None and (best[1], best[0]) == (len(words), score) and best[2] != name
        best = (score, len(words), name)
    return (best[2], start + best[1]) if best and not tied else None


def _similar(token: Token, word: str) -> float:
    bare = token.key[:-2] if token.key.endswith("'s") and not word.endswith("'s") else token.key
    if bare == word:
        return 100.0
    return fuzz.ratio(bare, word) if min(len(word), len(bare)) >= _LONG else 0.0


def _mention(parts: Sequence[Sentence], part: Sentence, start: int, end: int, name: str) -> Mention:
    said_before = parts[part.before] if part.before is not None else None
    reply = parts[part.after] if part.after is not None else None
    pointing = point(part, start, end, said_before, reply)
    quote = part.text
    if len(quote) > _LONGEST_QUOTE:
        quote = " ".join("".join(word.text for word in part.words[max(0, start - 15) : end + 15]).split())
    return Mention(
        name=name,
        quote=quote,
        start=part.words[start].start,
        end=part.words[end - 1].end,
        voice=part.voice,
        points_at=pointing.points_at,
        kind=pointing.kind,
        strength=pointing.strength,
        before=said_before.voice if said_before else None,
        after=reply.voice if reply else None,
        reply_to=said_before.text if said_before else "",
    )
