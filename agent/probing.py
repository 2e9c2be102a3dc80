"""Whether a model calls tools well enough to be let loose with them: tried once, with a task of two calls, remembered.

What a model cannot do it is not asked to: it then writes its plan first, under a schema.
"""

from dataclasses import replace
from typing import Any

from auricle.errors import AuricleError, CannotCallTools
from auricle.settings import Settings
from auricle.times import parse_time
from engines.known_models import KnownModels
from engines.protocols import LLM, LLMTraits, Message
from prompts import load
from tools.work import Work

_TURNS = 4
_TOKENS = 200
_TIME = {"type": "number", "description": "In seconds."}
_RECORDING = {"type": "string", "description": "Its id."}


def _tool(name: str, does: str, **parameters: dict[str, Any]) -> dict[str, Any]:
    schema = {"type": "object", "properties": parameters, "required": list(parameters)}
    return {"type": "function", "function": {"name": name, "description": does, "parameters": schema}}


_TOOLS = [
    _tool("transcribe", "Listens to a part of a recording.", recording=_RECORDING, start=_TIME, end=_TIME),
    _tool(
        "export_transcript",
        "Writes what was transcribed to a file.",
        recording=_RECORDING,
        format={"type": "string", "enum": ["txt", "srt", "qa"]},
    ),
]
_RESULTS = {
    "transcribe": '<data>{"recording":"r_7f","words":64,"next":"Call export_transcript."}</data>',
    "export_transcript": '<data>{"recording":"r_7f","path":"talk.srt","next":"Tell the person its path."}</data>',
}


class Tried:
    """A model of which is known which way it needs: its traits say so."""

    def __init__(self, llm: LLM, tools: bool) -> None:
        self.name = llm.name
        self.chat = llm.chat
        self._llm, self._tools = llm, tools

    @property
    def traits(self) -> LLMTraits:
        return replace(self._llm.traits, tools=self._tools)


def tried(llm: LLM, settings: Settings, work: Work) -> LLM:
    """The model with the way that it needs: the loop in which it calls tools, or a plan under a schema.

    Args:
        llm: Any; what its traits deny is not tried.
        settings: Whose home remembers it.
        work: Told that it is being tried, which takes a few turns.

    Raises:
        AuricleError: The model cannot be asked.
    """
    if not llm.traits.tools:
        return llm
    known = KnownModels(settings.home)
    remembered = known.get(llm.traits.identity).tools
    if remembered is None:
        work.report(0, 0, f"trying out how {llm.name} works best, once")
        failure = try_out(llm)
        remembered = not failure
        note = failure or "it called two tools in a row rightly"
        known.note(llm.traits.identity, name=llm.name, tools=remembered, tried=note)
    return Tried(llm, remembered)


def try_out(llm: LLM) -> str:
    """What a model did wrong when it was to call two tools one after the other; empty where it did well."""
    messages = [Message("system", load("probe")), Message("user", load("probe_ask"))]
    due = ["transcribe", "export_transcript"]
    for _ in range(_TURNS):
        try:
            reply = llm.chat(messages, tools=_TOOLS, max_tokens=_TOKENS)
        except CannotCallTools as error:
            return error.message
        if not reply.tool_calls:
            if due:
                return f"it said something instead of calling {due[0]}"
            return "" if reply.text.strip() else "it said nothing when all was done"
        messages.append(Message("assistant", reply.text, tool_calls=reply.tool_calls))
        for call in reply.tool_calls:
            if not due or call["name"] != due[0]:
                return f"it called {call['name']} where {due[0] if due else 'nothing'} was due"
            if not _right(call["name"], call["arguments"]):
                return f"it called {due[0]} with other arguments than it was told"
            messages.append(Message("tool", _RESULTS[due.pop(0)], tool_call_id=call["id"]))
    return "it did not come to an end"


def _right(tool: str, arguments: dict[str, Any]) -> bool:
    if arguments.get("recording") != "r_7f":
        return False
    if tool == "export_transcript":
        return bool(arguments.get("format") == "srt")
    return _seconds(arguments.get("start")) == 90 and _seconds(arguments.get("end")) == 120


def _seconds(value: Any) -> float | None:
    try:
        return parse_time(value)
    except (AuricleError, TypeError, AttributeError):
        return None
