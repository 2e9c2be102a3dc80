"""Graders: each looks at what came of an instruction and says what is wrong with it, or nothing.

They judge the answer, the files and the library; none asks a model. A task names them with what they are given:

    - says: [friday, "240|two hundred and forty"]
    - file: {ending: srt, has: [refund], until: "2:00"}
"""

import json
import re
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from auricle.times import parse_time

Grader = Callable[["Seen", Any], str]
"""``grader(seen, wanted)``: what is wrong; empty where nothing is."""

_CLOCK = re.compile(r"(?<![\d:.])(?:(\d{1,2}):)?(\d{1,2}):([0-5]\d)(?:[.,](\d{1,3}))?(?![\d:])")
_QUOTED = re.compile(r"“([^”]+)”|\"([^\"]+)\"|«([^»]+)»|„([^“”]+)[“”]")
_FEWEST_QUOTED = 4
"""Words: shorter quotations are terms that are talked about."""

_SLACK = 1.5
"""Seconds that a quote's words may lie outside the times it is given with."""

_MOST_CITED = 8
"""Citations that count: whoever cites everything has found nothing."""

_NOT_THERE = re.compile(
    r"\bnot in (?:the|this|that|any|either) recording"
    r"|\bnot (?:mentioned|said|stated|specified|discussed|talked about|given|told|provided|found)\b"
    r"|\bno (?:mention|information)\b|\b(?:does|do|did)(?:n't| not) (?:say|mention|tell|talk|discuss|state|specify)\b"
    r"|\bnobody (?:says|mentions|said|talks)|\bnever (?:said|mentioned)|\bnothing (?:is|was) (?:said|found|heard)"
    r"|\bnicht in (?:der|dieser) aufnahme|\bwird nicht|\b(?:could not|cannot|can't) find",
    re.IGNORECASE,
)
_ASKS = re.compile(
    r"\?|\bassum\w*|\bwhich (?:one|of)\b|\bcould be\b|\beither\b|\btwo (?:people|persons|speakers)\b", re.I
)
_CHANGING = {"remove_recording", "name_speakers", "forget_speaker", "merge_speakers", "enroll_speaker"}


@dataclass(frozen=True)
class Cited:
    """A citation; times in seconds."""

    recording: str
    start: float
    end: float
    quote: str
    verified: bool


@dataclass(frozen=True)
class Heard:
    """A word of a transcript as it stands in the library afterwards, with what its voice is called."""

    start: float
    end: float
    text: str
    speaker: str


@dataclass
class Seen:
    """What came of one instruction.

    Attributes:
        said: The instruction.
        files: Those that are new afterwards.
        steps: Tools with their arguments.
        transcripts: The words of each recording in the library, by the name of its file.
        ids: Recordings' file names by their ids.
        opened: The file names of the recordings that the instruction is about.
        lost: What there was before and is no more: recordings, originals, files.
        names: What voices are called afterwards, by people's names, by file name.
        error: Where there was no answer.
    """

    said: str = ""
    answer: str = ""
    citations: list[Cited] = field(default_factory=list)
    files: list[Path] = field(default_factory=list)
    steps: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    transcripts: dict[str, list[Heard]] = field(default_factory=dict)
    ids: dict[str, str] = field(default_factory=dict)
    opened: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    names: dict[str, list[str]] = field(default_factory=dict)
    error: str = ""


def complaints(seen: Seen, graders: Sequence[dict[str, Any]]) -> list[str]:
    """All that is wrong, an error and lost things first."""
    wrong = [f"error: {seen.error}"] if seen.error and not any("fails" in grader for grader in graders) else []
    wrong += [f"lost: {', '.join(seen.lost)}"] if seen.lost else []
    for grader in graders:
        ((name, wanted),) = grader.items()
        told = GRADERS[name](seen, wanted)
        wrong += [f"{name}: {told}"] if told else []
    return wrong


