"""Twenty clients of both eras at once over HTTP, who do this and that: only limits refuse, and memory is flat."""

import itertools
import random
import sqlite3
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult

from tests.fakes import tone
from tests.http_kit import ROOT, Served, bearer, connected, serving
from tools.worker_process import stop_worker

CLIENTS = 20
GIVES_UP = 30
"""Seconds a client waits for any answer."""

MIB = 1 << 20
RECORDINGS = 2
"""Of each client, 30 s long."""


@dataclass
class Load:
    """The server, and what came of the calls."""

    served: Served
    calls: Counter[str] = field(default_factory=Counter)
    limited: int = 0
    failed: list[str] = field(default_factory=list)
    over: bool = False


@dataclass
class Person:
    """One client: a token, a few recordings, and a whim."""

    load: Load
    number: int
    token: str
    files: list[Path]
    recordings: dict[int, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.dice = random.Random(self.number)

    async def live(self) -> None:
        """Connects, calls a while, leaves, and comes back, until it is over."""
        eras = itertools.cycle(["auto", "legacy"] if self.number % 2 else ["legacy", "auto"])
        first = list(ACTS)[self.number % len(ACTS)]
        while not self.load.over:
            try:
                async with connected(self.load.served, self.token, next(eras), elicitation_callback=yes) as client:
                    for _ in range(self.dice.randint(5, 40)):
                        if not self.load.over:
                            await self.act(client, first)
                            first = ""
            except* MCPError as group:  # while it connected
                await self.refused(group)

    async def act(self, client: Client, what: str) -> None:
        what = what or self.dice.choices(list(ACTS), weights=[weight for _, weight in ACTS.values()])[0]
        self.load.calls[what] += 1
        try:
            with anyio.fail_after(GIVES_UP):
                await ACTS[what][0](self, client)
        except MCPError as error:
            await self.refused(ExceptionGroup(what, [error]))
        except TimeoutError:
            self.load.failed.append(f"{what}: no answer in {GIVES_UP} s")

    async def refused(self, group: BaseExceptionGroup[MCPError]) -> None:
        for error in group.exceptions:
            if "try again in" in str(error):
                self.load.limited += 1
            else:
                self.load.failed.append(f"{group.message}: {error}")
        await anyio.sleep(1)

    async def tool(self, client: Client, name: str, fine: bool = True, **arguments: Any) -> dict[str, Any]:
        result = await client.call_tool(name, arguments)
        text = "".join(getattr(block, "text", "") for block in result.content)
        if result.is_error == fine or "Traceback" in text or (str(self.load.served.home) in text and not fine):
            self.load.failed.append(f"{name} {arguments}: {text[:300]}")
        return result.structured_content or {}

    async def recording(self) -> str:
        """One of the own recordings, uploaded where it is not known yet."""
        which = self.dice.randrange(RECORDINGS)
        while which not in self.recordings:
            async with httpx.AsyncClient(headers=bearer(self.token), timeout=GIVES_UP) as http:
                answer = await http.put(
                    f"{self.load.served.url}/uploads/{self.number}.wav", content=self.files[which].read_bytes()
                )
            if answer.status_code in (200, 201):
                self.recordings[which] = answer.json()["recording"]
            else:
                self.load.limited += answer.status_code == 429
                if answer.status_code != 429:
                    self.load.failed.append(f"upload: {answer.status_code} {answer.text[:300]}")
                    return "r_0000000000"
                await anyio.sleep(1)
        return self.recordings[which]

    async def transcribe(self, client: Client) -> None:
        start = self.dice.randrange(25)
        await self.tool(client, "transcribe", recording=await self.recording(), start=start, end=start + 5)

    async def diarize(self, client: Client) -> None:
        heard = await self.tool(client, "diarize", recording=await self.recording(), speakers=self.dice.choice([2, 3]))
        if "job" in heard:
            await self.tool(client, "get_job", job=heard["job"], wait=2)

    async def read(self, client: Client) -> None:
        recording = await self.recording()
        await self.tool(client, "transcribe", recording=recording, start=0, end=10)
        await self.tool(client, "read_transcript", recording=recording, start=0, end=10)

    async def export(self, client: Client) -> None:
        recording = await self.recording()
        await self.tool(client, "transcribe", recording=recording, start=0, end=10)
        await self.tool(client, "export_transcript", recording=recording, format="srt", start=0, end=10)

    async def search(self, client: Client) -> None:
        await self.tool(client, "search_transcript", words="refund")

    async def look(self, client: Client) -> None:
        await client.list_tools()
        await client.list_resources()
        await self.tool(client, "list_recordings")
        await self.tool(client, "describe_recording", recording=await self.recording())

    async def mistake(self, client: Client) -> None:
        await self.tool(client, "describe_recording", fine=False, recording="r_0000000000")
        await self.tool(client, "add_recording", fine=False, path="../../../etc/passwd")
        await self.tool(client, "transcribe", fine=False, recording=await self.recording(), start=-1)

    async def remove(self, client: Client) -> None:
        which = self.dice.randrange(RECORDINGS)
        if which in self.recordings:
            await self.tool(client, "remove_recording", recording=self.recordings.pop(which))

    async def give_up(self, client: Client) -> None:
        recording = await self.recording()
        with anyio.move_on_after(0.05):
            await client.call_tool("diarize", {"recording": recording, "speakers": 4})


Act = Callable[[Person, Client], Awaitable[None]]
ACTS: dict[str, tuple[Act, int]] = {
    "transcribe": (Person.transcribe, 6),
    "diarize": (Person.diarize, 2),
    "read": (Person.read, 6),
    "export": (Person.export, 3),
    "search": (Person.search, 4),
    "look": (Person.look, 4),
    "mistake": (Person.mistake, 3),
    "remove": (Person.remove, 1),
    "give up": (Person.give_up, 1),
}


async def yes(_context: Any, question: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=dict.fromkeys(question.requested_schema["properties"], True))


@pytest.mark.parametrize("seconds", [12, pytest.param(300, marks=pytest.mark.soak)])
def test_twenty_clients_at_once_meet_no_error_but_limits_and_memory_is_flat(
    home: Path, tmp_path: Path, seconds: int
) -> None:
    script = (str(ROOT / "tests" / "auricle_with_fakes.py"), "plain")
    with serving(home, tmp_path / "allowed", script=script, AURICLE_WORKER="process") as served:
        load = Load(served)
        pitches = itertools.count(200)
        people = [
            Person(
                load,
                number,
                served.token(f"client {number}"),
                [tone(tmp_path / f"{number}-{which}.wav", 30, pitch=next(pitches)) for which in range(RECORDINGS)],
            )
            for number in range(CLIENTS)
        ]
        memory: list[int] = []

        async def main() -> None:
            async with anyio.create_task_group() as tasks:
                for person in people:
                    tasks.start_soon(person.live)
                for _ in range(4):
                    await anyio.sleep(seconds / 4)
                    memory.append(served.resident)
                load.over = True

        anyio.run(main)
        print(dict(load.calls), f"limited {load.limited}", [f"{size / MIB:.0f} MiB" for size in memory])
        assert not load.failed, load.failed[:5]
        assert sum(load.calls.values()) > CLIENTS
        assert set(load.calls) == set(ACTS)
        assert memory[-1] < memory[1] * 1.15  # from the middle on: by then everything was loaded and done once
        assert httpx.get(f"{served.url}/health").json() == {"status": "ok"}
        assert served.stop() == 0
        assert not [line for line in served.said if "Traceback" in line], "".join(served.said)
    stop_worker(home)
    with sqlite3.connect(home / "library.db") as library:
        assert library.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        assert library.execute("PRAGMA foreign_key_check").fetchall() == []
    library.close()
