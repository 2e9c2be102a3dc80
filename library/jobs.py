"""Heavy work as rows: where faces and the worker meet."""

import time
from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from auricle.domain import Job
from auricle.errors import NotFound, WorkerDied
from library import tables
from library.database import Database
from library.ids import new_id

MOST_ATTEMPTS = 3
"""A job that took so many workers down with it is given up."""

_COLUMNS = tuple(column for column in tables.jobs.c if column.name not in {"seq", "key", "settings", "priority"})
_LIVE = ("queued", "running")
_KEEP_SECONDS = 30 * 86_400
_LISTED = 100


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
    ) -> Job:
        """Queues work, or joins the same work that is already queued or running.

        Args:
            args: JSON; what the handler of ``kind`` takes.
            key: The same for the same work.
            priority: The highest goes first.
            settings: JSON; what the worker must have in force.
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
            "note": "",
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
                return _job(shared)
            if shared is not None:
                row["key"] = f"{key}+{row['id']}"
            connection.execute(insert(tables.jobs).values(row))
            return _one(connection, str(row["id"]))

    def get(self, job: str) -> Job:
        """Raises NotFound where there is no job of this id."""
        with self._database.read() as connection:
            return _one(connection, job)

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
            _set(connection, job, _in("queued"), state="running", worker_pid=pid, started=time.time())
            return _one(connection, job)

    def progress(self, job: str, done: float, total: float, note: str) -> None:
        with self._database.write() as connection:
            _set(connection, job, _in("running"), done=done, total=total, note=note)

    def finish(self, job: str, result: Mapping[str, object]) -> None:
        with self._database.write() as connection:
            values = {"state": "done", "done": tables.jobs.c.total, "result": dict(result), "finished": time.time()}
            _set(connection, job, _in("running"), **values)

    def fail(self, job: str, error: Mapping[str, str]) -> None:
        """Ends a job with ``AuricleError.as_dict()``."""
        with self._database.write() as connection:
            _set(connection, job, _in(*_LIVE), state="failed", error=dict(error), finished=time.time())

    def cancel(self, job: str) -> Job:
        """Asks a running job to stop; a queued one is cancelled at once, one that has ended stays as it is."""
        with self._database.write() as connection:
            _one(connection, job)
            _set(connection, job, _in("queued"), state="cancelled", cancel_requested=True, finished=time.time())
            _set(connection, job, _in("running"), cancel_requested=True)
            return _one(connection, job)

    def cancelled(self, job: str) -> None:
        """Marks it: it has stopped because it was asked to."""
        with self._database.write() as connection:
            _set(connection, job, _in(*_LIVE), state="cancelled", cancel_requested=True, finished=time.time())

    def requeue(self, job: str) -> None:
        """Gives a running job back: its worker leaves in good order."""
        with self._database.write() as connection:
            _set(connection, job, _in("running"), state="queued", worker_pid=None)

    def requeue_orphans(self) -> None:
        """Gives back what a dead worker left running. Only for whoever holds the worker's lock.

        What somebody was cancelling is cancelled; what took three workers down has failed.
        """
        running = select(tables.jobs.c.id, tables.jobs.c.attempts, tables.jobs.c.cancel_requested).where(_in("running"))
        with self._database.write() as connection:
            for job, attempts, cancel_requested in connection.execute(running).all():
                if cancel_requested:
                    _set(connection, job, state="cancelled", finished=time.time())
                elif attempts + 1 >= MOST_ATTEMPTS:
                    error = WorkerDied(
                        f"The worker died {MOST_ATTEMPTS} times over job {job}, likely out of memory: "
                        "close other programs or choose a smaller model, then try again; worker.log says more."
                    )
                    _set(
                        connection, job, state="failed", error=error.as_dict(), attempts=attempts + 1,
                        finished=time.time(),
                    )  # fmt: skip
                else:
                    _set(connection, job, state="queued", attempts=attempts + 1, worker_pid=None)

    def forget(self, job: str) -> None:
        """Drops a job that has ended."""
        with self._database.write() as connection:
            connection.execute(tables.jobs.delete().where(tables.jobs.c.id == job, ~_in(*_LIVE)))

    def prune(self) -> None:
        """Drops what ended a month ago."""
        with self._database.write() as connection:
            connection.execute(tables.jobs.delete().where(tables.jobs.c.finished < time.time() - _KEEP_SECONDS))


def _in(*states: str) -> ColumnElement[bool]:
    return tables.jobs.c.state.in_(states)


def _set(connection: Connection, job: str, *conditions: ColumnElement[bool], **values: object) -> None:
    connection.execute(update(tables.jobs).where(tables.jobs.c.id == job, *conditions).values(**values))


def _one(connection: Connection, job: str) -> Job:
    # A lone surrogate is no text to SQLite.
    asked = job.encode("utf-8", "replace").decode()
    row = connection.execute(select(*_COLUMNS).where(tables.jobs.c.id == asked)).mappings().first()
    if row is None:
        raise NotFound(f"There is no job '{asked[:40]}': `auricle jobs` lists them.")
    return _job(row)


def _job(row: RowMapping) -> Job:
    return Job.model_validate(dict(row))
