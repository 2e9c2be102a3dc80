"""Both faces, real weights, the real worker: what one has heard the other does not hear again."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from tests.sample import sample

pytestmark = pytest.mark.models

ROOT = Path(__file__).parent.parent
AURICLE = ["-c", "from agent.cli import main; main()"]
SCRIPT = """\
name: faces
steps:
  - transcribe: {}
  - diarize: {speakers: 2}
  - name_speakers: {people: [Diane, Sheila]}
    as: names
  - export: {format: qa}
"""


def environment(home: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("AURICLE_")}
    return ours | {"AURICLE_HOME": str(home), "PYTHONPATH": str(ROOT), "AURICLE_WAIT_SECONDS": "1"}


async def result_of(client: Client, tool: str, arguments: dict[str, Any]) -> tuple[dict[str, Any], int]:
    """What a tool returns in the end, and how many jobs were handed out on the way."""
    handles = 0
    while True:
        answer = await client.call_tool(tool, arguments)
        content = answer.structured_content
        assert not answer.is_error and content is not None, answer.content
        if "job" not in content:
            return content, handles
        handles += 1
        state = content
        while state["state"] in ("queued", "running"):
            waited = await client.call_tool("get_job", {"job": content["job"], "wait": 25})
            assert waited.structured_content is not None, waited.content
            state = waited.structured_content
        assert state["state"] == "done", state


def test_what_was_heard_over_mcp_is_known_to_a_script(home: Path, tmp_path: Path) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=[*AURICLE, "serve", "--allow", str(sample().parent)],
        env=environment(home),
        cwd=ROOT,
    )

    async def over_mcp() -> None:
        async with Client(server) as client:
            added = await client.call_tool("add_recording", {"path": "sample.wav"})
            assert added.structured_content is not None, added.content
            recording = added.structured_content["id"]
            heard, handles = await result_of(client, "transcribe", {"recording": recording})
            assert handles, "loading a model takes more than a second"
            assert heard["language"] == "en"
            assert heard["words"] > 60
            told, _ = await result_of(client, "diarize", {"recording": recording, "speakers": 2})
            assert len(told["speakers"]) == 2

    anyio.run(over_mcp)
    script = tmp_path / "faces.yaml"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, *AURICLE, "run", str(script), str(sample()), "--json"],
        cwd=tmp_path,
        env=os.environ | environment(home),
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)["recordings"][0]
    assert [step["tool"] for step in report["steps"]] == [
        "transcribe",
        "diarize",
        "name_speakers",
        "export_transcript",
    ]
    assert "listening" not in done.stderr
    assert {speaker["name"] for speaker in report["results"]["names"]["speakers"]} == {"Diane", "Sheila"}
    written = Path(report["files"][0]).read_text(encoding="utf-8")
    assert "New Jersey" in written
    assert "Sheila" in written
