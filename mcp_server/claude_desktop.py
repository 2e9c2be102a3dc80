"""Claude Desktop's configuration: where it lies, and how Auricle gets into it without harming what else is there."""

import json
import os
import shutil
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from auricle.errors import WorkError

NAME = "auricle"
"""What the server is called in a client's list."""

FILE = "claude_desktop_config.json"
SERVERS = "mcpServers"


@dataclass(frozen=True)
class Written:
    """What became of the configuration.

    Attributes:
        file: Where it lies, links followed.
        backup: What it was before; none where it is new or stays as it was.
        changed: Whether it was written at all.
    """

    file: Path
    backup: Path | None
    changed: bool


def config_file(
    platform: str = sys.platform, environ: Mapping[str, str] = os.environ, home: Path | None = None
) -> Path:
    """Where Claude Desktop of this person reads its configuration; neither need exist yet.

    On Windows the app comes as a package (MSIX), whose file system is its own: what it reads lies in the package's
    folder, and what lies under %APPDATA% it does not see.
    """
    home = home or Path.home()
    if platform == "darwin":
        return home / "Library" / "Application Support" / "Claude" / FILE
    if platform == "win32":
        local = Path(environ.get("LOCALAPPDATA") or home / "AppData" / "Local")
        packaged = sorted(local.glob("Packages/Claude_*/LocalCache/Roaming/Claude"))
        roaming = Path(environ.get("APPDATA") or home / "AppData" / "Roaming")
        return (packaged[0] if packaged else roaming / "Claude") / FILE
    return Path(environ.get("XDG_CONFIG_HOME") or home / ".config") / "Claude" / FILE


def write_server(file: Path, server: Mapping[str, Any], name: str = NAME) -> Written:
    """Puts a server into a configuration, and leaves everything else as it is.

    What the person added to the server's own entry, as variables, stays. The file as it was is kept beside it; the new
    one replaces it in one step, so that it is whole at any moment.

    Args:
        file: The configuration; it is made, with its folder, where there is none.
        server: ``command`` and ``args``, and ``env`` where something is to be set.
        name: The server's name in it.

    Raises:
        WorkError: The file is no configuration, or cannot be read or written; it is as it was.
    """
    try:
        file = file.resolve()
        before = file.read_bytes() if file.exists() else None
        document = _parsed(before, file)
        servers = document.setdefault(SERVERS, {})
        known = servers.get(name)
        servers[name] = _merged(known if isinstance(known, dict) else {}, server)
        if before is not None and document == _parsed(before, file):
            return Written(file, None, changed=False)
        file.parent.mkdir(parents=True, exist_ok=True)
        backup = _backed_up(file) if before is not None else None
        _replace(file, json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    except (OSError, RuntimeError) as error:
        raise WorkError(
            f"{file} could not be edited ({error}), and is as it was: paste what `auricle mcp-config` prints by hand."
        ) from None
    return Written(file, backup, changed=True)


def _parsed(content: bytes | None, file: Path) -> dict[str, Any]:
    """The configuration; an empty file is an empty one.

    Raises:
        WorkError: It is broken, and editing it would lose what the person meant.
    """
    if content is None or not content.strip():
        return {}
    try:
        document = json.loads(content.decode("utf-8-sig"))
    except json.JSONDecodeError as error:
        raise _broken(file, f"{error.msg} in line {error.lineno}, column {error.colno}") from None
    except (UnicodeDecodeError, RecursionError):
        raise _broken(file, "it is not UTF-8 text") from None
    if not isinstance(document, dict):
        raise _broken(file, "it holds no object")
    if not isinstance(document.get(SERVERS, {}), dict):
        raise _broken(file, f'"{SERVERS}" is no object')
    return document


def _broken(file: Path, why: str) -> WorkError:
    return WorkError(
        f"{file} is not a configuration that can be edited: {why}. It was left alone; mend it, or move it."
    )


def _merged(known: dict[str, Any], server: Mapping[str, Any]) -> dict[str, Any]:
    merged = {**known, **server}
    if isinstance(known.get("env"), dict):
        merged["env"] = {**known["env"], **server.get("env", {})}
    return merged


def _backed_up(file: Path) -> Path:
    """A copy beside the file that overwrites none before it; as private as the file is."""
    stamp = datetime.now().strftime("%Y%m%d-%H%M%S-%f")
    backup = file.with_name(f"{file.name}.{stamp}.backup")
    shutil.copy2(file, backup)
    return backup


def _replace(file: Path, text: str) -> None:
    """Writes beside the file, to the disk, and moves it over; a kill leaves the old file or the new one."""
    handle, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}.")
    fresh = Path(name)
    try:
        with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as out:
            out.write(text)
            out.flush()
            os.fsync(out.fileno())
        if file.exists():
            shutil.copymode(file, fresh)
        fresh.replace(file)
    finally:
        fresh.unlink(missing_ok=True)
