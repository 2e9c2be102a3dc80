"""Heavy work as rows: where faces and the worker meet."""

import time
from collections.abc import Mapping
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, RowMapping, delete, exists, func, insert, or_, select, update

from auricle.domain import Job
from auricle.errors import NotFound, WorkerDied
from library import tables
from library.database import Database
from library.ids import new_id

MOST_ATTEMPTS = 3
"""A job that took so many workers down with it, and got nowhere in between, is given up."""
_GETS_ON = -1
"""Deaths that count against a job whose worker has kept a piece: its own will make it none."""

_COLUMNS = tuple(column for column in tables.jobs.c if column.name not in {"seq", "key", "settings", "priority"})
_LIVE = ("queued", "running", "paused")
_KEPT = 1000
_LISTED = 100

_SEEN_SECONDS = 10.0
"""An asker not seen for so long is dead. One from before a restart may have been seen in what is now the future."""


class Requests(NamedTuple):
    """What others want of a running job."""

    cancel: bool
    pause: bool
    make_way: bool


class JobRows:
    def __init__(self, database: Database) -> None:
        self._database = database

    def submit(
        self,
        kind: str,
        args: Mapping[str, object],
        key: str,
        priority: int = 0,
        settings: Mapping[str, object] | None = None,
        asker: str | None = None,
    ) -> Job:
        """Queues work, or joins the same work that is already queued, running or paused.

        Joined work becomes as urgent as the more urgent of the two, and goes on if it was paused.

        Args:
            args: JSON; what the handler of ``kind`` takes.
            key: The same for the same work.
            priority: The highest goes first.
            settings: JSON; what the worker must have in force.
            asker: Who waits for it, as ``ask`` takes it.
        """
        row = {
            "id": new_id("j"),
            "kind": kind,
            "args": dict(args),
            "key": key,
            "settings": dict(settings or {}),
            "priority": priority,
            "state": "queued",
            "done": 0.0,
            "total": 0.0,
            "note": "waiting for the worker",
            "cancel_requested": False,
            "attempts": 0,
            "created": time.time(),
        }
        with self._database.write() as connection:
            # A job somebody is cancelling ends soon; new work waits behind it under a key of its own.
            shared = (
                connection.execute(select(*_COLUMNS).where(tables.jobs.c.key == key, tables.jobs.c.state.in_(_LIVE)))
                .mappings()
                .first()
            )
            if shared is not None and not shared["cancel_requested"]:
                row["id"] = shared["id"]
                _set(connection, shared["id"], tables.jobs.c.priority < priority, priority=priority)
                _resume(connection, shared["id"])
            else:
                if shared is not None:
                    row["key"] = f"{key}+{row['id']}"
                connection.execute(insert(tables.jobs).values(row))
            if asker is not None:
                _ask(connection, str(row["id"]), asker)
            return _one(connection, str(row["id"]))

    def ask(self, job: str, asker: str) -> None:
        """Counts ``asker`` among those who wait for a job, for some seconds: to be said again and again.

        While anybody waits, another's leaving does not stop the work.
        """
        with self._database.write() as connection:
            _one(connection, job)
            _ask(connection, job, asker)

    def take_handle(self, job: str, asker: str) -> None:
        """The asker waits no more and wants the result all the same: counts as waiting until the job ends."""
        with self._database.write() as connection:
            connection.execute(update(tables.askers).where(_is(job, asker)).values(seen=None))

    def leave(self, job: str, asker: str) -> Job:
        """The asker wants nothing any more: the job is cancelled, as by ``cancel``, unless others wait for it."""
        with self._database.write() as connection:
            connection.execute(delete(tables.askers).where(_is(job, asker)))
            if not connection.execute(select(exists().where(tables.askers.c.job == job, _alive()))).scalar_one():
                _cancel(connection, job)
            return _one(connection, job)

    def get(self, job: str) -> Job:
        """Raises NotFound where there is no job of this id."""
        with self._database.read() as connection:
            return _one(connection, job)

    def latest(self, key: str) -> Job | None:
        """The last job of this key, whatever became of it."""
        query = select(*_COLUMNS).where(tables.jobs.c.key == key).order_by(tables.jobs.c.seq.desc()).limit(1)
        with self._database.read() as connection:
            row = connection.execute(query).mappings().first()
        return None if row is None else _job(row)

    def settings(self, job: str) -> dict[str, Any]:
        """What ``submit`` was given for it."""
        with self._database.read() as connection:
            found = connection.execute(select(tables.jobs.c.settings).where(tables.jobs.c.id == job)).scalar_one()
        return dict(found)

    def list(self) -> list[Job]:
        """The last hundred, newest first."""
        with self._database.read() as connection:
            query = select(*_COLUMNS).order_by(tables.jobs.c.seq.desc()).limit(_LISTED)
            return [_job(row) for row in connection.execute(query).mappings()]

    def waiting(self) -> bool:
        """Whether any job is queued. Only reads, so that an idle worker may ask often."""
        with self._database.read() as connection:
            return connection.execute(select(tables.jobs.c.id).where(_in("queued")).limit(1)).first() is not None

    def claim(self, pid: int) -> Job | None:
        """Takes the next job for the worker ``pid``: of the highest priority the oldest."""
        with self._database.write() as connection:
            query = select(tables.jobs.c.id).where(_in("queued"))
            job = connection.execute(
                query.order_by(tables.jobs.c.priority.desc(), tables.jobs.c.seq).limit(1)
            ).scalar_one_or_none()
            if job is None:
                return None
            started = {"worker_pid": pid, "started": time.time(), "note": "starting", "seconds_left": None}
            _set(connection, job, _in("queued"), state="running", **started)
            _set(connection, job, tables.jobs.c.attempts < 0, attempts=0)
            return _one(connection, job)

    def progress(self, job: str, done: float, total: float, note: str, left: float | None = None) -> None:
        """``left``: seconds until its end, where they can be told."""
        with self._database.write() as connection:
            _set(connection, job, _in("running"), done=done, total=total, note=note, seconds_left=left)

    def so_far(self, job: str, result: Mapping[str, object]) -> None:
        """What there is of a running job's result already, for whoever waits to look at."""
        with self._database.write() as connection:
            _set(connection, job, _in("running"), result=dict(result))

    def committed(self, job: str) -> None:
        """A piece of it is kept: whatever its workers died of before, it gets on; nor does this one's death count."""
        with self._database.write() as connection:
            _set(connection, job, _in("running"), attempts=_GETS_ON)

    def requests(self, job: str) -> Requests:
        """What is wanted of a running job.

        Raises:
            NotFound: Its recording was removed, and the job with it.
        """
        mine, other = tables.jobs, tables.jobs.alias()
        urgent = exists().where(other.c.state == "queued", other.c.priority > mine.c.priority)
        query = select(mine.c.cancel_requested, mine.c.pause_requested, urgent).where(mine.c.id == job)
        with self._database.read() as connection:
            row = connection.execute(query).one_or_none()
        if row is None:
            raise NotFound(f"There is no job '{job}' any more.")
        return Requests(*row)

    def finish(self, job: str, result: Mapping[str, object]) -> None:
        with self._database.write() as connection:
            _end(connection, job, _in("running"), state="done", done=tables.jobs.c.total, result=dict(result))

    def fail(self, job: str, error: Mapping[str, str]) -> None:
        """Ends a job with ``AuricleError.as_dict()``."""
        with self._database.write() as connection:
            _end(connection, job, _in(*_LIVE), state="failed", error=dict(error))

    def cancel(self, job: str) -> Job:
        """Asks a running job to stop; one that waits is cancelled at once, one that has ended stays as it is."""
        with self._database.write() as connection:
            _one(connection, job)
            _cancel(connection, job)
            return _one(connection, job)

    def pause(self, job: str) -> Job:
        """Asks a running job to pause after its piece; a queued one is paused at once, an ended one stays as it is."""
        with self._database.write() as connection:
            _one(connection, job)
            _set(connection, job, _in("queued"), state="paused", note="paused")
            _set(connection, job, _in("running"), pause_requested=True)
            return _one(connection, job)

    def resume(self, job: str) -> Job:
        """Queues a paused job again, or takes back that it was to pause."""
        with self._database.write() as connection:
            _one(connection, job)
            _resume(connection, job)
            return _one(connection, job)

    def cancelled(self, job: str) -> None:
        """Marks it: it has stopped because it was asked to."""
        with self._database.write() as connection:
            _end(connection, job, _in(*_LIVE), state="cancelled", cancel_requested=True)

    def requeue(self, job: str, note: str = "waiting for the worker") -> None:
        """Gives a running job back, to be queued or paused as it was asked for: its worker goes, or makes way."""
        with self._database.write() as connection:
            _give_back(connection, job, note)

    def requeue_orphans(self) -> None:
        """Gives back what a dead worker left running. Only for whoever holds the worker's lock.

        What took three workers down in a row, of which none kept a piece, has failed.
        """
        running = select(tables.jobs.c.id, tables.jobs.c.attempts, tables.jobs.c.cancel_requested).where(_in("running"))
        with self._database.write() as connection:
            for job, attempts, cancel_requested in connection.execute(running).all():
                if attempts + 1 >= MOST_ATTEMPTS and not cancel_requested:
                    error = WorkerDied(
                        f"The worker died {MOST_ATTEMPTS} times over job {job}, likely out of memory: "
                        "close other programs or choose a smaller model, then try again; worker.log says more."
                    )
                    _end(connection, job, state="failed", error=error.as_dict(), attempts=attempts + 1)
                else:
                    _set(connection, job, attempts=attempts + 1)
                    _give_back(connection, job, "waiting for the worker")

    def forget(self, job: str, asker: str) -> None:
        """Drops a job that has ended and whose result ``asker`` has, unless others still wait for it."""
        others = exists().where(tables.askers.c.job == job, _alive())
        with self._database.write() as connection:
            connection.execute(delete(tables.askers).where(_is(job, asker)))
            connection.execute(delete(tables.jobs).where(tables.jobs.c.id == job, ~_in(*_LIVE), ~others))

    def prune(self) -> None:
        """Drops what ended, but for the last thousand: a count, since clocks jump."""
        ended = select(tables.jobs.c.seq).where(~_in(*_LIVE)).order_by(tables.jobs.c.seq.desc()).offset(_KEPT)
        with self._database.write() as connection:
            connection.execute(delete(tables.jobs).where(tables.jobs.c.seq.in_(ended)))


