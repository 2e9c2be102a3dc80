"""Watching jobs: how far one is, and what to do when it is done."""

import time

from auricle.domain import Job
from auricle.errors import BadArgument
from library import Library
from tools.exporting import written
from tools.jobs import Jobs, progress_of
from tools.results import JobStatus
from tools.work import Work
from tools.worker_process import worker_alive

LONGEST_WAIT = 25.0
"""Seconds. Clients drop calls that take much longer."""

_POLL = 0.2
_ACTIVE = ("queued", "running", "paused")
_TOOLS = {
    "recognize": "transcribe",
    "diarize": "diarize",
    "embed": "identify_speakers",
    "decode": "add_recording",
    "cut": "slice_audio",
    "sound": "export_transcript",
}


def follow(library: Library, jobs: Jobs, job: str, wait: float, work: Work) -> JobStatus:
    """How far a job is, after waiting a while for its end, unless no patience is left: the face is about to go.

    Giving up on the wait leaves the job alone.

    Raises:
        BadArgument: A wait that is not allowed.
        NotFound: There is no such job.
    """
    if not 0 <= wait <= LONGEST_WAIT:
        raise BadArgument(f"A wait of {wait} s is not allowed: give 0 to {LONGEST_WAIT:.0f}, and ask again.")
    row = library.jobs.get(job)
    deadline = time.monotonic() + wait
    while row.state in _ACTIVE and time.monotonic() < deadline and work.patience != 0:
        if row.state != "paused":
            jobs.ensure_worker()
        told = progress_of(row)
        work.report(told.done, told.total, told.note, left=told.left)
        work.check_cancelled()
        time.sleep(_POLL)
        row = library.jobs.get(job)
    return status(library, row)


def status(library: Library, row: Job) -> JobStatus:
    """A job as a tool tells it."""
    if row.state == "running" and not worker_alive(library.home):
        # The next worker will find it so; until then nobody works at it.
        row = row.model_copy(update={"state": "queued", "note": "waiting for the worker", "seconds_left": None})
    share = 1.0 if row.state == "done" else (row.done / row.total if row.total else 0.0)
    error = row.error.get("message") if row.error else None
    return JobStatus(
        job=row.id,
        kind=row.kind,
        state=row.state,
        percent=round(100 * min(share, 1.0), 1),
        seconds_left=None if row.seconds_left is None else round(row.seconds_left, 1),
        note="pausing after this piece" if row.pause_requested else row.note,
        error=error,
        next=_next(row),
    )


def _next(row: Job) -> str:
    tool = _TOOLS.get(row.kind)
    again = f"call {tool} again with the same arguments" if tool else "ask again"
    if row.state == "paused":
        return f"It is paused: {again} to go on, or a person runs `auricle jobs resume {row.id}`."
    if row.state in _ACTIVE:
        asked = " It is being cancelled." if row.cancel_requested else ""
        return f"Call get_job with job={row.id} and wait={LONGEST_WAIT:.0f} until it is done.{asked}"
    if row.state == "done" and row.kind == "decode" and row.result:
        return f"Done: call transcribe with recording={row.result['recording']} to hear what is said."
    if row.state == "done" and row.kind == "cut" and row.result:
        return written(row.result)
    if row.state == "done":
        return f"Done: {again} for the result; it answers at once."
    if row.state == "cancelled":
        return f"Cancelled, what was heard is kept: {again} to go on."
    return f"It failed: do what the error says, then {again}; what was heard is kept."
