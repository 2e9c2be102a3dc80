"""Instructions carried out by the real local model, with the real engines, on the recording pyannote.audio carries."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

import prompts
from agent.conversation import Conversation
from agent.run import Answer, ask
from agent.toolset import tool_lines
from auricle.errors import BadArgument
from auricle.settings import Settings
from engines.llamacpp import open_local
from tests.sample import sample
from tools.catalog import catalog
from tools.toolbox import Toolbox

pytestmark = pytest.mark.models


@pytest.fixture(scope="module")
def toolbox(thinking_toolbox: Toolbox) -> Toolbox:
    return thinking_toolbox


@pytest.fixture(scope="module")
def recording(toolbox: Toolbox) -> str:
    return toolbox.add_recording(str(sample())).id


@pytest.fixture(scope="module")
def asking(toolbox: Toolbox, recording: str) -> Callable[[str], Answer]:
    """Asks about the sample."""
    return lambda instruction: ask(instruction, [recording], toolbox)


def tools(answer: Answer) -> list[str]:
    return [step.tool for step in answer.steps]


def test_the_demonstration(asking: Callable[[str], Answer]) -> None:
    answer = asking("This is a phone call between Diane and Sheila. Diarize it and write it as Q&A.")
    assert tools(answer) == ["transcribe", "diarize", "name_speakers", "export_transcript"]
    assert answer.steps[1].arguments["speakers"] == 2
    assert answer.steps[2].arguments["people"] == ["Diane", "Sheila"]
    (file,) = answer.files
    written = Path(file).read_text(encoding="utf-8")
    assert any("Diane" in line and "This is Diane in New Jersey" in line for line in written.splitlines())
    assert any("Sheila" in line and "And I'm Sheila" in line for line in written.splitlines())
    assert answer.model == "local:qwen2.5-coder-1.5b"


def test_a_question_is_answered_with_the_words_it_rests_on(asking: Callable[[str], Answer]) -> None:
    answer = asking("What does Sheila say she is called down there?")
    assert "yankee" in answer.answer.lower()
    assert any("Yankee" in citation.quote and citation.verified for citation in answer.citations)


def test_who_speaks_at_a_time(asking: Callable[[str], Answer]) -> None:
    answer = asking("Who speaks at 0:20?")
    assert "Diane" in answer.answer
    assert any(citation.start <= 20 <= citation.end for citation in answer.citations)


def test_a_part_is_cut_out(asking: Callable[[str], Answer]) -> None:
    answer = asking("Cut out 0:10 to 0:15 as mp3")
    assert tools(answer) == ["slice_audio"]
    assert Path(answer.files[0]).suffix == ".mp3"


def test_only_a_part_is_transcribed(asking: Callable[[str], Answer]) -> None:
    answer = asking("Transcribe only from 0:12 to 0:20")
    assert [(step.tool, step.arguments.get("start"), step.arguments.get("end")) for step in answer.steps] == [
        ("transcribe", "0:12", "0:20")
    ]


def test_what_is_not_said_is_not_in_the_recording(asking: Callable[[str], Answer]) -> None:
    answer = asking("Did they talk about pizza?")
    assert answer.answer.startswith("That is not in the recording.") and answer.citations == []


def test_a_time_past_the_end_is_refused(asking: Callable[[str], Answer]) -> None:
    with pytest.raises(BadArgument, match="past the end"):
        asking("Cut out 1:00 to 2:00")


def test_a_conversation_refers_back(toolbox: Toolbox, recording: str) -> None:
    chat = Conversation(toolbox)
    chat.open([recording])
    chat.say("This is a phone call between Diane and Sheila. Write it as Q&A.")
    (file,) = chat.say("only Sheila").files
    written = Path(file).read_text(encoding="utf-8")
    assert "all call me a Yankee" in written and "This is Diane" not in written
    question = chat.say("What does Sheila say she is called down there?")
    assert "yankee" in question.answer.lower()
    shorter = chat.say("shorter")
    assert len(shorter.answer) <= len(question.answer) and shorter.citations == question.citations
    chat.close()


def test_the_tools_are_told_in_under_900_tokens(tmp_path: Path) -> None:
    llm = open_local("", Settings(home=tmp_path))
    assert llm.count(prompts.load("plan", tools=tool_lines(catalog()))) < 900
    whole = [[spec.name, spec.description, spec.parameters.model_json_schema()] for spec in catalog()]
    assert llm.count(json.dumps(whole)) < 5_000  # test_mcp_tools.py counts without a model
    llm.close()
