"""A transcript before a model: numbered lines, as many as fit, and those that it points at."""

from collections.abc import Sequence
from typing import Any

from agent.grounding import plain
from agent.opening import opening
from agent.thinking import time_is_over
from agent.verify import SpokenLine
from auricle.times import clock
from engines.chat_format import MOST_TOKENS_PER_BYTE, estimate_tokens
from engines.protocols import LLM, Message
from prompts import load

ANSWER_TOKENS = 240
_LINES_TOKENS = 80
_RELEVANT = 8
_NUMBER_AND_TIME = 10
_MARGIN = 200
"""Tokens left free beside what is counted."""


def asked(
    question: str,
    lines: Sequence[SpokenLine],
    facts: str = "",
    rejected: str = "",
    complaints: Sequence[str] = (),
) -> list[Message]:
    """What a model is asked over numbered lines after its opening, once more where what it wrote cannot be given."""
    ask = load("answer_ask", facts=facts, transcript=fenced(lines), question=" ".join(question.split())).strip()
    messages = [Message("user", ask)]
    if complaints:
        messages += [
            Message("assistant", rejected),
            Message("user", load("answer_again", complaints=" ".join(complaints))),
        ]
    return messages


def relevant(question: str, lines: Sequence[SpokenLine], llm: LLM, room: int) -> list[SpokenLine]:
    """The lines themselves where they fit, else those that help, gathered window by window.

    Args:
        room: Tokens that the lines may take in the answer's prompt.
    """
    per_byte = llm.traits.tokens_per_byte
    if sum(_cost(line, per_byte) for line in lines) <= room:
        return list(lines)
    begin = opening("relevant")
    kept: list[SpokenLine] = []
    for window in windows(lines, room_for(llm, begin, question), per_byte):
        messages = [*begin, *asked(question, window)]
        data = llm.chat(messages, schema=_pointing(len(window)), max_tokens=_LINES_TOKENS).data or {}
        kept += sorted(pointed_at(data, window, _RELEVANT), key=lambda line: line.start)
        if time_is_over(llm):
            break
    return windows(kept or lines, room, per_byte)[0]


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


def numbers_of(lines: int, most: int) -> dict[str, Any]:
    """The schema of pointing at so many lines."""
    return {"type": "array", "items": {"type": "integer", "minimum": 1, "maximum": lines}, "maxItems": most}


def pointed_at(data: dict[str, Any], lines: Sequence[SpokenLine], most: int) -> list[SpokenLine]:
    """The lines that a model points at, each once."""
    numbers = [n for n in data.get("lines") or [] if isinstance(n, int) and 1 <= n <= len(lines)]
    return [lines[n - 1] for n in dict.fromkeys(numbers)][:most]


def room_for(llm: LLM, begin: Sequence[Message], *texts: str) -> int:
    """Tokens that are left for a transcript beside what else stands in a prompt."""
    per_byte = llm.traits.tokens_per_byte
    said = (*(message.content for message in begin), *texts)
    taken = sum(estimate_tokens(text, per_byte) for text in said) + 2 * ANSWER_TOKENS + _MARGIN
    return max(256, llm.traits.context - taken)


def _cost(line: SpokenLine, per_byte: float) -> int:
    """Tokens of a line in a prompt: what is said, by whom, and its number and time, which are dear."""
    return estimate_tokens(f"{line.speaker or 'unknown'}: {line.text}", per_byte) + _NUMBER_AND_TIME


def an_object(properties: dict[str, Any]) -> dict[str, Any]:
    """The schema of an object that has all of these and nothing else."""
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _pointing(lines: int) -> dict[str, Any]:
    return an_object({"lines": numbers_of(lines, _RELEVANT)})
