"""What a person installs without make: the wheel is whole, and the Claude Desktop bundle starts it."""

import os
import shutil
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from typing import Any

import anyio
import pytest
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters

from mcpb.build import lay_out, manifest, project
from tests.test_clients import CLIENTS, node, npm
from tools.catalog import catalog

ROOT = Path(__file__).parent.parent
ROOMS = ("agent", "auricle", "engines", "library", "mcp_server", "prompts", "tools")
PACKER = CLIENTS / "node_modules" / "@anthropic-ai" / "mcpb" / "dist" / "cli" / "cli.js"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, so that what an earlier build left behind does not get in."""
    source, wheels = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheels")
    for room in ROOMS:
        shutil.copytree(ROOT / room, source / room, ignore=shutil.ignore_patterns("__pycache__"))
    for file in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / file, source)
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--no-index", "--wheel-dir", str(wheels), str(source)], check=True)
    (built,) = wheels.glob("*.whl")
    return built


def test_the_wheel_has_every_module_prompt_and_manifest_and_nothing_else(wheel: Path) -> None:
    ours = {
        path.relative_to(ROOT).as_posix()
        for room in ROOMS
        for path in (ROOT / room).rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert {"prompts/mcp_server.md", "engines/manifest.toml", "auricle/py.typed", "agent/cli/app.py"} <= ours
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if ".dist-info/" not in name}
        (entry,) = [name for name in archive.namelist() if name.endswith("entry_points.txt")]
        assert "auricle = agent.cli:main" in archive.read(entry).decode()
    assert packed == ours


def test_the_bundle_says_what_the_code_says(wheel: Path) -> None:
    said = manifest()
    assert said["version"] == wheel.name.split("-")[1]
    assert [tool["name"] for tool in said["tools"]] == [spec.name for spec in catalog()]
    assert said["user_config"]["folders"]["required"], "clients use no folder that nobody chose"
    installed = tomllib.loads(project(wheel.name))
    assert installed["tool"]["uv"]["sources"]["auricle"]["path"] == wheel.name
    assert any(pin.startswith("mcp==") for pin in installed["tool"]["uv"]["constraint-dependencies"])


@npm
def test_the_official_packer_takes_the_bundle_and_what_a_host_makes_of_it_starts(
    wheel: Path, tmp_path: Path, home: Path
) -> None:
    laid, packed, bundle = tmp_path / "laid", tmp_path / "auricle.mcpb", tmp_path / "bundle"
    lay_out(wheel, laid)
    for command in (["validate", str(laid / "manifest.json")], ["pack", str(laid), str(packed)]):
        done = subprocess.run(["node", str(PACKER), *command], capture_output=True, text=True, timeout=60)
        assert done.returncode == 0, done.stdout + done.stderr
    with zipfile.ZipFile(packed) as archive:
        assert set(archive.namelist()) == {"manifest.json", "pyproject.toml", "start.py", "LICENSE", wheel.name}
        archive.extractall(bundle)
    chosen = [tmp_path / "Calls of 2026", tmp_path / "Meetings"]
    for folder in chosen:
        folder.mkdir()

    script = CLIENTS / "bundle.mjs"
    assert node(os.environ, script, str(bundle)) is None, "a host starts nothing before folders are chosen"
    config = node(os.environ, script, str(bundle), *map(str, chosen))
    assert config["command"] == "uv"
    assert config["args"] == ["run", "--directory", str(bundle), "start.py", *map(str, chosen)]

    served = listed(bundle, config["args"][4:], home, wheel)
    assert served["tools"] == [spec.name for spec in catalog()]
    assert all(str(folder) in served["instructions"] for folder in chosen)


def listed(bundle: Path, folders: list[str], home: Path, wheel: Path) -> dict[str, Any]:
    """What the server out of the bundle shows, with the wheel's code, on this Python in place of uv's."""

    async def main() -> dict[str, Any]:
        server = StdioServerParameters(
            command=sys.executable,
            args=["start.py", *folders],
            env={"AURICLE_HOME": str(home), "PYTHONPATH": str(bundle / wheel.name)},
            cwd=bundle,
        )
        with anyio.fail_after(60):
            async with Client(server) as client:
                tools = [tool.name for tool in (await client.list_tools()).tools]
                return {"tools": tools, "instructions": client.instructions}

    return anyio.run(main)
