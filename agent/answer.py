"""Answers in words, from the lines of a transcript: the model reads and points at lines, code quotes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.drafting import Draft
from agent.focus import focus, nearest
from agent.grounding import only_repeats, tells
from agent.numbered import ANSWER_TOKENS, an_object, asked, numbers_of, pointed_at, relevant, room_for
from agent.opening import opening
from agent.thinking import time_is_over
from agent.verify import SpokenLine
from auricle.times import clock
from engines.protocols import LLM, OnText

NOT_THERE = "That is not in the recording."

_CITED = 4
_FEW = 5
_NEAR = 2.0
"""Seconds from a time that is asked about to the words that may be meant."""

_SELECTED = (
    "The model reads {context} tokens at once, so it was shown the transcript in parts and answered from the {kept} of "
    "{all} lines that it chose."
)


@dataclass
class Found:
    """An answer, and the lines it rests on.

    Attributes:
        found: Whether the transcript tells it.
        raw: What the model wrote, to be shown to it again where it cannot be given.
        warning: That not every line stood before it at once, as far as the person should know.
    """

    found: bool
    text: str
    lines: list[SpokenLine] = field(default_factory=list)
    raw: str = ""
    warning: str = ""


def answer(
    question: str,
    lines: Sequence[SpokenLine],
    facts: str,
    llm: LLM,
    rejected: str = "",
    complaints: Sequence[str] = (),
    on_text: OnText = lambda piece: None,
) -> Found:
    """Answers a question from what is said: near the words it shares with it, else from all of it.

    Args:
        question: In a person's words.
        lines: The transcript, or the part of it that was asked about.
        facts: What is known of the recording besides, in a line.
        llm: Any model.
        rejected: What the model wrote before, where that cannot be given,
        complaints: and why.
        on_text: Told the answer's words as they are written.
    """
    near = focus(question, lines)
    if near:
        found = _read(question, near, facts, llm, rejected, complaints, on_text)
        if found.found or len(near) == len(lines) or time_is_over(llm):
            return found
    return _read(question, lines, facts, llm, rejected, complaints, on_text)


def _read(
    question: str,
    lines: Sequence[SpokenLine],
    facts: str,
    llm: LLM,
    rejected: str,
    complaints: Sequence[str],
    on_text: OnText,
) -> Found:
    if not lines:
        return Found(found=False, text=NOT_THERE)
    begin = opening("answer")
    shown = relevant(question, lines, llm, room_for(llm, begin, question, facts))
    nothing = Found(found=False, text=NOT_THERE, warning=limits(lines, shown, llm))
    if not (complaints or time_is_over(llm) or tells(question, shown, facts, llm)):
        return nothing
    reply = llm.chat(
        [*begin, *asked(question, shown, facts, rejected, complaints)],
        schema=_schema(len(shown)),
        max_tokens=ANSWER_TOKENS,
        on_text=Draft(on_text),
    )
    data = reply.data or {}
    text = " ".join(str(data.get("answer", "")).split())
    if not text or only_repeats(question, text):
        return replace(nothing, raw=reply.text)
    cited = _best(question, text, shown, pointed_at(data, shown, _CITED))
    return replace(nothing, found=True, text=text, lines=cited, raw=reply.text)


def _best(question: str, text: str, lines: Sequence[SpokenLine], chosen: Sequence[SpokenLine]) -> list[SpokenLine]:
    """What an answer rests on: a small model is often a line off, but "I'll do it" shares no words and is kept."""
    replies = [line for line in chosen if len(line.text.split()) <= _FEW and line.speaker and line.speaker in text]
    return list(dict.fromkeys([*nearest(question, lines, chosen, text), *replies]))[:_CITED]


def limits(lines: Sequence[SpokenLine], shown: Sequence[SpokenLine], llm: LLM) -> str:
    """Why a model did not see all of what it was asked about; empty where it did."""
    chosen = _SELECTED.format(all=len(lines), kept=len(shown), context=llm.traits.context)
    return time_is_over(llm) or (chosen if len(shown) < len(lines) else "")


def at_moment(lines: Sequence[SpokenLine], moment: float | None) -> tuple[list[SpokenLine], str]:
    """What is said at a time, and who says it, in a sentence: comparing times is not for a small model."""
    if moment is None:
        return [], ""
    at = [line for line in lines if line.start <= moment < line.end]
    near = at or [line for line in lines if line.start - _NEAR <= moment < line.end + _NEAR]
    if not near:
        return [], f"Nobody speaks at {clock(moment)}."
    near.sort(key=lambda line: max(line.start - moment, moment - line.end, 0.0))
    near = near if at else near[:1]
    who = " and ".join(dict.fromkeys(line.speaker or "an unknown voice" for line in near))
    when = clock(moment) if at else f"{clock(near[0].start)}–{clock(near[0].end)}, next to {clock(moment)},"
    return near, f"At {when} {who} {'speaks' if len(near) == 1 else 'speak'}."


def citation(line: SpokenLine, verified: bool) -> dict[str, Any]:
    return {
        "recording": line.recording,
        "start": line.start,
        "end": line.end,
        "quote": line.text,
        "verified": verified,
    }


def _schema(lines: int) -> dict[str, Any]:
    """What the model may write: a small one points at the right lines once it has written what they say."""
    return an_object({"answer": {"type": "string", "maxLength": 600}, "lines": numbers_of(lines, _CITED)})
