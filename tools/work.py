"""The handle a face gives a tool: progress, cancelling, a person's yes, and how long to wait."""

from typing import Protocol

from auricle.domain import Job

PERSON = 10
"""The priority of what somebody waits for."""

BATCH = 0
"""The priority of scripts over many recordings."""


class Work(Protocol):
    """What a tool knows of whoever asked. No LLM and no schema sees it.

    Attributes:
        patience: Seconds the face waits for a job before it takes a handle instead; None waits to the end.
        priority: The highest goes first: ``PERSON`` or ``BATCH``.
    """

    patience: float | None
    priority: int

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
        """A person's yes to something that cannot be undone."""
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


class StillWorking(Exception):  # an outcome, not an error: the work goes on
    """The face's patience is over and the job goes on; ``job`` is the handle to it."""

    def __init__(self, job: Job) -> None:
        super().__init__(f"job {job.id} is still working")
        self.job = job
