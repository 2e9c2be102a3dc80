"""The Toolbox for an LLM: what a plan may hold and what a model may call, all generated from the one catalog."""

import json
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from langchain_core.tools import BaseTool, StructuredTool
from langgraph.prebuilt.tool_node import ToolInvocationError
from pydantic import BaseModel

from agent.clarifying import Clarifier
from auricle.errors import AuricleError, BadArgument, Cancelled
from tools.work import Work


class ToolLike(Protocol):
    """What of a ``tools.catalog.ToolSpec`` is used here."""

    @property
    def name(self) -> str: ...
    @property
    def summary(self) -> str: ...
    @property
    def description(self) -> str: ...
    @property
    def parameters(self) -> type[BaseModel]: ...
    @property
    def core(self) -> bool: ...
    @property
    def read_only(self) -> bool: ...


PLANNED: dict[str, tuple[str, ...]] = {
    "transcribe": ("start", "end", "language", "translate"),
    "diarize": (),
    "name_speakers": (),
    "search_transcript": ("words",),
    "slice_audio": ("start", "end", "format"),
    "export_transcript": ("format", "start", "end"),
}
"""The tools a small model plans with, and the parameters it fills; code fills the rest."""

NOT_FOR_AGENTS = frozenset({"remove_recording", "add_recording"})
"""Speech in a recording must not be able to delete; and a path is added by the person's command."""

PSEUDO = {
    "answer": ("question", "start", "end"),
    "talk_time": (),
    "reply": ("text",),
}
"""Steps that are no tools of their own: code and a second prompt carry them out."""

_TIME = {"type": "string", "pattern": "^[0-9]{1,5}(:[0-5][0-9]){0,2}$"}
_PSEUDO_TYPES: dict[str, dict[str, Any]] = {
    "question": {"type": "string", "maxLength": 160},
    "text": {"type": "string", "maxLength": 280},
    "start": _TIME,
    "end": _TIME,
}
MAX_STEPS = 6


def plan_schema(catalog: Sequence[ToolLike], recordings: Sequence[str] = ()) -> dict[str, Any]:
    """The JSON schema of a plan.

    Args:
        catalog: The tools; those in ``PLANNED`` become kinds of step.
        recordings: Names to choose from, where more than one recording is open.
    """
    by_name = {tool.name: tool for tool in catalog}
    choice = {"recording": {"enum": list(recordings)}} if len(recordings) > 1 else {}
    steps = []
    for name, wanted in PLANNED.items():
        if name in by_name:
            properties, required = _parameters(by_name[name], wanted)
            steps.append(_step(name, choice | properties, required))
    for name, wanted in PSEUDO.items():
        required = [key for key in wanted if key in {"question", "text"}]
        properties = {key: _PSEUDO_TYPES[key] for key in wanted}
        steps.append(_step(name, properties if name == "reply" else choice | properties, required))
    return {
        "type": "object",
        "properties": {
            "people": {"type": "array", "items": {"type": "string", "maxLength": 40}, "maxItems": 12},
            "speakers": {"type": "integer", "minimum": 0, "maximum": 99},
            "steps": {"type": "array", "items": {"anyOf": steps}, "minItems": 1, "maxItems": MAX_STEPS},
        },
        "required": ["people", "speakers", "steps"],
        "additionalProperties": False,
    }


def tool_lines(catalog: Sequence[ToolLike]) -> str:
    """One line for each tool a plan may hold: its name, what it does, its parameters."""
    by_name = {tool.name: tool for tool in catalog}
    lines = []
    for name, wanted in PLANNED.items():
        if name in by_name:
            properties, required = _parameters(by_name[name], wanted)
            told = ", ".join(_told(key, schema, key in required) for key, schema in properties.items())
            lines.append(f"- {name}: {by_name[name].summary}" + (f" {told}" if told else ""))
    return "\n".join(lines)


