"""The nodes for a model that calls tools itself: it and the tools take turns, then its answer is checked."""

import json
from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, ToolMessage

from agent.answer import citation
from agent.drafting import ANEW
from agent.known import done_from, lines_of
from agent.planned import RETRIES, UNVERIFIED
from agent.state import AskState, Done
from agent.thinking import time_is_over
from agent.toolset import ToolLike, openai_tools
from agent.verify import complaints, find_quote, quotes_in
from auricle.errors import BadArgument
from auricle.times import clock
from engines.chat_format import estimate_tokens
from engines.protocols import LLM, Message, OnText
from prompts import load

MOST_TURNS = 40
"""Of the model, for one instruction."""

STOPPED = "I stopped after {turns} turns without an answer: ask for less at once, or choose another --model."

_ANSWER_TOKENS = 800
_WRITING = frozenset({"export_transcript", "slice_audio"})
_FORGOT = "The model reads {context} tokens at once: some of what it had read before was left out as it went on."
_LEFT_OUT = "(left out: the conversation was too long; call the tool again to see it)"


class Native:
    """The nodes."""

    def __init__(self, llm: LLM, catalog: Sequence[ToolLike], on_text: OnText) -> None:
        self._on_text = on_text
        self._llm = llm
        self._tools = openai_tools(catalog)

    def agent(self, state: AskState) -> dict[str, Any]:
        """One turn of the model: it calls tools, or answers."""
        known = _done(state["messages"])
        turns = sum(isinstance(message, AIMessage) for message in state["messages"])
        if turns >= MOST_TURNS or (turns and time_is_over(self._llm)):
            stopped = AIMessage(content=STOPPED.format(turns=turns))
            return {"messages": [stopped], "done": known[len(state["done"]) :]}
        system = Message("system", load("agent", recordings=_recordings(state)))
        messages = [system, Message("user", state["instruction"]), *_ours(state["messages"])]
        fitting = self._fitting(messages)
        reply = self._llm.chat(fitting, tools=self._tools, max_tokens=_ANSWER_TOKENS, on_text=self._on_text)
        if reply.text and reply.tool_calls:
            self._on_text(ANEW)  # what a model says while it goes to look is not its answer
        # Ids of a server need not be unique over the turns; ours are.
        calls = [
            {"id": f"call_{turns + 1}_{number}", "name": call["name"], "args": call["arguments"]}
            for number, call in enumerate(reply.tool_calls, 1)
        ]
        return {
            "messages": [AIMessage(content=reply.text, tool_calls=calls)],
            "done": known[len(state["done"]) :],
            "warnings": [_FORGOT.format(context=self._llm.traits.context)] if fitting != messages else [],
        }

    def verify(self, state: AskState) -> dict[str, Any]:
        """Checks the answer; what is wrong goes back to the model, at most twice."""
        text = str(state["messages"][-1].content).strip()
        lines = lines_of(state)
        known = sorted({line.speaker for line in lines if line.speaker})
        durations = [recording["duration"] for recording in state["recordings"]]
        wrong = complaints(text, lines, durations, known, state["instruction"])
        if not text:
            wrong.append("It is empty.")
        attempts = state["attempts"] + 1
        if wrong and attempts <= RETRIES and not time_is_over(self._llm):
            self._on_text(ANEW)
            again = HumanMessage(load("agent_again", complaints=" ".join(wrong)))
            return {"messages": [again], "attempts": attempts}
        quotes = [(quote, find_quote(quote, lines)) for quote in quotes_in(text)]
        cited = [citation(line, verified=not wrong) for _, line in quotes if line is not None]
        files = [(e["result"] or {}).get("path") for e in state["done"] if e["tool"] in _WRITING]
        shown = f"{text} {UNVERIFIED}".strip() if wrong else text
        return {
            "text": shown,
            "citations": cited,
            "files": list(dict.fromkeys(filter(None, files))),
            "attempts": attempts,
        }

    def _fitting(self, messages: list[Message]) -> list[Message]:
        """Leaves out old results where the window would be overrun, oldest first."""
        context, per_byte = self._llm.traits.context, self._llm.traits.tokens_per_byte
        room = context - _ANSWER_TOKENS - estimate_tokens(json.dumps(self._tools), per_byte) - 64
        costs = [estimate_tokens(message.content, per_byte) + 16 for message in messages]
        fitting = list(messages)
        for index, message in enumerate(messages[:-1]):
            if sum(costs) <= room:
                return fitting
            if message.role == "tool":
                fitting[index] = Message("tool", _LEFT_OUT, tool_call_id=message.tool_call_id)
                costs[index] = estimate_tokens(_LEFT_OUT, per_byte) + 16
        if sum(costs) > room:
            raise BadArgument(
                f"The LLM's context of {context} tokens is too small for this: raise "
                "AURICLE_CONTEXT_TOKENS, ask about a shorter range, or choose another --model."
            )
        return fitting


def _ours(messages: Sequence[AnyMessage]) -> list[Message]:
    """The graph's messages in our words."""
    said: list[Message] = []
    for message in messages:
        if isinstance(message, AIMessage):
            calls = tuple(
                {"id": call["id"], "name": call["name"], "arguments": call["args"]} for call in message.tool_calls
            )
            said.append(Message("assistant", str(message.content), tool_calls=calls))
        elif isinstance(message, ToolMessage):
            said.append(Message("tool", str(message.content), tool_call_id=message.tool_call_id))
        else:
            said.append(Message("user", str(message.content)))
    return said


def _done(messages: Sequence[AnyMessage]) -> list[Done]:
    calls = {call["id"]: call for message in messages if isinstance(message, AIMessage) for call in message.tool_calls}
    return [
        done_from(message, calls[message.tool_call_id]["name"], calls[message.tool_call_id]["args"])
        for message in messages
        if isinstance(message, ToolMessage)
    ]


def _recordings(state: AskState) -> str:
    if not state["recordings"]:
        return "No recording is in the library yet: say so if one is needed."
    listed = [f"{r['id']}: {r['name']}, {clock(r['duration'])} long" for r in state["recordings"][:50]]
    return "The recordings, by id:\n" + "\n".join(listed)
