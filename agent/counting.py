"""Numbers about a talk that an instruction asks for: recognised by code, counted by a tool, told by code."""

import re
from typing import Any

from auricle.times import clock

_RECORDING = r"(?:\w+ )?(?:recording|call|meeting|file|audio|video|conversation|interview|podcast|lecture|talk)"
_SPEAKING = r"\b(?:talk|speak)(?:s|ing)?\b"
_ASKED = {
    "length": rf"\bhow long is (?:(?:the|this|that|my) {_RECORDING}|it)\s*\?|\b(?:length|duration) of (?:the|this) "
    rf"{_RECORDING}\b|\bwie lange? (?:ist|dauert) (?:die|diese|das) \w+\s*\?|\bcombien de temps dure\b",
    "people": r"\bhow many (?:\w+ )?(?:people|persons|speakers|voices|participants)\b|\bwie viele (?:\w+ )?(?:leute"
    r"|personen|sprecher\w*|stimmen)\b|\bcombien de (?:personnes|voix|locuteurs)\b|\bcuántas (?:personas|voces)\b",
    "talk": r"\b(?:talk|speak|speaking|talking)[- ]?(?:time|share)s?\b|\bhow (?:long|much) (?:does|do|did|has|have) "
    r"(?:\w+ ){1,4}?(?:talk|speak|say\s*\?)|\bwho (?:talks?|speaks?|talked|spoke|says|said) (?:the )?(?:most|more|least"
    r"|less|longest|longer)\b|\bwer (?:redet|spricht) (?:am )?(?:meisten|mehr|längsten|länger)\b|\bredezeit\w*"
    r"|\btemps de parole\b|\bqui parle le plus\b|\bquién habla más\b",
    "rate": rf"\bwords (?:per|a) minute\b|\bspeaking rate\b|\bwpm\b|{_SPEAKING}[^.?!]*\b(?:fast|quick|slow)\w*"
    r"|\b(?:fast|quick|slow)\w*\b[^.?!]*\b(?:talk|speak)|\bspricht[^.?!]*(?:schnell|langsam)\w*",
    "interruptions": r"\b(?:who|whom|how|count|most|number)\b[^.?!]*\b(?:interrupt\w*|cuts? (?:\w+ ){1,3}off)"
    r"|\b(?:wer|wie)\b[^.?!]*unterbr\w*|\b(?:qui|combien)\b[^.?!]*interromp\w*|\b(?:quién|cuánt\w+)\b[^.?!]*interrump",
    "silence": r"\b(?:how (?:much|long|many)|longest|total)\b[^.?!]*\b(?:silences?|silent|pauses?|breaks?|gaps?)\b"
    r"|\blängste\w* (?:pause|stille)\b",
    "questions": r"\bhow many questions\b|\bnumber of questions\b|\bwho asks? (?:the )?(?:most|more) questions\b"
    r"|\bwie viele fragen\b|\bcombien de questions\b",
    "longest": rf"\blongest (?:turn|monolog\w*|contribution)\b|{_SPEAKING} (?:the )?longest without\b",
    "overlap": rf"{_SPEAKING} (?:over each other|at the same time|at once|simultaneously)\b|\bcrosstalk\b",
    "words": r"\bhow (?:often|many times)\b|\bhow many words\b(?! (?:per|a) )|\bwie oft\b|\bcombien de fois\b"
    r"|\bcuántas veces\b|\bcount (?:how|the (?:word|times|mentions))",
}
_PATTERNS = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _ASKED.items()}
_BESIDES = re.compile(r"\b(?:and|und|et|y) (?:what|why|when|where|which|was|warum|wann|summar\w*|write|export)\b", re.I)
_MARKED = re.compile(r"[\"“„«']([^\"”“»']{2,60})[\"”“»']")
_SAID = (
    re.compile(r"\b(?:word|words|term|phrase|name|wort|begriff|mot|palabra) (?P<words>[\w'’ -]{2,40}?)"
               r"(?= (?:is|are|was|were|said|used|mentioned|spoken|come|occur|appear)\b|[?.!,]|$)", re.I),
    re.compile(r"\b(?:is|are|was|were|does|do|did) (?:the |an? )?(?P<words>[\w'’ -]{2,40}?) "
               r"(?:mentioned|said|named|used|spoken of|come up|occur|appear)\b", re.I),
    re.compile(r"\b(?:says?|said|mentions?|mentioned|uses?|used) (?:the (?:word|name|term) )?(?P<words>[\w'’ -]{2,40}?)"
               r"(?= in\b| during\b|[?.!,]|$)", re.I),
)  # fmt: skip
_NEED_WORDS = {"rate", "questions", "words", "silence"}
_NEED_VOICES = {"people", "talk", "rate", "interruptions", "questions", "longest", "overlap"}


def counts_in(instruction: str) -> list[str]:
    """The kinds of numbers that are asked for; none where it is about something else."""
    found = [kind for kind, pattern in _PATTERNS.items() if pattern.search(instruction)]
    # "How often does Ben interrupt?" counts interruptions, and "How often do they meet?" nothing that can be counted.
    if "words" in found and not counted_words(instruction) and "how many words" not in instruction.lower():
        found.remove("words")
    return found


def only_counts(instruction: str) -> bool:
    """Whether numbers are all that is wanted."""
    return bool(counts_in(instruction)) and not _BESIDES.search(instruction)


