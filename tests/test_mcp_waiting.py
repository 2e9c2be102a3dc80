"""No call blocks: what takes long becomes a job of the worker, and a client that gives up stops it."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp_types import CallToolResult

from auricle.settings import Settings
from mcp_server.server import build_server
from tests.fakes import tone
from tests.worker_kit import BOUND, SCRIPT, listening, until
from tools.jobs import Jobs
from tools.toolbox import Toolbox

Opened = Callable[[str], Toolbox]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "allowed"
    made.mkdir()
    monkeypatch.chdir(made)
    return made.resolve()


@pytest.fixture
def opened(home: Path) -> Iterator[Opened]:
    """Toolboxes over one home, whose worker has fakes that behave as told."""
    made: list[Toolbox] = []

    def toolbox(mode: str) -> Toolbox:
        face = Toolbox(Settings(home=home, worker="process", idle_seconds=60))
        face.jobs = Jobs(face.library, face.settings, command=[sys.executable, str(SCRIPT), mode])
        made.append(face)
        return face

    yield toolbox
    for each in made:
        each.close()


def server(toolbox: Toolbox, folder: Path, patience: float) -> Any:
    settings = toolbox.settings.model_copy(update={"wait_seconds": patience})
    return build_server(toolbox, settings, [folder])


async def answer(client: Client, tool: str, **arguments: Any) -> dict[str, Any]:
    result: CallToolResult = await client.call_tool(tool, arguments)
    assert not result.is_error, result.content
    assert result.structured_content is not None
    return dict(result.structured_content)


async def finished(client: Client, job: str) -> dict[str, Any]:
    with anyio.fail_after(BOUND):
        while True:
            told = await answer(client, "get_job", job=job, wait=25)
            if told["state"] == "done":
                return told
            assert told["state"] in ("queued", "running"), told


def test_decoding_and_cutting_that_take_long_become_jobs(
    opened: Opened, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.jobs._TO_SEE_IT_START", 0)
    tone(folder / "long.wav", 70)

    async def main() -> None:
        async with Client(server(opened("plain"), folder, patience=1e-6)) as client:
            adding = await answer(client, "add_recording", path="long.wav")
            assert adding["kind"] == "decode"
            assert "get_job" in adding["next"]
            recording = (await finished(client, adding["job"]))["next"].partition("recording=")[2].split()[0]
            again = await answer(client, "add_recording", path="long.wav")
            assert (again["id"], again["already_known"]) == (recording, True)
            part = {"recording": recording, "start": 1, "end": 69, "format": "flac"}
            cutting = await answer(client, "slice_audio", **part)
            told = (await finished(client, cutting["job"]))["next"]
            cut = await answer(client, "slice_audio", **part)
            assert cut["path"] in told
            assert [file.name for file in folder.glob("*.flac")] == [Path(cut["path"]).name]
            named = await answer(client, "slice_audio", **part, path="mine.flac")
            await finished(client, named["job"])
            assert (await answer(client, "slice_audio", **part, path="mine.flac"))["bytes"] == cut["bytes"]

    anyio.run(main)


def test_the_sound_of_a_page_that_takes_long_becomes_a_job(
    opened: Opened, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.jobs._TO_SEE_IT_START", 0)
    toolbox = opened("plain")
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 40))).id
    toolbox.transcribe(recording)

    async def main() -> None:
        async with Client(server(toolbox, folder, patience=1e-6)) as client:
            encoding = await answer(client, "export_transcript", recording=recording, format="html")
            assert encoding["kind"] == "sound"
            assert "export_transcript again" in (await finished(client, encoding["job"]))["next"]
            page = await answer(client, "export_transcript", recording=recording, format="html")
            assert "data:audio/mpeg" in Path(page["path"]).read_text()

    anyio.run(main)


def test_two_clients_that_ask_for_the_same_share_a_job_and_one_may_stop_it(opened: Opened, folder: Path) -> None:
    tone(folder / "call.wav", 30)
    first, second = opened("hold"), opened("hold")
    recording = first.add_recording(str(folder / "call.wav")).id

    async def main() -> None:
        async with Client(server(first, folder, 0.3)) as one, Client(server(second, folder, 0.3)) as other:
            job = await answer(one, "transcribe", recording=recording)
            same = await answer(other, "transcribe", recording=recording)
            assert job["job"] == same["job"]
            await anyio.to_thread.run_sync(lambda: until(lambda: len(listening(first.settings.home)) >= 2))
            with anyio.fail_after(3):  # the worker is deaf
                stopped = await answer(other, "cancel_job", job=job["job"])
            assert stopped["state"] == "cancelled"
            assert (await answer(one, "get_job", job=job["job"], wait=25))["state"] == "cancelled"
            assert (await answer(one, "describe_recording", recording=recording))["transcribed_seconds"] == 5

    anyio.run(main)


def test_a_call_that_is_cancelled_stops_a_deaf_worker_and_keeps_what_was_heard(opened: Opened, folder: Path) -> None:
    tone(folder / "call.wav", 30)
    toolbox = opened("hold")
    recording = toolbox.add_recording(str(folder / "call.wav")).id

    async def main() -> None:
        async with Client(server(toolbox, folder, patience=50)) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "transcribe", {"recording": recording})
                await anyio.to_thread.run_sync(lambda: until(lambda: len(listening(toolbox.settings.home)) >= 2))
                group.cancel_scope.cancel()
            with anyio.fail_after(3):
                while toolbox.library.jobs.list()[0].state != "cancelled":
                    await anyio.sleep(0.05)
            assert (await answer(client, "describe_recording", recording=recording))["transcribed_seconds"] == 5

    anyio.run(main)


def test_a_call_that_is_cancelled_while_a_file_is_decoded_stops_that(
    opened: Opened, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tone(folder / "call.wav", 30)
    toolbox = opened("plain")
    begun, stopped = anyio.Event(), anyio.Event()

    def slowly(path: Path, report: Callable[[float, float], None]) -> None:
        anyio.from_thread.run_sync(begun.set)
        try:
            until(lambda: report(1, 100))
        finally:
            anyio.from_thread.run_sync(stopped.set)

    monkeypatch.setattr(toolbox.library.recordings, "add", slowly)

    async def main() -> None:
        async with Client(server(toolbox, folder, patience=50)) as client:
            async with anyio.create_task_group() as group:
                group.start_soon(client.call_tool, "add_recording", {"path": "call.wav"})
                await begun.wait()
                group.cancel_scope.cancel()
            with anyio.fail_after(3):
                await stopped.wait()
        assert toolbox.library.jobs.list() == []

    anyio.run(main)
