"""Whether an answer has ground to stand on: lines that tell what is asked, and words that tell more than was asked.

A small model that is asked for an answer gives one, true or not. Whether lines tell it, it knows much better.
"""

import re
from collections.abc import Sequence

from agent.opening import opening
from agent.verify import SpokenLine
from agent.wording import stems
from engines.protocols import LLM, Message
from prompts import load

_TOKENS = 4
_NO = re.compile(r"\W*no\b", re.IGNORECASE)
_ASKS_FOR_MORE = re.compile(r"\b(?:what|who|whom|whose|when|where|why|which|how)\b", re.IGNORECASE)
_SMALL = stems("and for that this they them their there here with about from its her his into")
_TELLING = re.compile(r"\d|[^\W\d_]{3,}")


def tells(question: str, lines: Sequence[SpokenLine], facts: str, llm: LLM) -> bool:
    """Whether lines tell what is asked, as a model judges; what it does not deny it is asked to answer.

    Args:
        question: In a person's words.
        lines: A transcript, or a part of it.
        facts: What is known of the recording besides.
        llm: Any model.
    """
    said = "\n".join(f"{plain(line.speaker or 'unknown')}: {plain(line.text)}" for line in lines)
    ask = load("told_ask", facts=facts, lines=said, question=" ".join(question.split())).strip()
    reply = llm.chat([*opening("told"), Message("user", ask)], max_tokens=_TOKENS)
    return not _NO.match(reply.text)


def only_repeats(question: str, text: str) -> bool:
    """Whether an answer to "what …?" has no word that is not in the question."""
    if not _ASKS_FOR_MORE.search(question):
        return False
    added = set(_TELLING.findall(text.lower()))
    return bool(added) and not (stems(" ".join(added)) - stems(question) - _SMALL) and not re.search(r"\d", text)


def plain(text: str) -> str:
    """What is said, on one line, without what could end the fence around it."""
    return " ".join(text.replace("<", "‹").replace(">", "›").split())
