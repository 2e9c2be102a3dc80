"""`auricle tokens`: who may use `serve --http`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from agent.cli.command import EPILOG, group
from agent.cli.context import working
from agent.cli.output import Shown, say, table
from auricle.domain import Token

PANEL = "Connect"
_LONGEST_DAYS = 3650

Name = Annotated[str, typer.Argument(metavar="NAME", help="Whose it is, or what for.")]


def register(app: typer.Typer) -> None:
    tokens = group(app, "tokens", "Who may use `serve --http`: secrets that clients show.", PANEL)
    tokens.command("create", epilog=EPILOG)(create)
    tokens.command("list", epilog=EPILOG)(list_)
    tokens.command("revoke", epilog=EPILOG)(revoke)


def create(
    name: Name,
    expires: Annotated[
        int | None, typer.Option(metavar="DAYS", min=1, max=_LONGEST_DAYS, help="It holds so long. [without end]")
    ] = None,
) -> Shown:
    """Makes a token and shows it, this once: only its hash is kept."""
    with working() as (toolbox, _):
        secret, token = toolbox.library.tokens.create(name, expires)
    say("Nobody can show it again. Clients send it as `Authorization: Bearer TOKEN`.")
    return Shown({"token": secret, **_told(token)}, [secret])


def list_() -> Shown:
    """Every token, by name, and when it was used last."""
    with working() as (toolbox, _):
        found = [_told(token) for token in toolbox.library.tokens.list()]
    if not found:
        return Shown({"tokens": []}, ["There is no token: `auricle tokens create NAME` makes one."])
    shown = table("name", "created", "expires", "last used")
    for token in found:
        shown.add_row(token["name"], *(_day(token[when]) for when in ("created", "expires", "last_used")))
    return Shown({"tokens": found}, [shown])


def revoke(name: Name) -> Shown:
    """Takes a token back: from the next request on it opens nothing."""
    with working() as (toolbox, _):
        token = toolbox.library.tokens.revoke(name)
    return Shown(_told(token), [f"Revoked {token.name}."])


def _told(token: Token) -> dict[str, Any]:
    return {
        "name": token.name,
        "created": _iso(token.created),
        "expires": _iso(token.expires),
        "last_used": _iso(token.last_used),
    }


def _iso(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(timespec="seconds")


def _day(iso: str | None) -> str:
    return "never" if iso is None else iso[:16].replace("T", " ")
