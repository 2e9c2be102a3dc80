"""Scripts: steps in YAML, checked as a whole before the first of them runs.

    name: minutes
    steps:
      - transcribe: {}
      - diarize: {max_speakers: 6}
      - ask: "What was decided, by whom?"
        as: decisions
      - for: speaker in speakers
        when: speaker.seconds > 30
        ask: "What does {{ speaker.name }} want?"
        as: wishes
      - export: {format: md}
    together:
      - ask: "Which wishes come up again and again?"
        about: "{{ recordings | map(attribute='wishes') | sum(start=[]) }}"
        schema: {type: object, properties: {wishes: {type: array, items: {type: string}}}, required: [wishes]}
        as: common

A step is a tool of the Toolbox (or a command's short name for one) with its arguments, or ``ask``. `steps` are done for
each recording, `together` once at the end. The recording is put in by whoever runs the script.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from auricle.errors import BadArgument, NotFound

ASK = "ask"

LONGEST = 1_000_000
"""Bytes of a script: more is something else."""


@dataclass(frozen=True)
class Step:
    """One checked step.

    Attributes:
        verb: As it is written in the script.
        tool: The Toolbox's name for it, or ``ask``.
        arguments: As the tool takes them, without the recording; for ``ask`` the instruction. May have templates.
        keep_as: The name its result is kept under; empty for none.
        line: Where it stands, from 1.
        when: An expression that decides whether it is done; empty for always.
        item, items: In a loop what each thing is called, and the expression that lists them.
        schema: The JSON schema that an ``ask`` answers under.
        about: What such an ``ask`` reads: ``start``, ``end``, ``speakers``, or a template of things to read instead.
    """

    verb: str
    tool: str
    arguments: dict[str, Any]
    keep_as: str
    line: int
    when: str = ""
    item: str = ""
    items: str = ""
    schema: dict[str, Any] | None = None
    about: dict[str, Any] | str = field(default_factory=dict)


@dataclass(frozen=True)
class Script:
    """A script in which no mistake was found.

    Attributes:
        steps: Done for each recording.
        together: Done once, after all of them.
        values: What every step can use by name; whoever runs the script may give others.
    """

    name: str
    file: str
    steps: tuple[Step, ...]
    together: tuple[Step, ...] = ()
    values: dict[str, Any] = field(default_factory=dict)

    @property
    def tools(self) -> frozenset[str]:
        return frozenset(step.tool for step in (*self.steps, *self.together))

    def place(self, step: Step) -> str:
        """Where a step stands, as messages say it."""
        return f"{Path(self.file).name}:{step.line}"


def load(path: Path, values: Mapping[str, str] | None = None) -> Script:
    """Reads a script and checks all of it.

    Args:
        values: To be used instead of its own ``values:``.

    Raises:
        NotFound: There is no such file.
        BadArgument: It is not a script; the message names the file and the line.
    """
    from agent.script_check import Reader, mistake

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
        raise mistake(path, mark.line if mark else 0, f"not YAML: {error.problem or error.context}") from None
    except (YAMLError, ValueError) as error:
        raise mistake(path, 0, f"not YAML: {error}") from None
    return Reader(path, values or {}).script(data)
