"""The page in a real browser: plays, follows, seeks, searches, takes names, prints, and runs nothing that was said."""

import base64
import io
import re
import shutil
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from agent.script import load
from auricle.domain import Span
from auricle.times import to_samples
from tests.browser import browser, serious
from tests.fakes import tone
from tests.test_tools_export import HOSTILE
from tests.transcripts import CALL, NAMES, transcript, utterance
from tools.export import FORMATS, Source
from tools.export.page import html
from tools.export.pdf import BROWSERS, NoBrowser
from tools.toolbox import Toolbox
from tools.work import Quiet

LOCAL = ("file:", "data:", "blob:")
ATTACK = "</script><script>document.title='owned'</script><img src=x onerror=document.title='owned'> & \u2028 {{ 7*7 }}"


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    with browser() as opened:
        yield opened


def silence(seconds: float) -> str:
    """A sound of its own for the page, as an address."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setparams((1, 1, 8000, 0, "NONE", ""))
        file.writeframes(b"\x80" * round(8000 * seconds))
    return "data:audio/wav;base64," + base64.b64encode(out.getvalue()).decode()


def source(said: list[Any], names: dict[str, str] | None = None, sound: bool = True, **more: Any) -> Source:
    view = transcript(said, names, **more)
    seconds = view.duration / 16000
    span = Span(start=0, end=view.duration)
    return Source("call", view, span, media="call.wav", sound=silence(seconds) if sound else "")


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Any]:
    """Writes a source's page and opens it from file://; whatever the page complains about fails the test."""
    pages: list[Any] = []
    wrong: list[str] = []

    def show(given: Source, **options: Any) -> Any:
        file = tmp_path / "call.html"
        file.write_bytes(html(given).content)
        page = chromium.new_page(accept_downloads=True, **options)
        page.on("console", lambda message: wrong.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: wrong.append(str(error)))
        page.on("request", lambda request: None if request.url[:5] in LOCAL else wrong.append(request.url))
        page.goto(file.as_uri())
        pages.append(page)
        return page

    yield show
    for page in pages:
        page.close()
    assert wrong == []


def now(page: Any) -> str:
    return str(page.locator("#lines .now .text").inner_text())


def test_a_click_on_a_time_or_a_word_seeks_there(opened: Any) -> None:
    page = opened(source(CALL, NAMES))
    page.get_by_role("button", name="Go to 0:14").click()
    assert page.evaluate("document.getElementById('sound').currentTime") == pytest.approx(14.4)
    assert now(page).startswith("And I'm Sheila")
    page.locator("#lines span[data-at]", has_text="beep").click()
    at = page.evaluate("document.getElementById('sound').currentTime")
    assert at == pytest.approx(10.8 + 9 * 0.2, abs=0.25)
    assert page.locator(".word").inner_text().strip() == "beep."


def test_the_transcript_follows_what_plays(opened: Any) -> None:
    lines = [(("s_a", "s_b")[place % 2], place * 0.5, f"Line {place} of many.") for place in range(118)]
    page = opened(source(lines, NAMES))
    page.evaluate("document.getElementById('sound').currentTime = 50.1")
    page.wait_for_selector("#l100.now")
    page.wait_for_function(
        "() => { const box = document.querySelector('#l100').getBoundingClientRect();"
        "return box.top > 0 && box.bottom < innerHeight; }"
    )
    page.evaluate("const s = document.getElementById('sound'); s.playbackRate = 4; s.play()")
    page.wait_for_function("() => Number(document.querySelector('.now').id.slice(1)) > 104")
    page.mouse.wheel(0, -2000)  # whoever scrolls wants to read elsewhere
    page.wait_for_function("() => !document.getElementById('follow').checked")


def test_the_timeline_and_the_keys_move_in_it(opened: Any) -> None:
    page = opened(source(CALL, NAMES))
    box = page.locator("#timeline").bounding_box()
    page.mouse.click(box["x"] + box["width"] * 0.25, box["y"] + 5)
    assert page.evaluate("document.getElementById('sound').currentTime") == pytest.approx(15, abs=0.2)
    page.keyboard.press("ArrowRight")
    assert page.evaluate("document.getElementById('sound').currentTime") == pytest.approx(20, abs=0.2)
    page.keyboard.press("ArrowDown")
    assert now(page).startswith("Well, there isn't")
    page.keyboard.press(" ")
    page.wait_for_function("() => !document.getElementById('sound').paused")
    page.keyboard.press(" ")
    page.keyboard.press("?")
    assert page.locator("#keys").is_visible()
    page.keyboard.press("Escape")
    assert not page.locator("#keys").is_visible()


