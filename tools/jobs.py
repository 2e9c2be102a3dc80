"""How heavy work gets done for a face: by the home's one worker, or here."""

import contextlib
import hashlib
import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from auricle.domain import Job
from auricle.errors import Cancelled, LibraryError, NotFound, WorkerDied, error_from_dict
from auricle.settings import Settings
from engines.manifest import anchored
from engines.protocols import Engines, OnText
from library import Library
from tools.context import Context
from tools.fetching import fetching
from tools.growing import Growing
from tools.handlers import handle, recall
from tools.work import BRIEF, Bounded, OutOfPatience, StillWorking, Work
from tools.worker import LOG
from tools.worker_process import KILL, kill_worker, start_worker, worker_alive, worker_pid

_OF_ENGINES = (
    "models", "device", "offline", "piece_seconds", "quality", "whisper", "beam_size", "segmentation", "embedding",
    "speaker_threshold", "context_tokens", "llm_timeout",
)  # fmt: skip
"""The settings that change what the worker does: they go with each job, since its worker may have others."""
_OF_FILES = ("whisper", "segmentation", "embedding")

_FIRST_POLL, _LAST_POLL = 0.05, 0.2
_LOOK_SECONDS = 1.0
_GRACE_SECONDS = 2.0
_TO_SEE_IT_START = 0.5
_MOST_FAILURES = 3
_KILLED = 0.1
"""A worker that was killed while it started fails to start a little: whoever kills may kill the next one too."""

_starting = threading.Lock()
_started: "dict[Path, subprocess.Popen[bytes]]" = {}
"""The worker that this process started for a home; it takes a moment until it holds the lock."""


