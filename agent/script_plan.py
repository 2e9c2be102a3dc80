"""`auricle run --dry-run`: what a script would do, what of it is known already, and about how long it would take."""

from collections.abc import Sequence
from pathlib import Path
from statistics import mean
from typing import Literal

from pydantic import BaseModel, Field

from agent.script import ASK, Script, Step
from agent.script_scope import Scope
from agent.script_step import Doing
from auricle.domain import Recording
from auricle.errors import AuricleError
from auricle.times import SAMPLE_RATE
from library.audio import duration_of
from tools.spans import without
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.work import Quiet

State = Literal["known", "to do", "unknown", "left out"]

SLOWEST = {"recognize": 1 / 8, "diarize": 1 / 3}
"""Seconds of work for one of sound, where this machine has not shown how fast it is: the small profile on two cores."""

ASKING = 20.0
"""Seconds for an `ask`, where none was asked yet."""

BRIEF = 0.5
_DECODING = 1 / 200
_JOBS = {"transcribe": "recognize", "diarize": "diarize"}


class PlannedStep(BaseModel):
    """One step. ``unknown``: it depends on what earlier steps come to, such as how many rounds a loop has."""

    tool: str
    line: int
    state: State
    rounds: int | None = Field(description="None where nobody can know it yet.")
    seconds: float = Field(description="Estimated; for an unknown number of rounds, of one.")


class PlannedRecording(BaseModel):
    recording: str | None
    path: str
    duration: float | None
    steps: list[PlannedStep]


class ScriptPlan(BaseModel):
    script: str
    recordings: list[PlannedRecording]
    together: list[PlannedStep]
    seconds: float
    at_least: bool = Field(description="Some loops have a number of rounds that nobody knows yet.")


def plan(script: Script, recordings: Sequence[str], toolbox: Toolbox, model: str | None) -> ScriptPlan:
    """Looks, and does nothing: no file is added, no model is loaded.

    Args:
        recordings: Paths or ids, as they were typed.
    """
    speeds = _speeds(toolbox)
    doing = Doing(script, toolbox, model, Quiet())
    planned = [_recording(doing, script, reference, speeds) for reference in recordings]
    together = [
        PlannedStep(tool=step.tool, line=step.line, state="unknown", rounds=None, seconds=_asking(step, ASKING))
        for step in script.together
    ]
    every = [*(step for one in planned for step in one.steps), *together]
    return ScriptPlan(
        script=script.name,
        recordings=planned,
        together=together,
        seconds=round(sum(step.seconds for step in every), 1),
        at_least=any(step.rounds is None for step in every),
    )


def _recording(doing: Doing, script: Script, reference: str, speeds: dict[str, float]) -> PlannedRecording:
    known = _known(doing.toolbox, reference)
    duration = known.seconds if known else duration_of(Path(reference))
    scope = Scope.of_recording(doing.toolbox, known.id, script.values) if known else None
    steps: list[PlannedStep] = []
    sure = scope is not None
    asked: list[float] = []
    for step in script.steps:
        found = _step(doing, step, scope if sure else None, known, duration, speeds, mean(asked) if asked else ASKING)
        # What follows a step that is still to be done may see other lines, voices and results.
        sure = sure and found.state in ("known", "left out")
        steps.append(found)
    if known is None and steps:
        steps[0] = steps[0].model_copy(update={"seconds": round(steps[0].seconds + (duration or 0) * _DECODING, 1)})
    return PlannedRecording(
        recording=known.id if known else None, path=known.path if known else reference, duration=duration, steps=steps
    )


def _step(
    doing: Doing,
    step: Step,
    scope: Scope | None,
    known: Recording | None,
    duration: float | None,
    speeds: dict[str, float],
    asking: float,
) -> PlannedStep:
    planned = PlannedStep(tool=step.tool, line=step.line, state="to do", rounds=1, seconds=BRIEF)
    if step.tool in _JOBS:
        unheard = _unheard(doing.toolbox, step.tool, known, duration)
        if scope is not None and not unheard and not step.items:
            _remember(doing, step, scope)
            return planned.model_copy(update={"state": "known", "seconds": 0.0})
        return planned.model_copy(update={"seconds": round(unheard * speeds[_JOBS[step.tool]] + BRIEF, 1)})
    if scope is None:
        unsure = bool(step.items or step.when)
        return planned.model_copy(
            update={
                "state": "unknown" if unsure else "to do",
                "rounds": None if step.items else 1,
                "seconds": _asking(step, asking),
            }
        )
    return _looked_at(doing, step, scope, planned, asking)


def _looked_at(doing: Doing, step: Step, scope: Scope, planned: PlannedStep, asking: float) -> PlannedStep:
    """A step of which everything before it is known."""
    try:
        rounds = [one for one in doing.rounds(step, scope) if doing.wanted(step, one)]
        results = []
        to_do = 0
        for one in rounds:
            asked = doing.asked(step, one)
            kept = doing.known(asked)
            if kept is None:
                to_do += 1
            else:
                results.append(one.told(step, kept["result"]))
    except AuricleError:
        return planned.model_copy(update={"state": "unknown", "rounds": None, "seconds": _asking(step, asking)})
    if step.keep_as and not to_do:
        scope.names[step.keep_as] = results if step.items else next(iter(results), None)
    seconds = round(to_do * _asking(step, asking), 1)
    state: State = "left out" if not rounds else "to do" if to_do else "known"
    return planned.model_copy(update={"state": state, "rounds": len(rounds), "seconds": seconds})


def _remember(doing: Doing, step: Step, scope: Scope) -> None:
    for one in doing.rounds(step, scope):
        one.heard.append([step.tool, doing.asked(step, one).arguments])


def _asking(step: Step, asking: float) -> float:
    return asking if step.tool in (ASK, "name_speakers") else BRIEF


def _known(toolbox: Toolbox, reference: str) -> Recording | None:
    try:
        return toolbox.library.recordings.get(reference)
    except AuricleError:
        return None


def _unheard(toolbox: Toolbox, tool: str, known: Recording | None, duration: float | None) -> float:
    """Seconds of sound that a step would listen to, for a whole recording."""
    if known is None:
        return duration or 0.0
    transcript = fold(toolbox.library, known)
    heard = transcript.heard if tool == "transcribe" else transcript.told_apart
    return sum(gap.seconds for gap in without(known.span, heard))


def _speeds(toolbox: Toolbox) -> dict[str, float]:
    """Seconds of work for one of sound, by kind of job, from what this library's jobs took."""
    speeds = dict(SLOWEST)
    done = [job for job in toolbox.library.jobs.list() if job.state == "done" and job.started and job.finished]
    for kind in speeds:
        taken, sound = 0.0, 0.0
        for job in done:
            start, end = job.args.get("start"), job.args.get("end")
            if job.kind == kind and isinstance(start, int) and isinstance(end, int) and job.started and job.finished:
                taken += job.finished - job.started
                sound += (end - start) / SAMPLE_RATE
        if sound >= 30:
            speeds[kind] = taken / sound
    return speeds
