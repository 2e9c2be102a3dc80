"""Weights that are fetched in the middle of a job: whoever waits for it sees how far that is, and can leave."""

import logging
from collections.abc import Callable

from engines.sources import Report
from tools.work import Work

MEGABYTE = 1e6

_log = logging.getLogger(__name__)


def fetching(work: Callable[[], Work | None]) -> Report:
    """Tells a pull to the work that is being done when it happens; progress is in megabytes.

    Args:
        work: Says whose it is; None while it is nobody's.
    """

    def tell(done: float, total: float, note: str) -> None:
        current = work()
        if current is not None:
            current.report(done / MEGABYTE, total / MEGABYTE, note)
            current.check_cancelled()

    def say(line: str) -> None:
        _log.info(line)
        tell(0, 0, line)

    return Report(say=say, progress=lambda name, done, total: tell(done, total, f"fetching {name}"))
