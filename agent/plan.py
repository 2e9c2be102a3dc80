"""What to do, in which order: proposed by a small model under a schema, mended by code.

The model says what is wanted. What that needs beforehand, the order, and every value that can be read in the
instruction itself are code's.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.counting import counted_words, counts_in, needs_voices, needs_words, only_counts
from agent.extracting import keys_in
from agent.moments import Moments, moments_in
from agent.notes import notes_in
from agent.state import Call, OpenRecording, Outcome
from agent.toolset import PLANNED, PSEUDO, ToolLike, plan_schema, tool_lines
from agent.wording import (
    about_the_same,
    asks_for_file,
    asks_for_sound,
    asks_something,
    asks_to_summarize,
    asks_to_translate,
    asks_where_said,
    asks_who,
    format_in,
    is_question,
    language_in,
    only_in,
    path_in,
    people_in,
    speakers_in,
)
from auricle.errors import BadArgument
from auricle.times import clock, parse_time
from engines.protocols import LLM, Message
from prompts import load

PAGE_TOKENS = 6000
"""Of transcript read in one call."""

_PLAN_TOKENS = 400
_LONG = 900.0
"""Seconds. Voices of a recording up to that length are told apart in all of it, whatever part a question is about."""

_RANGED = frozenset({"transcribe", "slice_audio", "export_transcript", "answer", "talk_time"})
"""What can be about a part of a recording."""

_CAPTIONS = frozenset({"srt", "vtt", "rttm"})

_AROUND = 6.0
"""Seconds before and after a single moment that is asked about."""


@dataclass
class Plan:
    """Calls in order, and what of it the person asked for."""

    calls: list[Call] = field(default_factory=list)
    outcomes: list[Outcome] = field(default_factory=list)


@dataclass
class _Wish:
    kind: str
    arguments: dict[str, Any]
    question: str = ""
    recording: str | None = None
    moment: float | None = None

    @property
    def range(self) -> dict[str, Any]:
        return _some(self.arguments, "start", "end")


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
    for recording in recordings:
        wishes = _wishes(steps, instruction, recording["duration"])
        mine = [wish for wish in wishes if wish.recording in (None, recording["name"])]
        _arrange(plan, mine, recording, instruction, people, count, listen)
    if not recordings:
        plan.outcomes = [
            Outcome(kind="reply", arguments={}, question=step["text"], moment=None) for step in steps if "text" in step
        ]
    return plan


def _wishes(steps: Sequence[dict[str, Any]], instruction: str, duration: float) -> list[_Wish]:
    """The steps one by one, each made sound or dropped; what only prepares others is left to them."""
    moments = moments_in(instruction, duration)
    wishes: list[_Wish] = []
    for step in steps:
        wish = _wish(step, instruction, moments)
        if wish is not None and wish not in wishes:
            wishes.append(wish)
    _give_ranges(wishes, moments)
    if keys_in(instruction) or notes_in(instruction):
        wishes = _reading_instead(wishes, instruction, moments)
    said = None if keys_in(instruction) else format_in(instruction)
    exports = [wish for wish in wishes if wish.kind == "export_transcript"]
    if said and len(exports) == 1:
        exports[0].arguments["format"] = said
    elif said and not exports and not is_question(instruction):
        wishes.append(_Wish("export_transcript", {"format": said}))
    if len(wishes) > 1 and not asks_for_sound(instruction):
        wishes = [wish for wish in wishes if wish.kind != "slice_audio"]
    wishes = _counting([_checked(wish, instruction, duration) for wish in wishes], instruction, moments)
    others = [wish for wish in wishes if wish.kind not in {"reply", "transcribe", "diarize", "name_speakers"}]
    answers = [wish for wish in others if wish.kind == "answer" and _is_asked(wish, instruction)]
    kept = [wish for wish in others if wish.kind != "answer" or wish in answers or len(others) == 1]
    for wish in kept:
        if wish.kind == "answer" and not about_the_same(wish.question, instruction):
            wish.question = instruction
    wishes = [wish for number, wish in enumerate(wishes) if wish not in wishes[:number]]
    if kept:
        return [wish for wish in wishes if wish in kept or wish.kind in {"transcribe", "diarize", "name_speakers"}]
    return wishes or [_Wish("answer", {}, question=instruction)]


def _reading_instead(wishes: list[_Wish], instruction: str, moments: Moments) -> list[_Wish]:
    """Minutes, and JSON of certain keys, are made by reading: a transcript is not what is wanted."""
    reading = _Wish("answer", {}, question=instruction)
    _give_ranges([reading], moments)
    replaced = {"export_transcript", "answer", "search_transcript", "reply"}
    kept = [wish for wish in wishes if wish.kind not in replaced or wish.arguments.get("format") in _CAPTIONS]
    return [*kept, reading]


def _counting(wishes: list[_Wish], instruction: str, moments: Moments) -> list[_Wish]:
    """Numbers about the talk are one wish: reading and searching for them would be an LLM's counting."""
    kinds = counts_in(instruction)
    if not kinds:
        return wishes
    replaced = {"answer", "search_transcript", "reply"} if only_counts(instruction) else {"search_transcript"}
    words = {"words": counted_words(instruction)} if "words" in kinds and counted_words(instruction) else {}
    count = _Wish("talk_time", words, question=instruction)
    _give_ranges([count], moments)
    return [wish for wish in wishes if wish.kind not in {*replaced, "talk_time"}] + [count]


def _is_asked(wish: _Wish, instruction: str) -> bool:
    """Whether a reading beside other steps is the person's idea and not the model's."""
    if not asks_something(instruction):
        return False
    return about_the_same(wish.question, instruction) or (bool(wish.range) and asks_to_summarize(instruction))


