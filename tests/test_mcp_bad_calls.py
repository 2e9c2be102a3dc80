"""Two thousand calls that no tool allows: each gets a clear answer, and nothing else happens."""

import math
import os
import random
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from auricle.settings import Settings
from mcp_server.server import build_server
from tests.fakes import tone
from tools.catalog import catalog
from tools.toolbox import Toolbox

CALLS, HOSTILE, SEED, AT_ONCE = 2000, 300, 20261125, 8
LONGEST_ANSWER = 1500

Call = tuple[str, dict[str, Any]]

HUGE: list[Any] = [10**30, -(10**30), 1e308]
NO_JSON = [math.inf, -math.inf, math.nan]
"""The client sends null; what sends them literally is in test_mcp_stdio.py."""
NOT_TEXT: list[Any] = [7, 2.5, [], {}, ["r_"], {"id": "r_"}, [[[]]], *HUGE]
STRANGE = [
    *("\0", "a\0b", "\n", "\ud800", "\u202e", "🦊" * 50, "x" * 100_000, "é" * 300, "%00", "%2e%2e%2f", "{0}", "$HOME"),
    *("NaN", "[]", "{}", "true", "-1", "0", "r_' OR 1=1 --", "r_0000000000", "j_0000000000", "R_", "r_", "<b>"),
]
ELSEWHERE = [
    *("/etc/passwd", "/etc/shadow", "/dev/zero", "/proc/self/environ", "/", "~", "~root/.ssh/id_rsa", "~nobody-here/a"),
    *("../private/secret.wav", "../../etc/passwd", "a/../../private/secret.wav", "..", "link.wav", "door/secret.wav"),
    *("loop", "http://127.0.0.1/a.wav", "https://example.org/a.wav", "file:///etc/passwd", "HTTP://[::1]/"),
    *("private\0.wav", "../private/\ud800.wav", "n" * 300, "n/" * 3000),
]
NO_TIME: list[Any] = [
    *("soon", "1:99", "-1", "-0:01", "1:2:3:4", "nan", "inf", "1e400", "\0", "9" * 400),
    *(-1, [], {}, *HUGE),
]
NO_NUMBER: list[Any] = [0, -1, "two", "\0", 1.5, [], {}, "1" * 5000, *HUGE]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What clients may use, with everything in it that leads astray."""
    made, private = tmp_path / "allowed", tmp_path / "private"
    made.mkdir()
    private.mkdir()
    tone(private / "secret.wav", 2)
    (made / "link.wav").symlink_to(private / "secret.wav")
    (made / "door").symlink_to(private, target_is_directory=True)
    (made / "loop").symlink_to("loop")
    (made / "empty.wav").touch()
    (made / "notes.txt").write_text("mine")
    os.mkfifo(made / "pipe.wav")
    tone(made / "call.wav", 8)
    monkeypatch.chdir(made)
    return made.resolve()


class Bad:
    """Makes calls that are wrong in one way at least, from a seed.

    Args:
        right: Arguments with which each tool would do its work.
    """

    def __init__(self, chance: random.Random, right: dict[str, dict[str, Any]]) -> None:
        self._chance, self._right = chance, right
        self._specs = [spec for spec in catalog() if spec.parameters.model_fields]
        files = [*ELSEWHERE, "", " ", "none.wav", "notes.txt", "empty.wav", "pipe.wav", ".", *NOT_TEXT]
        self._wrong: dict[str, list[Any]] = {
            "recording": [*STRANGE, *ELSEWHERE, *NOT_TEXT],
            "job": [*STRANGE, *ELSEWHERE, "", *NOT_TEXT],
            "start": NO_TIME,
            "end": NO_TIME,
            "diarize.speakers": [*NO_NUMBER, 21],
            "min_speakers": [*NO_NUMBER, 21],
            "max_speakers": [*NO_NUMBER, 21],
            "max_tokens": [*NO_NUMBER, 99, 20_001],
            "wait": [-1, 25.1, "long", [], *HUGE],
            "format": ["pptx", "exe", "../srt", "", *STRANGE, *NOT_TEXT],
            "language": ["klingon", "e", "../en", *filter(str.strip, STRANGE), *NOT_TEXT],
            "hints": ["x" * 601, *NOT_TEXT],
            "words": ["", " ", "!?", "\0", *NOT_TEXT],
            "cursor": [*STRANGE, *NOT_TEXT],
            "path": files,
            "export_transcript.path": [file for file in files if file != "none.wav"],
            "slice_audio.path": [file for file in files if file != "none.wav"],
        }

    def call(self) -> Call:
        if self._chance.random() < 0.05:
            return self._chance.choice(["", "rm", "Transcribe", "transcribe ", "x" * 5000, "../list", "__init__"]), {}
        spec = self._chance.choice(self._specs)
        arguments = dict(self._right.get(spec.name, {}))
        how = self._chance.random()
        required = [name for name, field in spec.parameters.model_fields.items() if field.is_required()]
        if how < 0.1 and required:
            del arguments[self._chance.choice(required)]
        elif how < 0.2:
            arguments[self._chance.choice(["Recording", "work", "self", "context", "x" * 3000, "", "\0", "answer"])] = 1
        else:
            name = self._chance.choice(list(spec.parameters.model_fields))
            wrong = self._wrong.get(f"{spec.name}.{name}") or self._wrong.get(name) or [{"no": ["such"]}, [[1], {}]]
            arguments[name] = self._chance.choice([*wrong, *(NO_JSON if name in required else [])])
        return spec.name, arguments

    def hostile(self) -> Call:
        """Anything anywhere: it may even be allowed."""
        spec = self._chance.choice([spec for spec in self._specs if not spec.destructive])
        arguments = dict(self._right.get(spec.name, {}))
        for name in spec.parameters.model_fields:
            if self._chance.random() < 0.4:
                arguments[name] = self._chance.choice(
                    [None, "null", True, *STRANGE, *NO_TIME, *NOT_TEXT, *NO_JSON, *self._wrong.get(name, [])]
                )
        return spec.name, arguments


async def answered(client: Client, calls: list[Call]) -> list[str | None]:
    """What was said to each call that was refused, several at once; None where it was allowed."""
    answers: list[str | None] = [None] * len(calls)

    async def ask(first: int) -> None:
        for number in range(first, len(calls), AT_ONCE):
            try:
                result = await client.call_tool(*calls[number])
            except MCPError as error:
                answers[number] = error.error.message
            else:
                said = "".join(getattr(block, "text", "") for block in result.content)
                answers[number] = said if result.is_error else None

    async with anyio.create_task_group() as group:
        for first in range(AT_ONCE):
            group.start_soon(ask, first)
    return answers


def trouble(call: Call, said: str | None, secret: list[str]) -> str:
    """What is wrong with an answer to a call that should be refused; empty where it is right."""
    if said is None:
        return "it was allowed"
    if len(said) < 10 or re.fullmatch(r"(Error executing tool )?\w*", said):
        return "it says nothing"
    if "Traceback" in said or "\n" in said or 'File "' in said:
        return "it shows how we are built"
    if len(said) > LONGEST_ANSWER and any(spec.name == call[0] for spec in catalog()):
        return f"it is {len(said)} characters long"
    return "a path leaks" if any(place in said for place in secret) else ""


def test_bad_calls_are_answered_and_change_nothing(
    toolbox: Toolbox, settings: Settings, folder: Path, tmp_path: Path
) -> None:
    private = tmp_path / "private"
    recording = toolbox.add_recording(str(folder / "call.wav")).id
    toolbox.transcribe(recording)
    toolbox.diarize(recording)
    right: dict[str, dict[str, Any]] = {spec.name: {"recording": recording} for spec in catalog()}
    right["add_recording"] = {"path": "call.wav"}
    right["search_transcript"] = {"words": "refund"}
    right["slice_audio"] |= {"start": 1, "end": 2}
    right["export_transcript"] |= {"format": "srt"}
    right["known_voices"] |= {"action": "enroll", "name": "Alice"}
    right["correct_speakers"] |= {"action": "merge", "speaker": "Speaker 1", "to": "Speaker 1"}
    right["get_job"] = right["cancel_job"] = {"job": "j_0000000000"}
    bad = Bad(random.Random(SEED), right)
    calls, hostile = [bad.call() for _ in range(CALLS)], [bad.hostile() for _ in range(HOSTILE)]
    known = toolbox.describe_recording(recording)

    def files() -> dict[Path, int]:
        return {file: file.lstat().st_size for place in (folder, private) for file in place.iterdir()}

    before = files()
    told: list[tuple[Call, str | None]] = []

    async def main() -> None:
        async with Client(build_server(toolbox, settings, [folder])) as client:
            told.extend(zip(calls, await answered(client, calls), strict=True))
            assert files() == before
            assert toolbox.describe_recording(recording) == known
            assert [item.id for item in toolbox.list_recordings().recordings] == [recording]
            said = await answered(client, hostile)  # what happens to be allowed may write new files
            told.extend((call, each) for call, each in zip(hostile, said, strict=True) if each is not None)
            assert not (await client.call_tool("list_recordings", {})).is_error

    anyio.run(main)
    secret = [str(settings.home), str(private)]
    wrong = [
        f"{found}: {call!s:.200} -> {said!s:.200}" for call, said in told if (found := trouble(call, said, secret))
    ]
    assert not wrong, ascii([f"{len(wrong)} of {len(told)}", *wrong[:20]])
    assert {file: size for file, size in files().items() if file in before} == before
    (database,) = settings.home.glob("*.db")
    with closing(sqlite3.connect(database)) as library:
        assert library.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert library.execute("PRAGMA foreign_key_check").fetchall() == []
