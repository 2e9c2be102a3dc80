"""Which LLM a ``--model`` means."""

from collections.abc import Callable

from auricle.errors import BadArgument
from auricle.settings import Settings
from engines.protocols import LLM

ALLOWED = "auto, local:, local:NAME, local:/path/to.gguf, ollama:NAME or openai:NAME"


def open_llm(spec: str, settings: Settings, local: Callable[[str], LLM]) -> LLM:
    """The LLM for a ``--model``.

    Args:
        spec: ``auto`` takes a running Ollama that has a capable model with tools, else the local one.
        settings: Where servers listen, their key, how long to wait.
        local: Makes the local LLM of a name or path; of the default model where that is empty.

    Raises:
        BadArgument: Not a spec.
        ModelUnavailable: The server is not running, or does not have the model.
    """
    kind, separator, name = spec.strip().partition(":")
    if kind == "auto" and not separator:
        from engines.ollama_llm import capable_model

        found = capable_model(settings)
        return open_llm(f"ollama:{found}" if found else "local:", settings, local)
    if kind == "local" and separator:
        return local(name)
    if kind == "ollama" and name:
        from engines.ollama_llm import OllamaLLM

        return OllamaLLM(name, settings)
    if kind == "openai" and name:
        from engines.openai_llm import OpenAILLM

        return OpenAILLM(name, settings)
    raise BadArgument(f"The model '{spec}' is not understood: allowed are {ALLOWED}.")
