"""A client and a server in one process."""

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import anyio
from mcp.client import Client

from auricle.settings import Settings
from mcp_server.server import build_server
from tools.toolbox import Toolbox

Talk = Callable[[Client], Awaitable[None]]


def talk(toolbox: Toolbox, settings: Settings, folders: Sequence[Path], what: Talk, **client: Any) -> None:
    """Lets a client say something to a server.

    Args:
        client: More of the client: ``mode``, or who answers its questions.
    """

    async def main() -> None:
        async with Client(build_server(toolbox, settings, folders), **client) as connected:
            await what(connected)

    anyio.run(main)
