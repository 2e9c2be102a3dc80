"""Numbers about a talk: what is asked for, and how it is told."""

import pytest

from agent.counting import counted_words, counts_in, only_counts
from tests.agent_fakes import FakeToolbox, QueueLLM, plan, run


@pytest.mark.parametrize(
    ("instruction", "kinds"),
    [
        ("How long is this recording?", ["length"]),
        ("How many people speak?", ["people"]),
        ("Wer redet am meisten?", ["talk"]),
        ("How much does each of them talk?", ["talk"]),
        ("Who speaks faster?", ["rate"]),
        ("How many words per minute does Ann speak?", ["rate"]),
        ("How often does Ben interrupt?", ["interruptions"]),
        ("What is the longest pause?", ["silence"]),
        ("How many questions does the host ask?", ["questions"]),
        ("How often is the word refund said?", ["words"]),
        ("How many words are said?", ["words"]),
    ],
)
def test_numbers_about_the_talk_are_recognised(instruction: str, kinds: list[str]) -> None:
    assert counts_in(instruction) == kinds
    assert only_counts(instruction)


@pytest.mark.parametrize(
    "instruction",
    [
        "How long is the warranty?",
        "How often do they meet?",
        "How many chairs did they order?",
        "How much does Ben say the repair costs?",
        "Why did she interrupt him?",
        "Can it be shipped faster?",
        "What is said about the silence in the church?",
        "Who is the tallest?",
    ],
)
def test_numbers_that_somebody_says_are_not_counted(instruction: str) -> None:
    assert counts_in(instruction) == []


@pytest.mark.parametrize(
    ("instruction", "words"),
    [
        ("How many times is the gabelle mentioned?", "gabelle"),
        ("How often is the word salt tax said?", "salt tax"),
        ('How often does he say "you know"?', "you know"),
        ("How many times do they say Canberra in the call?", "Canberra"),
        ("How often does she interrupt?", None),
        ("How many people are there?", None),
    ],
)
def test_the_word_to_count_is_read_from_the_instruction(instruction: str, words: str | None) -> None:
    assert counted_words(instruction) == words


def test_a_word_is_counted_by_the_tool_and_not_by_the_model() -> None:
    toolbox = FakeToolbox()
    llm = QueueLLM(plan({"tool": "search_transcript", "words": "beep, New Jersey"}))
    answer = run('How many times do they say "New Jersey"?', toolbox, llm)
    assert answer.answer == "It is said 2 times (Diane 2), at 0:14, 0:20."
    assert toolbox.calls[-1] == ("measure_talk", {"recording": "r_1", "words": "New Jersey"})
    assert "diarize" not in [name for name, _ in toolbox.calls]


@pytest.mark.parametrize(
    ("instruction", "told"),
    [
        ("How long is the call?", "It is 0:30 long (30 seconds)."),
        ("Who speaks faster?", "Words per minute: Diane 250, Sheila 218. Diane speaks fastest."),
        ("How often does Sheila interrupt?", "1 interruption: Sheila once."),
        ("What is the longest silence?", "Nobody speaks during 8 s. The longest silence is 0:00–0:06 (6.5 s)."),
        ("How many questions are asked?", "3 questions are asked: Sheila 2, Diane 1."),
        ("Who has the longest turn?", "Sheila has the longest turn: 6 s from 0:14."),
        ("Do they talk over each other?", "People speak at the same time during 1.5 s."),
    ],
)
def test_the_numbers_that_were_asked_for_are_told(instruction: str, told: str) -> None:
    answer = run(instruction, FakeToolbox(), QueueLLM(plan({"tool": "answer", "question": instruction})))
    assert answer.answer == told


def test_the_length_needs_no_listening() -> None:
    toolbox = FakeToolbox()
    run("How long is the recording?", toolbox, QueueLLM(plan({"tool": "answer", "question": "How long is it?"})))
    assert not {"transcribe", "diarize"} & {name for name, _ in toolbox.calls}


def test_a_part_is_counted_where_a_part_is_asked_about() -> None:
    toolbox = FakeToolbox()
    run("Who talks most from 0:10 to 0:20?", toolbox, QueueLLM(plan({"tool": "talk_time"})))
    assert toolbox.calls[-1] == ("measure_talk", {"recording": "r_1", "start": "0:10", "end": "0:20"})