def _wish(step: dict[str, Any], instruction: str, moments: Moments) -> _Wish | None:
    arguments = {key: value for key, value in step.items() if key not in {"tool", "recording", "question", "text"}}
    arguments = {key: value for key, value in arguments.items() if value not in ("", None, False)}
    for key in ("start", "end"):
        if key in arguments and _seconds(arguments[key]) not in moments.named:
            del arguments[key]  # a time that nobody named
    if not asks_to_translate(instruction):
        arguments.pop("translate", None)
    language = language_in(instruction, str(arguments.get("language", "")))
    if language is None or ("translate" in arguments and language.lower() in {"en", "english"}):
        arguments.pop("language", None)  # a guess; what is spoken is better detected
    if step["tool"] == "export_transcript" and not asks_for_file(instruction):
        return _Wish("answer", _some(arguments, "start", "end"), recording=step.get("recording"))
    if step["tool"] == "search_transcript" and not (
        asks_where_said(instruction) and str(step.get("words", "")).strip()
    ):
        # A model that does not know better searches; alone it means that the answer is to be found in the words.
        return _Wish("answer", {}, recording=step.get("recording"))
    return _Wish(step["tool"], arguments, step.get("question") or step.get("text") or "", step.get("recording"))


def _give_ranges(wishes: list[_Wish], moments: Moments) -> None:
    """Where the instruction names stretches, the steps get them in order; the model's copies count for less."""
    ranged = [wish for wish in wishes if wish.kind in _RANGED]
    asked = [wish for wish in ranged if wish.range or wish.kind == "slice_audio"] or ranged
    if len(moments.ranges) == 1 and not any(wish.range for wish in ranged):
        asked = ranged
    for number, wish in enumerate(asked):
        if moments.ranges:
            start, end = moments.ranges[min(number, len(moments.ranges) - 1)]
        elif moments.points and wish.kind == "answer":
            wish.moment = moments.points[0]
            start, end = max(0.0, moments.points[0] - _AROUND), moments.points[0] + _AROUND
        else:
            continue
        wish.arguments = {key: value for key, value in wish.arguments.items() if key not in {"start", "end"}}
        wish.arguments |= {key: _written(time) for key, time in (("start", start), ("end", end)) if time is not None}


def _checked(wish: _Wish, instruction: str, duration: float) -> _Wish:
    """What can be seen of one wish by itself."""
    if wish.kind == "slice_audio" and not {"start", "end"} <= set(wish.arguments):
        if not wish.range:
            return _Wish("cut_where", dict(wish.arguments), question=instruction, recording=wish.recording)
        wish.arguments.setdefault("start", "0:00")
        wish.arguments.setdefault("end", duration)
    if wish.kind in {"slice_audio", "export_transcript"}:
        path = path_in(instruction, str(wish.arguments.get("format", "wav")))
        if path:
            wish.arguments["path"] = path
    return wish


def _arrange(
    plan: Plan,
    wishes: Sequence[_Wish],
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
    hearing = _some(heard.arguments, "language", "translate") if heard else {}
    kinds = {wish.kind for wish in wishes}
    formats = {wish.arguments.get("format") for wish in main if wish.kind == "export_transcript"}
    only = only_in(instruction)
    counted = counts_in(instruction)
    voices = bool(people or only) or count is not None or bool(kinds & {"diarize", "name_speakers"})
    voices = voices or ("talk_time" in kinds and needs_voices(counted))
    voices = (voices or bool(formats & {"qa", "rttm"}) or asks_who(instruction)) and bool(
        kinds - {"reply", "slice_audio"}
    )
    naming = voices and bool(
        people or kinds & {"name_speakers", "answer", "talk_time", "cut_where"} or formats - {"rttm"}
    )
    may_listen = listen or bool(kinds & {"transcribe", "diarize", "export_transcript", "talk_time"})
    wordless = {"slice_audio"} if counted and needs_words(counted) else {"slice_audio", "talk_time"}
    read = [wish for wish in main if wish.kind not in wordless and formats != {"rttm"}]
    stretches = [wish.range or (heard.range if heard else {}) for wish in read]
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
            _add(plan, "name_speakers", {"recording": recording, **({"people": list(people)} if people else {})})
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


def _add_wish(plan: Plan, wish: _Wish, recording: str, heard: dict[str, Any], changed: dict[str, Any]) -> None:
    arguments: dict[str, Any] = {"recording": recording, **wish.arguments}
    tool = wish.kind
    if wish.kind in {"answer", "cut_where"}:
        arguments = {"recording": recording, **wish.range, "max_tokens": PAGE_TOKENS, **changed}
        tool = "read_transcript"
    elif wish.kind == "talk_time":
        arguments, tool = {"recording": recording, **wish.range, **_some(wish.arguments, "words")}, "measure_talk"
    elif wish.kind == "export_transcript":
        arguments = {"recording": recording, **heard, **wish.arguments, **changed}
    _add(plan, tool, arguments)
    cut = {"format": wish.arguments["format"]} if wish.kind == "cut_where" and "format" in wish.arguments else {}
    plan.outcomes.append(Outcome(kind=wish.kind, arguments=arguments | cut, question=wish.question, moment=wish.moment))


def _add(plan: Plan, tool: str, arguments: dict[str, Any]) -> None:
    call = Call(tool=tool, arguments=arguments)
    if call not in plan.calls:
        plan.calls.append(call)


def _some(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: arguments[name] for name in names if name in arguments}


def _seconds(text: str) -> float | None:
    try:
        return parse_time(text)
    except BadArgument:
        return None


def _written(seconds: float) -> str | float:
    return clock(seconds) if seconds == int(seconds) else seconds
