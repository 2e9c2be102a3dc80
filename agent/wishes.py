"""What is wanted, one thing after the other: a small model's steps, each made sound by the words of the instruction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from agent.counting import counted_words, counts_in, only_counts
from agent.extracting import keys_in
from agent.moments import Moments, moments_in
from agent.notes import notes_in
from agent.wording import (
    about_the_same,
    asks_for_file,
    asks_for_names,
    asks_for_sound,
    asks_something,
    asks_to_summarize,
    asks_to_translate,
    asks_where_said,
    format_in,
    is_question,
    language_in,
    path_in,
)
from auricle.errors import BadArgument
from auricle.times import clock, parse_time

_CAPTIONS = frozenset({"srt", "vtt", "rttm"})

_RANGED = frozenset({"transcribe", "slice_audio", "export_transcript", "answer", "talk_time"})
"""What can be about a part of a recording."""

_AROUND = 6.0
"""Seconds before and after a single moment that is asked about."""


@dataclass
class Wish:
    """Something the instruction asks for.

    Attributes:
        kind: As an ``Outcome`` has it.
        recording: The name of the one it is about; None where it is about all that are open.
        moment: The single time in seconds that it is about.
    """

    kind: str
    arguments: dict[str, Any]
    question: str = ""
    recording: str | None = None
    moment: float | None = None

    @property
    def range(self) -> dict[str, Any]:
        return some(self.arguments, "start", "end")


def wishes_in(steps: Sequence[dict[str, Any]], instruction: str, duration: float) -> list[Wish]:
    """The steps one by one, each made sound or dropped; what only prepares others is left to them."""
    moments = moments_in(instruction, duration)
    wishes: list[Wish] = []
    for step in steps:
        wish = _wish(step, instruction, moments)
        if wish is not None and wish not in wishes:
            wishes.append(wish)
    _give_ranges(wishes, moments)
    keys = keys_in(instruction)
    if keys or notes_in(instruction):
        wishes = _reading_instead(wishes, instruction, moments)
    said = None if keys else format_in(instruction)
    exports = [wish for wish in wishes if wish.kind == "export_transcript"]
    if said and len(exports) == 1:
        exports[0].arguments["format"] = said
    elif said and not exports and not is_question(instruction):
        wishes.append(Wish("export_transcript", {"format": said}))
    if len(wishes) > 1 and not asks_for_sound(instruction):
        wishes = [wish for wish in wishes if wish.kind != "slice_audio"]
    for wish in wishes:
        if wish.kind == "diarize" and asks_for_names(instruction):
            wish.kind = "name_speakers"
    if len(wishes) > 1 and not counts_in(instruction):
        wishes = [wish for wish in wishes if wish.kind != "talk_time"]
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
    return wishes or [Wish("answer", {}, question=instruction)]


def _reading_instead(wishes: list[Wish], instruction: str, moments: Moments) -> list[Wish]:
    """Minutes, and JSON of certain keys, are made by reading: a transcript is not what is wanted."""
    reading = Wish("answer", {}, question=instruction)
    _give_ranges([reading], moments)
    replaced = {"export_transcript", "answer", "search_transcript", "reply"}
    kept = [wish for wish in wishes if wish.kind not in replaced or wish.arguments.get("format") in _CAPTIONS]
    return [*kept, reading]


def _counting(wishes: list[Wish], instruction: str, moments: Moments) -> list[Wish]:
    """Numbers about the talk are one wish: reading and searching for them would be an LLM's counting."""
    kinds = counts_in(instruction)
    if not kinds:
        return wishes
    replaced = {"answer", "search_transcript", "reply"} if only_counts(instruction) else {"search_transcript"}
    words = counted_words(instruction)
    count = Wish("talk_time", {"words": words} if words else {}, question=instruction)
    _give_ranges([count], moments)
    return [wish for wish in wishes if wish.kind not in {*replaced, "talk_time"}] + [count]


def _is_asked(wish: Wish, instruction: str) -> bool:
    """Whether a reading beside other steps is the person's idea and not the model's."""
    if not asks_something(instruction):
        return False
    return about_the_same(wish.question, instruction) or (bool(wish.range) and asks_to_summarize(instruction))


def _wish(step: dict[str, Any], instruction: str, moments: Moments) -> Wish | None:
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
        return Wish("answer", some(arguments, "start", "end"), recording=step.get("recording"))
    if step["tool"] == "search_transcript" and not (
        asks_where_said(instruction) and str(step.get("words", "")).strip()
    ):
        # A model that does not know better searches; alone it means that the answer is to be found in the words.
        return Wish("answer", {}, recording=step.get("recording"))
    return Wish(step["tool"], arguments, step.get("question") or step.get("text") or "", step.get("recording"))


def _give_ranges(wishes: list[Wish], moments: Moments) -> None:
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


def _checked(wish: Wish, instruction: str, duration: float) -> Wish:
    """What can be seen of one wish by itself."""
    if wish.kind == "slice_audio" and not {"start", "end"} <= set(wish.arguments):
        if not wish.range:
            return Wish("cut_where", dict(wish.arguments), question=instruction, recording=wish.recording)
        wish.arguments.setdefault("start", "0:00")
        wish.arguments.setdefault("end", duration)
    if wish.kind in {"slice_audio", "export_transcript"}:
        path = path_in(instruction, str(wish.arguments.get("format", "wav")))
        if path:
            wish.arguments["path"] = path
    return wish


def some(arguments: dict[str, Any], *names: str) -> dict[str, Any]:
    """Those of the arguments that are there."""
    return {name: arguments[name] for name in names if name in arguments}


def _seconds(text: str) -> float | None:
    try:
        return parse_time(text)
    except BadArgument:
        return None


def _written(seconds: float) -> str | float:
    return clock(seconds) if seconds == int(seconds) else seconds
