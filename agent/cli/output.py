"""What a command hands back, and the one place where it is printed."""

import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console, RenderableType
from rich.table import Table

PIPE_WIDTH = 200
"""Columns where there is no terminal: wide enough that ids and times are never cut."""


@dataclass(frozen=True)
class Shown:
    """A command's result in both its forms.

    Attributes:
        document: What ``--json`` prints.
        human: What a person reads: lines and tables, in order.
        exit_code: 0, or 1 where a part of the work failed and the rest is still worth showing.
    """

    document: Mapping[str, Any]
    human: Sequence[RenderableType] = field(default_factory=tuple)
    exit_code: int = 0


def print_json(document: Mapping[str, Any]) -> None:
    """Writes one document to stdout, with characters as they are where stdout can carry them."""
    if sys.stdout is None:
        raise OSError("standard output is closed")
    text = json.dumps(document, ensure_ascii=False, indent=2, allow_nan=False)
    try:
        text.encode(sys.stdout.encoding or "utf-8")
    except UnicodeEncodeError:
        text = json.dumps(document, indent=2, allow_nan=False)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def print_human(renderables: Sequence[RenderableType]) -> None:
    """Writes lines and tables to stdout; what a recording says is never taken for markup."""
    console = Console(markup=False, highlight=False, emoji=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    for renderable in renderables:
        console.print(renderable)
    sys.stdout.flush()


def say(message: str) -> None:
    """One line to stderr: everything that is not the result."""
    sys.stderr.write(" ".join(message.split()) + "\n")
    sys.stderr.flush()


def table(*columns: str) -> Table:
    """A plain table that fits a terminal of 80 columns: the last column, which may be long, folds."""
    made = Table(box=None, pad_edge=False, header_style="bold")
    for place, column in enumerate(columns):
        made.add_column(column, no_wrap=place < len(columns) - 1, overflow="fold")
    return made
