"""Checks a script: every mistake becomes a message that names its line, before anything runs."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, SchemaError
from pydantic import ValidationError
from ruamel.yaml.comments import CommentedMap, CommentedSeq

from agent.script import ASK, Script, Step
from agent.script_terms import is_template, names_in, names_in_term
from auricle.errors import AuricleError, BadArgument
from auricle.times import parse_time
from tools.catalog import catalog
from tools.hearing import speaker_count
from tools.languages import language_code
from tools.spec import ToolSpec

SHORT_NAMES = {"search": "search_transcript", "slice": "slice_audio", "export": "export_transcript"}
"""What the command line calls a tool, where that is shorter."""

KEYS = ("as", "when", "for", "schema", "about")
"""What may stand beside a step's tool."""

KNOWN = frozenset({"recording", "speakers", "segments"})
"""What the steps of a recording can use by name from the beginning."""

KNOWN_TOGETHER = frozenset({"recordings"})

_ABOUT = ("start", "end", "speakers")
_NAME = re.compile(r"[^\W\d]\w*")
_LOOP = re.compile(r"\s*([^\W\d]\w*)\s+in\s+(\S.*?)\s*", re.DOTALL)


def mistake(path: Path, line: int, message: str) -> BadArgument:
    """``line`` counts from 0, as YAML's marks do."""
    return BadArgument(f"{path.name}:{line + 1}: {message}")


