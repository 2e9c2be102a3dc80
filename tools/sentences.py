"""A transcript as sentences of one voice each, with who spoke before and who answers."""

import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from auricle.times import SAMPLE_RATE
from tools.views import PlacedWord, Transcript

_LONGEST = 60
_PAUSE = 2 * SAMPLE_RATE
_SENTENCE_END = ".?!…。？！؟"
_ABBREVIATIONS = frozenset({"mr", "mrs", "ms", "dr", "prof", "st"})


@dataclass(frozen=True)
class Token:
    """A word without its punctuation.

    Attributes:
        text: As it was heard, without punctuation around it.
        key: For comparing: lower case, no diacritics, straight apostrophes.
        stop: The punctuation that follows it.
    """

    text: str
    key: str
    stop: str

    @property
    def possessive(self) -> bool:
        return self.key.endswith(("'s", "s'"))


@dataclass(frozen=True)
class Sentence:
    """What one voice says up to a full stop, a long pause or another voice.

    Attributes:
        before: The last sentence of another voice, and after the first one; by number, None where there is none.
    """

    voice: str | None
    words: tuple[PlacedWord, ...]
    tokens: tuple[Token, ...]
    before: int | None
    after: int | None

    @property
    def text(self) -> str:
        return " ".join("".join(word.text for word in self.words).split())

    @property
    def question(self) -> bool:
        return any(sign in self.tokens[-1].stop for sign in "?？؟")


def sentences(transcript: Transcript) -> list[Sentence]:
    """All sentences in order of time."""
    groups: list[list[PlacedWord]] = []
    for word in (word for utterance in transcript.utterances for word in utterance.words):
        if groups and not _breaks(groups[-1], word):
            groups[-1].append(word)
        else:
            groups.append([word])
    voices = [group[0].speaker for group in groups]
    before = _neighbours(voices)
    after = [None if place is None else len(voices) - 1 - place for place in reversed(_neighbours(voices[::-1]))]
    return [
        Sentence(group[0].speaker, tuple(group), tuple(token(word.text) for word in group), earlier, later)
        for group, earlier, later in zip(groups, before, after, strict=True)
    ]


def vocabulary(*lines: str) -> frozenset[str]:
    """The words of some lines as a set."""
    return frozenset(word for line in lines for word in line.split())


def phrases(*lines: str) -> tuple[tuple[str, ...], ...]:
    """Each line as a tuple of words."""
    return tuple(tuple(line.split()) for line in lines)


def token(word: str) -> Token:
    text = word.strip()
    start, end = 0, len(text)
    while start < end and not text[start].isalnum():
        start += 1
    while end > start and not text[end - 1].isalnum():
        end -= 1
    return Token(text[start:end], key(text[start:end]), text[end:])


def key(text: str) -> str:
    """Lower case, without diacritics, with straight apostrophes."""
    decomposed = unicodedata.normalize("NFKD", text.replace("’", "'"))
    return "".join(char for char in decomposed if not unicodedata.combining(char)).casefold()


def keys(tokens: Iterable[Token]) -> list[str]:
    return [item.key for item in tokens]


def _breaks(group: Sequence[PlacedWord], word: PlacedWord) -> bool:
    last = group[-1]
    if last.speaker != word.speaker or word.start - last.end > _PAUSE or len(group) >= _LONGEST:
        return True
    ending = token(last.text)
    return any(sign in ending.stop for sign in _SENTENCE_END) and ending.key not in _ABBREVIATIONS


def _neighbours(voices: Sequence[str | None]) -> list[int | None]:
    """For each place the nearest earlier one of another known voice."""
    found: list[int | None] = []
    for place, voice in enumerate(voices):
        if place == 0:
            found.append(None)
        elif voices[place - 1] == voice:
            found.append(found[-1])
        else:
            other: int | None = place - 1
            while other is not None and voices[other] in (None, voice):
                other = found[other] if found[other] != other else None
            found.append(other)
    return found
