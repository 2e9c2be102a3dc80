"""What recognition makes of what Whisper says, without any weights."""

from types import SimpleNamespace

from auricle.domain import Span
from auricle.times import to_samples
from engines.recognition import _islands, _segments


def span(start: float, end: float) -> Span:
    return Span(start=to_samples(start), end=to_samples(end))


def said(*words: tuple[float, float, str], logprob: float = -0.3) -> SimpleNamespace:
    return SimpleNamespace(
        start=words[0][0],
        end=words[-1][1],
        words=[SimpleNamespace(start=start, end=end, word=text, probability=0.9) for start, end, text in words],
        avg_logprob=logprob,
        no_speech_prob=0.1,
        compression_ratio=1.0,
    )


def test_short_silences_are_shown_and_long_ones_are_not() -> None:
    speech = [span(6, 10), span(12, 20), span(60, 64)]
    assert _islands(speech, to_samples(100)) == [span(0, 20), span(60, 64)]
    assert _islands(speech, to_samples(70)) == [span(0, 20), span(60, 70)]
    assert _islands([span(30, 31)], to_samples(31)) == [span(30, 31)]


def test_words_invented_where_nobody_speaks_are_dropped() -> None:
    heard = [said((1.0, 1.4, " Hello"), (1.4, 1.9, " there.")), said((20.0, 20.5, " Thank"), (20.5, 21.0, " you."))]
    kept = list(_segments(heard, [span(0.8, 2.0)], to_samples(30), lambda share: None))
    assert [segment.text for segment in kept] == ["Hello there."]
    assert (kept[0].start, kept[0].end) == (to_samples(1.0), to_samples(1.9))


def test_times_stay_within_the_audio_and_numbers_can_be_kept_as_json() -> None:
    heard = [said((9.5, 11.0, " late"), logprob=float("-inf"))]
    (segment,) = _segments(heard, [span(9, 10)], to_samples(10), lambda share: None)
    assert segment.end == to_samples(10)
    assert segment.avg_logprob == 0.0
    assert segment.model_validate_json(segment.model_dump_json()) == segment


def test_progress_is_told_after_each_segment() -> None:
    shares: list[float] = []
    heard = [said((1.0, 5.0, " one")), said((5.0, 12.0, " two"))]
    list(_segments(heard, [span(0, 10)], to_samples(10), shares.append))
    assert shares == [0.5, 1.0]
