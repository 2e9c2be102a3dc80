"""Plans: what a model proposes, and what code makes of it."""

from pathlib import Path
from typing import Any

import pytest

import prompts
from agent.about import ABOUT, asks_for_recordings, asks_of_itself
from agent.moments import moments_in
from agent.opening import opening
from agent.plan import Plan, mend, propose
from agent.state import OpenRecording
from agent.toolset import NOT_FOR_AGENTS, PLANNED, openai_tools, plan_schema, tool_lines
from agent.wording import asks_where_said, people_in, speakers_in
from engines.chat_format import estimate_tokens
from tests.agent_fakes import FakeToolbox, QueueLLM, fake_catalog, run
from tools.catalog import catalog

CALL = OpenRecording(id="r_1", name="call.wav", duration=250.0, count={})
OTHER = OpenRecording(id="r_2", name="visit.wav", duration=100.0, count={})


def plan_of(
    instruction: str, *steps: dict[str, Any], people: tuple[str, ...] = (), speakers: int = 0, listen: bool = True
) -> Plan:
    proposed = {"people": list(people), "speakers": speakers, "steps": list(steps)}
    return mend(proposed, instruction, [CALL], listen)


def calls(plan: Plan) -> list[tuple[str, dict[str, Any]]]:
    """Tools and arguments, without the recording and the page size that every one has."""
    hidden = {"recording", "max_tokens"}
    return [
        (call["tool"], {key: value for key, value in call["arguments"].items() if key not in hidden})
        for call in plan.calls
    ]


@pytest.mark.parametrize(
    ("instruction", "ranges", "points"),
    [
        ("Captions of the first minute", [(0, 60)], []),
        ("Cut 1:05 to 1:40 out", [(65, 100)], []),
        ("Save from 12 to 18 seconds", [(12, 18)], []),
        ("from 2 to 3 minutes", [(120, 180)], []),
        ("the last 10 seconds", [(240, None)], []),
        ("everything after 3:00", [(180, None)], []),
        ("until 0:45", [(0, 45)], []),
        ("Wer spricht zwischen 1:00 und 1:30?", [(60, 90)], []),
        ("the first two minutes and the last minute", [(0, 120), (190, None)], []),
        ("Who speaks at 0:20?", [], [20]),
        ("Cut out 0:20 to 0:10", [(20, 10)], []),
        ("It is a 30 minute call of 2 people from 2019", [], []),
        ("at 1:02:03", [], [3723]),
    ],
)
def test_times_are_read_in_the_instruction(instruction: str, ranges: list[Any], points: list[float]) -> None:
    found = moments_in(instruction, duration=250)
    assert list(found.ranges) == ranges
    assert list(found.points) == points


@pytest.mark.parametrize(
    ("instruction", "proposed", "people"),
    [
        ("A call between Diane and Sheila.", ["diane", "Sheila", "Max"], ["Diane", "Sheila"]),
        ("What does the caller want?", ["caller"], []),
        ("what does anna want?", ["Anna"], ["anna"]),
        ("Joanna talks", ["Anna", "", "  "], []),
    ],
)
def test_only_people_the_instruction_names_are_people(instruction: str, proposed: list[str], people: list[str]) -> None:
    assert people_in(instruction, proposed) == people


@pytest.mark.parametrize(
    ("instruction", "proposed", "people", "count"),
    [
        ("There are three people in here", 0, [], 3),
        ("with 4 speakers", 2, [], 4),
        ("Tell 0 speakers apart", 0, [], 0),
        ("A call between Diane and Sheila", 0, ["Diane", "Sheila"], 2),
        ("Ann, Ben and Eve discuss", 3, ["Ann", "Ben", "Eve"], 3),
        ("What does Sheila say to Diane?", 0, ["Sheila", "Diane"], None),
        ("Who talks most?", 7, [], None),
        ("Tell me who Marta is", 1, ["Marta"], None),
    ],
)
def test_speakers_are_counted_where_the_instruction_does(
    instruction: str, proposed: int, people: list[str], count: int | None
) -> None:
    assert speakers_in(instruction, proposed, people) == count


