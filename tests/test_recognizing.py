"""The words of a range, heard inline with fakes: nothing twice, nothing lost, gone on from where it stopped."""

import random
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from auricle.domain import Recognition, Recording, Segment, Span, Word
from auricle.errors import Cancelled
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from engines.protocols import Audio, Heard, HearingOptions
from library import Library
from tests.fakes import FakeDetector, FakeRecognizer, fake_engines, tone
from tools.jobs import Jobs
from tools.transcript import fold
from tools.work import Quiet


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


def written(path: Path, samples: np.ndarray) -> Path:
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(samples.astype("<i2").tobytes())
    return path


@pytest.fixture
def recognizer() -> FakeRecognizer:
    return FakeRecognizer()


@pytest.fixture
def jobs(library: Library, recognizer: FakeRecognizer) -> Jobs:
    return Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(recognizer))


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    return library.recordings.add(tone(tmp_path / "a.wav", 100), lambda done, total: None)


class StopsAfter(Quiet):
    """Asks to stop when so many windows are kept."""

    def __init__(self, windows: int) -> None:
        super().__init__()
        self.left = windows

    def between_pieces(self) -> None:
        self.left -= 1
        if not self.left:
            raise Cancelled("enough")


def test_what_is_heard_is_kept_every_half_minute(jobs: Jobs, library: Library, recording: Recording) -> None:
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert [take.span.seconds for take in library.takes.find(recording.id, "recognition")] == [30, 30, 30, 10]


def test_stopped_work_goes_on_as_if_it_had_not_been(
    jobs: Jobs, library: Library, recording: Recording, recognizer: FakeRecognizer
) -> None:
    with pytest.raises(Cancelled):
        jobs.run("recognize", {"recording": recording.id}, StopsAfter(2))
    assert jobs.run("recognize", {"recording": recording.id}, Quiet())["heard"] == 40
    assert recognizer.seconds == [30, 30, 30, 10]
    words = [word for line in fold(library, recording).utterances for word in line.words]
    other = library.recordings.add(tone(Path(recording.path).with_name("b.wav"), 100, channels=2), lambda *_: None)
    jobs.run("recognize", {"recording": other.id}, Quiet())
    undisturbed = [word for line in fold(library, other).utterances for word in line.words]
    assert [(w.start, w.end, w.text) for w in words] == [(w.start, w.end, w.text) for w in undisturbed]


def test_stopped_work_keeps_the_language_it_had_found(
    jobs: Jobs, recording: Recording, recognizer: FakeRecognizer
) -> None:
    recognizer.language = "fr"
    with pytest.raises(Cancelled):
        jobs.run("recognize", {"recording": recording.id}, StopsAfter(1))
    recognizer.language = "de"
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert [call.language for call in recognizer.calls] == [None, "fr"]


def test_a_range_in_the_middle_of_stopped_work_is_heard_and_the_rest_around_it(
    jobs: Jobs, library: Library, recording: Recording, recognizer: FakeRecognizer
) -> None:
    with pytest.raises(Cancelled):
        jobs.run("recognize", {"recording": recording.id}, StopsAfter(1))
    jobs.run("recognize", {"recording": recording.id, "start": at(50), "end": at(60)}, Quiet())
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    takes = sorted(library.takes.find(recording.id, "recognition"), key=lambda take: take.span.start)
    edges = [take.span.start for take in takes] + [takes[-1].span.end]
    assert (edges[0], edges[-1]) == (0, recording.duration)
    assert edges[1:-1] == [take.span.end for take in takes[:-1]]


def test_silence_is_no_work_and_tells_no_language(
    jobs: Jobs, library: Library, recognizer: FakeRecognizer, tmp_path: Path
) -> None:
    silence = library.recordings.add(written(tmp_path / "s.wav", np.zeros(at(400))), lambda *_: None)
    jobs.run("recognize", {"recording": silence.id}, Quiet())
    assert recognizer.calls == []
    assert {
        Recognition.model_validate_json(take.payload).language for take in library.takes.find(silence.id, "recognition")
    } == {"und"}
    assert jobs.run("recognize", {"recording": silence.id}, Quiet())["heard"] == 0


