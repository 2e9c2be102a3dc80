"""Stand-ins that speak as Ollama and OpenAI-compatible servers do: the same paths, streams and words for what fails."""

import json
import re
import socket
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Body = dict[str, Any]


@dataclass
class Said:
    """What the model says in one turn.

    Attributes:
        text: Streamed word by word.
        calls: Tool calls, as (name, arguments).
        breaks: The connection is gone after so many pieces.
        fails: An error in the middle of the stream, after the text.
        length: It was cut off at its token limit.
    """

    text: str = ""
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    breaks: int | None = None
    fails: str = ""
    length: bool = False

    @property
    def pieces(self) -> list[str]:
        return re.findall(r"\s*\S+", self.text)


@dataclass
class Refused:
    """An answer that is an error."""

    status: int
    message: str
    headers: dict[str, str] = field(default_factory=dict)


Turn = Said | Refused


class Server:
    """A server on a loopback port.

    Attributes:
        asked: The path and the body of each question, in order.
        turns: What is said, in order; the last one again and again.
        keys: The authorization of each question.
    """

    def __init__(self, *turns: Turn) -> None:
        self.asked: list[tuple[str, Body]] = []
        self.keys: set[str | None] = set()
        self.turns = list(turns) or [Said("hello")]
        self.decide: Callable[[Body], Turn] | None = None
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                self.do_POST()

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
                server.asked.append((self.path, body))
                server.keys.add(self.headers.get("authorization"))
                server.answer(Talk(self), self.path, body)

            def log_message(self, format: str, *args: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})
        self._thread.start()

    def answer(self, talk: "Talk", path: str, body: Body) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def chats(self) -> list[Body]:
        """The bodies of the questions to the model."""
        return [body for path, body in self.asked if path.endswith(("/chat", "/completions"))]

    def _turn(self, body: Body) -> Turn:
        if self.decide is not None:
            return self.decide(body)
        return self.turns.pop(0) if len(self.turns) > 1 else self.turns[0]


class Talk:
    """One answer over HTTP."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler

    def whole(self, data: Any, status: int = 200, headers: dict[str, str] | None = None) -> None:
        content = json.dumps(data).encode()
        self._head(status, "application/json", {"content-length": str(len(content)), **(headers or {})})
        self._handler.wfile.write(content)

    def stream(self, kind: str, lines: Iterator[str | None]) -> None:
        """Chunk by chunk; None cuts the connection."""
        self._head(200, kind, {"transfer-encoding": "chunked"})
        try:
            for line in lines:
                if line is None:
                    self._handler.connection.shutdown(socket.SHUT_RDWR)
                    return
                data = line.encode()
                self._handler.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
                self._handler.wfile.flush()
            self._handler.wfile.write(b"0\r\n\r\n")
        except (BrokenPipeError, ConnectionResetError):
            pass  # whoever asked has gone

    def _head(self, status: int, kind: str, headers: dict[str, str]) -> None:
        self._handler.send_response(status)
        self._handler.close_connection = True  # a server that is closed must not go on answering
        for name, value in {"content-type": kind, "connection": "close", **headers}.items():
            self._handler.send_header(name, value)
        self._handler.end_headers()


@dataclass
class Card:
    """What Ollama tells of a model."""

    capabilities: list[str] = field(default_factory=lambda: ["completion", "tools"])
    size: str = "8.2B"
    context: int = 40960
    digest: str = "500a1f067a9f"


class OllamaServer(Server):
    """Ollama's `/api/tags`, `/api/show` and `/api/chat`."""

    def __init__(self, *turns: Turn, **models: Card) -> None:
        self.models = {name.replace("__", ":"): card for name, card in models.items()} or {"qwen3:8b": Card()}
        super().__init__(*turns)

    def answer(self, talk: Talk, path: str, body: Body) -> None:
        if path == "/api/tags":
            talk.whole({"models": [self._tag(name, card) for name, card in self.models.items()]})
            return
        card = self.models.get(body.get("model", ""))
        if card is None:
            talk.whole({"error": f"model '{body.get('model')}' not found"}, 404)
        elif path == "/api/show":
            info = {"general.architecture": "qwen3", "qwen3.context_length": card.context}
            talk.whole({"details": self._details(card), "model_info": info, "capabilities": card.capabilities})
        else:
            self._chat(talk, body, card)

    def _chat(self, talk: Talk, body: Body, card: Card) -> None:
        if body.get("tools") and "tools" not in card.capabilities:
            refusal = f"registry.ollama.ai/library/{body['model']} does not support tools"
            talk.whole({"error": refusal}, 400)
            return
        turn = self._turn(body)
        if isinstance(turn, Refused):
            talk.whole({"error": turn.message}, turn.status, turn.headers)
            return
        lines = self._lines(turn, body)
        if body.get("stream", True):
            talk.stream("application/x-ndjson", lines)
            return
        *_, last = (json.loads(line) for line in lines if line is not None)
        last["message"] = {"role": "assistant", "content": turn.text, "tool_calls": _ollama_calls(turn)}
        talk.whole(last)

    def _lines(self, turn: Said, body: Body) -> Iterator[str | None]:
        said = len(turn.pieces)
        for number, piece in enumerate(turn.pieces):
            if turn.breaks == number:
                yield None
                return
            yield self._line(body, {"role": "assistant", "content": piece})
        if turn.breaks is not None:
            yield None
            return
        if turn.fails:
            yield json.dumps({"error": turn.fails}) + "\n"
            return
        if turn.calls:
            yield self._line(body, {"role": "assistant", "content": "", "tool_calls": _ollama_calls(turn)})
        # What is longer than the window is cut without a word.
        counted = min(_prompt_tokens(body), (body.get("options") or {}).get("num_ctx", 4096))
        end = {"done": True, "done_reason": "length" if turn.length else "stop", "total_duration": 1_000_000}
        yield self._line(body, {"role": "assistant", "content": ""}, **end, prompt_eval_count=counted, eval_count=said)

    def _line(self, body: Body, message: Body, **more: Any) -> str:
        line = {"model": body["model"], "created_at": "2026-11-22T10:00:00.000000Z", "message": message, "done": False}
        return json.dumps({**line, **more}) + "\n"

    def _tag(self, name: str, card: Card) -> Body:
        return {
            "name": name,
            "model": name,
            "modified_at": "2026-11-20T10:00:00Z",
            "size": 5_000_000_000,
            "digest": card.digest,
            "details": self._details(card),
        }

    def _details(self, card: Card) -> Body:
        return {"format": "gguf", "family": "qwen3", "parameter_size": card.size, "quantization_level": "Q4_K_M"}


