"""The nodes for a model that does not call tools itself: plan, act, answer, verify."""

from collections.abc import Sequence
from typing import Any

from langchain_core.messages import AIMessage, ToolMessage

from agent.answer import NOT_THERE, Found, answer, at_moment, citation
from agent.compose import tell
from agent.drafting import ANEW
from agent.extracting import is_object
from agent.focus import nearest
from agent.following import following, without_failed
from agent.known import done_from, facts_of, lines_of, moment_of, questions_of, read_for, said_in_each
from agent.numbered import relevant
from agent.plan import mend, of_itself, propose
from agent.responding import is_of_each, respond, respond_each
from agent.state import AskState, Call, Done, Draft, Outcome
from agent.thinking import time_is_over
from agent.toolset import ToolLike
from agent.verify import SpokenLine, complaints, misattributed, normalised
from agent.wording import asks_only_who
from auricle.times import clock
from engines.protocols import LLM, OnText

MOST_CALLS = 400
"""Tool calls for one instruction; long transcripts are read in pages."""

RETRIES = 2
UNVERIFIED = "(unverified)"
_NOWHERE = "“{words}” is not said in any of the {recordings} recordings, as far as they were transcribed."


class Planned:
    """The nodes. ``listen``: whether a question may listen to what nobody has listened to yet."""

    def __init__(self, llm: LLM, catalog: Sequence[ToolLike], listen: bool, on_text: OnText) -> None:
        self._on_text = on_text
        self._llm = llm
        self._catalog = catalog
        self._listen = listen

    def plan(self, state: AskState) -> dict[str, Any]:
        """What is to be done."""
        known = of_itself(state["instruction"])
        if known is not None:
            return {"todo": known.calls, "outcomes": known.outcomes, "drafts": [], "attempts": 0}
        proposed = propose(state["instruction"], state["recordings"], self._catalog, self._llm)
        plan = mend(proposed, state["instruction"], state["recordings"], self._listen)
        return {"todo": plan.calls, "outcomes": plan.outcomes, "drafts": [], "attempts": 0}

    def act(self, state: AskState) -> dict[str, Any]:
        """Notes what the last call came to, and makes the next one."""
        todo, outcomes = list(state["todo"]), list(state["outcomes"])
        new: list[Done] = []
        heard = [message for message in state["messages"] if isinstance(message, ToolMessage)]
        if len(heard) > len(state["done"]):
            calls = [
                call for message in state["messages"] if isinstance(message, AIMessage) for call in message.tool_calls
            ]
            entry = done_from(heard[-1], calls[-1]["name"], calls[-1]["args"])
            new.append(entry)
            if entry["error"] is not None:
                todo = without_failed(todo, entry)
            else:
                todo = following(entry, state, outcomes) + todo
        made = len(state["done"]) + len(new)
        update: dict[str, Any] = {"todo": todo[1:], "outcomes": outcomes, "done": new}
        if todo and made < MOST_CALLS:
            call = {"id": f"call_{made + 1}", "name": todo[0]["tool"], "args": todo[0]["arguments"]}
            update["messages"] = [AIMessage(content="", tool_calls=[call])]
        return update

    def locate(self, state: AskState) -> dict[str, Any]:
        """Turns "cut out where …" into a stretch, once the transcript has been read."""
        todo: list[Call] = []
        outcomes: list[Outcome] = []
        for outcome in state["outcomes"]:
            if outcome["kind"] != "cut_where":
                outcomes.append(outcome)
                continue
            recording = outcome["arguments"]["recording"]
            lines = [line for line in lines_of(state) if line.recording == recording]
            found = answer(outcome["question"], lines, facts_of(state), self._llm)
            chosen = found.lines or relevant(outcome["question"], lines, self._llm, room=0) if found.found else []
            chosen = nearest(outcome["question"], lines, chosen) if chosen else []
            if not chosen:
                outcomes.append(Outcome(kind="reply", arguments={}, question=NOT_THERE, moment=None))
                continue
            first, last = min(line.start for line in chosen), max(line.end for line in chosen)
            kind = {"format": outcome["arguments"]["format"]} if "format" in outcome["arguments"] else {}
            arguments = {"recording": recording, "start": first, "end": last, **kind}
            todo.append(Call(tool="slice_audio", arguments=arguments))
            outcomes.append(Outcome(kind="slice_audio", arguments=arguments, question="", moment=None))
        return {"todo": todo, "outcomes": outcomes}

    def answer(self, state: AskState) -> dict[str, Any]:
        """Asks the model what only reading can tell; the rest is told by code."""
        earlier = {draft["question"]: draft for draft in state["drafts"]}
        drafts: list[Draft] = []
        for question in questions_of(state):
            draft = earlier.get(question)
            if draft is not None and not (draft["complaints"] and draft["raw"]):
                drafts.append(draft)
                continue
            rejected, why = (draft["raw"], draft["complaints"]) if draft else ("", [])
            lines = read_for(state, question)
            at, moment_fact = at_moment(lines, moment_of(state, question))
            if draft is None and time_is_over(self._llm):
                found = Found(found=False, text=time_is_over(self._llm))
            elif moment_fact and asks_only_who(question):
                found = Found(found=True, text=moment_fact, lines=at)
            else:
                facts = "\n".join(filter(None, [facts_of(state), moment_fact]))
                parts = said_in_each(state, question)
                if len(parts) > 1 and is_of_each(question):
                    found = respond_each(question, parts, facts, self._llm)
                else:
                    found = respond(question, at or lines, facts, self._llm, rejected, why, self._on_text)
            drafts.append(_draft(question, found))
        return {"drafts": drafts, "attempts": state["attempts"] + 1}

    def verify(self, state: AskState) -> dict[str, Any]:
        """Checks the drafts; those that hold, and those that failed too often, become the answer."""
        lines = lines_of(state)
        durations = [recording["duration"] for recording in state["recordings"]]
        checked: list[Draft] = []
        for draft in state["drafts"]:
            known = sorted({line.speaker for line in lines if line.speaker})
            wrong = complaints(draft["text"], lines, durations, known, state["instruction"]) if draft["found"] else []
            cited = [SpokenLine(**line) for line in draft["lines"]]
            if draft["found"] and misattributed(draft["question"], draft["text"], cited, known):
                # Who says it stands in the transcript: no model has to be asked again.
                draft, wrong = {**draft, "text": _quoted(cited)}, []
            if draft["found"] and not draft["lines"] and not _known_besides(draft["text"], facts_of(state)):
                wrong.append("No line is given that it is taken from.")
            checked.append({**draft, "complaints": wrong})
        # What code composed is not written again: ``raw`` is what a model wrote.
        failed = any(draft["complaints"] and draft["raw"] for draft in checked)
        if failed and state["attempts"] <= RETRIES and not time_is_over(self._llm):
            self._on_text(ANEW)
            return {"drafts": checked}
        return {"drafts": checked, **_together(state, checked)}


