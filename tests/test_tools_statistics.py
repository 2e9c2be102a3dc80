"""What is counted of a talk."""

import pytest

from auricle.domain import Span, Turn
from auricle.errors import BadArgument
from auricle.settings import Settings
from auricle.times import to_samples
from tests.transcripts import CALL, NAMES, transcript
from tools.statistics import interruptions, statistics
from tools.toolbox import Toolbox


def turn(label: str, start: float, end: float) -> Turn:
    return Turn(start=to_samples(start), end=to_samples(end), label=label)


def span(start: float, end: float) -> Span:
    return Span(start=to_samples(start), end=to_samples(end))


def test_words_turns_and_rate_are_counted_for_each_person() -> None:
    found = statistics(transcript(CALL, NAMES), span(0, 60), None)
    diane, sheila = found.speakers
    assert (diane.speaker, sheila.speaker) == ("Diane", "Sheila")
    assert (diane.words, sheila.words) == (46, 23)
    assert found.words == 69
    assert diane.share + sheila.share == pytest.approx(1, abs=0.01)
    assert diane.words_per_minute == pytest.approx(60 * 46 / diane.seconds, abs=0.1)
    assert (diane.questions, sheila.questions, found.questions) == (1, 2, 3)
    assert sheila.longest_turn_start == pytest.approx(21.9, abs=0.01)


def test_silence_is_what_nobody_fills_and_the_longest_comes_first() -> None:
    found = statistics(transcript(CALL, NAMES), span(0, 60), None)
    assert found.silence_seconds == pytest.approx(60 - found.speech_seconds)
    assert found.silences[0].start == pytest.approx(30.4, abs=0.3)
    assert found.silences[0].end == 60
    lengths = [silence.end - silence.start for silence in found.silences]
    assert lengths == sorted(lengths, reverse=True)
    assert min(lengths) >= 2


def test_a_word_is_counted_as_often_as_it_is_said_and_by_whom() -> None:
    found = statistics(transcript(CALL, NAMES), span(0, 60), "new jersey")
    assert (found.times_said, found.said_by) == (3, {"Diane": 3})
    assert [round(place.start) for place in found.occurrences] == [14, 19, 30]
    assert statistics(transcript(CALL, NAMES), span(0, 15), "New Jersey").times_said == 1
    assert statistics(transcript(CALL, NAMES), span(0, 60), "Florida").times_said == 0
    assert statistics(transcript(CALL, NAMES), span(0, 60), None).times_said is None


def test_a_plural_and_a_genitive_are_the_word_but_a_longer_word_is_another() -> None:
    said = transcript([("s_a", 1.0, "Refunds: the refund's date, refunding, a refund.")])
    assert statistics(said, span(0, 60), "refund").times_said == 3


def test_only_the_range_is_counted_and_turns_that_reach_into_it_with_their_part() -> None:
    said = transcript([("s_a", 0.0, "one two three four five six seven eight nine ten")])
    found = statistics(said, span(1, 60), None)
    assert found.words == 5
    assert found.speakers[0].seconds == pytest.approx(0.98, abs=0.02)


def test_who_takes_the_word_while_another_speaks_interrupts() -> None:
    assert interruptions([turn("a", 0, 5), turn("b", 4, 9)]) == [("b", "a")]


@pytest.mark.parametrize(
    "turns",
    [
        [turn("a", 0, 5), turn("b", 2, 2.5)],  # "yes" under what is said
        [turn("a", 0, 5), turn("b", 4.9, 9)],  # a smooth change
        [turn("a", 0, 5), turn("b", 5.5, 9)],
        [turn("a", 4.5, 6), turn("b", 4.6, 9)],  # both begin at once
    ],
)
def test_speaking_with_or_after_somebody_is_no_interruption(turns: list[Turn]) -> None:
    assert interruptions(turns) == []


def test_a_breath_does_not_end_the_turn_that_is_interrupted() -> None:
    assert interruptions([turn("a", 0, 4), turn("a", 4.5, 6), turn("b", 5.2, 9)]) == [("b", "a")]


def test_what_is_said_at_once_is_overlap() -> None:
    both = transcript([("s_a", 0.0, "one two three four five"), ("s_b", 0.6, "one two three four five")])
    assert statistics(both, span(0, 60), None).overlap_seconds == pytest.approx(0.38, abs=0.01)


def test_without_voices_words_are_counted_and_the_result_says_what_is_missing() -> None:
    found = statistics(transcript(CALL, diarized=False), span(0, 60), "hello")
    assert (found.times_said, found.said_by, found.speakers) == (3, {"unknown": 3}, [])
    assert "diarize" in found.next


def test_nothing_to_count_is_refused(settings: Settings) -> None:
    with pytest.raises(BadArgument, match="no words to count"):
        Toolbox(settings).measure_talk("r_0000000000", words="?!")