def test_search_finds_marks_and_goes_on(opened: Any) -> None:
    page = opened(source(CALL, NAMES))
    page.keyboard.press("/")
    page.keyboard.type("new jersey")
    assert page.locator("#hits").inner_text() == "1 of 3"
    assert page.locator("#lines li.hit").count() == 3
    assert "Jersey" in "".join(page.locator("#lines .here mark").all_inner_texts())
    page.keyboard.press("Enter")
    assert page.locator("#hits").inner_text() == "2 of 3"
    assert "originally from Chicago also" in page.locator("#lines .here").inner_text()
    page.keyboard.press("Shift+Enter")
    assert page.locator("#hits").inner_text() == "1 of 3"
    page.keyboard.press("Escape")
    assert page.locator("mark").count() == page.locator(".hit").count() == 0
    page.locator("#search").fill("pizza")
    assert page.locator("#hits").inner_text() == "not said"


def test_a_name_that_is_changed_is_shown_everywhere_and_can_be_taken_home(opened: Any, tmp_path: Path) -> None:
    page = opened(source(CALL, {"s_a": "Diane"}))
    assert not page.locator("#save").is_visible()
    page.get_by_label("Name of Speaker 2").fill('Sheila "Yankee" {{ Lee }}')
    assert page.locator("#l1 .who").inner_text() == 'Sheila "Yankee" {{ Lee }}'
    with page.expect_download() as caught:
        page.locator("#save").click()
    saved = tmp_path / caught.value.suggested_filename
    assert saved.name == "call.names.yaml"
    caught.value.save_as(saved)
    page.get_by_label("Name of Speaker 2").fill("")
    assert page.locator("#l1 .who").inner_text() == "Speaker 2"
    assert "{{ Lee }}" in saved.read_text()
    plain = tmp_path / "plain.yaml"
    plain.write_text(saved.read_text().replace(" {{ Lee }}", ""))
    (step,) = load(plain).steps  # `auricle run` puts the names into the library
    assert (step.tool, step.arguments) == ("name_speakers", {"names": {"Speaker 2": 'Sheila "Yankee"'}})


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_axe_finds_nothing_serious(opened: Any, colours: str) -> None:
    doubtful = [utterance("s_a", 40, "Unsure words here.", doubts=("low probability",), overlap=True), *CALL]
    said = [item if not isinstance(item, tuple) else utterance(*item) for item in doubtful]
    page = opened(source(sorted(said, key=lambda one: one.start), NAMES), color_scheme=colours)
    page.get_by_role("button", name="Go to 0:40").click()
    page.locator("#search").fill("chicago")
    assert serious(page) == []
    page.locator("#help").click()
    assert serious(page) == []


def test_overlap_and_doubt_are_seen(opened: Any) -> None:
    said = [
        utterance("s_a", 1, "Both at once here.", overlap=True),
        utterance("s_b", 1.2, "Yes both of us.", doubts=("repetitive",)),
    ]
    page = opened(source(said))
    assert page.locator(".overlaps rect").count() == page.locator(".doubts rect").count() == 1
    assert page.locator("#l0 .mark").inner_text() == "overlap"
    assert page.locator("#l1 .mark").inner_text() == "unsure"
    assert page.locator("#l0 .both").count() == 4


def test_nothing_that_was_said_is_run_or_taken_for_html(opened: Any) -> None:
    said = [("s_a", 1.0, ATTACK), *HOSTILE]
    page = opened(source(said, {"s_a": ATTACK}))
    assert page.title() == "call"
    assert page.locator("img").count() == 0
    assert "<img src=x onerror=" in page.locator("#l0 .text").inner_text()
    assert page.locator("#l0 .who").inner_text().startswith("</script>")
    assert page.evaluate("document.scripts.length") == 2


