"""For programs in Python: a Work handle that tells its progress and can be cancelled, and the tools awaited."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

from auricle.errors import Cancelled
from tools.work import PERSON, Quiet

Given = ParamSpec("Given")
Result = TypeVar("Result")

OnProgress = Callable[[float, float, str], None]
"""Told how much is done, of how much (0 where nobody knows), and what is being done."""


class Watching(Quiet):
    """A Work handle for any tool and for ``ask``.

    Args:
        on_progress: Called in the thread that works.
        patience: Seconds after which a tool raises ``StillWorking`` with its job; None waits to the end.
        priority: The highest goes first.

    Example: ``toolbox.transcribe(call, work=Watching(lambda done, total, note: print(note, done, total)))``
    """

    def __init__(
        self, on_progress: OnProgress | None = None, *, patience: float | None = None, priority: int = PERSON
    ) -> None:
        super().__init__(patience, priority)
        self._on_progress = on_progress
        self._cancelled = threading.Event()

    def cancel(self) -> None:
        """Stops the work as soon as it looks; what it has finished is kept. From any thread."""
        self._cancelled.set()

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        if self._on_progress is not None:
            self._on_progress(done, total, note)

    def check_cancelled(self) -> None:
        if self._cancelled.is_set():
            raise Cancelled("Stopped by the program; what was finished is kept.")


async def in_thread(call: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Result:
    """Awaits a tool, or ``ask``, without holding up the loop. Where the task is cancelled, so is the work.

    Args:
        call: A tool of a ``Toolbox``, or ``ask``; its other arguments follow. ``work``, where given, is a ``Watching``.

    Example: ``found = await in_thread(toolbox.transcribe, call, language="en")``
    """
    given: Any = dict(kwargs)
    work = given.setdefault("work", Watching())
    working = asyncio.ensure_future(asyncio.to_thread(call, *args, **given))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        if isinstance(work, Watching):
            work.cancel()
        with contextlib.suppress(Exception):  # what came of it is nobody's any more
            await working
        raise