def test_the_demonstration_is_planned_in_full_from_its_last_step() -> None:
    plan = plan_of(
        "This is a phone call between Diane and Sheila. Diarize it and write it as Q&A.",
        {"tool": "export_transcript", "format": "qa"},
        {"tool": "diarize"},
        people=("Diane", "Sheila"),
        speakers=2,
    )
    assert calls(plan) == [
        ("transcribe", {}),
        ("diarize", {"speakers": 2}),
        ("name_speakers", {"people": ["Diane", "Sheila"]}),
        ("export_transcript", {"format": "qa"}),
    ]
    assert [outcome["kind"] for outcome in plan.outcomes] == ["export_transcript"]


def test_a_format_that_is_named_is_written_even_if_the_model_forgot() -> None:
    plan = plan_of("Diarize it and write it as Q&A.", {"tool": "answer", "question": "Who is it?"})
    assert ("export_transcript", {"format": "qa"}) in calls(plan)
    assert [outcome["kind"] for outcome in plan.outcomes] == ["export_transcript"]


def test_a_range_limits_what_is_listened_to() -> None:
    question = "What do they agree on between 0:30 and 2:15?"
    plan = plan_of(question, {"tool": "answer", "question": question, "start": "0:00"})
    stretch = {"start": "0:30", "end": "2:15"}
    assert calls(plan) == [("transcribe", stretch), ("read_transcript", stretch)]


def test_of_a_long_recording_voices_are_told_apart_where_the_question_is() -> None:
    for duration, start, end in ((3 * 3600.0, "41:00", "43:00"), (800.0, "11:00", "13:00")):
        question = f"Who speaks between {start} and {end}?"
        proposed = {"people": [], "speakers": 0, "steps": [{"tool": "answer", "question": question}]}
        opened = OpenRecording(id="r_1", name="board.wav", duration=duration, count={})
        plan = mend(proposed, question, [opened], True)
        told = next(arguments for tool, arguments in calls(plan) if tool == "diarize")
        assert told == ({"start": start, "end": end} if duration > 3600 else {})


def test_times_that_nobody_named_are_dropped() -> None:
    plan = plan_of("Subtitles please", {"tool": "export_transcript", "format": "srt", "start": "0:00", "end": "4:10"})
    assert calls(plan) == [("transcribe", {}), ("export_transcript", {"format": "srt"})]


def test_a_wrong_order_of_times_reaches_the_tool_that_refuses_it() -> None:
    plan = plan_of("Cut out 0:20 to 0:10", {"tool": "slice_audio", "start": "0:10", "end": "0:20"})
    assert calls(plan) == [("slice_audio", {"start": "0:20", "end": "0:10"})]


def test_the_last_seconds_end_with_the_recording() -> None:
    plan = plan_of("Save the last 20 seconds as ogg", {"tool": "slice_audio", "start": "0", "end": "20"})
    assert calls(plan) == [("slice_audio", {"start": "3:50", "end": 250.0})]


def test_a_question_nobody_asked_is_not_answered() -> None:
    plan = plan_of(
        "Tom and Rita discuss the budget: write it as questions and answers.",
        {"tool": "answer", "question": "What is the budget?"},
        people=("Tom", "Rita"),
    )
    assert [outcome["kind"] for outcome in plan.outcomes] == ["export_transcript"]


def test_a_question_in_other_words_is_kept_beside_a_file() -> None:
    plan = plan_of(
        "Export it as json and tell me what Nora ordered.",
        {"tool": "export_transcript", "format": "json"},
        {"tool": "answer", "question": "What did Nora order?"},
    )
    assert [outcome["kind"] for outcome in plan.outcomes] == ["export_transcript", "answer"]


