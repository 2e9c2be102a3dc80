"""Engines that hear nothing, quickly and always the same, and the sounds to give them."""

import json
import re
import wave
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from agent.opening import opening
from auricle.domain import Diarization, Recognition, Segment, Span, Turn, Word
from auricle.times import SAMPLE_RATE
from engines.protocols import (
    Audio,
    Engines,
    Heard,
    HearingOptions,
    LLMTraits,
    Message,
    OnText,
    Progress,
    Reply,
    SpeakerCount,
    VoiceMap,
    Windows,
)

_JUDGES = opening("told")[0]
VOCABULARY = ("well", "the", "refund", "was", "promised", "on", "monday", "by", "alice")
WORD_SECONDS = 0.5
SEGMENT_SECONDS = 2
TURN_SECONDS = 4


def tone(path: Path, seconds: float, rate: int = SAMPLE_RATE, channels: int = 1, pitch: float = 440.0) -> Path:
    """Writes a 16-bit wav of a quiet tone; another pitch makes another recording."""
    times = np.arange(round(seconds * rate)) / rate
    samples = (np.sin(2 * np.pi * pitch * times) * 8000).astype("<i2")
    with wave.open(str(path), "wb") as out:
        out.setnchannels(channels)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.repeat(samples, channels).tobytes())
    return path


