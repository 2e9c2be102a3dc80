"""Real clients of other makers drive `auricle serve`: TypeScript's of both generations, the Inspector, Python's."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.fakes import tone
from tools.catalog import catalog

ROOT = Path(__file__).parent.parent
CLIENTS = Path(__file__).parent / "clients"
SECONDS = 90
"""After these a client has failed; none takes ten."""

npm = pytest.mark.skipif(
    shutil.which("node") is None or not (CLIENTS / "node_modules" / ".installed").exists(),
    reason="`make clients` installs these clients; it needs npm",
)


@pytest.fixture
def folder(tmp_path: Path, home: Path) -> Path:
    """The one folder clients may use, with half a minute of sound in it."""
    made = tmp_path / "allowed"
    made.mkdir()
    tone(made / "call.wav", 30)
    return made


@pytest.fixture
def variables(tmp_path: Path, home: Path) -> dict[str, str]:
    """Calls hand out a job soon, and no client finds or leaves anything in the person's home."""
    mine = {"AURICLE_HOME": str(home), "AURICLE_WAIT_SECONDS": "0.3", "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    return os.environ | mine


def serve(folder: Path) -> list[str]:
    """`auricle serve` over stdio, with a worker that hears slowly and makes it up."""
    return [sys.executable, str(ROOT / "tests" / "auricle_with_fakes.py"), "slow", "serve", "--allow", str(folder)]


def node(variables: Mapping[str, str], script: Path, *arguments: str) -> Any:
    """What a client printed; it must leave with 0."""
    done = subprocess.run(
        ["node", str(script), *arguments],
        env=variables,
        cwd=CLIENTS,
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def went_the_whole_way(seen: Mapping[str, Any], folder: Path) -> None:
    assert seen["server"]["name"] == "auricle"
    assert "add_recording" in seen["instructions"]
    assert {tool["name"] for tool in seen["tools"]} == {spec.name for spec in catalog()}
    assert seen["jobs"] and all(job["job"] in job["next"] for job in seen["jobs"])
    assert seen["transcribed"]["words"] == 60
    assert len(seen["diarized"]["speakers"]) == 2
    assert "refund" in json.dumps(seen["read"])
    assert seen["unknown"] and "r_0000000000" in seen["unknown"]
    assert seen["outside"] and str(folder) in seen["outside"]
    assert seen["noSuchTool"] and "delete_everything" in seen["noSuchTool"]


@npm
@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_the_typescript_clients_go_the_whole_way(generation: str, folder: Path, variables: dict[str, str]) -> None:
    seen = node(variables, CLIENTS / "walk.mjs", generation, "stdio", "call.wav", *serve(folder))
    went_the_whole_way(seen, folder)


INSPECTOR = CLIENTS / "node_modules" / "@modelcontextprotocol" / "inspector"


@npm
def test_the_inspector_finds_nothing_wrong_with_the_tools_and_calls_them(
    folder: Path, variables: dict[str, str]
) -> None:
    script = INSPECTOR / json.loads((INSPECTOR / "package.json").read_text())["bin"]["mcp-inspector"]
    listed = node(variables, script, "--cli", *serve(folder), "--method", "tools/list", "--strict")
    assert {tool["name"] for tool in listed["tools"]} == {spec.name for spec in catalog()}
    call = ("--method", "tools/call", "--tool-name", "add_recording", "--tool-arg", "path=call.wav")
    added = node(variables, script, "--cli", *serve(folder), *call)
    assert not added["isError"]
    assert added["structuredContent"]["duration"] == 30


@pytest.mark.parametrize("mode", ["auto", "legacy"], ids=["2026", "2025"])
def test_the_python_client_goes_the_whole_way(mode: Any, folder: Path, variables: dict[str, str]) -> None:
    command, *arguments = serve(folder)

    async def main() -> None:
        with anyio.fail_after(SECONDS):
            await talk()

    async def talk() -> None:
        server = StdioServerParameters(command=command, args=arguments, env=variables)
        async with Client(server, mode=mode, read_timeout_seconds=30) as client:
            assert (client.protocol_version >= "2026") == (mode == "auto")

            async def call(tool: str, **given: Any) -> dict[str, Any]:
                result = await client.call_tool(tool, given)
                assert not result.is_error, result
                assert result.structured_content is not None
                return result.structured_content

            recording = (await call("add_recording", path="call.wav"))["id"]
            job = await call("transcribe", recording=recording)
            while (await call("get_job", job=job["job"]))["state"] not in ("done", "failed"):
                pass
            assert (await call("transcribe", recording=recording))["words"] == 60

    anyio.run(main)
