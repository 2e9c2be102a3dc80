"""What is counted of a talk: who speaks how long and how fast, interruptions, silence, how often a word is said."""

import re
from collections.abc import Iterable, Sequence
from itertools import groupby, pairwise

from auricle.domain import Span, Turn
from auricle.times import to_samples, to_seconds
from tools.results import Occurrence, Silence, SpeakerStatistics, TalkStatistics
from tools.spans import union, without
from tools.views import PlacedWord, Transcript

_TOGETHER = to_samples(0.2)
"""Who speaks at the same time for less did not interrupt: people overlap that much in any lively talk."""

_HELD = to_samples(1.0)
"""So long somebody has to have been speaking for another one to interrupt them."""

_PAUSE = to_samples(1.0)
"""A turn goes on after a shorter pause of the same person."""

_SILENCE = to_samples(2.0)
"""Shorter pauses are not listed."""

_MOST_SILENCES = 5
_MOST_OCCURRENCES = 50
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


def statistics(transcript: Transcript, span: Span, words: str | None) -> TalkStatistics:
    """Counts in a range of a transcript.

    Args:
        transcript: Where voices were told apart, people are counted too.
        span: The range; what reaches into it counts with its part.
        words: A word or phrase whose occurrences are counted; None for none.
    """
    turns = [_cut(turn, span) for turn in transcript.turns if turn.shared_with(span)]
    said = [word for utterance in transcript.within(span) for word in utterance.words]
    spoken = union([*turns, *said])
    silences = [gap for gap in without(span, spoken) if gap.length >= _SILENCE]
    silences.sort(key=lambda gap: -gap.length)
    places = list(_occurrences(said, words)) if words else []
    interrupting = interruptions(turns)
    everything = sum(turn.length for turn in turns)
    speakers = [
        _speaker(transcript, view.id, [turn for turn in turns if turn.label == view.id], said, everything, interrupting)
        for view in transcript.speakers
    ]
    return TalkStatistics(
        recording=transcript.recording,
        revision=transcript.revision,
        start=to_seconds(span.start),
        end=to_seconds(span.end),
        speech_seconds=_seconds(spoken),
        silence_seconds=round(to_seconds(span.length) - _seconds(spoken), 2),
        overlap_seconds=_seconds(overlaps(turns)),
        words=len(said),
        words_per_minute=_per_minute(len(said), _seconds(spoken)),
        interruptions=len(interrupting),
        questions=_questions(said),
        speakers=[speaker for speaker in speakers if speaker.turns or speaker.words],
        silences=[Silence(start=to_seconds(gap.start), end=to_seconds(gap.end)) for gap in silences[:_MOST_SILENCES]],
        times_said=len(places) if words else None,
        said_by=_said_by(transcript, places),
        occurrences=[
            Occurrence(
                start=to_seconds(first.start), end=to_seconds(last.end), speaker=transcript.display(first.speaker)
            )
            for first, last in places[:_MOST_OCCURRENCES]
        ],
        next=_advice(transcript, span),
    )


def interruptions(turns: Sequence[Turn]) -> list[tuple[str, str]]:
    """Who interrupted whom, in order of time.

    Somebody interrupts who begins to speak while another one is speaking, and still speaks when the other has
    stopped. A short "yes" under what somebody says is no interruption.
    """
    found: list[tuple[str, str]] = []
    speaking: list[Turn] = []
    for later in sorted(_joined(turns), key=lambda turn: turn.start):
        speaking = [earlier for earlier in speaking if earlier.end - later.start >= _TOGETHER]
        for earlier in speaking:
            if earlier.label != later.label and later.start - earlier.start >= _HELD and later.end > earlier.end:
                found.append((later.label, earlier.label))
                break
        speaking.append(later)
    return found


def _joined(turns: Iterable[Turn]) -> list[Turn]:
    """Turns of one voice with only a short pause between them are one."""
    found: list[Turn] = []
    for _, mine in groupby(sorted(turns, key=lambda turn: (turn.label, turn.start)), key=lambda turn: turn.label):
        runs: list[Turn] = []
        for turn in mine:
            if runs and turn.start - runs[-1].end < _PAUSE:
                runs[-1] = runs[-1].model_copy(update={"end": max(runs[-1].end, turn.end)})
            else:
                runs.append(turn)
        found += runs
    return found


