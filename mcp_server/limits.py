"""How much one client may ask: so many requests a second, and so many at once."""

import math
import time
from collections import Counter, OrderedDict
from collections.abc import Callable

from starlette.authentication import BaseUser
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

AT_ONCE = 32
"""Requests that send a body, from one client: each may keep a thread until it is answered."""

_MOST_KEYS = 10_000
_RATE_LIMITED = -32_029
"""JSON-RPC leaves -32000 to -32099 to servers; the end recalls HTTP's 429."""


class Buckets:
    """Token buckets, one for each key: a full one allows ``burst`` at once, and it fills by ``rate`` a second.

    Args:
        rate: A second.
        burst: At least 1.
        now: A clock, in seconds.
    """

    def __init__(self, rate: float, burst: int, now: Callable[[], float] = time.monotonic) -> None:
        self._rate, self._burst, self._now = rate, burst, now
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str) -> float:
        """Takes one out; returns 0.0, or the seconds until there will be one."""
        now = self._now()
        left, since = self._left.pop(key, (float(self._burst), now))
        left = min(float(self._burst), left + (now - since) * self._rate)
        allowed = left >= 1
        self._left[key] = (left - 1 if allowed else left, now)
        if len(self._left) > _MOST_KEYS:  # whoever has not come for the longest time
            self._left.popitem(last=False)
        return 0.0 if allowed else (1 - left) / self._rate


class Limits:
    """Answers 429 with Retry-After to whoever asks too much: to a token, or to an address where none was shown."""

    def __init__(self, app: ASGIApp, buckets: Buckets, at_once: int = AT_ONCE) -> None:
        self._app, self._buckets, self._at_once = app, buckets, at_once
        self._open: Counter[str] = Counter()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        key = _who(scope)
        wait = self._buckets.take(key)
        if wait:
            await _refused("Too many requests", wait)(scope, receive, send)
        elif scope["method"] not in ("POST", "PUT"):
            await self._app(scope, receive, send)
        elif self._open[key] >= self._at_once:
            await _refused(f"More than {self._at_once} requests at once", 1)(scope, receive, send)
        else:
            await self._counted(key, scope, receive, send)

    async def _counted(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        self._open[key] += 1
        try:
            await self._app(scope, receive, send)
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]


def _who(scope: Scope) -> str:
    user: BaseUser = scope["user"]
    if user.is_authenticated:
        return f"token {user.display_name}"
    return f"address {scope['client'][0] if scope['client'] else ''}"


def _refused(what: str, wait: float) -> JSONResponse:
    """In the protocol's form too, so that clients show the words."""
    seconds = math.ceil(wait)
    message = f"{what}: try again in {seconds} s."
    error = {"code": _RATE_LIMITED, "message": message}
    return JSONResponse({"jsonrpc": "2.0", "id": None, "error": error}, 429, {"Retry-After": str(seconds)})
