"""Which way a question is answered, and what it may not take for granted."""

import json

import pytest

from agent.answer import NOT_THERE
from agent.extracting import keys_in
from agent.focus import focus, nearest
from agent.grounding import only_repeats
from agent.notes import asks_for_minutes, notes, notes_in
from agent.premises import absent_names, namesakes
from agent.responding import is_of_each, respond, respond_each
from agent.verify import SpokenLine, find_quote, quotes_in
from tests.agent_fakes import FakeToolbox, QueueLLM, plan, run

MEETING = [
    ("Rosa", "Hello everybody, I'll lead us through this."),
    ("Rosa", "The van costs nine thousand. I like the old one."),
    ("Theo", "Could we sell the old one?"),
    ("Rosa", "Then we decided: the van is bought in May."),
    ("Theo", "Fine. I'll call the dealer by Tuesday."),
    ("Rosa", "Ines, can you check the insurance?"),
    ("Ines", "Sure. It was cheaper last year."),
    ("Rosa", "Theo, could you live with the blue one?"),
    ("Theo", "I can. We could paint it."),
    ("Rosa", "And a second garage? We can't do that now. Let's turn it down."),
    ("Ines", "Who waters the plants?"),
    ("Theo", "I'll do it."),
    ("Ines", "I'll never understand you two."),
    ("Rosa", "So: Theo calls the dealer, and Max paints the garage. Who sends the bill?"),
    ("Theo", "It takes a week."),
]


def spoken(said: list[tuple[str, str]]) -> list[SpokenLine]:
    return [SpokenLine("r_1", 5.0 * at, 5.0 * at + 4, who, text) for at, (who, text) in enumerate(said)]


def noted(kind: str) -> list[tuple[str | None, str]]:
    return [(note.who, note.quote) for note in notes(spoken(MEETING)) if note.kind == kind]


def test_what_is_settled_is_a_decision_and_a_wish_is_none() -> None:
    assert noted("decision") == [
        ("Rosa", "Then we decided: the van is bought in May."),
        ("Rosa", "Let's turn it down."),
    ]


def test_what_somebody_takes_on_or_agrees_to_is_their_task() -> None:
    assert noted("task") == [
        ("Theo", "I'll call the dealer by Tuesday."),
        ("Ines", "Ines, can you check the insurance?"),
        ("Theo", "I'll do it."),
        ("Theo, Max", "So: Theo calls the dealer, and Max paints the garage."),
    ]


def test_every_note_is_a_quote_of_its_line() -> None:
    lines = spoken(MEETING)
    found = respond("What was decided, and which tasks are there?", lines, "", QueueLLM())
    assert len(quotes_in(found.text)) == 6
    assert all(find_quote(quote, found.lines) for quote in quotes_in(found.text))


def test_minutes_have_a_summary_and_both_kinds_of_notes() -> None:
    llm = QueueLLM({"answer": "Rosa, Theo and Ines buy a van.", "lines": [4]})
    found = respond("Write the minutes with owners.", spoken(MEETING), "", llm)
    assert found.text.startswith("Rosa, Theo and Ines buy a van.\n\nDecisions:\n- [0:15] Rosa: “Then we decided")
    assert "Action items:\n- [0:20] Theo: “I'll call the dealer by Tuesday.”" in found.text


@pytest.mark.parametrize(
    ("instruction", "kinds"),
    [
        ("What was decided, and by whom?", ["decision"]),
        ("List the action items with owners.", ["task"]),
        ("Who does what?", ["task"]),
        ("Minutes, please.", ["decision", "task"]),
        ("Was wurde beschlossen?", ["decision"]),
        ("When do they decide on the price?", []),
        ("What did they decide about the van?", []),
        ("Transcribe the last ten minutes.", []),
        ("The first 2 minutes as srt", []),
    ],
)
def test_notes_are_taken_where_all_decisions_or_tasks_are_asked_for(instruction: str, kinds: list[str]) -> None:
    assert notes_in(instruction) == kinds
    assert asks_for_minutes(instruction) == (len(kinds) == 2)


@pytest.mark.parametrize(
    ("instruction", "keys"),
    [
        ("Give me JSON with the keys customer, problem and solution.", ["customer", "problem", "solution"]),
        ('Answer as JSON: {"topic": ..., "people": [...]}', ["topic", "people"]),
        ("A JSON object with fields order_number, delivery date", ["order_number", "delivery date"]),
        ("Als JSON mit den Feldern Kunde und Termin", ["Kunde", "Termin"]),
        ("JSON with topic and place", ["topic", "place"]),
        ("Export the transcript as JSON", []),
        ("Export the transcript as JSON with the speakers.", []),
        ("What are the keys for?", []),
    ],
)
def test_the_keys_of_an_object_are_read_from_the_instruction(instruction: str, keys: list[str]) -> None:
    assert keys_in(instruction) == keys


def test_json_has_the_keys_that_were_asked_for_and_nothing_beside_it() -> None:
    instruction = "Give me JSON with the keys caller, city and pets."
    toolbox = FakeToolbox()
    llm = QueueLLM(
        plan({"tool": "export_transcript", "format": "json"}),
        {"lines": [5], "caller": "Diane", "city": None, "pets": []},
    )
    answer = run(instruction, toolbox, llm)
    assert json.loads(answer.answer) == {"caller": "Diane", "city": None, "pets": []}
    assert "export_transcript" not in [name for name, _ in toolbox.calls]
    assert answer.citations


