"""Runs a checked script, step by step and recording by recording."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from agent.script import ASK, Script, Step
from auricle.errors import AuricleError, BadArgument
from tools.toolbox import Toolbox
from tools.work import Work


class StepDone(BaseModel):
    tool: str
    arguments: dict[str, Any]
    seconds: float


class RecordingReport(BaseModel):
    """What the steps did with one recording. ``error`` stands where one of them failed; the rest were left out."""

    recording: str | None
    path: str
    steps: list[StepDone] = Field(default_factory=list)
    results: dict[str, Any] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    error: dict[str, str] | None = None


class ScriptReport(BaseModel):
    script: str
    recordings: list[RecordingReport]


def run(
    script: Script,
    recordings: Sequence[str],
    toolbox: Toolbox,
    open_recording: Callable[[str], str],
    *,
    work: Work,
    model: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
) -> ScriptReport:
    """Runs every step on every recording; where one fails, the next recording follows.

    Args:
        recordings: Paths or ids, as they were typed.
        open_recording: Makes an id of one of them.
        model: The LLM for ``ask``.
        tell: Hears a line about each step.

    Raises:
        BadArgument: A step writes to one path for several recordings.
    """
    for step in script.steps:
        if len(recordings) > 1 and step.arguments.get("path"):
            place = f"{Path(script.file).name}:{step.line}"
            raise BadArgument(f"{place}: several recordings would be written to one path: leave `path` out.")
    reports = []
    for number, reference in enumerate(recordings, start=1):
        report = RecordingReport(recording=None, path=reference)
        reports.append(report)
        try:
            report.recording = open_recording(reference)
            report.path = toolbox.library.recordings.get(report.recording).path
            for step in script.steps:
                tell(f"{Path(report.path).name} ({number} of {len(recordings)}): {step.verb} …")
                _run_step(step, report, toolbox, model, work)
        except AuricleError as error:
            report.error = error.as_dict()
            tell(f"{reference}: {error.message}")
    return ScriptReport(script=script.name, recordings=reports)


def _run_step(step: Step, report: RecordingReport, toolbox: Toolbox, model: str | None, work: Work) -> None:
    recording = report.recording or ""
    began = time.monotonic()
    if step.tool == ASK:
        from agent.run import ask

        result: BaseModel = ask(step.arguments["instruction"], [recording], toolbox, model=model, work=work)
    else:
        result = getattr(toolbox, step.tool)(recording, **step.arguments, work=work)
    seconds = round(time.monotonic() - began, 2)
    report.steps.append(StepDone(tool=step.tool, arguments=_plain(step.arguments), seconds=seconds))
    data = result.model_dump(mode="json")
    report.files += data.get("files") or ([data["path"]] if step.tool in ("export_transcript", "slice_audio") else [])
    if step.keep_as:
        report.results[step.keep_as] = data


def _plain(arguments: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.model_dump() if isinstance(value, BaseModel) else value for name, value in arguments.items()}
