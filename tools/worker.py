"""The one worker process of a home: it has the engines and does the jobs, one after the other.

``python -m tools.worker`` holds ``worker.lock`` for as long as it lives; its death lets go of it. It leaves by itself
after idling, on SIGTERM, and when its home is gone. What it has to say is in ``worker.log``.
"""

import logging
import os
import signal
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from auricle.domain import Job
from auricle.errors import AuricleError, Cancelled, NotFound, WorkError
from auricle.settings import Settings
from engines.protocols import Engines
from engines.sources import Report
from library import Library
from library.jobs import Requests
from tools.estimating import Estimate
from tools.fetching import fetching
from tools.work import PERSON

LOCK = "worker.lock"
PID = "worker.pid"
LOG = "worker.log"

_POLL_SECONDS = 0.1
_REPORT_SECONDS = 0.2
_CHECK_SECONDS = 0.2
_TEXT_SECONDS = 0.15
"""Apart at least, so that writing rows does not become the work."""
_LOCK_SECONDS = 1.0
"""Faces hold the lock for a moment to see whether anybody has it; a second worker waits no longer than this."""
_LONGEST_LOG = 5_000_000

_log = logging.getLogger("auricle.worker")


class _Leave(BaseException):
    """The worker has to go now: SIGTERM, or its home is gone."""


class _MakeWay(BaseException):
    """The job is left between two pieces: it is to pause, or a more urgent one waits."""


class _Watched:
    """The work of a job: reports and requests pass through its row."""

    patience: float | None = None
    priority = PERSON

    def __init__(self, library: Library, job: Job, at_home: Callable[[], bool]) -> None:
        self._library, self._job, self._at_home = library, job, at_home
        self._estimate = Estimate()
        self._reported = self._checked = float("-inf")
        self._note = ""
        self._unwritten: tuple[float, float, str, float | None] | None = None
        self._kept = False
        self._text, self._told = "", float("-inf")

    def on_text(self, piece: str) -> None:
        """An LLM's words so far, for the face that waits for them."""
        self._text += piece
        if time.monotonic() - self._told >= _TEXT_SECONDS:
            self._library.jobs.so_far(self._job.id, {"text": self._text})
            self._told = time.monotonic()

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        self._unwritten = (done, total, note, self._estimate.left(done, total))
        # A new note may come early, but never so often that writing rows becomes the work.
        apart = _REPORT_SECONDS if note == self._note else _REPORT_SECONDS / 2
        if time.monotonic() - self._reported >= apart:
            self._write()

    def check_cancelled(self) -> None:
        if time.monotonic() - self._checked >= _CHECK_SECONDS:
            self._requests()

    def between_pieces(self) -> None:
        requests = self._requests()
        self._write()
        if not self._kept:
            self._library.jobs.committed(self._job.id)
            self._kept = True
        if requests.pause or requests.make_way:
            raise _MakeWay

    def _write(self) -> None:
        if self._unwritten is not None:
            self._library.jobs.progress(self._job.id, *self._unwritten)
            self._reported, self._note, self._unwritten = time.monotonic(), self._unwritten[2], None

    def _requests(self) -> Requests:
        self._checked = time.monotonic()
        if not self._at_home():
            raise _Leave
        try:
            requests = self._library.jobs.requests(self._job.id)
        except NotFound:  # its recording was removed, and the job with it
            requests = Requests(cancel=True, pause=False, make_way=False)
        if requests.cancel:
            raise Cancelled(f"Job {self._job.id} was cancelled: what it heard until then is kept.")
        return requests

    def confirm(self, question: str) -> bool:
        return False

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return None


