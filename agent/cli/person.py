"""Questions to the person at the terminal."""

import select
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.cli.progress import CommandLineWork
from agent.cli.render import one_line

if TYPE_CHECKING:
    from agent.clarifying import AskPerson, Question

_LOOK = 0.2
"""Seconds between two looks at whether the answer was given up."""


def asks_person(work: CommandLineWork) -> "AskPerson | None":
    """Asks at the terminal; None where there is none."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None

    def ask(question: "Question", check: Callable[[], None]) -> str | None:
        work.rest()
        labels = [option.label for option in question.options]
        work.say(one_line(question.text))
        for number, option in enumerate(question.options, 1):
            work.say(f"  {number}  {one_line(option.label)}  {one_line(option.told)}".rstrip())
            if option.clip:
                work.say(f"     listen: {option.clip}")
        while True:
            work.say(f"Give a number, 1 to {len(labels)}:")
            line = _line(check)
            if not line:
                return None
            if line.strip().isdecimal() and 1 <= int(line) <= len(labels):
                return labels[int(line) - 1]

    return ask


def _line(check: Callable[[], None]) -> str:
    """A line from the terminal, empty at its end. This runs beside the main thread, to which Ctrl-C goes."""
    if sys.platform != "win32":
        while not select.select([sys.stdin], [], [], _LOOK)[0]:
            check()
    return sys.stdin.readline()
