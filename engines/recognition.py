"""Speech recognition by faster-whisper, and where speech is at all by the Silero detector that it carries."""

import logging
import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from auricle.domain import Recognition, Segment, Span, Word
from auricle.errors import BadArgument, ModelUnavailable
from auricle.times import SAMPLE_RATE, to_samples
from engines.batched import BatchDecoder, stretches
from engines.batching import Batches
from engines.decoding import FRAMES_PER_SECOND, Decoder, Position
from engines.device import Placement, Wanted, for_ctranslate2, no_cuda, placement
from engines.encoding import Encoder
from engines.protocols import Audio, Heard, HearingOptions

_LOG = logging.getLogger(__name__)

UNDETERMINED = "und"
"""The language of audio in which nobody speaks (ISO 639-2)."""

_TIGHT_SILENCE_MS = 100
"""Shorter silences do not divide what the detector finds: room enough to cut between two words."""

_PAUSE = to_samples(0.5)
_AIR = to_samples(0.4)
"""For deciding whether a word was invented, speech is taken with its shorter pauses and some air around it."""

_LONG_SILENCE = to_samples(10)
"""Longer silences are not shown to Whisper, whose window they would fill. Shorter ones are: cutting them out, as
faster-whisper's own filter does, glues phrases together and costs words."""

_BESIDE_SPEECH = to_samples(0.5)
"""A word is taken as invented only farther than that from all speech: Whisper's word times are off by so much."""

_NEEDED = ("model.bin", "config.json", "tokenizer.json")


class WhisperRecognizer:
    """One loaded Whisper model in CTranslate2's format."""

    def __init__(self, folder: Path, identity: str, wanted: Wanted = "auto", *, batched: bool = True) -> None:
        """Loads the model.

        Args:
            folder: model.bin, config.json, tokenizer.json and the vocabulary.
            identity: Engine and weights as ``name@hash``.
            wanted: The device. ``auto`` falls back to the CPU where the GPU does not work.
            batched: On a GPU many stretches of sound are heard at once.

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
        self._model, place = _load_where_it_works(folder, wanted)
        self._batches = Batches(place.batch) if batched and place.device == "cuda" else None

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        """Hears words, half a minute at a time; what comes first, with nothing heard yet, says that it is ready to.

        Args:
            audio: (samples,), 16 kHz.
            speech: Where a `SpeechDetector` finds somebody speaking in it.
            options: Language, hints, translation, beam.
            since: What was yielded last, to go on from there exactly as if nothing had come between.

        Raises:
            BadArgument: The model does not know the language.
        """
        language = self._checked(options.language)
        if not speech:
            yield Heard(_nothing(language or UNDETERMINED, 0.0), len(audio))
            return
        spoken = _with_air(speech, len(audio))
        clips = [(_frame(island.start), _frame(island.end)) for island in _islands(spoken, len(audio))]
        features = self._model.feature_extractor(audio)
        encoder = Encoder(self._model, features)
        probability = 1.0
        if since is not None and since.resume:
            language, probability = since.recognition.language, since.recognition.language_probability
        elif language is None:
            language, probability = encoder.language(clips[0][0], min(clips[0][1], encoder.frames))
        decoder = Decoder(self._model, encoder, str(language), options)
        windows = decoder.windows
        if self._batches is not None:
            phrases = [(_frame(span.start), _frame(span.end)) for span in spoken]
            clips = stretches(clips, phrases, encoder.longest)
            windows = BatchDecoder(decoder, features, self._batches).windows
        begin = Position.from_list(since.resume) if since is not None else Position()
        yield Heard(_nothing(language, probability), since.until if since is not None else 0, begin.as_list())
        for segments, position in windows(clips, begin):
            recognition = Recognition(
                language=str(language),
                language_probability=float(probability),
                segments=tuple(_segments(segments, spoken, len(audio))),
            )
            yield Heard(recognition, _heard_until(position.frame, clips, len(audio)), position.as_list())

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


def _nothing(language: str | None, probability: float) -> Recognition:
    return Recognition(language=str(language), language_probability=float(probability), segments=())


class SileroDetector:
    """Where somebody speaks, by the Silero detector inside faster-whisper."""

    identity = f"silero@faster-whisper-{version('faster-whisper')}"

    def speech(self, audio: Audio) -> list[Span]:
        """Spans without air around them; silences under 0.1 s do not divide them."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        if not len(audio):
            return []
        found = get_speech_timestamps(audio, VadOptions(min_silence_duration_ms=_TIGHT_SILENCE_MS, speech_pad_ms=0))
        return [Span(start=int(chunk["start"]), end=int(chunk["end"])) for chunk in found]


