"""`auricle serve --http` as a process of its own over fakes, and clients for it."""

import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
from mcp.client import Client
from mcp.client.streamable_http import streamable_http_client

from library import Library

ROOT = Path(__file__).parent.parent
BOUND = 30
SCRIPT = """
import sys
from agent.cli import main, serving
from auricle.settings import get_settings
from tests.fakes import fake_engines
from tools.toolbox import Toolbox

serving.open_toolbox = lambda: Toolbox(get_settings(), engines=fake_engines())
main()
"""


@dataclass
class Served:
    """A running server."""

    process: "subprocess.Popen[str]"
    home: Path
    folder: Path
    said: list[str] = field(default_factory=list)
    url: str = ""

    @property
    def mcp(self) -> str:
        return f"{self.url}/mcp"

    def token(self, name: str = "Alice", days: float | None = None) -> str:
        """A new token of this server's library."""
        with Library(self.home) as library:
            return library.tokens.create(name, days)[0]

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Asks it to stop and returns its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        return self.process.wait(BOUND)

    @property
    def resident(self) -> int:
        """Bytes of memory it has."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


@contextmanager
def serving(home: Path, folder: Path, *options: str, script: tuple[str, ...] = (), **settings: str) -> Iterator[Served]:
    """Starts a server at a free port and ends it afterwards."""
    folder.mkdir(exist_ok=True)
    environment = {key: value for key, value in os.environ.items() if not key.startswith("AURICLE_")}
    environment |= {"AURICLE_HOME": str(home), "PYTHONPATH": str(ROOT), "AURICLE_CONFIG": str(home / "none.toml")}
    process = subprocess.Popen(
        [
            sys.executable,
            *(script or ("-c", SCRIPT)),
            "serve",
            "--http",
            "--port",
            "0",
            "--allow",
            str(folder),
            *options,
        ],
        cwd=ROOT,
        env=environment | {"AURICLE_WORKER": "inline"} | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    served = Served(process, home, folder)
    assert process.stderr is not None
    ready, errors = threading.Event(), process.stderr

    def read() -> None:
        for line in errors:
            served.said.append(line)
            if found := re.search(r"http://\S+?(?=/mcp)", line):
                port = found[0].rpartition(":")[2]
                served.url = f"http://127.0.0.1:{port}"
                ready.set()
        ready.set()

    reader = threading.Thread(target=read)
    reader.start()
    try:
        assert ready.wait(BOUND), "it did not start"
        yield served
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        reader.join()
        errors.close()
        assert process.stdout is not None
        process.stdout.close()


@asynccontextmanager
async def connected(
    served: Served, token: str | None = None, mode: str = "auto", **client_parts: Any
) -> AsyncIterator[Client]:
    """The Python SDK's client, in one of the protocol's eras; ``client_parts`` may say who answers its questions."""
    headers = bearer(token) if token else {}
    async with (
        httpx2.AsyncClient(headers=headers, timeout=60) as http,
        Client(streamable_http_client(served.mcp, http_client=http), mode=mode, **client_parts) as client,
    ):
        yield client
