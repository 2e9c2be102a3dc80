"""Which way a question is answered: by keys, by notes, or in a sentence; and whether it can be at all."""

import json
from collections.abc import Sequence
from dataclasses import replace

from agent.answer import NOT_THERE, Found, answer
from agent.extracting import extract, keys_in
from agent.notes import asks_for_minutes, notes_in, take_notes
from agent.premises import absent_names, namesakes
from agent.summarizing import summarize
from agent.verify import SpokenLine
from agent.wording import asks_to_summarize
from engines.protocols import LLM, OnText

_SUMMARIZE = "Summarize the meeting in three sentences."


def respond(
    question: str,
    lines: Sequence[SpokenLine],
    facts: str,
    llm: LLM,
    rejected: str = "",
    complaints: Sequence[str] = (),
    on_text: OnText = lambda piece: None,
) -> Found:
    """Answers a question from what is said; the parameters are those of ``agent.answer.answer``."""
    if not lines:
        return Found(found=False, text=NOT_THERE)
    keys = keys_in(question)
    if keys:
        return extract(question, keys, lines, facts, llm, rejected, complaints)
    kinds = notes_in(question)
    if kinds:
        notes = take_notes(lines, kinds)
        if asks_for_minutes(question):
            return _with_summary(notes, summarize(_SUMMARIZE, lines, facts, llm))
        if notes.found:
            return notes
    if asks_to_summarize(question):
        return summarize(question, lines, facts, llm, rejected, complaints, on_text)
    absent = absent_names(question, lines, facts)
    if absent:
        nobody = " and ".join(absent)
        return Found(found=False, text=f"{NOT_THERE} Nobody says anything of {nobody}, or is called so.")
    several = namesakes(question, lines)
    if several:
        return _for_each(question, several, lines, facts, llm)
    return answer(question, lines, facts, llm, rejected, complaints, on_text)


def is_of_each(question: str) -> bool:
    """Whether of several recordings each has an answer of its own, as each call has its summary."""
    return asks_to_summarize(question) or bool(notes_in(question) or keys_in(question))


def respond_each(question: str, parts: dict[str, Sequence[SpokenLine]], facts: str, llm: LLM) -> Found:
    """Answers of each of several recordings by itself.

    Args:
        question: In a person's words.
        parts: What is said in each, by its name.
        facts: What is known of them besides.
        llm: Any model.
    """
    found = {name: respond(question, lines, facts, llm) for name, lines in parts.items()}
    text = "\n\n".join(f"{name}: {part.text}" for name, part in found.items())
    if keys_in(question):
        text = json.dumps({name: json.loads(part.text) for name, part in found.items()}, ensure_ascii=False, indent=2)
    return Found(
        found=any(part.found for part in found.values()),
        text=text,
        lines=[line for part in found.values() for line in part.lines],
        warning=next((part.warning for part in found.values() if part.warning), ""),
    )


def _with_summary(notes: Found, summary: Found) -> Found:
    text = "\n\n".join(filter(None, [summary.text, notes.text]))
    return replace(notes, found=True, text=text, lines=[*notes.lines, *summary.lines], warning=summary.warning)


def _for_each(question: str, several: dict[str, list[str]], lines: Sequence[SpokenLine], facts: str, llm: LLM) -> Found:
    """Where a name is several people's, an answer for each of them."""
    name, people = next(iter(several.items()))
    told = [f"{len(people)} people are called {name}: {' and '.join(people)}."]
    cited: list[SpokenLine] = []
    for person in people:
        found = answer(question.replace(name, person), lines, facts, llm)
        told.append(f"{person}: {found.text}")
        cited += found.lines
    return Found(found=True, text="\n".join(told), lines=list(dict.fromkeys(cited)))
