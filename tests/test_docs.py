"""What README and docs say is what there is: commands, options, settings, make targets, files and code."""

import ast
import re
import shlex
from pathlib import Path

import pytest
import typer

import auricle
from agent.cli.app import app
from auricle.settings import Settings

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")
BESIDE_SETTINGS = {"AURICLE_CONFIG", "AURICLE_EVAL", "AURICLE_DEBUG"}


def pages() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def blocks(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", README, re.DOTALL)


def commands() -> list[str]:
    lines = [line for block in blocks("sh") for line in block.splitlines()]
    return [line.partition("#")[0].strip() for line in lines if line.startswith("auricle ")]


@pytest.mark.parametrize("line", commands())
def test_every_command_of_the_readme_is_understood(line: str) -> None:
    command, words = typer.main.get_command(app), shlex.split(line)[1:]
    while words and (within := getattr(command, "commands", {})) and not words[0].startswith("-"):
        assert words[0] in within, words[0]
        command = within[words.pop(0)]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("-")} <= known


def test_the_readme_shows_commands_scripts_and_code() -> None:
    assert len(commands()) > 8
    assert all(ast.parse(code) for code in blocks("python"))
    script = blocks("yaml")[0].strip()
    assert script in (ROOT / "examples" / "minutes.yaml").read_text(encoding="utf-8")


def test_make_targets_that_are_named_exist() -> None:
    targets = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {name for page in pages() for name in re.findall(r"`?make ([a-z]+)\b`?", page.read_text())}
    assert {"demo", "test"} <= named & targets
    assert {name for page in pages() for name in re.findall(r"`make ([a-z]+)`", page.read_text())} <= targets


def test_every_command_that_privacy_rests_on_is_understood() -> None:
    told = re.findall(r"`auricle ([^`]+)`", (ROOT / "docs" / "privacy.md").read_text(encoding="utf-8"))
    assert {"remove RECORDING", "speakers forget NAME"} <= set(told)
    for line in told:
        command, words = typer.main.get_command(app), shlex.split(line)
        while words and (within := getattr(command, "commands", {})):
            assert words[0] in within, line
            command = within[words.pop(0)]
        assert {word for word in words if word.startswith("-")} <= {one for each in command.params for one in each.opts}


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_variables_and_files_that_are_named_exist(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    settings = {f"AURICLE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"AURICLE_[A-Z_]*[A-Z]", text)) <= settings | BESIDE_SETTINGS
    for path in re.findall(r"\]\((?!http)([^)#]+)\)", text):
        assert (page.parent / path).exists(), path
    for path in re.findall(
        r"`((?:agent|tools|engines|library|mcp_server|auricle|tests|bench|prompts)/[\w./]*\w/?)`", text
    ):
        assert (ROOT / path).exists(), path


def test_every_setting_says_what_it_is() -> None:
    assert all(field.description for field in Settings.model_fields.values())


def test_the_public_api_can_be_imported() -> None:
    assert all(getattr(auricle, name) for name in auricle.__all__)
