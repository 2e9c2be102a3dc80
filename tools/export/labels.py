"""Transcripts for speech research: RTTM, CTM, Praat's TextGrid and Audacity's labels. Times are seconds."""

from collections.abc import Callable, Iterable, Mapping, Sequence

from auricle.errors import BadArgument
from auricle.times import SAMPLE_RATE, to_seconds
from tools.export.rows import Placed, in_a_row
from tools.export.source import UNKNOWN_VOICE, Export, Source
from tools.export.text import lines_of, printable, spoken
from tools.views import PlacedWord, Utterance


def rttm(source: Source) -> Export:
    """NIST RTTM: who speaks when, overlap included.

    Raises:
        BadArgument: Voices have not been told apart.
    """
    if not source.transcript.diarized:
        raise BadArgument("RTTM says who speaks when, and voices are not told apart yet: call diarize first.")
    names = _distinct([(view.id, view.display) for view in source.transcript.speakers], _token)
    file_id = _token(source.title)
    lines = [
        f"SPEAKER {file_id} 1 {to_seconds(turn.start):.3f} {to_seconds(turn.length):.3f} "
        f"<NA> <NA> {names[turn.label]} <NA> <NA>\n"
        for turn in source.turns
    ]
    return Export("".join(lines))


def ctm(source: Source) -> Export:
    """NIST CTM: each word with its time and how certain it is."""
    file_id = _token(source.title)
    lines = [
        f"{file_id} 1 {start / SAMPLE_RATE:.3f} {(end - start) / SAMPLE_RATE:.3f} {token} {word.probability:.2f}\n"
        for utterance in source.utterances
        for word in utterance.words
        for start, end, token in _tokens(word)
    ]
    return Export("".join(lines))


def textgrid(source: Source) -> Export:
    """A Praat TextGrid: for each voice a tier of what it says, and one of its words."""
    voices = [(view.id, view.display) for view in source.transcript.speakers]
    names: dict[str | None, str] = {}
    names.update(_distinct(voices, printable))
    names[None] = UNKNOWN_VOICE if voices else "speech"
    end = to_seconds(source.transcript.duration)
    tiers: list[str] = []
    lines = lines_of(source)
    for speaker, name in names.items():
        mine = [utterance for utterance in source.utterances if _tier_of(utterance, names) == speaker]
        if not mine and speaker is None and voices:
            continue
        words = [word for utterance in mine for word in utterance.words]
        tiers.append(_tier(name, in_a_row(_placed(line for line in lines if _tier_of(line, names) == speaker)), end))
        tiers.append(_tier(f"{name} - words", in_a_row(_placed(words)), end))
    items = "".join(f"    item [{number}]:\n{tier}" for number, tier in enumerate(tiers, 1))
    return Export(
        'File type = "ooTextFile"\nObject class = "TextGrid"\n\n'
        f"xmin = 0\nxmax = {end}\ntiers? <exists>\nsize = {len(tiers)}\nitem []:\n{items}"
    )


def audacity(source: Source) -> Export:
    """A label track for Audacity: what each voice says, from when to when."""
    lines = [
        f"{line.start / SAMPLE_RATE:.6f}\t{line.end / SAMPLE_RATE:.6f}\t{spoken(source, line)}\n"
        for line in lines_of(source)
    ]
    return Export("".join(lines))


def _tier_of(line: Utterance, names: Mapping[str | None, str]) -> str | None:
    return line.speaker if line.speaker in names else None


def _placed(parts: Iterable[Utterance | PlacedWord]) -> list[Placed]:
    return [Placed(part.start, part.end, part.text) for part in parts]


def _tier(name: str, said: Sequence[Placed], end: float) -> str:
    """Praat wants every moment in an interval: those between have no text."""
    intervals: list[str] = []
    at = 0.0
    for part in said:
        start, stop = part.start / SAMPLE_RATE, part.end / SAMPLE_RATE
        if start > at:
            intervals.append(_interval(at, start, ""))
        intervals.append(_interval(max(at, start), stop, printable(part.text)))
        at = stop
    if end > at:
        intervals.append(_interval(at, end, ""))
    numbered = "".join(f"        intervals [{number}]:\n{text}" for number, text in enumerate(intervals, 1))
    return (
        f'        class = "IntervalTier"\n        name = {_quoted(name)}\n'
        f"        xmin = 0\n        xmax = {end}\n        intervals: size = {len(intervals)}\n{numbered}"
    )


def _interval(start: float, end: float, text: str) -> str:
    return f"            xmin = {start:.6f}\n            xmax = {end:.6f}\n            text = {_quoted(text)}\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


def _tokens(word: PlacedWord) -> Iterable[tuple[int, int, str]]:
    """The parts of a word without white space; where recognition gave a whole segment, they share its time."""
    parts = printable(word.text).split()
    for place, part in enumerate(parts):
        start = word.start + word.length * place // len(parts)
        yield start, word.start + word.length * (place + 1) // len(parts), part


def _token(text: str) -> str:
    """The fields of a line are separated by white space, so a name has none; and it is no comment."""
    return "_".join(printable(text).split()).lstrip(";") or "_"


def _distinct(names: Iterable[tuple[str, str]], write: Callable[[str], str]) -> dict[str, str]:
    """Names as a format writes them, no two the same."""
    written: dict[str, str] = {}
    for speaker, name in names:
        shown = write(name)
        while shown in written.values():
            shown = f"{shown}_"
        written[speaker] = shown
    return written