def test_a_search_and_a_reading_for_the_same_question_are_one() -> None:
    question = "Summarize everything after 2:00 in one sentence."
    plan = plan_of(question, {"tool": "search_transcript", "words": "2:00"}, {"tool": "answer", "question": question})
    assert len(plan.outcomes) == 1


def test_counting_is_not_left_to_the_model() -> None:
    step = {"tool": "search_transcript", "words": "deadline"}
    assert calls(plan_of("How often is the word deadline mentioned?", step))[-1] == (
        "measure_talk",
        {"words": "deadline"},
    )


def test_a_summary_of_a_part_is_kept_beside_another_step() -> None:
    plan = plan_of(
        "Do they ever mention the price? And summarize the ending after 3:00.",
        {"tool": "search_transcript", "words": "price"},
        {"tool": "export_transcript", "format": "txt", "start": "3:00", "end": "3:00"},
    )
    assert [outcome["kind"] for outcome in plan.outcomes] == ["search_transcript", "answer"]
    assert calls(plan)[-1] == ("read_transcript", {"start": "3:00"})


def test_sound_without_times_is_looked_for_in_the_words() -> None:
    plan = plan_of("Cut out where she talks about the refund as mp3", {"tool": "slice_audio", "format": "mp3"})
    assert [tool for tool, _ in calls(plan)] == ["transcribe", "read_transcript"]
    assert plan.outcomes[0]["kind"] == "cut_where"
    assert plan.outcomes[0]["arguments"]["format"] == "mp3"


def test_a_question_that_the_model_would_search_for_is_read_for() -> None:
    plan = plan_of("What does Sheila say she is called?", {"tool": "search_transcript", "words": "Sheila"})
    assert [tool for tool, _ in calls(plan)] == ["transcribe", "read_transcript"]
    places = plan_of("Where do they mention Chicago?", {"tool": "search_transcript", "words": "Chicago"})
    assert calls(places) == [("transcribe", {}), ("search_transcript", {"words": "Chicago"})]


def test_who_needs_voices_and_names() -> None:
    plan = plan_of("What was decided, and by whom?", {"tool": "answer", "question": "What was decided, and by whom?"})
    assert [tool for tool, _ in calls(plan)] == ["transcribe", "diarize", "name_speakers", "read_transcript"]


@pytest.mark.parametrize(
    ("instruction", "kind"),
    [
        ("Write it down as a Word document", "docx"),
        ("Make a web page of it", "html"),
        ("Export a TextGrid", "textgrid"),
    ],
)
def test_a_document_names_who_speaks(instruction: str, kind: str) -> None:
    plan = plan_of(instruction, {"tool": "export_transcript", "format": "txt"})
    assert [tool for tool, _ in calls(plan)] == ["transcribe", "diarize", "name_speakers", "export_transcript"]
    assert calls(plan)[-1][1]["format"] == kind


def test_turns_alone_need_no_words() -> None:
    plan = plan_of("Export as rttm, there are 4 speakers", {"tool": "export_transcript", "format": "rttm"})
    assert calls(plan) == [("diarize", {"speakers": 4}), ("export_transcript", {"format": "rttm"})]


def test_a_translation_is_made_only_where_it_is_asked_for() -> None:
    step = {"tool": "transcribe", "language": "es", "translate": True}
    txt = {"tool": "export_transcript", "format": "txt"}
    assert calls(plan_of("Write it as a text file", step, txt)) == [
        ("transcribe", {}),
        ("export_transcript", {"format": "txt"}),
    ]
    assert calls(plan_of("Translate this Spanish into English text", step, txt)) == [
        ("transcribe", {"language": "es", "translate": True}),
        ("export_transcript", {"format": "txt", "translated": True}),
    ]


def test_a_file_that_is_named_is_the_one_that_is_written() -> None:
    plan = plan_of("Save subtitles to out/talk.srt.", {"tool": "export_transcript", "format": "srt"})
    assert calls(plan)[-1] == ("export_transcript", {"format": "srt", "path": "out/talk.srt"})


