"""The last answer in other words: shorter, as a list, in another language. Nothing is listened to or read again."""

from typing import Any

from agent.drafting import ANEW, Draft
from agent.grounding import plain
from agent.planned import RETRIES, UNVERIFIED
from agent.referring import asks_to_shorten
from agent.run import Answer
from agent.verify import SpokenLine, complaints
from agent.wording import sentences_of, sentences_wanted
from engines.protocols import LLM, Message, OnText
from prompts import load

_TOKENS = 300
_SHOWN = 4000
"""Characters of the answer that is said again."""

_SHORTER = 0.8
"""Of the length before: more is not shorter."""


_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"answer": {"type": "string", "maxLength": 1200}},
    "required": ["answer"],
    "additionalProperties": False,
}


def reword(question: str, before: Answer, wanted: str, llm: LLM, on_text: OnText = lambda piece: None) -> str:
    """Says an answer again as it is wanted. It is checked against the answer, since nothing may be added.

    Args:
        question: What was answered.
        before: The answer.
        wanted: How the person wants it.
        llm: Any model.
        on_text: Told the words as they are written.
    """
    shown = plain(before.answer.replace(UNVERIFIED, ""))[:_SHOWN]
    messages = [
        Message("system", load("reword")),
        Message("user", load("reword_ask", question=plain(question), answer=shown, wanted=plain(wanted))),
    ]
    lines = [SpokenLine(one.recording, one.start, one.end, None, one.quote) for one in before.citations]
    lines.append(SpokenLine("", 0.0, 0.0, None, before.answer))
    said = f"{question} {wanted} {before.answer}"
    text = ""
    for attempt in range(1 + RETRIES):
        reply = llm.chat(messages, schema=_SCHEMA, max_tokens=_TOKENS, on_text=Draft(on_text))
        text = str((reply.data or {}).get("answer", "")).strip()
        wrong = complaints(text, lines, [], [], said) if text else ["It is empty."]
        long = _too_long(text, shown, wanted)
        if not wrong and (not long or attempt == RETRIES):  # a short answer may be as short as it gets
            text = "".join(sentences_of(text)[: sentences_wanted(wanted) or None]).strip()
            return f"{text} {UNVERIFIED}" if UNVERIFIED in before.answer else text
        on_text(ANEW)
        messages += [
            Message("assistant", reply.text),
            Message("user", load("answer_again", complaints=" ".join([*wrong, *long]))),
        ]
    return f"{text or before.answer} {UNVERIFIED}"


def _too_long(text: str, before: str, wanted: str) -> list[str]:
    most = sentences_wanted(wanted)
    if most and len(sentences_of(text)) > most:
        many = "1 sentence" if most == 1 else f"{most} sentences"
        return [f"It has more than {many}: say only what matters most."]
    if asks_to_shorten(wanted) and len(text) > _SHORTER * len(before):
        return ["It is not much shorter: say only what matters most."]
    return []
