"""Sound by a plain `PUT /uploads/NAME`, since the protocol's own bodies are small: `curl -T call.mp3 …/uploads/`."""

import secrets
import shutil
import threading
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import BinaryIO

import anyio
import anyio.to_thread
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from auricle.errors import AuricleError, BadArgument, BadAudio, Cancelled, LibraryError, RequestError, WorkError
from tools.paths import clean_name
from tools.results import AddedRecording
from tools.toolbox import Toolbox
from tools.work import Quiet

_PIECE = 1 << 20
_KEPT_FREE = 1 << 30
"""Bytes of the disk that uploads never take: the library needs room."""

_STALLED_SECONDS = 60.0
_ABANDONED_SECONDS = 3600.0
_AT_ONCE = 2
"""Files decoded at the same time."""


class TooLarge(RequestError):
    code = "too_large"


class NoRoom(WorkError):
    code = "no_room"


class Broken(RequestError):
    """The client went away, or sent nothing for too long."""

    code = "incomplete"


_STATUS: tuple[tuple[type[AuricleError], int], ...] = (
    (TooLarge, 413), (NoRoom, 507), (Broken, 408), (BadAudio, 422), (RequestError, 400), (AuricleError, 503),
)  # fmt: skip
"""The first that fits."""


class Uploads:
    """Takes files in and adds them to the library, where they stay for as long as their recordings do.

    A name is only what a recording is called: each file gets a folder of its own, and arrives there whole or never.

    Args:
        toolbox: Adds them.
        most: The largest file, in bytes.
        ending: Set once the server is about to end.
    """

    def __init__(self, toolbox: Toolbox, most: int, ending: threading.Event) -> None:
        self._toolbox, self._most, self._ending = toolbox, most, ending
        self._folder = toolbox.library.uploads
        self._folder.mkdir(mode=0o700, exist_ok=True)
        self._writing, self._adding = anyio.CapacityLimiter(16), anyio.CapacityLimiter(_AT_ONCE)

    def sweep(self) -> None:
        """Removes what a server that was killed has left: parts, and files that became no recording."""
        kept = {Path(recording.path).parent for recording in self._toolbox.library.recordings.list()}
        for place in self._folder.iterdir():
            if place not in kept and time.time() - place.stat().st_mtime > _ABANDONED_SECONDS:
                shutil.rmtree(place, ignore_errors=True)

    async def put(self, request: Request) -> Response:
        """Answers 201 with the recording's id, or 200 where the same bytes were known already."""
        place = self._folder / secrets.token_hex(8)
        try:
            file = await self._receive(request, place)
            added = await anyio.to_thread.run_sync(self._add, file, abandon_on_cancel=True, limiter=self._adding)
        except (RequestError, WorkError) as error:
            if isinstance(error, LibraryError):
                raise  # told without a word of where the library lies
            status = next(status for kind, status in _STATUS if isinstance(error, kind))
            return JSONResponse({"error": error.as_dict()}, status, {"Connection": "close"})
        told = {
            "recording": added.id,
            "name": file.name,
            **added.model_dump(include={"duration", "already_known", "next"}),
        }
        return JSONResponse(told, 200 if added.already_known else 201)

    async def _receive(self, request: Request, place: Path) -> Path:
        name = _file_name(request.path_params["name"])
        self._admit(int(request.headers.get("content-length", "0")))
        part = place / ".part"
        try:
            place.mkdir(mode=0o700)
            with part.open("xb") as out:
                await self._write(request, out)
            return part.replace(place / name)
        except OSError as error:
            shutil.rmtree(place, ignore_errors=True)
            raise NoRoom(f"The upload cannot be stored: {error.strerror or error}.") from error
        except BaseException:
            shutil.rmtree(place, ignore_errors=True)
            raise

    async def _write(self, request: Request, out: BinaryIO) -> None:
        held, written = bytearray(), 0
        async for chunk in _in_time(request.stream()):
            held += chunk
            if len(held) >= _PIECE:
                written += len(held)
                self._admit(written)
                await anyio.to_thread.run_sync(out.write, bytes(held), limiter=self._writing)
                held.clear()
        self._admit(written + len(held))
        out.write(held)

    def _admit(self, size: int) -> None:
        if size > self._most:
            raise TooLarge(f"A file may have {self._most >> 20} MiB here: send a smaller one, or its sound alone.")
        if shutil.disk_usage(self._folder).free < _KEPT_FREE:
            raise NoRoom("The disk of the server is nearly full: make room there, then send it again.")

    def _add(self, file: Path) -> AddedRecording:
        added = None
        try:
            added = self._toolbox.add_recording(str(file), work=_UntilTheEnd(self._ending))
            return added
        finally:
            if added is None or added.path != str(file):  # no sound, or known already and lying elsewhere
                shutil.rmtree(file.parent, ignore_errors=True)


class _UntilTheEnd(Quiet):
    def __init__(self, ending: threading.Event) -> None:
        super().__init__()
        self._ending = ending

    def check_cancelled(self) -> None:
        if self._ending.is_set():
            raise Cancelled("The server is ending: send the file again once it is back.")


def _file_name(given: str) -> str:
    """What of a name is safe: one part, no separators, no control characters, of a length any disk takes."""
    if not given.strip("/ .") or len(given) > 1000:
        raise BadArgument("Say what the file is called: PUT /uploads/call.mp3.")
    path = Path(given.replace("\\", "/").rstrip("/").rpartition("/")[2])
    suffix = path.suffix if path.suffix[1:].isalnum() and len(path.suffix) <= 8 and path.suffix.isascii() else ""
    return clean_name(path.name.removesuffix(suffix)) + suffix


async def _in_time(stream: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    while True:
        try:
            with anyio.fail_after(_STALLED_SECONDS):
                chunk = await anext(stream, None)
        except (TimeoutError, ClientDisconnect):
            raise Broken(f"The file did not arrive whole, nothing came for {_STALLED_SECONDS:.0f} s.") from None
        if chunk is None:
            return
        yield chunk