def test_the_policy_lets_no_other_script_run(chromium: Any, tmp_path: Path) -> None:
    text = html(source(CALL, NAMES)).content.decode()
    file = tmp_path / "x.html"
    file.write_text(text.replace("</body>", "<script>document.title = 'owned'</script></body>"))
    page = chromium.new_page()
    page.goto(file.as_uri())
    assert page.title() == "call"
    page.close()


def test_on_paper_there_are_no_controls_and_every_line(opened: Any) -> None:
    page = opened(source(CALL, NAMES))
    page.emulate_media(media="print")
    assert not page.locator("#sound").is_visible()
    assert not page.locator("#search").is_visible()
    assert page.locator("#l8 .text").is_visible()
    assert page.pdf().startswith(b"%PDF")


def test_without_a_sound_or_voices_it_is_a_page_to_read(opened: Any) -> None:
    page = opened(source(CALL, sound=False, diarized=False))
    assert page.locator("audio").count() == page.locator("#timeline").count() == page.locator(".who").count() == 0
    page.get_by_role("button", name="Go to 0:14").click()
    assert now(page).startswith("And I'm Sheila")
    assert opened(source([])).get_by_text("Nothing was said").is_visible()


def test_of_three_hours_only_what_is_seen_is_laid_out(opened: Any) -> None:
    text = "This is one of very many lines that people say when they talk for hours and hours about nothing much."
    lines = [utterance(("s_a", "s_b")[place % 2], place * 4.0, text) for place in range(2700)]
    page = opened(source(lines, NAMES, sound=False, seconds=10800.0))
    assert page.locator("[data-at]").count() < 2000  # words are elements only where somebody looks, of 54,000
    page.evaluate("document.getElementById('l2600').scrollIntoView()")
    page.wait_for_selector("#l2600 [data-at]")
    assert page.evaluate("getComputedStyle(document.getElementById('l9')).contentVisibility") == "auto"


def test_an_hour_is_in_the_page_and_more_is_beside_it(
    toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools import page_sound

    monkeypatch.chdir(tmp_path)
    call = toolbox.add_recording(str(tone(tmp_path / "a call.wav", 6))).id
    toolbox.transcribe(call)
    within = toolbox.export_transcript(call, "html", work=Quiet())
    assert 'src="data:audio/mpeg;base64,' in Path(within.path).read_text()
    monkeypatch.setattr(page_sound, "WITHIN", to_samples(3))
    beside = toolbox.export_transcript(call, "html", path=str(tmp_path / "b c.html"), work=Quiet())
    text = Path(beside.path).read_text()
    assert 'src="b%20c.mp3"' in text and "media-src &#39;self&#39; file:" in text
    assert (tmp_path / "b c.mp3").stat().st_size > 1000
    again = toolbox.export_transcript(call, "html", path=str(tmp_path / "b c.html"), work=Quiet())
    assert again.path == beside.path
    assert not list(tmp_path.glob("*(2)*"))
    part = toolbox.export_transcript(call, "html", start=2, end=4, path=str(tmp_path / "part.html"), work=Quiet())
    assert '"offset": 2000' in Path(part.path).read_text()


def test_a_sound_beside_the_page_plays_from_a_file(
    chromium: Any, toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tools import page_sound

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(page_sound, "WITHIN", 0)
    call = toolbox.add_recording(str(tone(tmp_path / "call.wav", 6))).id
    toolbox.transcribe(call)
    page = chromium.new_page()
    page.goto(Path(toolbox.export_transcript(call, "html").path).as_uri())
    page.wait_for_function("() => document.getElementById('sound').duration > 5.5")
    page.close()


def test_a_pdf_is_the_page_on_paper() -> None:
    if not any(map(shutil.which, BROWSERS)):
        pytest.skip("no browser to print with: apt install chromium")
    made = FORMATS["pdf"].write(source(CALL, NAMES))
    assert made.content.startswith(b"%PDF")
    assert len(re.findall(rb"/Type\s*/Page\b", made.content)) >= 1


def test_without_a_browser_a_pdf_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(NoBrowser, match="install Chromium"):
        FORMATS["pdf"].write(source(CALL, NAMES))
