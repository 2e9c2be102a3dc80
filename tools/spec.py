"""How a method becomes a tool: a mark with what signature and docstring do not say."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

Method = TypeVar("Method", bound=Callable[..., BaseModel])

_MARK = "__tool__"


@dataclass(frozen=True)
class Mark:
    """What a face should know of a tool before calling it.

    Attributes:
        title: For people.
        long: It may take minutes: a face that cannot wait gets a job instead.
        read_only: It changes nothing in the library and writes no file.
        destructive: It needs a person's yes.
        idempotent: Called again with the same arguments, it changes nothing more.
        core: A small model plans with it.
        asks: It may ask the person something else.
    """

    title: str
    long: bool = False
    read_only: bool = False
    destructive: bool = False
    idempotent: bool = True
    core: bool = False
    asks: bool = False


@dataclass(frozen=True)
class ToolSpec:
    """One tool, as both faces see it.

    Attributes:
        summary: The docstring's first line: all that a small model is told.
        description: The whole docstring.
        parameters: The arguments as a model that checks them; without ``work``.
        result: What it returns.
        asks: It may ask the person something, their yes included.
    """

    name: str
    title: str
    summary: str
    description: str
    parameters: type[BaseModel]
    result: type[BaseModel]
    long: bool
    read_only: bool
    destructive: bool
    idempotent: bool
    core: bool
    asks: bool


def tool(
    title: str,
    *,
    long: bool = False,
    read_only: bool = False,
    destructive: bool = False,
    idempotent: bool = True,
    core: bool = False,
    asks: bool = False,
) -> Callable[[Method], Method]:
    """Marks a method of the Toolbox as a tool."""

    def mark(method: Method) -> Method:
        setattr(method, _MARK, Mark(title, long, read_only, destructive, idempotent, core, asks))
        return method

    return mark


def mark_of(method: Any) -> Mark | None:
    """The mark of a method; None where it is no tool."""
    found = getattr(method, _MARK, None)
    return found if isinstance(found, Mark) else None
