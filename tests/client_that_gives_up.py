"""An MCP client that transcribes and diarizes a recording over stdio, and gives up on any call after thirty seconds.

    python -m tests.client_that_gives_up FOLDER FILE WAIT

It waits for a job so many seconds at a time, and prints a line of JSON for each call: the tool, how long it took, and
what it said of a job. A call that takes too long ends it with an error. AURICLE_HOME is where the server keeps things.
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

SECONDS = 30.0
ACTIVE = ("queued", "running")


class Impatient:
    """Calls tools, and prints what came of it."""

    def __init__(self, client: Client, wait: float) -> None:
        self._client, self._wait = client, wait

    async def __call__(self, tool: str, **arguments: Any) -> dict[str, Any]:
        began = time.monotonic()
        result = await self._client.call_tool(tool, arguments)
        answer = result.structured_content
        if result.is_error or answer is None:
            raise RuntimeError(f"{tool}: {result.content}")
        seconds = round(time.monotonic() - began, 2)
        shown = {key: answer.get(key) for key in ("job", "kind", "state", "percent", "seconds_left")}
        print(json.dumps({"tool": tool, "seconds": seconds} | shown), flush=True)
        return answer

    async def to_the_end(self, tool: str, **arguments: str) -> dict[str, Any]:
        """Asks for long work, waits for its job as often as is needed, and fetches the result."""
        while "job" in (answer := await self(tool, **arguments)):
            while (news := await self("get_job", job=answer["job"], wait=self._wait))["state"] in ACTIVE:
                pass
            if news["state"] != "done":
                raise RuntimeError(f"{tool}: {news}")
        return answer


async def main(folder: Path, file: str, wait: float) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "agent.cli", "serve", "--allow", str(folder)],
        env=dict(os.environ),
    )
    async with Client(server, read_timeout_seconds=SECONDS) as client:
        call = Impatient(client, wait)
        recording = (await call.to_the_end("add_recording", path=file))["id"]
        heard = await call.to_the_end("transcribe", recording=recording)
        told = await call.to_the_end("diarize", recording=recording)
        print(json.dumps({"recording": recording, "words": heard["words"], "speakers": len(told["speakers"])}))


if __name__ == "__main__":
    anyio.run(main, Path(sys.argv[1]), sys.argv[2], float(sys.argv[3]))
