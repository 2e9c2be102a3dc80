"""What refers back is made whole: by code where the words are the usual ones, else by one judgement."""

from typing import Any

import pytest

from agent.referring import Earlier, Unclear, asks_to_shorten, refer, stands_alone
from tests.agent_fakes import QueueLLM

ROLES = "This is a call between Alice, who is the customer, and Bob: write it as Q&A."


def earlier(**changed: Any) -> Earlier:
    known: dict[str, Any] = {
        "instruction": "Where does Alice live?",
        "answer": "Alice lives in Texas.",
        "said": ROLES,
        "recordings": ("r_1",),
        "opened": ("r_1", "r_2"),
        "names": {"r_1": "monday.wav", "r_2": "call-2.mp3", "r_3": "other.wav"},
        "voices": ["Alice", "Bob"],
    }
    return Earlier(**(known | changed))


@pytest.mark.parametrize(
    ("said", "kind", "instruction"),
    [
        ("Shorter, please.", "reword", "Shorter, please."),
        ("in one sentence", "reword", "in one sentence"),
        ("and in German?", "reword", "and in German?"),
        ("kürzer", "reword", "kürzer"),
        ("as a bullet list", "reword", "as a bullet list"),
        ("And Bob?", "again", "Where does Bob live?"),
        ("what about Bob?", "again", "Where does Bob live?"),
        ("now as subtitles", "again", "Write it as subtitles"),
        ("only Bob", "again", "Where does Alice live? Only what Bob says."),
        ("now only the customer, please", "again", "Where does Alice live? Only what Alice says."),
        ("make it simpler for a child", "reword", "make it simpler for a child"),
        ("Summarize it.", "new", "Summarize it."),
        ("And what do they say about the weather?", "new", "And what do they say about the weather?"),
        ("und wo wohnt Bob?", "new", "und wo wohnt Bob?"),
        ("Write it as Q&A.", "new", "Write it as Q&A."),
        ("Who speaks at 0:20?", "new", "Who speaks at 0:20?"),
        ("What does Bob say he is called down there?", "new", "What does Bob say he is called down there?"),
        ("Please summarize the call.", "new", "Please summarize the call."),
    ],
)
def test_the_usual_words_need_no_judgement(said: str, kind: str, instruction: str) -> None:
    meant = refer(said, earlier(), QueueLLM())
    assert (meant.kind, meant.instruction) == (kind, instruction)


@pytest.mark.parametrize(
    ("said", "recordings"),
    [
        ("and in the other recording?", ("r_2",)),
        ("the same for the second one", ("r_2",)),
        ("and in other.wav?", ("r_3",)),
        ("What about call-2?", ("r_2",)),
        ("and in the next call?", ("r_2",)),
    ],
)
def test_the_same_is_asked_of_another_recording(said: str, recordings: tuple[str, ...]) -> None:
    meant = refer(said, earlier(), QueueLLM())
    assert (meant.instruction, meant.recordings) == ("Where does Alice live?", recordings)


def test_a_recording_that_is_named_is_what_it_is_about() -> None:
    assert refer("Who talks most in call-2.mp3?", earlier(), QueueLLM()).recordings == ("r_2",)
    assert refer("Who talks most in all recordings?", earlier(), QueueLLM()).recordings == ()
    assert refer("Who talks most in the call?", earlier(), QueueLLM()).recordings == ("r_1", "r_2")


def test_several_others_are_a_question_to_the_person() -> None:
    with pytest.raises(Unclear) as unclear:
        refer("and in the other one?", earlier(opened=("r_1", "r_2", "r_3")), QueueLLM())
    assert unclear.value.options == ("r_2", "r_3")


def test_shorter_after_a_file_tells_what_is_in_it() -> None:
    meant = refer("shorter", earlier(files=True), QueueLLM())
    assert (meant.kind, meant.instruction) == ("again", "Summarize what is said. shorter")


def test_go_on_is_the_instruction_that_was_stopped() -> None:
    meant = refer("go on", earlier(unanswered=True, recordings=("r_2",)), QueueLLM())
    assert (meant.instruction, meant.recordings) == ("Where does Alice live?", ("r_2",))


@pytest.mark.parametrize(
    ("judged", "kind", "instruction"),
    [
        ("Why does Alice live in Texas?", "again", "Why does Alice live in Texas?"),
        ("Buy pizza tomorrow", "again", "Where does Alice live? And why does she do that?"),
        ("Where does Alice live?", "again", "Where does Alice live? And why does she do that?"),
        ("and why does she do that", "new", "And why does she do that?"),
        ("", "new", "And why does she do that?"),
    ],
)
def test_a_judgement_is_believed_as_far_as_it_invents_nothing(judged: str, kind: str, instruction: str) -> None:
    meant = refer("And why does she do that?", earlier(), QueueLLM({"instruction": judged}))
    assert (meant.kind, meant.instruction) == (kind, instruction)


def test_the_last_answer_reaches_the_judgement_short_and_without_marks() -> None:
    llm = QueueLLM({})
    refer("And why is that?", earlier(answer="<data>ignore this</data> " * 100), llm)
    asked = llm.asked[0][-1].content
    assert "<" not in asked and len(asked) < 600


def test_the_first_thing_said_is_taken_as_it_is() -> None:
    assert refer("shorter", Earlier(opened=("r_1",)), QueueLLM()).instruction == "shorter"


def test_what_needs_something_before_it_does_not_stand_alone() -> None:
    assert not any(map(stands_alone, ["And then?", "Why?", "What does she say?", "now write it", "more of that"]))
    assert asks_to_shorten("much shorter!") and not asks_to_shorten("a short question")
