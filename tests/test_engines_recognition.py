"""What recognition makes of what Whisper says, without any weights."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from auricle.domain import Span
from auricle.times import to_samples
from engines.decoding import Decoder, Position
from engines.recognition import _heard_until, _islands, _segments, _with_air


def span(start: float, end: float) -> Span:
    return Span(start=to_samples(start), end=to_samples(end))


def said(*words: tuple[float, float, str], logprob: float = -0.3) -> dict[str, Any]:
    return {
        "words": [{"start": start, "end": end, "word": text, "probability": 0.9} for start, end, text in words],
        "avg_logprob": logprob,
        "no_speech_prob": 0.1,
        "compression_ratio": 1.0,
    }


def test_short_silences_are_shown_and_long_ones_are_not() -> None:
    speech = [span(6, 10), span(12, 20), span(60, 64)]
    assert _islands(speech, to_samples(100)) == [span(0, 20), span(60, 64)]
    assert _islands(speech, to_samples(70)) == [span(0, 20), span(60, 70)]
    assert _islands([span(30, 31)], to_samples(31)) == [span(30, 31)]


def test_words_invented_where_nobody_speaks_are_dropped() -> None:
    heard = [said((1.0, 1.4, " Hello"), (1.4, 1.9, " there.")), said((20.0, 20.5, " Thank"), (20.5, 21.0, " you."))]
    kept = list(_segments(heard, [span(0.8, 2.0)], to_samples(30)))
    assert [segment.text for segment in kept] == ["Hello there."]
    assert (kept[0].start, kept[0].end) == (to_samples(1.0), to_samples(1.9))


def test_times_stay_within_the_audio_and_numbers_can_be_kept_as_json() -> None:
    heard = [said((9.5, 11.0, " late"), logprob=float("-inf"))]
    (segment,) = _segments(heard, [span(9, 10)], to_samples(10))
    assert segment.end == to_samples(10)
    assert segment.avg_logprob == 0.0
    assert segment.model_validate_json(segment.model_dump_json()) == segment


def test_pauses_within_a_phrase_are_spoken_and_air_around_phrases_is_not_shared() -> None:
    speech = [span(1, 2), span(2.4, 3), span(3.6, 4), span(20, 21)]
    assert _with_air(speech, to_samples(21.2)) == [span(0.6, 3.3), span(3.3, 4.4), span(19.6, 21.2)]


def test_silence_between_two_clips_is_heard_with_the_one_before() -> None:
    clips = [(100, 2000), (9000, 9500)]
    assert [_heard_until(frame, clips, to_samples(100)) for frame in (1500, 2000, 9200, 9500)] == [
        to_samples(15), to_samples(90), to_samples(92), to_samples(100),
    ]  # fmt: skip


class Stepping(Decoder):
    """A decoder whose windows end where it is told."""

    def __init__(self, frames: int, ends: Sequence[int]) -> None:
        self.frames, self._ends = frames, iter(ends)

    def _window(self, start: int, end: int, before: Position) -> tuple[list[dict[str, Any]], Position]:
        return [], replace(before, frame=next(self._ends))


@pytest.mark.parametrize(("ends", "positions"), [([95], [100]), ([89, 100], [89, 100]), ([100], [100])])
def test_the_last_tenth_of_a_second_is_no_window_of_its_own(ends: list[int], positions: list[int]) -> None:
    assert [position.frame for _, position in Stepping(100, ends).windows([(0, 100)], Position())] == positions
