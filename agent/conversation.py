"""A conversation about recordings: it refers back, and is kept across restarts.

A small LangGraph graph of its own around ``ask``: understand what is meant, then carry it out or say the last answer in
other words. Its state is plain data, saved after each node: an answer that a kill cut short is known to be open.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any, TypedDict

from pydantic import Field

from agent.clarifying import Clarifier
from agent.memory import Memory
from agent.referring import Earlier, Kind, Meant, Unclear, refer
from agent.rewording import reword
from agent.run import Answer, AsksTools, ask, llm_for
from agent.stopping import Stoppable, run_stoppable
from agent.toolset import ToolLike
from auricle.errors import AuricleError, BadArgument, NotFound
from engines.protocols import LLM, OnText
from tools.work import Quiet, Work

FILE = "conversations.db"
STOPPED = "stopped"

_MOST_TURNS = 100
"""Turns that are kept; older ones are forgotten, so that a conversation does not grow for ever."""

_SAID = 20
"""Of the person's sayings, those that are looked through for who is who."""


class Turn(TypedDict):
    """What a person said and what came of it: an ``Answer`` as plain data, or the ``trouble`` that was in its way."""

    said: str
    kind: Kind
    instruction: str
    recordings: list[str]
    answer: dict[str, Any] | None
    trouble: str


class Said(Answer):
    """An answer in a conversation: what the person's words were taken to mean, and about which recordings."""

    said: str
    instruction: str
    recordings: list[str] = Field(description="Ids; none for the whole library.")


def _kept(old: list[Turn], new: list[Turn]) -> list[Turn]:
    return [*old, *new][-_MOST_TURNS:]


class _Talk(TypedDict, total=False):
    recordings: list[str]
    turns: Annotated[list[Turn], _kept]
    said: str
    meant: dict[str, Any] | None


