"""The MCP face against an in-memory client, in both eras of the protocol."""

import json
import re
import threading
from functools import wraps
from pathlib import Path
from typing import Any, cast

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult, ElicitResult

import prompts
from agent.toolset import NOT_FOR_AGENTS, Steps, langchain_tools
from auricle.settings import Settings
from mcp_server.server import build_server
from mcp_server.work import CallWork
from tests.fakes import FakeRecognizer, fake_engines, tone
from tests.mcp_kit import talk
from tools.catalog import catalog, lean
from tools.toolbox import Toolbox
from tools.work import Quiet, StillWorking


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The one folder clients may use; the server works in it."""
    made = tmp_path / "allowed"
    made.mkdir()
    monkeypatch.chdir(made)
    return made.resolve()


def text(result: CallToolResult) -> str:
    return "".join(getattr(block, "text", "") for block in result.content)


def test_both_faces_have_the_same_tools_parameters_and_words(
    toolbox: Toolbox, settings: Settings, folder: Path
) -> None:
    agents = {tool.name: tool for tool in langchain_tools(catalog(), Steps(toolbox, Quiet(), None, catalog()))}
    specs = {spec.name: spec for spec in catalog()}

    async def compare(client: Client) -> None:
        served = {tool.name: tool for tool in (await client.list_tools()).tools}
        assert set(served) == set(specs)
        assert set(agents) == set(specs) - NOT_FOR_AGENTS
        for name, tool in served.items():
            spec = specs[name]
            assert tool.description == spec.description
            assert tool.title == spec.title
            ours = spec.parameters.model_json_schema()
            assert list(tool.input_schema["properties"]) == list(ours.get("properties", {}))
            for parameter, schema in ours.get("properties", {}).items():
                assert tool.input_schema["properties"][parameter] == schema, f"{name}.{parameter}"
            assert tool.input_schema.get("required", []) == ours.get("required", [])
            if name in agents:
                assert agents[name].description == spec.description
                theirs = {"properties": {arg: dict(schema) for arg, schema in agents[name].args.items()}}
                lean(theirs)
                assert theirs["properties"] == ours.get("properties", {})

    talk(toolbox, settings, [folder], compare)


def test_a_client_learns_what_a_tool_does_to_the_world(toolbox: Toolbox, settings: Settings, folder: Path) -> None:
    specs = {spec.name: spec for spec in catalog()}

    async def look(client: Client) -> None:
        for tool in (await client.list_tools()).tools:
            spec, told = specs[tool.name], tool.annotations
            assert told is not None
            assert (told.title, told.read_only_hint) == (spec.title, spec.read_only)
            assert (told.destructive_hint, told.idempotent_hint) == (spec.destructive, spec.idempotent)
            assert told.open_world_hint is False
            assert tool.output_schema is not None
            assert tool.output_schema["type"] == "object"
            assert set(tool.input_schema["properties"]) == set(spec.parameters.model_fields)

    talk(toolbox, settings, [folder], look)
    assert {spec.name for spec in catalog() if spec.destructive} == {"remove_recording", "known_voices"}
    assert {spec.name for spec in catalog() if not spec.idempotent} == {
        *("remove_recording", "known_voices", "correct_speakers"),
        *("slice_audio", "export_transcript"),  # without a path, these make a new file each time
    }
    assert all(spec.idempotent and not spec.destructive for spec in catalog() if spec.read_only)


def test_a_description_says_when_to_use_a_tool_and_when_not() -> None:
    for spec in catalog():
        assert "Use it" in spec.description, spec.name
        assert re.search(r"\bNot (for|because)\b", spec.description), spec.name
        assert "\n\n" in spec.description
        assert spec.summary.endswith("."), spec.name


TOOLS_PER_TOKEN, RESULTS_PER_TOKEN = 2.7, 2.4
"""Characters, a little fewer than Whisper's vocabulary has, which is none for JSON: 2.81 and 2.46 in fourteen tools."""


def test_the_tools_leave_room_in_a_clients_context(toolbox: Toolbox, settings: Settings, folder: Path) -> None:
    async def count(client: Client) -> None:
        tools = (await client.list_tools()).tools
        inputs = [{"name": t.name, "description": t.description, "inputSchema": t.input_schema} for t in tools]
        outputs = [tool.output_schema for tool in tools]
        assert len(tools) <= 20
        assert len(json.dumps(inputs)) / TOOLS_PER_TOKEN < 5_000
        assert len(json.dumps(outputs)) / RESULTS_PER_TOKEN < 12_000

    talk(toolbox, settings, [folder], count)