def overlaps(turns: Sequence[Turn]) -> list[Span]:
    """Where two speak at once."""
    changes = sorted((edge, change) for turn in turns for edge, change in ((turn.start, 1), (turn.end, -1)))
    found: list[Span] = []
    speaking = 0
    for (start, change), (end, _) in pairwise(changes):
        speaking += change
        if speaking > 1 and start < end:
            found.append(Span(start=start, end=end))
    return found


def _speaker(
    transcript: Transcript,
    speaker: str,
    turns: Sequence[Turn],
    said: Sequence[PlacedWord],
    everything: int,
    interrupting: Sequence[tuple[str, str]],
) -> SpeakerStatistics:
    words = [word for word in said if word.speaker == speaker]
    joined = _joined(turns)
    longest = max(joined, key=lambda turn: turn.length, default=None)
    seconds = _seconds(turns)
    return SpeakerStatistics(
        speaker=transcript.display(speaker) or speaker,
        id=speaker,
        seconds=seconds,
        share=round(sum(turn.length for turn in turns) / everything, 3) if everything else 0.0,
        turns=len(joined),
        words=len(words),
        words_per_minute=_per_minute(len(words), seconds),
        questions=_questions(words),
        longest_turn_start=to_seconds(longest.start) if longest else None,
        longest_turn_seconds=_seconds([longest]) if longest else 0.0,
        interrupts=sum(who == speaker for who, _ in interrupting),
        is_interrupted=sum(whom == speaker for _, whom in interrupting),
    )


def _occurrences(said: Sequence[PlacedWord], phrase: str) -> Iterable[tuple[PlacedWord, PlacedWord]]:
    """The first and last word of each place where a phrase is said, none in two of them."""
    wanted = _TOKEN.findall(phrase.casefold())
    spoken = [(token, word) for word in said for token in _TOKEN.findall(word.text.casefold())]
    at = 0
    while wanted and at + len(wanted) <= len(spoken):
        run = spoken[at : at + len(wanted)]
        if all(_same(token, asked) for (token, _), asked in zip(run, wanted, strict=True)):
            yield run[0][1], run[-1][1]
            at += len(wanted)
        else:
            at += 1


def _same(token: str, asked: str) -> bool:
    """The word itself, its plural, or its genitive."""
    bare = re.sub(r"['’]s?$", "", token)
    return asked in {token, bare} or bare in {f"{asked}s", f"{asked}es"} or asked in {f"{bare}s", f"{bare}es"}


def _said_by(transcript: Transcript, places: Sequence[tuple[PlacedWord, PlacedWord]]) -> dict[str, int]:
    counted: dict[str, int] = {}
    for first, _ in places:
        name = transcript.display(first.speaker) or "unknown"
        counted[name] = counted.get(name, 0) + 1
    return counted


def _questions(words: Sequence[PlacedWord]) -> int:
    return sum(word.text.rstrip("\"'”’) ").endswith(("?", "？")) for word in words)


def _cut(turn: Turn, span: Span) -> Turn:
    return turn.model_copy(update={"start": max(turn.start, span.start), "end": min(turn.end, span.end)})


def _seconds(spans: Iterable[Span]) -> float:
    return round(to_seconds(sum(span.length for span in spans)), 2)


def _per_minute(words: int, seconds: float) -> float | None:
    return round(60 * words / seconds, 1) if seconds else None


def _advice(transcript: Transcript, span: Span) -> str:
    if not transcript.diarized and not transcript.heard:
        return "Nothing has been heard here yet: call transcribe for words, diarize for people, then count again."
    if without(span, transcript.told_apart):
        return "Voices have not been told apart in all of it: call diarize for numbers by person."
    if without(span, transcript.heard):
        return "Not all of it was transcribed: call transcribe for words, rate and questions."
    return "These are counted: give them as they are."