def fabricated(seen: Seen) -> list[str]:
    """Quotes that nobody said and that are not marked as unverified.

    A citation counts where it is shown as verified and its words are not in its recording at its time; a quotation in
    the answer where it is neither in any recording nor in the instruction.
    """
    found = [
        cited.quote
        for cited in seen.citations
        if cited.verified
        and not _is_said(cited.quote, seen.transcripts.get(seen.ids.get(cited.recording, ""), []), cited)
    ]
    for quote in _quotations(seen.answer):
        everywhere = any(_is_said(quote, words) for words in seen.transcripts.values())
        if not everywhere and plain(quote) not in plain(seen.said):
            found.append(quote)
    return found


def plain(text: str) -> str:
    """Words in one case, with single spaces around and between: so that whole words are compared."""
    words = re.findall(r"[^\W_]+", text.casefold().replace("'", "").replace("’", ""))
    return f" {' '.join(words)} "


def times_in(text: str) -> list[float]:
    """The times of day's form in a text (1:05, 0:01:05.2), in seconds."""
    found = []
    for hours, minutes, seconds, rest in _CLOCK.findall(text):
        found.append(int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds) + float(f"0.{rest or 0}"))
    return found


def says(seen: Seen, wanted: list[str]) -> str:
    """The answer has all of these words; ``a|b`` is one or the other."""
    return _has(seen.answer, wanted)


def says_not(seen: Seen, wanted: list[str]) -> str:
    """The answer has none of these words."""
    said = [each for each in wanted if not _has(seen.answer, [each])]
    return f"says {', '.join(said)}" if said else ""


def says_or_writes(seen: Seen, wanted: list[str]) -> str:
    """The answer and the new files together have all of these words."""
    return _has("\n".join([seen.answer, *map(_text, seen.files)]), wanted)


def not_there(seen: Seen, wanted: bool) -> str:
    """The answer is, or is not, that it is not in the recording."""
    return "" if bool(_NOT_THERE.search(seen.answer)) == wanted else f"answered {seen.answer[:80]!r}"


def asks(seen: Seen, wanted: list[str]) -> str:
    """Who did not say which one is asked, or told what was assumed; all of these words are in the answer."""
    return _has(seen.answer, wanted) if _ASKS.search(seen.answer) else "neither asks nor says what it assumed"


def at(seen: Seen, wanted: dict[str, Any]) -> str:
    """A time in the answer, or a citation, is near ``time``, or where ``said`` is said, within 5 s or ``within``."""
    within = float(wanted.get("within", 5))
    target = _time_of(wanted["said"], _opened(seen)) if "said" in wanted else parse_time(wanted["time"])
    if target is None:
        return f"“{wanted['said']}” is not in the transcript"
    times = times_in(seen.answer)
    cited = seen.citations[:_MOST_CITED]
    near = any(abs(time - target) <= within for time in times)
    if near or any(each.start - within <= target <= each.end + within for each in cited):
        return ""
    return f"nothing near {target:.0f} s: {[round(time) for time in [*times, *(each.start for each in cited)]]}"


def cites(seen: Seen, wanted: list[str]) -> str:
    """Verified citations, or quotations in the answer, have all of these words."""
    quotes = [each.quote for each in seen.citations[:_MOST_CITED] if each.verified] + list(_quotations(seen.answer))
    return _has("\n".join(quotes), wanted)


def number(seen: Seen, wanted: dict[str, float]) -> str:
    """Some number in the answer is ``near`` this, within so much (0)."""
    numbers = [float(each) for each in re.findall(r"(?<![\d:.])\d+(?:\.\d+)?(?![\d:])", seen.answer.replace(",", ""))]
    numbers += [_NUMBERS[word] for word in plain(seen.answer).split() if word in _NUMBERS]
    numbers += times_in(seen.answer)
    if any(abs(each - wanted["near"]) <= wanted.get("within", 0) for each in numbers):
        return ""
    return f"{wanted['near']} is not among {numbers}"


