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
        parameters=create_model(name, __config__=ConfigDict(extra="forbid", json_schema_extra=lean), **fields),
        result=signature.return_annotation,
        long=mark.long,
        read_only=mark.read_only,
        destructive=mark.destructive,
        idempotent=mark.idempotent,
        core=mark.core,
        asks=mark.asks or mark.destructive,
    )


def lean(schema: dict[str, Any]) -> None:
    """Drops what says nothing, since every token of a schema is read before every call.

    Pydantic's titles repeat the names; what is optional can be left out, so that null need not be spelled out (it is
    taken all the same).
    """
    schema.pop("title", None)
    for parameter in schema.get("properties", {}).values():
        parameter.pop("title", None)
        if parameter.get("default", "") is not None or "anyOf" not in parameter:
            continue
        del parameter["default"]
        options = [option for option in parameter.pop("anyOf") if option.get("type") != "null"]
        parameter.update(options[0] if len(options) == 1 else {"anyOf": options})