def _known_besides(text: str, facts: str) -> bool:
    """Whether an answer without lines can come from the facts: it repeats a name, a language or a length."""
    said = set(normalised(text).split())
    return any(word[0].isupper() or word[0].isdigit() for word in facts.split()[1:] if normalised(word) in said)


def _draft(question: str, found: Found) -> Draft:
    return Draft(
        question=question,
        found=found.found,
        text=found.text,
        raw=found.raw,
        lines=[vars(line) for line in found.lines],
        complaints=[],
        warning=found.warning,
    )


def _together(state: AskState, drafts: Sequence[Draft]) -> dict[str, Any]:
    """The whole answer: what was asked for, in the order in which it was."""
    texts: list[str] = []
    citations: list[dict[str, Any]] = []
    files: list[str] = []
    by_question = {draft["question"]: draft for draft in drafts}
    names = {recording["id"]: recording["name"] for recording in state["recordings"]}
    for outcome in state["outcomes"]:
        if outcome["kind"] == "reply":
            texts.append(outcome["question"])
        elif outcome["kind"] == "answer" and outcome["question"] in by_question:
            draft = by_question.pop(outcome["question"])
            texts.append(_answer_text(draft, read_for(state, draft["question"])))
            verified = not draft["complaints"]
            citations += [citation(SpokenLine(**line), verified) for line in draft["lines"]]
        elif outcome["kind"] == "search_transcript" and len(names) > 1 and not _hits(state, outcome):
            if not any(_hits(state, other) for other in state["outcomes"]):
                texts.append(_NOWHERE.format(words=outcome["arguments"]["words"], recordings=len(names)))
        elif outcome["kind"] != "answer" or _failed(state, outcome):
            asked = outcome if outcome["kind"] != "answer" else {**outcome, "kind": "read_transcript"}
            told = tell(asked, state["done"])
            recording = names.get(outcome["arguments"].get("recording", ""), "")
            texts.append(f"{recording}: {told.text}" if len(names) > 1 and told.text else told.text)
            citations += told.citations
            files += told.files
    return {
        "text": "\n\n".join(filter(None, dict.fromkeys(texts))),
        "citations": citations,
        "files": files,
        "warnings": [*_failures(state), *(draft["warning"] for draft in drafts if draft["warning"])],
    }


def _hits(state: AskState, outcome: Outcome) -> list[dict[str, Any]]:
    """What a search came to."""
    arguments, kind = outcome["arguments"], outcome["kind"]
    results = [done["result"] or {} for done in state["done"] if (done["tool"], done["arguments"]) == (kind, arguments)]
    return [hit for result in results for hit in result.get("hits", [])]


def _failures(state: AskState) -> list[str]:
    """What went wrong on the way to what was asked for, which was gone without."""
    asked = [outcome["arguments"] for outcome in state["outcomes"]]
    return [
        f"{entry['tool']} failed: {entry['error']['message']}"
        for entry in state["done"]
        if entry["error"] is not None and entry["arguments"] not in asked
    ]


def _failed(state: AskState, outcome: Outcome) -> bool:
    return any(e["error"] is not None and e["arguments"] == outcome["arguments"] for e in state["done"])


def _quoted(lines: Sequence[SpokenLine]) -> str:
    """Lines as an answer: what is said, by whom, when."""
    return "\n".join(f"{line.speaker or 'Somebody'} ({clock(line.start)}): “{line.text}”" for line in lines)


def _answer_text(draft: Draft, lines: Sequence[SpokenLine]) -> str:
    if not draft["found"]:
        if not lines:
            return f"{NOT_THERE} Nothing was heard there."
        if draft["text"] != NOT_THERE:
            return draft["text"]
        many = "1 line" if len(lines) == 1 else f"{len(lines)} lines"
        return f"{NOT_THERE} Searched: {many}, {clock(lines[0].start)}–{clock(lines[-1].end)}."
    if draft["complaints"] and not is_object(draft["text"]):
        return f"{draft['text']} {UNVERIFIED}"
    return draft["text"]
