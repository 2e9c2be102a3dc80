"""The tools with the real weights and the real worker: containers, noise, names, exports, slices."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pysubs2
import pytest
from rapidfuzz import fuzz

from auricle.settings import Settings
from tests.sample import sample
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.views import Transcript
from tools.worker_process import stop_worker

pytestmark = pytest.mark.models


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


def words(toolbox: Toolbox, recording: str) -> str:
    toolbox.transcribe(recording)
    said = " ".join(utterance.text for utterance in transcript(toolbox, recording).utterances)
    return " ".join(re.findall(r"[\w']+", said.lower()))


def test_every_container_gives_the_same_words(toolbox: Toolbox, eval_dir: Path) -> None:
    """The very same where the samples are; else a codec, telephone bandwidth or a lost end may cost a word."""
    for name, reference in (("p001", "p001.wav"), ("sample", "sample_video.mkv"), ("whats", "whatstheweatherlike.wav")):
        whole = toolbox.add_recording(str(eval_dir / "formats" / reference)).id
        expected = words(toolbox, whole)
        assert len(expected.split()) >= 4
        paths = sorted((eval_dir / "formats").glob(f"{name}*"))
        assert len(paths) >= 3
        for path in paths:
            recording = toolbox.add_recording(str(path)).id
            heard = words(toolbox, recording)
            if sound(toolbox, recording) == sound(toolbox, whole):
                assert heard == expected, path.name
            assert fuzz.ratio(heard, expected) >= 85, f"{path.name}: {heard}"


def sound(toolbox: Toolbox, recording: str) -> str | None:
    return toolbox.library.recordings.get(recording).sound


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