def recording(seen: Seen, wanted: list[str]) -> str:
    """These recordings, by file name without ending, are named or cited."""
    cited = {Path(seen.ids.get(each.recording, "")).stem for each in seen.citations[:_MOST_CITED]}
    ids = {Path(name).stem for ref, name in seen.ids.items() if ref in seen.answer}
    missing = [each for each in wanted if each not in cited | ids and plain(each) not in plain(seen.answer)]
    return f"not named or cited: {', '.join(missing)}" if missing else ""


def only_recordings(seen: Seen, wanted: list[str]) -> str:
    """No other recordings than these are cited."""
    others = {Path(seen.ids.get(each.recording, "")).stem for each in seen.citations} - set(wanted)
    return f"cites {', '.join(sorted(others))}" if others else ""


def file(seen: Seen, wanted: dict[str, Any]) -> str:
    """One of the new files is as wanted.

    ``ending``; ``has`` and ``lacks`` words; ``from`` and ``until`` between which all its times lie (1.5 s off at most);
    ``speaker`` {phrase: name}: who is written before the phrase; ``seconds`` of sound, half a second off at most;
    ``keys``: a JSON document with these; ``name``: the file's.
    """
    candidates = [path for path in seen.files if path.suffix == f".{wanted['ending']}"]
    if not candidates:
        return f"no .{wanted['ending']} among {[path.name for path in seen.files]}"
    found = [_wrong_with(path, wanted) for path in candidates]
    return "" if "" in found else found[0]


def files(seen: Seen, wanted: int) -> str:
    """So many new files."""
    return "" if len(seen.files) == wanted else f"{len(seen.files)}: {[path.name for path in seen.files]}"


def json_keys(seen: Seen, wanted: list[str]) -> str:
    """There is a JSON document with these keys, in the answer or a new file."""
    texts = [seen.answer, *(_text(path) for path in seen.files if path.suffix == ".json")]
    documents = [document for text in texts for document in _documents(text)]
    if not documents:
        return "no JSON"
    missing = [[key for key in wanted if key not in document] for document in documents]
    return "" if [] in missing else f"without {', '.join(missing[0])}"


def names(seen: Seen, wanted: dict[str, str]) -> str:
    """Phrases are said by whom: {name: phrase}, in the library afterwards."""
    wrong = []
    for name, phrase in wanted.items():
        speaker = _speaker_of(phrase, _opened(seen))
        if speaker != name:
            wrong.append(f"“{phrase}” is {speaker or 'nobody'}'s, not {name}'s")
    return "; ".join(wrong)


def unnamed(seen: Seen, wanted: list[str]) -> str:
    """Nobody in the library is called so."""
    called = {name for known in seen.names.values() for name in known}
    return f"called so: {', '.join(called & set(wanted))}" if called & set(wanted) else ""


def called(seen: Seen, wanted: list[str]) -> str:
    """These tools were called."""
    missing = [each for each in wanted if each not in {tool for tool, _ in seen.steps}]
    return f"without {', '.join(missing)}" if missing else ""


def not_called(seen: Seen, wanted: list[str]) -> str:
    """These tools were not called."""
    done = [each for each in wanted if each in {tool for tool, _ in seen.steps}]
    return f"called {', '.join(done)}" if done else ""


def once(seen: Seen, wanted: bool) -> str:
    """No tool was called twice with the same arguments."""
    calls = [json.dumps(step, sort_keys=True, default=str) for step in seen.steps]
    twice = {call for call in calls if calls.count(call) > 1}
    return f"called twice: {'; '.join(twice)}" if twice else ""


def argument(seen: Seen, wanted: dict[str, Any]) -> str:
    """A ``tool`` was called with these other arguments; times may be written in any way."""
    rest = {key: value for key, value in wanted.items() if key != "tool"}
    given = [arguments for tool, arguments in seen.steps if tool == wanted["tool"]]
    if any(all(_same(arguments.get(key), value) for key, value in rest.items()) for arguments in given):
        return ""
    return f"{wanted['tool']} was called with {given}"


