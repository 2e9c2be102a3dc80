"""LLMs that Ollama serves."""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import TYPE_CHECKING, Any, cast

from auricle.errors import AuricleError, CannotCallTools, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.addresses import on_this_machine
from engines.chat_format import parse_object
from engines.counting import Counting
from engines.protocols import LLMTraits, Message, OnText, Reply
from engines.steadfast import Passing, steadfast

if TYPE_CHECKING:
    import ollama

_PROBE_SECONDS = 0.5


def capable_model(settings: Settings) -> str | None:
    """The model, used or pulled last, that a running Ollama has and that can call tools; None without such."""
    import httpx
    import ollama

    client = _client(settings, _PROBE_SECONDS)
    with suppress(ConnectionError, httpx.HTTPError, ollama.ResponseError):
        for model in client.list().models:
            # A "cloud" model runs elsewhere: it is used when it is named, never by itself.
            if not model.model or model.model.endswith(("-cloud", ":cloud")):
                continue
            if "tools" in (client.show(model.model).capabilities or ()):
                return model.model
    return None


class OllamaLLM:
    """One model of an Ollama server.

    Raises:
        ModelUnavailable: Ollama is not running, or does not have the model.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name = f"ollama:{name}"
        self._model = name
        self._url = settings.ollama_url
        self._client = _client(settings, settings.llm_timeout)
        self._thinks = False
        self._counting = Counting(self.name, self._look(settings), settings)

    @property
    def traits(self) -> LLMTraits:
        return self._counting.traits

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        """One turn at temperature 0, streamed. Ollama cuts what is too long without a word, so it is counted before.

        Raises:
            BadArgument: The messages do not fit the context.
            ModelUnavailable: Ollama is not running, or the model is gone.
            WorkError: It refused, took too long, or broke off.
        """
        self._counting.check(messages, tools, max_tokens)

        def turn(show: OnText) -> Reply:
            with self._told():
                stream = self._client.chat(
                    self._model,
                    messages=_said(messages),
                    tools=list(tools) or None,
                    format=schema,
                    options={"num_ctx": self.traits.context, "num_predict": max_tokens, "temperature": 0, "seed": 0},
                    think=False if self._thinks else None,
                    stream=True,
                )
                with closing(cast("Generator[ollama.ChatResponse]", stream)) as parts:
                    return self._gather(parts, show, schema)

        reply = steadfast(turn, on_text)
        self._counting.learn(messages, tools, reply)
        return reply

    def _gather(self, parts: "Iterable[ollama.ChatResponse]", show: OnText, schema: dict[str, Any] | None) -> Reply:
        """The reply that streamed parts add up to; the last one says that it is done."""
        text: list[str] = []
        calls: list[dict[str, Any]] = []
        for part in parts:
            if part.message.content:
                text.append(part.message.content)
                show(part.message.content)
            calls += [
                {"id": f"call_{number}", "name": call.function.name, "arguments": dict(call.function.arguments)}
                for number, call in enumerate(part.message.tool_calls or (), len(calls) + 1)
            ]
            if part.done:
                whole = "".join(text)
                return Reply(
                    text=whole,
                    data=parse_object(whole, self.name, part.done_reason == "length") if schema else None,
                    tool_calls=tuple(calls),
                    prompt_tokens=part.prompt_eval_count or 0,
                    completion_tokens=part.eval_count or 0,
                )
        raise Passing(self._broke_off())

    @contextmanager
    def _told(self) -> Iterator[None]:
        """What goes wrong with Ollama, as errors that say what to do."""
        import httpx
        import ollama

        try:
            yield
        except ollama.ResponseError as error:
            raise self._refused(error) from error
        except httpx.TimeoutException as error:
            raise WorkError(
                f"{self.name} did not answer in time: raise AURICLE_LLM_TIMEOUT or choose a smaller --model."
            ) from error
        except (ConnectionError, httpx.ConnectError) as error:
            raise self._not_running() from error
        except (httpx.HTTPError, ValueError) as error:  # ValueError: half a line of JSON
            raise Passing(self._broke_off()) from error

    def _refused(self, error: "ollama.ResponseError") -> AuricleError | Passing:
        """The error for what Ollama says. A status of -1 is one that came in the middle of the stream."""
        said = error.error[:200]
        if error.status_code == 404:
            return ModelUnavailable(
                f"Ollama has no '{self._model}' any more: `ollama pull {self._model}`, or choose another --model."
            )
        if error.status_code in (429, 503):
            return Passing(WorkError(f"Ollama is busy ({said}): wait, or choose another --model."), busy=True)
        if "tool" in said:  # "does not support tools", "error parsing tool call"
            return CannotCallTools(f"{self.name} cannot call tools ({said}): choose another --model.")
        if "memory" in said:
            return ModelUnavailable(
                f"{self.name} does not fit this machine's memory ({said}): choose a smaller --model, or lower "
                "AURICLE_CONTEXT_TOKENS."
            )
        if error.status_code == -1:
            return Passing(self._broke_off(f" ({said})"))
        return WorkError(f"Ollama refused ({said}): try again or choose another --model.")

    def _broke_off(self, why: str = "") -> WorkError:
        return WorkError(f"{self.name} broke off in the middle of its answer{why}: ask again; `ollama ps` shows it.")

    def _look(self, settings: Settings) -> LLMTraits:
        import httpx
        import ollama

        try:
            shown = self._client.show(self._model)
        except ollama.ResponseError as error:
            if error.status_code != 404:
                raise ModelUnavailable(f"Ollama refused ({error.error}): choose another --model.") from error
            have = ", ".join(model.model or "" for model in self._client.list().models) or "none"
            raise ModelUnavailable(
                f"Ollama does not have '{self._model}': `ollama pull {self._model}`, or one of those it has: {have}."
            ) from error
        except (ConnectionError, httpx.HTTPError) as error:
            raise self._not_running() from error
        # Thinking aloud takes minutes on a small machine, and the tokens that the answer needs.
        self._thinks = "thinking" in (shown.capabilities or ())
        return LLMTraits(
            tools="tools" in (shown.capabilities or ()),
            context=min(settings.context_tokens, _window(shown.modelinfo or {})),
            identity=f"{self.name}@{self._digest()}",
        )

    def _digest(self) -> str:
        """Of the weights that this name means just now."""
        named = {model.model: model.digest or "" for model in self._client.list().models}
        return next((named[name] for name in (self._model, f"{self._model}:latest") if name in named), "")[:12]

    def _not_running(self) -> ModelUnavailable:
        return ModelUnavailable(
            f"Ollama does not answer at {self._url}: start it with `ollama serve`, set AURICLE_OLLAMA_URL, "
            "or use --model local:."
        )


def _client(settings: Settings, timeout: float) -> "ollama.Client":
    import ollama

    return ollama.Client(settings.ollama_url, timeout=timeout, trust_env=not on_this_machine(settings.ollama_url))


def _said(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages as Ollama takes them: a result says of which tool, not of which call."""
    tools = {call["id"]: call["name"] for message in messages for call in message.tool_calls}
    said: list[dict[str, Any]] = []
    for message in messages:
        data: dict[str, Any] = {"role": message.role, "content": message.content}
        if message.tool_calls:
            data["tool_calls"] = [
                {"function": {"name": call["name"], "arguments": call["arguments"]}} for call in message.tool_calls
            ]
        if message.tool_call_id in tools:
            data["tool_name"] = tools[message.tool_call_id]
        said.append(data)
    return said


def _window(info: Mapping[str, Any]) -> int:
    lengths = [int(value) for key, value in info.items() if key.endswith(".context_length")]
    return min(lengths, default=1_000_000)