def test_the_instructions_are_short_and_name_tools_that_exist(
    toolbox: Toolbox, settings: Settings, folder: Path
) -> None:
    words = prompts.load("mcp_server", folders="/allowed")
    assert len(words.split()) < 300
    names = {spec.name for spec in catalog()}
    said = {word.strip("`.,:;()") for word in words.split() if "_" in word and word.startswith("`")} - {
        "r_…",
        "seconds_left",
    }
    assert said <= names | {"job", "percent", "next", "hints", "names"}

    async def look(client: Client) -> None:
        assert client.instructions is not None
        assert str(folder) in client.instructions

    talk(toolbox, settings, [folder], look)


def test_a_recording_goes_the_whole_way(toolbox: Toolbox, settings: Settings, folder: Path, mode: str) -> None:
    tone(folder / "call.wav", 12)

    async def go(client: Client) -> None:
        added = await client.call_tool("add_recording", {"path": "call.wav"})
        assert not added.is_error, text(added)
        assert added.structured_content is not None
        recording = added.structured_content["id"]
        assert json.loads(text(added)) == added.structured_content
        heard = await client.call_tool("transcribe", {"recording": recording, "start": "0:02"})
        assert heard.structured_content is not None
        assert heard.structured_content["start"] == 2.0
        assert heard.structured_content["next"]
        told = await client.call_tool("diarize", {"recording": recording, "speakers": 2})
        assert told.structured_content is not None
        assert len(told.structured_content["speakers"]) == 2
        file = await client.call_tool("export_transcript", {"recording": recording, "format": "srt"})
        assert file.structured_content is not None, text(file)
        assert Path(file.structured_content["path"]).parent == folder
        cut = await client.call_tool(
            "slice_audio", {"recording": recording, "start": 1, "end": 2, "path": str(folder / "cut.wav")}
        )
        assert not cut.is_error, text(cut)
        assert (folder / "cut.wav").is_file()

    talk(toolbox, settings, [folder], go, mode=mode)


def test_progress_only_grows(settings: Settings, folder: Path, mode: str) -> None:
    toolbox = Toolbox(settings.model_copy(update={"piece_seconds": 5.0}), engines=fake_engines())
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 30))).id
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async def go(client: Client) -> None:
        result = await client.call_tool("transcribe", {"recording": recording}, progress_callback=hear)
        assert not result.is_error, text(result)

    talk(toolbox, settings, [folder], go, mode=mode)
    toolbox.close()
    assert told
    assert told == sorted(set(told))


def test_progress_says_how_long_it_takes_yet() -> None:
    messages: list[str] = []

    class Calling:
        async def report_progress(self, progress: float, total: float | None, message: str) -> None:
            messages.append(message)

    async def main() -> None:
        work = CallWork(cast("Any", Calling()), lambda: 20)
        await anyio.to_thread.run_sync(lambda: work.report(10, 100, "listening", left=80.4))
        await anyio.to_thread.run_sync(lambda: work.report(100, 100, "heard", left=0))

    anyio.run(main)
    assert messages == ["listening, about 1:20 left", "heard"]


def test_what_is_wrong_arrives_in_one_line(toolbox: Toolbox, settings: Settings, folder: Path) -> None:
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    wrong = [
        ("transcribe", {"recording": "r_0123456789"}, "r_0123456789"),
        ("transcribe", {"recording": recording, "start": "0:09"}, "0:09"),
        ("transcribe", {"recording": recording, "speed": 2}, "no argument 'speed', only recording, start, end"),
        ("transcribe", {}, "'recording' is missing"),
        ("diarize", {"recording": recording, "speakers": 0}, "speakers"),
        ("diarize", {"recording": recording, "speakers": "some"}, "'speakers' is not allowed"),
        ("export_transcript", {"recording": recording, "format": "pptx"}, "format"),
        ("get_job", {"job": "j_0123456789"}, "j_0123456789"),
        ("add_recording", {"path": "none.wav"}, "none.wav"),
    ]

    async def go(client: Client) -> None:
        for tool, arguments, told in wrong:
            result = await client.call_tool(tool, arguments)
            assert result.is_error, tool
            assert told in text(result), text(result)
            assert "\n" not in text(result)
            assert "Traceback" not in text(result)

    talk(toolbox, settings, [folder], go)