def counted_words(instruction: str) -> str | None:
    """The word or phrase whose occurrences are to be counted."""
    if not _PATTERNS["words"].search(instruction):
        return None
    marked = _MARKED.search(instruction)
    if marked:
        return marked[1]
    for pattern in _SAID:
        said = pattern.search(instruction)
        if said and said["words"].strip().lower() not in {"it", "that", "this", "they", "he", "she"}:
            return said["words"].strip()
    return None


def needs_words(kinds: list[str]) -> bool:
    """Whether recognition has to listen for it."""
    return bool(_NEED_WORDS & set(kinds))


def needs_voices(kinds: list[str]) -> bool:
    """Whether voices have to be told apart for it; where nothing is known of what is asked, they have."""
    return not kinds or bool(_NEED_VOICES & set(kinds))


def told(result: dict[str, Any], instruction: str) -> str:
    """The numbers that were asked for, in sentences.

    Args:
        result: A ``TalkStatistics``, as plain data.
    """
    asked = counts_in(instruction)
    tell = {
        "length": _length,
        "words": _words,
        "people": _talk_time,
        "talk": _talk_time,
        "rate": _rate,
        "interruptions": _interruptions,
        "questions": _questions,
        "silence": _silence,
        "overlap": _overlap,
        "longest": _longest,
    }
    sentences = [tell[kind](result) for kind in tell if kind in asked] or [_talk_time(result)]
    return " ".join(dict.fromkeys(filter(None, sentences)))


def _length(result: dict[str, Any]) -> str:
    return f"It is {clock(result['end'] - result['start'])} long ({result['end'] - result['start']:.0f} seconds)."


def _words(result: dict[str, Any]) -> str:
    times = result["times_said"]
    if times is None:
        each = ", ".join(f"{speaker['speaker']} {speaker['words']}" for speaker in result["speakers"])
        return f"{result['words']} words are said{f': {each}' if each else ''}."
    if not times:
        return "It is not said at all: 0 times."
    by = ", ".join(f"{name} {count}" for name, count in result["said_by"].items() if name != "unknown")
    at = ", ".join(clock(place["start"]) for place in result["occurrences"][:12])
    more = " and more" if times > 12 else ""
    return f"It is said {_times(times)}{f' ({by})' if by else ''}, at {at}{more}."


def _talk_time(result: dict[str, Any]) -> str:
    speakers = _by(result, "seconds")
    if not speakers:
        return "Nobody is heard speaking."
    many = "1 person speaks" if len(speakers) == 1 else f"{len(speakers)} people speak"
    each = ", ".join(
        f"{speaker['speaker']} {speaker['seconds']:.0f} s ({speaker['share']:.0%}, {speaker['turns']} turns)"
        for speaker in speakers
    )
    most = f" {speakers[0]['speaker']} talks most." if len(speakers) > 1 else ""
    return f"{many}: {each}.{most}"


def _rate(result: dict[str, Any]) -> str:
    rated = [speaker for speaker in result["speakers"] if speaker["words_per_minute"]]
    rated.sort(key=lambda speaker: -speaker["words_per_minute"])
    if not rated:
        return f"{result['words_per_minute'] or 0:.0f} words per minute are spoken."
    each = ", ".join(f"{speaker['speaker']} {speaker['words_per_minute']:.0f}" for speaker in rated)
    fastest = f" {rated[0]['speaker']} speaks fastest." if len(rated) > 1 else ""
    return f"Words per minute: {each}.{fastest}"


def _interruptions(result: dict[str, Any]) -> str:
    who = [speaker for speaker in _by(result, "interrupts") if speaker["interrupts"]]
    if not who:
        return "Nobody interrupts anybody (0 interruptions)."
    each = ", ".join(f"{speaker['speaker']} {_times(speaker['interrupts'])}" for speaker in who)
    many = "1 interruption" if result["interruptions"] == 1 else f"{result['interruptions']} interruptions"
    return f"{many}: {each}."


def _questions(result: dict[str, Any]) -> str:
    asking = [speaker for speaker in _by(result, "questions") if speaker["questions"]]
    each = ", ".join(f"{speaker['speaker']} {speaker['questions']}" for speaker in asking)
    many = "1 question is" if result["questions"] == 1 else f"{result['questions']} questions are"
    return f"{many} asked{f': {each}' if each else ''}."


def _silence(result: dict[str, Any]) -> str:
    text = f"Nobody speaks during {result['silence_seconds']:.0f} s."
    if result["silences"]:
        longest = result["silences"][0]
        seconds = longest["end"] - longest["start"]
        text += f" The longest silence is {clock(longest['start'])}–{clock(longest['end'])} ({seconds:.1f} s)."
    return text


def _overlap(result: dict[str, Any]) -> str:
    return f"People speak at the same time during {result['overlap_seconds']:.1f} s."


def _longest(result: dict[str, Any]) -> str:
    speakers = _by(result, "longest_turn_seconds")
    if not speakers or speakers[0]["longest_turn_start"] is None:
        return ""
    first = speakers[0]
    seconds = first["longest_turn_seconds"]
    return f"{first['speaker']} has the longest turn: {seconds:.0f} s from {clock(first['longest_turn_start'])}."


def _by(result: dict[str, Any], key: str) -> list[dict[str, Any]]:
    return sorted(result["speakers"], key=lambda speaker: -speaker[key])


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number} times"
