"""llama.cpp in process (xllamacpp): the local LLM, which lives in the worker.

Its server listens on a loopback port behind a random key. The state that a fixed system prompt leaves
is kept on disk: a prompt of 750 tokens takes 18 s to read on two cores and under a second to restore.
"""

import contextlib
import ctypes
import importlib.util
import json
import os
import re
import secrets
import threading
from collections.abc import Callable, Generator, Iterator, Sequence
from importlib.metadata import version
from itertools import takewhile
from pathlib import Path
from typing import Any

import httpx

from auricle.errors import ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.chat_format import check_context, from_openai, gather, to_openai
from engines.llm_state import SavedStates, state_key
from engines.protocols import LLMTraits, Message, OnText, Reply

DEFAULT_MODEL = "qwen2.5-coder-1.5b"

_WORTH_KEEPING = 100
"""Tokens of a system prompt from which on keeping its state pays."""


def open_local(model: str, settings: Settings, announce: Callable[[str], None] = lambda line: None) -> "LlamaCpp":
    """Loads a local LLM.

    Args:
        model: ``local:NAME``, a manifest name, a folder or a GGUF file; empty for the default.
        settings: Where weights and saved states are, and how long the context is.
        announce: Told what will be fetched, before it is.

    Raises:
        ModelUnavailable: The weights are missing or cannot be loaded.
    """
    from engines import weights

    name = model.removeprefix("local:") or DEFAULT_MODEL
    return LlamaCpp(name, gguf_in(weights.resolve(name, settings, announce)), settings)


def gguf_in(path: Path) -> Path:
    """The GGUF file that a path means: itself, or the (first) one in a folder."""
    if path.is_dir():
        found = sorted(path.glob("*.gguf"))
        if not found:
            raise ModelUnavailable(
                f"There is no .gguf file in {path}: give a GGUF file or a name `auricle models list` shows."
            )
        return found[0]
    return path