def test_a_person_whom_nobody_knows_is_not_in_the_recording() -> None:
    lines = spoken(MEETING)
    found = respond("What did Johanna promise?", lines, "", QueueLLM())
    assert not found.found
    assert found.text == f"{NOT_THERE} Nobody says anything of Johanna, or is called so."


@pytest.mark.parametrize(
    "question",
    [
        "What did Theo promise?",
        "What does Teo say?",  # as somebody else spells it
        "Johanna is the host. What does she say?",
        "Wann kommt der Handwerker mit dem Wagen?",
        "What happens on Tuesday?",
    ],
)
def test_names_that_are_there_introduced_or_no_names_are_let_through(question: str) -> None:
    assert absent_names(question, spoken(MEETING)) == []


def test_where_two_have_one_name_both_are_answered_for() -> None:
    said = [("Sam Keller", "I'll bring the lamps."), ("Sam Ortiz", "I'll bring the chairs.")]
    llm = QueueLLM({"lines": [1], "answer": "The lamps."}, {"lines": [2], "answer": "The chairs."})
    found = respond("What does Sam bring?", spoken(said), "", llm)
    assert found.text == (
        "2 people are called Sam: Sam Keller and Sam Ortiz.\nSam Keller: The lamps.\nSam Ortiz: The chairs."
    )
    assert len(found.lines) == 2
    assert namesakes("What does Sam Ortiz bring?", spoken(said)) == {}


def test_of_several_recordings_each_is_summarized_by_itself() -> None:
    parts = {"monday.wav": spoken(MEETING), "friday.wav": spoken([("Ann", "It rained.")])}
    llm = QueueLLM({"answer": "They buy a van.", "lines": [4]}, {"answer": "It rained.", "lines": [1]})
    found = respond_each("Summarize them.", parts, "", llm)
    assert found.text == "monday.wav: They buy a van.\n\nfriday.wav: It rained."
    llm = QueueLLM({"lines": [], "topic": "van"}, {"lines": [], "topic": "rain"})
    found = respond_each("JSON with the key topic.", parts, "", llm)
    assert json.loads(found.text) == {"monday.wav": {"topic": "van"}, "friday.wav": {"topic": "rain"}}
    assert is_of_each("What was decided?")
    assert not is_of_each("Which of them is about rain?")


def test_a_question_is_looked_for_around_the_words_it_shares_the_rarer_the_better() -> None:
    lines = spoken(MEETING)
    near = focus("Who calls the dealer, and by when?", lines)
    assert lines[4] in near
    assert len(near) < len(lines)
    assert near == sorted(near, key=lambda line: line.start)
    assert focus("Wo ist das Fahrrad?", lines) == []  # no word is shared: all is read
    assert focus("Who calls the dealer?", lines[:6]) == []  # few lines are read as they are


def test_what_is_not_found_nearby_is_looked_for_in_all_of_it() -> None:
    llm = QueueLLM({"answer": "", "lines": []}, {"answer": "Theo does.", "lines": [12]})
    found = respond("Who calls the plumber about the dealer?", spoken(MEETING), "", llm)
    assert found.text == "Theo does."
    assert "I'll do it." in [line.text for line in found.lines]
    assert len(llm.asked) == len(llm.judged) == 2


def test_what_the_model_denies_of_the_lines_it_is_not_asked_to_tell() -> None:
    llm = QueueLLM()
    llm.tells = False
    found = respond("What does the dealer charge?", spoken(MEETING), "The call.", llm)
    assert (found.found, found.text) == (False, NOT_THERE)
    assert len(llm.judged) == 2  # nearby, then all of it
    assert all(asked.startswith("The call.") and "What does the dealer charge?" in asked for asked in llm.judged)


@pytest.mark.parametrize(
    ("question", "text", "repeats"),
    [
        ("What is in the parcel?", "The parcel.", True),
        ("What is in the parcel?", "The parcel is from Leeds.", False),
        ("How many are there?", "There are 8.", False),
        ("Is it in the parcel?", "It is in the parcel.", False),  # that says yes
        ("Was ist in dem Paket?", "Das Paket.", False),  # in other languages the model is believed
    ],
)
def test_an_answer_says_more_than_the_question(question: str, text: str, repeats: bool) -> None:
    assert only_repeats(question, text) is repeats


def test_a_line_that_the_model_misses_by_one_is_put_right() -> None:
    llm = QueueLLM({"answer": "He sends the bill by Friday.", "lines": [1]})
    found = respond(
        "Who sends the bill?", spoken([("Max", "Well."), ("Theo", "I send the bill."), ("Max", "Fine.")]), "", llm
    )
    assert [line.text for line in found.lines] == ["I send the bill."]


def test_a_place_that_has_no_word_of_the_question_gives_way_to_the_one_that_has_most() -> None:
    lines = spoken(MEETING)
    assert nearest("Cut out where they talk about the insurance.", lines, [lines[0]]) == [lines[5]]
    assert nearest("Cut out where they talk about the insurance.", lines, [lines[5], lines[6]]) == lines[5:7]
    assert nearest("Wo ist das Fahrrad?", lines, [lines[0]]) == [lines[0]]
    # What was asked counts more than what a model made of it.
    assert nearest("What about the insurance?", lines, [], "It is decided in May.") == [lines[5]]
    assert nearest("What about it?", lines, [], "The van is bought in May.") == [lines[3]]
