"""Ollama and OpenAI-compatible servers, against stand-ins that listen on this machine."""

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from auricle.errors import BadArgument, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.addresses import on_this_machine
from engines.llm import open_llm
from engines.ollama_llm import OllamaLLM
from engines.openai_llm import OpenAILLM
from engines.protocols import LLM, Message

Answer = Callable[[str, dict[str, Any]], tuple[int, Any]]
SCHEMA = {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]}
TOOL = {"type": "function", "function": {"name": "add", "description": "Adds.", "parameters": {"type": "object"}}}


class StandIn:
    """A server whose answers the test gives; ``asked`` is what it was asked."""

    def __init__(self, answer: Answer) -> None:
        asked: list[tuple[str, dict[str, Any]]] = []
        self.asked = asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                asked.append((self.path, body))
                status, data = answer(self.path, body)
                content = json.dumps(data).encode()
                self.send_response(status)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Answer], StandIn]]:
    # A proxy of the machine's must not stand between.
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    servers: list[StandIn] = []

    def start(answer: Answer) -> StandIn:
        servers.append(StandIn(answer))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


def settings_for(tmp_path: Path, **values: Any) -> Settings:
    return Settings(home=tmp_path / "home", **values)


def ollama(capabilities: list[str], size: str = "8.0B", message: dict[str, Any] | None = None) -> Answer:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path == "/api/tags":
            return 200, {"models": [{"model": "small:1b"}, {"model": "qwen3:8b"}]}
        if path == "/api/show":
            if body["model"] == "small:1b":
                return 200, {"capabilities": ["completion"], "details": {"parameter_size": "1B"}, "model_info": {}}
            if body["model"] != "qwen3:8b":
                return 404, {"error": f"model '{body['model']}' not found"}
            info = {"qwen3.context_length": 4096}
            return 200, {"capabilities": capabilities, "details": {"parameter_size": size}, "model_info": info}
        told = message or {"role": "assistant", "content": '{"n": 3}'}
        return 200, {"model": "qwen3:8b", "message": told, "done": True, "prompt_eval_count": 7, "eval_count": 2}

    return answer


def no_local(name: str) -> LLM:
    raise AssertionError(f"the local LLM {name!r} was opened")