def test_the_same_step_twice_is_one() -> None:
    step = {"tool": "export_transcript", "format": "srt"}
    assert len(plan_of("Subtitles", step, dict(step), {"tool": "diarize"}).outcomes) == 1


def test_small_talk_calls_nothing() -> None:
    plan = plan_of("Hello!", {"tool": "reply", "text": "Hello! Ask me."})
    assert plan.calls == []
    assert plan.outcomes[0]["question"] == "Hello! Ask me."


@pytest.mark.parametrize("proposed", [{}, {"steps": []}, {"steps": [{"tool": "remove_recording"}]}, {"people": None}])
def test_a_plan_that_is_none_becomes_a_reading(proposed: dict[str, Any]) -> None:
    plan = mend(proposed, "What happened?", [CALL])
    assert [call["tool"] for call in plan.calls] == ["transcribe", "read_transcript"]


def test_a_question_to_the_whole_library_listens_to_nothing_new() -> None:
    plan = plan_of("What was said?", {"tool": "answer", "question": "What was said?"}, listen=False)
    assert [tool for tool, _ in calls(plan)] == ["read_transcript"]


def test_each_recording_gets_its_own_steps() -> None:
    step = {"tool": "export_transcript", "format": "srt"}
    both = mend({"steps": [step]}, "Subtitles", [CALL, OTHER])
    assert [call["arguments"]["recording"] for call in both.calls] == ["r_1", "r_1", "r_2", "r_2"]
    one = mend({"steps": [{**step, "recording": "visit.wav"}]}, "Subtitles of visit.wav", [CALL, OTHER])
    assert {call["arguments"]["recording"] for call in one.calls} == {"r_2"}


def test_every_planned_tool_and_parameter_is_in_the_catalog() -> None:
    by_name = {tool.name: tool for tool in catalog()}
    for name, wanted in PLANNED.items():
        assert set(wanted) <= set(by_name[name].parameters.model_fields), name
    assert set(by_name) >= NOT_FOR_AGENTS


def test_nothing_an_agent_may_call_removes_anything() -> None:
    told = [tool["function"]["name"] for tool in openai_tools(catalog())]
    assert "remove_recording" not in told and len(told) <= 10
    assert not any(tool.destructive for tool in catalog() if tool.name in told)


def test_the_plan_offers_a_recording_only_where_there_are_several() -> None:
    one, two = (plan_schema(catalog(), names) for names in (["a.wav"], ["a.wav", "b.wav"]))
    assert "recording" not in str(one)
    assert two["properties"]["steps"]["items"]["anyOf"][0]["properties"]["recording"] == {"enum": ["a.wav", "b.wav"]}


def test_the_model_is_told_the_tools_and_the_instruction() -> None:
    llm = QueueLLM({"people": [], "speakers": 0, "steps": []})
    propose("Who\ntalks?", [CALL], fake_catalog(), llm)
    system, user = llm.asked[0]
    assert "export_transcript" in system.content and user.content == "Instruction: Who talks?"


def test_the_tools_are_told_in_few_words() -> None:
    told = prompts.load("plan", tools=tool_lines(catalog()))
    # Three bytes a token is more than any tokenizer makes of English; the real count is held by the models test.
    assert estimate_tokens(told) < 1200
    assert all(len(line) < 200 for line in tool_lines(catalog()).splitlines())


PLACEHOLDERS = {
    "agent": {"recordings"},
    "agent_again": {"complaints"},
    "answer": set[str](),
    "answer_again": {"complaints"},
    "answer_ask": {"facts", "transcript", "question"},
    "plan": {"tools"},
    "plan_ask": {"instruction"},
    "plan_ask_many": {"recordings", "ask"},
    "relevant": set[str](),
    "summary": set[str](),
    "told": set[str](),
    "told_ask": {"facts", "lines", "question"},
}


