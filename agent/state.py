"""What the graph carries from node to node: plain data only, so that a checkpoint can hold it."""

import operator
from typing import Annotated, Any, TypedDict

from langchain_core.messages import AnyMessage
from langgraph.graph.message import add_messages


class OpenRecording(TypedDict):
    """A recording that the instruction is about. ``duration`` in seconds.

    ``count`` is what diarize was told of the number of people before: it holds until somebody says otherwise.
    """

    id: str
    name: str
    duration: float
    count: dict[str, int]


class Call(TypedDict):
    """A tool to be called."""

    tool: str
    arguments: dict[str, Any]


class Outcome(TypedDict):
    """Something the instruction asks for: a tool's name, ``answer``, ``talk_time``, ``cut_where`` or ``reply``.

    ``arguments`` are those of the call that gives it; for ``answer`` of its ``read_transcript``. ``moment``: the single
    time in seconds that a question is about.
    """

    kind: str
    arguments: dict[str, Any]
    question: str
    moment: float | None


class Done(TypedDict):
    """A call and what came of it: ``result`` or ``error``."""

    tool: str
    arguments: dict[str, Any]
    result: dict[str, Any] | None
    error: dict[str, str] | None


class Draft(TypedDict):
    """What the model wrote for a question: ``lines`` are those it points at, ``complaints`` why it cannot be given."""

    question: str
    found: bool
    text: str
    raw: str
    lines: list[dict[str, Any]]
    complaints: list[str]
    warning: str


class AskState(TypedDict, total=False):
    instruction: str
    recordings: list[OpenRecording]
    todo: list[Call]
    outcomes: list[Outcome]
    done: Annotated[list[Done], operator.add]
    messages: Annotated[list[AnyMessage], add_messages]
    drafts: list[Draft]
    attempts: int
    text: str
    citations: list[dict[str, Any]]
    files: list[str]
    warnings: Annotated[list[str], operator.add]
