"""Pictures of a talk are read back by Pillow and an XML parser, and nothing in a name is taken for markup."""

import io
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from PIL import Image

from auricle.errors import BadArgument
from tests.cli_kit import command_line
from tests.fakes import tone
from tests.test_tools_export import source
from tests.transcripts import CALL, NAMES
from tools.export import FORMATS
from tools.export.pictures import COLOURS, turn_taking


def test_a_png_shows_each_voice_in_its_colour() -> None:
    picture = Image.open(io.BytesIO(FORMATS["png"].write(source(CALL, NAMES)).content)).convert("RGB")
    assert picture.width >= 1000
    seen = {colour for _, colour in picture.getcolors(1 << 24) or []}
    assert {tuple(bytes.fromhex(colour[1:])) for colour in COLOURS[:2]} <= seen


def test_an_svg_keeps_the_names_as_text_and_is_the_same_each_time() -> None:
    hostile = {"s_a": "<script>$\\frac{1}{0}$ & co", "s_b": "李雷"}
    content = FORMATS["svg"].write(source(CALL, hostile)).content
    texts = [
        "".join(each.itertext()).strip() for each in ET.fromstring(content).iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "<script>$\\frac{1}{0}$ &…" in texts or "<script>$\\frac{1}{0}$ & co" in texts
    assert "李雷" in texts and "0:14" not in "".join(texts[:1])
    assert content == FORMATS["svg"].write(source(CALL, hostile)).content


def test_who_takes_the_word_after_whom_is_counted() -> None:
    said = [("s_a", 1, "A."), ("s_b", 2, "B."), ("s_a", 3, "C."), ("s_b", 4, "D."), ("s_b", 5, "E."), ("s_c", 6, "F.")]
    assert turn_taking(source(said), ["s_a", "s_b", "s_c"]) == [[0, 2, 0], [1, 0, 1], [0, 0, 0]]


def test_without_voices_a_picture_says_what_to_do() -> None:
    with pytest.raises(BadArgument, match="call diarize first"):
        FORMATS["png"].write(source(CALL, diarized=False))


def test_nobody_and_many_speakers_make_a_picture_as_well() -> None:
    many = [(f"s_{letter}", place * 3.0, "Hello.") for place, letter in enumerate("abcdefghijkl")]
    for given in (source([]), source(many)):
        assert FORMATS["png"].write(given).content.startswith(b"\x89PNG")


def test_show_draws_where_it_is_asked_to(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    auricle = command_line(capsys, monkeypatch)
    call = auricle("add", tone(tmp_path / "call.wav", 12), "--json").document["recordings"][0]["id"]
    assert "call diarize first" in auricle("show", call, "--plot", "talk.png").err
    auricle("diarize", call)
    assert auricle("show", call, "--plot", "talk.svg").code == 0
    assert ET.parse(tmp_path / "talk.svg").getroot().tag.endswith("svg")
    assert auricle("show", call, "--plot", "talk.gif").code == 2