class Reader:
    """Turns YAML into steps."""

    def __init__(self, path: Path, values: Mapping[str, str]) -> None:
        self._path, self._given = path, values
        self._tools = {spec.name: spec for spec in catalog() if _takes_a_recording(spec) and not spec.destructive}

    def script(self, data: Any) -> Script:
        """Raises BadArgument where something is wrong."""
        if not isinstance(data, CommentedMap) or "steps" not in data:
            raise mistake(self._path, 0, "a script has `steps:`, and a `name:` if you like.")
        for key in data:
            if key not in ("name", "values", "steps", "together"):
                raise self._at(data, key, f"'{key}' is unknown: a script has name, values, steps and together.")
        name = data.get("name", self._path.stem)
        if not isinstance(name, str):
            raise self._at(data, "name", "the name must be text.")
        values = self._values(data)
        steps = self._steps(data, "steps", KNOWN | set(values))
        together = self._steps(data, "together", KNOWN_TOGETHER | set(values)) if "together" in data else ()
        return Script(name=name, file=str(self._path), steps=steps, together=together, values=values)

    def _values(self, data: CommentedMap) -> dict[str, Any]:
        own = data.get("values") or CommentedMap()
        if not isinstance(own, CommentedMap):
            raise self._at(data, "values", "values have names, as in `values: {word: refund}`.")
        for name in own:
            if not isinstance(name, str) or not _NAME.fullmatch(name) or name in KNOWN | KNOWN_TOGETHER:
                raise self._at(own, name, f"'{name}' cannot be a value's name: use letters, digits and underscores.")
        unknown = sorted(set(self._given) - set(own))
        if unknown:
            there = ", ".join(own) or "none"
            raise BadArgument(f"{self._path.name} has no value '{unknown[0]}': there is {there}.")
        return {**_plain(own), **self._given}

    def _steps(self, data: CommentedMap, key: str, known: frozenset[str]) -> tuple[Step, ...]:
        steps = data[key]
        if not isinstance(steps, CommentedSeq) or not steps:
            raise self._at(data, key, f"{key} must be a list with at least one step.")
        names = set(known)
        checked: list[Step] = []
        for place, step in enumerate(steps):
            found = self._step(step, steps.lc.item(place)[0], names, together=key == "together")
            if found.keep_as:
                if found.keep_as in names:
                    taken = "an earlier step" if found.keep_as not in known else "what every script knows"
                    raise mistake(self._path, found.line - 1, f"'as: {found.keep_as}' is taken by {taken}.")
                names.add(found.keep_as)
            checked.append(found)
        return tuple(checked)

    def _step(self, step: Any, line: int, names: set[str], *, together: bool) -> Step:
        if isinstance(step, str):
            step = CommentedMap({step: None})
            step.lc.line, step.lc.col = line, 0
        if not isinstance(step, CommentedMap):
            raise mistake(self._path, line, "a step is one tool with its arguments, as in `- diarize: {speakers: 2}`.")
        verbs = [key for key in step if key not in KEYS]
        if len(verbs) != 1:
            raise mistake(self._path, line, f"a step is one tool, and here are {len(verbs)}: begin each with a dash.")
        verb, keep_as = verbs[0], step.get("as", "")
        if "as" in step and not (isinstance(keep_as, str) and _NAME.fullmatch(keep_as.strip())):
            raise self._at(step, "as", "what follows `as:` must be a name of letters, digits and underscores.")
        item, items = self._loop(step, names)
        known = names | ({item} if item else set())
        when = self._term(step, "when", known)
        tool = ASK if verb == ASK else SHORT_NAMES.get(verb, verb)
        if tool != ASK and tool not in self._tools:
            raise self._at(step, verb, f"the step '{verb}' is unknown: there is {', '.join(self._verbs())}.")
        if tool != ASK and together and item != "recording":
            raise self._at(step, verb, f"{verb} is about one recording: add `for: recording in recordings`.")
        arguments = self._instruction(step) if tool == ASK else self._arguments(self._tools[tool], step, verb)
        schema, about = self._answer(step, tool, together=together)
        self._only(known, step, verb, arguments)
        self._only(known, step, "about", about)
        return Step(
            verb=verb,
            tool=tool,
            arguments=arguments,
            keep_as=keep_as.strip(),
            line=line + 1,
            when=when,
            item=item,
            items=items,
            schema=schema,
            about=about,
        )

    def _loop(self, step: CommentedMap, names: set[str]) -> tuple[str, str]:
        if "for" not in step:
            return "", ""
        loop = _LOOP.fullmatch(step["for"]) if isinstance(step["for"], str) else None
        if loop is None:
            raise self._at(step, "for", "`for:` names each of a list, as in `for: speaker in speakers`.")
        self._check_names(names, step, "for", lambda: names_in_term(loop[2]))
        if loop[1] in names and loop[1] != "recording":
            raise self._at(step, "for", f"'{loop[1]}' is something else already: call each by another name.")
        return loop[1], loop[2]

    def _term(self, step: CommentedMap, key: str, names: set[str]) -> str:
        if key not in step:
            return ""
        term = step[key]
        if isinstance(term, bool | int | float):
            term = str(term)
        if not isinstance(term, str) or not term.strip():
            raise self._at(step, key, f"`{key}:` is followed by an expression, as in `{key}: speakers | length > 1`.")
        self._check_names(names, step, key, lambda: names_in_term(term))
        return str(term)

    def _only(self, known: set[str], step: CommentedMap, key: str, value: Any) -> None:
        self._check_names(known, step, key, lambda: names_in(value))

    def _check_names(self, known: set[str], step: CommentedMap, key: str, find: Any) -> None:
        try:
            unknown = sorted(find() - known)
        except BadArgument as error:
            raise self._at(step, key, error.message) from None
        if unknown:
            raise self._at(step, key, f"'{unknown[0]}' is nothing yet: there is {', '.join(sorted(known))}.")

    def _instruction(self, step: CommentedMap) -> dict[str, Any]:
        instruction = step[ASK]
        if not isinstance(instruction, str) or not instruction.strip():
            raise self._at(step, ASK, 'ask needs an instruction, as in `- ask: "What was decided?"`.')
        return {"instruction": str(instruction)}

    def _answer(
        self, step: CommentedMap, tool: str, *, together: bool
    ) -> tuple[dict[str, Any] | None, dict[str, Any] | str]:
        for key in ("schema", "about"):
            if key in step and tool != ASK:
                raise self._at(step, key, f"`{key}:` stands beside ask, not beside {tool}.")
        schema = _plain(step.get("schema"))
        if "schema" in step:
            try:
                Draft202012Validator.check_schema(schema)
            except SchemaError as error:
                raise self._at(step, "schema", f"this is no JSON schema: {error.message}.") from None
            if not isinstance(schema, dict) or schema.get("type") not in ("object", "array"):
                raise self._at(step, "schema", "the schema's `type:` must be object or array.")
        about = _plain(step.get("about", {}))
        if "about" in step and schema is None:
            raise self._at(step, "about", "`about:` needs a `schema:`; without one, say it in the instruction.")
        if isinstance(about, dict) and (unknown := [key for key in about if key not in _ABOUT]):
            raise self._at(step, "about", f"'{unknown[0]}' is unknown: `about:` has {', '.join(_ABOUT)}.")
        if not isinstance(about, dict) and not is_template(about):
            raise self._at(step, "about", "`about:` is a range (start, end, speakers) or a `{{ … }}` to read instead.")
        if together and schema is not None and not isinstance(about, str):
            raise self._at(step, ASK, "with a schema, say what to read: `about:` and a `{{ … }}` of results.")
        return schema, about

    def _arguments(self, spec: ToolSpec, step: CommentedMap, verb: str) -> dict[str, Any]:
        given = step[verb] if step[verb] is not None else CommentedMap()
        if not isinstance(given, CommentedMap):
            raise self._at(step, verb, f"{verb} takes arguments by name, as in `{verb}: {{{_example(spec)}}}`.")
        allowed = [name for name in spec.parameters.model_fields if name != "recording"]
        for name in given:
            if name not in allowed:
                raise self._at(
                    given, name, f"{verb} has no argument '{name}': there is {', '.join(allowed) or 'none'}."
                )
        try:
            return checked(spec, _plain(given))
        except ValidationError as error:
            errors = error.errors(include_url=False)
            first = next(one for one in errors if not is_template(given.get(_first(one["loc"]))))
            name = next((str(part) for part in first["loc"]), "")
            at = (given, name) if name in given else (step, verb)
            raise self._at(*at, f"{verb}: '{name}' is not allowed: {first['msg']}.") from None
        except AuricleError as error:
            raise self._at(step, verb, error.message) from None

    def _verbs(self) -> list[str]:
        long_names = {long: short for short, long in SHORT_NAMES.items()}
        return [ASK, *(long_names.get(name, name) for name in self._tools)]

    def _at(self, mapping: CommentedMap, key: Any, message: str) -> BadArgument:
        where = mapping.lc.data.get(key) if mapping.lc.data else None
        return mistake(self._path, where[0] if where else mapping.lc.line, message)