def openai_tools(catalog: Sequence[ToolLike]) -> list[dict[str, Any]]:
    """The core tools as function declarations, for a model that calls tools natively."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters.model_json_schema(),
            },
        }
        for tool in catalog
        if tool.core and tool.name not in NOT_FOR_AGENTS
    ]


class Steps:
    """Runs tools for the graph and keeps what was done.

    A repeated call is answered from its earlier result, as long as nothing was done in between that could change it.

    Args:
        toolbox: Its tools are called by name.
        work: Handed to them.
        on_step: Told name and arguments before each.
        catalog: Which of them only look: what they return stays true until another was called.
        own_words: The person's: files are written only where these say, or under new names.
        clarifier: Stands between the person and what a tool asks about voices.
    """

    def __init__(
        self,
        toolbox: object,
        work: Work,
        on_step: Callable[[str, dict[str, Any]], None] | None,
        catalog: Sequence[ToolLike],
        own_words: str = "",
        clarifier: Clarifier | None = None,
    ) -> None:
        self.done: list[dict[str, Any]] = []
        self._own_words = own_words
        self._clarifier = clarifier
        self._looking = {tool.name for tool in catalog if tool.read_only}
        self._toolbox = toolbox
        self._work = work
        self._on_step = on_step
        self._earlier: dict[str, dict[str, Any]] = {}

    def run(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        """Calls one tool; its result as plain data.

        Raises:
            AuricleError: As the tool does.
        """
        self._work.check_cancelled()
        given = {key: value for key, value in arguments.items() if value is not None}
        # What is said in a recording must not decide which file is written over.
        if "path" in given and str(given["path"]) not in self._own_words:
            del given["path"]
        call = json.dumps([name, given], sort_keys=True, default=str)
        if call not in self._earlier:
            if self._on_step is not None:
                self._on_step(name, given)
            began = time.monotonic()
            try:
                result: BaseModel = getattr(self._toolbox, name)(**given, work=self._work_for(name, given))
            finally:
                seconds = round(time.monotonic() - began, 2)
                self.done.append({"tool": name, "arguments": given, "seconds": seconds})
            if name not in self._looking:
                self._earlier.clear()
            self._earlier[call] = result.model_dump(mode="json")
        return self._earlier[call]

    def _work_for(self, name: str, given: Mapping[str, Any]) -> Work:
        if name != "name_speakers" or self._clarifier is None:
            return self._work
        return self._clarifier.voices(str(given["recording"]), self._work)


def langchain_tools(catalog: Sequence[ToolLike], steps: Steps) -> list[BaseTool]:
    """The tools as LangChain's: the content is compact JSON for a model, the artifact plain data for code."""
    return [_langchain_tool(tool, steps) for tool in catalog if tool.name not in NOT_FOR_AGENTS]


def _langchain_tool(tool: ToolLike, steps: Steps) -> BaseTool:
    defaults = {name: field.default for name, field in tool.parameters.model_fields.items() if not field.is_required()}

    def call(**arguments: Any) -> tuple[str, dict[str, Any]]:
        # What was left out is left out of the record, too.
        given = {name: value for name, value in arguments.items() if name not in defaults or value != defaults[name]}
        result = steps.run(tool.name, given)
        return render(result), result

    return StructuredTool.from_function(
        func=call,
        name=tool.name,
        description=tool.description,
        args_schema=tool.parameters,
        response_format="content_and_artifact",
    )


def told(error: AuricleError | ToolInvocationError) -> str:
    """An error as the content of a tool message, for a model to act on and for code to raise again."""
    if isinstance(error, Cancelled):
        raise error
    if isinstance(error, ToolInvocationError):
        error = BadArgument(f"The arguments are not allowed: {error.source.errors()[0]['msg']}. See the tool's schema.")
    return json.dumps(error.as_dict(), ensure_ascii=False)


def render(result: dict[str, Any]) -> str:
    """A result as compact JSON, marked as data: what people say in a recording is never an instruction."""
    text = json.dumps(result, ensure_ascii=False, separators=(",", ":")).replace("</data>", "<\\/data>")
    return f"<data>{text}</data>"


def _parameters(tool: ToolLike, wanted: Sequence[str]) -> tuple[dict[str, Any], list[str]]:
    schema = tool.parameters.model_json_schema()
    definitions = schema.get("$defs", {})
    properties = {
        name: _simple(schema["properties"][name], definitions) for name in wanted if name in schema["properties"]
    }
    return properties, [name for name in schema.get("required", []) if name in properties]


def _simple(schema: dict[str, Any], definitions: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema with one way to write it: no null (it can be left out), a time as it was said."""
    if "$ref" in schema:
        return _simple(definitions[schema["$ref"].rsplit("/", 1)[-1]], definitions)
    options = [option for option in schema.get("anyOf", [schema]) if option.get("type") != "null"]
    if {"string", "number"} <= {option.get("type") for option in options}:
        return _TIME
    first = options[0]
    if "$ref" in first:
        return _simple(first, definitions)
    return {key: first[key] for key in ("type", "enum", "const", "minimum", "maximum", "pattern") if key in first}


def _told(name: str, schema: dict[str, Any], required: bool) -> str:
    told = f"{name} ({'|'.join(schema['enum'])})" if "enum" in schema else name
    return told if required else f"[{told}]"


def _step(name: str, properties: dict[str, Any], required: Sequence[str]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {"tool": {"const": name}, **properties},
        "required": ["tool", *required],
        "additionalProperties": False,
    }
