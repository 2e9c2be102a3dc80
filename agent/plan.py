"""What to do, in which order: proposed by a small model under a schema, mended by code.

The model says what is wanted. What that needs beforehand, the order, and every value that can be read in the
instruction itself are code's.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.about import ABOUT, asks_for_recordings, asks_of_itself
from agent.counting import counts_in, needs_voices, needs_words
from agent.notes import notes_in
from agent.state import Call, OpenRecording, Outcome
from agent.toolset import PLANNED, PSEUDO, ToolLike, plan_schema, tool_lines
from agent.wishes import Wish, some, wishes_in
from agent.wording import asks_who, names_given, only_in, people_in, speakers_in
from engines.protocols import LLM, Message
from prompts import load
from tools.export import FORMATS

PAGE_TOKENS = 6000
"""Of transcript read in one call."""

_OF_VOICES = {kind for kind, form in FORMATS.items() if form.of_voices}

_PLAN_TOKENS = 400
_LONG = 900.0
"""Seconds. Voices of a recording up to that length are told apart in all of it, whatever part a question is about."""


@dataclass
class Plan:
    """Calls in order, and what of it the person asked for."""

    calls: list[Call] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


def propose(
    instruction: str, recordings: Sequence[OpenRecording], catalog: Sequence[ToolLike], llm: LLM
) -> dict[str, Any]:
    """The model's plan, as it wrote it."""
    names = [recording["name"] for recording in recordings]
    schema = plan_schema(catalog, names)
    ask = load("plan_ask", instruction=" ".join(instruction.split()))
    if len(names) > 1:
        ask = load("plan_ask_many", recordings=", ".join(names), ask=ask)
    messages = [Message("system", load("plan", tools=tool_lines(catalog))), Message("user", ask)]
    return llm.chat(messages, schema=schema, max_tokens=_PLAN_TOKENS).data or {}


def of_itself(instruction: str) -> Plan | None:
    """The plan where Auricle itself or its library is asked about: nothing is listened to, and no model asked."""
    if asks_of_itself(instruction):
        return Plan(outcomes=[Outcome(kind="reply", arguments={}, question=ABOUT, moment=None)])
    if asks_for_recordings(instruction):
        call = Call(tool="list_recordings", arguments={})
        return Plan([call], [Outcome(kind=call["tool"], arguments={}, question="", moment=None)])
    return None


def mend(proposed: dict[str, Any], instruction: str, recordings: Sequence[OpenRecording], listen: bool = True) -> Plan:
    """Makes a plan that can be carried out of what a model proposed.

    Args:
        proposed: The model's plan; anything in it may be missing or wrong.
        instruction: The person's words, which decide where the model's plan contradicts them.
        recordings: What is open.
        listen: Whether a question may listen to what nobody has listened to yet.
    """
    people = people_in(instruction, proposed.get("people") or [])
    count = speakers_in(instruction, proposed.get("speakers") or 0, people)
    steps = [step for step in proposed.get("steps") or [] if step.get("tool") in {*PLANNED, *PSEUDO}]
    plan = Plan()
    # Who names one of several recordings asks about that one.
    named = [recording for recording in recordings if _is_named(recording["name"], instruction)]
    for recording in named or recordings:
        wishes = wishes_in(steps, instruction, recording["duration"])
        mine = [wish for wish in wishes if wish.recording in (None, recording["name"])]
        _arrange(plan, mine, recording, instruction, people, count, listen)
    if not recordings:
        plan.outcomes = [
            Outcome(kind="reply", arguments={}, question=step["text"], moment=None) for step in steps if "text" in step
        ]
    return plan


def _is_named(name: str, instruction: str) -> bool:
    stem = name.rpartition(".")[0] or name
    return len(stem) > 2 and bool(re.search(rf"(?<!\w){re.escape(stem)}(?!\w)", instruction, re.IGNORECASE))


