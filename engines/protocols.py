"""What an engine must offer. Audio is always float32 mono at 16 kHz, shape (samples,), in [-1, 1].

Times that engines return are samples from the start of the audio they were given.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Recognition, Span
from engines.voicemap import VoiceMap, Windows

__all__ = [
    "LLM",
    "Audio",
    "Diarizer",
    "Embedder",
    "Engines",
    "Heard",
    "HearingOptions",
    "Judge",
    "LLMTraits",
    "Message",
    "OnText",
    "Progress",
    "Recognizer",
    "Reply",
    "SpeakerCount",
    "SpeechDetector",
    "VoiceMap",
    "Windows",
]

Audio = NDArray[np.float32]

Progress = Callable[[float], None]
"""Called with the share done, 0 to 1. It may raise to stop the work."""


@dataclass(frozen=True)
class HearingOptions:
    """What changes how recognition hears.

    Attributes:
        language: ISO 639-1, or None to detect it.
        hints: Names and terms to expect, as one comma-separated line.
        translate: Into English.
        beam_size: The decoder's beam.
    """

    language: str | None = None
    hints: str = ""
    translate: bool = False
    beam_size: int = 5


@dataclass(frozen=True)
class Heard:
    """What recognition has heard of some audio since it last told.

    Attributes:
        recognition: The new segments.
        until: Samples heard by now, from the start of the audio.
        resume: JSON; from it recognition goes on as if it had never stopped. Empty where nothing follows from it.
    """

    recognition: Recognition
    until: int
    resume: tuple[Any, ...] = ()


class Recognizer(Protocol):
    identity: str
    """Engine and weights, as ``name@hash``; part of a take's key."""

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        """Hears words, about half a minute at a time. ``speech`` is where a detector finds any."""
        ...


class SpeechDetector(Protocol):
    identity: str

    def speech(self, audio: Audio) -> list[Span]:
        """Where somebody speaks, to a tenth of a second, in order."""
        ...


@dataclass(frozen=True)
class SpeakerCount:
    """How many people speak: exactly, or between bounds; all None where nobody knows."""

    exact: int | None = None
    least: int | None = None
    most: int | None = None


class Diarizer(Protocol):
    identity: str

    @property
    def windows(self) -> Windows:
        """How it cuts a recording."""
        ...

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        """The slow half, segmentation and embeddings, over the windows of a piece of audio.

        ``speech`` is where a detector finds any, on the audio's clock, a window's length before and after it too.
        """
        ...

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        """The quick half: who is who in all pieces. Labels are "0", "1", … by first appearance."""
        ...


class Embedder(Protocol):
    identity: str
    """The model and its weights: vectors of another one are never compared with its own."""

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        """The direction of the one voice in some audio, (dim,), of length 1; zeros where there is too little of it."""
        ...


@dataclass(frozen=True)
class Message:
    """One message to an LLM.

    Attributes:
        tool_calls: As [{"id", "name", "arguments"}], on an assistant's.
        tool_call_id: The call it answers, on a tool's.
        fixed: It opens every conversation of its kind, as examples do: what a model made of it may be kept.
    """

    role: Literal["system", "user", "assistant", "tool"]
    content: str
    tool_calls: tuple[dict[str, Any], ...] = ()
    tool_call_id: str = ""
    fixed: bool = False


@dataclass(frozen=True)
class Reply:
    """What an LLM said. ``data`` holds the parsed object where a schema was given."""

    text: str
    data: dict[str, Any] | None = None
    tool_calls: tuple[dict[str, Any], ...] = ()
    prompt_tokens: int = 0
    completion_tokens: int = 0


@dataclass(frozen=True)
class LLMTraits:
    """What a model can do.

    Attributes:
        tools: It calls tools natively. A server's word for it, until it was tried.
        context: Its window in tokens.
        identity: Its name and weights; empty where nobody knows.
        tokens_per_byte: At most about so many, to count with where its tokenizer is not at hand.
    """

    tools: bool
    context: int
    identity: str = ""
    tokens_per_byte: float = 1 / 3


OnText = Callable[[str], None]
"""Told what an LLM says, piece by piece as it comes. It may raise to stop it."""


class LLM(Protocol):
    name: str
    """As ``--model`` would name it: ``local:qwen2.5-coder-1.5b``, ``ollama:qwen3``."""

    @property
    def traits(self) -> LLMTraits:
        """What it can do, as far as it is known by now."""
        ...

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        """One turn. With ``schema`` the reply is JSON that obeys it, enforced while decoding where the server can."""
        ...


Judge = Callable[[str, dict[str, Any]], dict[str, Any]]
"""``judge(prompt, schema) -> dict``: one small judgement."""


@dataclass(frozen=True)
class Engines:
    """How the worker makes each engine; fakes take their place in tests. Each is made on first use, once.

    ``close`` frees what was made and does not go by itself when it is forgotten.
    """

    recognizer: Callable[[], Recognizer]
    detector: Callable[[], SpeechDetector]
    diarizer: Callable[[], Diarizer]
    embedder: Callable[[], Embedder]
    llm: Callable[[str], LLM]
    close: Callable[[], None] = lambda: None