def test_files_outside_the_allowed_folders_are_out_of_reach(
    toolbox: Toolbox, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    outside = tone(tmp_path / "secret.wav", 4)
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    (folder / "link.wav").symlink_to(outside)
    (folder / "door").symlink_to(tmp_path, target_is_directory=True)
    tries = [
        ("add_recording", {"path": str(outside)}),
        ("add_recording", {"path": "../secret.wav"}),
        ("add_recording", {"path": "link.wav"}),
        ("add_recording", {"path": "door/secret.wav"}),
        ("add_recording", {"path": "bad\0name"}),
        ("export_transcript", {"recording": recording, "format": "txt", "path": str(tmp_path / "out.txt")}),
        ("slice_audio", {"recording": recording, "start": 0, "end": 1, "path": "door/out.wav"}),
    ]

    async def go(client: Client) -> None:
        for tool, arguments in tries:
            result = await client.call_tool(tool, arguments)
            assert result.is_error, (tool, arguments)
        refused = await client.call_tool(*tries[0])
        assert "--allow" in text(refused)
        assert str(folder) in text(refused)

    talk(toolbox, settings, [folder], go)
    assert not (tmp_path / "out.txt").exists()
    assert not (tmp_path / "out.wav").exists()


def test_a_file_of_the_persons_is_not_written_over(toolbox: Toolbox, settings: Settings, folder: Path) -> None:
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    notes = folder / "notes.wav"
    notes.write_text("mine")
    cut = {"recording": recording, "start": 0, "end": 1}

    async def go(client: Client) -> None:
        refused = await client.call_tool("slice_audio", {**cut, "path": "notes.wav"})
        assert refused.is_error
        assert "exists" in text(refused)
        for _ in range(2):  # what the server wrote itself may be written again
            done = await client.call_tool("slice_audio", {**cut, "path": "cut.wav"})
            assert not done.is_error, text(done)

    talk(toolbox, settings, [folder], go)
    assert notes.read_text() == "mine"


@pytest.mark.parametrize(
    ("answer", "removed"),
    [
        (ElicitResult(action="accept", content={"yes": True}), True),
        (ElicitResult(action="accept", content={"yes": False}), False),
        (ElicitResult(action="decline"), False),
        (ElicitResult(action="cancel"), False),
        (None, False),
    ],
    ids=["yes", "no", "declined", "closed", "nobody to ask"],
)
def test_removing_needs_the_persons_own_yes(
    answer: ElicitResult | None, removed: bool, toolbox: Toolbox, settings: Settings, folder: Path, mode: str
) -> None:
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    questions: list[str] = []

    async def person(context: Any, question: Any) -> ElicitResult:
        questions.append(question.message)
        assert answer is not None
        return answer

    async def go(client: Client) -> None:
        result = await client.call_tool("remove_recording", {"recording": recording})
        assert result.is_error is (answer is not None and not removed), text(result)
        if not removed:
            assert f"auricle remove {recording} --yes" in text(result)

    asked = {} if answer is None else {"elicitation_callback": person}
    talk(toolbox, settings, [folder], go, mode=mode, **asked)
    assert len(questions) == (0 if answer is None else 1)
    assert all(recording in question for question in questions)
    assert len(toolbox.list_recordings().recordings) == (0 if removed else 1)


def test_long_work_answers_with_a_job_and_goes_on(settings: Settings, folder: Path, home: Path) -> None:
    """The worker is away, so the job stays in the queue: what counts is that the call comes back with a handle."""
    toolbox = Toolbox(settings, engines=fake_engines())
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    job = toolbox.library.jobs.submit("recognize", {"recording": recording}, "a key", 0, {})

    @wraps(toolbox.transcribe)
    def patient(*_: object, **__: object) -> None:
        raise StillWorking(job)

    toolbox.transcribe = patient  # type: ignore[method-assign, assignment]

    async def go(client: Client) -> None:
        waiting = await client.call_tool("transcribe", {"recording": recording})
        assert not waiting.is_error, text(waiting)
        assert waiting.structured_content is not None
        assert waiting.structured_content["job"] == job.id
        assert waiting.structured_content["state"] == "queued"
        assert "get_job" in waiting.structured_content["next"]
        cancelled = await client.call_tool("cancel_job", {"job": job.id})
        assert cancelled.structured_content is not None
        assert cancelled.structured_content["state"] == "cancelled"

    talk(toolbox, settings, [folder], go)
    toolbox.close()


def test_a_client_that_gives_up_stops_the_work(settings: Settings, folder: Path) -> None:
    pieces: list[int] = []
    go_on, left = threading.Event(), threading.Event()

    async def main() -> None:
        heard = anyio.Event()

        def during(call: int) -> None:
            pieces.append(call)
            if call == 1:
                anyio.from_thread.run_sync(heard.set)
                go_on.wait()

        engines = fake_engines(recognizer=FakeRecognizer(during=during))
        toolbox = Toolbox(settings.model_copy(update={"piece_seconds": 5.0}), engines=engines)
        recording = toolbox.add_recording(str(tone(folder / "call.wav", 60))).id
        transcribe = toolbox.transcribe

        @wraps(transcribe)
        def watched(*given: Any, **named: Any) -> Any:
            try:
                return transcribe(*given, **named)
            finally:
                left.set()

        toolbox.transcribe = watched  # type: ignore[method-assign]
        async with Client(build_server(toolbox, settings, [folder])) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "transcribe", {"recording": recording})
                await heard.wait()
                group.cancel_scope.cancel()
            go_on.set()
            await anyio.to_thread.run_sync(left.wait)
        toolbox.close()

    anyio.run(main)
    assert pieces == [1]