def test_ollama_is_given_its_context_and_the_schema(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    server = serve(ollama(["completion", "tools"]))
    llm = open_llm("ollama:qwen3:8b", settings_for(tmp_path, ollama_url=server.url), no_local)
    reply = llm.chat([Message("system", "s"), Message("user", "u")], schema=SCHEMA, max_tokens=50)
    path, body = server.asked[-1]
    assert path == "/api/chat"
    assert body["options"] == {"num_ctx": 4096, "num_predict": 50, "temperature": 0, "seed": 0}
    assert body["format"] == SCHEMA
    assert reply.data == {"n": 3} and (reply.prompt_tokens, reply.completion_tokens) == (7, 2)
    assert llm.traits.tools and llm.traits.context == 4096


def test_ollama_calls_tools(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    call = {"role": "assistant", "content": "", "tool_calls": [{"function": {"name": "add", "arguments": {"a": 1}}}]}
    server = serve(ollama(["tools"], message=call))
    llm = OllamaLLM("qwen3:8b", settings_for(tmp_path, ollama_url=server.url))
    assert llm.chat([Message("user", "u")], tools=[TOOL]).tool_calls == (
        {"id": "call_1", "name": "add", "arguments": {"a": 1}},
    )
    assert server.asked[-1][1]["tools"][0]["function"]["name"] == "add"


def test_what_ollama_would_cut_silently_is_refused(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    server = serve(ollama(["tools"]))
    llm = OllamaLLM("qwen3:8b", settings_for(tmp_path, ollama_url=server.url))
    with pytest.raises(BadArgument, match="context is 4096"):
        llm.chat([Message("user", "word " * 4000)])
    assert server.asked[-1][0] == "/api/show"


def test_a_small_model_plans_instead_of_calling_tools(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    server = serve(ollama(["tools"], size="1.5B"))
    assert not OllamaLLM("qwen3:8b", settings_for(tmp_path, ollama_url=server.url)).traits.tools


def test_a_model_ollama_lacks_is_told_with_those_it_has(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    server = serve(ollama(["tools"]))
    with pytest.raises(ModelUnavailable, match=r"ollama pull nope.*small:1b, qwen3:8b"):
        OllamaLLM("nope", settings_for(tmp_path, ollama_url=server.url))


def test_an_ollama_that_is_not_running_says_how_to_start_it(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="ollama serve"):
        OllamaLLM("qwen3", settings_for(tmp_path, ollama_url="http://127.0.0.1:9"))


def test_auto_takes_the_first_model_of_a_running_ollama_that_has_tools(
    tmp_path: Path, serve: Callable[[Answer], StandIn]
) -> None:
    server = serve(ollama(["tools"]))
    llm = open_llm("auto", settings_for(tmp_path, ollama_url=server.url), no_local)
    assert llm.name == "ollama:qwen3:8b"


@pytest.mark.parametrize("running", [True, False])
def test_auto_is_local_without_a_capable_ollama(
    tmp_path: Path, serve: Callable[[Answer], StandIn], running: bool
) -> None:
    url = serve(ollama(["completion"])).url if running else "http://127.0.0.1:9"
    opened: list[str] = []

    def local(name: str) -> LLM:
        opened.append(name)
        return OpenAILLM("stands-for-local", settings_for(tmp_path))

    open_llm("auto", settings_for(tmp_path, ollama_url=url), local)
    assert opened == [""]


def completion(**message: Any) -> dict[str, Any]:
    told = {"role": "assistant", "content": None, **message}
    return {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "m",
        "choices": [{"index": 0, "finish_reason": "stop", "message": told}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
    }


def test_an_openai_compatible_server_is_given_schema_and_tools(
    tmp_path: Path, serve: Callable[[Answer], StandIn]
) -> None:
    server = serve(lambda path, body: (200, completion(content='{"n": 4}')))
    llm = open_llm("openai:m", settings_for(tmp_path, openai_url=f"{server.url}/v1"), no_local)
    assert llm.chat([Message("user", "u")], schema=SCHEMA, tools=[TOOL], max_tokens=9).data == {"n": 4}
    path, body = server.asked[-1]
    assert path == "/v1/chat/completions"
    assert body["response_format"]["json_schema"]["schema"] == SCHEMA
    assert body["tools"] == [TOOL] and body["max_tokens"] == 9 and body["temperature"] == 0


def test_an_openai_compatible_server_calls_tools(tmp_path: Path, serve: Callable[[Answer], StandIn]) -> None:
    call = {"id": "c7", "type": "function", "function": {"name": "add", "arguments": '{"a": 2}'}}
    server = serve(lambda path, body: (200, completion(tool_calls=[call])))
    llm = OpenAILLM("m", settings_for(tmp_path, openai_url=f"{server.url}/v1"))
    assert llm.chat([Message("user", "u")], tools=[TOOL]).tool_calls == (
        {"id": "c7", "name": "add", "arguments": {"a": 2}},
    )


@pytest.mark.parametrize(
    ("status", "error", "told"),
    [
        (401, ModelUnavailable, "AURICLE_OPENAI_API_KEY"),
        (404, ModelUnavailable, "it has good, better"),
        (400, WorkError, "refused"),
    ],
)
def test_what_an_openai_compatible_server_refuses_is_told(
    tmp_path: Path, serve: Callable[[Answer], StandIn], status: int, error: type[Exception], told: str
) -> None:
    def answer(path: str, body: dict[str, Any]) -> tuple[int, Any]:
        if path.endswith("/models"):
            models = [{"id": name, "object": "model", "created": 1, "owned_by": "x"} for name in ("good", "better")]
            return 200, {"object": "list", "data": models}
        return status, {"error": {"message": "no", "type": "x", "code": None, "param": None}}

    server = serve(answer)
    llm = OpenAILLM("m", settings_for(tmp_path, openai_url=f"{server.url}/v1"))
    with pytest.raises(error, match=told):
        llm.chat([Message("user", "u")])


def test_a_server_that_is_not_there_is_told(tmp_path: Path) -> None:
    llm = OpenAILLM("m", settings_for(tmp_path, openai_url="http://127.0.0.1:9/v1"))
    with pytest.raises(ModelUnavailable, match="AURICLE_OPENAI_URL"):
        llm.chat([Message("user", "u")])


@pytest.mark.parametrize("spec", ["", "gpt-4", "ollama:", "openai:", "local", "auto:x", "cloud:x"])
def test_a_model_that_is_not_understood_says_what_is_allowed(tmp_path: Path, spec: str) -> None:
    with pytest.raises(BadArgument, match=r"auto, local:.*ollama:NAME or openai:NAME"):
        open_llm(spec, settings_for(tmp_path), no_local)


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://localhost:1", True), ("http://127.0.0.1/v1", True), ("http://[::1]:2", True), ("https://a.org", False)],
)
def test_a_server_on_this_machine_is_asked_directly(url: str, local: bool) -> None:
    assert on_this_machine(url) is local
