"""A stranger stays a stranger, and a known person is known, on every face."""

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client
from mcp_types import ElicitResult

from agent.toolset import Steps, langchain_tools
from auricle.settings import Settings
from tests.cli_kit import CommandLine, command_line
from tests.fakes import conversation, fake_engines
from tests.mcp_kit import talk
from tests.test_voiceprints import ALICE, BOB, CARL
from tools.catalog import catalog
from tools.toolbox import Toolbox
from tools.work import Quiet


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return command_line(capsys, monkeypatch)


@pytest.fixture
def monday(tmp_path: Path) -> Path:
    return conversation(tmp_path / "monday.wav", [ALICE, BOB] * 3)


@pytest.fixture
def tuesday(tmp_path: Path) -> Path:
    return conversation(tmp_path / "tuesday.wav", [CARL, ALICE] * 3)


def test_on_the_command_line_a_stranger_has_no_name(auricle: CommandLine, monday: Path, tuesday: Path) -> None:
    before = auricle("speakers", "identify", tuesday, "--json")
    assert {match["name"] for match in before.document["matches"]} == {None}
    refused = auricle("speakers", "enroll", "Alice", monday, "--speaker", "Speaker 1", "--json")
    assert (refused.code, refused.error["code"]) == (2, "not_confirmed")
    auricle("speakers", "enroll", "Alice", monday, "--speaker", "Speaker 1", "--consent", "--until", "2096-01-31")
    found = auricle("speakers", "identify", tuesday, "--json").document
    assert found["recording"].startswith("r_")
    told = [(match["speaker"], match["name"], match["seconds"]) for match in found["matches"]]
    assert told == [("Speaker 1", None, 12.0), ("Speaker 2", "Alice", 12.0)]
    assert all({"speaker", "name", "score", "margin", "seconds"} <= set(match) for match in found["matches"])
    shown = auricle("speakers", "identify", tuesday).out
    assert "a stranger" in shown
    (alice,) = auricle("speakers", "list", "--json").document["people"]
    assert (alice["name"], alice["until"]) == ("Alice", "2096-01-31")


def test_earlier_recordings_are_shown_then_labelled_then_taken_back_and_forgotten(
    auricle: CommandLine, monday: Path, tuesday: Path
) -> None:
    auricle("diarize", tuesday)
    auricle("speakers", "enroll", "Alice", monday, "--speaker", "Speaker 1", "--consent")
    preview = auricle("speakers", "label", "--json").document
    assert (preview["would_label"], preview["labelled"]) == (1, 0)
    assert auricle("speakers", "label", "--yes", "--json").document["labelled"] == 1
    assert "Alice" in auricle("show", tuesday, "--json").document["speakers"][1]["speaker"]
    assert "labelled by voice: Alice" in auricle("speakers", "history", tuesday).out
    auricle("speakers", "undo", tuesday)
    assert auricle("speakers", "history", tuesday).out.startswith("(undone)")
    auricle("speakers", "redo", tuesday)
    assert auricle("speakers", "forget", "Alice", "--json").error["code"] == "not_confirmed"
    assert auricle("speakers", "forget", "Alice", "--yes").code == 0
    assert auricle("speakers", "list", "--json").document["people"] == []
    assert [talk["speaker"] for talk in auricle("show", tuesday, "--json").document["speakers"]] == [
        "Speaker 1",
        "Speaker 2",
    ]


def test_voices_are_corrected_from_the_command_line(auricle: CommandLine, monday: Path) -> None:
    auricle("diarize", monday)
    assert auricle("speakers", "rename", monday, "Speaker 1", "Alice", "--json").document["speakers"]["Alice"] == 12.0
    auricle("speakers", "reassign", monday, "Alice", "--start", "4", "--end", "8")
    assert auricle("speakers", "split", monday, "Alice", "--start", "0:00", "--end", "0:04").code == 0
    assert auricle("speakers", "merge", monday, "Speaker 3", "Alice", "--json").document["speakers"] == {
        "Alice": 16.0,
        "Speaker 2": 8.0,
    }


def test_over_mcp_a_voice_is_learnt_only_with_the_persons_yes_and_a_stranger_stays_one(
    settings: Settings, monday: Path, tuesday: Path
) -> None:
    toolbox = Toolbox(settings, engines=fake_engines())
    first, second = (toolbox.add_recording(str(path)).id for path in (monday, tuesday))
    toolbox.diarize(first)
    toolbox.diarize(second)
    call = {"action": "enroll", "name": "Alice", "recording": first, "speaker": "Speaker 1"}
    asked: list[str] = []

    async def no_one(client: Client) -> None:
        done = await client.call_tool("known_voices", call)
        assert "Put the question to the person" in json.dumps(done.structured_content)

    async def says_yes(context: Any, question: Any) -> ElicitResult:
        asked.append(question.message)
        return ElicitResult(action="accept", content={"yes": True})

    async def with_a_person(client: Client) -> None:
        done = await client.call_tool("known_voices", call)
        assert not done.is_error
        found = await client.call_tool("identify_speakers", {"recording": second})
        assert found.structured_content is not None
        assert [match["name"] for match in found.structured_content["matches"]] == [None, "Alice"]

    talk(toolbox, settings, [monday.parent], no_one)
    assert toolbox.known_voices("list").people == []
    talk(toolbox, settings, [monday.parent], with_a_person, elicitation_callback=says_yes)
    assert len(asked) == 1
    assert "Does Alice agree" in asked[0]
    toolbox.close()


def test_an_agent_cannot_learn_a_voice_by_itself_and_its_stranger_stays_one(
    settings: Settings, monday: Path, tuesday: Path, auricle: CommandLine
) -> None:
    auricle("speakers", "enroll", "Alice", monday, "--speaker", "Speaker 1", "--consent")
    toolbox = Toolbox(settings, engines=fake_engines())
    recording = toolbox.add_recording(str(tuesday)).id
    toolbox.diarize(recording)
    tools = {tool.name: tool for tool in langchain_tools(catalog(), Steps(toolbox, Quiet(), None, catalog()))}
    found = tools["identify_speakers"].invoke({"recording": recording, "label": True})
    assert '"name":null' in found
    assert [talk.speaker for talk in toolbox.describe_recording(recording).speakers] == ["Speaker 1", "Alice"]
    with pytest.raises(Exception, match="only with that person's consent"):
        tools["known_voices"].invoke(
            {"action": "enroll", "name": "Carl", "recording": recording, "speaker": "Speaker 1"}
        )
    assert [person.name for person in toolbox.known_voices("list").people] == ["Alice"]
    toolbox.close()
