"""`auricle serve --http` as clients meet it: who is let in, what is refused, and how it ends."""

import signal
import socket
import time
from collections.abc import Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import httpx
import pytest
from mcp.client import Client
from mcp.shared.exceptions import MCPError

from library import Library
from mcp_server.http import ANSWER_SECONDS, LEAVE_SECONDS, Address, listening_at
from tests.cli_kit import CommandLine, command_line
from tests.fakes import tone
from tests.http_kit import BOUND, ROOT, Served, bearer, connected, serving
from tests.worker_kit import listening, until

HELLO = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": {"name": "a test", "version": "1"}},
}
ACCEPT = {"Accept": "application/json, text/event-stream"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A server that everybody needs a token for, at every address of this machine."""
    place = tmp_path_factory.mktemp("http")
    with Library(place / "home") as library:
        library.tokens.create("somebody")
    options = ("--host", "0.0.0.0", "--allowed-host", "auricle.example", "--allowed-origin", "https://app.example")
    with serving(place / "home", place / "allowed", *options) as running:
        tone(running.folder / "call.wav", 8)
        yield running


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return command_line(capsys, monkeypatch)


@pytest.mark.parametrize("mode", ["auto", "legacy"], ids=["2026", "2025"])
def test_a_client_with_a_token_uses_the_tools(served: Served, mode: str) -> None:
    token = served.token(f"client {mode}")

    async def main() -> None:
        with anyio.fail_after(30):
            async with connected(served, token, mode) as client:
                assert client.server_info is not None
                assert client.server_info.name == "auricle"
                added = await client.call_tool("add_recording", {"path": "call.wav"})
                assert added.structured_content is not None, added
                heard = await client.call_tool("transcribe", {"recording": added.structured_content["id"]})
                assert heard.structured_content is not None, heard
                assert heard.structured_content["words"] == 16

    anyio.run(main)


def test_nobody_is_let_in_without_a_token_that_holds(served: Served) -> None:
    expired, revoked = served.token("expired", days=-1), served.token("revoked")
    assert httpx.post(served.mcp, json=HELLO, headers=bearer(revoked) | ACCEPT).status_code == 200
    with Library(served.home) as library:
        library.tokens.revoke("revoked")
        other = Library(served.home.with_name("other"))
    others, _ = other.tokens.create("of another library")
    other.close()
    for headers in (
        {},
        bearer(expired),
        bearer(revoked),
        bearer(others),
        {"Authorization": "Basic QTpC"},
        bearer("auricle_"),
    ):
        answer = httpx.post(served.mcp, json=HELLO, headers=headers | ACCEPT)
        assert answer.status_code == 401, headers
        assert answer.headers["www-authenticate"].startswith("Bearer ")
        assert "auricle_" not in answer.text


def test_a_session_is_only_for_the_token_that_began_it(served: Served) -> None:
    mine, theirs = served.token("mine"), served.token("theirs")
    begun = httpx.post(served.mcp, json=HELLO, headers=bearer(mine) | ACCEPT)
    session = {"Mcp-Session-Id": begun.headers["mcp-session-id"]} | ACCEPT
    listing = {"jsonrpc": "2.0", "id": 2, "method": "tools/list"}
    assert httpx.post(served.mcp, json=listing, headers=bearer(theirs) | session).status_code == 404
    assert httpx.post(served.mcp, json=listing, headers=bearer(mine) | session).status_code == 200


def test_a_client_hears_that_it_may_not(served: Served) -> None:
    async def main() -> None:
        with anyio.fail_after(30), pytest.raises((MCPError, ExceptionGroup)):
            async with connected(served, "auricle_nonsense"):
                pass

    anyio.run(main)


@pytest.mark.parametrize("path", ["/mcp", "/health", "/elsewhere"])
@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 421),
        ({"Host": "evil.example:80"}, 421),
        ({"Host": "localhost.evil.example"}, 421),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_other_names_and_pages_are_refused_at_every_address(
    served: Served, path: str, headers: dict[str, str], status: int
) -> None:
    answer = httpx.get(f"{served.url}{path}", headers=headers | bearer(served.token(f"{path}{headers}{time.time()}")))
    assert answer.status_code == status


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "auricle.example"},
        {"Host": "auricle.example:8443"},
        {"Host": "localhost"},
        {"Origin": "https://auricle.example"},
        {"Origin": "https://app.example"},
        {"Origin": "http://localhost:6274"},
    ],
)
def test_names_and_pages_that_were_allowed_are_answered(served: Served, headers: dict[str, str]) -> None:
    assert httpx.get(f"{served.url}/health", headers=headers).status_code == 200


def test_health_needs_no_token_and_says_nothing_else(served: Served) -> None:
    answer = httpx.get(f"{served.url}/health")
    assert answer.json() == {"status": "ok"}
    assert set(answer.headers) <= {"date", "content-length", "content-type"}


def test_bodies_over_four_mebibytes_are_refused(served: Served) -> None:
    headers = bearer(served.token("large")) | ACCEPT | {"Content-Type": "application/json"}
    assert httpx.post(served.mcp, content=b" " * (4 << 20) + b"{}", headers=headers).status_code == 413
    pieces = (b" " * (1 << 20) for _ in range(5))
    assert httpx.post(served.mcp, content=pieces, headers=headers).status_code == 413


def test_on_this_machine_nobody_needs_a_token_until_there_is_one(tmp_path: Path) -> None:
    with serving(tmp_path / "home", tmp_path / "allowed") as running:
        assert httpx.post(running.mcp, json=HELLO, headers=ACCEPT).status_code == 200
        token = running.token(days=-1)
        for headers in ({}, bearer(token)):
            assert httpx.post(running.mcp, json=HELLO, headers=ACCEPT | headers).status_code == 401
        assert running.stop(signal.SIGINT) == 0
        assert running.process.stdout is not None
        assert running.process.stdout.read() == ""


@pytest.mark.parametrize("mode", ["auto", "legacy"], ids=["2026", "2025"])
def test_asked_to_stop_it_sends_clients_home_with_their_job_which_goes_on(
    tmp_path: Path, home: Path, mode: str
) -> None:
    script = (str(ROOT / "tests" / "auricle_with_fakes.py"), "hold")
    with serving(home, tmp_path / "allowed", script=script, AURICLE_WORKER="process") as running:
        tone(running.folder / "call.wav", 20)
        answers: list[dict[str, Any]] = []

        async def call(client: Client, tool: str, **arguments: Any) -> None:
            heard = await client.call_tool(tool, arguments)
            answers.append(heard.structured_content or {"error": heard})

        async def main() -> None:
            with anyio.fail_after(BOUND):
                async with connected(running, mode=mode) as client, anyio.create_task_group() as tasks:
                    added = await client.call_tool("add_recording", {"path": "call.wav"})
                    assert added.structured_content is not None
                    recording = added.structured_content["id"]
                    tasks.start_soon(partial(call, client, "transcribe", recording=recording))
                    await anyio.to_thread.run_sync(until, lambda: len(listening(home)) == 2)
                    with Library(home) as library:
                        job = library.jobs.list()[0].id
                    tasks.start_soon(partial(call, client, "get_job", job=job, wait=25))
                    await anyio.sleep(0.3)
                    asked = time.monotonic()
                    assert await anyio.to_thread.run_sync(running.stop) == 0
                    assert time.monotonic() - asked < ANSWER_SECONDS + LEAVE_SECONDS + 3

        anyio.run(main)
    job = answers[0]["job"]
    assert [answer["job"] for answer in answers] == [job, job]
    with Library(home) as library:
        assert library.jobs.get(job).state == "running"
        (home / "go").touch()
        until(lambda: library.jobs.get(job).state == "done")
    assert len(set(listening(home))) == 1


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "auricle.example"])
def test_it_does_not_listen_beyond_this_machine_without_a_token(
    auricle: CommandLine, tmp_path: Path, host: str
) -> None:
    ran = auricle("serve", "--http", "--host", host, "--allow", tmp_path)
    assert (ran.code, ran.out) == (2, "")
    assert "auricle tokens create" in ran.err


def test_a_port_that_is_taken_is_one_clear_line(auricle: CommandLine, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        ran = auricle("serve", "--http", "--port", taken.getsockname()[1], "--allow", tmp_path)
    assert ran.code == 2
    assert ran.err.count("\n") == 1
    assert "--port" in ran.err


def test_tokens_are_made_listed_and_revoked_at_the_command_line(auricle: CommandLine) -> None:
    assert "auricle tokens create" in auricle("tokens", "list").out
    made = auricle("tokens", "create", "Alice", "--expires", 30, "--json").document
    assert set(made) == {"token", "name", "created", "expires", "last_used"}
    assert (datetime.fromisoformat(made["expires"]) - datetime.fromisoformat(made["created"])).days == 30
    shown = auricle("tokens", "create", "Bob's phone")
    assert shown.out.strip().startswith("auricle_")
    assert "again" in shown.err
    listed = auricle("tokens", "list", "--json")
    assert [token["name"] for token in listed.document["tokens"]] == ["Alice", "Bob's phone"]
    for printed in (listed, auricle("tokens", "list")):
        assert made["token"] not in printed.out
    assert auricle("tokens", "create", "Alice").code == 2
    assert auricle("tokens", "revoke", "Alice").code == 0
    assert auricle("tokens", "revoke", "Alice", "--json").error["code"] == "not_found"


def test_answers_do_not_wait_for_more_to_send() -> None:
    with listening_at(Address("127.0.0.1", 0)) as made:
        assert made.proto == socket.IPPROTO_TCP  # what asyncio looks at before it turns Nagle's algorithm off