class Listens(Quiet):
    """Remembers how far the work was told to be."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[float, float, str]] = []

    def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
        self.told.append((done, total, note))


def test_a_window_is_work_however_little_is_said_in_it_and_long_silence_is_none(
    jobs: Jobs, library: Library, tmp_path: Path
) -> None:
    speech, silence = np.full(at(50), 9000), np.zeros(at(60))
    sound = library.recordings.add(
        written(tmp_path / "s.wav", np.concatenate([speech, silence, speech[: at(2)], silence])), lambda *_: None
    )
    work = Listens()
    jobs.run("recognize", {"recording": sound.id}, work)
    listened = [(done, total) for done, total, note in work.told if note.startswith(("listen", "heard"))]
    for _, total in listened:
        assert total == pytest.approx(52 + 3 * 10)  # two windows full of words, one of few
    assert [done for done, _ in listened] == sorted(done for done, _ in listened)
    assert listened[-1][0] == listened[-1][1]


def test_recognition_and_diarization_share_one_pass_that_finds_speech(library: Library, recording: Recording) -> None:
    detector = FakeDetector()
    jobs = Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(detector=detector))
    for kind in ("recognize", "diarize", "recognize"):
        jobs.run(kind, {"recording": recording.id}, Quiet())
    assert detector.seconds == [100]


class HearsBursts(FakeRecognizer):
    """Hears one word in each burst of sound, as long as the burst."""

    def transcribe(
        self, audio: Audio, speech: Sequence[Span], options: HearingOptions, since: Heard | None = None
    ) -> Iterator[Heard]:
        self.seconds.append(audio.size / SAMPLE_RATE)
        loudness = [np.abs(audio[each.start : each.end]).max() for each in speech]
        words = [
            Word(start=each.start, end=each.end, text=f" {loud:.4f}", probability=1)
            for each, loud in zip(speech, loudness, strict=True)
        ]
        doubts = {"avg_logprob": 0, "no_speech_prob": 0, "compression_ratio": 1}
        segments = tuple(
            Segment(start=word.start, end=word.end, text=word.text, words=(word,), **doubts) for word in words
        )
        yield Heard(Recognition(language="en", language_probability=1, segments=segments), audio.size)


def bursts(seconds: float, seed: int) -> np.ndarray:
    """Sounds of 0.2 to 0.6 s, each of its own loudness, with pauses of 0.2 to 1 s between them."""
    dice, samples, place, number = random.Random(seed), np.zeros(at(seconds)), at(0.3), 0
    while place < samples.size - at(2):
        length = at(dice.randint(2, 6) / 10)
        number += 1
        samples[place : place + length] = 100 + number * 17
        place += length + at(dice.randint(2, 10) / 10)
    return samples


def test_fifty_cuts_anywhere_lose_and_double_no_word(tmp_path: Path) -> None:
    sound = bursts(700, seed=7)
    file = written(tmp_path / "b.wav", sound)

    def heard(name: str, parts: list[tuple[float, float]]) -> tuple[list[tuple[int, int, str]], float]:
        recognizer = HearsBursts()
        with Library(tmp_path / name) as library:
            recording = library.recordings.add(file, lambda *_: None)
            jobs = Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(recognizer))
            for start, end in parts:
                jobs.run("recognize", {"recording": recording.id, "start": at(start), "end": at(end)}, Quiet())
            lines = fold(library, recording).utterances
            return [(w.start, w.end, w.text) for line in lines for w in line.words], sum(recognizer.seconds)

    whole, seconds = heard("whole", [(0, 700)])
    assert len(whole) == len(set(np.abs(sound).astype(int)) - {0})
    assert seconds == pytest.approx(700, abs=0.2)
    dice = random.Random(3)
    cuts = sorted(dice.uniform(1, 699) for _ in range(50))
    parts = list(zip([0.0, *cuts], [*cuts, 700.0], strict=True))
    dice.shuffle(parts)
    in_parts, seconds = heard("parts", parts)
    assert in_parts == whole
    assert seconds == pytest.approx(700, abs=5)


def test_two_minutes_of_an_hour_listen_to_about_two_minutes(
    library: Library, jobs: Jobs, recognizer: FakeRecognizer, tmp_path: Path
) -> None:
    hour = library.recordings.add(written(tmp_path / "h.wav", np.tile(bursts(60, seed=1), 60)), lambda *_: None)
    jobs.run("recognize", {"recording": hour.id, "start": at(2460), "end": at(2580)}, Quiet())
    assert 120 <= sum(recognizer.seconds) <= 130
