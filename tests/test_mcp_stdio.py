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
import os, sys
from agent.cli import context, serving
from auricle.settings import get_settings
from tests.fakes import FakeRecognizer, fake_engines
from tools.toolbox import Toolbox

def noise(call):
    print("printed by a library")
    os.write(1, b"written by a library\\n")
    os.system("echo said by a child")

def open_toolbox():
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


def test_stdout_carries_the_protocol_alone_and_the_server_ends_with_its_client(tmp_path: Path) -> None:
    hello = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "initialize",
        "params": {
            "protocolVersion": "2025-06-18",
            "capabilities": {},
            "clientInfo": {"name": "a test", "version": "1"},
        },
    }
    done = subprocess.run(
        [sys.executable, "-c", "from agent.cli import main; main()", "serve", "--json", "--allow", str(tmp_path)],
        input=json.dumps(hello) + "\n",
        cwd=ROOT,
        env=os.environ | {"AURICLE_HOME": str(tmp_path / "home")},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in lines] == [1]
    assert lines[0]["result"]["serverInfo"]["name"] == "auricle"
    assert "Auricle speaks MCP" in done.stderr
