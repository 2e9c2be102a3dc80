"""Lays out what goes into the Claude Desktop bundle; `make mcpb` has the official packer check and pack it.

    python -m mcpb.build WHEEL FOLDER

The host's uv installs the wheel with what was tested together (constraints.txt), so no package is in the bundle and one
bundle serves every system.
"""

import json
import shutil
import sys
import tomllib
from pathlib import Path
from typing import Any

from auricle import __version__
from tools.catalog import catalog

HERE = Path(__file__).parent
ROOT = HERE.parent


def lay_out(wheel: Path, folder: Path) -> None:
    """Writes the bundle's files into a folder, which is emptied first."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for file in (HERE / "start.py", ROOT / "LICENSE", wheel):
        shutil.copy(file, folder)
    _write(folder / "manifest.json", json.dumps(manifest(), indent=2, ensure_ascii=False) + "\n")
    _write(folder / "pyproject.toml", project(wheel.name))


def manifest() -> dict[str, Any]:
    """The template with what the code knows better."""
    filled: dict[str, Any] = json.loads((HERE / "manifest.json").read_text(encoding="utf-8"))
    filled["version"] = __version__
    filled["compatibility"]["runtimes"]["python"] = _python()
    filled["tools"] = [{"name": spec.name, "description": spec.summary} for spec in catalog()]
    return filled


def project(wheel: str) -> str:
    """What uv installs: the wheel beside it, and the versions that were tested."""
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pins = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    return f"""\
[project]
name = "auricle-in-claude-desktop"
version = "{__version__}"
requires-python = "{_python()}"
dependencies = ["auricle"]

[tool.uv]
package = false
constraint-dependencies = {json.dumps(pins, indent=4)}

[tool.uv.sources]
auricle = {{ path = "{wheel}" }}
"""


def _python() -> str:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return str(project["requires-python"])


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8", newline="\n")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]), Path(sys.argv[2]))
