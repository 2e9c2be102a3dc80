"""Whisper's sequential decoding, window by window, with a state that can be kept and gone on from.

The algorithm is that of openai/whisper's `transcribe` as faster-whisper refined it, on faster-whisper's own building
blocks. Its generator keeps where it is to itself; here a window is one step, so that what was decoded is safe
after each, and a job that died goes on exactly as it would have.
"""

import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from engines.encoding import Encoder
from engines.protocols import HearingOptions

FRAMES_PER_SECOND = 100

_PROMPT_TOKENS = 223
"""Half of Whisper's text context, less one: more of what was said before is never shown to it."""

_REPETITIVE = 2.4
"""Text that gzip makes so much smaller repeats itself (openai/whisper: compression_ratio_threshold)."""

_NO_REPEAT = 4
"""Tokens in a row that may not come twice, where a window would repeat itself for ever."""

_UNLIKELY_SPEECH = 0.6
_LIKELY_WORDS = -1.0
"""A window that is probably no speech (openai/whisper: no_speech_threshold) is dropped unless its words are likely
(logprob_threshold, a mean log probability)."""

_SUSPECT_SILENCE = 2.0
"""Seconds. Improbable words beside a silence of that length are taken as invented: faster-whisper's
hallucination_silence_threshold."""

_FEWEST = 10
"""Frames that are no window of their own: words would be invented in them, and after a kill they are not heard."""

_LOOKED_AT = 8
"""Words at the start of a segment whose probability and length tell whether it was invented."""

_MARKS = set(string.punctuation) | set("“”¿。，！？：、")


@dataclass(frozen=True)
class Position:
    """Between two windows.

    Attributes:
        frame: Where the next one begins, in hundredths of a second.
        tokens: What was said just before, as Whisper's own tokens.
        spoken: When the last word ended, in seconds.
    """

    frame: int = 0
    tokens: tuple[int, ...] = ()
    spoken: float = 0.0

    def as_list(self) -> tuple[Any, ...]:
        """As JSON can keep it."""
        return self.frame, list(self.tokens), self.spoken

    @classmethod
    def from_list(cls, kept: Sequence[Any]) -> "Position":
        frame, tokens, spoken = kept
        return cls(int(frame), tuple(int(token) for token in tokens), float(spoken))


class Decoder:
    """Decodes the features of some audio.

    Args:
        model: A faster_whisper.WhisperModel.
        encoder: Of the sound.
        language: ISO 639-1.
        options: Hints, translation, beam.
    """

    def __init__(self, model: Any, encoder: Encoder, language: str, options: HearingOptions) -> None:
        from faster_whisper.tokenizer import Tokenizer

        task = "translate" if options.translate else "transcribe"
        self.model, self._encoder = model, encoder
        self.tokenizer = Tokenizer(model.hf_tokenizer, model.model.is_multilingual, task=task, language=language)
        self.options = _options(self.tokenizer, options)
        self.frames = encoder.frames

    def windows(
        self, clips: Sequence[tuple[int, int]], position: Position
    ) -> Iterator[tuple[list[dict[str, Any]], Position]]:
        """Decodes window after window.

        Args:
            clips: The (first, last) frames to look at, in order.
            position: Where to begin, or to go on from.

        Yields:
            The segments of a window, as faster-whisper's dictionaries with probabilities and words (times in seconds);
            and the position after it.
        """
        for first, last in clips:
            end = min(last, self.frames)
            while max(position.frame, first) < end:
                start = max(position.frame, first)
                segments, position = self._window(start, end, position)
                if end - _FEWEST <= position.frame < end:
                    position = replace(position, frame=end)
                yield segments, position

    def _window(self, start: int, end: int, before: Position) -> tuple[list[dict[str, Any]], Position]:
        model, options = self.model, self.options
        size = min(self._encoder.longest, end - start)
        encoded = self._encoder.encode(start, size)
        result, likelihood, compression, easy = self._decoded(encoded, before.tokens)
        if silent(result, likelihood):
            return [], Position(start + size, before.tokens, before.spoken)
        at = start / FRAMES_PER_SECOND
        segments, after, complete = model._split_segments_by_timestamps(
            tokenizer=self.tokenizer,
            tokens=result.sequences_ids[0],
            time_offset=at,
            segment_size=size,
            segment_duration=size / FRAMES_PER_SECOND,
            seek=start,
        )
        model.add_word_timestamps(
            [segments],
            self.tokenizer,
            encoded,
            size,
            options.prepend_punctuations,
            options.append_punctuations,
            last_speech_timestamp=before.spoken,
        )
        ended = _last_word(segments)
        if not complete and ended is not None and ended > at:
            after = round(ended * FRAMES_PER_SECOND)
        again = self._invented(segments, start, size, before.spoken)
        if again is not None:
            kept, after = again
            if not kept and after > start:
                return [], Position(after, before.tokens, before.spoken)
            segments = segments[:kept]
        # Whatever the timestamps say, a window that leads nowhere would be decoded for ever.
        after = max(after, start + 1)
        ended = _last_word(segments)
        spoken = before.spoken if ended is None else ended
        said = [s for s in segments if s["start"] != s["end"] and self.tokenizer.decode(s["tokens"]).strip()]
        tokens = before.tokens + tuple(token for segment in said for token in segment["tokens"])
        for segment in said:
            segment |= {
                "avg_logprob": likelihood,
                "no_speech_prob": result.no_speech_prob,
                "compression_ratio": compression,
            }
        return said, Position(after, tokens[-_PROMPT_TOKENS:] if easy else (), spoken)

    def _decoded(self, encoded: Any, tokens: tuple[int, ...]) -> tuple[Any, float, float, bool]:
        """The result, its mean log probability and compression ratio, and whether the first way led there.

        Where it repeats itself or is improbable other ways are tried. Whisper's own is to draw at random; these are
        the same every time, as going on after an interruption must be.
        """
        tried = []
        for number, (shown, options) in enumerate(self._ways(tokens)):
            prompt = self.model.get_prompt(self.tokenizer, list(shown), hotwords=options.hotwords)
            result, likelihood, _, compression = self.model.generate_with_fallback(
                encoded, prompt, self.tokenizer, options
            )
            if not doubtful(likelihood, compression) or silent(result, likelihood):
                return result, likelihood, compression, number == 0
            tried.append((compression <= _REPETITIVE, likelihood, -number, result, compression))
        _, likelihood, number, result, compression = max(tried, key=lambda attempt: attempt[:3])
        return result, likelihood, compression, False

    def _ways(self, tokens: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], Any]]:
        """What was said before to show to the model, and how it shall search."""
        yield tokens, self.options
        if tokens:
            yield (), self.options
        yield (), replace(self.options, no_repeat_ngram_size=_NO_REPEAT)

    def _invented(self, segments: list[dict[str, Any]], start: int, size: int, spoken: float) -> tuple[int, int] | None:
        """How many segments to keep and where to go on, where one was invented in a silence; None where none was."""
        at, end = start / FRAMES_PER_SECOND, (start + size) / FRAMES_PER_SECOND
        window_end = at + self._encoder.window / FRAMES_PER_SECOND
        worded = [(number, segment) for number, segment in enumerate(segments) if segment["words"]]
        if worded and _odd(worded[0][1]) and worded[0][1]["start"] - at > _SUSPECT_SILENCE:
            # Without the silence before it the same sound may be heard rightly.
            return 0, start + round((worded[0][1]["start"] - at) * FRAMES_PER_SECOND)
        for place, (number, segment) in enumerate(worded):
            if _odd(segment):
                following = worded[place + 1][1] if place + 1 < len(worded) else None
                next_start = following["words"][0]["start"] if following else end
                before = (
                    segment["start"] - spoken > _SUSPECT_SILENCE
                    or segment["start"] < _SUSPECT_SILENCE
                    or segment["start"] - at < 2.0
                )
                after = (
                    next_start - segment["end"] > _SUSPECT_SILENCE
                    or (following is not None and _odd(following))
                    or window_end - segment["end"] < 2.0
                )
                if before and after:
                    go_on = round(max(at + 1, segment["start"]) * FRAMES_PER_SECOND)
                    rest = self.frames / FRAMES_PER_SECOND - segment["end"]
                    return number, self.frames if rest < _SUSPECT_SILENCE else go_on
            spoken = segment["end"]
        return None


