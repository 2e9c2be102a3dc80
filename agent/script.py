"""Scripts: steps in YAML, checked as a whole before the first of them runs.

    name: minutes
    steps:
      - transcribe: {}
      - diarize: {max_speakers: 6}
      - ask: "What was decided, by whom?"
        as: decisions
      - export: {format: md}

A step is a tool of the Toolbox (or a command's short name for one) with its arguments, or ``ask``. ``as`` keeps what it
returns under a name. The recording is put in by whoever runs the script.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from auricle.errors import AuricleError, BadArgument, NotFound
from auricle.times import parse_time
from tools.catalog import catalog
from tools.hearing import speaker_count
from tools.languages import language_code
from tools.spec import ToolSpec

SHORT_NAMES = {"search": "search_transcript", "slice": "slice_audio", "export": "export_transcript"}
"""What the command line calls a tool, where that is shorter."""

ASK = "ask"

LONGEST = 1_000_000
"""Bytes of a script: more is something else."""


@dataclass(frozen=True)
class Step:
    """One checked step.

    Attributes:
        verb: As it is written in the script.
        tool: The Toolbox's name for it, or ``ask``.
        arguments: As the tool takes them, without the recording; for ``ask`` the instruction.
        keep_as: The name its result is kept under; empty for none.
        line: Where it stands, from 1.
    """

    verb: str
    tool: str
    arguments: dict[str, Any]
    keep_as: str
    line: int


@dataclass(frozen=True)
class Script:
    """A script in which no mistake was found."""

    name: str
    file: str
    steps: tuple[Step, ...]

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(step.tool for step in self.steps)


def load(path: Path) -> Script:
    """Reads a script and checks all of it.

    Raises:
        NotFound: There is no such file.
        BadArgument: It is not a script; the message names the file and the line.
    """
    if not path.is_file():
        raise NotFound(f"There is no script {path}: give a YAML file of steps (examples/minutes.yaml is one).")
    if path.stat().st_size > LONGEST:
        raise BadArgument(f"{path} is too long for a script: give a YAML file of steps.")
    try:
        data = YAML(typ="rt").load(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError:
        raise BadArgument(f"{path} is not text: give a YAML file of steps.") from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _mistake(path, mark.line if mark else 0, f"not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        raise _mistake(path, 0, f"not YAML: {error}") from None
    return _Reader(path).script(data)


def _mistake(path: Path, line: int, message: str) -> BadArgument:
    """``line`` counts from 0, as YAML's marks do."""
    return BadArgument(f"{path.name}:{line + 1}: {message}")


class _Reader:
    """Turns YAML into steps, and every mistake into a message that names its line."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._tools = {spec.name: spec for spec in catalog() if _takes_a_recording(spec) and not spec.destructive}

    def script(self, data: Any) -> Script:
        if not isinstance(data, CommentedMap) or "steps" not in data:
            raise _mistake(self._path, 0, "a script has `steps:`, and a `name:` if you like.")
        for key in data:
            if key not in ("name", "steps"):
                raise self._at(data, key, f"'{key}' is unknown: a script has name and steps.")
        name, steps = data.get("name", self._path.stem), data["steps"]
        if not isinstance(name, str):
            raise self._at(data, "name", "the name must be text.")
        if not isinstance(steps, CommentedSeq) or not steps:
            raise self._at(data, "steps", "steps must be a list with at least one step.")
        checked = [self._step(step, steps.lc.item(place)[0]) for place, step in enumerate(steps)]
        kept = [step for step in checked if step.keep_as]
        for place, step in enumerate(kept):
            if step.keep_as in {earlier.keep_as for earlier in kept[:place]}:
                raise _mistake(self._path, step.line - 1, f"'as: {step.keep_as}' is taken by an earlier step.")
        return Script(name=name, file=str(self._path), steps=tuple(checked))

    def _step(self, step: Any, line: int) -> Step:
        if isinstance(step, str):
            step = CommentedMap({step: None})
            step.lc.line, step.lc.col = line, 0
        if not isinstance(step, CommentedMap):
            raise _mistake(self._path, line, "a step is one tool with its arguments, as in `- diarize: {speakers: 2}`.")
        verbs = [key for key in step if key != "as"]
        if len(verbs) != 1:
            raise _mistake(self._path, line, f"a step is one tool, and here are {len(verbs)}: begin each with a dash.")
        verb, keep_as = verbs[0], step.get("as", "")
        if not isinstance(keep_as, str) or ("as" in step and not keep_as.strip()):
            raise self._at(step, "as", "what follows `as:` must be a name.")
        if verb == ASK:
            tool, arguments = ASK, self._instruction(step)
        else:
            tool = SHORT_NAMES.get(verb, verb)
            if tool not in self._tools:
                raise self._at(step, verb, f"the step '{verb}' is unknown: there is {', '.join(self._verbs())}.")
            arguments = self._arguments(self._tools[tool], step, verb)
        return Step(verb=verb, tool=tool, arguments=arguments, keep_as=keep_as.strip(), line=line + 1)

    def _instruction(self, step: CommentedMap) -> dict[str, Any]:
        instruction = step[ASK]
        if not isinstance(instruction, str) or not instruction.strip():
            raise self._at(step, ASK, 'ask needs an instruction, as in `- ask: "What was decided?"`.')
        return {"instruction": str(instruction)}

    def _arguments(self, spec: ToolSpec, step: CommentedMap, verb: str) -> dict[str, Any]:
        given = step[verb] if step[verb] is not None else CommentedMap()
        if not isinstance(given, CommentedMap):
            raise self._at(step, verb, f"{verb} takes arguments by name, as in `{verb}: {{{self._example(spec)}}}`.")
        allowed = [name for name in spec.parameters.model_fields if name != "recording"]
        for name in given:
            if name not in allowed:
                raise self._at(
                    given, name, f"{verb} has no argument '{name}': there is {', '.join(allowed) or 'none'}."
                )
        try:
            checked = spec.parameters.model_validate({"recording": "r_0000000000", **given})
            _check_values(checked.model_dump())
        except ValidationError as error:
            first = error.errors(include_url=False)[0]
            name = next((str(part) for part in first["loc"]), "")
            at = (given, name) if name in given else (step, verb)
            raise self._at(*at, f"{verb}: '{name}' is not allowed: {first['msg']}.") from None
        except AuricleError as error:
            raise self._at(step, verb, error.message) from None
        return {name: getattr(checked, name) for name in given}

    def _example(self, spec: ToolSpec) -> str:
        return next((f"{name}: …" for name in spec.parameters.model_fields if name != "recording"), "")

    def _verbs(self) -> list[str]:
        long_names = {long: short for short, long in SHORT_NAMES.items()}
        return [ASK, *(long_names.get(name, name) for name in self._tools)]

    def _at(self, mapping: CommentedMap, key: Any, message: str) -> BadArgument:
        where = mapping.lc.data.get(key) if mapping.lc.data else None
        return _mistake(self._path, where[0] if where else mapping.lc.line, message)


def _check_values(arguments: Mapping[str, Any]) -> None:
    """What a type does not say, as far as it can be known without a recording."""
    start, end = arguments.get("start"), arguments.get("end")
    if end is not None and parse_time(end) <= parse_time(start or 0):
        raise BadArgument(f"end {end} is not after start {start or 0}.")
    if start is not None:
        parse_time(start)
    language_code(arguments.get("language"))
    speaker_count(*(arguments.get(name) for name in ("speakers", "min_speakers", "max_speakers")))


def _takes_a_recording(spec: ToolSpec) -> bool:
    return "recording" in spec.parameters.model_fields
