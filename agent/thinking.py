"""An LLM whose thinking is timed, so that every instruction comes to an end, with what is known by then."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from engines.protocols import LLM, LLMTraits, Message, OnText, Reply


class Thinking:
    """An LLM for one instruction.

    Args:
        llm: Does the thinking.
        seconds: How long it may; listening and other tools do not count.
        now: A clock that nobody sets.
    """

    def __init__(self, llm: LLM, seconds: float, now: Callable[[], float] = time.monotonic) -> None:
        self.name = llm.name
        self._llm = llm
        self._seconds = seconds
        self._now = now
        self._spent = 0.0

    @property
    def traits(self) -> LLMTraits:
        return self._llm.traits

    @property
    def told(self) -> str:
        """That its time is over, as a sentence; empty while it is not."""
        if self._spent < self._seconds:
            return ""
        minutes = f"{self._seconds / 60:.0f} minutes" if self._seconds >= 120 else f"{self._seconds:.0f} seconds"
        return (
            f"The model thought for {minutes}, which is all it may (AURICLE_THINKING_SECONDS): "
            "this is from what it had read by then."
        )

    def chat(
        self,
        messages: Sequence[Message],
        *,
        schema: dict[str, Any] | None = None,
        tools: Sequence[dict[str, Any]] = (),
        max_tokens: int = 512,
        on_text: OnText | None = None,
    ) -> Reply:
        """As the LLM does, and timed."""
        began = self._now()
        try:
            return self._llm.chat(messages, schema=schema, tools=tools, max_tokens=max_tokens, on_text=on_text)
        finally:
            self._spent += self._now() - began


def time_is_over(llm: LLM) -> str:
    """Why an LLM is not to be asked again for this instruction; empty where it may."""
    return llm.told if isinstance(llm, Thinking) else ""
