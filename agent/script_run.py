"""Runs a checked script, step by step and recording by recording."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import BaseModel, Field

from agent.script import Script, Step
from agent.script_scope import Scope
from agent.script_step import HEARING, Doing
from auricle.errors import AuricleError, BadArgument
from tools.toolbox import Toolbox
from tools.work import Work


class StepDone(BaseModel):
    """A step that was carried out, or whose result was known: ``kept``."""

    tool: str
    arguments: dict[str, Any]
    seconds: float
    kept: bool = False
    citations: list[dict[str, Any]] = Field(default_factory=list)


class RecordingReport(BaseModel):
    """What the steps did with one recording. ``error`` stands where one of them failed; the rest were left out."""

    recording: str | None
    path: str
    steps: list[StepDone] = Field(default_factory=list)
    results: dict[str, Any] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    error: dict[str, str] | None = None


class TogetherReport(BaseModel):
    """What the steps over all recordings did."""

    steps: list[StepDone] = Field(default_factory=list)
    results: dict[str, Any] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    error: dict[str, str] | None = None


class ScriptReport(BaseModel):
    script: str
    recordings: list[RecordingReport]
    together: TogetherReport | None = None

    @property
    def failures(self) -> list[dict[str, str]]:
        """The errors, in order; none where all went well."""
        errors = [done.error for done in self.recordings] + [self.together.error if self.together else None]
        return [error for error in errors if error]


def run(
    script: Script,
    recordings: Sequence[str],
    toolbox: Toolbox,
    open_recording: Callable[[str], str],
    *,
    work: Work,
    model: str | None = None,
    tell: Callable[[str], None] = lambda line: None,
    fresh: bool = False,
) -> ScriptReport:
    """Runs every step on every recording; where one fails, the next recording follows.

    What was asked and cut before, with the same arguments and the same decisions about names, is not done again.

    Args:
        recordings: Paths or ids, as they were typed.
        open_recording: Makes an id of one of them.
        model: The LLM for ``ask``.
        tell: Hears a line about each step.
        fresh: Everything is done again.

    Raises:
        BadArgument: A step writes to one path for several recordings.
    """
    check_paths(script, len(recordings))
    doing = Doing(script, toolbox, model, work, fresh=fresh)
    reports = []
    for number, reference in enumerate(recordings, start=1):
        counted = partial(_tell, tell, f"{number} of {len(recordings)}")
        reports.append(run_one(doing, reference, open_recording, counted))
    return put_together(doing, reports, tell)


def _tell(tell: Callable[[str], None], place: str, line: str) -> None:
    tell(f"{place}, {line}")


def run_one(
    doing: Doing, reference: str, open_recording: Callable[[str], str], tell: Callable[[str], None]
) -> RecordingReport:
    """Every step on one recording, as far as none fails."""
    report = RecordingReport(recording=None, path=reference)
    with _told_in(report, reference, tell):
        report.recording = open_recording(reference)
        report.path = doing.toolbox.library.recordings.get(report.recording).path
        scope = Scope.of_recording(doing.toolbox, report.recording, doing.script.values)
        for step in doing.script.steps:
            tell(f"{Path(report.path).name}: {step.verb} …")
            _do(doing, step, scope, report)
    return report


@contextmanager
def _told_in(report: RecordingReport | TogetherReport, name: str, tell: Callable[[str], None]) -> Iterator[None]:
    """What goes wrong ends the steps, and is told in their report; others go on."""
    try:
        yield
    except AuricleError as error:
        report.error = error.as_dict()
        tell(f"{name}: {error.message}")


def put_together(doing: Doing, reports: Sequence[RecordingReport], tell: Callable[[str], None]) -> ScriptReport:
    """What is done once over all of them, and the report of everything."""
    script = doing.script
    together = _together(doing, script, reports, tell) if script.together else None
    return ScriptReport(script=script.name, recordings=list(reports), together=together)


def _together(
    doing: Doing, script: Script, reports: Sequence[RecordingReport], tell: Callable[[str], None]
) -> TogetherReport:
    together = TogetherReport()
    whole = [done for done in reports if done.recording and not done.error]
    scope = Scope.of_all(
        [{"id": done.recording, "path": done.path, "name": Path(done.path).name, **done.results} for done in whole],
        [[step.tool, step.arguments] for done in whole for step in done.steps if step.tool in HEARING],
        script.values,
    )
    with _told_in(together, "together", tell):
        if not scope.ids:
            raise BadArgument("Every recording failed, so there is nothing to put together.")
        for step in script.together:
            tell(f"together: {step.verb} …")
            _do(doing, step, scope, together)
    return together


def _do(doing: Doing, step: Step, scope: Scope, report: RecordingReport | TogetherReport) -> None:
    """One step with all rounds of its loop, and what it comes to under its name."""
    kept: list[Any] = []
    for round_ in doing.rounds(step, scope):
        if not doing.wanted(step, round_):
            continue
        outcome = doing.do(step, round_)
        report.steps.append(
            StepDone(
                tool=step.tool,
                arguments=outcome.arguments,
                seconds=outcome.seconds,
                kept=outcome.kept,
                citations=outcome.citations,
            )
        )
        report.files += [file for file in outcome.files if file not in report.files]
        kept.append(round_.told(step, outcome.result))
    if step.keep_as:
        result = kept if step.items else next(iter(kept), None)
        scope.names[step.keep_as] = report.results[step.keep_as] = result


def check_paths(script: Script, recordings: int) -> None:
    """Raises BadArgument where a step writes to one path for several recordings."""
    for step in script.steps:
        path = step.arguments.get("path")
        if recordings > 1 and path and "{{" not in str(path):
            raise BadArgument(
                f"{script.place(step)}: several recordings would be written to one path: leave `path` out, or say "
                "`{{ recording.name }}` in it."
            )
