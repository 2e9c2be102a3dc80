"""Stopping at once: LangGraph and LLM servers would be waited for, so work runs in a thread that is told to stop."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Protocol, TypeVar, runtime_checkable

from auricle.errors import Cancelled
from tools.work import Handed, Work

Result = TypeVar("Result")

_STOPS_WITHIN = 5.0
"""Seconds for a running job to be cancelled."""


def run_stoppable(carry_out: Callable[[], Result], stop: threading.Event) -> Result:
    """Runs in a thread of its own, so that Ctrl-C is noticed at once; ``stop`` is set where it does not end itself."""
    future: Future[Result] = Future()

    def carry() -> None:
        try:
            future.set_result(carry_out())
        except BaseException as error:
            future.set_exception(error)

    thread = threading.Thread(target=carry, name="ask", daemon=True)
    thread.start()
    try:
        return future.result()
    except BaseException:
        stop.set()
        thread.join(_STOPS_WITHIN)  # a job is cancelled on the way out; a server that does not answer is left
        raise


@runtime_checkable
class AsksAside(Protocol):
    """Who asks at a terminal must stop reading when the answer is given up: here it is asked beside the main thread."""

    def choose_until(self, check: Callable[[], None], question: str, choices: Sequence[str]) -> str | None:
        """As ``Work.choose``; ``check`` raises once nobody wants to know any more."""
        ...


class Stoppable(Handed):
    """Somebody's work that also stops on an event."""

    def __init__(self, work: Work, stop: threading.Event) -> None:
        super().__init__(work)
        self._stop = stop

    def check_cancelled(self) -> None:
        if self._stop.is_set():
            raise Cancelled("Stopped: what was heard until then is kept.")
        super().check_cancelled()

    def between_pieces(self) -> None:
        self.check_cancelled()
        super().between_pieces()

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        if isinstance(self._work, AsksAside):
            return self._work.choose_until(self.check_cancelled, question, choices)
        return super().choose(question, choices)
