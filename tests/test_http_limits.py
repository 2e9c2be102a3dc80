"""Limits and uploads of `auricle serve --http`."""

import itertools
import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import anyio
import httpx
import pytest
from mcp.shared.exceptions import MCPError
from starlette.authentication import SimpleUser
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from auricle.errors import LibraryError
from auricle.settings import Settings
from library import Library
from mcp_server.http import Address, http_app
from mcp_server.limits import Buckets, Limits
from mcp_server.server import build_server
from tests.fakes import fake_engines, tone
from tests.http_kit import Served, bearer, connected, serving
from tests.worker_kit import until
from tools.toolbox import Toolbox

MIB = 1 << 20
PITCHES = itertools.count(200)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that takes files of up to a mebibyte."""
    place = tmp_path_factory.mktemp("http")
    with Library(place / "home") as library:
        library.tokens.create("somebody")
    with serving(
        place / "home",
        place / "allowed",
        AURICLE_UPLOAD_MIB="1",
        AURICLE_REQUESTS_AT_ONCE="30",
        AURICLE_REQUESTS_PER_SECOND="2",
    ) as running:
        yield running


@pytest.fixture
def headers(served: Served, request: pytest.FixtureRequest) -> dict[str, str]:
    """A token for this test alone, with limits of its own."""
    return bearer(served.token(request.node.name[:64]))


@pytest.fixture
def call(tmp_path: Path) -> Path:
    """Another recording for each test."""
    return tone(tmp_path / "call.wav", 4, pitch=next(PITCHES))


def uploaded(served: Served) -> list[Path]:
    walked = os.walk(served.home / "uploads")  # which a folder that goes meanwhile does not disturb
    return sorted(Path(folder, name) for folder, _, names in walked for name in names)


def put(served: Served, name: str, content: Any, headers: dict[str, str]) -> httpx.Response:
    return httpx.put(f"{served.url}/uploads/{name}", content=content, headers=headers, timeout=30)


def test_a_file_is_uploaded_and_can_be_worked_with(served: Served, headers: dict[str, str], call: Path) -> None:
    answer = put(served, "Monday%20call.wav", call.read_bytes(), headers)
    assert answer.status_code == 201, answer.text
    told = answer.json()
    assert set(told) == {"recording", "name", "duration", "already_known", "next"}
    assert (told["name"], told["duration"], told["already_known"]) == ("Monday call.wav", 4.0, False)
    assert str(served.home) not in answer.text

    async def main() -> None:
        with anyio.fail_after(30):
            async with connected(served, headers["Authorization"].partition(" ")[2]) as client:
                heard = await client.call_tool("transcribe", {"recording": told["recording"]})
                assert heard.structured_content is not None
                assert heard.structured_content["words"] == 8

    anyio.run(main)


def test_a_file_that_is_known_is_not_kept_twice(served: Served, headers: dict[str, str], call: Path) -> None:
    first = put(served, "call.wav", call.read_bytes(), headers)
    before = uploaded(served)
    again = put(served, "copy.wav", call.read_bytes(), headers)
    assert again.status_code == 200
    assert again.json()["recording"] == first.json()["recording"]
    assert uploaded(served) == before


def test_an_upload_goes_with_its_recording(served: Served, headers: dict[str, str], call: Path) -> None:
    recording = put(served, "private.wav", call.read_bytes(), headers).json()["recording"]
    with Library(served.home) as library:
        path = Path(library.recordings.get(recording).path)
        assert path.read_bytes() == call.read_bytes()
        assert oct(path.parent.stat().st_mode & 0o777) == "0o700"
        library.recordings.remove(recording)
    assert not path.parent.exists()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("..%2F..%2F..%2Fetc%2Fcron.d%2Fx.wav", "x.wav"),
        ("%2Fetc%2Fpasswd", "passwd"),
        ("..%5C..%5Cwin.wav", "win.wav"),
        ("a%00b.wav", "ab.wav"),
        ("a%09b%1B[31m.wav", "ab[31m.wav"),
        (".hidden.wav", "hidden.wav"),
        ("x" * 500 + ".wav", "x" * 120 + ".wav"),
        ("Gespr%C3%A4ch.m4a", "Gespräch.m4a"),
        ("%FF%FE.wav", None),
        ("call.w%2Fv", "v"),
    ],
)
def test_a_name_is_never_a_path(
    served: Served, headers: dict[str, str], call: Path, name: str, kept: str | None
) -> None:
    answer = put(served, name, call.read_bytes(), headers)
    assert answer.status_code == 201, answer.text
    assert kept is None or answer.json()["name"] == kept
    with Library(served.home) as library:
        path = Path(library.recordings.get(answer.json()["recording"]).path)
    assert path.parent.parent == served.home / "uploads"
    assert re.fullmatch(r"[0-9a-f]{16}", path.parent.name)


@pytest.mark.parametrize("name", ["", "..", "%2E%2E%2F", "%20"])
def test_a_file_without_a_name_is_refused(served: Served, headers: dict[str, str], name: str) -> None:
    answer = put(served, name, b"", headers)
    assert answer.status_code in (400, 404, 405), answer.text


@pytest.mark.parametrize("content", [b"", b"no sound at all " * 100], ids=["empty", "text"])
def test_what_has_no_sound_is_refused_and_goes(served: Served, headers: dict[str, str], content: bytes) -> None:
    before = uploaded(served)
    answer = put(served, "call.mp3", content, headers)
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "bad_audio"
    assert str(served.home) not in answer.text
    assert uploaded(served) == before


def test_a_file_that_is_too_large_is_refused_told_or_not(served: Served, headers: dict[str, str]) -> None:
    before = uploaded(served)
    for content in (b"x" * (MIB + 1), (b"x" * 65536 for _ in range(17))):
        answer = put(served, "call.wav", content, headers)
        assert answer.status_code == 413
        assert "1 MiB" in answer.json()["error"]["message"]
    assert uploaded(served) == before


def test_nobody_uploads_without_a_token(served: Served, call: Path) -> None:
    before = uploaded(served)
    answer = put(served, "call.wav", call.read_bytes(), {})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer ")
    assert uploaded(served) == before


def test_of_an_upload_that_breaks_off_nothing_stays(served: Served, headers: dict[str, str]) -> None:
    before = uploaded(served)
    host, port = served.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as wire:
        request = "PUT /uploads/call.wav HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500000\r\n"
        wire.sendall(f"{request}Authorization: {headers['Authorization']}\r\n\r\n".encode() + b"x" * 1000)
        until(lambda: len(uploaded(served)) > len(before))
    until(lambda: uploaded(served) == before)


@pytest.mark.skipif(not shutil.which("curl"), reason="curl is not installed")
def test_curl_uploads_in_one_line(served: Served, headers: dict[str, str], call: Path) -> None:
    line = [
        "curl",
        "-sf",
        "-H",
        f"Authorization: {headers['Authorization']}",
        "-T",
        str(call),
        f"{served.url}/uploads/",
    ]
    done = subprocess.run(line, capture_output=True, text=True, timeout=30)
    assert done.returncode == 0, done.stderr
    assert '"name":"call.wav"' in done.stdout


def test_what_a_killed_server_left_goes(tmp_path: Path) -> None:
    uploads = tmp_path / "home" / "uploads"
    for name, age in (("old", 4000), ("kept", 4000), ("new", 0)):
        (uploads / name).mkdir(parents=True)
        (uploads / name / ".part").touch()
        if name == "kept":
            with Library(tmp_path / "home") as library:
                library.recordings.add(tone(uploads / name / "call.wav", 1), lambda *_: None)
        os.utime(uploads / name, (time.time() - age,) * 2)
    with serving(tmp_path / "home", tmp_path / "allowed") as running:
        until(lambda: httpx.get(f"{running.url}/health").status_code == 200)
        assert {path.name for path in uploads.iterdir()} == {"new", "kept"}


def test_too_many_requests_are_told_when_to_come_again(served: Served, headers: dict[str, str]) -> None:
    token = headers["Authorization"].partition(" ")[2]
    with httpx.Client(headers=headers) as client:
        answers = [client.get(f"{served.url}/health") for _ in range(60)]
    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused
    assert {answer.status_code for answer in answers} == {200, 429}
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)

    async def main() -> None:
        with anyio.fail_after(30):
            async with connected(served, token, "legacy") as client:
                with pytest.raises(MCPError, match="try again in"):
                    for _ in range(60):
                        await client.list_tools()

    time.sleep(2)  # enough to say hello again
    anyio.run(main)
    assert httpx.get(f"{served.url}/health", headers=bearer(served.token("somebody else"))).status_code == 200


def test_a_bucket_fills_as_time_goes_by() -> None:
    now = [0.0]
    buckets = Buckets(rate=2, burst=3, now=lambda: now[0])
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]
    assert buckets.take("b") == 0
    now[0] = 0.5
    assert [buckets.take("a") for _ in range(2)] == [0, 0.5]
    now[0] = 100
    assert [buckets.take("a") for _ in range(4)] == [0, 0, 0, 0.5]


def test_buckets_do_not_grow_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("mcp_server.limits._MOST_KEYS", 10)
    buckets = Buckets(rate=1, burst=1, now=lambda: 0.0)
    assert [buckets.take(str(number)) for number in range(11)] == [0] * 11
    assert buckets.take("10") == 1
    assert buckets.take("0") == 0


def test_one_client_has_only_so_many_requests_under_way_and_others_are_not_kept_waiting() -> None:
    entered, go, statuses = anyio.Event(), anyio.Event(), list[int]()

    async def slow(_scope: Scope, _receive: Receive, send: Send) -> None:
        entered.set()
        await go.wait()
        await Response()(_scope, _receive, send)

    limits = Limits(slow, Buckets(rate=1, burst=10), at_once=1)

    async def ask(name: str) -> None:
        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                statuses.append(message["status"])

        scope = {"type": "http", "method": "POST", "user": SimpleUser(name)}
        await limits(scope, nothing, send)

    async def nothing() -> Message:
        return {"type": "http.disconnect"}

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask, "Alice")
            await entered.wait()
            await ask("Alice")
            assert statuses == [429]
            tasks.start_soon(ask, "Bob")
            go.set()
        await ask("Alice")
        assert statuses == [429, 200, 200, 200]

    anyio.run(main)


def test_a_library_that_cannot_be_used_is_told_without_its_place(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise LibraryError(f"The library at {tmp_path} is damaged.")

    toolbox = Toolbox(settings, engines=fake_engines())
    secret, _ = toolbox.library.tokens.create("Alice")
    app = http_app(build_server(toolbox, settings, [tmp_path]), toolbox, Address("127.0.0.1", 0), threading.Event())
    monkeypatch.setattr(toolbox, "add_recording", broken)
    monkeypatch.setattr(toolbox.library.tokens, "list", broken)

    async def main() -> None:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
            assert (await client.get("/health")).json() == {"status": "unavailable"}
            answers = [
                await client.post("/mcp"),
                await client.put("/uploads/a.wav", content=b"x", headers=bearer(secret)),
            ]
            monkeypatch.setattr(toolbox.library.tokens, "check", broken)
            answers.append(await client.get("/mcp", headers=bearer(secret)))
        for answer in answers:
            assert answer.status_code == 503
            assert answer.json()["error"]["code"] == "library"
            assert str(tmp_path) not in answer.text

    anyio.run(main)
    toolbox.close()