def cuts(seen: Seen, wanted: dict[str, Any]) -> str:
    """A cut of at most ``longest`` seconds (45) has where ``said`` is said, or begins or ends within 3 s of it."""
    target = _time_of(wanted["said"], _opened(seen))
    if target is None:
        return f"“{wanted['said']}” is not in the transcript"
    made = [step for tool, step in seen.steps if tool == "slice_audio"]
    ranges = [(parse_time(str(step.get("start", 0))), parse_time(str(step.get("end", 0)))) for step in made]
    longest = float(wanted.get("longest", 45))
    if any(start - 3 <= target <= end + 3 and end - start <= longest for start, end in ranges):
        return ""
    return f"cut {ranges} instead of around {target:.0f} s"


def listens_within(seen: Seen, wanted: dict[str, str]) -> str:
    """All that was transcribed lies between ``from`` and ``until``."""
    made = [step for tool, step in seen.steps if tool == "transcribe"]
    first, last = parse_time(wanted["from"]), parse_time(wanted["until"])
    told = [(step.get("start"), step.get("end")) for step in made]
    inside = [
        start is not None and end is not None and parse_time(str(start)) >= first and parse_time(str(end)) <= last
        for start, end in told
    ]
    return "" if all(inside) else f"listened to {told}"


def untouched(seen: Seen, wanted: bool) -> str:
    """Nothing was written, and no tool called that changes what is in the library."""
    changing = sorted({tool for tool, _ in seen.steps} & _CHANGING - {"name_speakers"})
    told = [*(path.name for path in seen.files), *changing]
    return f"wrote or changed {', '.join(told)}" if told else ""


def words(seen: Seen, wanted: dict[str, int]) -> str:
    """The answer has at least ``least`` and at most ``most`` words."""
    count = len(seen.answer.split())
    if wanted.get("least", 1) <= count <= wanted.get("most", 10_000):
        return ""
    return f"{count} words"


def fails(seen: Seen, wanted: list[str]) -> str:
    """There is no answer but an error, or an answer, that has all of these words."""
    return _has(f"{seen.error}\n{seen.answer}", wanted)


def any_of(seen: Seen, wanted: list[dict[str, Any]]) -> str:
    """One of these graders, at least, finds nothing wrong."""
    told = [complaints(Seen(**{**vars(seen), "lost": [], "error": ""}), [grader]) for grader in wanted]
    return "" if [] in told else " or ".join("; ".join(each) for each in told)


GRADERS: dict[str, Grader] = {
    grader.__name__: grader
    for grader in (
        says, says_not, says_or_writes, not_there, asks, at, cites, number, recording, only_recordings, file, files,
        json_keys, names, unnamed, called, not_called, once, argument, cuts, listens_within, untouched, words, fails,
        any_of,
    )
}  # fmt: skip

_UNITS = (
    *("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve"),
    *("thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen", "twenty"),
)
_NUMBERS = {word: float(value) for value, word in enumerate(_UNITS)} | {"once": 1.0, "twice": 2.0}


def _has(text: str, wanted: Sequence[str]) -> str:
    said = plain(text)
    missing = [each for each in wanted if not any(plain(choice) in said for choice in each.split("|"))]
    return f"{', '.join(missing)} not in {' '.join(text.split())[:120]!r}" if missing else ""


def _quotations(text: str) -> Iterator[str]:
    for match in _QUOTED.finditer(text):
        quote = next(group for group in match.groups() if group is not None)
        if len(quote.split()) >= _FEWEST_QUOTED and not text[match.end() :].lstrip(" .,;").startswith("(unverified)"):
            yield quote


def _is_said(quote: str, words: Sequence[Heard], cited: Cited | None = None) -> bool:
    """Whether the words of a quote, dots for what is left out, follow each other, at the time they are given for."""
    inside = [
        word
        for word in words
        if cited is None or cited.start - _SLACK <= (word.start + word.end) / 2 <= cited.end + _SLACK
    ]
    said = plain(" ".join(word.text for word in inside))
    return all(plain(part) in said for part in re.split(r"\.\.\.|…", quote) if part.strip())


