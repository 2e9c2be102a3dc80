"""Questions to the person at the client, in both eras, and what is told where nobody can be asked."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, ElicitResult, InputRequiredResult

from auricle.settings import Settings
from mcp_server.asking import NEITHER, Asking, Person
from tests.fakes import FakeRecognizer, fake_engines, tone
from tests.http_kit import connected, serving
from tests.mcp_kit import talk
from tools.toolbox import Toolbox


@pytest.fixture
def toolbox(settings: Settings) -> Iterator[Toolbox]:
    made = Toolbox(settings, engines=fake_engines(recognizer=FakeRecognizer()))
    yield made
    made.close()


@pytest.fixture
def call(toolbox: Toolbox, tmp_path: Path) -> str:
    """Two voices take turns of four seconds, and nobody introduces themselves."""
    recording = toolbox.add_recording(str(tone(tmp_path / "call.wav", 16))).id
    toolbox.transcribe(recording)
    toolbox.diarize(recording, speakers=2)
    return recording


class Asked:
    """A person who answers what they are asked, each question once."""

    def __init__(self, *answers: ElicitResult) -> None:
        self._answers = list(answers)
        self.questions: list[str] = []
        self.schemas: list[dict[str, Any]] = []

    async def __call__(self, context: Any, question: Any) -> ElicitResult:
        self.questions.append(question.message)
        self.schemas.append(question.requested_schema)
        return self._answers.pop(0)


def says(**content: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


def names(toolbox: Toolbox, recording: str) -> list[str | None]:
    return [speaker.name for speaker in toolbox.name_speakers(recording).speakers]


def told(result: CallToolResult) -> dict[str, Any]:
    assert not result.is_error, result
    assert result.structured_content is not None
    return result.structured_content


def test_a_client_that_cannot_ask_is_told_the_question_and_nothing_is_removed(
    call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    async def go(client: Client) -> None:
        left = told(await client.call_tool("remove_recording", {"recording": call}))
        assert left["done"] is False
        assert left["question"] == f"Remove {call} (call.wav) and everything heard in it?"
        assert "was not removed" in left["next"]
        assert f"auricle remove {call} --yes" in left["next"]
        unknown = await client.call_tool("remove_recording", {"recording": "r_0123456789"})
        assert unknown.is_error

    talk(toolbox, settings, [tmp_path], go, mode=mode)
    assert [one.id for one in toolbox.list_recordings().recordings] == [call]


def test_the_person_sees_what_would_be_removed(
    call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    person = Asked(says(yes=True))

    async def go(client: Client) -> None:
        assert (await client.call_tool("remove_recording", {"recording": "r_0123456789"})).is_error
        assert not person.questions  # there is nothing to ask about
        assert told(await client.call_tool("remove_recording", {"recording": call}))["recording"] == call

    talk(toolbox, settings, [tmp_path], go, mode=mode, elicitation_callback=person)
    assert person.questions == [f"Remove {call} (call.wav) and everything heard in it?"]
    assert person.schemas[0]["properties"]["yes"]["type"] == "boolean"
    assert toolbox.list_recordings().recordings == []


@pytest.mark.parametrize("content", [None, {}, {"yes": "certainly"}, {"yes": None}, {"remove": True}, {"yes": 2}])
def test_an_answer_that_is_none_removes_nothing(
    content: Any, call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    async def go(client: Client) -> None:
        result = await client.call_tool("remove_recording", {"recording": call})
        assert result.is_error

    person = Asked(ElicitResult(action="accept", content=content))
    talk(toolbox, settings, [tmp_path], go, mode=mode, elicitation_callback=person)
    assert len(toolbox.list_recordings().recordings) == 1


def test_the_person_says_whose_a_name_is(
    call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    person = Asked(says(choice="Speaker 2"))

    async def go(client: Client) -> None:
        arguments = {"recording": call, "people": ["Diane", "Sheila"]}
        named = told(await client.call_tool("name_speakers", arguments))
        assert [(one["name"], one["source"]) for one in named["speakers"]] == [
            ("Sheila", "elimination"),
            ("Diane", "person"),
        ]
        assert named["question"] == ""
        told(await client.call_tool("name_speakers", arguments))

    talk(toolbox, settings, [tmp_path], go, mode=mode, elicitation_callback=person)
    (question,) = person.questions
    assert question.startswith('Which voice is Diane: Speaker 1 ("well the refund was" at 0:00) or Speaker 2 ("')
    assert person.schemas[0]["properties"]["choice"]["enum"] == ["Speaker 1", "Speaker 2", NEITHER]
    assert names(toolbox, call) == ["Sheila", "Diane"]


@pytest.mark.parametrize(
    "answer",
    [says(choice=NEITHER), ElicitResult(action="decline"), ElicitResult(action="cancel")],
    ids=["not sure", "declined", "closed"],
)
def test_a_person_who_does_not_know_leaves_the_voices_as_they_are(
    answer: ElicitResult, call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    person = Asked(answer)

    async def go(client: Client) -> None:
        named = told(await client.call_tool("name_speakers", {"recording": call, "people": ["Diane", "Sheila"]}))
        assert named["question"] == ""  # they were asked
        assert "Ask the person" not in named["next"]

    talk(toolbox, settings, [tmp_path], go, mode=mode, elicitation_callback=person)
    assert len(person.questions) == 1
    assert names(toolbox, call) == [None, None]


def test_a_client_that_cannot_ask_whose_a_name_is_is_told_how_to_go_on(
    call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    async def go(client: Client) -> None:
        named = told(await client.call_tool("name_speakers", {"recording": call, "people": ["Diane", "Sheila"]}))
        assert named["question"].startswith("Which voice is Diane: Speaker 1")
        assert named["next"].startswith("Ask the person: Which voice is Diane")
        assert 'names={"Speaker 1": "…"}' in named["next"]
        assert names(toolbox, call) == [None, None]
        told(await client.call_tool("name_speakers", {"recording": call, "names": {"Speaker 1": "Diane"}}))

    talk(toolbox, settings, [tmp_path], go, mode=mode)
    assert names(toolbox, call) == ["Diane", None]


def test_an_answer_counts_for_the_question_that_was_asked_alone() -> None:
    with pytest.raises(Asking) as asking:
        Person(reachable=True).confirm("Remove it?")
    reply = asking.value.question.elicit().schema.model_validate({"yes": True})
    person = Person(reply=reply)
    assert not person.confirm("Remove another one?")
    assert person.unasked is not None
    assert person.confirm("Remove it?")


def test_an_answer_that_was_made_up_or_meant_for_another_recording_removes_nothing(
    call: str, toolbox: Toolbox, settings: Settings, tmp_path: Path
) -> None:
    """In 2026 the question and its answer travel through the client's hands."""
    other = toolbox.add_recording(str(tone(tmp_path / "other.wav", 4, pitch=300))).id

    async def go(client: Client) -> None:
        async def remove(recording: str, answers: Any = None, state: str | None = None) -> Any:
            return await client.session.call_tool(
                "remove_recording",
                {"recording": recording},
                input_responses=answers,
                request_state=state,
                allow_input_required=True,
            )

        asked = await remove(other)
        assert isinstance(asked, InputRequiredResult)
        yes = dict.fromkeys(asked.input_requests or {}, says(yes=True))
        assert yes
        assert isinstance(await remove(call, yes), InputRequiredResult)  # asked again: nobody was asked this
        for state in (asked.request_state, "made up"):
            with pytest.raises(MCPError):
                await remove(call, yes, state)
        assert len(toolbox.list_recordings().recordings) == 2
        assert isinstance(await remove(other, yes, asked.request_state), CallToolResult)

    talk(toolbox, settings, [tmp_path], go, elicitation_callback=Asked())
    assert [one.id for one in toolbox.list_recordings().recordings] == [call]


def test_the_person_is_asked_over_http_as_well(tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path / "folder") as running:
        for mode in ("auto", "legacy"):
            path = tone(running.folder / f"{mode}.wav", 4, pitch=300 if mode == "auto" else 500)
            person = Asked(ElicitResult(action="decline"), says(yes=True))

            async def go(mode: str = mode, path: Path = path, person: Asked = person) -> None:
                async with connected(running, mode=mode, elicitation_callback=person) as client:
                    recording = told(await client.call_tool("add_recording", {"path": str(path)}))["id"]
                    assert (await client.call_tool("remove_recording", {"recording": recording})).is_error
                    assert told(await client.call_tool("list_recordings"))["recordings"]
                    sound = (await client.read_resource(f"auricle://recordings/{recording}/audio.wav")).contents
                    assert sound[0].mime_type == "audio/wav"
                    told(await client.call_tool("remove_recording", {"recording": recording}))
                    assert not told(await client.call_tool("list_recordings"))["recordings"]

            anyio.run(go)
            assert len(person.questions) == 2