def conversation(path: Path, pitches: Sequence[float], rate: int = SAMPLE_RATE) -> Path:
    """Writes a 16-bit wav of tones that take turns as `FakeDiarizer` hears them: a pitch is a person's voice."""
    times = np.arange(TURN_SECONDS * rate) / rate
    turns = [np.sin(2 * np.pi * pitch * times) * 8000 for pitch in pitches]
    with wave.open(str(path), "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(rate)
        out.writeframes(np.concatenate(turns).astype("<i2").tobytes())
    return path


@dataclass
class FakeRecognizer:
    """Hears a word every half second, four to a segment, half a minute at a time; zeros are heard as nothing.

    Attributes:
        calls: The options of each call.
        seconds: The length of what each window heard, in order.
        during: Called with the number of the window while it is heard, to break, cancel or watch it.
        window: Seconds heard at a time.
        windows: How many were heard.
    """

    identity: str = "fake-recognizer@1"
    language: str = "en"
    calls: list[HearingOptions] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    during: Callable[[int], None] = lambda _: None
    window: float = 30.0
    windows: int = 0

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        self.calls.append(options)
        language = since.recognition.language if since else options.language or self.language
        start, step = since.until if since else 0, round(self.window * SAMPLE_RATE)
        yield Heard(Recognition(language=language, language_probability=0.9, segments=()), start, (start,))
        while start < audio.size:
            end = min(start + step, audio.size)
            self.seconds.append((end - start) / SAMPLE_RATE)
            self.windows += 1
            self.during(self.windows)
            segments = _segments(start, end, options.translate) if np.any(audio[start:end]) else ()
            found = Recognition(language=language, language_probability=0.9, segments=segments)
            yield Heard(found, end, (end,))
            start = end


def _segments(first: int, samples: int, translated: bool) -> tuple[Segment, ...]:
    length, breath = round(WORD_SECONDS * SAMPLE_RATE), SEGMENT_SECONDS * SAMPLE_RATE
    segments: list[Segment] = []
    for start in range(first, samples, breath):
        words = tuple(
            Word(
                start=at,
                end=min(at + length, samples),
                text=" " + VOCABULARY[at // length % len(VOCABULARY)] + ("*" if translated else ""),
                probability=0.9,
            )
            for at in range(start, min(start + breath, samples), length)
        )
        segments.append(
            Segment(
                start=start,
                end=words[-1].end,
                text="".join(word.text for word in words).strip(),
                words=words,
                avg_logprob=-0.2,
                no_speech_prob=0.01,
                compression_ratio=1.1,
            )
        )
    return tuple(segments)


@dataclass
class FakeDetector:
    """Hears speech wherever there is a sound, in stretches cut at 100 ms.

    Attributes:
        seconds: The length of each sound it was given.
    """

    identity: str = "fake-detector@1"
    seconds: list[float] = field(default_factory=list)

    def speech(self, audio: Audio) -> list[Span]:
        self.seconds.append(audio.size / SAMPLE_RATE)
        step = SAMPLE_RATE // 10
        spans: list[Span] = []
        for start in range(0, audio.size, step):
            end = min(start + step, audio.size)
            if not np.any(audio[start:end]):
                continue
            if spans and spans[-1].end == start:
                spans[-1] = Span(start=spans[-1].start, end=end)
            else:
                spans.append(Span(start=start, end=end))
        return spans


@dataclass
class FakeDiarizer:
    """Voices take turns of four seconds: two of them, or as many as asked for.

    Attributes:
        listened: The length in seconds of each listening.
        clustered: The count of each clustering.
    """

    identity: str = "fake-diarizer@1"
    windows: Windows = field(default_factory=lambda: Windows(length=SAMPLE_RATE, step=SAMPLE_RATE))
    listened: list[float] = field(default_factory=list)
    clustered: list[SpeakerCount] = field(default_factory=list)

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        self.listened.append(audio.size / SAMPLE_RATE)
        progress(0.5)
        progress(1.0)
        # How many windows there are is all this fake needs to cluster.
        windows = self.windows.count(audio.size)
        return VoiceMap(np.ones((windows, 1, 1), bool), np.zeros((windows, 1, 4), np.float32), self.windows)

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        self.clustered.append(count)
        people = count.exact or min(max(2, count.least or 1), count.most or 2)
        length = TURN_SECONDS * SAMPLE_RATE
        turns = tuple(
            Turn(start=max(turn, first), end=min(turn + length, last), label=str(turn // length % people))
            for piece in pieces
            for first in [piece.first * piece.windows.step]
            for last in [first + len(piece.active) * piece.windows.step]
            for turn in range(first // length * length, last, length)
        )
        embeddings = {turn.label: tuple(float(turn.label == str(i)) for i in range(people)) for turn in turns}
        return Diarization(turns=turns, exclusive=turns, voices=embeddings)


@dataclass
class FakeEmbedder:
    """A voice is the pitch that sounds loudest; between two of them, voices are alike in part.

    Attributes:
        embedded: The seconds of each sound it was given.
    """

    identity: str = "campplus@ae81f520.1"  # what engines/voices.toml knows
    embedded: list[float] = field(default_factory=list)

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        self.embedded.append(audio.size / SAMPLE_RATE)
        vector = np.zeros(24, dtype=np.float32)
        if audio.size:
            power = np.abs(np.fft.rfft(audio)) ** 2
            places = np.minimum(np.fft.rfftfreq(audio.size, 1 / SAMPLE_RATE) // 100, 23).astype(int)
            np.add.at(vector, places, power)
        return vector / max(float(np.linalg.norm(vector)), 1e-9)


@dataclass
class FakeLLM:
    """Says what stands in its queue, in order.

    Attributes:
        replies: Texts, parsed objects (for a schema), or whole replies.
        asked: The messages of each call.
        schemas: The schema of each call.
        during: Called with the number of each word after it was told.
        tells: Whether lines tell what is asked, to which it says yes or no out of turn.
        judged: What it was asked so.
    """

    replies: list[str | dict[str, Any] | Reply] = field(default_factory=list)
    name: str = "local:fake"
    traits: LLMTraits = field(default_factory=lambda: LLMTraits(tools=False, context=8192))
    asked: list[list[Message]] = field(default_factory=list)
    schemas: list[dict[str, Any] | None] = field(default_factory=list)
    during: Callable[[int], None] = lambda _: None
    tells: bool = True
    judged: list[str] = field(default_factory=list)

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        if list(messages[:1]) == [_JUDGES]:
            self.judged.append(messages[-1].content)
            return Reply(text="yes" if self.tells else "no")
        self.asked.append(list(messages))
        self.schemas.append(schema)
        assert self.replies, f"nobody told the fake LLM what to say to: {messages[-1].content[:200]}"
        reply = self.replies.pop(0)
        if isinstance(reply, dict):
            reply = Reply(text=json.dumps(reply, ensure_ascii=False), data=reply)
        elif isinstance(reply, str):
            reply = Reply(text=reply)
        if on_text is not None:
            for number, piece in enumerate(re.findall(r"\S+\s*|\s+", reply.text), 1):
                on_text(piece)
                self.during(number)
        return reply


def fake_engines(
    recognizer: FakeRecognizer | None = None,
    diarizer: FakeDiarizer | None = None,
    llm: FakeLLM | None = None,
    detector: FakeDetector | None = None,
    embedder: FakeEmbedder | None = None,
) -> Engines:
    """Engines of these fakes, each of them made once."""
    recognizer, diarizer = recognizer or FakeRecognizer(), diarizer or FakeDiarizer()
    llm, detector, embedder = llm or FakeLLM(), detector or FakeDetector(), embedder or FakeEmbedder()
    return Engines(
        recognizer=lambda: recognizer,
        detector=lambda: detector,
        diarizer=lambda: diarizer,
        embedder=lambda: embedder,
        llm=lambda _: llm,
    )