def checked(spec: ToolSpec, given: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments as a tool takes them; those with templates as they are, to be checked once they are filled.

    Raises:
        ValidationError: A type is wrong, or a needed argument is missing.
        BadArgument: A value is not allowed.
    """
    open_ = {name for name, value in given.items() if is_template(value)}
    known = {name: value for name, value in given.items() if name not in open_}
    try:
        model = spec.parameters.model_validate({"recording": "r_0000000000", **known})
        values = {name: getattr(model, name) for name in known}
    except ValidationError as error:
        if not open_ or any(_first(one["loc"]) not in open_ for one in error.errors()):
            raise
        values = known
    _check_values(values)
    return {name: given[name] if name in open_ else values[name] for name in given}


def spec_of(tool: str) -> ToolSpec:
    return next(spec for spec in catalog() if spec.name == tool)


def _first(loc: Iterable[int | str]) -> str:
    return next((str(part) for part in loc), "")


def _check_values(arguments: Mapping[str, Any]) -> None:
    """What a type does not say, as far as it can be known without a recording."""
    start, end = arguments.get("start"), arguments.get("end")
    if end is not None and parse_time(end) <= parse_time(start or 0):
        raise BadArgument(f"end {end} is not after start {start or 0}.")
    if start is not None:
        parse_time(start)
    language_code(arguments.get("language"))
    if not isinstance(arguments.get("speakers"), list):  # where it is a list, it says whose words are meant
        speaker_count(*(arguments.get(name) for name in ("speakers", "min_speakers", "max_speakers")))


def _plain(value: Any) -> Any:
    """YAML's own containers and strings as Python's."""
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, str):
        return str(value)
    return value


def _example(spec: ToolSpec) -> str:
    return next((f"{name}: …" for name in spec.parameters.model_fields if name != "recording"), "")


def _takes_a_recording(spec: ToolSpec) -> bool:
    return "recording" in spec.parameters.model_fields