def _load_where_it_works(folder: Path, wanted: Wanted) -> tuple[Any, Placement]:
    """A WhisperModel and where it is; a GPU is tried once, since missing CUDA libraries show only in use."""
    place = for_ctranslate2(wanted)
    if place.device == "cpu":
        return _load(folder, place), place
    try:
        model = _load(folder, place)
        model.encode(np.zeros((model.feature_extractor.mel_filters.shape[0], 3000), dtype=np.float32))
    except (ModelUnavailable, RuntimeError, ValueError) as error:
        if wanted == "cuda":
            raise no_cuda(f"recognition cannot use it ({error})") from error
        _LOG.warning("Recognition runs on the CPU, the GPU cannot be used: %s", error)
        place = placement("cpu")
        return _load(folder, place), place
    return model, place


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


def _with_air(speech: Sequence[Span], length: int) -> list[Span]:
    """Phrases instead of words: pauses under half a second filled, and some air around each, none of it shared."""
    phrases: list[Span] = []
    for span in speech:
        if phrases and span.start - phrases[-1].end < _PAUSE:
            phrases[-1] = Span(start=phrases[-1].start, end=span.end)
        else:
            phrases.append(span)
    edges = [0, *((one.end + other.start) // 2 for one, other in pairwise(phrases)), length]
    return [
        Span(start=max(before, phrase.start - _AIR), end=min(after, phrase.end + _AIR))
        for phrase, (before, after) in zip(phrases, pairwise(edges), strict=True)
    ]


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


def _frame(sample: int) -> int:
    return round(sample * FRAMES_PER_SECOND / SAMPLE_RATE)


def _heard_until(frame: int, clips: list[tuple[int, int]], length: int) -> int:
    """Samples. What lies between two clips is silence, heard with the one before."""
    following = [first for first, last in clips if frame < last]
    return min(length, max(frame, following[0]) * SAMPLE_RATE // FRAMES_PER_SECOND) if following else length


def _segments(decoded: Iterable[dict[str, Any]], speech: list[Span], length: int) -> Iterable[Segment]:
    """Segments in samples within [0, length], without the words invented where nobody speaks."""

    def within(seconds: float) -> int:
        return min(max(0, to_samples(seconds)), length)

    for segment in decoded:
        words = [
            Word(
                start=within(word["start"]),
                end=max(within(word["start"]), within(word["end"])),
                text=word["word"],
                probability=float(word["probability"]),
            )
            for word in segment["words"]
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
                avg_logprob=_finite(segment["avg_logprob"]),
                no_speech_prob=_finite(segment["no_speech_prob"]),
                compression_ratio=_finite(segment["compression_ratio"]),
            )


def _touches(speech: list[Span], word: Word) -> bool:
    """Whether anybody speaks during the word, or close to it; the spans are in order."""
    start, end = word.start - _BESIDE_SPEECH, word.end + _BESIDE_SPEECH
    index = bisect_right(speech, start, key=lambda span: span.start)
    begun = index > 0 and speech[index - 1].end > start
    return begun or (index < len(speech) and speech[index].start < end)


def _finite(value: float) -> float:
    """JSON knows no infinity; a take must."""
    return float(value) if math.isfinite(value) else 0.0
