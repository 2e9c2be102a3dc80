"""Speech recognition by faster-whisper, and where speech is at all by the Silero detector that it carries."""

import logging
import math
from bisect import bisect_right
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from auricle.domain import Recognition, Segment, Span, Word
from auricle.errors import BadArgument, ModelUnavailable
from auricle.times import SAMPLE_RATE, to_samples
from engines.device import Placement, Wanted, for_ctranslate2, no_cuda, placement
from engines.protocols import Audio, HearingOptions, Progress

_LOG = logging.getLogger(__name__)

UNDETERMINED = "und"
"""The language of audio in which nobody speaks (ISO 639-2)."""

_MIN_SILENCE_MS = 500
"""Shorter silences do not divide speech."""

_LONG_SILENCE = to_samples(10)
"""Longer silences are not shown to Whisper, whose window they would fill. Shorter ones are: cutting them out, as
faster-whisper's own filter does, glues phrases together and costs words."""

_SUSPECT_SILENCE = 2.0
"""Seconds. Improbable words beside a silence of that length are taken as invented: faster-whisper's own check, beside
its dropping of what is at once improbable and probably no speech (log probability under -1, no speech over 0.6)."""

_BESIDE_SPEECH = to_samples(0.5)
"""A word is taken as invented only farther than that from all speech: Whisper's word times are off by so much."""

_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class WhisperRecognizer:
    """One loaded Whisper model in CTranslate2's format."""

    def __init__(self, folder: Path, identity: str, wanted: Wanted = "auto") -> None:
        """Loads the model.

        Args:
            folder: model.bin, config.json, tokenizer.json and the vocabulary.
            identity: Engine and weights as ``name@hash``.
            wanted: The device. ``auto`` falls back to the CPU where the GPU does not work.

        Raises:
            ModelUnavailable: The folder is no such model, or ``cuda`` was asked for and does not work.
        """
        self.identity = identity
        self._name = identity.partition("@")[0]
        missing = [name for name in _NEEDED if not (folder / name).is_file()]
        if missing:
            # Checked here, since faster-whisper would fetch a tokenizer from the hub.
            raise ModelUnavailable(
                f"{folder} is no Whisper model in CTranslate2's format: {', '.join(missing)} not there. "
                f"Give a folder that ct2-transformers-converter made, or a name `auricle models list` shows."
            )
        self._model = _load_where_it_works(folder, wanted)

    def transcribe(self, audio: Audio, options: HearingOptions, progress: Progress) -> Recognition:
        """Hears words.

        Args:
            audio: (samples,), 16 kHz.
            options: Language, hints, translation, beam.
            progress: Told the share heard after each segment; may raise.

        Raises:
            BadArgument: The model does not know the language.
        """
        language = self._checked(options.language)
        speech = SileroDetector().speech(audio)
        if not speech:
            progress(1.0)
            return Recognition(language=language or UNDETERMINED, language_probability=0.0, segments=())
        heard, info = self._model.transcribe(
            audio,
            language=language,
            task="translate" if options.translate else "transcribe",
            beam_size=options.beam_size,
            word_timestamps=True,
            clip_timestamps=[
                edge / SAMPLE_RATE for island in _islands(speech, len(audio)) for edge in (island.start, island.end)
            ],
            hallucination_silence_threshold=_SUSPECT_SILENCE,
            hotwords=options.hints.strip() or None,
        )
        segments = tuple(_segments(heard, speech, len(audio), progress))
        progress(1.0)
        return Recognition(
            language=str(info.language), language_probability=float(info.language_probability), segments=segments
        )

    def _checked(self, language: str | None) -> str | None:
        if language is None:
            return None
        known = self._model.supported_languages
        code = language.strip().lower()
        if code in known:
            return code
        if known == ["en"]:
            raise BadArgument(
                f"{self._name} only knows English (en), not '{language}': leave the language out, "
                f"or set AURICLE_WHISPER to a multilingual model such as whisper-base."
            )
        raise BadArgument(
            f"The language '{language}' is not one of the {len(known)} that {self._name} knows: give a two-letter "
            f"ISO 639-1 code such as en, de, fr, es, it, ja or zh, or leave it out to have it detected."
        )


