"""The tools of the Toolbox, told once from their signatures and docstrings: the one source for every face."""

import inspect
from collections.abc import Callable
from functools import cache
from typing import Any

from pydantic import ConfigDict, create_model

from tools.spec import ToolSpec, mark_of
from tools.toolbox import Toolbox

HIDDEN = frozenset({"self", "work"})
"""What a face supplies itself."""


@cache
def catalog() -> tuple[ToolSpec, ...]:
    """Every tool, in the order of the Toolbox."""
    return tuple(_spec(name, method) for name, method in vars(Toolbox).items() if mark_of(method) is not None)


def _spec(name: str, method: Callable[..., Any]) -> ToolSpec:
    mark = mark_of(method)
    assert mark is not None and method.__doc__ is not None, f"{name} is marked as a tool and has a docstring"  # noqa: S101
    signature = inspect.signature(method, eval_str=True)
    fields: dict[str, Any] = {
        parameter.name: (
            parameter.annotation,
            ... if parameter.default is inspect.Parameter.empty else parameter.default,
        )
        for parameter in signature.parameters.values()
        if parameter.name not in HIDDEN
    }
    description = inspect.cleandoc(method.__doc__)
    return ToolSpec(
        name=name,
        title=mark.title,
        summary=description.splitlines()[0],
        description=description,
        parameters=create_model(name, __config__=ConfigDict(extra="forbid", json_schema_extra=_untitled), **fields),
        result=signature.return_annotation,
        long=mark.long,
        read_only=mark.read_only,
        destructive=mark.destructive,
        idempotent=mark.idempotent,
        core=mark.core,
        asks=mark.asks or mark.destructive,
    )


def _untitled(schema: dict[str, Any]) -> None:
    """Drops pydantic's titles: they repeat the names, and every token of a schema is read before every call."""
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
