import pytest

from tests.transcripts import CALL, transcript
from tools.mentions import Mention, candidates, find
from tools.sentences import sentences

PEOPLE = ["Bob", "Alice", "Sheila", "Diane", "Will"]


def only(text: str, *more: tuple[str, float, str], people: list[str] = PEOPLE) -> Mention:
    """The one mention in a sentence that s_a says at 10 s."""
    found = [mention for mention in find(transcript([("s_a", 10.0, text), *more]), people) if mention.voice == "s_a"]
    assert len(found) == 1, found
    return found[0]


@pytest.mark.parametrize(
    "text",
    [
        "This is Diane in New Jersey.",
        "And I'm Sheila in Texas, originally from Chicago.",
        "Hello, my name is Alice and I have a question.",
        "Hi, my name's Bob.",
        "I am Bob.",
        "I’m Bob.",
        "Bob speaking, how can I help you?",
        "Good morning, Bob speaking.",
        "Hi, Bob here.",
        "Bob here, calling about the order.",
        "You can call me Bob.",
        "Hi, it's Alice.",
        "I'm Dr. Alice.",
        "Hello, this is Alice from support.",
    ],
)
def test_a_self_introduction_points_at_the_speaker(text: str) -> None:
    mention = only(text)
    assert (mention.points_at, mention.kind) == ("speaker", "introduction")
    assert mention.quote in text


@pytest.mark.parametrize(
    "text",
    [
        "Hi, Bob.",
        "Hello Bob, how are you?",
        "Thanks, Bob.",
        "Thank you Bob for the help.",
        "Bob, could you look at this?",
        "Could you look at this, Bob?",
        "What do you think, Alice?",
        "Bob?",
        "Okay, Bob, what is your address?",
        "Is this Bob?",
        "Am I speaking with Bob?",
        "You must be Alice.",
    ],
)
def test_greeting_thanking_and_calling_point_at_the_addressee(text: str) -> None:
    assert only(text).points_at == "addressee"


@pytest.mark.parametrize(
    "text",
    ["This is Bob's account.", "I went there with Bob yesterday.", "Bob said that it works.", "It's Bob's turn."],
)
def test_talking_about_somebody_points_at_neither(text: str) -> None:
    assert only(text).points_at == "other"


@pytest.mark.parametrize(
    "text", ["Sheila, this is Bob.", "This is Bob, my brother.", "It was like I'm Bob, you know.", "Maybe Bob knows."]
)
def test_what_no_rule_decides_stays_open(text: str) -> None:
    found = [mention for mention in find(transcript([("s_a", 10.0, text)]), PEOPLE) if mention.name == "Bob"]
    assert [mention.points_at for mention in found] == [None]


def test_not_being_somebody_counts_against_the_name() -> None:
    mention = only("No, I'm not Bob.")
    assert mention.kind == "denial"
    assert mention.strength < 0


def test_a_question_for_a_name_weighs_more_once_it_is_answered_with_yes() -> None:
    asked = only("Is this Bob?", ("s_b", 12.0, "We can talk."))
    confirmed = only("Is this Bob?", ("s_b", 12.0, "Yes, speaking."))
    assert (asked.points_at, confirmed.points_at) == ("addressee", "addressee")
    assert confirmed.strength > asked.strength


def test_a_question_for_a_name_answered_with_no_points_at_nobody_here() -> None:
    assert only("Is this Bob?", ("s_b", 12.0, "No, wrong number.")).points_at == "other"


def test_a_name_alone_after_being_asked_for_it_is_ones_own() -> None:
    found = find(transcript([("s_b", 1.0, "What's your name?"), ("s_a", 3.0, "Bob.")]), PEOPLE)
    assert [(mention.voice, mention.points_at) for mention in found] == [("s_a", "speaker")]


def test_an_origin_is_not_a_name() -> None:
    assert find(transcript([("s_a", 1.0, "I'm originally from Chicago.")]), PEOPLE) == []
    assert candidates(transcript([("s_a", 1.0, "I'm originally from Chicago.")])) == []


def test_a_verb_is_not_the_name_it_is_spelled_like() -> None:
    assert find(transcript([("s_a", 1.0, "I will go.")]), ["Will"]) == []


@pytest.mark.parametrize(("heard", "found"), [("Shila", True), ("SHEILA", True), ("Zoe", True), ("Sheldon", False)])
def test_misheard_names_are_found_and_other_names_are_not(heard: str, found: bool) -> None:
    assert bool(find(transcript([("s_a", 1.0, f"This is {heard}.")]), ["Sheila", "Zoë"])) == found


def test_short_names_must_match_exactly() -> None:
    assert find(transcript([("s_a", 1.0, "This is Rob.")]), ["Bob"]) == []


def test_the_closer_of_two_similar_names_is_meant() -> None:
    assert [item.name for item in find(transcript([("s_a", 1, "I'm Diana.")]), ["Diane", "Diana"])] == ["Diana"]


def test_a_first_name_counts_only_where_one_person_has_it() -> None:
    said = transcript([("s_a", 1.0, "This is Ann. I'm Ann Lee.")])
    assert [item.name for item in find(said, ["Ann Lee", "Bob Poe"])] == ["Ann Lee", "Ann Lee"]
    assert [item.name for item in find(said, ["Ann Lee", "Ann Poe"])] == ["Ann Lee"]


def test_a_mention_knows_who_spoke_before_and_who_answers() -> None:
    said = transcript([("s_b", 1.0, "Well."), ("s_a", 3.0, "Thanks, Bob. Now on."), ("s_c", 6.0, "Good.")])
    mention = find(said, ["Bob"])[0]
    assert (mention.voice, mention.before, mention.after) == ("s_a", "s_b", "s_c")


def test_a_quote_stands_in_the_transcript() -> None:
    mention = find(transcript(CALL), ["Sheila"])[0]
    assert mention.quote == "And I'm Sheila in Texas, originally from Chicago."
    assert mention.start == round(14.8 * 16000)


def test_names_nobody_listed_are_found_where_people_use_them() -> None:
    assert set(candidates(transcript(CALL))) == {"Diane", "Sheila"}
    said = transcript(
        [
            ("s_a", 1.0, "Well, could you help? Thanks, Bob Smith. Hi Everyone. I'm American."),
            ("s_b", 9.0, "Okay, you can."),
        ]
    )
    assert candidates(said) == ["Bob Smith"]


def test_sentences_end_at_stops_pauses_and_other_voices() -> None:
    said = transcript([("s_a", 1.0, "Dr. Who came. He left"), ("s_b", 3.0, "yes"), ("s_b", 9.0, "no")])
    assert [part.text for part in sentences(said)] == ["Dr. Who came.", "He left", "yes", "no"]
