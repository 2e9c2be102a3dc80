"""`serve` and `mcp-config`: the same tools for Claude Desktop and other MCP clients."""

import contextlib
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.command import add, coming
from agent.cli.context import open_toolbox
from agent.cli.errors import read_settings
from agent.cli.output import Shown, say
from mcp_server.folders import allowed_folders
from mcp_server.stdio import protocol_on_stdout

PANEL = "Connect"

Allow = Annotated[
    list[str] | None,
    typer.Option(
        "--allow", metavar="DIR", help="A folder whose files clients may read and write; needed, may be repeated."
    ),
]


def register(app: typer.Typer) -> None:
    add(app, "serve", PANEL)(serve)
    add(app, "mcp-config", PANEL)(mcp_config)


def serve(
    http: Annotated[bool, typer.Option("--http", help="Over HTTP instead of stdio. (coming)")] = False,
    host: Annotated[str, typer.Option(metavar="H", help="With --http: where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", min=0, max=65535, help="With --http: the port.")] = 8765,
    allow: Allow = None,
) -> None:
    """Serves the tools over MCP, on stdin and stdout."""
    if http:
        coming("serve --http", "`auricle serve` speaks MCP over stdio; `auricle mcp-config` sets a client up.")
    settings = read_settings()
    folders = allowed_folders(allow)
    # Whatever --json made of sys.stdout does not hold here: the protocol has stdout to itself.
    with contextlib.redirect_stdout(sys.__stdout__), protocol_on_stdout() as wire:
        from mcp_server.server import build_server

        say("Auricle speaks MCP on stdin and stdout; files in " + ", ".join(map(str, folders)) + ".")
        os.chdir(folders[0])  # a file that is asked for without a path lands here
        toolbox = open_toolbox()
        try:
            server = build_server(toolbox, settings, folders)
            with wire():
                server.run("stdio")
        finally:
            toolbox.close()


def mcp_config(allow: Allow = None) -> Shown:
    """What to paste into Claude Desktop's configuration (claude_desktop_config.json)."""
    command, *arguments = [*_command(), "serve"]
    for folder in allowed_folders(allow):
        arguments += ["--allow", str(folder)]
    server: dict[str, Any] = {"command": command, "args": arguments}
    document = {"mcpServers": {"auricle": server}}
    return Shown(document, [json.dumps(document, indent=2, ensure_ascii=False)])


def _command() -> list[str]:
    """How a client starts Auricle: the `auricle` beside this Python, or on the path; else the module."""
    beside = Path(sys.executable).with_name("auricle")
    found = str(beside) if beside.is_file() else shutil.which("auricle")
    return [str(Path(found).absolute())] if found else [sys.executable, "-m", "agent.cli"]
