"""The graph: how an instruction becomes an answer.

a model that plans                              a model that calls tools

plan -> act <-> tools                           agent <-> tools
         |  <-> locate                            |
       answer <-> verify -> end                 verify -> end   (or back to agent, twice)
"""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage
from langgraph.graph import END, START, StateGraph
from langgraph.prebuilt import ToolNode

from agent.native import MOST_TURNS, Native
from agent.planned import MOST_CALLS, Planned
from agent.state import AskState
from agent.toolset import Steps, ToolLike, langchain_tools, told
from engines.protocols import LLM, OnText

RECURSION_LIMIT = 2 * max(MOST_CALLS, MOST_TURNS) + 50
"""Nodes visited; the nodes' own budgets end earlier, with an answer."""


def build_graph(
    llm: LLM,
    catalog: Sequence[ToolLike],
    steps: Steps,
    *,
    listen: bool = True,
    on_text: OnText = lambda piece: None,
) -> Any:
    """The compiled graph for a model.

    Args:
        llm: Its traits decide which of the two graphs it is.
        catalog: The Toolbox's tools.
        steps: Runs them.
        listen: Whether a question may listen to what nobody has listened to yet.
        on_text: Told the answer's words as the model writes them, before they are checked.
    """
    graph = StateGraph(AskState)
    graph.add_node("tools", ToolNode(langchain_tools(catalog, steps), handle_tool_errors=told))
    if llm.traits.tools:
        native = Native(llm, catalog, on_text)
        graph.add_node("agent", native.agent)
        graph.add_node("verify", native.verify)
        graph.add_edge(START, "agent")
        graph.add_conditional_edges("agent", _called, {True: "tools", False: "verify"})
        graph.add_edge("tools", "agent")
        graph.add_conditional_edges("verify", _has_text, {True: END, False: "agent"})
        return graph.compile()
    planned = Planned(llm, catalog, listen, on_text)
    for name in ("plan", "act", "locate", "answer", "verify"):
        graph.add_node(name, getattr(planned, name))
    graph.add_edge(START, "plan")
    graph.add_edge("plan", "act")
    graph.add_conditional_edges("act", _after_act, ["tools", "locate", "answer"])
    graph.add_edge("tools", "act")
    graph.add_edge("locate", "act")
    graph.add_edge("answer", "verify")
    graph.add_conditional_edges("verify", _has_text, {True: END, False: "answer"})
    return graph.compile()


def _called(state: AskState) -> bool:
    last = state["messages"][-1] if state["messages"] else None
    return isinstance(last, AIMessage) and bool(last.tool_calls)


def _after_act(state: AskState) -> str:
    if _called(state):
        return "tools"
    return "locate" if any(outcome["kind"] == "cut_where" for outcome in state["outcomes"]) else "answer"


def _has_text(state: AskState) -> bool:
    return "text" in state
