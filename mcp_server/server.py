"""The MCP server: every tool of the catalog, what can be read of the library, and guides through both."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import anyio.to_thread
from mcp.server import MCPServer
from mcp.server.lowlevel.helper_types import ReadResourceContents
from mcp.server.mcpserver import Context
from mcp_types import GetPromptResult, Prompt, Resource, ResourceTemplate
from pydantic import AnyUrl

import prompts
from auricle import __version__
from auricle.settings import Settings
from mcp_server import guides
from mcp_server.adapter import as_mcp_tool
from mcp_server.completing import Completions
from mcp_server.discretion import Discretion
from mcp_server.folders import Folders
from mcp_server.resources import Resources
from tools.catalog import catalog
from tools.toolbox import Toolbox


def build_server(
    toolbox: Toolbox, settings: Settings, folders: Sequence[Path], ending: threading.Event | None = None
) -> MCPServer:
    """Puts the server together; ``run("stdio")`` serves.

    Over stdio the SDK takes standard output for the protocol alone: whatever else is printed, by a library or a child
    process, goes to standard error.

    Args:
        toolbox: Carries the calls out.
        settings: How long a call may take before it answers with a job.
        folders: Where clients may read and write files, links resolved; the first is where relative paths start.
        ending: Set once the server is about to end: who waits for a job is sent home with its handle.
    """
    held, discretion = Folders(folders), Discretion(folders, [settings.home, settings.models])
    resources = Resources(toolbox, discretion)

    def patience() -> float:
        return 0.0 if ending is not None and ending.is_set() else settings.wait_seconds

    server = LibraryServer(
        resources,
        name="auricle",
        title="Auricle",
        instructions=prompts.load("mcp_server", folders=", ".join(str(folder) for folder in folders)),
        version=__version__,
        tools=[as_mcp_tool(spec, toolbox, patience, held, discretion) for spec in catalog()],
        log_level="WARNING",
    )
    server.completion()(Completions(toolbox, resources, guides.choices()).complete)  # type: ignore[no-untyped-call]
    return server


class LibraryServer(MCPServer[Any]):
    """The SDK's server, with the library's recordings as resources, and the guides as prompts."""

    def __init__(self, resources: Resources, **parts: Any) -> None:
        super().__init__(**parts)
        self._resources = resources

    async def list_resources(self) -> list[Resource]:
        return await anyio.to_thread.run_sync(self._resources.listed)

    async def list_resource_templates(self) -> list[ResourceTemplate]:
        return self._resources.templates()

    async def read_resource(
        self, uri: AnyUrl | str, context: Context[Any, Any] | None = None
    ) -> Iterable[ReadResourceContents]:
        return await self._resources.read(str(uri))

    async def list_prompts(self) -> list[Prompt]:
        return guides.listed()

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult:
        return guides.filled(name, arguments)
