"""Which way a model needs is tried once, and remembered."""

from pathlib import Path
from typing import Any

import pytest

from agent.probing import tried
from auricle.errors import CannotCallTools, ModelUnavailable
from auricle.settings import Settings
from engines.known_models import KnownModels
from engines.ollama_llm import OllamaLLM
from engines.openai_llm import OpenAILLM
from engines.protocols import LLMTraits, Reply
from tests.agent_fakes import QueueLLM
from tests.llm_servers import Card, OllamaServer, OpenAIServer, Refused, Said, Server
from tools.work import Quiet


def calls(*made: tuple[str, dict[str, Any]]) -> Reply:
    ids = [{"id": f"c{n}", "name": name, "arguments": arguments} for n, (name, arguments) in enumerate(made)]
    return Reply(text="", tool_calls=tuple(ids))


LISTEN = ("transcribe", {"recording": "r_7f", "start": 90, "end": "2:00"})
WRITE = ("export_transcript", {"recording": "r_7f", "format": "srt"})
TOLD = "I wrote it to talk.srt."


def able(*replies: Reply | str) -> QueueLLM:
    llm = QueueLLM(*replies)
    llm.traits = LLMTraits(tools=True, context=8192, identity="fake@1")
    return llm


@pytest.mark.parametrize("replies", [[calls(LISTEN), calls(WRITE), TOLD], [calls(LISTEN, WRITE), TOLD]])
def test_a_model_that_does_two_things_in_a_row_is_let_loose_with_tools(home: Path, replies: list[Reply | str]) -> None:
    settings = Settings(home=home)
    assert tried(able(*replies), settings, Quiet()).traits.tools
    assert KnownModels(home).get("fake@1").tools is True


@pytest.mark.parametrize(
    ("replies", "why"),
    [
        (['{"name": "transcribe", "arguments": {"recording": "r_7f"}}'], "instead of calling transcribe"),
        ([calls(WRITE)], "called export_transcript where transcribe was due"),
        ([calls(("transcribe", {"recording": "r_7f", "start": 1.3, "end": 2}))], "other arguments"),
        ([calls(("transcribe", {"recording": "r_7f", "start": None, "end": {}}))], "other arguments"),
        ([calls(LISTEN), TOLD], "instead of calling export_transcript"),
        ([calls(LISTEN), calls(WRITE), calls(WRITE)], "where nothing was due"),
        ([calls(LISTEN), calls(WRITE), " "], "said nothing"),
    ],
)
def test_any_other_plans(home: Path, replies: list[Reply | str], why: str) -> None:
    llm = tried(able(*replies), Settings(home=home), Quiet())
    assert not llm.traits.tools and llm.traits.context == 8192
    assert why in KnownModels(home).get("fake@1").tried


def test_it_is_tried_once_and_again_when_its_weights_change(home: Path) -> None:
    settings = Settings(home=home)
    assert tried(able(calls(LISTEN), calls(WRITE), TOLD), settings, Quiet()).traits.tools
    again = able()
    assert tried(again, settings, Quiet()).traits.tools and again.asked == []
    other = able("Sure!")
    other.traits = LLMTraits(tools=True, context=8192, identity="fake@2")
    assert not tried(other, settings, Quiet()).traits.tools


def test_a_model_without_tools_is_not_tried(home: Path) -> None:
    llm = QueueLLM()
    assert not tried(llm, Settings(home=home), Quiet()).traits.tools and llm.asked == []


def test_a_server_that_knows_no_tools_is_remembered_and_one_that_is_gone_is_not(home: Path) -> None:
    class Failing(QueueLLM):
        def chat(self, *args: Any, **options: Any) -> Reply:
            raise failure

    llm = Failing()
    llm.traits = LLMTraits(tools=True, context=8192, identity="fake@1")
    failure: Exception = ModelUnavailable("It is gone.")
    with pytest.raises(ModelUnavailable):
        tried(llm, Settings(home=home), Quiet())
    assert KnownModels(home).all() == {}
    failure = CannotCallTools("It knows no tools.")
    assert not tried(llm, Settings(home=home), Quiet()).traits.tools
    assert KnownModels(home).get("fake@1").tried == "It knows no tools."


@pytest.mark.parametrize("kind", [OllamaServer, OpenAIServer])
def test_a_served_model_is_tried_over_its_own_protocol(home: Path, kind: type[Server]) -> None:
    server = kind(Said(calls=[LISTEN]), Said(calls=[WRITE]), Said(TOLD))
    try:
        settings = Settings(home=home, ollama_url=server.url, openai_url=f"{server.url}/v1")
        for _ in range(2):
            llm = OllamaLLM("qwen3:8b", settings) if kind is OllamaServer else OpenAILLM("m", settings)
            assert tried(llm, settings, Quiet()).traits.tools
        assert len(server.chats()) == 3
        assert [message["role"] for message in server.chats()[-1]["messages"]][-2:] == ["assistant", "tool"]
    finally:
        server.close()


@pytest.mark.parametrize(
    ("server", "refused"),
    [
        (OllamaServer, Refused(500, "error parsing tool call: raw='{name' err=invalid character 'n'")),
        (OpenAIServer, Refused(400, '"auto" tool choice requires --enable-auto-tool-choice to be set')),
    ],
)
def test_a_server_that_refuses_tools_gets_plans(home: Path, server: type[Server], refused: Refused) -> None:
    standing = server(refused)
    try:
        settings = Settings(home=home, ollama_url=standing.url, openai_url=f"{standing.url}/v1")
        llm = OllamaLLM("qwen3:8b", settings) if server is OllamaServer else OpenAILLM("m", settings)
        assert not tried(llm, settings, Quiet()).traits.tools
        (known,) = KnownModels(home).all().values()
        assert "cannot call tools" in known.tried
    finally:
        standing.close()


def test_a_new_pull_of_an_ollama_model_is_another_model(home: Path) -> None:
    server = OllamaServer(qwen3=Card(digest="aaaa"))
    try:
        settings = Settings(home=home, ollama_url=server.url)
        first = OllamaLLM("qwen3", settings).traits.identity
        server.models["qwen3"] = Card(digest="bbbb")
        assert OllamaLLM("qwen3", settings).traits.identity != first == "ollama:qwen3@aaaa"
    finally:
        server.close()


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}', '{"a": {"tools": "perhaps"}}'])
def test_a_file_that_is_none_of_ours_is_no_knowledge(home: Path, content: str) -> None:
    file = home / "llm" / "known.json"
    file.parent.mkdir(parents=True)
    file.write_text(content)
    assert KnownModels(home).all() == {}
    KnownModels(home).note("fake@1", tools=True)
    assert KnownModels(home).get("fake@1").tools is True
