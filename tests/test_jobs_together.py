"""Three terminals and an MCP server, each a process, at once on one home."""

import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from library import Library
from tests.fakes import VOCABULARY, tone
from tests.worker_kit import BOUND, listening

ROOT = Path(__file__).parent.parent
AURICLE = [str(Path(__file__).with_name("auricle_with_fakes.py")), "slow"]


def environment(home: Path) -> dict[str, str]:
    ours = {name: value for name, value in os.environ.items() if name.startswith("AURICLE_")}
    return ours | {"AURICLE_HOME": str(home), "PYTHONPATH": str(ROOT), "AURICLE_WAIT_SECONDS": "0.3"}


def terminal(home: Path, *arguments: object) -> dict[str, Any]:
    """What a command prints in the end."""
    done = subprocess.run(
        [sys.executable, *AURICLE, *map(str, arguments), "--json"],
        cwd=home.parent,
        env=os.environ | environment(home),
        capture_output=True,
        text=True,
        timeout=BOUND,
    )
    assert done.returncode == 0, done.stderr
    document: dict[str, Any] = json.loads(done.stdout)
    return document


async def client(home: Path, file: Path) -> dict[str, Any]:
    """What an MCP client that follows the handles it gets is told in the end."""
    server = StdioServerParameters(
        command=sys.executable,
        args=[*AURICLE, "serve", "--allow", str(file.parent)],
        env=environment(home),
        cwd=ROOT,
    )
    async with Client(server) as connected:
        added = await connected.call_tool("add_recording", {"path": file.name})
        assert added.structured_content is not None, added.content
        while True:
            answer = await connected.call_tool("transcribe", {"recording": added.structured_content["id"]})
            content = answer.structured_content
            assert content is not None, answer.content
            if "job" not in content:
                return dict(content)
            await connected.call_tool("get_job", {"job": content["job"], "wait": 5})


def test_one_worker_does_what_four_processes_ask_for_and_each_gets_its_answer(home: Path, tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    shared, own = tone(folder / "shared.wav", 20), tone(folder / "own.wav", 10, pitch=330)
    home.mkdir()
    with ThreadPoolExecutor(4) as pool:
        over_mcp = pool.submit(anyio.run, client, home, shared)
        one, other = (pool.submit(terminal, home, "transcribe", shared) for _ in range(2))
        third = pool.submit(terminal, home, "transcribe", own)
        same = [one.result(BOUND), other.result(BOUND)]
        words = [word["text"].strip() for segment in same[0]["segments"] for word in segment["words"]]
        assert words == [VOCABULARY[number % len(VOCABULARY)] for number in range(40)]
        assert same[0] == same[1]
        assert third.result(BOUND)["segments"][-1]["end"] == 10
        assert over_mcp.result(BOUND)["words"] == 40
    assert len(set(listening(home))) == 1, "one worker"
    assert len(listening(home)) == 6, "nothing was heard twice: four pieces, and two"
    with Library(home) as library:
        assert {job.state for job in library.jobs.list()} == {"done"}
