"""Summaries: of everything that is said, in as many sentences as are wanted."""

from collections.abc import Sequence
from typing import Any

from agent.answer import NOT_THERE, Found, limits
from agent.drafting import Draft
from agent.numbered import ANSWER_TOKENS, an_object, asked, numbers_of, pointed_at, relevant, room_for
from agent.opening import opening
from agent.verify import SpokenLine, normalised
from agent.wording import sentences_of, sentences_wanted
from engines.protocols import LLM, OnText

_CITED = 4
_ECHO = 6
"""Words in a row that are also in the prompt."""


def summarize(
    request: str,
    lines: Sequence[SpokenLine],
    facts: str,
    llm: LLM,
    rejected: str = "",
    complaints: Sequence[str] = (),
    on_text: OnText = lambda piece: None,
) -> Found:
    """Says what people talk about; the parameters are those of ``agent.answer.answer``."""
    begin, sentences = opening("summary"), sentences_wanted(request)
    shown = relevant(request, lines, llm, room_for(llm, begin, request, facts))
    reply = llm.chat(
        [*begin, *asked(request, shown, facts, rejected, complaints)],
        schema=_schema(len(shown), sentences),
        max_tokens=ANSWER_TOKENS,
        on_text=Draft(on_text),
    )
    data = reply.data or {}
    written = data.get("answer", "")
    text = " ".join(" ".join(written if isinstance(written, list) else [str(written)]).split())
    said = [sentence for sentence in sentences_of(text) if not _echoes(sentence, begin[0].content)]
    text = "".join(said[: sentences or None]).strip()
    cited = pointed_at(data, shown, _CITED) if text else []
    return Found(bool(text), text or NOT_THERE, cited, raw=reply.text, warning=limits(lines, shown, llm))


def _echoes(sentence: str, prompt: str) -> bool:
    """Whether a sentence repeats what the model was told to do instead of doing it."""
    words = normalised(sentence).split()
    told = normalised(prompt)
    return any(" ".join(words[at : at + _ECHO]) in told for at in range(len(words) - _ECHO + 1))


def _schema(lines: int, sentences: int) -> dict[str, Any]:
    """What the model may write; a small one counts better what it writes one by one."""
    text: dict[str, Any] = {"type": "string", "maxLength": 600}
    if sentences:
        text = {"type": "array", "items": {"type": "string", "maxLength": 240}, "minItems": 1, "maxItems": sentences}
    return an_object({"answer": text, "lines": numbers_of(lines, _CITED)})
