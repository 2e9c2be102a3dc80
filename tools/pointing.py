"""Whom a name in a sentence points at: the one who says it, the one spoken to, or somebody else. English rules.

What no rule covers stays open (None): a judge or a person may decide it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from tools.sentences import Sentence, Token, keys, phrases, vocabulary

PointsAt = Literal["speaker", "addressee", "other"]
Kind = Literal["introduction", "greeting", "thanks", "vocative", "question", "denial", "mention"]


@dataclass(frozen=True)
class Pointing:
    """A rule's finding. ``strength`` is how sure it is: 5 a plain self-introduction, 2 a greeting."""

    points_at: PointsAt | None
    kind: Kind
    strength: float = 0.0


INTRODUCTION = 5.0
LIKELY_INTRODUCTION = 3.0
ADDRESSED = 2.0
ASKED = 1.0
CONFIRMED = 4.0

_OPEN = Pointing(None, "mention")
_OTHER = Pointing("other", "mention")
_INTRODUCED = Pointing("speaker", "introduction", INTRODUCTION)
_LIKELY = Pointing("speaker", "introduction", LIKELY_INTRODUCTION)

_TITLES = frozenset({"mr", "mrs", "ms", "miss", "dr", "doctor", "professor", "prof", "sir"})
_I_AM = phrases("i'm", "i am", "my name is", "my name's", "name is", "this is")
_REACHED = phrases("you've reached", "you have reached", "you're speaking with", "you are speaking with")
_LIKELY_I_AM = phrases("it's", "it is", "call me", "go by")
_NOT_I = phrases("i'm not", "i am not", "this is not", "this isn't", "my name is not", "my name isn't", "it's not")
_HEDGES = vocabulary("if like say said says saying pretend think thinks thought suppose as when that goes went")
_REPORTING = vocabulary("said says saying goes shouted whispered asked replied wrote")
_DESKS = vocabulary("support reception sales service helpdesk desk office security accounts bookings")
_ARE_YOU = phrases(
    "is this", "is that", "are you", "you must be", "speaking with", "speaking to", "talking to", "talking with",
    "is that you", "is it you", "you're", "you are", "is it",
)  # fmt: skip
_GREETINGS = vocabulary("hi hello hey hiya morning afternoon evening welcome bye goodbye dear")
_THANKS = phrases("thanks", "thank you", "thank you very much", "thanks a lot", "cheers")
_OPENERS = vocabulary("good okay ok yes yeah no well so right sure sorry please alright and but now oh hi hello hey")
_TO_SOMEBODY = vocabulary(
    "you your you're you've you'd you'll yours yourself please let's could can would will do did does what how why ",
    "when where who tell thanks thank sorry",
)
_YES = vocabulary("yes yeah yep yup speaking correct right sure mhm indeed exactly")
_NO = vocabulary("no nope wrong nah")
_THIRD_PERSON = vocabulary(
    "said says was is has had will would told tells thinks thought went came did does and or who whose s"
)
_SHORT = 7  # words
_A_GREETING = 3  # words at most
_A_NAME = 2  # words at most, before "this is"
_OCCUPIED = vocabulary("do run work handle manage make sell teach lead look")
_AFTER_A_PREPOSITION = vocabulary("with to from for about of by at in on and or than near between the a my our")
_ASKS_NAME = (
    "your name", "who is this", "who's this", "who am i speaking", "who am i talking", "who is speaking",
    "who's speaking", "who is calling", "who's calling", "who are you", "your full name", "your first name",
)  # fmt: skip


def point(sentence: Sentence, start: int, end: int, said_before: Sentence | None, reply: Sentence | None) -> Pointing:
    """Whom the name in ``sentence.tokens[start:end]`` points at.

    Args:
        said_before: The sentence of another voice that came last before it.
        reply: The first sentence of another voice after it.
    """
    tokens = sentence.tokens
    if tokens[end - 1].possessive:
        return _OTHER
    while start and tokens[start - 1].key in _TITLES:
        start -= 1
    before, after = keys(tokens[:start]), keys(tokens[end:])
    comma_before = bool(start) and "," in tokens[start - 1].stop
    stop = tokens[end - 1].stop
    if _ends(before, _NOT_I):
        return Pointing("speaker", "denial", -INTRODUCTION)
    if any(word in _REPORTING for word in before):
        return _OPEN  # what somebody else said: nobody here is meant
    asked = _asked(before, after, sentence, stop, reply)
    return (
        asked
        or _introduced(before, after, tokens, start, end, said_before)
        or _addressed(before, after, comma_before, stop, sentence)
        or _third_person(before, after, comma_before, stop)
        or _OPEN
    )


def _asks_for_a_name(sentence: Sentence | None) -> bool:
    return sentence is not None and any(phrase in " ".join(keys(sentence.tokens)) for phrase in _ASKS_NAME)


def _asked(
    before: list[str], after: list[str], sentence: Sentence, stop: str, reply: Sentence | None
) -> Pointing | None:
    """ "Is this Bob?", "You must be Bob.", "This is Bob?" """
    put = _ends(before, _ARE_YOU) or (sentence.question and not after and _ends(before, phrases("this is")))
    if not put:
        return None
    answer = reply.tokens[0].key if reply else ""
    if answer in _NO:
        return Pointing("other", "question")
    return Pointing("addressee", "question", CONFIRMED if answer in _YES else ASKED)