def _in(*states: str) -> ColumnElement[bool]:
    return tables.jobs.c.state.in_(states)


def _set(connection: Connection, job: str, *conditions: ColumnElement[bool], **values: object) -> None:
    connection.execute(update(tables.jobs).where(tables.jobs.c.id == job, *conditions).values(**values))


def _end(connection: Connection, job: str, *conditions: ColumnElement[bool], **values: object) -> None:
    """Nothing is left to do or to ask of what has ended."""
    _set(connection, job, *conditions, finished=time.time(), seconds_left=None, pause_requested=False, **values)


def _ask(connection: Connection, job: str, asker: str) -> None:
    connection.execute(delete(tables.askers).where(_is(job, asker)))
    connection.execute(insert(tables.askers).values(job=job, asker=asker, seen=time.monotonic()))


def _is(job: str, asker: str) -> ColumnElement[bool]:
    return (tables.askers.c.job == job) & (tables.askers.c.asker == asker)


def _alive() -> ColumnElement[bool]:
    # The monotonic clock is the whole machine's, and no setting of the time of day moves it.
    seen = tables.askers.c.seen
    return or_(seen.is_(None), func.abs(seen - time.monotonic()) < _SEEN_SECONDS)


def _cancel(connection: Connection, job: str) -> None:
    _end(connection, job, _in("queued", "paused"), state="cancelled", cancel_requested=True)
    _set(connection, job, _in("running"), cancel_requested=True)


def _resume(connection: Connection, job: str) -> None:
    _set(connection, job, _in("paused"), state="queued", note="waiting for the worker")
    _set(connection, job, _in("running"), pause_requested=False)


def _give_back(connection: Connection, job: str, note: str) -> None:
    asked = tables.jobs.c.cancel_requested, tables.jobs.c.pause_requested
    values = {"worker_pid": None, "pause_requested": False, "seconds_left": None, "result": None}
    _end(connection, job, _in("running"), asked[0], state="cancelled")
    _set(connection, job, _in("running"), asked[1], state="paused", note="paused", **values)
    _set(connection, job, _in("running"), state="queued", note=note, **values)


def _one(connection: Connection, job: str) -> Job:
    # A lone surrogate is no text to SQLite.
    asked = job.encode("utf-8", "replace").decode()
    row = connection.execute(select(*_COLUMNS).where(tables.jobs.c.id == asked)).mappings().first()
    if row is None:
        raise NotFound(f"There is no job '{asked[:40]}': `auricle jobs` lists them.")
    return _job(row)


def _job(row: RowMapping) -> Job:
    return Job.model_validate(dict(row))
