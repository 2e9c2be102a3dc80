"""Staged recordings: the agent's tools see a transcript as of any recording, and nobody has to speak it.

A staged recording is a real wav whose samples tell which meeting it is and where in it they lie. The staged engines
read that off any piece of the sound they are given and "hear" what the script says there; of any other sound they hear
what the real engines do. So ranges, caches, speaker counts and jobs behave as they do with people's recordings.
"""

import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from auricle.domain import Diarization, Recognition, Segment, Span, Turn, Word
from auricle.times import SAMPLE_RATE
from bench.meeting import Meeting, SaidTurn, SaidWord
from engines.protocols import (
    LLM,
    Audio,
    Diarizer,
    Engines,
    Heard,
    HearingOptions,
    Progress,
    Recognizer,
    SpeakerCount,
    SpeechDetector,
    VoiceMap,
    Windows,
)

_MARK = -32_000
_GROUP = 4
"""Samples of one code: the mark, the meeting, and the group's place in two halves."""

_HALF = 4096
_MARKED = 7.0e6
"""In a voice map's embeddings: they are no voices but the number of a meeting."""


def write_sound(path: Path, meeting: Meeting, number: int) -> Path:
    """Writes the wav of a meeting that is the stage's ``number``th."""
    groups = np.arange(meeting.samples // _GROUP, dtype=np.int32)
    marks = np.full_like(groups, _MARK)
    code = np.stack([marks, np.full_like(groups, number), groups // _HALF, groups % _HALF], axis=1)
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(SAMPLE_RATE)
        out.writeframes(code.astype("<i2").tobytes())
    return path


def place_of(audio: Audio) -> tuple[int, int] | None:
    """Which meeting a piece of sound is of, and the sample it begins with; None for any other sound."""
    values = np.rint(audio[: 3 * _GROUP] * 32768).astype(int)
    for skipped in range(min(_GROUP, len(values) - 2 * _GROUP + 1)):
        first, second = values[skipped : skipped + _GROUP], values[skipped + _GROUP : skipped + 2 * _GROUP]
        if first[0] == second[0] == _MARK and first[1] == second[1]:
            group = int(first[2]) * _HALF + int(first[3])
            if int(second[2]) * _HALF + int(second[3]) == group + 1:
                return int(first[1]), group * _GROUP - skipped
    return None


@dataclass
class Stage:
    """The meetings that can be put on. Their numbers are their places in the list."""

    meetings: list[Meeting] = field(default_factory=list)

    def put(self, meeting: Meeting, path: Path) -> Path:
        """Writes a meeting's sound and knows it from then on."""
        self.meetings.append(meeting)
        return write_sound(path, meeting, len(self.meetings))

    def engines(self, real: Engines, llm: Callable[[str], LLM] | None = None) -> Engines:
        """Engines that hear what is staged, and the real ones for anything else."""
        return replace(
            real,
            recognizer=lambda: StagedRecognizer(self, real.recognizer()),
            detector=lambda: StagedDetector(self, real.detector()),
            diarizer=lambda: StagedDiarizer(self, real.diarizer()),
            llm=llm or real.llm,
        )

    def part(self, audio: Audio) -> tuple[Meeting, Span] | None:
        """The meeting and the part of it that a sound is."""
        found = place_of(audio)
        if found is None:
            return None
        number, start = found
        return self.meetings[number - 1], Span(start=start, end=start + len(audio))


class StagedRecognizer:
    """Hears the script. Its identity is the real one's, so that takes of real recordings are found again."""

    def __init__(self, stage: Stage, real: Recognizer) -> None:
        self._stage, self._real = stage, real
        self.identity = real.identity

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        found = self._stage.part(audio)
        if found is None:
            yield from self._real.transcribe(audio, speech, options, since)
            return
        meeting, span = found
        segments = tuple(
            _segment(words, span.start)
            for turn in meeting.turns
            for breath in turn.breaths()
            if (words := [word for word in breath if span.start <= (word.start + word.end) // 2 < span.end])
        )
        recognition = Recognition(language=meeting.language, language_probability=0.97, segments=segments)
        yield Heard(recognition, len(audio), (len(audio),))


class StagedDetector:
    """Finds speech where the script has it."""

    def __init__(self, stage: Stage, real: SpeechDetector) -> None:
        self._stage, self._real = stage, real
        self.identity = real.identity

    def speech(self, audio: Audio) -> list[Span]:
        found = self._stage.part(audio)
        if found is None:
            return self._real.speech(audio)
        meeting, span = found
        return [
            Span(start=max(turn.start, span.start) - span.start, end=min(turn.end, span.end) - span.start)
            for turn in meeting.turns
            if _meet(turn, span)
        ]


class StagedDiarizer:
    """Knows the script's voices. Told of fewer people, it takes the voices that speak least for the first one's."""

    def __init__(self, stage: Stage, real: Diarizer) -> None:
        self._stage, self._real = stage, real
        self.identity = real.identity

    @property
    def windows(self) -> Windows:
        return Windows()  # the real one's own, which it would load its networks to tell

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        found = place_of(audio)
        if found is None:
            return self._real.listen(audio, speech, progress)
        progress(1.0)
        count = self.windows.count(len(audio))
        embeddings = np.tile(np.array([_MARKED, found[0]], np.float32), (count, 1, 1))
        return VoiceMap(np.ones((count, 1, 1), bool), embeddings, self.windows)

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        if not len(pieces) or pieces[0].embeddings.shape[-1] != 2 or pieces[0].embeddings[0, 0, 0] != _MARKED:
            return self._real.cluster(pieces, count, threshold)
        meeting = self._stage.meetings[int(pieces[0].embeddings[0, 0, 1]) - 1]
        heard = [
            Span(start=piece.first * step, end=piece.first * step + piece.windows.covered(len(piece.active)))
            for piece in pieces
            for step in [piece.windows.step]
        ]
        turns = [turn for turn in meeting.turns if any(_meet(turn, span) for span in heard)]
        labels = _labels(turns, count)
        found = tuple(Turn(start=turn.start, end=turn.end, label=labels[turn.speaker]) for turn in turns)
        people = range(len(meeting.speakers))
        voices = {label: tuple(float(label == str(number)) for number in people) for label in labels.values()}
        return Diarization(turns=found, exclusive=found, voices=voices)


def _meet(turn: SaidTurn, span: Span) -> bool:
    return turn.start < span.end and turn.end > span.start


def _labels(turns: Sequence[SaidTurn], count: SpeakerCount) -> dict[str, str]:
    """The label of each speaker, "0", "1", … by first appearance."""
    speakers = list(dict.fromkeys(turn.speaker for turn in turns))
    most = count.exact or count.most or len(speakers)
    spoken = {speaker: sum(turn.end - turn.start for turn in turns if turn.speaker == speaker) for speaker in speakers}
    kept = sorted(sorted(speakers, key=lambda speaker: -spoken[speaker])[:most], key=speakers.index)
    return {speaker: str(kept.index(speaker)) if speaker in kept else "0" for speaker in speakers}


def _segment(words: Sequence[SaidWord], offset: int) -> Segment:
    heard = tuple(
        Word(start=word.start - offset, end=word.end - offset, text=f" {word.text}", probability=0.95) for word in words
    )
    return Segment(
        start=heard[0].start,
        end=heard[-1].end,
        text=" ".join(word.text for word in words),
        words=heard,
        avg_logprob=-0.2,
        no_speech_prob=0.01,
        compression_ratio=1.3,
    )
