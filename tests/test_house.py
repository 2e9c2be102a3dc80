"""The directions in which the rooms may know each other (docs/architecture.md)."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

MAY_IMPORT = {
    "auricle": set[str](),
    "prompts": set[str](),
    "engines": {"auricle"},
    "library": {"auricle"},
    "tools": {"auricle", "engines", "library", "prompts"},
    "mcp_server": {"auricle", "tools", "prompts"},
    # mcp_server: only for the command that serves.
    "agent": {"auricle", "engines", "library", "tools", "prompts", "mcp_server"},
}

ONLY_IN = {
    "langgraph": {"agent"},
    "langchain_core": {"agent"},
    "mcp": {"mcp_server"},
    "starlette": {"mcp_server"},
    "uvicorn": {"mcp_server"},
    "typer": {"agent"},
    "sqlalchemy": {"library"},
    "torch": {"engines"},
    "pyannote": {"engines"},
    "faster_whisper": {"engines"},
    "xllamacpp": {"engines"},
    "ray": {"engines"},
}
"""Libraries that one room alone knows, so that they can be changed there."""

HEAVY = ["torch", "faster_whisper", "pyannote", "xllamacpp", "langgraph", "mcp"]


def imports(room: str) -> Iterator[tuple[Path, str, bool]]:
    """Every absolute import in a room: file, module, and whether it is made when the file is."""
    for file in sorted((ROOT / room).rglob("*.py")):
        tree = ast.parse(file.read_text(encoding="utf-8"))
        inside = {
            node
            for function in ast.walk(tree)
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
            for node in ast.walk(function)
        }
        for node in ast.walk(tree):
            if isinstance(node, ast.Import):
                for name in node.names:
                    yield file, name.name, node not in inside
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 0, f"{file}: imports are absolute"
                yield file, node.module or "", node not in inside


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_room_imports_only_what_lies_below_it(room: str) -> None:
    ours = set(MAY_IMPORT)
    for file, module, _ in imports(room):
        top = module.split(".")[0]
        if top in ours and top != room:
            assert top in MAY_IMPORT[room], f"{file.relative_to(ROOT)} imports {module}"


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_a_library_is_known_to_one_room(room: str) -> None:
    for file, module, _ in imports(room):
        allowed = ONLY_IN.get(module.split(".")[0])
        assert allowed is None or room in allowed, f"{file.relative_to(ROOT)} imports {module}"


def test_only_the_command_that_serves_knows_the_mcp_server() -> None:
    found = {file for file, module, _ in imports("agent") if module.split(".")[0] == "mcp_server"}
    assert found <= {ROOT / "agent" / "cli" / "serving.py"}


def test_nothing_is_called_as_a_library_is() -> None:
    assert not (ROOT / "mcp").exists()
    assert not (ROOT / "tests" / "tools" / "__init__.py").exists()


@pytest.mark.parametrize(
    "line",
    [
        "--help",
        "list",
        "jobs",
        "models list",
        "mcp-config",
        "doctor",
        "show r_0123456789",
        "tokens list",
        "speakers list",
    ],
)
def test_what_is_answered_from_the_library_loads_nothing_heavy(line: str) -> None:
    code = (
        "import sys\n"
        "from agent.cli.app import run\n"
        f"code = run({line.split()!r})\n"
        f"print([name for name in {HEAVY!r} if name in sys.modules], code, file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stderr.splitlines()[-1].startswith("[] ")
