"""JSON with the keys that an instruction names, filled from a transcript under a schema of just these keys."""

import json
import re
from collections.abc import Sequence
from typing import Any

from agent.answer import Found
from agent.numbered import an_object, asked, numbers_of, pointed_at, relevant, room_for
from agent.opening import opening
from agent.verify import SpokenLine
from engines.protocols import LLM

_TOKENS = 400
_CITED = 6
_MOST_KEYS = 12
_JSON = re.compile(r"\bjson\b", re.IGNORECASE)
_BRACES = re.compile(r"\{([^{}]{1,300})\}")
_NAMED = re.compile(
    r"\b(?:keys?|fields?|propert(?:y|ies)|attributes?|schlüsseln?|feldern?|champs|clés?|claves?|campos)\b[:\s]+(.+?)"
    r"(?:[.?!;](?:\s|$)|\n|$)",
    re.IGNORECASE,
)
_AFTER = re.compile(
    r"\bjson\b(?: (?:object|document|file))?(?:,? (?:with|mit|avec|con)|:)\s+(.+?)(?:[.?!;](?:\s|$)|\n|$)", re.I
)
_TRANSCRIPT = re.compile(r"\b(?:export\w*|transcript\w*|transcription|transkript\w*|subtitles)\b", re.IGNORECASE)
_BETWEEN = re.compile(r",|\s+(?:and|und|et|y|e|or)\s+|\s*&\s*")
_KEY = re.compile(r"[^\W\d][\w-]*(?: [\w-]+){0,2}")
_ARTICLE = re.compile(r"^(?:the|a|an|its|only|just|exactly|keys?|fields?)\s+", re.IGNORECASE)


def keys_in(instruction: str) -> list[str]:
    """The keys of the JSON object that is wanted, as they are written; none where none is."""
    if not _JSON.search(instruction):
        return []
    # "The transcript as JSON, with the speakers" is a file of a known form.
    for pattern in (_BRACES, _NAMED) if _TRANSCRIPT.search(instruction) else (_BRACES, _NAMED, _AFTER):
        listed = pattern.search(instruction)
        keys = _keys(listed[1]) if listed else []
        if keys:
            return keys[:_MOST_KEYS]
    return []


def extract(
    question: str,
    keys: Sequence[str],
    lines: Sequence[SpokenLine],
    facts: str,
    llm: LLM,
    rejected: str = "",
    complaints: Sequence[str] = (),
) -> Found:
    """Fills the keys from what is said; null where it is not.

    Args:
        question: The instruction.
        keys: Of the object.
        lines: The transcript.
        facts: What is known of the recording besides.
        llm: Any model.
        rejected: What the model wrote before, where that cannot be given,
        complaints: and why.
    """
    begin = opening("extract")
    shown = relevant(question, lines, llm, room_for(llm, begin, question, facts))
    messages = [*begin, *asked(question, shown, facts, rejected, complaints)]
    reply = llm.chat(messages, schema=_schema(keys, len(shown)), max_tokens=_TOKENS)
    data = reply.data or {}
    text = json.dumps({key: data.get(key) for key in keys}, ensure_ascii=False, indent=2)
    return Found(found=True, text=text, lines=pointed_at(data, shown, _CITED), raw=reply.text)


def is_object(text: str) -> bool:
    """Whether an answer is such an object: nothing may be written beside it."""
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _keys(listed: str) -> list[str]:
    found: list[str] = []
    for part in _BETWEEN.split(listed):
        key = _ARTICLE.sub("", part.partition(":")[0].strip().strip("\"'“”‘’`*")).strip()
        if not _KEY.fullmatch(key):
            return found
        if key not in found:
            found.append(key)
    return found


def _schema(keys: Sequence[str], lines: int) -> dict[str, Any]:
    properties = {"lines": numbers_of(lines, _CITED), **{key: _value(key) for key in keys}}
    return an_object(properties)


def _value(key: str) -> dict[str, Any]:
    """A list for a plural, else a text, a number, yes or no; null for what nobody says."""
    text = {"type": "string", "maxLength": 200}
    if re.search(r"(?:[^su]s|people|items)$", key, re.IGNORECASE):
        return {"type": "array", "items": text, "maxItems": 8}
    return {"anyOf": [text, {"type": "number"}, {"type": "boolean"}, {"type": "null"}]}
