"""The times an instruction names, read by code: a small model copies them badly and cannot calculate with them."""

import re
from dataclasses import dataclass

_NUMBERS = (
    ("one", "a", "an", "eine", "einer", "un", "une", "una"),
    ("two", "zwei", "deux", "dos"),
    ("three", "drei", "trois", "tres"),
    ("four", "vier", "quatre", "cuatro"),
    ("five", "fünf", "cinq", "cinco"),
    ("six", "sechs", "seis"),
    ("seven", "sieben", "sept", "siete"),
    ("eight", "acht", "huit", "ocho"),
    ("nine", "neun", "neuf", "nueve"),
    ("ten", "zehn", "dix", "diez"),
    ("eleven", "elf", "onze", "once"),
    ("twelve", "zwölf", "douze", "doce"),
)
NUMBER_WORDS = {word: number for number, words in enumerate(_NUMBERS, 1) for word in words}
_HALF = {"half a": 0.5, "half an": 0.5}
_COUNT = "|".join(sorted([*NUMBER_WORDS, *_HALF], key=len, reverse=True))
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0}
_UNIT = (
    r"(?P<unit>h(?:ours?)?|stunden?|heures?|horas?|m(?:in(?:ut[eo]?[ns]?)?)?"
    r"|s(?:e[ck](?:unden?|ond[ase]{0,2}s?)?)?|segundos?)"
)
_TOKEN = re.compile(
    rf"(?P<clock>\d{{1,2}}:\d\d(?::\d\d)?)|(?<![\w.])(?:(?P<number>\d+(?:\.\d+)?)|(?P<word>{_COUNT})\b)"
    rf"(?:[\s-]*{_UNIT}\b)?",
    re.IGNORECASE,
)
_LONE_UNIT = re.compile(rf"\b{_UNIT}\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|and|through|-|–|—|bis|und|à|et|a|al|hasta|y)\s*", re.IGNORECASE)
_UP_TO = re.compile(r"\s*(?:to|until|till|through|-|–|—|bis|hasta)\s*", re.IGNORECASE)
_FIRST = re.compile(r"\b(?:first|opening|erste[nr]?|premi(?:er|ère)s?|primer[ao]?s?)\s*$", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|final|letzte[nr]?|derni(?:er|ère)s?|últim[ao]s?)\s*$", re.IGNORECASE)
_AFTER = re.compile(r"\b(?:after|since|from|starting at|nach|ab|seit|après|depuis|desde|después de)\s*$", re.IGNORECASE)
_BEFORE = re.compile(r"\b(?:before|until|till|up to|vor|bis|avant|jusqu'à|hasta|antes de)\s*$", re.IGNORECASE)


@dataclass(frozen=True)
class Moments:
    """Seconds, all of them.

    Attributes:
        named: Every time that stands in the instruction.
        ranges: The stretches it names; None where one is open.
        points: Single times that belong to no stretch.
    """

    named: frozenset[float]
    ranges: tuple[tuple[float | None, float | None], ...]
    points: tuple[float, ...]


@dataclass(frozen=True)
class _Time:
    start: int
    end: int
    seconds: float
    bare: bool  # a number without a unit: a time only beside another one


def moments_in(instruction: str, duration: float) -> Moments:
    """Reads the times in an instruction.

    Args:
        instruction: In a person's words; English, German, French and Spanish connectives are known.
        duration: Of the recording in seconds, for "the last minute".
    """
    times = _times(instruction)
    named: set[float] = set()
    ranges: list[tuple[float | None, float | None]] = []
    points: list[float] = []
    position = 0
    while position < len(times):
        time = times[position]
        before = instruction[: time.start]
        following = times[position + 1] if position + 1 < len(times) else None
        between = instruction[time.end : following.start] if following else ""
        if following and _TO.fullmatch(between) and _a_pair(time, following, before, between):
            ranges.append((time.seconds, following.seconds))
            named |= {time.seconds, following.seconds}
            position += 2
            continue
        position += 1
        if time.bare:
            continue
        named.add(time.seconds)
        if _FIRST.search(before):
            ranges.append((0.0, time.seconds))
        elif _LAST.search(before):
            ranges.append((max(0.0, duration - time.seconds), None))
        elif _AFTER.search(before):
            ranges.append((time.seconds, None))
        elif _BEFORE.search(before):
            ranges.append((0.0, time.seconds))
        elif ":" in instruction[time.start : time.end] or re.search(r"\b(?:at|um|à|a las|second|minute)\s*$", before):
            points.append(time.seconds)
    return Moments(frozenset(named), tuple(ranges), tuple(points))


def _a_pair(one: _Time, other: _Time, before: str, between: str) -> bool:
    """Two clock times are one stretch, also the wrong way round: the tool says so. Bare numbers only after "from"."""
    if not one.bare or not other.bare:
        return one.seconds < other.seconds or bool(_UP_TO.fullmatch(between))
    return one.seconds < other.seconds and bool(re.search(r"\b(?:from|between|von|zwischen|de|entre)\s*$", before))


def _times(instruction: str) -> list[_Time]:
    found: list[_Time] = []
    for match in _TOKEN.finditer(instruction):
        if match["clock"]:
            parts = [int(part) for part in match["clock"].split(":")]
            seconds = float(sum(part * 60**power for power, part in enumerate(reversed(parts))))
            found.append(_Time(match.start(), match.end(), seconds, bare=False))
            continue
        if match["word"] and not match["unit"]:
            continue
        word = (match["word"] or "").lower()
        count = float(match["number"]) if match["number"] else float(_HALF.get(word, NUMBER_WORDS.get(word, 0)))
        unit = _seconds(match["unit"]) if match["unit"] else 1.0
        previous = found[-1] if found else None
        if previous and match["unit"] and unit < 60 and previous.seconds % 60 == 0 and not previous.bare:
            between = instruction[previous.end : match.start()]
            if (
                re.fullmatch(r"\s*(?:and|und|et|y)?\s*", between)
                and ":" not in instruction[previous.start : previous.end]
            ):
                found[-1] = _Time(previous.start, match.end(), previous.seconds + count * unit, bare=False)
                continue
        if previous and previous.bare and match["unit"] and _TO.fullmatch(instruction, previous.end, match.start()):
            # "12 to 18 seconds": the first number has the unit of the second.
            found[-1] = _Time(previous.start, previous.end, previous.seconds * unit, bare=False)
        found.append(_Time(match.start(), match.end(), count * unit, bare=not match["unit"]))
    for lone in _LONE_UNIT.finditer(instruction):
        before = instruction[: lone.start()]
        if _FIRST.search(before) or _LAST.search(before):
            found.append(_Time(lone.start(), lone.end(), _seconds(lone["unit"]), bare=False))
    found.sort(key=lambda time: time.start)
    return found


def _seconds(unit: str) -> float:
    letter = unit[0].lower()
    if unit.lower().startswith("st"):  # Stunde
        letter = "h"
    return _UNITS[letter]
