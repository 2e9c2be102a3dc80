"""`ask`: one instruction about recordings, carried out and answered."""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from pydantic import BaseModel, Field

from agent.clarifying import Clarifier
from agent.grounding import plain
from agent.local_llm import LocalLLM, RunsJobs
from agent.probing import tried
from agent.state import AskState, OpenRecording
from agent.stopping import Stoppable, run_stoppable
from agent.thinking import Thinking
from agent.toolset import Steps, ToolLike
from auricle.errors import BadArgument, error_from_dict
from auricle.settings import Settings
from engines.judge import judge_with
from engines.llm import open_llm
from engines.protocols import LLM, Judge, OnText
from tools.catalog import catalog as all_tools
from tools.introducing import VoiceSample
from tools.results import RecordingDescription, RecordingList
from tools.work import Quiet, Work


class Citation(BaseModel):
    """What an answer rests on. ``verified``: found in the transcript, in an answer that passed its checks."""

    recording: str
    start: float = Field(description="Seconds.")
    end: float
    quote: str = Field(description="What was said there, verbatim.")
    verified: bool


class Step(BaseModel):
    """A tool that was called."""

    tool: str
    arguments: dict[str, Any]
    seconds: float


class Answer(BaseModel):
    """What came of an instruction. ``files`` are absolute paths; ``model`` as ``--model`` would name it.

    ``warnings``: what the person should know of how it came about.
    """

    answer: str
    citations: list[Citation]
    files: list[str]
    steps: list[Step]
    model: str
    warnings: list[str] = []
    assumed: list[str] = Field(default_factory=list, description="What was assumed where nobody could be asked.")


class AsksTools(Protocol):
    """What of a ``tools.toolbox.Toolbox`` is used here; its tools are called by name."""

    settings: Settings
    judge: Judge | None

    @property
    def jobs(self) -> RunsJobs: ...
    def list_recordings(self, *, work: Work = ...) -> RecordingList: ...
    def describe_recording(self, recording: str, *, work: Work = ...) -> RecordingDescription: ...
    def introduce(self, recording: str) -> list[VoiceSample]: ...


def ask(
    instruction: str,
    recordings: Sequence[str],
    toolbox: AsksTools,
    *,
    model: str | None = None,
    work: Work = Quiet(),
    on_step: Callable[[str, dict[str, Any]], None] | None = None,
    on_text: OnText = lambda piece: None,
    llm: LLM | None = None,
    catalog: Sequence[ToolLike] | None = None,
    clarifier: Clarifier | None = None,
    own_words: str | None = None,
) -> Answer:
    """Does what an instruction says.

    Args:
        instruction: In a person's words.
        recordings: Ids of what it is about; none for the whole library, which is then searched as it is known.
        toolbox: The tools.
        model: As ``--model``; the setting where left out.
        work: Told how far it is, and asked whether to stop.
        on_step: Called with name and arguments before each tool.
        on_text: Told the words of the answer as the model writes them, before they are checked. An empty piece says
            that what was told is not the answer: it begins anew. What code tells (files, counts) is only in the answer.
        llm: This one instead of ``model``'s.
        catalog: These tools instead of the Toolbox's.
        clarifier: A conversation's, so that nothing is asked twice in it.
        own_words: What the person said, where a model made the instruction of it: these alone name files to write.

    Raises:
        BadArgument: No instruction, a model that is not understood, or arguments that no tool allows.
        ModelUnavailable: The LLM is not there.
        AuricleError: As the tools do, where nothing that was asked for could be done.
    """
    if not instruction.strip():
        raise BadArgument('The instruction is empty: say what to do, such as "Who talks most?".')
    stop = threading.Event()
    work = Stoppable(work, stop)
    llm = Thinking(llm or llm_for(model, toolbox, work), toolbox.settings.thinking_seconds)
    catalog = catalog if catalog is not None else all_tools()
    clarifier = clarifier or Clarifier(toolbox)
    steps = Steps(toolbox, work, on_step, catalog, own_words or instruction, clarifier)
    opened = _opened(toolbox, recordings)
    before, toolbox.judge = toolbox.judge, judge_with(llm)
    try:
        start = AskState(instruction=instruction, recordings=opened)
        state = run_stoppable(lambda: _carry_out(llm, catalog, steps, start, bool(recordings), on_text), stop)
    finally:
        toolbox.judge = before
    _raise_if_all_failed(state)
    return Answer(
        answer=state.get("text", ""),
        citations=[Citation(**citation) for citation in state.get("citations", [])],
        files=state.get("files", []),
        steps=[Step(**step) for step in steps.done],
        model=llm.name,
        warnings=list(dict.fromkeys([*_window_warning(llm, toolbox.settings), *state.get("warnings", [])])),
        assumed=clarifier.take_assumed(),
    )


