"""Whisper's decoding on a GPU: many stretches between pauses at once, each without what was said before it.

faster-whisper's BatchedInferencePipeline leaves out the checks that keep Whisper from inventing. Here what repeats
itself or is improbable is decoded again, by itself and with all checks (`engines.decoding`); silence is dropped.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.batching import Batches
from engines.decoding import FRAMES_PER_SECOND, Decoder, Position, doubtful, silent

Clip = tuple[int, int]


@dataclass(frozen=True)
class _Told:
    """What was made of a stretch: its segments, whether it is silence, and whether it is to be heard again."""

    segments: list[dict[str, Any]]
    silent: bool
    doubtful: bool


class BatchDecoder:
    """Decodes stretches of some sound, many at once.

    Args:
        decoder: Of the same sound; it hears what is doubtful again.
        features: (mels, frames), of all of the sound.
        batches: How many at once.
    """

    def __init__(self, decoder: Decoder, features: NDArray[np.float32], batches: Batches) -> None:
        self._decoder, self._features, self._batches = decoder, features, batches

    def windows(self, clips: Sequence[Clip], position: Position) -> Iterator[tuple[list[dict[str, Any]], Position]]:
        """Decodes stretch after stretch, as `Decoder.windows` does window after window.

        Args:
            clips: The (first, last) frames of each, at most a window long, in order.
            position: Where to go on.
        """
        left = [clip for clip in clips if clip[1] > position.frame and clip[0] < self._decoder.frames]
        for (first, last), told in zip(left, self._batches.run(left, self._decoded), strict=True):
            segments = [] if told.silent else told.segments
            if told.doubtful and not told.silent:
                alone = self._decoder.windows([(first, last)], Position(frame=first))
                segments = [segment for heard, _ in alone for segment in heard]
            yield segments, Position(frame=last)

    def _decoded(self, clips: Sequence[Clip]) -> list[_Told]:
        from faster_whisper.audio import pad_or_trim

        decoder = self._decoder
        model, tokenizer, options = decoder.model, decoder.tokenizer, decoder.options
        encoded = model.encode(np.stack([pad_or_trim(self._features[:, first:last]) for first, last in clips]))
        prompt = model.get_prompt(tokenizer, [], hotwords=options.hotwords)
        results = model.model.generate(
            encoded,
            [prompt] * len(clips),
            beam_size=options.beam_size,
            patience=options.patience,
            length_penalty=options.length_penalty,
            max_length=model.max_length,
            suppress_blank=options.suppress_blank,
            suppress_tokens=options.suppress_tokens,
            max_initial_timestamp_index=round(options.max_initial_timestamp / model.time_precision),
            return_scores=True,
            return_no_speech_prob=True,
        )
        told = [self._told(result, clip) for result, clip in zip(results, clips, strict=True)]
        model.add_word_timestamps(
            [each.segments for each in told],
            tokenizer,
            encoded,
            [last - first for first, last in clips],
            options.prepend_punctuations,
            options.append_punctuations,
            last_speech_timestamp=0.0,
        )
        return told

    def _told(self, result: Any, clip: Clip) -> _Told:
        from faster_whisper.transcribe import get_compression_ratio

        decoder, (first, last) = self._decoder, clip
        tokens = result.sequences_ids[0]
        likelihood = result.scores[0] * len(tokens) ** decoder.options.length_penalty / (len(tokens) + 1)
        compression = get_compression_ratio(decoder.tokenizer.decode(tokens).strip())
        segments, _, _ = decoder.model._split_segments_by_timestamps(
            tokenizer=decoder.tokenizer,
            tokens=tokens,
            time_offset=first / FRAMES_PER_SECOND,
            segment_size=last - first,
            segment_duration=(last - first) / FRAMES_PER_SECOND,
            seek=first,
        )
        for segment in segments:
            segment |= {
                "avg_logprob": likelihood,
                "no_speech_prob": result.no_speech_prob,
                "compression_ratio": compression,
            }
        return _Told(segments, silent(result, likelihood), doubtful(likelihood, compression))


def stretches(clips: Sequence[Clip], phrases: Sequence[Clip], longest: int) -> list[Clip]:
    """Cuts what is to be looked at where nobody speaks, into stretches as long as a window can hold.

    Args:
        clips: The (first, last) frames to look at.
        phrases: Where somebody speaks, in order.
        longest: Frames in a window.
    """
    found: list[Clip] = []
    for first, last in clips:
        pauses = [end for start, end in phrases if first < end < last]
        start = first
        while start < last:
            within = [pause for pause in pauses if start < pause <= start + longest]
            end = last if last - start <= longest else within[-1] if within else start + longest
            found.append((start, end))
            start = end
    return found
