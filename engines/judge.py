"""Small judgements by any LLM: one question, one answer that obeys a schema."""

from typing import Any

from engines.protocols import LLM, Judge, Message

MAX_TOKENS = 256
"""A judgement is small; more than this is a sign that something went wrong."""


def judge_with(llm: LLM) -> Judge:
    """``judge(prompt, schema) -> dict`` over an LLM."""

    def judge(prompt: str, schema: dict[str, Any]) -> dict[str, Any]:
        return llm.chat([Message("user", prompt)], schema=schema, max_tokens=MAX_TOKENS).data or {}

    return judge
