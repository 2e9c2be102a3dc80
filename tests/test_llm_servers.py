"""Ollama and OpenAI-compatible servers, against stand-ins that listen on this machine and speak as they do."""

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from auricle.errors import AuricleError, BadArgument, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.addresses import on_this_machine
from engines.llm import open_llm
from engines.ollama_llm import OllamaLLM
from engines.openai_llm import OpenAILLM
from engines.protocols import LLM, Message
from tests.llm_servers import Card, OllamaServer, OpenAIServer, Refused, Said, Server

SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}
ASK = [Message("user", "How many?")]
NOWHERE = "http://127.0.0.1:9"

S = TypeVar("S", bound=Server)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[S], S]]:
    # A proxy of the machine's must not stand between, and nobody waits for a busy server here.
    monkeypatch.setenv("HTTP_PROXY", NOWHERE)
    monkeypatch.setenv("http_proxy", NOWHERE)
    monkeypatch.setattr("engines.steadfast.time.sleep", lambda seconds: None)
    servers: list[Server] = []

    def start(server: S) -> S:
        servers.append(server)
        return server

    yield start
    for server in servers:
        server.close()


def opened(server: Server, tmp_path: Path, **values: Any) -> LLM:
    """The first model of a stand-in."""
    if isinstance(server, OllamaServer):
        settings = Settings(home=tmp_path / "home", ollama_url=server.url, **values)
        return OllamaLLM(next(iter(server.models)), settings)
    return OpenAILLM("m", Settings(home=tmp_path / "home", openai_url=f"{server.url}/v1", **values))


def no_local(name: str) -> LLM:
    raise AssertionError(f"the local LLM {name!r} was opened")


BOTH = pytest.mark.parametrize("kind", [OllamaServer, OpenAIServer])


@BOTH
def test_the_words_of_an_answer_are_told_as_they_come(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind(Said("She said  yes.")))
    told: list[str] = []
    reply = opened(server, tmp_path).chat(ASK, on_text=told.append)
    assert told == ["She", " said", "  yes."]
    assert reply.text == "She said  yes." and reply.completion_tokens == 3 and reply.prompt_tokens > 0


@BOTH
def test_a_schema_and_tools_reach_the_server(tmp_path: Path, serve: Callable[[S], S], kind: type[Server]) -> None:
    server = serve(kind(Said('{"n": 3}'), Said(calls=[("add", {"a": 1, "b": "two words"}), ("add", {})])))
    llm = opened(server, tmp_path)
    assert llm.chat(ASK, schema=SCHEMA).data == {"n": 3}
    calls = llm.chat(ASK, tools=[TOOL]).tool_calls
    assert [(call["name"], call["arguments"]) for call in calls] == [("add", {"a": 1, "b": "two words"}), ("add", {})]
    assert len({call["id"] for call in calls}) == 2
    first, second = server.chats()
    asked = first["format"] if kind is OllamaServer else first["response_format"]["json_schema"]["schema"]
    assert asked == SCHEMA and second["tools"] == [TOOL]


@BOTH
def test_a_server_that_goes_away_before_a_word_is_asked_once_more(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind(Said("two words", breaks=0), Said("two words")))
    assert opened(server, tmp_path).chat(ASK, on_text=lambda piece: None).text == "two words"
    assert len(server.chats()) == 2


@BOTH
def test_a_server_that_goes_away_again_and_again_is_given_up(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind(Said("two words", breaks=1)))
    with pytest.raises(WorkError, match=r"broke off in the middle of its answer.*ask again"):
        opened(server, tmp_path).chat(ASK)
    assert len(server.chats()) == 2


@BOTH
def test_words_that_were_shown_are_not_said_twice(tmp_path: Path, serve: Callable[[S], S], kind: type[Server]) -> None:
    server = serve(kind(Said("two words", breaks=1), Said("two words")))
    told: list[str] = []
    with pytest.raises(WorkError, match="broke off"):
        opened(server, tmp_path).chat(ASK, on_text=told.append)
    assert told == ["two"] and len(server.chats()) == 1


@BOTH
def test_an_error_in_the_middle_of_an_answer_is_told(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind(Said("two words", fails="llama runner process no longer running")))
    with pytest.raises(WorkError, match=r"broke off.*runner process no longer"):
        opened(server, tmp_path).chat(ASK)


