"""The pages around the page of a recording: what a library holds, and the door to it."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tools.export.page import asset, hash_of, template


@dataclass(frozen=True)
class Listed:
    """A recording as the list shows it; ``length`` as a clock, ``voices`` a sentence or empty."""

    id: str
    name: str
    length: str
    voices: str


def index_html(recordings: Sequence[Listed], base: str) -> str:
    """The list of a library.

    Args:
        base: The address under which the pages are.
    """
    return _rendered(base, recordings=recordings)


def door_html(base: str, *, wrong: bool) -> str:
    """Where somebody shows a token; ``wrong`` says that the last one opened nothing."""
    return _rendered(base, recordings=None, wrong=wrong)


def _rendered(base: str, **values: object) -> str:
    style = asset("page.css")
    policy = f"default-src 'none'; style-src {hash_of(style)}; base-uri 'none'; form-action 'self'"
    shown = Markup(style)  # noqa: S704 - ours
    return str(template("index.html").render(style=shown, policy=policy, base=base, **values))
