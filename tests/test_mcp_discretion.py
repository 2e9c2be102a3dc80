"""What clients are told never shows folders that are none of their business."""

import json
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client

from auricle.errors import LibraryError
from auricle.settings import Settings
from mcp_server.discretion import Discretion
from mcp_server.server import build_server
from tests.fakes import fake_engines, tone
from tools.toolbox import Toolbox


@pytest.mark.parametrize(
    ("said", "told"),
    [
        (
            "There is no file /data/My (old) calls/a b.wav: give one.",
            "There is no file /data/My (old) calls/a b.wav: give one.",
        ),
        ("Use the folders (/data/My (old) calls, /tmp/more).", "Use the folders (/data/My (old) calls, more)."),
        ("Not stored in /srv/it's, home/audio (no space): make room.", "Not stored in audio (no space): make room."),
        ("/mnt/a disk/My Calls/a.wav cannot be written.", "a.wav cannot be written."),
        ("'/data/My (old) calls of others/a.wav'", "'a.wav'"),
        ("/etc/passwd and /root/.ssh/id", "passwd and id"),
        ("C:\\Users\\me\\a.wav is gone; d:/x/y too", "a.wav is gone; y too"),
        ("1:05 / 2:10, and/or http://127.0.0.1:11434/api", "1:05 / 2:10, and/or http://127.0.0.1:11434/api"),
    ],
)
def test_a_message_keeps_names_and_loses_folders(said: str, told: str) -> None:
    discretion = Discretion([Path("/data/My (old) calls")], [Path("/srv/it's, home")])
    assert discretion.sentence(said) == told


def test_a_recording_from_elsewhere_is_known_by_its_name_alone(settings: Settings, tmp_path: Path) -> None:
    folder, elsewhere = tmp_path / "allowed", tmp_path / "private"
    folder.mkdir()
    elsewhere.mkdir()
    toolbox = Toolbox(settings, engines=fake_engines())
    ours = toolbox.add_recording(str(tone(folder / "call.wav", 4))).id
    theirs = toolbox.add_recording(str(tone(elsewhere / "call.wav", 4, pitch=330))).id
    toolbox.add_recording(str(tone(elsewhere / "other.wav", 4, pitch=220)))
    (folder / "other.wav").write_bytes((elsewhere / "other.wav").read_bytes())
    calls: list[tuple[str, dict[str, Any]]] = [
        ("list_recordings", {}),
        ("describe_recording", {"recording": theirs}),
        ("transcribe", {"recording": theirs}),
        ("add_recording", {"path": str(folder / "other.wav")}),
        ("describe_recording", {"recording": "call"}),
        ("export_transcript", {"recording": theirs, "format": "txt", "path": str(folder / "no" / "such.txt")}),
        ("slice_audio", {"recording": theirs, "start": 0, "end": 1, "path": "cut.wav"}),
        ("search_transcript", {"words": "refund"}),
        ("read_transcript", {"recording": ours}),
    ]

    async def main() -> None:
        async with Client(build_server(toolbox, settings, [folder])) as client:
            answers = [await client.call_tool(tool, arguments) for tool, arguments in calls]

            def full(*_: object) -> None:
                raise LibraryError(f"Audio cannot be stored in {settings.home / 'audio'} (disk full): make room.")

            toolbox.library.recordings.list = full  # type: ignore[method-assign, assignment]
            answers.append(await client.call_tool("list_recordings", {}))
        said = [json.dumps([block.model_dump() for block in answer.content]) for answer in answers]
        assert not any("private" in each or str(settings.home) in each for each in said), said
        assert "audio (disk full)" in said[-1]
        listed = answers[0].structured_content
        assert listed is not None
        assert [item["path"] for item in listed["recordings"]] == [str(folder / "call.wav"), "call.wav", "other.wav"]

    anyio.run(main)
    toolbox.close()
