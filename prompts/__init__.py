"""Every word said to an LLM, in Markdown, shipped as package data."""

import re
from functools import cache
from importlib.resources import files
from string import Template
from typing import Literal, cast

Role = Literal["system", "user", "assistant"]
_TURN = re.compile(r"^## (user|assistant)\n", re.MULTILINE)


def load(name: str, **values: object) -> str:
    """A prompt with its ``$placeholders`` filled.

    Args:
        name: The file's name without ``.md``.
        values: One for each placeholder.

    Raises:
        KeyError: A placeholder was given no value.
        ValueError: A value has no placeholder.
    """
    template = _template(name)
    unknown = set(values) - set(template.get_identifiers())
    if unknown:
        raise ValueError(f"prompts/{name}.md has no placeholder for {', '.join(sorted(unknown))}")
    return template.substitute({key: str(value) for key, value in values.items()})


def turns(name: str, **values: object) -> list[tuple[Role, str]]:
    """A prompt that goes on with examples, ``## user`` and ``## assistant`` above each: who says what, in order."""
    system, *rest = _TURN.split(load(name, **values))
    told = zip(rest[::2], rest[1::2], strict=True)
    return [("system", system.strip()), *((cast(Role, role), text.strip()) for role, text in told)]


def placeholders(name: str) -> set[str]:
    """What a prompt must be given."""
    return set(_template(name).get_identifiers())


@cache
def _template(name: str) -> Template:
    return Template((files(__name__) / f"{name}.md").read_text(encoding="utf-8").strip())