def silent(result: Any, likelihood: float) -> bool:
    """Whether a window is probably no speech."""
    return bool(result.no_speech_prob > _UNLIKELY_SPEECH and likelihood <= _LIKELY_WORDS)


def doubtful(likelihood: float, compression: float) -> bool:
    """Whether words repeat themselves or are improbable."""
    return compression > _REPETITIVE or likelihood < _LIKELY_WORDS


def _odd(segment: dict[str, Any]) -> bool:
    """Whether its first words are too improbable, short or long to have been said (faster-whisper's measure)."""
    words = [word for word in segment["words"] if word["word"] not in _MARKS][:_LOOKED_AT]
    score = sum(_oddity(word["probability"], word["end"] - word["start"]) for word in words)
    return score >= 3 or score + 0.01 >= len(words)


def _oddity(probability: float, seconds: float) -> float:
    return (probability < 0.15) + max(0.0, 0.133 - seconds) * 15 + max(0.0, seconds - 2.0)


def _last_word(segments: list[dict[str, Any]]) -> float | None:
    ends = [word["end"] for segment in segments for word in segment["words"]]
    return float(ends[-1]) if ends else (float(segments[-1]["end"]) if segments else None)


def _options(tokenizer: Any, options: HearingOptions) -> Any:
    """What `generate_with_fallback` and its like look at: Whisper's defaults, and what was asked for."""
    from faster_whisper.transcribe import TranscriptionOptions, get_suppressed_tokens

    return TranscriptionOptions(
        beam_size=options.beam_size,
        best_of=5,
        patience=1,
        length_penalty=1,
        repetition_penalty=1,
        no_repeat_ngram_size=0,
        log_prob_threshold=_LIKELY_WORDS,
        no_speech_threshold=_UNLIKELY_SPEECH,
        compression_ratio_threshold=_REPETITIVE,
        condition_on_previous_text=True,
        prompt_reset_on_temperature=0.5,
        temperatures=[0.0],
        initial_prompt=None,
        prefix=None,
        suppress_blank=True,
        suppress_tokens=get_suppressed_tokens(tokenizer, [-1]),
        without_timestamps=False,
        max_initial_timestamp=1.0,
        word_timestamps=True,
        prepend_punctuations="\"'“¿([{-",
        append_punctuations="\"'.。,，!！?？:：”)]}、",
        multilingual=False,
        max_new_tokens=None,
        clip_timestamps=[],
        hallucination_silence_threshold=_SUSPECT_SILENCE,
        hotwords=options.hints.strip() or None,
    )