class SileroDetector:
    """Where somebody speaks, by the Silero detector inside faster-whisper."""

    def speech(self, audio: Audio) -> list[Span]:
        """Spans with 0.4 s of air around the speech; silences under half a second do not divide them."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        if not len(audio):
            return []
        found = get_speech_timestamps(audio, VadOptions(min_silence_duration_ms=_MIN_SILENCE_MS))
        return [Span(start=int(chunk["start"]), end=int(chunk["end"])) for chunk in found]


def _load_where_it_works(folder: Path, wanted: Wanted) -> Any:
    """A WhisperModel; a GPU is tried once, since missing CUDA libraries show only in use."""
    place = for_ctranslate2(wanted)
    if place.device == "cpu":
        return _load(folder, place)
    try:
        model = _load(folder, place)
        model.encode(np.zeros((model.feature_extractor.mel_filters.shape[0], 3000), dtype=np.float32))
    except (ModelUnavailable, RuntimeError, ValueError) as error:
        if wanted == "cuda":
            raise no_cuda(f"recognition cannot use it ({error})") from error
        _LOG.warning("Recognition runs on the CPU, the GPU cannot be used: %s", error)
        return _load(folder, placement("cpu"))
    return model


def _load(folder: Path, place: Placement) -> Any:
    from faster_whisper import WhisperModel

    try:
        return WhisperModel(
            str(folder),
            device=place.device,
            compute_type=place.compute_type,
            cpu_threads=place.threads,
            local_files_only=True,
        )
    except (RuntimeError, ValueError, OSError) as error:
        raise ModelUnavailable(
            f"The Whisper model in {folder} cannot be loaded ({error}): `auricle models verify` checks the files."
        ) from error


def _islands(speech: list[Span], length: int) -> list[Span]:
    """What Whisper is shown of [0, length): all but the long silences."""
    islands: list[Span] = []
    shown_until = 0
    for span in speech:
        if span.start - shown_until >= _LONG_SILENCE:
            islands.append(span)
        else:
            start = islands.pop().start if islands else 0
            islands.append(Span(start=start, end=span.end))
        shown_until = span.end
    if length - islands[-1].end < _LONG_SILENCE:
        islands[-1] = Span(start=islands[-1].start, end=length)
    return islands


def _segments(heard: Iterable[Any], speech: list[Span], length: int, progress: Progress) -> Iterable[Segment]:
    """Segments as they come, in samples within [0, length], without the words invented where nobody speaks."""

    def within(seconds: float) -> int:
        return min(max(0, to_samples(seconds)), length)

    for segment in heard:
        words = [
            Word(
                start=within(word.start),
                end=max(within(word.start), within(word.end)),
                text=word.word,
                probability=float(word.probability),
            )
            for word in segment.words
        ]
        touching = any(word.length and _touches(speech, word) for word in words)
        # Where a word has no length Whisper did not find its place: it goes with the words around it.
        spoken = tuple(word for word in words if (_touches(speech, word) if word.length else touching))
        if spoken:
            yield Segment(
                start=spoken[0].start,
                end=spoken[-1].end,
                text="".join(word.text for word in spoken).strip(),
                words=spoken,
                avg_logprob=_finite(segment.avg_logprob),
                no_speech_prob=_finite(segment.no_speech_prob),
                compression_ratio=_finite(segment.compression_ratio),
            )
        progress(min(1.0, segment.end * SAMPLE_RATE / length))


def _touches(speech: list[Span], word: Word) -> bool:
    """Whether anybody speaks during the word, or close to it; the spans are in order."""
    start, end = word.start - _BESIDE_SPEECH, word.end + _BESIDE_SPEECH
    index = bisect_right(speech, start, key=lambda span: span.start)
    begun = index > 0 and speech[index - 1].end > start
    return begun or (index < len(speech) and speech[index].start < end)


def _finite(value: float) -> float:
    """JSON knows no infinity; a take must."""
    return float(value) if math.isfinite(value) else 0.0
