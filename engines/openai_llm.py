"""LLMs behind any OpenAI-compatible URL: vLLM, llama-server, LM Studio, a provider."""

from collections.abc import Sequence
from typing import Any, cast

from auricle.errors import ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.addresses import on_this_machine
from engines.chat_format import check_context, from_openai, schema_format, to_openai
from engines.protocols import LLMTraits, Message, Reply


class OpenAILLM:
    """One model of an OpenAI-compatible server. It is taken to call tools natively."""

    def __init__(self, name: str, settings: Settings) -> None:
        import openai

        self.name = f"openai:{name}"
        self.traits = LLMTraits(tools=True, context=settings.context_tokens)
        self._model = name
        self._url = settings.openai_url
        self._client = openai.OpenAI(
            base_url=settings.openai_url,
            # The package wants one even for servers that do not.
            api_key=settings.openai_api_key.get_secret_value() or "none",
            timeout=settings.llm_timeout,
            max_retries=1,
            http_client=openai.DefaultHttpxClient(trust_env=not on_this_machine(settings.openai_url)),
        )

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
    ) -> Reply:
        """One turn at temperature 0.

        Raises:
            BadArgument: The messages do not fit the context.
            ModelUnavailable: No server, no such model, or a key that is refused.
            WorkError: It refused or took too long.
        """
        import openai

        check_context(messages, tools, max_tokens, self.traits.context)
        options: dict[str, Any] = {"temperature": 0, "max_tokens": max_tokens}
        if schema:
            options["response_format"] = schema_format(schema, strict=False)
        if tools:
            options["tools"] = list(tools)
        try:
            completion = self._client.chat.completions.create(
                model=self._model, messages=cast("Any", to_openai(messages)), **options
            )
        except openai.APITimeoutError as error:
            raise WorkError(
                f"{self.name} did not answer in time: raise AURICLE_LLM_TIMEOUT or choose a smaller --model."
            ) from error
        except openai.APIConnectionError as error:
            raise ModelUnavailable(
                f"No server answers at {self._url}: start it, or set AURICLE_OPENAI_URL, or use --model local:."
            ) from error
        except (openai.AuthenticationError, openai.PermissionDeniedError) as error:
            raise ModelUnavailable(f"{self._url} refused the key: set AURICLE_OPENAI_API_KEY.") from error
        except openai.NotFoundError as error:
            raise ModelUnavailable(f"{self._url} does not have '{self._model}': {self._others()}") from error
        except openai.APIStatusError as error:
            raise WorkError(
                f"{self.name} refused ({error.message[:200]}): try again or choose another --model."
            ) from error
        return from_openai(completion.model_dump(), schema=schema, model=self.name)

    def _others(self) -> str:
        import openai

        try:
            names = [model.id for model in self._client.models.list()]
        except openai.OpenAIError:
            names = []
        return f"it has {', '.join(names[:20])}." if names else "give a model that it has."
