"""The MCP server over HTTP, and everything around the protocol: who is let in, health, an orderly end."""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass

import anyio
import anyio.to_thread
import uvicorn
from mcp.server import MCPServer
from mcp.server.auth.middleware.auth_context import AuthContextMiddleware
from mcp.server.auth.middleware.bearer_auth import BearerAuthBackend
from mcp.server.streamable_http_manager import StreamableHTTPASGIApp
from sse_starlette.sse import AppStatus
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.authentication import AuthenticationMiddleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, request_response

from auricle.errors import AuricleError, BadArgument, WorkError
from mcp_server.access import Gate, KnownHosts, TokenNeeded, is_local, security
from mcp_server.limits import Buckets, Limits
from mcp_server.pages import BASE, Pages, TokenFromCookie
from mcp_server.uploads import Uploads
from tools.toolbox import Toolbox

logger = logging.getLogger(__name__)

PATH = "/mcp"
BODY_BYTES = 4 * 1024 * 1024
"""The largest request of the protocol. Sound comes by path or by upload."""

MOST_SESSIONS = 500
"""Of the protocol before 2026-07-28, which has sessions; each ends after half an hour without a request."""

THREADS = 256
"""Calls at once; most of them wait for the worker."""

ANSWER_SECONDS = 1
"""For calls that wait for a job to answer with its handle, once the server is asked to stop."""

LEAVE_SECONDS = 3
"""For everything else to come to an end after that."""


@dataclass(frozen=True)
class Address:
    """Where to listen, and what to answer to.

    Attributes:
        host: An address of this machine.
        port: 0 for any that is free.
        hosts: Names of this machine that clients may use besides.
        origins: Web origins that may call besides.
    """

    host: str
    port: int
    hosts: Sequence[str] = ()
    origins: Sequence[str] = ()


def serve_http(
    server: MCPServer, toolbox: Toolbox, address: Address, say: Callable[[str], None], ending: threading.Event
) -> None:
    """Serves until SIGTERM or Ctrl-C, then lets calls end; jobs are the library's and the worker's, and go on.

    Args:
        server: From ``build_server``.
        toolbox: The one it uses.
        address: Where to listen.
        say: Told where the server can be reached.
        ending: Set when the server is asked to stop: calls that wait for a job answer with its handle.

    Raises:
        BadArgument: The address cannot be listened at, or is reached from elsewhere while there is no token.
    """
    if not is_local(address.host) and not toolbox.library.tokens.list():
        raise BadArgument(
            f"At {address.host} others could reach every recording: make a token first, `auricle tokens create NAME`, "
            "or listen at 127.0.0.1."
        )
    with listening_at(address) as listening:
        at = f"http://{_name(listening)}"
        say(f"Auricle speaks MCP at {at}{PATH}, and shows the library at {at}{BASE}")
        config = uvicorn.Config(
            http_app(server, toolbox, address, ending),
            lifespan="on",
            ws="none",
            log_config=None,
            access_log=False,
            proxy_headers=False,  # an address that a client made up would have limits of its own
            server_header=False,
            timeout_graceful_shutdown=LEAVE_SECONDS,
        )
        running = _Server(config, ending)
        with _stopping_is_no_failure():
            asyncio.run(running.serve([listening]))
        if not running.started:
            raise WorkError("The HTTP server did not start: what it printed says why.")


def http_app(server: MCPServer, toolbox: Toolbox, address: Address, ending: threading.Event) -> Starlette:
    """The whole of what is answered over HTTP."""
    allowed = security(address.host, address.hosts, address.origins)
    gate = Gate(toolbox, free=is_local(address.host))
    server.streamable_http_app(  # makes the session manager; the routes are ours, for uploads have the same gate
        transport_security=allowed, max_request_body_size=BODY_BYTES, max_sessions=MOST_SESSIONS
    )
    manager, settings = server.session_manager, toolbox.settings
    uploads = Uploads(toolbox, settings.upload_mib << 20, ending)
    pages = Pages(toolbox, gate)
    buckets = Buckets(settings.requests_per_second, settings.requests_at_once)

    @contextlib.asynccontextmanager
    async def life(_: Starlette) -> AsyncIterator[None]:
        uploads.sweep()
        anyio.to_thread.current_default_thread_limiter().total_tokens = THREADS
        async with manager.run():
            yield

    return Starlette(
        routes=[
            Route(PATH, TokenNeeded(StreamableHTTPASGIApp(manager), gate)),
            Route("/uploads/{name:path}", TokenNeeded(request_response(uploads.put), gate), methods=["PUT"]),
            *pages.routes(),
            Route("/health", _health(toolbox), methods=["GET"]),
        ],
        middleware=[
            Middleware(KnownHosts, settings=allowed),
            Middleware(TokenFromCookie),
            Middleware(AuthenticationMiddleware, backend=BearerAuthBackend(gate), on_error=_unavailable),
            Middleware(AuthContextMiddleware),
            Middleware(Limits, buckets=buckets),
        ],
        exception_handlers={AuricleError: _unavailable, ClientDisconnect: _gone},
        lifespan=life,
    )


def _health(toolbox: Toolbox) -> Callable[[Request], Awaitable[Response]]:
    threads = anyio.CapacityLimiter(1)

    async def health(_: Request) -> Response:
        """Whether the library answers; nothing of what is in it."""
        try:
            await anyio.to_thread.run_sync(toolbox.library.tokens.list, limiter=threads)
        except AuricleError:
            return JSONResponse({"status": "unavailable"}, 503)
        return JSONResponse({"status": "ok"})

    return health


def _unavailable(_: HTTPConnection, error: Exception) -> Response:
    """Why is for whoever runs the server: it would tell where the library lies."""
    logger.warning("%s", error)
    message = "The library cannot be used at the moment: whoever runs the server finds the reason in its messages."
    return JSONResponse({"error": {"code": "library", "message": message}}, 503)


def _gone(_: Request, _error: Exception) -> Response:
    """Nobody reads it; without it the log would have a traceback."""
    return Response(status_code=400)


class _Server(uvicorn.Server):
    """Lets calls that wait answer first, then ends the streams that would stay open for ever, then the connections."""

    def __init__(self, config: uvicorn.Config, ending: threading.Event) -> None:
        super().__init__(config)
        self._ending = ending
        AppStatus.enable_automatic_graceful_drain = False  # it cuts streams off at the signal, with answers under way

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._ending.set()
        if self.server_state.connections:
            await asyncio.sleep(ANSWER_SECONDS)
        AppStatus.should_exit = True
        await super().shutdown(sockets)


@contextlib.contextmanager
def listening_at(address: Address) -> Iterator[socket.socket]:
    """A socket that listens at the address.

    Raises:
        BadArgument: It is taken, or not this machine's.
    """
    with contextlib.ExitStack() as stack:
        try:
            # With the protocol said in full: else asyncio leaves Nagle's algorithm on, and answers come 40 ms late.
            family, kind, protocol, _, place = socket.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)[
                0
            ]
            made = stack.enter_context(socket.socket(family, kind, protocol))
            if os.name == "posix":  # elsewhere it would let two servers listen at one port
                made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind(place)
            made.listen()
        except OSError as error:
            raise BadArgument(
                f"Cannot listen at {address.host}, port {address.port} ({error.strerror or error}): "
                "give an address of this machine with --host and a free port with --port."
            ) from None
        yield made


def _name(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


@contextlib.contextmanager
def _stopping_is_no_failure() -> Iterator[None]:
    """Uvicorn raises the signals it was stopped by once more when it is done: here they are the way to stop."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = [signal.signal(number, lambda *_: None) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