def _arrange(
    plan: Plan,
    wishes: Sequence[Wish],
    opened: OpenRecording,
    instruction: str,
    people: Sequence[str],
    count: int | None,
    listen: bool,
) -> None:
    """Puts what the wishes need before them, once, and what they come to after it."""
    recording = opened["id"]
    main = [wish for wish in wishes if wish.kind not in {"transcribe", "diarize", "name_speakers", "reply"}]
    heard = next((wish for wish in wishes if wish.kind == "transcribe"), None)
    hearing = some(heard.arguments, "language", "translate") if heard else {}
    kinds = {wish.kind for wish in wishes}
    formats = {wish.arguments.get("format") for wish in main if wish.kind == "export_transcript"}
    only, given = only_in(instruction), names_given(instruction)
    counted = counts_in(instruction)
    voices = bool(people or only) or count is not None or bool(kinds & {"diarize", "name_speakers"})
    voices = voices or ("talk_time" in kinds and needs_voices(counted)) or bool(notes_in(instruction))
    voices = (voices or bool(formats & _OF_VOICES) or asks_who(instruction)) and bool(kinds - {"reply", "slice_audio"})
    naming = voices and bool(
        people or kinds & {"name_speakers", "answer", "talk_time", "cut_where"} or formats - {"rttm"}
    )
    may_listen = listen or bool(kinds & {"transcribe", "diarize", "export_transcript", "talk_time"})
    wordless = {"slice_audio"} if counted and needs_words(counted) else {"slice_audio", "talk_time"}
    read = [wish for wish in main if wish.kind not in wordless and formats != {"rttm"}]
    stretches = [wish.range or (heard.range if heard else {}) for wish in read]
    if naming and read and opened["duration"] <= _LONG:
        stretches = [{}]  # who is who may be said anywhere
    if (heard and not read) or (naming and not stretches):
        stretches.append(heard.range if heard else {})
    if may_listen:
        for stretch in [{}] if {} in stretches else stretches:
            _add(plan, "transcribe", {"recording": recording, **stretch, **hearing})
        if voices:
            told = opened["count"] if count is None else {"speakers": count}
            # In a short recording all that is said tells who is who; of a long one only the part that matters is heard.
            parts = stretches if opened["duration"] > _LONG else []
            for stretch in [{}] if {} in parts or not parts else parts:
                _add(plan, "diarize", {"recording": recording, **stretch, **told})
        if naming:
            if hearing.get("translate"):  # names are found in what was said
                _add(plan, "transcribe", {"recording": recording})
            told_names = {"names": given} if given else {"people": list(people)} if people else {}
            _add(plan, "name_speakers", {"recording": recording, **told_names})
    changed: dict[str, Any] = {"translated": True} if hearing.get("translate") else {}
    if only:
        changed["speakers"] = only
    for wish in main:
        _add_wish(plan, wish, recording, heard.range if heard else {}, changed)
    if not main:
        for kind in ("transcribe", "diarize", "name_speakers"):
            if kind in kinds:
                call = next(call for call in reversed(plan.calls) if call["tool"] == kind)
                plan.outcomes.append(Outcome(kind=kind, arguments=call["arguments"], question="", moment=None))
    plan.outcomes += [
        Outcome(kind="reply", arguments={}, question=wish.question, moment=None)
        for wish in wishes
        if wish.kind == "reply" and not any(outcome["kind"] == "reply" for outcome in plan.outcomes)
    ]


def _add_wish(plan: Plan, wish: Wish, recording: str, heard: dict[str, Any], changed: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"recording": recording, **wish.arguments}
    tool = wish.kind
    if wish.kind in {"answer", "cut_where"}:
        arguments = {"recording": recording, **wish.range, "max_tokens": PAGE_TOKENS, **changed}
        tool = "read_transcript"
    elif wish.kind == "talk_time":
        arguments, tool = {"recording": recording, **wish.range, **some(wish.arguments, "words")}, "measure_talk"
    elif wish.kind == "export_transcript":
        arguments = {"recording": recording, **heard, **wish.arguments, **changed}
    _add(plan, tool, arguments)
    cut = {"format": wish.arguments["format"]} if wish.kind == "cut_where" and "format" in wish.arguments else {}
    plan.outcomes.append(Outcome(kind=wish.kind, arguments=arguments | cut, question=wish.question, moment=wish.moment))


def _add(plan: Plan, tool: str, arguments: dict[str, Any]) -> None:
    call = Call(tool=tool, arguments=arguments)
    if call not in plan.calls:
        plan.calls.append(call)
