"""Our messages as OpenAI's chat format has them, which llama.cpp's server and OpenAI-compatible servers speak."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from auricle.errors import BadArgument, WorkError
from engines.protocols import Message, OnText, Reply

MOST_TOKENS_PER_BYTE = 1 / 3
"""What a text is counted at before anything was measured: about a third more than English takes."""


def to_openai(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages for ``/v1/chat/completions``."""
    return [_message(message) for message in messages]


def schema_format(schema: dict[str, Any], *, strict: bool = True) -> dict[str, Any]:
    """The ``response_format`` that makes a server obey a JSON schema while decoding.

    Args:
        schema: What the reply must be.
        strict: OpenAI's own servers refuse a strict schema that has optional properties.
    """
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": strict, "schema": schema}}


def estimate_tokens(text: str, per_byte: float = MOST_TOKENS_PER_BYTE) -> int:
    """At most about how many tokens a text is, where nobody can count.

    Args:
        text: Any.
        per_byte: What was measured with a model, mostly over English: other scripts may be dearer.
    """
    size = len(text.encode())
    foreign = size - sum(map(str.isascii, text))
    return int((size - foreign) * per_byte + foreign * max(per_byte, MOST_TOKENS_PER_BYTE)) + 1


def prompt_bytes(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> int:
    """What a prompt takes as text."""
    return len("".join(_parts(messages, tools)).encode())


def check_context(
    messages: Sequence[Message],
    tools: Sequence[dict[str, Any]],
    max_tokens: int,
    context: int,
    counted: int | None = None,
    per_byte: float = MOST_TOKENS_PER_BYTE,
) -> None:
    """Refuses what would not fit, since servers cut it silently.

    Args:
        messages: What is to be said.
        tools: The declarations that come before it.
        max_tokens: Room for the answer.
        context: The window.
        counted: The prompt's tokens, where they could be counted.
        per_byte: Tokens a byte, where they could not.

    Raises:
        BadArgument: It does not fit.
    """
    needed = counted
    if needed is None:
        needed = sum(estimate_tokens(part, per_byte) + 8 for part in _parts(messages, tools))
    if needed + max_tokens > context:
        raise BadArgument(
            f"The LLM was given {needed} tokens and {max_tokens} for its answer, but its context is {context}: "
            "ask about a shorter range, or raise AURICLE_CONTEXT_TOKENS."
        )


def from_openai(completion: Mapping[str, Any], *, schema: dict[str, Any] | None, model: str) -> Reply:
    """A completion (as a dict) as our reply.

    Raises:
        WorkError: A schema was given and the text is not JSON, most often because it was cut off.
    """
    choice = completion["choices"][0]
    text = choice["message"].get("content") or ""
    usage = completion.get("usage") or {}
    return Reply(
        text=text,
        data=parse_object(text, model, choice.get("finish_reason") == "length") if schema else None,
        tool_calls=tuple(_call(call) for call in choice["message"].get("tool_calls") or ()),
        prompt_tokens=usage.get("prompt_tokens", 0),
        completion_tokens=usage.get("completion_tokens", 0),
    )


def gather(chunks: Iterable[Mapping[str, Any]], on_text: OnText) -> dict[str, Any] | None:
    """The completion that streamed chunks add up to; None where they broke off before its end.

    Args:
        chunks: As ``/v1/chat/completions`` streams them, as dicts.
        on_text: Told each piece of text.
    """
    text: list[str] = []
    calls: dict[int, dict[str, Any]] = {}
    finish, usage = None, None
    for chunk in chunks:
        usage = chunk.get("usage") or usage
        for choice in chunk.get("choices") or ():
            delta = choice.get("delta") or {}
            finish = choice.get("finish_reason") or finish
            if delta.get("content"):
                text.append(delta["content"])
                on_text(delta["content"])
            for part in delta.get("tool_calls") or ():
                _add(calls.setdefault(part.get("index") or 0, {"id": None, "name": "", "arguments": ""}), part)
    if finish is None:
        return None
    tool_calls = [{"id": call["id"], "function": call} for _, call in sorted(calls.items())]
    message = {"content": "".join(text), "tool_calls": tool_calls}
    return {"choices": [{"message": message, "finish_reason": finish}], "usage": usage}


def parse_object(text: str, model: str, cut_off: bool) -> dict[str, Any]:
    """The JSON object in a reply that was asked to be one."""
    try:
        data = json.loads(text)
    except ValueError:
        data = None
    if isinstance(data, dict):
        return data
    why = "it was cut off at its token limit" if cut_off else "it is not JSON"
    raise WorkError(
        f"The answer of {model} cannot be used, {why}: put the question more simply, or choose another --model."
    )


def _parts(messages: Sequence[Message], tools: Sequence[dict[str, Any]]) -> list[str]:
    """The texts that a prompt is made of."""
    said = [message.content + (json.dumps(message.tool_calls) if message.tool_calls else "") for message in messages]
    return [*said, json.dumps(list(tools))] if tools else said


def _message(message: Message) -> dict[str, Any]:
    data: dict[str, Any] = {"role": message.role, "content": message.content}
    if message.tool_calls:
        data["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
            }
            for call in message.tool_calls
        ]
    if message.role == "tool":
        data["tool_call_id"] = message.tool_call_id
    return data


def _add(call: dict[str, Any], part: Mapping[str, Any]) -> None:
    """A piece of a tool call: its id and name come whole, its arguments bit by bit."""
    function = part.get("function") or {}
    call["id"] = call["id"] or part.get("id")
    call["name"] = call["name"] or function.get("name") or ""
    call["arguments"] += function.get("arguments") or ""


def _call(call: Mapping[str, Any]) -> dict[str, Any]:
    arguments = call["function"].get("arguments") or "{}"
    try:
        parsed = json.loads(arguments) if isinstance(arguments, str) else dict(arguments)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        # The tool then answers that the arguments are missing, which the model can act on.
        parsed = {}
    return {"id": call.get("id") or call["function"]["name"], "name": call["function"]["name"], "arguments": parsed}