class Conversation:
    """What was said in a session, and saying more.

    Args:
        toolbox: The tools.
        session: Its name; another one is another conversation.
        model: As ``--model``; may be changed between two turns.
        llm: This one instead of ``model``'s.
        catalog: These tools instead of the Toolbox's.

    Raises:
        LibraryError: What was kept cannot be read or written.
    """

    def __init__(
        self,
        toolbox: AsksTools,
        *,
        session: str = "chat",
        model: str | None = None,
        llm: LLM | None = None,
        catalog: Sequence[ToolLike] | None = None,
    ) -> None:
        self.session = session
        self.model = model
        self._toolbox = toolbox
        self._llm = llm
        self._catalog = catalog
        self._clarifier = Clarifier(toolbox)
        self._memory = Memory(toolbox.settings.home / FILE, session)

    @property
    def recordings(self) -> list[str]:
        """Ids of what it is about; none for the whole library."""
        return list(self._values().get("recordings", []))

    @property
    def turns(self) -> list[Turn]:
        """What was said, oldest first."""
        return list(self._values().get("turns", []))

    @property
    def unanswered(self) -> str | None:
        """The last instruction, where it was stopped, failed, or was cut short by a kill."""
        state = self._graph().get_state(self._memory.config)
        if state.next and state.values.get("said"):
            return str(state.values["said"])
        turns = state.values.get("turns", [])
        return turns[-1]["said"] if turns and turns[-1]["trouble"] else None

    def open(self, recordings: Sequence[str]) -> None:
        """Goes on about these; none for the whole library."""
        self._update({"recordings": list(dict.fromkeys(recordings))})

    def use(self, model: str) -> None:
        """Another model from now on.

        Raises:
            BadArgument: It is not understood; the old one stays.
            NotFound: There is no such local model.
        """
        llm_for(model, self._toolbox, Quiet())
        self.model = model

    def begin_anew(self) -> None:
        """Forgets what was said; the recordings stay open, and what was heard is kept."""
        recordings = self.recordings
        self._memory.forget()
        self.open(recordings)

    def close(self) -> None:
        self._memory.close()

    def say(
        self,
        text: str,
        *,
        work: Work = Quiet(),
        on_step: Callable[[str, dict[str, Any]], None] | None = None,
        on_text: OnText = lambda piece: None,
    ) -> Said:
        """One turn.

        Args:
            text: In the person's words; it may refer back.
            work: Told how far it is, and asked whether to stop.
            on_step: Called with name and arguments before each tool.
            on_text: As ``ask`` has it.

        Raises:
            AuricleError: As ``ask``. The turn is kept, and "go on" tries it again.
        """
        if not text.strip():
            raise BadArgument('Say something, such as "Who talks most?".')
        self._settle()
        stop = threading.Event()
        graph = self._graph(Stoppable(work, stop), on_step, on_text)
        try:
            state = run_stoppable(lambda: graph.invoke({"said": text}, self._memory.config, durability="sync"), stop)
        except BaseException as error:
            self._settle(error.message if isinstance(error, AuricleError) else STOPPED)
            raise
        self._memory.keep_newest()
        turn: Turn = state["turns"][-1]
        return Said(
            **(turn["answer"] or {}),
            said=turn["said"],
            instruction=turn["instruction"],
            recordings=turn["recordings"],
        )

    def _graph(
        self,
        work: Work = Quiet(),
        on_step: Callable[[str, dict[str, Any]], None] | None = None,
        on_text: OnText = lambda piece: None,
    ) -> Any:
        from langgraph.graph import END, START, StateGraph

        def llm() -> LLM:
            return self._llm or llm_for(self.model, self._toolbox, work)

        def understand(state: _Talk) -> dict[str, Any]:
            earlier = self._earlier(state)
            try:
                meant = refer(state["said"], earlier, llm())
            except Unclear as unclear:
                options = [(one, earlier.names[one]) for one in unclear.options]
                meant = Meant("again", earlier.instruction, (self._clarifier.recording(options, work),))
            return {"meant": {"kind": meant.kind, "instruction": meant.instruction, "recordings": [*meant.recordings]}}

        def carry_out(state: _Talk) -> dict[str, Any]:
            meant = _meant(state)
            answer = ask(
                meant.instruction,
                meant.recordings,
                self._toolbox,
                model=self.model,
                work=work,
                on_step=on_step,
                llm=self._llm,
                catalog=self._catalog,
                on_text=on_text,
                clarifier=self._clarifier,
                own_words="\n".join([*_said(state), state["said"]]),
            )
            return self._turn(state, answer, work)

        def say_again(state: _Talk) -> dict[str, Any]:
            last = _last(state)
            before = Answer(**(last["answer"] or {}))
            text = reword(last["instruction"], before, _meant(state).instruction, llm(), on_text)
            answer = before.model_copy(update={"answer": text, "steps": [], "model": llm().name})
            return self._turn(state, answer, work)

        graph = StateGraph(_Talk)
        for node in (understand, carry_out, say_again):
            graph.add_node(node.__name__, node)
        graph.add_edge(START, "understand")
        graph.add_conditional_edges(
            "understand", lambda state: "say_again" if _meant(state).kind == "reword" else "carry_out"
        )
        graph.add_edge("carry_out", END)
        graph.add_edge("say_again", END)
        return graph.compile(checkpointer=self._memory.saver)

    def _turn(self, state: _Talk, answer: Answer, work: Work) -> dict[str, Any]:
        work.check_cancelled()  # what was given up must not be written down later
        meant = _meant(state)
        turn = Turn(
            said=state["said"],
            kind=meant.kind,
            # "Shorter" asks for nothing by itself: what comes next refers to what it made shorter.
            instruction=_last(state)["instruction"] if meant.kind == "reword" else meant.instruction,
            recordings=[*meant.recordings],
            answer=answer.model_dump(mode="json"),
            trouble="",
        )
        return {"turns": [turn], "said": "", "meant": None}

    def _earlier(self, state: _Talk) -> Earlier:
        turns = state.get("turns", [])
        names = {known.id: Path(known.path).name for known in self._toolbox.list_recordings().recordings}
        opened = tuple(one for one in state.get("recordings", []) if one in names)
        if state.get("recordings") and not opened:
            raise NotFound("What this conversation was about has been removed: open another recording, or all of them.")
        if not turns:
            return Earlier(opened=opened, names=names, said=state["said"])
        last = _last(state)
        about = tuple(one for one in last["recordings"] if one in names)
        answer = last["answer"] or {}
        return Earlier(
            instruction=last["instruction"],
            answer=str(answer.get("answer", "")),
            files=bool(answer.get("files")),
            unanswered=bool(turns[-1]["trouble"]),
            said="\n".join(_said(state)),
            recordings=about,
            opened=opened,
            names=names,
            voices=[
                voice.speaker
                for recording in about[:5]
                for voice in self._toolbox.describe_recording(recording).speakers
            ],
        )

    def _settle(self, trouble: str = STOPPED) -> None:
        """Writes down a turn that did not come to its end, so that "go on" can find it."""
        state = self._graph().get_state(self._memory.config)
        said = state.values.get("said")
        if not said:
            return
        meant: dict[str, Any] = state.values.get("meant") or {}
        turn = Turn(
            said=said,
            kind=meant.get("kind", "new"),
            instruction=meant.get("instruction", said),
            recordings=meant.get("recordings", state.values.get("recordings", [])),
            answer=None,
            trouble=trouble,
        )
        self._update({"turns": [turn], "said": "", "meant": None})

    def _values(self) -> dict[str, Any]:
        values: dict[str, Any] = self._graph().get_state(self._memory.config).values
        return values

    def _update(self, values: dict[str, Any]) -> None:
        self._graph().update_state(self._memory.config, values, as_node="carry_out")
        self._memory.keep_newest()


def _meant(state: _Talk) -> Meant:
    meant = state["meant"] or {}
    return Meant(meant["kind"], meant["instruction"], tuple(meant["recordings"]))


def _said(state: _Talk) -> list[str]:
    return [turn["said"] for turn in state.get("turns", [])[-_SAID:]]


def _last(state: _Talk) -> Turn:
    """The turn that is referred back to: the last one that was more than small talk."""
    turns = state["turns"]
    return next((turn for turn in reversed(turns) if _worth_referring_to(turn)), turns[-1])


def _worth_referring_to(turn: Turn) -> bool:
    return bool(turn["trouble"] or turn["kind"] == "reword" or (turn["answer"] or {}).get("steps"))
