"""`ask` with a JSON schema: what is said becomes JSON that obeys it, with the lines it was taken from."""

from collections.abc import Sequence
from typing import Any

from jsonschema import Draft202012Validator
from pydantic import BaseModel, Field

from agent.answer import citation
from agent.numbered import an_object, asked, numbers_of, pointed_at, relevant, room_for
from agent.opening import opening
from agent.run import Citation, llm_for
from agent.thinking import Thinking
from agent.verify import SpokenLine
from auricle.domain import Span
from auricle.errors import WorkError
from auricle.times import to_seconds
from engines.protocols import LLM
from tools.export.source import Source
from tools.export.text import lines_of, one_line
from tools.naming import only_of
from tools.ranges import span_of
from tools.reading import heard_transcript
from tools.toolbox import Toolbox
from tools.work import Work

TRIES = 2
_CITED = 6
_TOKENS = 800
_BRIEF_LINE = 2000
_VALUE = "value"
"""What a list is called in the object that a model writes."""


class Filled(BaseModel):
    """``data`` obeys the schema; ``citations`` are the lines that the model took it from."""

    data: Any
    citations: list[Citation] = Field(default_factory=list)
    model: str


def fill(
    instruction: str,
    schema: dict[str, Any],
    lines: Sequence[SpokenLine],
    toolbox: Toolbox,
    *,
    model: str | None,
    work: Work,
) -> Filled:
    """Answers an instruction with JSON.

    Args:
        lines: What there is to read: of a transcript, or earlier results as lines of their own.

    Raises:
        WorkError: The model did not come to anything that obeys the schema.
        ModelUnavailable: The LLM is not there.
    """
    llm = Thinking(llm_for(model, toolbox, work), toolbox.settings.thinking_seconds)
    if not lines:
        lines = [SpokenLine("", 0.0, 0.0, None, "(nothing was said)")]
    told = why = raw = ""
    for _ in range(TRIES):
        work.check_cancelled()
        data, cited, raw = _filled(f"{instruction} {told}".strip(), schema, lines, llm)
        wrong = next(iter(Draft202012Validator(schema).iter_errors(data)), None)
        if wrong is None:
            found = [Citation(**citation(line, verified=True)) for line in cited if line.recording]
            return Filled(data=data, citations=found, model=llm.name)
        why = one_line(wrong.message)[:200]
        told = f"(The last try was wrong: {why}.)"
    raise WorkError(
        f"{llm.name} found no answer that obeys the schema ({why}; it wrote {raw[:80]!r}): "
        "ask for less at once, or choose another --model."
    )


def _filled(
    instruction: str, schema: dict[str, Any], lines: Sequence[SpokenLine], llm: LLM
) -> tuple[Any, list[SpokenLine], str]:
    begin = opening("fill")
    shown = relevant(instruction, lines, llm, room_for(llm, begin, instruction, str(schema)))
    # Evidence first: a model that has pointed at lines writes down what they say.
    closed = _closed(schema)
    definitions = {key: closed.pop(key) for key in ("$defs", "definitions") if key in closed}
    wanted = an_object({"lines": numbers_of(len(shown), _CITED), _VALUE: closed}) | definitions
    reply = llm.chat([*begin, *asked(instruction, shown)], schema=wanted, max_tokens=_TOKENS)
    data = reply.data or {}
    return data.get(_VALUE), pointed_at(data, shown, _CITED), reply.text


def _closed(schema: Any) -> Any:
    """The same schema without room for what it does not name: a small model would fill that with anything."""
    if isinstance(schema, list):
        return [_closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {key: _closed(each) for key, each in schema.items()}
    if schema.get("type") == "object" and "properties" in schema:
        closed.setdefault("additionalProperties", False)
    return closed


def lines_about(toolbox: Toolbox, recording: str, about: dict[str, Any]) -> list[SpokenLine]:
    """The lines of a transcript that an ``about:`` means; all of them where it is empty.

    Raises:
        BadArgument: Nothing was transcribed yet, or the range is not allowed.
        NotFound: There is no such voice.
    """
    known = toolbox.library.recordings.get(recording)
    speakers = about.get("speakers")
    if isinstance(speakers, str):
        speakers = [speakers]
    transcript = only_of(heard_transcript(toolbox.library, known), speakers)
    span: Span = span_of(known, about.get("start"), about.get("end"))
    return [
        SpokenLine(
            known.id,
            to_seconds(line.start),
            to_seconds(line.end),
            transcript.display(line.speaker),
            one_line(line.text),
        )
        for line in lines_of(Source(title="", transcript=transcript, span=span))
    ]


def lines_from(found: Any) -> list[SpokenLine]:
    """Earlier results as lines to read."""
    things = found if isinstance(found, list | tuple) else [found]
    return [SpokenLine("", 0.0, 0.0, None, one_line(_told(thing))[:_BRIEF_LINE]) for thing in things]


def _told(thing: Any) -> str:
    if isinstance(thing, dict):
        return "; ".join(f"{key}: {_told(value)}" for key, value in thing.items() if value not in (None, "", []))
    if isinstance(thing, list | tuple):
        return ", ".join(map(_told, thing))
    return str(thing)
