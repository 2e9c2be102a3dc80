"""Real clients of other makers drive `auricle serve`: TypeScript's of both generations, the Inspector, Python's."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.fakes import tone
from tests.http_kit import Served, serving
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


SLOW = (str(ROOT / "tests" / "auricle_with_fakes.py"), "slow")
"""An `auricle` whose worker hears slowly, and makes up what it hears."""


def serve(folder: Path) -> list[str]:
    """`auricle serve` over stdio."""
    return [sys.executable, *SLOW, "serve", "--allow", str(folder)]


@pytest.fixture
def served(home: Path, folder: Path) -> Iterator[Served]:
    """`auricle serve --http`; the conformance tool's scenarios together are more requests than the usual burst."""
    mine = {"AURICLE_WORKER": "process", "AURICLE_WAIT_SECONDS": "0.3", "AURICLE_REQUESTS_AT_ONCE": "1000"}
    with serving(home, folder, script=SLOW, **mine) as running:
        yield running


def node(variables: Mapping[str, str], script: Path, *arguments: str) -> Any:
    """What a client printed; it must leave with 0."""
    done = run(variables, script, *arguments)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def run(variables: Mapping[str, str], script: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = ["node", str(script), *arguments]
    return subprocess.run(command, env=variables, cwd=CLIENTS, capture_output=True, text=True, timeout=SECONDS)


def went_the_whole_way(seen: Mapping[str, Any], folder: Path) -> None:
    assert seen["server"]["name"] == "auricle"
    assert "add_recording" in seen["instructions"]
    assert {tool["name"] for tool in seen["tools"]} == {spec.name for spec in catalog()}
    assert "recognize" in {job["kind"] for job in seen["jobs"]}
    assert all(job["job"] in job["next"] for job in seen["jobs"])
    assert seen["transcribed"]["words"] == 60
    assert len(seen["diarized"]["speakers"]) == 2
    assert "refund" in json.dumps(seen["read"])
    assert seen["unknown"] and "r_0000000000" in seen["unknown"]
    assert seen["outside"] and str(folder) in seen["outside"]
    assert any(seen["progress"]) and all(told == sorted(set(told)) for told in seen["progress"])
    assert seen["resource"]["uri"].startswith("auricle://")
    assert seen["templates"]
    assert seen["prompt"]["content"]["text"]
    assert seen["noSuchTool"] and "delete_everything" in seen["noSuchTool"]


@npm
@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_the_typescript_clients_go_the_whole_way(generation: str, folder: Path, variables: dict[str, str]) -> None:
    seen = node(variables, CLIENTS / "walk.mjs", generation, "stdio", "call.wav", *serve(folder))
    went_the_whole_way(seen, folder)


@npm
@pytest.mark.parametrize("generation", ["v1", "v2"])
def test_over_http_they_do_so_with_a_token(
    generation: str, served: Served, folder: Path, variables: dict[str, str]
) -> None:
    seen = node(variables, CLIENTS / "walk.mjs", generation, "http", "call.wav", served.mcp, served.token())
    went_the_whole_way(seen, folder)


def program(package: str) -> Path:
    """The script behind a package's command."""
    folder = CLIENTS / "node_modules" / "@modelcontextprotocol" / package
    commands: dict[str, str] = json.loads((folder / "package.json").read_text())["bin"]
    return folder / next(iter(commands.values()))


@npm
def test_the_inspector_calls_a_tool_over_stdio(folder: Path, variables: dict[str, str]) -> None:
    call = ("--method", "tools/call", "--tool-name", "add_recording", "--tool-arg", "path=call.wav")
    patient = variables | {"AURICLE_WAIT_SECONDS": "20"}
    added = node(patient, program("inspector"), "--cli", *serve(folder), *call)
    assert added["structuredContent"]["duration"] == 30


@npm
def test_the_inspector_finds_nothing_wrong_with_the_tools_over_http(served: Served, variables: dict[str, str]) -> None:
    server = (served.mcp, "--transport", "http", "--header", f"Authorization: Bearer {served.token()}")
    listed = node(variables, program("inspector"), "--cli", *server, "--method", "tools/list", "--strict")
    assert {tool["name"] for tool in listed["tools"]} == {spec.name for spec in catalog()}


@npm
def test_the_scenarios_of_the_conformance_tool_that_apply_are_passed(served: Served, variables: dict[str, str]) -> None:
    known = tomllib.loads((CLIENTS / "conformance.toml").read_text(encoding="utf-8"))
    tool = program("conformance")
    scenarios = set(re.findall(r"^  - (\S+)$", run(variables, tool, "list", "--server").stdout, re.MULTILINE))
    assert scenarios == {*known["apply"], *known["others"]}, "each applies, or has a reason why not"
    tried = run(variables, tool, "server", "--url", served.mcp).stdout
    passed = set(re.findall(r"^✓ (\S+): [1-9]\d* passed, 0 failed", tried, re.MULTILINE))
    assert passed >= set(known["apply"]), tried[tried.find("=== SUMMARY") :]


@pytest.mark.parametrize("mode", ["auto", "legacy"], ids=["2026", "2025"])
def test_the_python_client_goes_the_whole_way(mode: Any, folder: Path, variables: dict[str, str]) -> None:
    """Over HTTP it does so in tests/test_http_serving.py."""
    command, *arguments = serve(folder)

    async def main() -> None:
        server = StdioServerParameters(command=command, args=arguments, env=variables)
        with anyio.fail_after(SECONDS):
            async with Client(server, mode=mode, read_timeout_seconds=30) as client:
                assert (client.protocol_version >= "2026") == (mode == "auto")
                await transcribes(client)

    anyio.run(main)


async def transcribes(client: Client) -> None:
    async def call(tool: str, **given: Any) -> dict[str, Any]:
        result = await client.call_tool(tool, given)
        assert not result.is_error, result
        assert result.structured_content is not None
        return result.structured_content

    async def to_the_end(tool: str, **given: Any) -> dict[str, Any]:
        while "job" in (answer := await call(tool, **given)):
            while (await call("get_job", job=answer["job"], wait=5))["state"] not in ("done", "failed"):
                pass
        return answer

    recording = (await to_the_end("add_recording", path="call.wav"))["id"]
    assert "get_job" in (await call("transcribe", recording=recording))["next"]
    assert (await to_the_end("transcribe", recording=recording))["words"] == 60
