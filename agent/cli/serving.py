"""`serve` and `mcp-config`: the same tools for Claude Desktop and other MCP clients."""

import contextlib
import json
import os
import shutil
import sys
import threading
from pathlib import Path
from typing import Annotated, Any

import typer

from agent.cli.command import add
from agent.cli.context import open_toolbox
from agent.cli.errors import read_settings
from agent.cli.output import Shown, say
from auricle.settings import Settings
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
    http: Annotated[bool, typer.Option("--http", help="Over HTTP instead of stdio.")] = False,
    host: Annotated[str, typer.Option(metavar="H", help="With --http: where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(metavar="P", min=0, max=65535, help="With --http: the port.")] = 8765,
    allow: Allow = None,
    allowed_host: Annotated[
        list[str] | None,
        typer.Option(
            "--allowed-host", metavar="NAME", help="With --http: a name clients call this machine by; may be repeated."
        ),
    ] = None,
    allowed_origin: Annotated[
        list[str] | None,
        typer.Option("--allowed-origin", metavar="URL", help="With --http: a web origin that may call besides."),
    ] = None,
) -> None:
    """Serves the tools over MCP, on stdin and stdout or over HTTP."""
    settings = read_settings()
    folders = allowed_folders(allow)
    if not http:
        _serve_stdio(settings, folders)
        return
    hosts = [*(allowed_host or ()), *_items(settings.allowed_hosts)]
    origins = [*(allowed_origin or ()), *_items(settings.allowed_origins)]
    _serve_http(settings, folders, host, port, hosts, origins)


def _serve_stdio(settings: Settings, folders: list[Path]) -> None:
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


def _serve_http(
    settings: Settings, folders: list[Path], host: str, port: int, hosts: list[str], origins: list[str]
) -> None:
    with contextlib.redirect_stdout(sys.stderr):
        from mcp_server.http import Address, serve_http
        from mcp_server.server import build_server

        toolbox = open_toolbox()
        try:
            os.chdir(folders[0])  # a file that is asked for without a path lands here
            ending = threading.Event()
            server = build_server(toolbox, settings, folders, ending)
            serve_http(server, toolbox, Address(host, port, hosts, origins), say, ending)
        finally:
            toolbox.close()


def _items(setting: str) -> list[str]:
    return [item.strip() for item in setting.split(",") if item.strip()]


def mcp_config(
    allow: Allow = None,
    write: Annotated[
        bool, typer.Option("--write", help="Put it into Claude Desktop's configuration; what was there is kept.")
    ] = False,
) -> Shown:
    """What to paste into Claude Desktop's configuration; without --allow, clients may use this folder."""
    from mcp_server.claude_desktop import NAME, SERVERS, config_file, write_server

    command, *arguments = [*_command(), "serve"]
    folders = allowed_folders(allow or ["."])
    for folder in folders:
        arguments += ["--allow", str(folder)]
    server: dict[str, Any] = {"command": command, "args": arguments}
    if places := _places():
        server["env"] = places
    document: dict[str, Any] = {SERVERS: {NAME: server}}
    if not write:
        return Shown(document, [json.dumps(document, indent=2, ensure_ascii=False)])
    written = write_server(config_file(), server)
    backup = str(written.backup) if written.backup else None
    document |= {"file": str(written.file), "backup": backup, "changed": written.changed}
    starts = "starts" if written.changed else "already starts"
    lines = [f"{written.file} {starts} Auricle, for files in {', '.join(map(str, folders))}."]
    if backup:
        lines.append(f"What it was before: {backup}")
    if written.changed:
        lines.append("Quit Claude Desktop and start it again: it reads its configuration then.")
    return Shown(document, lines)


def _command() -> list[str]:
    """How a client starts Auricle: the `auricle` beside this Python, or on the path; else the module."""
    found = shutil.which("auricle", path=str(Path(sys.executable).parent)) or shutil.which("auricle")
    return [str(Path(found).absolute())] if found else [sys.executable, "-m", "agent.cli"]


def _places() -> dict[str, str]:
    """Where this person's shell says that things lie: a client starts the server without the shell's variables."""
    names = ("AURICLE_HOME", "AURICLE_MODELS", "AURICLE_CONFIG")
    return {name: str(Path(os.environ[name]).expanduser().absolute()) for name in names if os.environ.get(name)}