class OpenAIServer(Server):
    """`/v1/models` and `/v1/chat/completions`, streamed as server-sent events."""

    def __init__(self, *turns: Turn, models: tuple[Body, ...] = ({"id": "m"},)) -> None:
        self.models = models
        super().__init__(*turns)

    def answer(self, talk: Talk, path: str, body: Body) -> None:
        if path == "/v1/models":
            listed = [{"object": "model", "created": 1, "owned_by": "x", **model} for model in self.models]
            talk.whole({"object": "list", "data": listed})
            return
        turn = self._turn(body)
        if isinstance(turn, Refused):
            error = {"message": turn.message, "type": "invalid_request_error", "param": None, "code": None}
            talk.whole({"error": error}, turn.status, turn.headers)
        elif body.get("stream"):
            talk.stream("text/event-stream", self._events(turn, body))
        else:
            calls = [
                {"id": f"c{n}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
                for n, (name, arguments) in enumerate(turn.calls)
            ]
            message = {"role": "assistant", "content": turn.text or None, "tool_calls": calls or None}
            choice = {"index": 0, "message": message, "finish_reason": _finish(turn)}
            talk.whole({"id": "1", "object": "chat.completion", "choices": [choice], "usage": _usage(turn, body)})

    def _events(self, turn: Said, body: Body) -> Iterator[str | None]:
        yield self._event(body, {"role": "assistant", "content": ""})
        for number, piece in enumerate(turn.pieces):
            if turn.breaks == number:
                yield None
                return
            yield self._event(body, {"content": piece})
        if turn.breaks is not None:
            yield None
            return
        if turn.fails:
            yield f"data: {json.dumps({'error': {'message': turn.fails, 'type': 'server_error'}})}\n\n"
            return
        for index, (name, arguments) in enumerate(turn.calls):
            function = {"name": name, "arguments": ""}
            start = {"index": index, "id": f"c{index}", "type": "function", "function": function}
            yield self._event(body, {"tool_calls": [start]})
            for piece in re.findall(r".{1,5}", json.dumps(arguments)):
                yield self._event(body, {"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield self._event(body, {}, _finish(turn))
        if (body.get("stream_options") or {}).get("include_usage"):
            yield f"data: {json.dumps({**self._chunk(body), 'choices': [], 'usage': _usage(turn, body)})}\n\n"
        yield "data: [DONE]\n\n"

    def _event(self, body: Body, delta: Body, finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish}
        return f"data: {json.dumps({**self._chunk(body), 'choices': [choice]})}\n\n"

    def _chunk(self, body: Body) -> Body:
        return {"id": "1", "object": "chat.completion.chunk", "created": 1, "model": body["model"]}


def _ollama_calls(turn: Said) -> list[Body]:
    return [{"function": {"name": name, "arguments": arguments}} for name, arguments in turn.calls]


def _finish(turn: Said) -> str:
    return "tool_calls" if turn.calls else "length" if turn.length else "stop"


def _usage(turn: Said, body: Body) -> Body:
    prompt, said = _prompt_tokens(body), len(turn.pieces)
    return {"prompt_tokens": prompt, "completion_tokens": said, "total_tokens": prompt + said}


def _prompt_tokens(body: Body) -> int:
    """Four bytes each."""
    texts = [message.get("content") or "" for message in body["messages"]] + [json.dumps(body.get("tools") or "")]
    return sum(map(len, texts)) // 4 + 1
