"""What a person means who refers back: "shorter", "now only the agent", "and in the other recording?".

The words that are meant so again and again are read by code; the rest is one small judgement. What comes of it is a
whole instruction, which the graph carries out as any other.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from agent.grounding import plain
from agent.wording import asks_for_file, asks_for_sound, asks_something, asks_to_summarize, is_question
from engines.protocols import LLM, Message
from prompts import load
from tools.languages import LANGUAGES

Kind = Literal["new", "again", "reword"]

_TOKENS = 160
_ANSWER_SHOWN = 400
"""Characters of the last answer that the judgement sees."""

_LONGEST = 300
_SHORTEST_WHOLE = 3
"""Words of an instruction that needs nothing before it."""

_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"instruction": {"type": "string", "maxLength": _LONGEST}},
    "required": ["instruction"],
    "additionalProperties": False,
}

_JOIN = r"^(?:and|but|now|so|ok(?:ay)?|please|then|und|aber|jetzt|bitte|et|maintenant|y|ahora)\b[\s,]*"
_GO_ON = re.compile(
    r"(?:go on|carry on|continue|resume|(?:try )?again|once more|weiter|noch ?mal|encore|sigue)\W*", re.I
)
_LANGUAGE = "|".join(sorted(LANGUAGES.values(), key=len, reverse=True)) + "|englisch|deutsch|französisch|spanisch"
_REWORD = re.compile(
    r"(?:(?:much |a (?:bit|little) |even )?(?:shorter|briefer|more briefly|simpler|more simply|kürzer|einfacher"
    r"|plus court|más corto)|in (?:one|two|three|a few|fewer|\d+) (?:short )?(?:words?|sentences?)"
    r"|as (?:a (?:bullet )?list|bullet points|bullets)"
    rf"|(?:translate (?:it|that) (?:in)?to|say (?:it|that) in|in|auf) (?:{_LANGUAGE}))\W*(?:please|bitte)?\W*",
    re.I,
)
_SHORTER = re.compile(r"\b(?:shorter|briefer|briefly|kürzer|plus court|más corto)\b", re.I)
_ONLY = re.compile(
    r"(?:only|just|nur|seulement|solo)\s+(?:what |for |was )?(.{1,60}?)(?:\s+(?:says?|said|sagt))?\W*", re.I
)
_ONLY_SAID = re.compile(r"\s*Only what [^.]{1,60} says\.")
_ELSEWHERE = re.compile(
    r"(?:(?:what|how) about |the same |do (?:it|that|the same) )?"
    r"(?:in|for|with|from|of|für)?\s*(?:the |der |die )?"
    r"(?P<which>other|second|first|third|last|next|previous|andere[nr]?|zweiten?|ersten?)\s+"
    r"(?:recordings?|one|calls?|files?|meetings?|aufnahmen?)\W*",
    re.I,
)
_EVERYWHERE = re.compile(
    r"\b(?:in|over|across|for)\s+(?:all|every|the whole)\s+(?:the |my )?"
    r"(?:recordings?|calls?|files?|meetings?|library)\b",
    re.I,
)
_ORDINALS = {"first": 0, "second": 1, "third": 2, "last": -1, "erste": 0, "zweite": 1}
_GENERIC = re.compile(
    r"audio|call|clip|conversation|file|interview|meeting|memo|recording|sample|sound|speech|talk|test|this|video|voice"
    r"|anruf|aufnahme|besprechung|gespräch|only|what|who|when|where|which|how|the|and",
    re.I,
)
"""Names of files that are words of their own."""

_REFERRING = re.compile(
    r"\b(?:that|this|these|those|he|she|him|her|his|it|its|other|same|instead|else|more|less|shorter"
    r"|longer|only|earlier|previous|ihm|ihn|ihr|dort|anderen?|nur|kürzer|länger|vorher|lui|leur)\b",
    re.I,
)
_SOMEBODY = re.compile(r"\b(?:he|she|him|her|his|they|them|their|er|sie|ihn|ihm|ihr)\b", re.I)
_AS = re.compile(r"(?:as|als|in|comme|como)\b(?:\s+\S+){1,4}$", re.I)
_STYLE = re.compile(
    r"short|brief|long|simpl|easy|easi|formal|polite|list|bullet|table|words?\b|sentence|paragraph|translat|language|tone"
    rf"|detail|clear|again|reword|rephras|kürz|einfach|{_LANGUAGE}",
    re.I,
)
_ITSELF = re.compile(
    r"\b(?:writ\w*|transcribe|diarize|export|cut|save|summari[sz]e|translate|turn|mak\w+)\s+(?:it|this|that)\b"
    r"|\bthis (?:is|call|meeting|recording|interview|file)\b|\b(?:is|are|were|was) there\b",
    re.I,
)


@dataclass(frozen=True)
class Meant:
    """What was meant: a whole instruction, and the recordings it is about; none for the whole library."""

    kind: Kind
    instruction: str
    recordings: tuple[str, ...]


@dataclass(frozen=True)
class Earlier:
    """What can be referred back to.

    Attributes:
        instruction: The last one, whole; empty where there is none.
        answer: What came of it, in words.
        files: Whether it wrote any.
        unanswered: It was stopped, or failed.
        said: Everything the person said, for who is who.
        recordings: What the last instruction was about.
        opened: The conversation's recordings, in order.
        names: Every recording of the library by id: its file's name.
        voices: What the voices of ``recordings`` are called.
    """

    instruction: str = ""
    answer: str = ""
    files: bool = False
    unanswered: bool = False
    said: str = ""
    recordings: tuple[str, ...] = ()
    opened: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)
    voices: Sequence[str] = ()


class Unclear(Exception):  # a question to the person, not an error
    """Several recordings may be meant; ``options`` are their ids."""

    def __init__(self, options: Sequence[str]) -> None:
        super().__init__("several recordings may be meant")
        self.options = tuple(options)


def refer(text: str, earlier: Earlier, llm: LLM) -> Meant:
    """Makes a whole instruction of what a person says.

    Raises:
        Unclear: "The other recording", and there are several.
    """
    said = " ".join(text.split())
    bare = _bare(said)
    named = _named(said, earlier)
    if _EVERYWHERE.search(said):
        named = ()
    about = earlier.opened if named is None else named
    if not earlier.instruction:
        return Meant("new", said, about)
    stays = earlier.recordings if named is None else named
    if earlier.unanswered and _GO_ON.fullmatch(bare):
        return Meant("again", earlier.instruction, earlier.recordings)
    if match := _ELSEWHERE.fullmatch(bare):
        return Meant("again", earlier.instruction, (_which(match["which"], earlier),))
    if named and _only_names(bare, named, earlier):
        return Meant("again", earlier.instruction, named)
    if match := _ONLY.fullmatch(bare):
        who = _person(match[1], earlier)
        if who:
            return Meant("again", f"{_ONLY_SAID.sub('', earlier.instruction)} Only what {who} says.", stays)
    if earlier.answer and _REWORD.fullmatch(bare):
        return _reworded(said, earlier, stays)
    if other := _other_person(bare, earlier):
        return Meant("again", other, stays)
    if _AS.match(bare) and asks_for_file(bare):
        return Meant("again", f"Write it {bare}", stays)
    if stands_alone(said, earlier.voices):
        return Meant("new", said, about)
    return _judged(said, earlier, stays, about, llm)


def stands_alone(text: str, voices: Sequence[str] = ()) -> bool:
    """Whether an instruction can be understood without what was said before.

    Args:
        text: What is said.
        voices: Who is known: "she" may be somebody who is named in it.
    """
    rest = _ITSELF.sub("", text)
    if any(re.search(rf"\b{re.escape(voice)}\b", text, re.I) for voice in voices):
        rest = _SOMEBODY.sub("", rest)
    if _REFERRING.search(rest) or (len(_bare(text).split()) < _SHORTEST_WHOLE and not asks_to_summarize(text)):
        return False
    return asks_something(text) or asks_for_file(text) or asks_for_sound(text)


def asks_to_shorten(text: str) -> bool:
    return bool(_SHORTER.search(text))


def _judged(said: str, earlier: Earlier, stays: tuple[str, ...], about: tuple[str, ...], llm: LLM) -> Meant:
    if earlier.answer and _STYLE.search(said) and not is_question(said):
        return _reworded(said, earlier, stays)
    ask = load("follow_up_ask", earlier=plain(earlier.instruction), answer=_shortened(earlier.answer), said=plain(said))
    messages = [Message("system", load("follow_up")), Message("user", ask)]
    data: dict[str, Any] = llm.chat(messages, schema=_SCHEMA, max_tokens=_TOKENS).data or {}
    whole = " ".join(str(data.get("instruction", "")).split())
    if not whole or _words(whole) == _words(said):
        return Meant("new", said, about)
    if not _made_of(whole, said, earlier) or _words(whole) == _words(earlier.instruction):
        whole = f"{earlier.instruction} {said}"
    return Meant("again", whole, stays)


def _reworded(said: str, earlier: Earlier, stays: tuple[str, ...]) -> Meant:
    # A file is not said again in fewer words: what is in it can be told.
    return Meant("again", f"Summarize what is said. {said}", stays) if earlier.files else Meant("reword", said, stays)


def _made_of(whole: str, said: str, earlier: Earlier) -> bool:
    """Whether a rewritten instruction invents nothing: its rarer words were said before."""
    known = {word[:5] for word in _words(" ".join([said, earlier.said, earlier.instruction, earlier.answer]))}
    words = [word for word in _words(whole) if len(word) > 3]
    return bool(words) and sum(word[:5] in known for word in words) >= 0.7 * len(words)


def _words(text: str) -> list[str]:
    return re.findall(r"\w+", text.casefold())


def _bare(text: str) -> str:
    """Without "and", "now", "please" at its ends."""
    bare = re.sub(r"[\s,]*\b(?:please|bitte|now|then|jetzt)\W*$", "", text, flags=re.I)
    while (rest := re.sub(_JOIN, "", bare, flags=re.I)) != bare:
        bare = rest
    return bare


def _named(text: str, earlier: Earlier) -> tuple[str, ...] | None:
    """The recordings that are called by their id or file; None where none is."""
    found = []
    for recording, name in earlier.names.items():
        stem = name.rpartition(".")[0]
        telling = len(stem) > 2 and not _GENERIC.fullmatch(stem) and recording in earlier.opened
        called = [recording, name, *([stem] if telling else [])]
        if any(re.search(rf"(?<![\w.-]){re.escape(one)}(?![\w-])", text, re.I) for one in called):
            found.append(recording)
    return tuple(found) or None


def _only_names(bare: str, named: Sequence[str], earlier: Earlier) -> bool:
    """Whether nothing but a recording is named: "and in call2.wav?"."""
    rest = bare
    for recording in named:
        name = earlier.names.get(recording, recording)
        for one in (recording, name, name.rpartition(".")[0]):
            rest = re.sub(re.escape(one), " ", rest, flags=re.I) if one else rest
    rest = re.sub(
        r"\b(?:what|how|about|the|same|in|for|with|from|of|and|recording|file|call|meeting)\b", " ", rest, flags=re.I
    )
    return not _words(rest)


def _which(word: str, earlier: Earlier) -> str:
    """The recording that "other", "second" or "next" means."""
    known = earlier.opened if len(earlier.opened) > 1 else tuple(earlier.names)
    place = next((number for name, number in _ORDINALS.items() if word.lower().startswith(name)), None)
    if place is not None and -len(known) <= place < len(known):
        return known[place]
    here = (
        known.index(earlier.recordings[0]) if len(earlier.recordings) == 1 and earlier.recordings[0] in known else None
    )
    step = {"next": 1, "previous": -1}.get(word.lower())
    if here is not None and step is not None and 0 <= here + step < len(known):
        return known[here + step]
    others = [recording for recording in known if recording not in earlier.recordings]
    if len(others) == 1:
        return others[0]
    raise Unclear(others or known)


def _other_person(bare: str, earlier: Earlier) -> str | None:
    """The earlier question about somebody else: "Where does Diane live?" "And Sheila?"."""
    match = re.fullmatch(r"(?:(?:what|how) about |what of )?(?:for )?([\w .'-]{2,40}?)\s*\?+", bare, re.I)
    who = _person(match[1], earlier) if match else None
    if who is None or who not in earlier.voices:
        return None
    asked = [one for one in earlier.voices if re.search(rf"\b{re.escape(one)}\b", earlier.instruction)]
    if len(asked) != 1 or who in asked:
        return None
    return re.sub(rf"\b{re.escape(asked[0])}\b", who, earlier.instruction)


def _person(text: str, earlier: Earlier) -> str | None:
    """A voice's name for what the person calls it: a name, or a role that was told ("Bob is the agent")."""
    called = re.sub(r"^(?:the|der|die|das|le|la|el)\s+", "", text.strip(), flags=re.I)
    for voice in earlier.voices:
        if called.casefold() in (voice.casefold(), voice.casefold().split()[0]):
            return voice
    role = re.escape(called)
    told = re.search(
        rf"\b([A-Z][\w'-]+),?\s+(?:(?:who )?(?:is|as|ist|=)\s+)?(?:the|a|an|our|der|die)\s+{role}\b", earlier.said
    ) or (re.search(rf"\b(?i:{role})(?:\s+is|,|\s*:)?\s+([A-Z][\w'-]+)", earlier.said))
    if told:
        return told[1]
    return called if called[:1].isupper() else None


def _shortened(text: str) -> str:
    shown = plain(text)
    return shown if len(shown) <= _ANSWER_SHOWN else shown[:_ANSWER_SHOWN] + " …"