class LlamaCpp:
    """One loaded model with one conversation slot."""

    def __init__(self, name: str, path: Path, settings: Settings) -> None:
        self.name = f"local:{name}"
        self.traits = LLMTraits(tools=False, context=settings.context_tokens)
        self._path = path
        self._states = SavedStates(settings.home / "llm")
        self._lock = threading.Lock()
        self._held = ""  # key of the prefix that the slot now begins with
        self._prefixes: dict[str, tuple[list[int], str]] = {}
        self._server, self._http = self._start(settings)

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        """One turn at temperature 0.

        Raises:
            BadArgument: The messages do not fit the context with room for ``max_tokens``.
            WorkError: The server failed, or its answer is not what the schema asked for.
        """
        body: dict[str, Any] = {"messages": to_openai(messages)}
        if tools:
            body["tools"] = list(tools)
        with self._lock:
            check_context(messages, tools, max_tokens, self.traits.context, counted=len(self._tokens(body)))
            fixed = len(list(takewhile(lambda message: message.fixed or message.role == "system", messages)))
            if fixed:
                self._remember_prefix(body, fixed)
            else:
                self._held = ""
            body |= {"temperature": 0, "seed": 0, "max_tokens": max_tokens, "cache_prompt": True, "id_slot": 0}
            if schema:
                body["grammar"] = _grammar(schema)
            with contextlib.closing(self._stream("/v1/chat/completions", body)) as chunks:
                completion = gather(chunks, on_text or (lambda piece: None))
            if completion is None:
                raise WorkError(f"The LLM {self.name} broke off in the middle of its answer: ask again.")
            return from_openai(completion, schema=schema, model=self.name)

    def count(self, text: str) -> int:
        """How many tokens a text is."""
        return len(self._post("/tokenize", {"content": text})["tokens"])

    def close(self) -> None:
        self._http.close()
        self._server = None

    def _start(self, settings: Settings) -> tuple[Any, httpx.Client]:
        if not self._path.is_file() or self._path.stat().st_size == 0:
            raise ModelUnavailable(f"There is no model at {self._path}: give a GGUF file, or `auricle models pull`.")
        with self._path.open("rb") as file:
            if file.read(4) != b"GGUF":
                raise ModelUnavailable(
                    f"{self._path} is not a GGUF file: give one, or a name `auricle models list` shows."
                )
        xllamacpp = _xllamacpp()
        key = secrets.token_urlsafe(24)
        threads = _cores()
        params = xllamacpp.CommonParams()
        params.model.path = str(self._path)
        params.n_ctx = settings.context_tokens
        params.n_parallel = 1
        params.port = 0
        params.api_keys = [key]
        params.slot_save_path = f"{self._states.folder}{os.sep}"
        params.cpuparams.n_threads = threads
        params.cpuparams_batch.n_threads = threads
        params.cache_ram_mib = 0  # the states on disk do it, without the memory
        params.ctx_shift = False  # never silently forget the beginning
        params.verbosity = 0
        params.ui = False
        if settings.device == "cpu":
            params.n_gpu_layers = 0
        try:
            server = xllamacpp.Server(params)
        except Exception as error:
            raise ModelUnavailable(
                f"The LLM {self._path.name} could not be loaded ({error}): check it with `auricle models verify`, "
                "or choose another --model."
            ) from error
        # A loopback server must not be asked through the person's proxy.
        return server, httpx.Client(
            base_url=server.listening_address,
            headers={"Authorization": f"Bearer {key}"},
            timeout=settings.llm_timeout,
            # Its server lets go of an idle connection just when the next request is on the way.
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def _remember_prefix(self, body: dict[str, Any], fixed: int) -> None:
        """Puts the state of the first, fixed messages into the slot, from disk or by reading them once."""
        tokens, key = self._prefix(body, fixed)
        if key == self._held or len(tokens) < _WORTH_KEEPING:
            self._held = key
            return
        self._held = key
        saved = self._states.find(key)
        if saved is not None:
            try:
                self._post("/slots/0?action=restore", {"filename": saved.name})
                return
            except WorkError:
                saved.unlink(missing_ok=True)
        self._post("/completion", {"prompt": tokens, "n_predict": 0, "cache_prompt": True, "id_slot": 0})
        with contextlib.suppress(WorkError, OSError):  # a full disk costs time, not the answer
            self._states.keep(key, lambda name: self._save(name))

    def _save(self, name: str) -> None:
        self._post("/slots/0?action=save", {"filename": name})

    def _prefix(self, body: dict[str, Any], count: int) -> tuple[list[int], str]:
        """The tokens that every conversation with these first messages begins with, and their key."""
        opening = body["messages"][:count]
        fixed = json.dumps([opening, body.get("tools")])
        if fixed not in self._prefixes:
            one, other = (
                self._tokens({**body, "messages": [*opening, {"role": "user", "content": text}]}) for text in ("A", "B")
            )
            shared = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), len(one))
            stat = self._path.stat()
            key = state_key(
                self._path.name, stat.st_size, stat.st_mtime_ns, version("xllamacpp"), self.traits.context, one[:shared]
            )
            self._prefixes[fixed] = (one[:shared], key)
        return self._prefixes[fixed]

    def _tokens(self, body: dict[str, Any]) -> list[int]:
        prompt = self._post("/apply-template", {k: body[k] for k in ("messages", "tools") if k in body})["prompt"]
        tokens: list[int] = self._post("/tokenize", {"content": prompt, "add_special": True, "parse_special": True})[
            "tokens"
        ]
        return tokens

    def _post(self, url: str, body: dict[str, Any]) -> dict[str, Any]:
        with self._told():
            response = self._http.post(url, json=body)
            self._check(response)
            data: dict[str, Any] = response.json()
            return data

    def _stream(self, url: str, body: dict[str, Any]) -> Generator[dict[str, Any]]:
        """The chunks of a completion. Leaving them early stops the model."""
        asked = body | {"stream": True, "stream_options": {"include_usage": True}}
        with self._told(), self._http.stream("POST", url, json=asked) as response:
            if response.is_error:
                response.read()
            self._check(response)
            for line in response.iter_lines():
                data = line.removeprefix("data: ")
                if data == line or data == "[DONE]":
                    continue
                chunk = json.loads(data)
                if "error" in chunk:
                    raise WorkError(f"The LLM {self.name} failed ({chunk['error']}): try again.")
                yield chunk

    def _check(self, response: httpx.Response) -> None:
        if response.is_error:
            raise WorkError(f"The LLM {self.name} refused ({_reason(response)}): try again or choose another --model.")

    @contextlib.contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with the server, as errors that say what to do."""
        try:
            yield
        except httpx.TimeoutException as error:
            raise WorkError(
                f"The LLM {self.name} did not answer in time: raise AURICLE_LLM_TIMEOUT or choose a smaller --model."
            ) from error
        except httpx.HTTPError as error:
            raise WorkError(f"The LLM {self.name} does not answer ({error}): try again.") from error


def _grammar(schema: dict[str, Any]) -> str:
    """The grammar of a schema, without white space between the tokens: it is dear where ten are written a second."""
    compact = {**schema, "x-guidance": {"whitespace_flexible": False}}
    grammar: str = _xllamacpp().json_schema_to_grammar(compact)
    # A build without llguidance gives GBNF instead, where one rule is all the white space.
    return re.sub(r"^space ::=.*$", 'space ::= ""', grammar, flags=re.MULTILINE)


def _xllamacpp() -> Any:
    """Imports xllamacpp, whose wheel needs a libgomp.so.1 that a bare Debian lacks and torch brings along."""
    # Waiting threads that spin halve the speed as soon as anything else uses the cores. Read when libgomp loads.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        import xllamacpp
    except ImportError as error:
        torch = importlib.util.find_spec("torch")
        libgomp = Path(torch.origin).parent / "lib" / "libgomp.so.1" if torch and torch.origin else None
        if "libgomp" not in str(error) or libgomp is None or not libgomp.exists():
            raise ModelUnavailable(
                f"llama.cpp cannot be loaded ({error}): install libgomp1, or choose an ollama: or openai: --model."
            ) from error
        ctypes.CDLL(str(libgomp), mode=ctypes.RTLD_GLOBAL)
        import xllamacpp
    return xllamacpp


def _reason(response: httpx.Response) -> str:
    try:
        return str(response.json()["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return f"HTTP {response.status_code}"


def _cores() -> int:
    """Cores this process may use: containers and `taskset` count."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
