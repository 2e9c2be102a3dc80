"""`add`, `list`, `show`, `remove`, `jobs`: what the library holds."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from agent.cli.command import EPILOG, Recording, add, group
from agent.cli.context import recording_id, transcript_source, working
from agent.cli.errors import Usage
from agent.cli.output import Shown, say, table
from agent.cli.render import length, one_line, talk, transcript_lines
from auricle.errors import AuricleError
from tools.results import JobStatus

if TYPE_CHECKING:
    from auricle.domain import Job
    from tools.toolbox import Toolbox

PANEL = "Library"

JobId = Annotated[str, typer.Argument(metavar="JOB", help="A job's id, from `auricle jobs`.")]


def register(app: typer.Typer) -> None:
    add(app, "add", PANEL)(add_)
    add(app, "list", PANEL)(list_)
    add(app, "show", PANEL)(show)
    add(app, "remove", PANEL)(remove)
    jobs = group(app, "jobs", "Heavy work, from every terminal and client: what runs, waits and is done.", PANEL)
    jobs.callback(invoke_without_command=True)(list_jobs)
    jobs.command("pause", epilog=EPILOG)(pause)
    jobs.command("resume", epilog=EPILOG)(resume)
    jobs.command("cancel", epilog=EPILOG)(cancel)


def add_(paths: Annotated[list[str], typer.Argument(metavar="PATH...", help="Sound or video files.")]) -> Shown:
    """Takes recordings into the library; the same file twice is one recording."""
    added: list[dict[str, Any]] = []
    failed: list[dict[str, str]] = []
    lines: list[str] = []
    exit_code = 0
    with working() as (toolbox, work):
        for path in paths:
            try:
                result = toolbox.add_recording(path, work=work)
            except AuricleError as error:
                if len(paths) == 1:
                    raise
                failed.append({"path": path, **error.as_dict()})
                exit_code = max(exit_code, error.exit_code)
                say(f"Error: {error.message}")
                continue
            added.append(result.model_dump(mode="json", exclude={"next"}))
            known = ", known already" if result.already_known else ""
            lines.append(f"{result.id}  {length(result.duration)}  {one_line(result.path)}{known}")
    document: dict[str, Any] = {"recordings": added}
    if failed:
        document |= {"failed": failed, "error": {"code": failed[0]["code"], "message": failed[0]["message"]}}
    return Shown(document, lines, exit_code)


def list_() -> Shown:
    """Every recording in the library."""
    from tools.original import ADVICE

    with working() as (toolbox, work):
        found = toolbox.list_recordings(work=work).recordings
    if not found:
        return Shown({"recordings": []}, ["The library is empty: `auricle add FILE` takes a recording in."])
    shown = table("id", "length", "file", "path")
    for item in found:
        shown.add_row(item.id, length(item.duration), item.original, one_line(item.path))
    told = [ADVICE[state] for state in ("missing", "changed") if any(item.original == state for item in found)]
    return Shown({"recordings": [item.model_dump(mode="json") for item in found]}, [shown, *told])


def show(
    recording: Recording,
    plot: Annotated[
        str | None, typer.Option("--plot", metavar="FILE", help="Also who speaks when, as a .png or .svg picture.")
    ] = None,
) -> Shown:
    """What is known of a recording: its description, and the transcript as far as it has been heard."""
    from tools.export.data import as_dict
    from tools.original import ADVICE

    with working() as (toolbox, work):
        found = recording_id(toolbox, recording, work)
        told = toolbox.describe_recording(found, work=work)
        source = transcript_source(toolbox, found)
        if plot is not None:
            kind: Any = Path(plot).suffix.lower().lstrip(".")
            if kind not in ("png", "svg"):
                raise Usage(f"--plot {plot} is no picture that can be made: give a .png or .svg file.")
            say(f"The picture is {toolbox.export_transcript(found, kind, path=plot, work=work).path}.")
    described = [
        f"{told.id}  {one_line(told.path)}",
        f"{length(told.duration)}, {told.codec}, {told.sample_rate} Hz, {told.channels} channel(s)",
        f"transcribed {length(told.transcribed_seconds)}" + (f", language {told.language}" if told.language else ""),
        talk((speaker.speaker, speaker.seconds) for speaker in told.speakers) or "voices not told apart yet",
        *filter(None, [ADVICE[told.original]]),
    ]
    lines = transcript_lines(source.transcript, source.span)
    document = {**told.model_dump(mode="json"), "segments": as_dict(source)["segments"]}
    return Shown(document, [*described, "", *lines] if lines else [*described, told.next])


def remove(
    recording: Recording,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Without asking.")] = False,
) -> Shown:
    """Forgets a recording and everything heard in it. The file itself stays where it is."""
    with working(yes=yes) as (toolbox, work):
        known = toolbox.library.recordings.get(recording).id
        result = toolbox.remove_recording(known, work=work)
    return Shown(result.model_dump(mode="json"), [f"Removed {result.recording}."])


def list_jobs(context: typer.Context) -> Shown | None:
    """What runs, waits and is done."""
    from tools.worker_process import worker_alive

    if context.invoked_subcommand:
        return None
    with working() as (toolbox, work):
        found = [toolbox.get_job(job.id, work=work) for job in toolbox.library.jobs.list()]
        alive = worker_alive(toolbox.library.home)
    if not found:
        return Shown({"jobs": []}, ["No work was done yet, and none is waiting."])
    shown = table("job", "kind", "state", "done", "left", "note")
    for job in found:
        left = length(job.seconds_left) if job.seconds_left is not None else ""
        shown.add_row(job.job, job.kind, job.state, f"{job.percent:.0f}%", left, job.error or job.note)
    waiting = next((job.job for job in found if job.state == "queued"), None)
    told = [] if waiting is None or alive else [f"Nobody works at them: `auricle jobs resume {waiting}` goes on."]
    return Shown({"jobs": [_job(job) for job in found]}, [shown, *told])


def pause(job: JobId) -> Shown:
    """Lets a job rest, after the piece it is at, until it is resumed or the same is asked for again."""
    with working() as (toolbox, _):
        row = toolbox.jobs.pause(job)
        goes_on = f"`auricle jobs resume {job}` goes on."
        return _told(toolbox, row, goes_on if row.state == "paused" or row.pause_requested else "")


def resume(job: JobId) -> Shown:
    """Goes on with a job that was paused, or that nobody works at."""
    with working() as (toolbox, _):
        row = toolbox.jobs.resume(job)
        return _told(toolbox, row, "`auricle jobs` tells how far it is." if row.finished is None else "")


def cancel(job: JobId) -> Shown:
    """Stops a job for everybody who waits for it. What it has finished is kept."""
    with working() as (toolbox, _):
        return _told(toolbox, toolbox.jobs.cancel(job))


def _told(toolbox: "Toolbox", job: "Job", advice: str = "") -> Shown:
    from tools.following import status

    result = status(toolbox.library, job)
    note = f" ({result.note})" if job.pause_requested else ""
    return Shown(_job(result), [f"{result.job} is {result.state}{note}. {advice or result.next}"])


def _job(job: JobStatus) -> dict[str, Any]:
    return job.model_dump(mode="json")