class Jobs:
    """Runs heavy work and tells the face how far it is.

    Args:
        library: Where jobs are rows.
        settings: What to work with.
        engines: These, in this process, instead of the worker's.
        command: What starts a worker, instead of ``python -m tools.worker``; tests start one with fakes.
    """

    def __init__(
        self,
        library: Library,
        settings: Settings,
        engines: Engines | None = None,
        command: Sequence[str] | None = None,
    ) -> None:
        self._library, self._settings, self._engines = library, settings, engines
        self._inline = engines is not None or settings.worker == "inline"
        self._command = tuple(command or (sys.executable, "-P", "-m", "tools.worker"))
        self._one = threading.Lock()
        self._work: Work | None = None

    def run(
        self,
        kind: str,
        args: dict[str, Any],
        work: Work,
        priority: int | None = None,
        on_text: OnText | None = None,
        patience: float | None = None,
    ) -> dict[str, Any]:
        """Does the work, or joins the same work that is going on.

        Args:
            kind: One of ``tools.handlers.HANDLERS``.
            args: What its handler takes; JSON.
            priority: The highest goes first; the work's own where left out.
            on_text: Told the words of an LLM as they come.
            patience: Seconds to wait, where the work's own are used up.

        Returns:
            The handler's result.

        Raises:
            StillWorking: The face's patience is over; the job goes on.
            Cancelled: The face asked to stop.
            WorkerDied: The work took the worker down, again and again.
            AuricleError: As the handler says.
        """
        if self._inline:
            return self._run_here(kind, args, work, on_text)
        known = recall(self._context(), kind, args)
        if known is not None:
            return known
        urgency = work.priority if priority is None else priority
        asker = _new_asker()
        wanted = _engine_settings(self._settings)
        job = self._library.jobs.submit(kind, args, self._key(kind, args), urgency, wanted, asker)
        try:
            return self._attend(job.id, asker, work, patience, on_text)
        finally:
            if kind == "chat":  # what was said to the LLM is nobody else's to read
                self._library.jobs.forget(job.id, asker)

    @property
    def embedding_model(self) -> str:
        """The identity of the model that voiceprints are made with; needs no weights."""
        return self._context().engines.embedder().identity

    def prepare(self, kind: str, args: dict[str, Any], priority: int) -> None:
        """Lets the worker begin with what will be wanted in a moment. Nobody waits for it, nothing is kept of it."""
        if not self._inline:
            wanted = _engine_settings(self._settings)
            self._library.jobs.submit(kind, args, self._key(kind, args), priority, wanted)
            self.ensure_worker()

    def briefly(
        self,
        kind: str,
        args: dict[str, Any],
        work: Work,
        holds: Callable[[dict[str, Any]], bool] = lambda _: False,
    ) -> dict[str, Any]:
        """Does work that needs no engine in this process; what outlasts the face's patience goes on in the worker.

        Most recordings are decoded and cut in less time than a worker takes to start.

        Args:
            kind, args: As ``run`` takes them.
            holds: Whether the result of such a job that is done is still true.

        Raises:
            StillWorking, Cancelled, WorkerDied, AuricleError: As ``run`` does.
        """
        if self._inline or work.patience is None:
            return handle(self._context(), kind, args, work)
        earlier = self._library.jobs.latest(self._key(kind, args))
        if earlier is not None and earlier.state in ("queued", "running", "paused"):
            return self.run(kind, args, work, BRIEF)
        if earlier is not None and earlier.state == "done" and earlier.result is not None and holds(earlier.result):
            return earlier.result
        try:
            return handle(self._context(), kind, args, Bounded(work))
        except OutOfPatience:
            return self.run(kind, args, work, BRIEF, patience=_TO_SEE_IT_START)

    def _key(self, kind: str, args: dict[str, Any]) -> str:
        """The same for the same work."""
        parts = [kind, args, _engine_settings(self._settings)]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def _context(self, on_text: OnText | None = None) -> Context:
        return Context(self._library, self._built(), self._settings, on_text or (lambda _: None))

    def wait(self, job: str, work: Work) -> dict[str, Any]:
        """Waits for a job with a living worker, as ``run`` does.

        Raises:
            NotFound: There is no such job.
        """
        asker = _new_asker()
        self._library.jobs.ask(job, asker)
        return self._attend(job, asker, work)

    def cancel(self, job: str) -> Job:
        """Asks a job to stop, whoever waits for it; if it has not within two seconds, its worker is ended.

        Raises:
            NotFound: There is no such job.
        """
        return self._stopped(self._library.jobs.cancel(job))

    def pause(self, job: str) -> Job:
        """Lets a job rest: at once, or after the piece that is being heard. It stays paused until it is resumed.

        Raises:
            NotFound: There is no such job.
        """
        return self._library.jobs.pause(job)

    def resume(self, job: str) -> Job:
        """Goes on with a job that was paused, or that waits while no worker lives.

        Raises:
            NotFound: There is no such job.
        """
        row = self._library.jobs.resume(job)
        if row.state in ("queued", "running"):
            self.ensure_worker()
        return row

    def _attend(
        self, job: str, asker: str, work: Work, patience: float | None = None, on_text: OnText | None = None
    ) -> dict[str, Any]:
        """Waits for a job, and tells it when the wait is over."""
        try:
            return self._wait(job, asker, work, patience, on_text)
        except StillWorking:
            self._library.jobs.take_handle(job, asker)
            raise
        except (Cancelled, KeyboardInterrupt):
            self._withdraw(job, asker)
            raise

    def _withdraw(self, job: str, asker: str) -> None:
        try:
            row = self._library.jobs.leave(job, asker)
        except NotFound:  # its recording was removed, and the job with it
            return
        if row.state in ("queued", "running", "paused") and not row.cancel_requested:
            raise Cancelled(f"Job {job} goes on, somebody else wants it too: `auricle jobs cancel {job}` stops it.")
        self._stopped(row)

    def _stopped(self, row: Job) -> Job:
        """Waits until a cancelled job has stopped, and sees to it."""
        job = row.id
        try:
            deadline = time.monotonic() + _GRACE_SECONDS
            while row.state == "running" and time.monotonic() < deadline and worker_alive(self._library.home):
                time.sleep(_FIRST_POLL)
                row = self._library.jobs.get(job)
        except KeyboardInterrupt:
            pass  # asked twice: not waiting for it any more
        row = self._library.jobs.get(job)
        if row.state == "running":
            pid = worker_pid(self._library.home)
            if pid is not None and pid == row.worker_pid and worker_alive(self._library.home):
                kill_worker(self._library.home, pid, _GRACE_SECONDS)
            self._library.jobs.cancelled(job)
            row = self._library.jobs.get(job)
        if self._library.jobs.waiting():
            self.ensure_worker()  # others' work goes on
        return row

    def ensure_worker(self) -> "subprocess.Popen[bytes] | None":
        """Starts a worker where none lives or is just starting; returns the process that this one started, if any."""
        home = self._library.home
        with _starting:
            started = _started.get(home)
            if started is not None and started.poll() is None:
                return started
            if worker_alive(home):
                return None
            _started[home] = start_worker(self._command, home, self._settings)
            return _started[home]

    def _run_here(self, kind: str, args: dict[str, Any], work: Work, on_text: OnText | None) -> dict[str, Any]:
        with self._one:  # engines are no friends of threads
            self._work = work
            work.check_cancelled()
            return handle(self._context(on_text), kind, args, work)

    def _built(self) -> Engines:
        """The engines, not loaded yet: inline they are what works, beside a worker they only know what they are."""
        if self._engines is None:
            from engines.build import build

            self._engines = build(self._settings, fetching(lambda: self._work))
        return self._engines

    def _wait(self, job: str, asker: str, work: Work, patience: float | None, on_text: OnText | None) -> dict[str, Any]:
        began = seen = time.monotonic()
        words = Growing(on_text) if on_text is not None else None
        worker, poll = _Worker(self), _FIRST_POLL
        told: Told | None = None
        while True:
            row = self._library.jobs.get(job)
            if words is not None and row.result is not None:
                words.tell(str(row.result.get("text", "")))
            if row.state == "done":
                return dict(row.result or {})
            if row.state == "failed":
                raise error_from_dict(row.error or {"code": "failed", "message": f"Job {job} failed."})
            if row.state == "cancelled":
                raise Cancelled(f"Job {job} was cancelled: what it heard until then is kept.")
            news = progress_of(row)
            if news != told:
                work.report(news.done, news.total, news.note, left=news.left)
                told = news
            work.check_cancelled()
            now = time.monotonic()
            limit = work.patience if patience is None else patience  # the work's own may end early
            if limit is not None and now - began >= limit:
                raise StillWorking(row)
            if row.state != "paused" and not worker.lives(row):
                error = WorkerDied(f"The worker does not start: {self._library.home / LOG} says why.")
                self._library.jobs.fail(job, error.as_dict())
            if now - seen >= _LOOK_SECONDS:
                seen = now
                with contextlib.suppress(LibraryError):  # a disk that is full now may not be when the job is done
                    self._library.jobs.ask(job, asker)
            time.sleep(poll)
            poll = min(_LAST_POLL, poll * 1.2)


