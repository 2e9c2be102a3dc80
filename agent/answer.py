"""Answers in words, from the lines of a transcript: the model reads and points at lines, code quotes them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from agent.drafting import Draft
from agent.focus import focus
from agent.thinking import time_is_over
from agent.verify import SpokenLine, normalised
from agent.wording import asks_to_summarize, sentences_of, sentences_wanted
from auricle.times import clock
from engines.chat_format import MOST_TOKENS_PER_BYTE, estimate_tokens
from engines.protocols import LLM, Message, OnText
from prompts import load

NOT_THERE = "That is not in the recording."

_ANSWER_TOKENS = 240
_LINES_TOKENS = 80
_CITED = 4
_RELEVANT = 8
_NEAR = 2.0
"""Seconds from a time that is asked about to the words that may be meant."""

_NUMBER_AND_TIME = 10

_SELECTED = (
    "The model reads {context} tokens at once, so it was shown the transcript in parts and answered from the {kept} of "
    "{all} lines that it chose."
)

_ECHO = 6
"""Words in a row that are also in the prompt."""

_MARGIN = 200
"""Tokens left free beside what is counted."""


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
    """Answers a question from what is said.

    Args:
        question: In a person's words.
        lines: The transcript, or the part of it that was asked about.
        facts: What is known of the recording besides, in a line.
        llm: Any model.
        rejected: What the model wrote before, where that cannot be given,
        complaints: and why.
        on_text: Told the answer's words as they are written.
    """
    if not lines:
        return Found(found=False, text=NOT_THERE)
    near = [] if asks_to_summarize(question) else focus(question, lines)
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
    summary = asks_to_summarize(question)
    system = load("summary" if summary else "answer")
    shown = relevant(question, lines, llm, room_for(llm, system, question, facts))
    warning = _SELECTED.format(all=len(lines), kept=len(shown), context=llm.traits.context)
    warning = time_is_over(llm) or (warning if len(shown) < len(lines) else "")
    reply = llm.chat(
        asked(system, question, shown, facts, rejected, complaints),
        schema=_schema(len(shown), summary=summary, sentences=sentences_wanted(question)),
        max_tokens=_ANSWER_TOKENS,
        on_text=Draft(on_text),
    )
    data = reply.data or {}
    written = data.get("answer", "")
    text = " ".join(" ".join(written if isinstance(written, list) else [str(written)]).split())
    if summary:
        said = [sentence for sentence in sentences_of(text) if not _echoes(sentence, system)]
        text = "".join(said[: sentences_wanted(question) or None]).strip()
    if not (summary or data.get("found")) or not text:
        return Found(found=False, text=NOT_THERE, raw=reply.text, warning=warning)
    return Found(found=True, text=text, lines=pointed_at(data, shown, _CITED), raw=reply.text, warning=warning)


def asked(
    system: str,
    question: str,
    lines: Sequence[SpokenLine],
    facts: str = "",
    rejected: str = "",
    complaints: Sequence[str] = (),
) -> list[Message]:
    """What a model is asked over numbered lines, once more where what it wrote cannot be given."""
    ask = load("answer_ask", facts=facts, transcript=fenced(lines), question=" ".join(question.split())).strip()
    messages = [Message("system", system), Message("user", ask)]
    if complaints:
        messages += [
            Message("assistant", rejected),
            Message("user", load("answer_again", complaints=" ".join(complaints))),
        ]
    return messages


def _echoes(sentence: str, prompt: str) -> bool:
    """Whether a sentence repeats what the model was told to do instead of doing it."""
    words = normalised(sentence).split()
    told = normalised(prompt)
    return any(" ".join(words[at : at + _ECHO]) in told for at in range(len(words) - _ECHO + 1))


def relevant(question: str, lines: Sequence[SpokenLine], llm: LLM, room: int) -> list[SpokenLine]:
    """The lines themselves where they fit, else those that help, gathered window by window.

    Args:
        room: Tokens that the lines may take in the answer's prompt.
    """
    per_byte = llm.traits.tokens_per_byte
    if sum(_cost(line, per_byte) for line in lines) <= room:
        return list(lines)
    system = load("relevant")
    kept: list[SpokenLine] = []
    for window in windows(lines, room_for(llm, system, question, ""), per_byte):
        messages = asked(system, question, window)
        data = llm.chat(messages, schema=_schema(len(window), only_lines=True), max_tokens=_LINES_TOKENS).data or {}
        kept += sorted(pointed_at(data, window, _RELEVANT), key=lambda line: line.start)
        if time_is_over(llm):
            break
    return windows(kept or lines, room, per_byte)[0]


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


def windows(lines: Sequence[SpokenLine], room: int, per_byte: float = MOST_TOKENS_PER_BYTE) -> list[list[SpokenLine]]:
    """Cuts a transcript into runs of lines of at most ``room`` tokens, each at least one line."""
    runs: list[list[SpokenLine]] = [[]]
    used = 0
    for line in lines:
        cost = _cost(line, per_byte)
        if runs[-1] and used + cost > room:
            runs.append([])
            used = 0
        runs[-1].append(line)
        used += cost
    return runs


def fenced(lines: Sequence[SpokenLine]) -> str:
    """Numbered lines with time and speaker; nothing in them can end the fence around them."""
    return "\n".join(
        f"{number} [{clock(line.start)}] {plain(line.speaker or 'unknown')}: {plain(line.text)}"
        for number, line in enumerate(lines, 1)
    )


def citation(line: SpokenLine, verified: bool) -> dict[str, Any]:
    return {
        "recording": line.recording,
        "start": line.start,
        "end": line.end,
        "quote": line.text,
        "verified": verified,
    }


def _schema(lines: int, *, only_lines: bool = False, summary: bool = False, sentences: int = 0) -> dict[str, Any]:
    """What the model may write. Evidence comes before an answer, and after a summary, which is of everything."""
    numbers = numbers_of(lines, _RELEVANT if only_lines else _CITED)
    text: dict[str, Any] = {"type": "string", "maxLength": 600}
    if summary and sentences:  # a small model counts better what it writes one by one
        text = {"type": "array", "items": {"type": "string", "maxLength": 240}, "minItems": 1, "maxItems": sentences}
    properties: dict[str, Any] = {"found": {"type": "boolean"}, "lines": numbers, "answer": text}
    if summary:
        properties = {"answer": text, "lines": numbers}
    if only_lines:
        properties = {"lines": numbers}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def numbers_of(lines: int, most: int) -> dict[str, Any]:
    """The schema of pointing at so many lines."""
    return {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": lines}, "maxItems": most}


def pointed_at(data: dict[str, Any], lines: Sequence[SpokenLine], most: int) -> list[SpokenLine]:
    """The lines that a model points at, each once."""
    numbers = [n for n in data.get("lines") or [] if isinstance(n, int) and 1 <= n <= len(lines)]
    return [lines[n - 1] for n in dict.fromkeys(numbers)][:most]


def room_for(llm: LLM, *texts: str) -> int:
    """Tokens that are left for a transcript beside what else stands in a prompt."""
    per_byte = llm.traits.tokens_per_byte
    taken = sum(estimate_tokens(text, per_byte) for text in texts) + 2 * _ANSWER_TOKENS + _MARGIN
    return max(256, llm.traits.context - taken)


def _cost(line: SpokenLine, per_byte: float) -> int:
    """Tokens of a line in a prompt: what is said, by whom, and its number and time, which are dear."""
    return estimate_tokens(f"{line.speaker or 'unknown'}: {line.text}", per_byte) + _NUMBER_AND_TIME


def plain(text: str) -> str:
    return " ".join(text.replace("<", "‹").replace(">", "›").split())
