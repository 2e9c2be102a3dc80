"""The handle a face gives a tool: progress, cancelling, a person's word, and how long to wait."""

import time
from collections.abc import Callable, Sequence
from typing import Protocol

from auricle.domain import Job

BRIEF = 20
"""The priority of what takes little beside listening, as decoding does: listening makes way for it."""

PERSON = 10
"""The priority of what somebody waits for."""

BATCH = 0
"""The priority of scripts over many recordings."""


class Work(Protocol):
    """What a tool knows of whoever asked. No LLM and no schema sees it.

    Attributes:
        patience: Seconds the face waits for a job before it takes a handle instead; None waits to the end.
        priority: The highest goes first: ``BRIEF``, ``PERSON`` or ``BATCH``.
    """

    priority: int

    @property
    def patience(self) -> float | None: ...

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        """Tells how far the work is.

        Args:
            done: So much of ``total``; 0 while it has not begun, as while a model loads.
            total: The amount of work, in something that grows with the time it takes; 0 where nobody knows.
            note: What is being done.
            left: Seconds until the end, where somebody has estimated them.
        """
        ...

    def check_cancelled(self) -> None:
        """Raises ``Cancelled`` once somebody has asked to stop."""
        ...

    def between_pieces(self) -> None:
        """Called where work can be left without loss. Raises to make way or to pause."""
        ...

    def confirm(self, question: str) -> bool:
        """A person's yes to something that cannot be undone. Asked before anything is changed, like ``choose``."""
        ...

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        """What a person says where nothing else decides.

        Returns:
            One of the choices; empty where they do not know; None where nobody can be asked.
        """
        ...


class Quiet:
    """Nobody watches: no reports, never cancelled, and no yes."""

    def __init__(self, patience: float | None = None, priority: int = PERSON) -> None:
        self.patience, self.priority = patience, priority

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        """Nobody to tell."""

    def check_cancelled(self) -> None:
        """Nobody to cancel."""

    def between_pieces(self) -> None:
        """Nobody to make way for."""

    def confirm(self, question: str) -> bool:
        return False

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return None


class StillWorking(Exception):  # an outcome, not an error: the work goes on
    """The face's patience is over and the job goes on; ``job`` is the handle to it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.id} is still working")
        self.job = job


class OutOfPatience(Exception):  # an outcome, not an error
    """What was begun here takes longer than the face waits."""


class Handed:
    """Somebody's work, handed on: everything reaches them. What stands in between says so in a class of its own.

    Args:
        work: Whose; its patience is told.
    """

    def __init__(self, work: Work) -> None:
        self._work = work
        self.priority = work.priority

    @property
    def patience(self) -> float | None:
        """The work's own, which may end early."""
        return self._work.patience

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        self._work.report(done, total, note, left=left)

    def check_cancelled(self) -> None:
        self._work.check_cancelled()

    def between_pieces(self) -> None:
        self._work.between_pieces()

    def confirm(self, question: str) -> bool:
        return self._work.confirm(question)

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return self._work.choose(question, choices)


class Bounded(Handed):
    """Somebody's work, until their patience is over.

    Args:
        work: Whose.
        now: A clock, in seconds.
    """

    def __init__(self, work: Work, now: Callable[[], float] = time.monotonic) -> None:
        super().__init__(work)
        self._now, self._began = now, now()

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        super().report(done, total, note, left=left)
        self.check_cancelled()

    def check_cancelled(self) -> None:
        super().check_cancelled()
        if self.patience is not None and self._now() - self._began >= self.patience:
            raise OutOfPatience

    def between_pieces(self) -> None:
        super().between_pieces()
        self.check_cancelled()