@pytest.mark.parametrize("name", PLACEHOLDERS)
def test_a_prompt_has_the_placeholders_its_code_fills(name: str) -> None:
    assert prompts.placeholders(name) == PLACEHOLDERS[name]
    assert "$" not in prompts.load(name, **dict.fromkeys(PLACEHOLDERS[name], "x"))


@pytest.mark.parametrize("name", ["answer", "extract", "summary", "told"])
def test_a_prompt_goes_on_with_examples_in_their_turns(name: str) -> None:
    roles = [role for role, text in prompts.turns(name) if text]
    assert roles[0] == "system" and roles[1:] == ["user", "assistant"] * (len(roles) // 2)
    assert all(message.fixed for message in opening(name))


def test_every_prompt_is_filled_or_has_no_placeholder() -> None:
    for file in Path(prompts.__file__).parent.glob("*.md"):
        assert isinstance(prompts.placeholders(file.stem), set), file


def test_a_missing_or_unknown_placeholder_fails() -> None:
    with pytest.raises(KeyError):
        prompts.load("plan_ask")
    with pytest.raises(ValueError, match="no placeholder"):
        prompts.load("plan_ask", instruction="x", more="y")


def test_a_name_that_the_person_gives_to_a_voice_is_stored_as_it_is() -> None:
    plan = plan_of("Speaker 1 is Paul. Use that name.", {"tool": "name_speakers"}, people=("Paul",), speakers=1)
    assert calls(plan)[-1] == ("name_speakers", {"names": {"Speaker 1": "Paul"}})
    assert ("diarize", {}) in calls(plan)


def test_who_speaks_asks_for_names_and_who_speaks_when_for_turns() -> None:
    assert calls(plan_of("Who speaks in this call?", {"tool": "diarize"}))[-1][0] == "name_speakers"
    assert calls(plan_of("Find out who speaks when.", {"tool": "diarize"}))[-1][0] == "diarize"


def test_the_recording_that_is_named_is_the_one_that_is_asked_about() -> None:
    other = {**CALL, "id": "r_2", "name": "other.wav"}
    proposed = {"people": [], "speakers": 0, "steps": [{"tool": "answer", "question": "What is said?"}]}
    plan = mend(proposed, "What is said in other.wav?", [CALL, other], True)
    assert {call["arguments"]["recording"] for call in plan.calls} == {"r_2"}


@pytest.mark.parametrize(
    ("instruction", "itself", "library"),
    [
        ("Who built you?", True, False),
        ("What can you do?", True, False),
        ("Wer bist du?", True, False),
        ("What are you hearing at 0:10?", False, False),
        ("What can you tell me about the refund?", False, False),
        ("List all recordings.", False, True),
        ("Which recordings are there?", False, True),
        ("In which recordings is the refund mentioned?", False, False),
        ("Which recording is about the kettle?", False, False),
    ],
)
def test_what_is_asked_of_auricle_itself_is_known(instruction: str, itself: bool, library: bool) -> None:
    assert (asks_of_itself(instruction), asks_for_recordings(instruction)) == (itself, library)


def test_no_model_is_asked_who_it_is_or_what_recordings_there_are() -> None:
    assert run("Are you a person?", FakeToolbox(), QueueLLM()).answer == ABOUT
    told = run("Which recordings do I have?", toolbox := FakeToolbox(), QueueLLM())
    assert "sample.wav (0:30, r_1)" in told.answer
    assert [name for name, _ in toolbox.calls if name != "describe_recording"][-1] == "list_recordings"


@pytest.mark.parametrize(
    ("instruction", "looked_up"),
    [
        ("Which of my calls mention the invoice?", True),
        ("In which recordings is the invoice mentioned?", True),
        ("What does Wei say about the invoice?", False),
        ("Which rooms does the flat contain?", False),
    ],
)
def test_which_recordings_mention_a_word_is_looked_up(instruction: str, looked_up: bool) -> None:
    assert asks_where_said(instruction) is looked_up