@BOTH
def test_whoever_listens_can_stop_it(tmp_path: Path, serve: Callable[[S], S], kind: type[Server]) -> None:
    server = serve(kind(Said("one two three")))

    def stop(piece: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        opened(server, tmp_path).chat(ASK, on_text=stop)
    assert len(server.chats()) == 1


@BOTH
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_server_is_asked_again(tmp_path: Path, serve: Callable[[S], S], kind: type[Server], status: int) -> None:
    busy = Refused(status, "server busy, please try again", {"retry-after": "1"})
    server = serve(kind(busy, busy, Said("there")))
    assert opened(server, tmp_path).chat(ASK).text == "there"
    assert len(server.chats()) == 3


@BOTH
def test_a_server_that_stays_busy_is_told(tmp_path: Path, serve: Callable[[S], S], kind: type[Server]) -> None:
    server = serve(kind(Refused(429, "too many requests")))
    with pytest.raises(WorkError, match=r"busy.*wait, or choose another"):
        opened(server, tmp_path).chat(ASK)
    assert len(server.chats()) == 4


def test_a_server_is_waited_for_as_long_as_it_asks(
    tmp_path: Path, serve: Callable[[S], S], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    monkeypatch.setattr("engines.steadfast.time.sleep", waits.append)
    busy = [Refused(429, "wait", {"retry-after": after}) for after in ("7", "3600", "soon")]
    opened(serve(OpenAIServer(*busy, Said("there"))), tmp_path).chat(ASK)
    assert waits == [7, 20, 4]


@BOTH
def test_an_answer_that_was_cut_off_is_no_object(tmp_path: Path, serve: Callable[[S], S], kind: type[Server]) -> None:
    server = serve(kind(Said('{"n": ', length=True)))
    with pytest.raises(WorkError, match="cut off at its token limit"):
        opened(server, tmp_path).chat(ASK, schema=SCHEMA)


@BOTH
def test_a_server_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind())
    llm = opened(server, tmp_path, llm_timeout=0.2)

    def dawdle(body: dict[str, Any]) -> Said:
        released.wait(5)
        return Said("late")

    released = threading.Event()
    server.decide = dawdle
    with pytest.raises(WorkError, match="AURICLE_LLM_TIMEOUT"):
        llm.chat(ASK)
    released.set()


def test_ollama_is_given_its_context_and_what_it_may_say(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer(qwen3__8b=Card(context=4096)))
    llm = open_llm("ollama:qwen3:8b", Settings(home=tmp_path, ollama_url=server.url), no_local)
    llm.chat(ASK, max_tokens=50)
    (body,) = server.chats()
    assert body["options"] == {"num_ctx": 4096, "num_predict": 50, "temperature": 0, "seed": 0}
    assert llm.traits.tools and llm.traits.context == 4096


def test_what_ollama_would_cut_silently_is_refused(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer(qwen3__8b=Card(context=4096)))
    with pytest.raises(BadArgument, match="context is 4096"):
        opened(server, tmp_path).chat([Message("user", "word " * 4000)])
    assert server.chats() == []


def test_a_model_that_thinks_aloud_is_asked_not_to(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer(qwen3__8b=Card(["completion", "tools", "thinking"]), gemma=Card()))
    opened(server, tmp_path).chat(ASK)
    OllamaLLM("gemma", Settings(home=tmp_path, ollama_url=server.url)).chat(ASK)
    assert [body.get("think") for body in server.chats()] == [False, None]


def test_ollama_is_told_which_tool_a_result_is_of(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer())
    call = {"id": "c1", "name": "add", "arguments": {"a": 1}}
    said = [*ASK, Message("assistant", "", tool_calls=(call,)), Message("tool", "3", tool_call_id="c1")]
    opened(server, tmp_path).chat(said, tools=[TOOL])
    assert server.chats()[0]["messages"][-1] == {"role": "tool", "content": "3", "tool_name": "add"}


@pytest.mark.parametrize(
    ("told", "context"),
    [
        ({"max_model_len": 4096}, 4096),
        ({"meta": {"n_ctx": 2048, "n_ctx_train": 32768}}, 2048),
        ({"context_length": 131072}, 8192),
        ({"max_model_len": None}, 8192),
        ({}, 8192),
    ],
)
def test_the_window_a_server_tells_of_is_kept_to(
    tmp_path: Path, serve: Callable[[S], S], told: dict[str, Any], context: int
) -> None:
    server = serve(OpenAIServer(models=({"id": "other", "max_model_len": 10}, {"id": "m", **told})))
    assert opened(server, tmp_path).traits.context == context


@BOTH
def test_what_a_server_counts_is_counted_with_from_then_on(
    tmp_path: Path, serve: Callable[[S], S], kind: type[Server]
) -> None:
    server = serve(kind())
    long = [Message("user", "word " * 1000)]
    llm = opened(server, tmp_path)
    llm.chat(long)
    assert 0.2 < llm.traits.tokens_per_byte < 0.3
    assert opened(server, tmp_path).traits.tokens_per_byte == llm.traits.tokens_per_byte


def test_a_model_ollama_lacks_is_told_with_those_it_has(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer(small__1b=Card(), qwen3__8b=Card()))
    with pytest.raises(ModelUnavailable, match=r"ollama pull nope.*small:1b, qwen3:8b"):
        OllamaLLM("nope", Settings(home=tmp_path, ollama_url=server.url))


def test_a_model_that_was_removed_meanwhile_is_told(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer())
    llm = opened(server, tmp_path)
    server.models.clear()
    with pytest.raises(ModelUnavailable, match="ollama pull qwen3:8b"):
        llm.chat(ASK)


@pytest.mark.parametrize(
    ("refusal", "error", "told"),
    [
        (
            Refused(500, "model requires more system memory (5.5 GiB) than is available (3.1 GiB)"),
            ModelUnavailable,
            "memory",
        ),
        (Refused(400, "registry.ollama.ai/library/x does not support tools"), ModelUnavailable, "cannot call tools"),
        (Refused(500, "unexpected"), WorkError, "refused"),
    ],
)
def test_what_ollama_refuses_is_told(
    tmp_path: Path, serve: Callable[[S], S], refusal: Refused, error: type[AuricleError], told: str
) -> None:
    with pytest.raises(error, match=told):
        opened(serve(OllamaServer(refusal)), tmp_path).chat(ASK)


def test_an_ollama_that_is_not_running_says_how_to_start_it(tmp_path: Path, serve: Callable[[S], S]) -> None:
    with pytest.raises(ModelUnavailable, match="ollama serve"):
        OllamaLLM("qwen3", Settings(home=tmp_path, ollama_url=NOWHERE))
    server = OllamaServer()
    llm = opened(server, tmp_path)
    server.close()
    with pytest.raises(ModelUnavailable, match="ollama serve"):
        llm.chat(ASK)


def test_auto_takes_the_first_model_of_a_running_ollama_that_has_tools(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OllamaServer(small__1b=Card(["completion"]), big__cloud=Card(), qwen3__8b=Card()))
    assert open_llm("auto", Settings(home=tmp_path, ollama_url=server.url), no_local).name == "ollama:qwen3:8b"


@pytest.mark.parametrize("running", [True, False])
def test_auto_is_local_without_a_capable_ollama(tmp_path: Path, serve: Callable[[S], S], running: bool) -> None:
    url = serve(OllamaServer(small=Card(["completion"]))).url if running else NOWHERE
    names: list[str] = []

    def local(name: str) -> LLM:
        names.append(name)
        return OpenAILLM("stands-for-local", Settings(home=tmp_path))

    open_llm("auto", Settings(home=tmp_path, ollama_url=url), local)
    assert names == [""]


def test_an_openai_compatible_server_is_given_its_limits(tmp_path: Path, serve: Callable[[S], S]) -> None:
    server = serve(OpenAIServer())
    llm = open_llm("openai:m", Settings(home=tmp_path, openai_url=f"{server.url}/v1"), no_local)
    llm.chat(ASK, max_tokens=9)
    (body,) = server.chats()
    assert (body["model"], body["max_tokens"], body["temperature"], body["stream"]) == ("m", 9, 0, True)


@pytest.mark.parametrize(
    ("refusal", "error", "told"),
    [
        (Refused(401, "no"), ModelUnavailable, "AURICLE_OPENAI_API_KEY"),
        (Refused(404, "no"), ModelUnavailable, "it has good, better"),
        (Refused(400, "no"), WorkError, "refused"),
        (Refused(400, "This model's maximum context length is 4096 tokens."), BadArgument, "AURICLE_CONTEXT_TOKENS"),
        (Refused(400, "response_format.type must be 'text'"), ModelUnavailable, "held to a JSON schema"),
        (Refused(400, "the request exceeds the available context size"), BadArgument, "shorter range"),
    ],
)
def test_what_an_openai_compatible_server_refuses_is_told(
    tmp_path: Path, serve: Callable[[S], S], refusal: Refused, error: type[AuricleError], told: str
) -> None:
    server = serve(OpenAIServer(refusal, models=({"id": "good"}, {"id": "better"})))
    with pytest.raises(error, match=told):
        opened(server, tmp_path).chat(ASK)
    assert len(server.chats()) == 1


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    llm = OpenAILLM("m", Settings(home=tmp_path, openai_url=f"{NOWHERE}/v1"))
    with pytest.raises(ModelUnavailable, match="AURICLE_OPENAI_URL"):
        llm.chat(ASK)


@pytest.mark.parametrize("spec", ["", "gpt-4", "ollama:", "openai:", "local", "auto:x", "cloud:x"])
def test_a_model_that_is_not_understood_says_what_is_allowed(tmp_path: Path, spec: str) -> None:
    with pytest.raises(BadArgument, match=r"auto, local:.*ollama:NAME or openai:NAME"):
        open_llm(spec, Settings(home=tmp_path), no_local)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://localhost:1", True), ("http://127.0.0.1/v1", True), ("http://[::1]:2", True), ("https://a.org", False)],
)
def test_a_server_on_this_machine_is_asked_directly(url: str, local: bool) -> None:
    assert on_this_machine(url) is local