def _introduced(
    before: list[str], after: list[str], tokens: Sequence[Token], start: int, end: int, said_before: Sentence | None
) -> Pointing | None:
    stop = tokens[end - 1].stop
    opening = [word for word in before if word not in _OPENERS and word not in _GREETINGS]
    if _ends(before, _REACHED):
        return _LIKELY
    if phrase := _ends(before, _I_AM):
        return _plain_introduction(
            before[: len(before) - len(phrase)], phrase, after, stop, tokens[: start - len(phrase)]
        )
    if after and after[0] == "speaking" and (not opening or _ends(before, phrases("it's", "this is"))):
        return _INTRODUCED
    greeted = start > 0 and before[0] in _GREETINGS and "," in tokens[start - 1].stop  # "Hello Ines, Karl here"
    if after and after[0] == "here" and (not opening or greeted):
        closes = bool(tokens[end].stop) or len(after) == 1 or after[1] in {"from", "with", "at", "in", "calling"}
        return _INTRODUCED if closes else None
    if not opening and after and _in_a_round(before, after, sentence_length=len(tokens)):
        return _LIKELY
    if phrase := _ends(before, _LIKELY_I_AM):
        finished = bool(stop) or not after or after[0] in {"from", "calling", "again", "in", "at"}
        addressed = bool(before) and before[0] in _GREETINGS and _comma_before(tokens, start, phrase)  # "Hi Ines, it's"
        alone = addressed or not [word for word in opening if word not in {"it's", "it", "is"}]
        named = _ends(before, phrases("call me", "go by"))
        return _LIKELY if named or (alone and finished) else None
    if not opening and not after and _asks_for_a_name(said_before) and "?" not in stop:
        return _INTRODUCED
    return None


def _comma_before(tokens: Sequence[Token], start: int, phrase: Sequence[str]) -> bool:
    """Whether the phrase that ends at ``start`` follows a comma."""
    first = start - len(phrase)
    return first > 0 and "," in tokens[first - 1].stop


def _in_a_round(before: list[str], after: list[str], sentence_length: int) -> bool:
    """One after the other, people say "Omar from marketing", "And Pete, hello" and "And Pete, I do the money"."""
    if after[0] == "from":
        return sentence_length <= _SHORT and not set(after) & (_THIRD_PERSON | _TO_SOMEBODY)
    if before == ["and"] and set(after) <= _GREETINGS:
        return True
    return before == ["and"] and len(after) > 1 and after[0] == "i" and after[1] in _OCCUPIED


def _plain_introduction(
    lead: Sequence[str], phrase: Sequence[str], after: Sequence[str], stop: str, lead_tokens: Sequence[Token]
) -> Pointing | None:
    if lead and lead[-1] in _HEDGES:
        return None
    if tuple(phrase) == ("this", "is"):
        # "Sheila, this is Bob" and "this is Bob, my brother" present somebody else; "Hi Sheila, this is" hardly.
        if lead_tokens and "," in lead_tokens[-1].stop and lead[-1] not in _OPENERS | _GREETINGS:
            if lead[0] in _GREETINGS:
                return _LIKELY
            if len(lead) <= _A_NAME and lead[-1] not in _DESKS:
                return None
        if after and after[0] in {"my", "our", "the", "who", "he", "she", "his", "her"}:
            return None
        if after and not stop and after[0] in _THIRD_PERSON - {"and"}:
            return None
    if tuple(phrase) == ("name", "is") and lead and lead[-1] in {"his", "her", "their", "your", "whose"}:
        return Pointing("addressee", "mention", ASKED) if lead[-1] == "your" else _OTHER
    return _INTRODUCED


def _addressed(before: list[str], after: list[str], comma: bool, stop: str, sentence: Sentence) -> Pointing | None:
    to_somebody = sentence.question or not _TO_SOMEBODY.isdisjoint((*before, *after))
    if before and before[-1] in _GREETINGS:
        return Pointing("addressee", "greeting", ADDRESSED)
    if _ends(before, _THANKS):
        return Pointing("addressee", "thanks", ADDRESSED)
    if not before and "," in stop and after and after[0] in _GREETINGS and len(after) <= _A_GREETING:
        return Pointing("addressee", "greeting", ADDRESSED)  # "Joseph, welcome."
    if not after and not before and "?" in stop:
        return Pointing("addressee", "vocative", ADDRESSED)
    if comma and not after and (to_somebody or set(before) <= _OPENERS):
        return Pointing("addressee", "vocative", ADDRESSED)
    if (not before or (comma and set(before) <= _OPENERS)) and "," in stop and to_somebody:
        return Pointing("addressee", "vocative", ADDRESSED)
    return None


def _third_person(before: list[str], after: list[str], comma: bool, stop: str) -> Pointing | None:
    if after and not stop and after[0] in _THIRD_PERSON:
        return _OTHER
    if before and not comma and before[-1] in _AFTER_A_PREPOSITION:
        return _OTHER
    return None


def _ends(words: Sequence[str], phrases: Sequence[tuple[str, ...]]) -> tuple[str, ...] | None:
    """The longest of the phrases that the words end with."""
    found = [phrase for phrase in phrases if tuple(words[-len(phrase) :]) == phrase]
    return max(found, key=len, default=None)
