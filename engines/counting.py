"""How much an LLM may be told at once, where only its server can count: a bound, measured by what it counted before."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from auricle.settings import Settings
from engines.chat_format import MOST_TOKENS_PER_BYTE, check_context, prompt_bytes
from engines.known_models import KnownModels
from engines.protocols import LLMTraits, Message, Reply

_LEAST_TOKENS_PER_BYTE = 0.2
"""Below this a server has left out of its count what it had in its cache: no text is so cheap."""

_MARGIN = 1.1
_ENOUGH = 2000
"""Bytes of a prompt from which on it says something about others."""


class Counting:
    """Counts what a model is told before it is told, and learns from the server's own count.

    Attributes:
        traits: The model's, with the bound that was measured.
    """

    def __init__(self, name: str, traits: LLMTraits, settings: Settings) -> None:
        self._name = name
        self._known = KnownModels(settings.home)
        measured = self._known.get(traits.identity).tokens_per_byte
        self.traits = replace(traits, tokens_per_byte=measured or MOST_TOKENS_PER_BYTE)

    def check(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]], max_tokens: int) -> None:
        """Refuses what would not fit.

        Raises:
            BadArgument: It does not.
        """
        check_context(messages, tools, max_tokens, self.traits.context, per_byte=self.traits.tokens_per_byte)

    def learn(self, messages: Sequence[Message], tools: Sequence[dict[str, Any]], reply: Reply) -> None:
        """Takes the server's own count of a prompt: the dearest one decides.

        Raises:
            BadArgument: By that count it did not fit, and an answer to a part of it is none.
        """
        sent = prompt_bytes(messages, tools)
        if sent >= _ENOUGH and reply.prompt_tokens:
            before = self._known.get(self.traits.identity).tokens_per_byte or 0.0
            measured = round(min(1.0, max(_LEAST_TOKENS_PER_BYTE, reply.prompt_tokens / sent) * _MARGIN), 3)
            if measured > before:
                self._known.note(self.traits.identity, name=self._name, tokens_per_byte=measured)
                self.traits = replace(self.traits, tokens_per_byte=measured)
        # Ollama stops counting at the window, where it cuts.
        check_context(messages, tools, 0, self.traits.context, counted=reply.prompt_tokens + 1)