class Worker:
    """Does jobs until there is nothing to do.

    Args:
        settings: Whose home, and how long to idle. A job's own settings take the place of these while it runs.
        build: Makes the engines for settings, telling how far it is when it fetches weights.
    """

    def __init__(self, settings: Settings, build: Callable[[Settings, Report], Engines]) -> None:
        self._settings, self._build = settings, build
        self._library = Library(settings.home)
        self._lock_file = settings.home / LOCK
        self._identity = _inode(self._lock_file)
        self._made: tuple[dict[str, Any], Engines, Settings] | None = None
        self._work: _Watched | None = None

    def run(self) -> None:
        jobs = self._library.jobs
        jobs.requeue_orphans()
        jobs.prune()
        idle_since = time.monotonic()
        while self._at_home() and time.monotonic() - idle_since < self._settings.idle_seconds:
            job = jobs.claim(os.getpid()) if jobs.waiting() else None
            if job is None:
                time.sleep(_POLL_SECONDS)
                continue
            self._do(job)
            idle_since = time.monotonic()

    def close(self) -> None:
        self._library.close()

    def _do(self, job: Job) -> None:
        from tools.context import Context
        from tools.handlers import handle

        jobs = self._library.jobs
        self._work = work = _Watched(self._library, job, self._at_home)
        _log.info("job %s (%s) begins", job.id, job.kind)
        try:
            engines, settings = self._engines(jobs.settings(job.id))
            work.check_cancelled()
            result = handle(Context(self._library, engines, settings, work.on_text), job.kind, dict(job.args), work)
        except Cancelled:
            jobs.cancelled(job.id)
        except _MakeWay:
            jobs.requeue(job.id, "waiting: something more urgent goes first")
        except _Leave:
            if self._at_home():
                jobs.requeue(job.id)
            raise
        except AuricleError as error:
            _log.warning("job %s failed: %s", job.id, error.message)
            jobs.fail(job.id, error.as_dict())
        except Exception as error:
            _log.exception("job %s failed", job.id)
            jobs.fail(job.id, _unexpected(job, error, self._settings.home / LOG).as_dict())
        else:
            jobs.finish(job.id, result)
        if job.kind == "load":  # nobody has asked for it
            jobs.forget(job.id, "")
        _log.info("job %s ends", job.id)

    def _engines(self, wanted: dict[str, Any]) -> tuple[Engines, Settings]:
        """The engines for a job's settings; those of other settings go, since memory holds one set."""
        if self._made is None or self._made[0] != wanted:
            if self._made is not None:
                self._made[1].close()
            self._made = None
            settings = self._settings.model_copy(
                update={key: Path(value) if key == "models" else value for key, value in wanted.items()}
            )
            self._made = wanted, self._build(settings, fetching(lambda: self._work)), settings
        return self._made[1], self._made[2]

    def _at_home(self) -> bool:
        return _inode(self._lock_file) == self._identity is not None


def main(settings: Settings | None = None, engines: Engines | None = None) -> int:
    """Runs the worker of a home until it leaves.

    Args:
        settings: Those of the environment where absent.
        engines: Fakes, in tests.

    Returns:
        0 when it left in good order, 1 when the library cannot be used, 3 when the home has a worker already.
    """
    settings = settings or Settings()
    if not settings.home.is_dir():
        return 0  # it went while this process started: there is nobody to work for
    _detach(settings.home)
    _set_threads()
    lock = FileLock(settings.home / LOCK)
    try:
        lock.acquire(timeout=_LOCK_SECONDS, poll_interval=0.02)
    except Timeout:
        _log.info("%d: this home has a worker already", os.getpid())
        return 3
    try:
        signal.signal(signal.SIGTERM, _on_term)
        _write_pid(settings.home / PID)
        worker = Worker(settings, (lambda *_: engines) if engines else _build)
        try:
            worker.run()
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            worker.close()
    except _Leave:
        _log.info("%d leaves as asked", os.getpid())
    except AuricleError as error:
        _log.error("%d cannot go on: %s", os.getpid(), error.message)
        return 1
    finally:
        (settings.home / PID).unlink(missing_ok=True)
        lock.release()
    return 0


def _build(settings: Settings, report: Report) -> Engines:
    from engines.build import build

    return build(settings, report)


def _write_pid(file: Path) -> None:
    """At once or not at all: half a number would be another process."""
    part = file.with_name(f"{PID}.part")
    part.write_text(str(os.getpid()))
    part.replace(file)


def _on_term(_signal: int, _frame: object) -> None:
    raise _Leave


def _detach(home: Path) -> None:
    """Lets go of the face's terminal: Ctrl-C there is the face's to handle, and nothing is printed into it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = home / LOG
    fresh = log.exists() and log.stat().st_size > _LONGEST_LOG
    out = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | (os.O_TRUNC if fresh else 0), 0o600)
    nothing = os.open(os.devnull, os.O_RDONLY)
    sys.stdout.flush()
    sys.stderr.flush()
    os.dup2(nothing, 0)
    os.dup2(out, 1)
    os.dup2(out, 2)
    os.close(out)
    os.close(nothing)
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(message)s", force=True)


def _set_threads() -> None:
    """As many threads as this process may use cores, before any engine asks the machine instead."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    os.environ.setdefault("OMP_NUM_THREADS", str(cores))
    # Threads that wait by spinning take the cores from the engines beside them.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")


def _inode(path: Path) -> int | None:
    try:
        return path.stat().st_ino
    except OSError:
        return None


def _unexpected(job: Job, error: Exception, log: Path) -> WorkError:
    return WorkError(
        f"The work '{job.kind}' failed unexpectedly ({type(error).__name__}: {error}): try again, {log} says more."
    )


if __name__ == "__main__":
    sys.exit(main())
