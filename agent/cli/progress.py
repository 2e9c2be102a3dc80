"""How far the work is, on stderr: a bar on a terminal, a line now and then elsewhere."""

import select
import sys
import threading
import time
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TaskID, TaskProgressColumn, TextColumn
from rich.text import Text

from auricle.times import clock
from engines.sources import size_text
from tools.estimating import Estimate
from tools.work import BATCH, PERSON

LINE_SHARE = 0.10
"""Without a terminal a new line comes after this share of the work …"""
LINE_SECONDS = 5.0
"""… or after this long, whichever comes first …"""
LINES_APART = 1.0
"""… but not sooner than this: seconds."""

LOOK_SECONDS = 0.2
"""Between two looks at whether the answer to a question is still waited for."""


class CommandLineWork:
    """The Work handle of a person at a command line: shows progress, asks for a yes, waits to the end.

    Args:
        yes: The person's yes was given beforehand (``--yes``).
        priority: ``PERSON``, or ``BATCH`` for what may take its time.
        now: A clock, in seconds; tests give their own.
    """

    patience: float | None = None

    def __init__(self, *, yes: bool = False, priority: int = PERSON, now: Callable[[], float] = time.monotonic) -> None:
        self.priority = priority
        self._yes = yes
        self._estimate = Estimate(now)
        self._meter = _Bar(now) if sys.stderr.isatty() else _Lines(now)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._meter.close()

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        self._show(done, total, note, left=left)

    def fetched(self, name: str, done: int, total: int) -> None:
        """Progress of weights, in bytes."""
        self._show(done, total, f"Fetching {name}", f"{size_text(done)} of {size_text(total)}")

    def verified(self, name: str, done: int, total: int) -> None:
        """Progress of hashing, in bytes."""
        self._show(done, total, f"Verifying {name}", f"{size_text(done)} of {size_text(total)}")

    def _show(self, done: float, total: float, note: str, detail: str = "", left: float | None = None) -> None:
        estimated = self._estimate.left(done, total)
        self._meter.show(done, total, note, detail, estimated if left is None else left)

    def say(self, line: str) -> None:
        """A line beside the progress."""
        self._meter.say(line)

    def rest(self) -> None:
        """Takes the progress away until there is some again."""
        self._meter.close()

    def check_cancelled(self) -> None:
        """Ctrl-C raises by itself."""

    def between_pieces(self) -> None:
        """There is nothing here to make way for."""

    def confirm(self, question: str) -> bool:
        if self._yes:
            return True
        return _at_a_terminal() and self._typed(f"{question} [y/N] ").lower() in ("y", "yes")

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return self.choose_until(self.check_cancelled, question, choices)

    def choose_until(self, check: Callable[[], None], question: str, choices: Sequence[str]) -> str | None:
        """The same beside the main thread, to which Ctrl-C goes: ``check`` raises once nobody waits for the answer."""
        if self.priority == BATCH or not _at_a_terminal():
            return None
        numbered = "".join(f"  {number} {choice}\n" for number, choice in enumerate(choices, 1))
        typed = self._typed(f"{question}\n{numbered}1 to {len(choices)}, or nothing if you do not know: ", check)
        return dict(zip(map(str, range(1, len(choices) + 1)), choices, strict=True)).get(typed, "")

    def _typed(self, question: str, check: Callable[[], None] = lambda: None) -> str:
        self._meter.close()
        sys.stderr.write(question)
        sys.stderr.flush()
        while threading.current_thread() is not threading.main_thread() and not _anything_typed():
            check()
        return sys.stdin.readline().strip()


def _at_a_terminal() -> bool:
    return sys.stdin.isatty() and sys.stderr.isatty()


def _anything_typed() -> bool:
    """Whether a line can be read, looked for a moment; where that cannot be told it is read at once."""
    return sys.platform == "win32" or bool(select.select([sys.stdin], [], [], LOOK_SECONDS)[0])


class _Stage:
    """Which piece of work reports belong to: the same until its size changes or it begins again.

    Notes change in the middle of one ("listening at 5:00 to 10:00").
    """

    def __init__(self) -> None:
        self._key: float | str | None = None
        self._done = 0.0

    def is_new(self, done: float, total: float, note: str) -> bool:
        key = total or note
        new = key != self._key or done < self._done
        self._key, self._done = key, done
        return new


class _Left(ProgressColumn):
    """The time that is left, counted down between two reports."""

    def __init__(self, now: Callable[[], float]) -> None:
        super().__init__()
        self._now = now

    def render(self, task: Task) -> Text:
        end: float | None = task.fields["end"]
        return Text("" if end is None else clock(max(0.0, end - self._now())), style="progress.remaining")


class _Bar:
    """A bar with the time that is left."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._console = Console(stderr=True, markup=False, highlight=False)
        self._progress: Progress | None = None
        self._task: TaskID | None = None
        self._stage = _Stage()

    def show(self, done: float, total: float, note: str, detail: str, left: float | None) -> None:
        if self._progress is None:
            self._progress = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TaskProgressColumn(),
                TextColumn("{task.fields[detail]}", markup=False),
                _Left(self._now),
                console=self._console,
                transient=True,
            )
            self._progress.start()
        if self._stage.is_new(done, total, note) or self._task is None:
            if self._task is not None:
                self._progress.remove_task(self._task)
            self._task = self._progress.add_task(note, total=total or None, detail=detail, end=None)
        end = None if left is None else self._now() + left
        self._progress.update(self._task, description=note, completed=done, detail=detail, end=end)

    def say(self, line: str) -> None:
        self._console.print(line, soft_wrap=True)

    def close(self) -> None:
        if self._progress is not None:
            self._progress.stop()
        self._progress, self._task, self._stage = None, None, _Stage()


class _Lines:
    """Lines for a log: at most one per tenth of the work or per few seconds."""

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self.close()

    def show(self, done: float, total: float, note: str, detail: str, left: float | None) -> None:
        share = min(1.0, done / total) if total else 0.0
        now = self._now()
        if self._stage.is_new(done, total, note):
            if share >= 1:  # over before anybody could wonder
                self._share, self._shown = share, now
                return
        elif not self._worth_a_line(share, now):
            return
        self._share, self._shown = share, now
        self.say(self._line(share, total, f"{note} ({detail})" if detail else note, left))

    def _worth_a_line(self, share: float, now: float) -> bool:
        if now - self._shown < LINES_APART or self._share >= 1:
            return False
        return share >= 1 or share // LINE_SHARE > self._share // LINE_SHARE or now - self._shown >= LINE_SECONDS

    def _line(self, share: float, total: float, note: str, left: float | None) -> str:
        if not total:
            return note if note.endswith("…") else f"{note} …"
        return f"{note} {share:.0%}" + (f", about {clock(left)} left" if left is not None and share < 1 else "")

    def say(self, line: str) -> None:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()

    def close(self) -> None:
        self._stage = _Stage()
        self._share = 0.0
        self._shown = self._now()
