"""The library as pages in a browser, behind the same tokens: a browser shows its own in a cookie."""

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import anyio.to_thread
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import Request, cookie_parser
from starlette.responses import FileResponse, HTMLResponse, RedirectResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from auricle.domain import Recording
from auricle.times import clock
from mcp_server.access import Gate
from tools.export.index import Listed, door_html, index_html
from tools.export.page import html
from tools.export.source import Source
from tools.page_sound import sound_of
from tools.paths import clean_name
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.work import Quiet

BASE = "/library"
COOKIE = "auricle_token"

_LONGEST_FORM = 4096
_PRIVATE = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "same-origin",  # without one the form would come from nowhere, and be refused
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "frame-ancestors 'none'",
}


class TokenFromCookie:
    """Puts the token that a browser shows in its cookie where programs show theirs; on the pages' addresses alone."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (scope["path"] == BASE or scope["path"].startswith(f"{BASE}/")):
            headers = Headers(scope=scope)
            token = cookie_parser(headers.get("cookie", "")).get(COOKIE)
            if token and "authorization" not in headers:
                scope = {**scope, "headers": list(scope["headers"])}
                MutableHeaders(scope=scope)["authorization"] = f"Bearer {token}"
        await self._app(scope, receive, send)


class Pages:
    """What a browser is shown.

    Args:
        toolbox: Over the library.
        gate: Who is let in.
    """

    def __init__(self, toolbox: Toolbox, gate: Gate) -> None:
        self._toolbox, self._gate = toolbox, gate
        self._sounds = threading.Lock()  # one at a time, each once

    def routes(self) -> list[Route]:
        return [
            Route(BASE, self._behind(self._index), methods=["GET"]),
            Route(f"{BASE}/enter", self._enter, methods=["POST"]),
            Route(BASE + "/{recording}", self._behind(self._page), methods=["GET"]),
            Route(BASE + "/{recording}/sound.mp3", self._behind(self._sound), methods=["GET"]),
        ]

    def _behind(self, show: Callable[[Request], Response]) -> Callable[[Request], Any]:
        """Shows something to whoever has a token, and the door to everybody else."""

        async def shown(request: Request) -> Response:
            known = isinstance(request.user, AuthenticatedUser)
            if not known and not await self._gate.needs_none():
                return HTMLResponse(door_html(BASE, wrong=False), 401, _PRIVATE)
            return await anyio.to_thread.run_sync(show, request)

        return shown

    async def _enter(self, request: Request) -> Response:
        """Takes a token, and has the browser keep it for these pages until it is closed."""
        body = b""
        async for chunk in request.stream():
            body += chunk
            if len(body) > _LONGEST_FORM:
                break
        (token,) = parse_qs(body[:_LONGEST_FORM].decode("ascii", "replace")).get("token", [""])[:1]
        if not token or await self._gate.verify_token(token.strip()) is None:
            return HTMLResponse(door_html(BASE, wrong=True), 401, _PRIVATE)
        entered = RedirectResponse(BASE, 303, _PRIVATE)
        secure = request.url.scheme == "https"
        entered.set_cookie(COOKIE, token.strip(), path=BASE, httponly=True, samesite="strict", secure=secure)
        return entered

    def _index(self, _: Request) -> Response:
        library = self._toolbox.library
        recordings = [
            Listed(known.id, Path(known.path).name, clock(known.seconds), self._voices(known))
            for known in reversed(library.recordings.list())
        ]
        return HTMLResponse(index_html(recordings, BASE), headers=_PRIVATE)

    def _voices(self, known: Recording) -> str:
        if not self._toolbox.library.takes.find(known.id, "diarization"):
            return ""
        return ", ".join(view.display for view in fold(self._toolbox.library, known).speakers)

    def _page(self, request: Request) -> Response:
        known = self._known(request)
        if known is None:
            return _nothing()
        file = Path(known.path)
        transcript = fold(self._toolbox.library, known)
        sound = f"{BASE}/{known.id}/sound.mp3"
        source = Source(clean_name(file.stem), transcript, known.span, media=file.name, sound=sound)
        return HTMLResponse(html(source).content, headers=_PRIVATE)

    def _sound(self, request: Request) -> Response:
        known = self._known(request)
        if known is None:
            return _nothing()
        with self._sounds:
            file = sound_of(self._toolbox.library, self._toolbox.jobs, known, known.span, Quiet())
        return FileResponse(file, media_type="audio/mpeg", headers=_PRIVATE)

    def _known(self, request: Request) -> Recording | None:
        """A recording by its id alone: a name or a path is no part of an address."""
        wanted = request.path_params["recording"]
        return next((known for known in self._toolbox.library.recordings.list() if known.id == wanted), None)


def _nothing() -> Response:
    return Response("There is no such recording.", 404, _PRIVATE, "text/plain")
