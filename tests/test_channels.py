"""A call with one person a channel: the channels are the diarization."""

import wave
from pathlib import Path

import numpy as np
import pytest

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from bench.scoring import DiarizationErrors, Item
from engines.build import build
from engines.protocols import Audio
from tests.fakes import FakeDetector, FakeDiarizer, fake_engines
from tools.toolbox import Toolbox
from tools.transcript import fold

SAID = [(0, 3.0, 0), (3, 6.0, 1), (6.5, 9.0, 0), (8.5, 12.0, 1), (13, 15.0, 0), (15, 19.0, 1)]
"""(from, to, channel) in seconds; half a second of it is both at once."""


class Loud(FakeDetector):
    """Hears speech where there is more than an echo of one, as a real one hears echoes too."""

    def speech(self, audio: Audio) -> list:  # type: ignore[type-arg]
        return super().speech(np.where(np.abs(audio) > 0.001, audio, 0))


def call(path: Path, echo: float = 0.0) -> Path:
    """Two people on a line, with so much of each on the other's channel."""
    chance = np.random.default_rng(3)
    sides = np.zeros((2, 20 * SAMPLE_RATE))
    for start, end, channel in SAID:
        part = slice(round(start * SAMPLE_RATE), round(end * SAMPLE_RATE))
        sides[channel, part] += chance.normal(size=part.stop - part.start) * (0.1 + 0.05 * channel)
    both = sides + echo * sides[::-1]
    with wave.open(str(path), "wb") as out:
        out.setparams((2, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes((both.T * 32767).clip(-32768, 32767).astype("<i2").tobytes())
    return path


@pytest.mark.parametrize("echo", [0.0, 0.05], ids=["clean", "with echo"])
def test_each_channel_is_one_person_and_an_echo_is_nobody(settings: Settings, tmp_path: Path, echo: float) -> None:
    diarizer = FakeDiarizer()
    toolbox = Toolbox(settings, engines=fake_engines(diarizer=diarizer, detector=Loud()))
    recording = toolbox.add_recording(str(call(tmp_path / "call.wav", echo))).id
    result = toolbox.diarize(recording)
    assert [round(speaker.seconds) for speaker in result.speakers] == [8, 10]
    assert result.overlap_seconds == pytest.approx(0.5, abs=0.15)
    assert "each channel is one person's" in result.next
    assert (diarizer.listened, diarizer.clustered) == ([], [])
    transcribed = toolbox.transcribe(recording)
    assert transcribed.words
    lines = toolbox.read_transcript(recording).lines
    assert (lines[0].speaker, lines[1].speaker) == ("Speaker 1", "Speaker 2")
    toolbox.close()


def test_another_number_of_people_than_channels_is_told_by_voice(settings: Settings, tmp_path: Path) -> None:
    diarizer = FakeDiarizer()
    toolbox = Toolbox(settings, engines=fake_engines(diarizer=diarizer, detector=Loud()))
    recording = toolbox.add_recording(str(call(tmp_path / "call.wav"))).id
    assert len(toolbox.diarize(recording, speakers=3).speakers) == 3
    assert diarizer.listened
    assert len(toolbox.diarize(recording, speakers=2).speakers) == 2
    assert "each channel" in toolbox.diarize(recording, min_speakers=2).next
    toolbox.close()


def test_channels_are_listened_to_once(settings: Settings, tmp_path: Path) -> None:
    detector = Loud()
    toolbox = Toolbox(settings, engines=fake_engines(detector=detector))
    recording = toolbox.add_recording(str(call(tmp_path / "call.wav"))).id
    toolbox.diarize(recording, start=0, end=10)
    once = len(detector.seconds)
    toolbox.diarize(recording, start=0, end=10)
    toolbox.diarize(recording)
    assert len(detector.seconds) == once  # the section that the range touches is all of it
    toolbox.close()


@pytest.mark.models
def test_a_real_call_comes_apart_as_its_channels_say(settings: Settings, eval_dir: Path) -> None:
    toolbox = Toolbox(settings, engines=build(settings))
    path = eval_dir / "calls" / "auto_repairs_40.stereo8k.flac"
    recording = toolbox.add_recording(str(path)).id
    assert len(toolbox.diarize(recording).speakers) == 2
    fields = [line.split() for line in path.with_name("auto_repairs_40.stereo8k.silver.rttm").read_text().splitlines()]
    said = [(float(one[3]), float(one[3]) + float(one[4]), one[7]) for one in fields if one[0] == "SPEAKER"]
    known = toolbox.library.recordings.get(recording)
    turns = fold(toolbox.library, known).turns
    errors = DiarizationErrors()
    errors.add(
        Item("call", "calls", path, known.seconds, None, None, said),
        [(turn.start / SAMPLE_RATE, turn.end / SAMPLE_RATE, turn.label) for turn in turns],
    )
    assert errors.rate is not None
    assert errors.rate < 20
    toolbox.close()