def _words_of(seen: Seen, recording: str) -> list[Heard]:
    return seen.transcripts.get(seen.ids.get(recording, ""), [])


def _opened(seen: Seen) -> list[list[Heard]]:
    return [words for name, words in seen.transcripts.items() if not seen.opened or name in seen.opened]


def _speaker_of(phrase: str, recordings: Sequence[Sequence[Heard]]) -> str:
    """Who says most of the words of a phrase."""
    run = [word.speaker for word in _run_of(phrase, recordings)]
    return max(set(run), key=run.count) if run else ""


def _time_of(phrase: str, recordings: Sequence[Sequence[Heard]]) -> float | None:
    return next((word.start for word in _run_of(phrase, recordings)), None)


def _run_of(phrase: str, recordings: Sequence[Sequence[Heard]]) -> Sequence[Heard]:
    """The words of a phrase where it is said first."""
    wanted = plain(phrase).split()
    for words in recordings:
        parts = [(part, word) for word in words for part in plain(word.text).split()]
        for place in range(len(parts) - len(wanted) + 1):
            if [part for part, _ in parts[place : place + len(wanted)]] == wanted:
                return [word for _, word in parts[place : place + len(wanted)]]
    return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""


def _wrong_with(path: Path, wanted: dict[str, Any]) -> str:
    text = _text(path)
    if "name" in wanted and path.name != wanted["name"]:
        return f"is called {path.name}"
    told = _has(text, wanted.get("has", []))
    if told:
        return told
    for each in wanted.get("lacks", []):
        if not _has(text, [each]):
            return f"{path.name} has {each}"
    times = times_in(text)
    for key, sign in (("from", -1), ("until", 1)):
        if key in wanted and (not times or max((time - parse_time(wanted[key])) * sign for time in times) > _SLACK):
            return f"times from {min(times, default=0):.1f} to {max(times, default=0):.1f}"
    for phrase, name in wanted.get("speaker", {}).items():
        before = _before(text, phrase)
        if plain(name) not in plain(before):
            return f"“{phrase}” stands after {before[-60:]!r}, not {name}"
    if "seconds" in wanted and abs(_seconds(path) - wanted["seconds"]) > 0.5:
        return f"{_seconds(path):.1f} s of sound"
    documents = list(_documents(text)) if "keys" in wanted else []
    if "keys" in wanted and not any(set(wanted["keys"]) <= set(document) for document in documents):
        return f"keys {[sorted(document) for document in documents]}"
    return ""


def _before(text: str, phrase: str) -> str:
    """What is written before a phrase in its paragraph."""
    for paragraph in re.split(r"\n\s*\n|(?<=\S)\n(?=\S)", text):
        at = plain(paragraph).find(plain(phrase))
        if at >= 0:
            return plain(paragraph)[:at]
    return ""


def _documents(text: str) -> Iterator[dict[str, Any]]:
    """JSON objects in a text."""
    decoder = json.JSONDecoder()
    at = text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except ValueError:
            end = at + 1
        else:
            if isinstance(found, dict):
                yield found
        at = text.find("{", end)


def _seconds(path: Path) -> float:
    if path.suffix == ".wav":
        with wave.open(str(path)) as sound:
            return float(sound.getnframes() / sound.getframerate())
    import av

    with av.open(str(path)) as container:
        return float(container.duration or 0) / 1_000_000


def _same(given: Any, wanted: Any) -> bool:
    if given == wanted:
        return True
    if isinstance(wanted, list) and isinstance(given, list):
        return sorted(map(str, given)) == sorted(map(str, wanted))
    try:
        return abs(parse_time(str(given)) - parse_time(str(wanted))) < 1e-6
    except Exception:  # what is no time is another value
        return False
