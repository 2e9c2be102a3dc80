"""How long work takes yet."""

import time
from collections.abc import Callable

_SECONDS, _SHARE = 1.5, 0.02
"""What has to be seen of a stage, one or the other, before anything is said of the rest."""


class Estimate:
    """Tells from reports of progress how many seconds are left of the stage they belong to.

    A stage lasts until its total changes or it begins again. Its speed is the mean one since something was done of
    it: before that a model loads.

    Args:
        now: A clock, in seconds, that nobody sets.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._total = self._done = self._from = self._began = 0.0

    def left(self, done: float, total: float) -> float | None:
        """Seconds until all of ``total`` is done; None while that cannot be told."""
        now = self._now()
        if total != self._total or done < self._done or self._from <= 0:
            self._total, self._from, self._began = total, done, now
        self._done = done
        seconds, gained = now - self._began, done - self._from
        if total <= 0 or gained <= 0 or (seconds < _SECONDS and gained < _SHARE * total):
            return None
        return seconds / gained * max(0.0, total - done)
