"""Our messages as OpenAI's chat format has them, which llama.cpp's server and OpenAI-compatible servers speak."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from auricle.errors import WorkError
from engines.protocols import Message, Reply


def to_openai(messages: Sequence[Message]) -> list[dict[str, Any]]:
    """Messages for ``/v1/chat/completions``."""
    return [_message(message) for message in messages]


def schema_format(schema: dict[str, Any]) -> dict[str, Any]:
    """The ``response_format`` that makes a server obey a JSON schema while decoding."""
    return {"type": "json_schema", "json_schema": {"name": "reply", "strict": True, "schema": schema}}


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
