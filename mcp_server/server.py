"""The MCP server: every tool of the catalog, and how to use them."""

from collections.abc import Sequence
from pathlib import Path

from mcp.server import MCPServer

import prompts
from auricle import __version__
from auricle.settings import Settings
from mcp_server.adapter import as_mcp_tool
from mcp_server.folders import Folders
from tools.catalog import catalog
from tools.toolbox import Toolbox


def build_server(toolbox: Toolbox, settings: Settings, folders: Sequence[Path]) -> MCPServer:
    """Puts the server together; ``run("stdio")`` serves.

    Over stdio the SDK takes standard output for the protocol alone: whatever else is printed, by a library or a child
    process, goes to standard error.

    Args:
        toolbox: Carries the calls out.
        settings: How long a call may take before it answers with a job.
        folders: Where clients may read and write files, links resolved; the first is where relative paths start.
    """
    held = Folders(folders)
    return MCPServer(
        name="auricle",
        title="Auricle",
        instructions=prompts.load("mcp_server", folders=", ".join(str(folder) for folder in folders)),
        version=__version__,
        tools=[as_mcp_tool(spec, toolbox, settings.wait_seconds, held) for spec in catalog()],
        log_level="WARNING",
    )
