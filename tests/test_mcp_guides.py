"""Prompts over MCP: they lead through tools that exist, with what the person told, in both eras."""

import re
from pathlib import Path

import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import GetPromptResult, PromptReference, TextContent

import prompts
from auricle.settings import Settings
from mcp_server.guides import GUIDES, filled
from tests.fakes import tone
from tests.mcp_kit import talk
from tools.catalog import catalog
from tools.toolbox import Toolbox

OTHER_WORDS = {"next", "cursor", "r_…"}


def text(result: GetPromptResult) -> str:
    (message,) = result.messages
    assert message.role == "user"
    assert isinstance(message.content, TextContent)
    return message.content.text


@pytest.mark.parametrize("guide", GUIDES, ids=lambda guide: guide.name)
def test_a_guide_asks_for_what_it_fills_and_names_tools_and_arguments_that_exist(guide: object) -> None:
    (known,) = [one for one in GUIDES if one is guide]
    assert prompts.placeholders(f"guide_{known.name}") == set(known.arguments)
    assert set(known.choices) <= set(known.arguments)
    words = text(filled(known.name, {"recording": "r_0123456789"}))
    tools = {spec.name for spec in catalog()}
    parameters = {name for spec in catalog() for name in spec.parameters.model_fields}
    named = {word for word in re.findall(r"`([^`]+)`", words) if not word.startswith("auricle://")}
    assert named <= tools | parameters | OTHER_WORDS
    assert len(named & tools) >= 5
    assert len(words.split()) < 600


def test_a_client_gets_the_guides_with_what_the_person_told(
    toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str
) -> None:
    async def go(client: Client) -> None:
        listed = {prompt.name: prompt for prompt in (await client.list_prompts()).prompts}
        assert set(listed) == {"transcribe", "minutes", "interview", "subtitles", "who_is_who", "clean_up"}
        for prompt in listed.values():
            assert prompt.title
            assert prompt.description
            assert [one.name for one in prompt.arguments or [] if one.required] == ["recording"]
        told = {"recording": "call.mp3", "people": "Diane,\n Sheila", "roles": "costs $5", "format": " "}
        words = text(await client.get_prompt("transcribe", told))
        assert (
            "Recording: call.mp3\nPeople: Diane, Sheila\nRoles: costs $5\nTerms: (not told)\nFormat: (not told)"
            in words
        )
        for name in listed:
            assert "data" in text(await client.get_prompt(name, {"recording": "call.mp3"}))

    talk(toolbox, settings, [tmp_path], go, mode=mode)


def test_what_a_guide_does_not_know_is_told(toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str) -> None:
    wrong = [
        ("summary", {"recording": "a.wav"}, "no prompt 'summary': there are transcribe"),
        ("minutes", {}, "which recording"),
        ("minutes", {"recording": "a.wav", "speed": "2"}, "no argument 'speed', only recording, people, topics"),
        ("minutes", {"recording": "a.wav", "people": "x" * 3000}, "'people' is longer"),
    ]

    async def go(client: Client) -> None:
        for name, arguments, told in wrong:
            with pytest.raises(MCPError) as failed:
                await client.get_prompt(name, arguments)
            assert told in failed.value.message
            assert failed.value.code == -32602

    talk(toolbox, settings, [tmp_path], go, mode=mode)


def test_a_guides_arguments_are_completed(toolbox: Toolbox, settings: Settings, tmp_path: Path, mode: str) -> None:
    recording = toolbox.add_recording(str(tone(tmp_path / "Monday.wav", 2))).id

    async def go(client: Client) -> None:
        async def values(prompt: str, name: str, typed: str) -> list[str]:
            found = await client.complete(PromptReference(name=prompt), {"name": name, "value": typed})
            return found.completion.values

        assert await values("minutes", "recording", "mon") == [recording]
        assert await values("minutes", "people", "") == []
        assert await values("transcribe", "format", "sr") == ["srt"]
        assert await values("subtitles", "format", "") == ["srt", "vtt"]
        assert await values("subtitles", "language", "en") == ["English"]

    talk(toolbox, settings, [tmp_path], go, mode=mode)