class Told(NamedTuple):
    """What a face shows of a job."""

    done: float
    total: float
    note: str
    left: float | None


def progress_of(row: Job) -> Told:
    """How far a job is; one that waits says why, and no measure, since it is measured anew when it goes on."""
    if row.state == "paused":
        return Told(0, 0, f"paused: `auricle jobs resume {row.id}` goes on", None)
    if row.state == "queued":
        return Told(0, 0, row.note, None)
    return Told(row.done, row.total, row.note, row.seconds_left)


class _Worker:
    """Sees to it that a worker lives while somebody waits for a job."""

    def __init__(self, jobs: Jobs) -> None:
        self._jobs = jobs
        self._started: subprocess.Popen[bytes] | None = None
        self._claimed: int | None = None
        self._failures = 0.0
        self._looked = float("-inf")

    def lives(self, row: Job) -> bool:
        """Looks now and then, and starts one where there is none; False once they fail to start again and again."""
        if row.worker_pid not in (None, self._claimed):
            self._claimed, self._failures = row.worker_pid, 0.0  # a worker came as far as this job: it does start
        code = self._started.poll() if self._started is not None else None
        if code is not None:
            self._started = None
            self._failures += _KILLED if code == -KILL else 1.0
        elif time.monotonic() - self._looked < _LOOK_SECONDS:
            return True
        self._looked = time.monotonic()
        if self._failures < _MOST_FAILURES:
            self._started = self._jobs.ensure_worker()
        return self._failures < _MOST_FAILURES


def _new_asker() -> str:
    return secrets.token_hex(8)


def _engine_settings(settings: Settings) -> dict[str, Any]:
    wanted = settings.model_dump(mode="json", include=set(_OF_ENGINES))
    return wanted | {name: anchored(wanted[name]) for name in _OF_FILES}  # the worker stands elsewhere
