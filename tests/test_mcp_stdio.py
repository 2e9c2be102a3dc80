"""`auricle serve` as a client meets it: another process, nothing on stdout but the protocol."""

import json
import os
import subprocess
import sys
from pathlib import Path

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.fakes import tone

ROOT = Path(__file__).parent.parent

NOISY = """
import atexit, ctypes, os, sys
native = ctypes.CDLL(None)  # holds what it prints until the process ends, as C does into a pipe
atexit.register(lambda: os.write(1, b"written at the end\\n"))
from agent.cli import context, serving
from auricle.settings import get_settings
from tests.fakes import FakeRecognizer, fake_engines
from tools.toolbox import Toolbox

def noise(call):
    print("printed by a library")
    os.write(1, b"written by a library\\n")
    os.system("echo said by a child")
    native.printf(b"printed by native code\\n")

def open_toolbox():
    noise(0)
    return Toolbox(get_settings(), engines=fake_engines(recognizer=FakeRecognizer(during=noise)))

serving.open_toolbox = open_toolbox
from agent.cli import main
main()
"""


def parameters(home: Path, folder: Path) -> StdioServerParameters:
    return StdioServerParameters(
        command=sys.executable,
        args=["-c", NOISY, "serve", "--allow", str(folder)],
        env={"AURICLE_HOME": str(home), "PYTHONPATH": str(ROOT), "AURICLE_WORKER": "inline"},
        cwd=ROOT,
    )


def test_a_client_in_another_process_uses_the_tools_whatever_libraries_print(tmp_path: Path) -> None:
    folder = tmp_path / "allowed"
    folder.mkdir()
    tone(folder / "call.wav", 8)

    async def main() -> None:
        with anyio.fail_after(60):
            async with Client(parameters(tmp_path / "home", folder)) as client:
                assert client.server_info.name == "auricle"
                tools = {tool.name for tool in (await client.list_tools()).tools}
                assert {"transcribe", "diarize", "name_speakers", "get_job"} <= tools
                added = await client.call_tool("add_recording", {"path": "call.wav"})
                assert added.structured_content is not None, added
                heard = await client.call_tool("transcribe", {"recording": added.structured_content["id"]})
                assert heard.structured_content is not None, heard
                assert heard.structured_content["words"] == 16

    anyio.run(main)


LINES = [
    "",
    "no JSON",
    "{",
    "[]",
    "null",
    '{"jsonrpc": "1.0", "id": 7, "method": "tools/list"}',
    '{"jsonrpc": "2.0", "id": 8, "method": "no/such"}',
    '{"jsonrpc": "2.0", "id": 9, "method": "tools/call", "params": {"name": "get_job", "arguments": [1]}}',
    '{"jsonrpc": "2.0", "id": 10, "method": "tools/call", "params": {"name": "slice_audio", "arguments": '
    '{"recording": "r_0000000000", "start": NaN, "end": -Infinity}}}',
    '{"jsonrpc": "2.0", "id": 11, "method": "tools/call", "params": {"name": "get_job", "arguments": '
    '{"job": "\\ud800", "wait": 1e999}}}',
    '{"jsonrpc": "2.0", "id": ' + "[" * 5000 + "]" * 5000 + ', "method": "ping"}',
]


def test_lines_that_are_no_calls_leave_the_server_alive(tmp_path: Path) -> None:
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}}
    hello = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": client})
    begun = json.dumps({"jsonrpc": "2.0", "method": "notifications/initialized"})
    last = json.dumps({"jsonrpc": "2.0", "id": 99, "method": "tools/call", "params": {"name": "list_recordings"}})
    server = parameters(tmp_path / "home", tmp_path)
    with subprocess.Popen(
        [server.command, *server.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
        env=os.environ | (server.env or {}),
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write("\n".join([hello, begun, *LINES]).encode() + b"\n\xff\xfe\x00\n" + last.encode() + b"\n")
        process.stdin.flush()
        answers: dict[object, dict[str, object]] = {}
        while not {8, 9, 10, 99} <= set(answers):
            answer = json.loads(process.stdout.readline())
            answers[answer.get("id")] = answer
        process.stdin.close()
        answers |= {(answer := json.loads(line)).get("id"): answer for line in process.stdout}
    assert process.returncode == 0
    assert "error" not in answers[99]
    assert b"Traceback" not in json.dumps(list(answers.values())).encode()
    assert all("error" in answers[number] for number in (8, 9))
    assert answers[10]["result"]["isError"]  # type: ignore[index]


def test_a_client_that_goes_with_an_answer_on_its_way_is_no_mistake(tmp_path: Path) -> None:
    server = parameters(tmp_path / "home", tmp_path)
    with subprocess.Popen(
        [server.command, *server.args],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | (server.env or {}),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stdin.write('{"jsonrpc": "2.0", "id": 1, "method": "ping"}\n')
        process.stdin.close()
        errors = process.stderr.read()
    assert process.returncode == 0, errors
    assert "Error" not in errors


def test_stdout_carries_the_protocol_alone_and_the_server_ends_with_its_client(tmp_path: Path) -> None:
    tone(tmp_path / "call.wav", 8)
    client = {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}}
    calls = [
        ("initialize", client),
        ("notifications/initialized", None),
        ("tools/call", {"name": "add_recording", "arguments": {"path": "call.wav"}}),
        ("tools/call", {"name": "transcribe", "arguments": {"recording": "call"}}),
    ]
    server = parameters(tmp_path / "home", tmp_path)
    with subprocess.Popen(
        [server.command, *server.args, "--json"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | (server.env or {}),
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        answers = []
        for number, (method, params) in enumerate(calls):
            told = {"jsonrpc": "2.0", "method": method} | ({} if params is None else {"params": params, "id": number})
            process.stdin.write(json.dumps(told) + "\n")
            process.stdin.flush()
            if params is not None:
                answers.append(json.loads(process.stdout.readline()))
        process.stdin.close()
        assert process.stdout.read() == ""
        errors = process.stderr.read()
    assert process.returncode == 0, errors
    assert [answer["id"] for answer in answers] == [0, 2, 3]
    assert answers[0]["result"]["serverInfo"]["name"] == "auricle"
    assert answers[-1]["result"]["structuredContent"]["words"] == 16
    assert "Auricle speaks MCP" in errors
    for noise in ("printed by a library", "written by a library", "said by a child", "printed by native code"):
        assert errors.count(noise) == 2, errors
    assert "written at the end" in errors
