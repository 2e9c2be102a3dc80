"""`auricle serve --http` in a browser: the library as pages, behind the same tokens."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from auricle.settings import Settings
from mcp_server.http import Address, http_app
from mcp_server.server import build_server
from tests.browser import browser, serious
from tests.fakes import fake_engines, tone
from tests.http_kit import bearer, serving
from tools.toolbox import Toolbox

LOCAL = "http://127.0.0.1:8765"


@pytest.fixture
def toolbox(settings: Settings) -> Iterator[Toolbox]:
    made = Toolbox(settings, engines=fake_engines())
    yield made
    made.close()


@pytest.fixture
def call(toolbox: Toolbox, tmp_path: Path) -> str:
    found = toolbox.add_recording(str(tone(tmp_path / "a <call>.wav", 12))).id
    toolbox.transcribe(found)
    toolbox.diarize(found)
    return found


@pytest.fixture
def client(toolbox: Toolbox, tmp_path: Path) -> Iterator[TestClient]:
    ending = threading.Event()
    server = build_server(toolbox, toolbox.settings, [tmp_path], ending)
    app = http_app(server, toolbox, Address("127.0.0.1", 8765), ending)
    with TestClient(app, base_url=LOCAL, follow_redirects=False) as made:
        yield made


def test_the_library_is_listed_and_each_recording_has_its_page(client: TestClient, call: str, tmp_path: Path) -> None:
    listed = client.get("/library")
    assert f'<a href="/library/{call}">a &lt;call&gt;.wav</a>' in listed.text
    page = client.get(f"/library/{call}")
    assert f'src="/library/{call}/sound.mp3"' in page.text
    assert "refund" in page.text
    assert str(tmp_path) not in listed.text + page.text  # nothing tells where files lie
    assert page.headers["cache-control"] == "no-store"
    assert page.headers["content-security-policy"] == "frame-ancestors 'none'"


def test_the_sound_comes_in_ranges(client: TestClient, call: str) -> None:
    whole = client.get(f"/library/{call}/sound.mp3")
    assert (whole.status_code, whole.headers["content-type"]) == (200, "audio/mpeg")
    part = client.get(f"/library/{call}/sound.mp3", headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, whole.content[100:200])


def test_what_is_not_there_is_not_found(client: TestClient) -> None:
    for path in ("/library/r_0000000000", "/library/..%2f..%2fetc/sound.mp3", "/library/x/sound.mp3", "/library/enter"):
        assert client.get(path).status_code in (404, 405)


def test_with_tokens_there_is_a_door_and_a_cookie_opens_it(client: TestClient, toolbox: Toolbox, call: str) -> None:
    token = toolbox.library.tokens.create("Alice")[0]
    for path in ("/library", f"/library/{call}", f"/library/{call}/sound.mp3"):
        closed = client.get(path)
        assert closed.status_code == 401
        assert "Your token" in closed.text and "call" not in closed.text
        assert client.get(path, headers=bearer(token)).status_code == 200
    wrong = client.post("/library/enter", data={"token": "nonsense"})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert "opens nothing" in wrong.text
    entered = client.post("/library/enter", data={"token": token})
    assert (entered.status_code, entered.headers["location"]) == (303, "/library")
    cookie = entered.headers["set-cookie"].lower()
    assert "httponly" in cookie and "samesite=strict" in cookie and "path=/library" in cookie
    assert client.get("/library").status_code == 200
    assert client.get(f"/library/{call}/sound.mp3").status_code == 200
    toolbox.library.tokens.create("Bob")
    toolbox.library.tokens.revoke("Alice")
    assert client.get("/library").status_code == 401


def test_the_cookie_opens_the_pages_and_nothing_else(client: TestClient, toolbox: Toolbox) -> None:
    token = toolbox.library.tokens.create("Alice")[0]
    client.cookies.set("auricle_token", token)
    assert client.put("/uploads/x.wav", content=b"x").status_code == 401
    assert client.post("/mcp", json={}).status_code == 401


def test_a_page_is_not_shown_under_another_name_nor_a_token_taken_from_another_page(client: TestClient) -> None:
    assert client.get("/library", headers={"Host": "evil.example"}).status_code == 421
    posted = client.post("/library/enter", data={"token": "x"}, headers={"Origin": "https://evil.example"})
    assert posted.status_code == 403


def test_a_form_without_an_end_is_not_read_to_it(client: TestClient, toolbox: Toolbox) -> None:
    toolbox.library.tokens.create("Alice")
    assert client.post("/library/enter", content=b"token=" + b"x" * 1_000_000).status_code == 401


def test_a_person_enters_opens_a_recording_and_hears_it(tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "allowed"
    made = Toolbox(Settings(home=home, worker="inline"), engines=fake_engines())
    call = made.add_recording(str(tone(tmp_path / "call.wav", 12))).id
    made.transcribe(call)
    made.diarize(call)
    made.close()
    with browser() as chromium, serving(home, folder) as served:
        token = served.token()
        page = chromium.new_page()
        wrong: list[str] = []
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.goto(f"{served.url}/library")
        assert serious(page) == []
        page.get_by_label("Your token").fill(token)
        page.get_by_role("button", name="Enter").click()
        assert serious(page) == []
        page.get_by_role("link", name="call.wav").click()
        page.wait_for_function("() => document.getElementById('sound').duration > 11")
        page.get_by_role("button", name="Go to 0:04").first.click()
        page.wait_for_function("() => Math.abs(document.getElementById('sound').currentTime - 4) < 0.1")
        page.wait_for_selector(".now")
        assert wrong == []
