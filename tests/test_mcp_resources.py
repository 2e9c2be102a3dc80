"""Resources over MCP: recordings, transcripts and sounds that a client can read and play, in both eras."""

import base64
import io
import json
import re
from pathlib import Path
from typing import Any

import pytest
import soundfile
from mcp.client import Client
from mcp.shared.exceptions import MCPError
from mcp_types import BlobResourceContents, PromptReference, ResourceTemplateReference, TextResourceContents

from auricle.domain import Span
from auricle.errors import LibraryError
from auricle.settings import Settings
from mcp_server.resources import AUDIO, ONE, TRANSCRIPT, VOICE
from tests.fakes import VOCABULARY, tone
from tests.mcp_kit import talk
from tools import excerpts
from tools.toolbox import Toolbox

Contents = list[TextResourceContents | BlobResourceContents]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "very secret"
    made.mkdir()
    return made


@pytest.fixture
def call(toolbox: Toolbox, folder: Path) -> str:
    """A recording of 24 s in which Ann and Speaker 2 take turns of four seconds."""
    recording = toolbox.add_recording(str(tone(folder / "call.wav", 24, channels=2, rate=44_100))).id
    toolbox.transcribe(recording)
    toolbox.diarize(recording, speakers=2)
    toolbox.name_speakers(recording, names={"Speaker 1": "Ann"})
    return recording


async def read(client: Client, uri: str) -> Contents:
    return (await client.read_resource(uri)).contents


def text(contents: Contents) -> list[str]:
    return [one.text for one in contents if isinstance(one, TextResourceContents)]


def said(text: str) -> list[str]:
    return [word for word in re.findall(r"\w+", text) if word in VOCABULARY]


def played(contents: Contents) -> tuple[float, int, int]:
    """Seconds, rate and channels of the one sound there is."""
    (one,) = contents
    assert isinstance(one, BlobResourceContents)
    data = base64.b64decode(one.blob)
    assert len(data) < 1_000_000
    samples, rate = soundfile.read(io.BytesIO(data), always_2d=True)
    assert abs(samples).max() > 0.1
    return len(samples) / rate, rate, samples.shape[1]


def test_what_is_listed_can_be_read(call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str) -> None:
    silent = toolbox.add_recording(str(tone(folder / "not heard yet.wav", 2, pitch=300))).id

    async def go(client: Client) -> None:
        listed = {one.uri: one for one in (await client.list_resources()).resources}
        assert set(listed) == {
            "auricle://recordings",
            f"auricle://recordings/{call}",
            f"auricle://recordings/{call}/transcript.txt",
            f"auricle://recordings/{silent}",
        }
        for uri, one in listed.items():
            contents = await read(client, uri)
            assert contents[0].mime_type == one.mime_type
            assert "very secret" not in "".join(text(contents)) + str(one)
        described = json.loads(text(await read(client, f"auricle://recordings/{call}"))[0])
        assert described["name"] == "call.wav"
        assert described["duration"] == 24.0
        for uri in (described["transcript"], *(speaker["voice"] for speaker in described["speakers"])):
            assert await read(client, uri)

    talk(toolbox, settings, [folder], go, mode=mode)


def test_a_transcript_comes_in_the_format_and_range_asked_for(
    call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str
) -> None:
    base = f"auricle://recordings/{call}/transcript"

    async def go(client: Client) -> None:
        (whole,) = text(await read(client, f"{base}.txt"))
        assert whole.startswith("[0:00] Ann: well the refund")
        (part,) = text(await read(client, f"{base}.txt?start=0:04&end=8"))
        assert part.startswith("[0:04] Speaker 2: ")
        assert len(part.splitlines()) == 1
        subtitles = await read(client, f"{base}.srt?start=4")
        assert subtitles[0].mime_type == "application/x-subrip"
        assert "00:00:04,000 --> " in text(subtitles)[0]
        data = json.loads(text(await read(client, f"{base}.json?end=4"))[0])
        assert [segment["speaker"] for segment in data["segments"]] == ["Ann", "Ann"]

    talk(toolbox, settings, [folder], go, mode=mode)


