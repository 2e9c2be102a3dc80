"""Words meet voices."""

from auricle.domain import Diarization, Turn, Word
from auricle.times import to_samples
from tools.align import place


def turn(start: float, end: float, label: str) -> Turn:
    return Turn(start=to_samples(start), end=to_samples(end), label=label)


def heard(exclusive: list[Turn], turns: list[Turn] | None = None) -> Diarization:
    return Diarization(turns=tuple(turns or exclusive), exclusive=tuple(exclusive), voices={})


def spoken(text: str, start: float = 0.0, each: float = 0.25) -> list[Word]:
    """The words of a text one after another, as Whisper gives them, each equally long (seconds)."""
    times = [(start + index * each, start + (index + 1) * each) for index in range(len(text.split()))]
    return [
        Word(start=to_samples(begin), end=to_samples(end), text=f" {word}", probability=0.9)
        for word, (begin, end) in zip(text.split(), times, strict=True)
    ]


def labels(words: list[Word], diarization: Diarization) -> str:
    return "".join(label or "-" for label, _ in place(words, diarization))


def test_a_boundary_inside_a_phrase_moves_to_the_sentence_end() -> None:
    words = spoken("This is Diane in New Jersey. And I'm Sheila in Texas.")
    # The frame boundary falls after "I'm", half a second too late.
    assert labels(words, heard([turn(0, 2.0, "A"), turn(2.0, 2.8, "B")])) == "AAAAAABBBBB"


def test_a_boundary_that_comes_too_early_moves_as_well() -> None:
    words = spoken("And I'm Sheila in Texas. Hello there, how are you?")
    assert labels(words, heard([turn(0, 0.9, "A"), turn(0.9, 2.5, "B")])) == "AAAAABBBBB"


def test_a_phrase_that_two_people_share_is_split() -> None:
    words = spoken("so then we went over to the shop no we never went to any shop that day")
    assert labels(words, heard([turn(0, 2.0, "A"), turn(2.0, 4.25, "B")])) == "AAAAAAAABBBBBBBBB"


def test_a_short_answer_between_two_sentences_keeps_its_voice() -> None:
    words = spoken("Did you see it? Yes. And what was it then?", each=0.3)
    assert labels(words, heard([turn(0, 1.2, "A"), turn(1.2, 1.5, "B"), turn(1.5, 3.0, "A")])) == "AAAABAAAAA"


def test_a_blip_of_another_voice_inside_a_phrase_is_not_a_turn() -> None:
    words = spoken("we will have to look into that again tomorrow")
    assert set(labels(words, heard([turn(0, 1.0, "A"), turn(1.0, 1.2, "B"), turn(1.2, 2.25, "A")]))) == {"A"}


def test_a_word_that_nobody_was_heard_near_has_no_voice() -> None:
    words = spoken("Hello there.") + spoken("Thank you.", start=4.0)
    assert labels(words, heard([turn(0, 0.5, "A")])) == "AA--"


def test_a_word_in_a_gap_goes_with_its_phrase() -> None:
    words = spoken("I would say that this is fine. Good.")
    assert labels(words, heard([turn(0, 0.9, "A"), turn(1.3, 1.75, "A"), turn(1.75, 2.0, "B")])) == "AAAAAAAB"
    # Nearer to B's turn, but the phrase is A's.
    assert labels(spoken("one two three four. Five six"), heard([turn(0, 0.6, "A"), turn(1.0, 1.5, "B")])) == "AAAABB"


def test_a_pause_lets_the_voice_change_without_punctuation() -> None:
    words = spoken("are you coming", each=0.2) + spoken("yeah", start=1.0, each=0.2)
    assert labels(words, heard([turn(0, 0.6, "A"), turn(1.0, 1.2, "B")])) == "AAAB"


def test_overlap_is_marked_and_the_exclusive_voice_gets_the_words() -> None:
    words = spoken("one two three four", each=0.5)
    both = heard([turn(0, 2.0, "A")], [turn(0, 2.0, "A"), turn(1.0, 2.0, "B")])
    assert place(words, both) == [("A", False), ("A", False), ("A", True), ("A", True)]


def test_speaking_in_the_overlap_counts_half_for_a_voice() -> None:
    # The exclusive turn flickers to A for one word, while B goes on speaking: the phrase stays B's.
    words = spoken("we never went to any shop", each=0.5)
    turns = [turn(0, 3.0, "B"), turn(1.0, 2.5, "A")]
    exclusive = [turn(0, 1.0, "B"), turn(1.0, 2.5, "A"), turn(2.5, 3.0, "B")]
    assert labels(words, heard(exclusive, turns)) == "BBBBBB"
    assert labels(words, heard(exclusive)) != "BBBBBB"


def test_words_without_length_are_placed_too() -> None:
    word = Word(start=to_samples(1.0), end=to_samples(1.0), text=" ok", probability=0.3)
    assert labels([word], heard([turn(0, 2.0, "A")])) == "A"


def test_without_any_turn_no_word_has_a_voice() -> None:
    assert place(spoken("nobody here"), heard([])) == [(None, False), (None, False)]
    assert place([], heard([turn(0, 1, "A")])) == []
