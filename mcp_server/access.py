"""Who is let in: under which name this machine was called, from which page, and with whose token."""

import ipaddress
from collections.abc import Sequence

import anyio
import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser, RequireAuthMiddleware
from mcp.server.auth.provider import AccessToken
from mcp.server.transport_security import TransportSecurityMiddleware, TransportSecuritySettings
from starlette.authentication import AuthenticationError
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from auricle.errors import AuricleError
from tools.toolbox import Toolbox

LOCAL = ("127.0.0.1", "localhost", "[::1]")


def is_local(host: str) -> bool:
    """Whether only this machine can reach what listens there."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def security(host: str, hosts: Sequence[str], origins: Sequence[str]) -> TransportSecuritySettings:
    """The Host and Origin headers that are answered, against pages that rebind their name to this machine.

    Said in full whatever the address is: without this the SDK checks nothing where it is not a local one.

    Args:
        host: Where the server listens.
        hosts: Names by which clients reach it besides, as ``name`` or ``name:port``.
        origins: Web pages that may call besides those it serves itself, as ``https://name``.
    """
    own = [] if host in ("0.0.0.0", "::", "") else [host]  # noqa: S104
    names = list(dict.fromkeys([*LOCAL, *map(_as_header, [*own, *hosts])]))
    forms = [form for name in names for form in (name, f"{name}:*")]
    return TransportSecuritySettings(
        enable_dns_rebinding_protection=True,
        allowed_hosts=forms,
        allowed_origins=[*(f"{scheme}://{form}" for scheme in ("http", "https") for form in forms), *origins],
    )


def _as_header(host: str) -> str:
    return f"[{host}]" if host.count(":") > 1 and not host.startswith("[") else host


class KnownHosts:
    """Refuses what came under another name than those allowed; on every path, not only MCP's."""

    def __init__(self, app: ASGIApp, settings: TransportSecuritySettings) -> None:
        self._app, self._check = app, TransportSecurityMiddleware(settings)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        refused = await self._check.validate_request(Request(scope)) if scope["type"] == "http" else None
        await (refused or self._app)(scope, receive, send)


class Gate:
    """The tokens of the library, as the SDK asks for them (``TokenVerifier``).

    Args:
        toolbox: Over the library that knows the tokens.
        free: Nobody needs one while there is none at all: for servers that only this machine reaches.
    """

    def __init__(self, toolbox: Toolbox, *, free: bool) -> None:
        self._tokens, self._free = toolbox.library.tokens, free
        self._threads = anyio.CapacityLimiter(8)  # its own: tools that wait must not keep others outside

    async def verify_token(self, token: str) -> AccessToken | None:
        """What the SDK knows of whoever shows this token; None where it opens nothing."""
        try:
            found = await anyio.to_thread.run_sync(self._tokens.check, token, limiter=self._threads)
        except AuricleError as error:
            raise AuthenticationError(error.message) from error
        if found is None:
            return None
        expires = None if found.expires is None else int(found.expires)
        return AccessToken(token=token, client_id=found.name, scopes=[], expires_at=expires)

    async def needs_none(self) -> bool:
        """An expired token counts as one: a server must not open by the passing of time."""
        return self._free and not await anyio.to_thread.run_sync(self._tokens.list, limiter=self._threads)


class TokenNeeded:
    """Lets nobody through to ``app`` without a token, but those the gate needs none of."""

    def __init__(self, app: ASGIApp, gate: Gate) -> None:
        self._app, self._gate = app, gate
        self._or_refuse = RequireAuthMiddleware(app, required_scopes=[])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        shown = isinstance(scope.get("user"), AuthenticatedUser)
        through = self._app if not shown and await self._gate.needs_none() else self._or_refuse
        await through(scope, receive, send)
