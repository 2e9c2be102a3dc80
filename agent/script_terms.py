"""What a script says in `{{ … }}`, `when:` and `for:`: Jinja's expressions, in its sandbox.

Results are only ever values in them: nothing that was said in a recording is evaluated.
"""

import re
from collections.abc import Mapping
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, meta
from jinja2.sandbox import ImmutableSandboxedEnvironment

from auricle.errors import BadArgument

_WHOLE = re.compile(r"\s*\{\{((?:(?!\}\}).)*)\}\}\s*", re.DOTALL)
_LONGEST_VALUE = 400
_TERMS = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
_IN_WORDS = ImmutableSandboxedEnvironment(
    undefined=StrictUndefined, autoescape=False, finalize=lambda value: _in_words(value)
)


def is_template(value: Any) -> bool:
    """Whether a value of a script has something to be filled in, at any depth."""
    if isinstance(value, Mapping):
        return any(map(is_template, value.values()))
    if isinstance(value, list | tuple):
        return any(map(is_template, value))
    return isinstance(value, str) and ("{{" in value or "{%" in value)


def names_in(value: Any) -> set[str]:
    """The names that a value's templates use.

    Raises:
        BadArgument: One of them is no template.
    """
    if isinstance(value, Mapping):
        return set().union(*map(names_in, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(names_in, value))
    return _names(value) if isinstance(value, str) else set()


def names_in_term(term: str) -> set[str]:
    """The same of an expression, as it stands after `when:`.

    Raises:
        BadArgument: It is none.
    """
    return _names("{{ " + term + " }}")


def _names(text: str) -> set[str]:
    try:
        return set(meta.find_undeclared_variables(_TERMS.parse(text))) - set(_TERMS.globals)
    except TemplateError as error:
        raise BadArgument(f"'{text.strip()[:80]}' is not understood: {error}.") from None


def value_of(term: str, scope: Mapping[str, Any]) -> Any:
    """What an expression comes to.

    Raises:
        BadArgument: It uses something that is not there, or cannot be worked out.
    """
    try:
        found = _compiled(term)(**scope)
        if isinstance(found, StrictUndefined):
            bool(found)  # says what it is that is not there
        return [*found] if isinstance(found, range) or hasattr(found, "__next__") else found
    except TemplateError as error:
        raise BadArgument(f"'{term.strip()[:80]}' cannot be worked out: {error}.") from None
    except (TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise BadArgument(f"'{term.strip()[:80]}' cannot be worked out: {error}.") from None


@cache
def _compiled(term: str) -> Any:
    return _TERMS.compile_expression(term, undefined_to_none=False)


def filled(value: Any, scope: Mapping[str, Any]) -> Any:
    """A value with its templates filled; one that is a single `{{ … }}` keeps its type.

    Raises:
        BadArgument: As ``value_of``.
    """
    if isinstance(value, Mapping):
        return {key: filled(each, scope) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [filled(each, scope) for each in value]
    if not is_template(value):
        return value
    alone = _WHOLE.fullmatch(value)
    if alone:
        return value_of(alone[1], scope)
    return _rendered(_TERMS, value, scope)


def in_words(text: str, scope: Mapping[str, Any]) -> str:
    """An instruction with its templates filled: values are short, one line, and cannot look like a fence or a tag."""
    return _rendered(_IN_WORDS, text, scope)


def own_words(text: str) -> str:
    """What the script's author wrote of an instruction, without what is filled in."""
    return re.sub(r"\{\{.*?\}\}|\{%.*?%\}", " ", text, flags=re.DOTALL)


def _rendered(environment: ImmutableSandboxedEnvironment, text: str, scope: Mapping[str, Any]) -> str:
    try:
        return environment.from_string(text).render(**scope)
    except (TemplateError, TypeError, ValueError, ArithmeticError, LookupError, AttributeError) as error:
        raise BadArgument(f"'{text.strip()[:80]}' cannot be filled in: {error}.") from None


def _in_words(value: Any) -> Any:
    if isinstance(value, int | float):
        return value
    if isinstance(value, StrictUndefined):
        return value
    text = " ".join(str(value).replace("<", "‹").replace(">", "›").split())
    return text if len(text) <= _LONGEST_VALUE else text[:_LONGEST_VALUE] + "…"
