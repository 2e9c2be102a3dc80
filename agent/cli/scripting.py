"""`run`: scripts of steps over many recordings."""

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from agent.cli.asking import HEARING, PANEL, Model
from agent.cli.command import add
from agent.cli.context import ensure_llm, ensure_models, known_or_file, open_toolbox, recording_id, working
from agent.cli.output import Shown, say
from agent.cli.render import length, one_line
from auricle.errors import BadArgument
from tools.threads import Watching
from tools.work import BATCH

if TYPE_CHECKING:
    from agent.script import Script
    from agent.script_plan import PlannedStep, ScriptPlan
    from agent.script_run import RecordingReport, ScriptReport, TogetherReport
    from engines.manifest import Role

ROLES_OF: "dict[str, tuple[Role, ...]]" = {"transcribe": ("recognition",), "diarize": HEARING[1:], "ask": HEARING}
"""Which weights a step needs."""


def register(app: typer.Typer) -> None:
    add(app, "run", PANEL)(run_script)


def run_script(
    script: Annotated[str, typer.Argument(metavar="SCRIPT", help="A YAML file of steps.")],
    recordings: Annotated[list[str], typer.Argument(metavar="RECORDING...", help="Files or ids.")],
    model: Model = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Only show what would be done, and about how long it would take.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--fresh", help="Do all of it again, whatever is known from before.")] = False,
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Listen on a Ray cluster: local, auto or HOST:PORT."),
    ] = None,
    given: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="NAME=VALUE", help="Another value for one of the script's own; may be repeated."),
    ] = None,
    output: Annotated[
        str | None, typer.Option("-o", "--report", metavar="FILE", help="What came of it, as .json, .csv or .md.")
    ] = None,
) -> Shown:
    """Runs the steps of a script on each recording; mistakes in it are found before anything runs.

    What an earlier run has done is not done again, so a run that was stopped or edited goes on.
    """
    from agent.script import load
    from agent.script_report import write_report, writer_of
    from agent.script_run import run

    checked = load(Path(script), _values(given or []))
    if output is not None:
        writer_of(output)
    if dry_run:
        return _planned(checked, recordings, model)
    with working(priority=BATCH) as (toolbox, work):
        for reference in recordings:
            known_or_file(toolbox, reference)
        ensure_models([role for tool in checked.tools for role in ROLES_OF.get(tool, ())], work)
        if "ask" in checked.tools:
            ensure_llm(model, work)
        if ray is not None:
            from agent.script_ray import run_on_ray

            opening = partial(recording_id, work=Watching(priority=BATCH))
            report = run_on_ray(
                checked,
                recordings,
                toolbox.settings,
                opening,
                address=ray,
                work=work,
                model=model,
                tell=work.say,
                fresh=fresh,
            )
        else:
            report = run(
                checked,
                recordings,
                toolbox,
                lambda reference: recording_id(toolbox, reference, work),
                model=model,
                work=work,
                tell=work.say,
                fresh=fresh,
            )
    if output is not None:
        say(f"The report is {write_report(report, output)}.")
    failures = report.failures
    document = {**({"error": failures[0]} if failures else {}), **report.model_dump(mode="json", exclude_none=True)}
    return Shown(document, report_lines(report), 1 if failures else 0)


def _planned(script: "Script", recordings: list[str], model: str | None) -> Shown:
    from agent.script_plan import plan

    toolbox = open_toolbox()
    try:
        for reference in recordings:
            known_or_file(toolbox, reference)
        planned = plan(script, recordings, toolbox, model)
    finally:
        toolbox.close()
    return Shown(planned.model_dump(mode="json"), plan_lines(planned))


def _values(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    wrong = next((name for name, equals, _ in pairs if not equals), None)
    if wrong is not None:
        raise BadArgument(f"--set {wrong} has no value: give NAME=VALUE, as in --set word=refund.")
    return {name.strip(): value for name, _, value in pairs}


def plan_lines(planned: "ScriptPlan") -> list[str]:
    """Every step, whether it is known already, and how long the rest takes."""
    lines = []
    for one in planned.recordings:
        about = length(one.duration) if one.duration is not None else "length unknown"
        lines.append(f"{one.recording or 'not added yet'}  {one_line(one.path)}  ({about})")
        lines += map(_planned_line, one.steps)
    if planned.together:
        lines += ["together", *map(_planned_line, planned.together)]
    more = ", and more for loops that nobody can count yet" if planned.at_least else ""
    return [*lines, f"About {length(planned.seconds)}{more}. Nothing was done."]


def _planned_line(step: "PlannedStep") -> str:
    rounds = " for each" if step.rounds is None else f" {step.rounds} times" if step.rounds > 1 else ""
    took = f", about {length(step.seconds)}" if step.seconds >= 1 else ""
    return f"  line {step.line}: {step.tool}{rounds}: {step.state}{took}"


def report_lines(report: "ScriptReport") -> list[str]:
    """For each recording what was kept under a name, and the files."""
    lines = []
    for done in report.recordings:
        lines.append(f"{done.recording or 'not opened'}  {one_line(done.path)}")
        lines += _results(done)
    if report.together is not None:
        lines += ["together", *_results(report.together)]
    return lines


def _results(done: "RecordingReport | TogetherReport") -> list[str]:
    from agent.script_report import result_lines

    lines = []
    for name, result in done.results.items():
        lines += [f"  {name}:", *(f"    {line}" for line in result_lines(result))]
    lines += [f"  File: {path}" for path in done.files]
    if done.error:
        lines.append(f"  Failed: {done.error['message']}")
    kept = sum(step.kept for step in done.steps)
    if kept:
        lines.append(f"  {kept} of {len(done.steps)} steps were known from before.")
    return lines
