"""The real engines for some settings. Nothing heavy is imported or loaded before its first use.

An engine's identity is known without its weights: what was heard before is found again in milliseconds, on a machine
that may have no weights at all.
"""

import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from auricle.domain import Diarization, Span
from auricle.quality import TRADES
from auricle.settings import Settings
from engines import clustering, weights
from engines.protocols import (
    LLM,
    Audio,
    Diarizer,
    Embedder,
    Engines,
    Heard,
    HearingOptions,
    Progress,
    Recognizer,
    SpeakerCount,
    VoiceMap,
    Windows,
)
from engines.recognition import SileroDetector, WhisperRecognizer
from engines.sources import Report

if TYPE_CHECKING:
    from engines.diarization import PyannoteDiarizer

Made = TypeVar("Made")

HEARING = 3
"""Raised when recognition would hear the same audio otherwise: what was heard before is then heard again."""

DIARIZING = 3
"""The same for what diarization listens to and how it clusters."""


EMBEDDING = 1
"""And for the vectors of voices: those of before are then never compared with new ones."""


class Once(Generic[Made]):
    """Makes something at the first call and returns it ever after; safe between threads."""

    def __init__(self, make: Callable[[], Made]) -> None:
        self._make = make
        self._made: list[Made] = []
        self._lock = threading.Lock()

    def __call__(self) -> Made:
        with self._lock:
            if not self._made:
                self._made.append(self._make())
            return self._made[0]


class LazyRecognizer:
    """A recognizer with a name, that loads when it is to hear something."""

    def __init__(self, identity: str, make: Callable[[], Recognizer]) -> None:
        self.identity = identity
        self._engine = Once(make)

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        return self._engine().transcribe(audio, speech, options, since)


class LazyDiarizer:
    """The same for a diarizer; who is who in what was heard before is found without it."""

    def __init__(self, identity: str, make: "Callable[[], PyannoteDiarizer]") -> None:
        self.identity = identity
        self._engine = Once(make)

    @property
    def windows(self) -> Windows:
        return self._engine().windows

    def listen(self, audio: Audio, speech: Sequence[Span], progress: Progress) -> VoiceMap:
        return self._engine().listen(audio, speech, progress)

    def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
        return clustering.cluster(pieces, count, threshold)


class LazyEmbedder:
    """The same for an embedder; known vectors are compared without it."""

    def __init__(self, identity: str, make: Callable[[], Embedder]) -> None:
        self.identity = identity
        self._engine = Once(make)

    def embed(self, audio: Audio) -> NDArray[np.float32]:
        return self._engine().embed(audio)


def to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


TO_STDERR = Report(to_stderr)


def build(settings: Settings, report: Report = TO_STDERR) -> Engines:
    """The engines that the settings name.

    Args:
        settings: Weights, device, where models lie.
        report: Told when missing weights are fetched, and how far that is.
    """
    opened: dict[str, LLM] = {}
    opening = threading.Lock()

    def llm(spec: str) -> LLM:
        from engines.llamacpp import open_local
        from engines.llm import open_llm

        with opening:
            if spec not in opened:
                opened[spec] = open_llm(spec, settings, partial(open_local, settings=settings, announce=report.say))
            return opened[spec]

    def close() -> None:
        from engines.llamacpp import LlamaCpp

        for made in opened.values():
            if isinstance(made, LlamaCpp):
                made.close()
        opened.clear()

    return Engines(
        recognizer=Once(partial(_recognizer, settings, report)),
        detector=Once(SileroDetector),
        diarizer=Once(partial(_diarizer, settings, report)),
        embedder=Once(partial(_embedder, settings, report)),
        llm=llm,
        close=close,
    )


def _recognizer(settings: Settings, report: Report) -> Recognizer:
    identity = f"{_identity(settings.whisper, settings)}.{HEARING}"

    def make() -> Recognizer:
        folder = weights.resolve(settings.whisper, settings, report.say, report.progress, role="recognition")
        return WhisperRecognizer(folder, identity, settings.device, batched=TRADES[settings.quality].batched)

    return LazyRecognizer(identity, make)


def _diarizer(settings: Settings, report: Report) -> Diarizer:
    names = (settings.segmentation, settings.embedding)
    trade = TRADES[settings.quality]
    how = f".{DIARIZING}" if settings.quality == "balanced" else f".{DIARIZING}-{settings.quality}"
    identity = "+".join(_identity(name, settings) for name in names) + how

    def make() -> "PyannoteDiarizer":
        from engines.diarization import PyannoteDiarizer

        segmentation = weights.resolve(
            settings.segmentation, settings, report.say, report.progress, role="segmentation"
        )
        embedding = weights.resolve(settings.embedding, settings, report.say, report.progress, role="embedding")
        return PyannoteDiarizer(segmentation, embedding, identity, settings.device, trade)

    return LazyDiarizer(identity, make)


def _embedder(settings: Settings, report: Report) -> Embedder:
    identity = f"{_identity(settings.embedding, settings)}.{EMBEDDING}"

    def make() -> Embedder:
        from engines.embedding import CampplusEmbedder

        checkpoint = weights.resolve(settings.embedding, settings, report.say, report.progress, role="embedding")
        return CampplusEmbedder(checkpoint, identity, settings.device)

    return LazyEmbedder(identity, make)


def _identity(name: str, settings: Settings) -> str:
    """``whisper-base@905e5bf8``."""
    return f"{Path(name).name}@{weights.identity(name, settings)[:8]}"