@pytest.mark.parametrize("kind", ["txt", "srt", "json"])
def test_a_long_transcript_is_read_on_without_a_lost_or_doubled_word(
    kind: str, call: str, toolbox: Toolbox, settings: Settings, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = excerpts.excerpt(toolbox.library, toolbox.library.recordings.get(call), Span(start=0, end=320_000), kind)
    monkeypatch.setattr(excerpts, "MOST_CHARACTERS", 150)
    monkeypatch.setattr(excerpts, "MOST_FOR_PROGRAMS", 2500)
    pages: list[str] = []

    async def go(client: Client) -> None:
        uri = f"auricle://recordings/{call}/transcript.{kind}?end=0:20"
        while uri:
            page, *hint = text(await read(client, uri))
            pages.append(page)
            assert len(pages) < 20
            uri = hint[0].partition("read ")[2] if hint else ""

    talk(toolbox, settings, [folder], go)
    assert len(pages) > 1
    assert whole.goes_on is None
    assert said("".join(pages)) == said(whole.text)


def test_sounds_can_be_played_and_stay_small(
    call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str
) -> None:
    base = f"auricle://recordings/{call}"

    async def go(client: Client) -> None:
        assert played(await read(client, f"{base}/audio.wav?start=2&end=5.5")) == (3.5, 16_000, 1)
        assert played(await read(client, f"{base}/audio.wav?start=0:20")) == (4.0, 16_000, 1)
        compressed = await read(client, f"{base}/audio.mp3?start=1&end=9")
        assert compressed[0].mime_type == "audio/mpeg"
        assert played(compressed)[0] == pytest.approx(8, abs=0.2)
        for speaker in ("Ann", "ann", "Speaker%201", "Speaker 1", "Speaker%202"):  # models forget to encode
            voice = await read(client, f"{base}/voices/{speaker}.wav")
            assert played(voice) == (4.0, 16_000, 1)
            assert voice[0].meta is not None
            assert voice[0].meta["auricle/start"] % 8 == (4 if speaker == "Speaker%202" else 0)

    talk(toolbox, settings, [folder], go, mode=mode)


def test_a_sound_that_would_be_too_long_is_cut_or_refused(toolbox: Toolbox, settings: Settings, folder: Path) -> None:
    recording = toolbox.add_recording(str(tone(folder / "long.wav", 61))).id
    base = f"auricle://recordings/{recording}/audio"

    async def go(client: Client) -> None:
        assert played(await read(client, f"{base}.wav"))[0] == 30.0
        assert played(await read(client, f"{base}.wav?start=50"))[0] == 11.0
        with pytest.raises(MCPError, match="at most 30 s apart, or call slice_audio"):
            await read(client, f"{base}.wav?start=0&end=31")

    talk(toolbox, settings, [folder], go)


def test_what_cannot_be_read_is_told_clearly_and_without_a_path(
    call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str
) -> None:
    new = toolbox.add_recording(str(tone(folder / "new.wav", 4, pitch=300))).id
    base = "auricle://recordings"
    wrong = [
        (f"{base}/r_0123456789", "no recording 'r_0123456789'"),
        (f"{base}/call.wav", "no recording 'call.wav'"),
        (f"{base}/{call}/transcript.pdf", "'pdf' is not known: give txt"),
        (f"{base}/{call}/transcript.txt?start=0:99", "0:99"),
        (f"{base}/{call}/transcript.txt?start=30", "past the end"),
        (f"{base}/{call}/transcript.txt?start=nan", "nan"),
        (f"{base}/{call}/audio.flac", "wav or mp3"),
        (f"{base}/{call}/voices/Bob.wav", "no voice 'Bob'"),
        (f"{base}/{new}/transcript.txt", "call transcribe first"),
        (f"{base}/{new}/voices/Ann.wav", "call diarize first"),
        (f"{base}/../../etc/passwd", "no resource"),
        (f"{base}/%2e%2e%2f%2e%2e%2fetc%2fpasswd", "no recording '../../etc/passwd'"),
        (f"{base}/{call}%00/audio.wav", "no recording"),
        (f"{base}/{call}/voices/..%2F..%2Fcall.wav", "no voice"),
        (f"file://{folder}/call.wav", "no resource"),
        ("auricle://" + "x" * 70_000, "no resource"),
        ("", "no resource"),
    ]

    async def go(client: Client) -> None:
        for uri, told in wrong:
            with pytest.raises(MCPError) as failed:
                await read(client, uri)
            assert told in failed.value.message, uri
            assert failed.value.code == -32602
            assert "\n" not in failed.value.message
            assert len(failed.value.message) < 1000
            if not uri.startswith("file:"):
                assert "very secret" not in failed.value.message

    talk(toolbox, settings, [folder], go, mode=mode)


def test_ids_formats_and_speakers_are_completed(
    call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str
) -> None:
    other = toolbox.add_recording(str(tone(folder / "Monday.wav", 4, pitch=300))).id

    async def go(client: Client) -> None:
        async def values(template: Any, name: str, typed: str, told: dict[str, str] | None = None) -> list[str]:
            reference = ResourceTemplateReference(uri=template.template)
            argument = {"name": name, "value": typed}
            return (await client.complete(reference, argument, told)).completion.values

        assert await values(ONE, "recording", "") == [other, call]
        assert await values(TRANSCRIPT, "recording", call[:6]) == [call]
        assert await values(AUDIO, "recording", "mon") == [other]
        assert await values(TRANSCRIPT, "format", "s") == ["srt"]
        assert await values(AUDIO, "format", "") == ["wav", "mp3"]
        assert await values(VOICE, "speaker", "", {"recording": call}) == ["Ann", "Speaker 2"]
        assert await values(VOICE, "speaker", "a", {"recording": call}) == ["Ann"]
        assert await values(VOICE, "speaker", "", {"recording": "../r"}) == []
        assert await values(VOICE, "speaker", "") == []
        assert await values(AUDIO, "start", "1") == []
        unknown = await client.complete(PromptReference(name="nothing"), {"name": "format", "value": ""})
        assert unknown.completion.values == []

    talk(toolbox, settings, [folder], go, mode=mode)


def test_a_library_in_trouble_does_not_tell_where_it_lies(
    call: str, toolbox: Toolbox, settings: Settings, folder: Path, mode: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LibraryError(f"Audio cannot be stored in {settings.home}/audio (no space left).")

    monkeypatch.setattr(toolbox.library.recordings, "read", full)

    async def go(client: Client) -> None:
        with pytest.raises(MCPError) as failed:
            await read(client, f"auricle://recordings/{call}/audio.wav")
        assert failed.value.message.startswith("Audio cannot be stored in ")
        assert str(settings.home) not in failed.value.message
        assert failed.value.code == -32603

    talk(toolbox, settings, [folder], go, mode=mode)
