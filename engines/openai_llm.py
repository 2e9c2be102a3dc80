"""LLMs behind any OpenAI-compatible URL: vLLM, llama-server, LM Studio, a provider."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, cast

from auricle.errors import AuricleError, BadArgument, CannotCallTools, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.addresses import on_this_machine
from engines.chat_format import from_openai, gather, schema_format, to_openai
from engines.counting import Counting
from engines.protocols import LLMTraits, Message, OnText, Reply
from engines.steadfast import Passing, steadfast

if TYPE_CHECKING:
    import openai
    from openai.types.chat import ChatCompletionChunk

_BUSY = frozenset({429, 502, 503, 504, 529})
_TOO_LONG = re.compile(r"context.{0,20}(length|size|window)|maximum context|too many tokens", re.IGNORECASE)


_LOOK_SECONDS = 5.0
_NO_LIMIT = 1_000_000
_WINDOWS = ("max_model_len", "context_length", "max_context_length", "n_ctx")


class OpenAILLM:
    """One model of an OpenAI-compatible server. It is taken to call tools natively, until that was tried."""

    def __init__(self, name: str, settings: Settings) -> None:
        import openai

        self.name = f"openai:{name}"
        self._model = name
        self._url = settings.openai_url
        self._client = openai.OpenAI(
            base_url=settings.openai_url,
            # The package wants one even for servers that do not.
            api_key=settings.openai_api_key.get_secret_value() or "none",
            timeout=settings.llm_timeout,
            max_retries=0,  # `steadfast` does it, for every kind of server
            http_client=openai.DefaultHttpxClient(trust_env=not on_this_machine(settings.openai_url)),
        )

        context = min(settings.context_tokens, self._window())
        traits = LLMTraits(tools=True, context=context, identity=f"{self.name}@{self._url}")
        self._counting = Counting(self.name, traits, settings)

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
        """One turn at temperature 0, streamed: a server that says something is waited for.

        Raises:
            BadArgument: The messages do not fit the context.
            ModelUnavailable: No server, no such model, or a key that is refused.
            WorkError: It refused, took too long, or broke off.
        """
        self._counting.check(messages, tools, max_tokens)
        options: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
        if schema:
            options["response_format"] = schema_format(schema, strict=False)
        if tools:
            options["tools"] = list(tools)

        def turn(show: OnText) -> Reply:
            with self._told(bool(tools)):
                with self._client.chat.completions.create(
                    model=self._model,
                    messages=cast("Any", to_openai(messages)),
                    stream=True,
                    stream_options={"include_usage": True},
                    **options,
                ) as stream:
                    completion = self._gather(stream, show)
                return from_openai(completion, schema=schema, model=self.name)

        reply = steadfast(turn, on_text)
        self._counting.learn(messages, tools, reply)
        return reply

    def _gather(self, stream: "openai.Stream[ChatCompletionChunk]", show: OnText) -> dict[str, Any]:
        import openai

        try:
            completion = gather((chunk.model_dump() for chunk in stream), show)
        except openai.APITimeoutError:
            raise
        except openai.APIConnectionError as error:  # it was there, and is gone
            raise Passing(self._broke_off()) from error
        if completion is None:
            raise Passing(self._broke_off())
        return completion

    @contextmanager
    def _told(self, tools: bool) -> Iterator[None]:
        """What goes wrong with a server, as errors that say what to do."""
        import openai

        try:
            yield
        except openai.APITimeoutError as error:
            raise self._too_slow() from error
        except openai.APIConnectionError as error:
            raise ModelUnavailable(
                f"No server answers at {self._url}: start it, or set AURICLE_OPENAI_URL, or use --model local:."
            ) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise ModelUnavailable(f"{self._url} refused the key: set AURICLE_OPENAI_API_KEY.") from error
        except openai.NotFoundError as error:
            raise ModelUnavailable(f"{self._url} does not have '{self._model}': {self._others()}") from error
        except openai.APIStatusError as error:
            raise self._refused(error, tools) from error
        except openai.APIError as error:  # an error in the middle of the stream
            raise Passing(self._broke_off(f" ({error.message[:200]})")) from error

    def _refused(self, error: "openai.APIStatusError", tools: bool) -> AuricleError | Passing:
        said = error.message[:200]
        if error.status_code == 400 and _TOO_LONG.search(error.message):
            return BadArgument(
                f"{self.name} says that this is too long for it ({said}): ask about a shorter range, or set "
                "AURICLE_CONTEXT_TOKENS to what the server allows."
            )
        if error.status_code in _BUSY:
            busy = WorkError(
                f"{self.name} is busy (HTTP {error.status_code}: {said}): wait, or choose another --model."
            )
            return Passing(busy, busy=True, after=_seconds(error.response.headers.get("retry-after")))
        if tools and "tool" in error.message:  # vLLM: "auto" tool choice requires --enable-auto-tool-choice
            return CannotCallTools(f"{self.name} cannot call tools ({said}): see how the server was started.")
        if "response_format" in error.message or "json_schema" in error.message:
            return ModelUnavailable(
                f"{self.name} cannot be held to a JSON schema ({said}), which is needed: choose another --model, or "
                "a server that has response_format json_schema."
            )
        return WorkError(f"{self.name} refused ({said}): try again or choose another --model.")

    def _too_slow(self) -> WorkError:
        return WorkError(f"{self.name} did not answer in time: raise AURICLE_LLM_TIMEOUT or choose a smaller --model.")

    def _broke_off(self, why: str = "") -> WorkError:
        return WorkError(f"{self.name} broke off in the middle of its answer{why}: ask again, and look at the server.")

    def _window(self) -> int:
        """The window that the server tells of the model, as vLLM, llama-server and LM Studio do; none is no limit."""
        import openai

        try:
            listed = [m.model_dump() for m in self._client.with_options(timeout=_LOOK_SECONDS).models.list()]
        except openai.OpenAIError:
            return _NO_LIMIT  # what is wrong is told when it is asked something
        told = next((model for model in listed if model["id"] == self._model), {})
        told = {**told, **(told.get("meta") or {})}
        windows = [told.get(key) for key in _WINDOWS]
        return min((window for window in windows if isinstance(window, int) and window > 0), default=_NO_LIMIT)

    def _others(self) -> str:
        import openai

        try:
            names = [model.id for model in self._client.models.list()]
        except openai.OpenAIError:
            names = []
        return f"it has {', '.join(names[:20])}." if names else "give a model that it has."


def _seconds(header: str | None) -> float | None:
    """Retry-After in seconds; a date is not worth reading, since nobody waits that long."""
    try:
        return max(0.0, float(header)) if header else None
    except ValueError:
        return None
