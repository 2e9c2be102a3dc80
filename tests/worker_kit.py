"""What tests of the worker and of those who wait for it share."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tools.work import PERSON, Quiet

SCRIPT = Path(__file__).with_name("worker_with_fakes.py")
BOUND = 60
"""Seconds after which a test has failed; nothing here is expected to take them."""


def until(holds: Callable[[], Any]) -> None:
    """Waits for something to come to pass."""
    deadline = time.monotonic() + BOUND
    while not holds():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.02)


def listening(home: Path) -> list[int]:
    """The process that heard, for each piece begun."""
    file = home / "heard"
    return [int(line) for line in file.read_text().split()] if file.exists() else []


class Watching(Quiet):
    """Keeps the reports; raises ``stop`` once so many pieces have begun."""

    def __init__(
        self, stop: BaseException | None = None, home: Path = Path(), pieces: int = 2, priority: int = PERSON
    ) -> None:
        super().__init__(priority=priority)
        self.stop, self.home, self.pieces = stop, home, pieces
        self.reports = list[tuple[float, float, str]]()
        self.left = list[float | None]()

    @property
    def notes(self) -> set[str]:
        return {note for _, _, note in self.reports}

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        self.reports.append((done, total, note))
        self.left.append(left)

    def check_cancelled(self) -> None:
        if self.stop and len(listening(self.home)) >= self.pieces:
            raise self.stop
