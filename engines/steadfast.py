"""Asking an LLM server again: when it is busy, and once when it broke off before anything was shown."""

import time
from collections.abc import Callable

from tenacity import RetryCallState, Retrying

from auricle.errors import AuricleError
from engines.protocols import OnText, Reply

_BUSY_ATTEMPTS = 4
_BROKEN_ATTEMPTS = 2
_LONGEST_WAIT = 20.0
"""Seconds between two attempts, whatever the server asks for."""


class Passing(Exception):
    """A failure that may be over in a moment.

    Args:
        error: What to say where it is not.
        busy: The server asked to come back later; else it broke off.
        after: Seconds that it asked to wait for.
    """

    def __init__(self, error: AuricleError, *, busy: bool = False, after: float | None = None) -> None:
        super().__init__(error.message)
        self.error, self.busy, self.after = error, busy, after


def steadfast(turn: Callable[[OnText], Reply], on_text: OnText | None) -> Reply:
    """Takes a turn, and takes it again where that helps: never after words were shown, which would come twice.

    Args:
        turn: Asks the server; told where the words go. Raises ``Passing``.
        on_text: Where they go from there.

    Raises:
        AuricleError: What ``turn`` raises, or ``Passing`` says.
    """
    shown: list[str] = []

    def show(piece: str) -> None:
        if on_text is not None:
            shown.append(piece)
            on_text(piece)

    def again(state: RetryCallState) -> bool:
        error = state.outcome.exception() if state.outcome else None
        if not isinstance(error, Passing) or shown:
            return False
        return state.attempt_number < (_BUSY_ATTEMPTS if error.busy else _BROKEN_ATTEMPTS)

    try:
        return Retrying(retry=again, wait=_wait, sleep=lambda seconds: time.sleep(seconds))(turn, show)
    except Passing as passing:
        raise passing.error from passing.__cause__


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else 1, 2, 4 seconds."""
    error = state.outcome.exception() if state.outcome else None
    after = error.after if isinstance(error, Passing) else None
    return min(_LONGEST_WAIT, after if after is not None else 2.0 ** (state.attempt_number - 1))
