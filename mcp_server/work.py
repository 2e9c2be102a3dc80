"""The Work handle of an MCP call: progress notifications, cancelling, and a bounded wait."""

import threading
import time
from collections.abc import Callable, Sequence

import anyio.from_thread
from mcp.server.mcpserver import Context

from auricle.errors import Cancelled
from auricle.times import clock
from mcp_server.asking import Person
from tools.estimating import Estimate
from tools.work import PERSON

SECONDS_BETWEEN = 0.25
"""Progress is told at most this often."""


Patience = Callable[[], float]
"""Seconds until a call answers with a job handle; none are left once the server is about to end."""


class CallWork:
    """What a tool's thread knows of the client that called it.

    Args:
        context: The call's context.
        patience: Asked again and again while the call waits.
        person: Whoever sits at the client; nobody where left out.
        now: A clock, in seconds.
    """

    def __init__(
        self,
        context: Context,
        patience: Patience,
        person: Person | None = None,
        *,
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._patience = patience
        self.priority = PERSON
        self._context = context
        self._person = person or Person()
        self._cancelled = threading.Event()
        self._now = now
        self._estimate = Estimate(now)
        self._before = self._last = self._told = 0.0
        self._told_at: float | None = None

    @property
    def patience(self) -> float | None:
        return self._patience()

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        """Sends a progress notification; what it says only grows, also where a second stage begins at zero."""
        self.check_cancelled()
        estimated = self._estimate.left(done, total)
        left = estimated if left is None else left
        if left is not None and done < total:
            note = f"{note}, about {clock(left)} left"
        if done < self._last:
            self._before += self._last
        self._last = done
        progress = self._before + done
        now = self._now()
        finished = bool(total) and done >= total
        if progress <= self._told and self._told_at is not None:
            return
        if self._told_at is not None and now - self._told_at < SECONDS_BETWEEN and not finished:
            return
        self._told, self._told_at = progress, now
        anyio.from_thread.run(self._context.report_progress, progress, self._before + total if total else None, note)

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled("The client cancelled the call. What was finished is kept: call again to go on.")

    def between_pieces(self) -> None:
        self.check_cancelled()

    def cancel(self) -> None:
        """Tells the tool's thread that nobody waits any more."""
        self._cancelled.set()

    def confirm(self, question: str) -> bool:
        return self._person.confirm(question)

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return self._person.choose(question, choices)
