"""SubRip and WebVTT by pysubs2, in cues short enough to read."""

import html
from collections.abc import Callable, Sequence

import pysubs2

from auricle.times import SAMPLE_RATE
from tools.export.source import Export, Source
from tools.export.text import one_line
from tools.views import PlacedWord, Utterance

_CHARACTERS = 84
_LINE = 42
_LONGEST = 7 * SAMPLE_RATE
_PAUSE = SAMPLE_RATE
_SHORTEST_MS = 300
_SENTENCE_END = (".", "?", "!", "。", "？", "！", "…")


def srt(source: Source) -> Export:
    """SubRip. The voice is written where it changes; signs that players take for tags are replaced."""
    return Export(_render(source, "srt", lambda voice, text: _plain(f"{voice}: {text}" if voice else text)))


def vtt(source: Source) -> Export:
    """WebVTT, with a voice tag on every cue."""
    return Export(
        _render(
            source,
            "vtt",
            lambda voice, text: f"<v {html.escape(voice, quote=False)}>{_escaped(text)}" if voice else _escaped(text),
            every=True,
        )
    )


def _render(source: Source, kind: str, show: Callable[[str | None, str], str], every: bool = False) -> str:
    subtitles = pysubs2.SSAFile()
    last: str | None = None
    for utterance in source.utterances:
        voice = source.voice(utterance.speaker)
        for words in _cues(utterance):
            text = one_line("".join(word.text for word in words))
            if not text:
                continue
            start, end = _shown_from_to(words, _ms(source.transcript.duration))
            shown = show(voice if every or voice != last else None, text)
            subtitles.append(pysubs2.SSAEvent(start=start, end=end, text=_two_lines(shown)))
            last = voice
    subtitles.sort()
    return str(subtitles.to_string(kind))


def _shown_from_to(words: Sequence[PlacedWord], last: int) -> tuple[int, int]:
    """When a cue is shown, in milliseconds: long enough to be seen, and not past the recording's end."""
    start = _ms(words[0].start)
    end = min(max(start + _SHORTEST_MS, _ms(max(word.end for word in words))), last)
    return max(0, min(start, end - _SHORTEST_MS)), end


def _cues(utterance: Utterance) -> list[Sequence[PlacedWord]]:
    """The words of an utterance, cut where a cue would be too long to read, or after a pause."""
    cues: list[list[PlacedWord]] = []
    length = 0
    for word in utterance.words:
        last = cues[-1][-1] if cues else None
        if (
            last is None
            or length + len(word.text) > _CHARACTERS
            or word.end - cues[-1][0].start > _LONGEST
            or word.start - last.end > _PAUSE
            or (length > _LINE and last.text.rstrip().endswith(_SENTENCE_END))
        ):
            cues.append([word])
            length = len(word.text)
        else:
            cues[-1].append(word)
            length += len(word.text)
    return list(cues)


def _two_lines(text: str) -> str:
    """Breaks a long cue at the space nearest to its middle."""
    if len(text) <= _LINE:
        return text
    spaces = [place for place, char in enumerate(text) if char == " "]
    for place in sorted(spaces, key=lambda place: abs(place - len(text) // 2)):
        # A break inside a voice tag would cut it, and readers take a last line of digits for the next cue's number.
        if ("<" not in text[:place] or ">" in text[:place]) and not text[place + 1 :].isdigit():
            return f"{text[:place]}\\N{text[place + 1 :]}"
    return text


def _plain(text: str) -> str:
    """SubRip has no escapes: braces, angle brackets and backslashes become signs that look alike."""
    return text.translate(str.maketrans("{}<>\\", "()‹›/"))


def _escaped(text: str) -> str:
    return html.escape(text.translate(str.maketrans("{}\\", "()/")), quote=False)


def _ms(samples: int) -> int:
    return round(samples * 1000 / SAMPLE_RATE)