def _window_warning(llm: LLM, settings: Settings) -> list[str]:
    context = llm.traits.context
    if context >= settings.context_tokens:
        return []
    return [f"{llm.name} reads at most {context} tokens at once, not the {settings.context_tokens} that are set."]


def llm_for(model: str | None, toolbox: AsksTools, work: Work) -> LLM:
    """The LLM that ``--model`` names; the setting's where left out.

    Raises:
        BadArgument: It is not understood.
        NotFound: There is no such local model.
        AuricleError: It is new, and cannot be tried out.
    """
    settings = toolbox.settings
    llm = open_llm(model or settings.model, settings, lambda name: LocalLLM(name, toolbox.jobs, work, settings))
    return tried(llm, settings, work)


def _carry_out(
    llm: LLM, catalog: Sequence[ToolLike], steps: Steps, state: AskState, listen: bool, on_text: OnText
) -> AskState:
    from langsmith import tracing_context

    from agent.graph import RECURSION_LIMIT, build_graph

    graph = build_graph(llm, catalog, steps, listen=listen, on_text=on_text)
    start: AskState = {**state, "todo": [], "outcomes": [], "done": [], "messages": [], "drafts": [], "attempts": 0}
    # One tool at a time: a model may ask for two at once of which the second needs the first.
    config = {"recursion_limit": RECURSION_LIMIT, "max_concurrency": 1}
    with tracing_context(enabled=False):  # LANGSMITH_TRACING in somebody's environment must not send this anywhere
        result: AskState = graph.invoke(start, config)
    return result


def _opened(toolbox: AsksTools, ids: Sequence[str]) -> list[OpenRecording]:
    known = {recording.id: recording for recording in toolbox.list_recordings().recordings}
    missing = [one for one in ids if one not in known]
    if missing:
        raise BadArgument(f"There is no recording {missing[0]}: `auricle list` shows those there are.")
    wanted = [known[one] for one in dict.fromkeys(ids)] if ids else list(known.values())
    opened: list[OpenRecording] = []
    for recording in wanted:
        name = plain(Path(recording.path).name)
        if any(other["name"] == name for other in opened):
            name = f"{name} ({recording.id})"
        count = toolbox.describe_recording(recording.id).speaker_count if ids else {}
        opened.append(OpenRecording(id=recording.id, name=name, duration=recording.duration, count=count))
    return opened


def _raise_if_all_failed(state: AskState) -> None:
    """An error is the answer where nothing that was asked for came of it."""
    errors = [entry["error"] for entry in state["done"] if entry["error"] is not None]
    if not errors:
        return
    if not state["outcomes"]:  # a model that calls tools itself: nothing worked that it tried
        if len(errors) == len(state["done"]):
            raise error_from_dict(errors[0])
        return
    given = [entry["arguments"] for entry in state["done"] if entry["result"] is not None]
    if not any(outcome["arguments"] in given for outcome in state["outcomes"] if outcome["kind"] != "reply"):
        raise error_from_dict(errors[0])
