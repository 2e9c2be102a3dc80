"""What is doubtful about voices is said with what to do next, and what somebody corrected is not doubted."""

from pathlib import Path

import numpy as np
import pytest

from auricle.domain import Diarization, Turn
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from engines.comparing import calibration
from engines.protocols import Audio, Progress, SpeakerCount, VoiceMap, Windows
from tests.fakes import FakeDiarizer, fake_engines, tone
from tools.doubts import mixed
from tools.toolbox import Toolbox

MEASURED = calibration("campplus@ae81f520.1")
MINUTE = 60 * SAMPLE_RATE
ONE, OTHER, THIRD = np.eye(3, 8, dtype=np.float32)


class Unsure(FakeDiarizer):
    """Two labels of the same voice, and a third that coughs once."""

    def cluster(self, pieces: object, count: SpeakerCount, threshold: float) -> Diarization:
        ends = [(0, 20, "0"), (20, 40, "1"), (40, 41, "2")]
        turns = tuple(Turn(start=a * SAMPLE_RATE, end=b * SAMPLE_RATE, label=label) for a, b, label in ends)
        voices = {"0": (1.0, 0.1), "1": (1.0, 0.0), "2": (0.0, 1.0)}
        return Diarization(turns=turns, exclusive=turns, voices=voices)

    def listen(self, audio: Audio, speech: object, progress: Progress) -> VoiceMap:
        return voice_map([ONE] * self.windows.count(audio.size))


def voice_map(voices: list[np.ndarray]) -> VoiceMap:
    """One local speaker who talks all the time in each window of ten seconds; the windows are a second apart."""
    windows = Windows(frame=(0.1, 0.1))
    embeddings = np.stack(voices)[:, None].astype(np.float32)
    return VoiceMap(np.ones((len(voices), 100, 1), bool), embeddings, windows)


def only(label: str) -> Diarization:
    turns = (Turn(start=0, end=10 * MINUTE, label=label),)
    return Diarization(turns=turns, exclusive=turns, voices={})


def test_a_label_with_two_voices_is_told() -> None:
    noise = np.random.default_rng(1).normal(size=(60, 8)) * 0.1
    one = voice_map([ONE + each for each in noise])
    two = voice_map([(ONE if at < 40 else OTHER) + each for at, each in enumerate(noise)])
    assert mixed([one], only("0"), MEASURED) == ()
    assert mixed([two], only("0"), MEASURED) == ("0",)
    assert mixed([two], only("0"), None) == ()  # another embedding model, which nobody has measured


def test_one_odd_window_is_no_second_person() -> None:
    assert mixed([voice_map([ONE] * 59 + [OTHER])], only("0"), MEASURED) == ()


@pytest.fixture
def toolbox(settings: Settings) -> Toolbox:
    return Toolbox(settings, engines=fake_engines(diarizer=Unsure()))


def test_ghosts_and_voices_that_are_alike_are_told_until_somebody_corrects_them(
    toolbox: Toolbox, tmp_path: Path
) -> None:
    recording = toolbox.add_recording(str(tone(tmp_path / "a.wav", 45))).id
    ghost, alike = toolbox.diarize(recording).warnings
    assert ghost.startswith("Heard for less than 3 s, maybe no people of their own: Speaker 3 (1.0 s).")
    assert alike == ("Speaker 1 and Speaker 2 sound alike: if they are one person, correct_speakers with action=merge.")
    toolbox.correct_speakers(recording, "merge", speaker="Speaker 2", to="Speaker 1")
    toolbox.correct_speakers(recording, "merge", speaker="Speaker 3", to="Speaker 1")
    assert toolbox.diarize(recording).warnings == []
    toolbox.close()
