"""The whole way with the real weights: containers, noise, names, exports, and the agent with the small local model."""

import json
import re
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import pysubs2
import pytest
from rapidfuzz import fuzz

from agent.run import Answer, ask
from auricle.settings import Settings
from auricle.times import to_seconds
from tools.jobs import stop_worker
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.views import Transcript

pytestmark = pytest.mark.models

LOSSLESS = {".aiff", ".flac", ".wav"}
DEMONSTRATION = "This is a phone call between Diane and Sheila. Diarize it and write it as Q&A."


def sample() -> Path:
    """The telephone call that pyannote.audio carries."""
    found = find_spec("pyannote.audio")
    assert found is not None and found.origin is not None
    return Path(found.origin).parent / "sample" / "sample.wav"


@pytest.fixture(scope="module")
def toolbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Toolbox]:
    """One home and one worker for all of these: nothing is loaded or listened to twice."""
    home = tmp_path_factory.mktemp("whole") / "home"
    toolbox = Toolbox(Settings(home=home))
    yield toolbox
    toolbox.close()
    stop_worker(home)


@pytest.fixture(scope="module")
def call(toolbox: Toolbox) -> str:
    return toolbox.add_recording(str(sample())).id


def transcript(toolbox: Toolbox, recording: str) -> Transcript:
    return fold(toolbox.library, toolbox.library.recordings.get(recording))


def words(toolbox: Toolbox, path: Path) -> str:
    recording = toolbox.add_recording(str(path)).id
    toolbox.transcribe(recording)
    said = " ".join(utterance.text for utterance in transcript(toolbox, recording).utterances)
    return " ".join(re.findall(r"[\w']+", said.lower()))


@pytest.fixture
def told(toolbox: Toolbox, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Instructions to the agent about the call; files land in a folder of the test's own."""
    monkeypatch.chdir(tmp_path)
    yield lambda instruction: ask(instruction, [call], toolbox, model="local:")


def test_every_container_gives_the_same_words(toolbox: Toolbox, eval_dir: Path) -> None:
    for name, reference in (("p001", "p001.wav"), ("sample", "sample_video.mkv"), ("whats", "whatstheweatherlike.wav")):
        expected = words(toolbox, eval_dir / "formats" / reference)
        assert len(expected.split()) >= 4
        for path in sorted((eval_dir / "formats").glob(f"{name}*")):
            heard = words(toolbox, path)
            if path.suffix in LOSSLESS and "8k" not in path.name and "left" not in path.name:
                assert heard == expected, path.name
            # Codecs that lose sound, and telephone bandwidth, may cost a word of a small model, not a sentence.
            assert fuzz.ratio(heard, expected) >= 85, f"{path.name}: {heard}"


def test_what_is_no_speech_gives_no_words_or_doubtful_ones(toolbox: Toolbox, eval_dir: Path) -> None:
    paths = [path for path in sorted((eval_dir / "nonspeech").iterdir()) if path.suffix in {".wav", ".ogg", ".flac"}]
    assert len(paths) >= 4
    for path in paths:
        recording = toolbox.add_recording(str(path)).id
        toolbox.transcribe(recording)
        for utterance in transcript(toolbox, recording).utterances:
            assert utterance.doubts, f"{path.name}: {utterance.text}"


def test_the_call_is_heard_told_apart_named_and_exported(
    toolbox: Toolbox, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    toolbox.transcribe(call)
    assert len(toolbox.diarize(call, speakers=2).speakers) == 2
    names = {speaker.name: speaker for speaker in toolbox.name_speakers(call, people=["Diane", "Sheila"]).speakers}
    assert set(names) == {"Diane", "Sheila"}
    assert "Diane" in names["Diane"].quote
    known = transcript(toolbox, call)
    said = {
        known.display(voice): " ".join(u.text for u in known.utterances if u.speaker == voice)
        for voice in {u.speaker for u in known.utterances}
    }
    assert "New Jersey" in said["Diane"]
    assert "And I'm Sheila" in said["Sheila"]
    for form in ("txt", "md", "qa", "srt", "vtt", "tsv", "json", "rttm"):
        path = Path(toolbox.export_transcript(call, form).path)
        assert "Sheila" in path.read_text(encoding="utf-8"), form
    assert all(event.end <= 30_000 for event in pysubs2.load("sample.srt"))
    assert {segment["speaker"] for segment in json.loads(Path("sample.json").read_text())["segments"]} == set(names)


def test_a_range_is_cut_from_the_original(toolbox: Toolbox, call: str, tmp_path: Path) -> None:
    cut = toolbox.slice_audio(call, "0:10", "0:15", format="mp3", path=str(tmp_path / "cut.mp3"))
    again = toolbox.add_recording(cut.path)
    assert again.duration == pytest.approx(5, abs=0.1)


def test_the_demonstration(told, toolbox: Toolbox, call: str) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told(DEMONSTRATION)
    tools = [step.tool for step in answer.steps]
    assert tools == ["transcribe", "diarize", "name_speakers", "export_transcript"]
    written = Path(answer.files[0]).read_text(encoding="utf-8")
    assert "Diane (0:" in written and "Sheila (0:" in written
    assert re.search(r"Diane[^\n]*This is Diane in New Jersey", written)
    assert re.search(r"Sheila[^\n]*And I'm Sheila", written)
    assert "New Jersey" in answer.answer


def test_a_question_is_answered_with_a_quote_and_its_time(told) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told("What do they call Sheila down in Texas?")
    assert "yankee" in answer.answer.lower()
    yankee = [citation for citation in answer.citations if "yankee" in citation.quote.lower()]
    assert yankee and all(citation.verified for citation in yankee)
    assert any(citation.end >= 24 and citation.start <= 28.5 for citation in yankee)


def test_who_speaks_at_a_time(told, toolbox: Toolbox, call: str) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told("Who speaks at 0:19?")
    known = transcript(toolbox, call)
    there = next(u for u in known.utterances if to_seconds(u.start) <= 19 < to_seconds(u.end))
    assert known.display(there.speaker) in answer.answer


def test_subtitles_of_a_range(told) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told("Subtitles as srt from 0:12 to 0:20, please.")
    events = pysubs2.load(answer.files[0])
    assert len(events) > 0
    assert all(event.start >= 11_000 and event.end <= 21_000 for event in events)


def test_a_cut_of_the_sound(told, toolbox: Toolbox) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told("Cut out 0:10 to 0:15 as mp3.")
    assert Path(answer.files[0]).suffix == ".mp3"
    assert toolbox.add_recording(answer.files[0]).duration == pytest.approx(5, abs=0.1)


def test_what_is_not_in_the_recording_is_said_so(told) -> None:  # type: ignore[no-untyped-def]
    answer: Answer = told("What do they say about the price of the pizza?")
    assert "not in the recording" in answer.answer.lower()
    assert not any(citation.verified for citation in answer.citations)
