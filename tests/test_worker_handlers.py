"""What the worker does, done inline with fakes: nothing is listened to twice."""

import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from auricle.domain import Diarization, Recognition, Recording, Turn
from auricle.errors import BadArgument, Cancelled, NotFound
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from library import Library
from tests.fakes import FakeDiarizer, FakeLLM, FakeRecognizer, fake_engines, tone
from tools.jobs import Jobs
from tools.matching import match
from tools.work import Quiet


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


@pytest.fixture
def settings(home: Path) -> Settings:
    return Settings(home=home, worker="inline", piece_seconds=10)


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    return library.recordings.add(tone(tmp_path / "a.wav", 36), lambda done, total: None)


@pytest.fixture
def recognizer() -> FakeRecognizer:
    return FakeRecognizer()


@pytest.fixture
def diarizer() -> FakeDiarizer:
    return FakeDiarizer()


@pytest.fixture
def jobs(library: Library, settings: Settings, recognizer: FakeRecognizer, diarizer: FakeDiarizer) -> Jobs:
    return Jobs(library, settings, fake_engines(recognizer, diarizer))


def test_pieces_meet_and_their_words_are_on_the_recordings_clock(
    library: Library, recording: Recording, jobs: Jobs, recognizer: FakeRecognizer
) -> None:
    result = jobs.run("recognize", {"recording": recording.id}, Quiet())
    takes = library.takes.find(recording.id, "recognition")
    assert result == {"takes": [take.id for take in takes], "heard": 36}
    edges = [take.span.start for take in takes] + [takes[-1].span.end]
    assert (edges[0], edges[-1]) == (0, recording.duration)
    assert edges[1:-1] == [take.span.end for take in takes[:-1]]
    assert all(take.span.seconds <= 10 for take in takes)
    assert sum(recognizer.seconds) == 36
    for take in takes:
        for segment in Recognition.model_validate_json(take.payload).segments:
            assert take.span.start <= segment.start < segment.end <= take.span.end
            assert segment.words[0].start == segment.start


def test_what_was_heard_is_not_heard_again(jobs: Jobs, recording: Recording, recognizer: FakeRecognizer) -> None:
    first = jobs.run("recognize", {"recording": recording.id}, Quiet())
    again = jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert again == {"takes": first["takes"], "heard": 0}
    assert sum(recognizer.seconds) == 36


def test_a_range_listens_to_that_range_and_the_rest_later_to_the_rest(
    jobs: Jobs, recording: Recording, recognizer: FakeRecognizer
) -> None:
    part = {"recording": recording.id, "start": at(12), "end": at(15)}
    assert jobs.run("recognize", part, Quiet())["heard"] == 3
    assert recognizer.seconds == [3]
    assert jobs.run("recognize", {"recording": recording.id}, Quiet())["heard"] == 33
    assert sum(recognizer.seconds) == 36


def test_other_options_hear_again(jobs: Jobs, recording: Recording, recognizer: FakeRecognizer) -> None:
    for options in ({}, {"language": "de"}, {"hints": "Alice"}, {"translate": True}):
        assert jobs.run("recognize", {"recording": recording.id, **options}, Quiet())["heard"] == 36
    assert {call.hints for call in recognizer.calls} == {"", "Alice"}


def test_what_was_asked_for_last_decides(jobs: Jobs, library: Library, recording: Recording) -> None:
    english = jobs.run("recognize", {"recording": recording.id, "language": "en"}, Quiet())
    german = jobs.run("recognize", {"recording": recording.id, "language": "de"}, Quiet())
    assert [take.id for take in library.takes.find(recording.id, "recognition")] == english["takes"] + german["takes"]
    jobs.run("recognize", {"recording": recording.id, "language": "en"}, Quiet())
    assert [take.id for take in library.takes.find(recording.id, "recognition")] == german["takes"] + english["takes"]


def test_the_language_is_found_once_a_job_and_the_take_keeps_what_was_asked(
    jobs: Jobs, library: Library, recording: Recording, recognizer: FakeRecognizer
) -> None:
    recognizer.language = "fr"
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert [call.language for call in recognizer.calls] == [None, *["fr"] * (len(recognizer.calls) - 1)]
    assert {take.params["language"] for take in library.takes.find(recording.id, "recognition")} == {None}


def test_silence_is_listened_to_once_and_tells_no_language(
    jobs: Jobs, library: Library, recognizer: FakeRecognizer, tmp_path: Path
) -> None:
    with wave.open(str(tmp_path / "s.wav"), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(bytes(2 * at(25)))
    silence = library.recordings.add(tmp_path / "s.wav", lambda done, total: None)
    for _ in range(2):
        jobs.run("recognize", {"recording": silence.id}, Quiet())
    assert sum(recognizer.seconds) == 25
    assert {call.language for call in recognizer.calls} == {None}


def test_a_long_recording_is_cut_where_nobody_speaks(
    jobs: Jobs, library: Library, recognizer: FakeRecognizer, tmp_path: Path
) -> None:
    file = tone(tmp_path / "b.wav", 18)
    with wave.open(str(file)) as original:
        samples = np.frombuffer(original.readframes(at(18)), "<i2").copy()
    samples[at(8.5) : at(9.1)] = 0
    with wave.open(str(file), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(samples.tobytes())
    recording = library.recordings.add(file, lambda done, total: None)
    jobs.run("recognize", {"recording": recording.id}, Quiet())
    assert recognizer.seconds == pytest.approx([8.8, 9.2], abs=0.1)


def test_stopping_keeps_the_pieces_that_are_done(
    jobs: Jobs, library: Library, recording: Recording, recognizer: FakeRecognizer
) -> None:
    class Impatient(Quiet):
        def check_cancelled(self) -> None:
            if len(recognizer.calls) == 3:
                raise Cancelled("enough")

    with pytest.raises(Cancelled):
        jobs.run("recognize", {"recording": recording.id}, Impatient())
    assert len(library.takes.find(recording.id, "recognition")) == 2
    rest = 36 - sum(recognizer.seconds[:2])
    assert jobs.run("recognize", {"recording": recording.id}, Quiet())["heard"] == pytest.approx(rest, abs=0.001)


@pytest.mark.parametrize(("start", "end"), [(-1, 10), (10, 10), (20, 10), (0, 10**9)])
def test_a_range_that_is_not_there_is_refused(jobs: Jobs, recording: Recording, start: int, end: int) -> None:
    with pytest.raises(BadArgument, match="range within 0 to 36"):
        jobs.run("recognize", {"recording": recording.id, "start": start, "end": end}, Quiet())


def test_unknown_work_and_recordings_are_refused(jobs: Jobs) -> None:
    with pytest.raises(BadArgument, match="allowed are"):
        jobs.run("dream", {}, Quiet())
    with pytest.raises(NotFound):
        jobs.run("recognize", {"recording": "r_0000000000"}, Quiet())


def test_progress_is_told_in_seconds(jobs: Jobs, recording: Recording) -> None:
    told: list[tuple[float, float]] = []

    class Watching(Quiet):
        def report(self, done: float, total: float, note: str) -> None:
            told.append((done, total))

    jobs.run("recognize", {"recording": recording.id}, Watching())
    assert told[0] == (0, 36)
    assert told[-1] == (36, 36)
    assert [done for done, _ in told] == sorted(done for done, _ in told)


def test_another_count_of_speakers_listens_to_nothing(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    two = jobs.run("diarize", {"recording": recording.id}, Quiet())
    three = jobs.run("diarize", {"recording": recording.id, "exact": 3}, Quiet())
    assert two != three
    assert diarizer.listened == [36]
    assert len(diarizer.clustered) == 2
    assert jobs.run("diarize", {"recording": recording.id}, Quiet()) == two
    assert len(diarizer.clustered) == 2
    assert library.takes.find(recording.id, "diarization")[-1].id == two["take"]


@pytest.mark.parametrize("damage", [Path.unlink, lambda blob: blob.write_bytes(b"PK\x03\x04 not whole")])
def test_lost_or_damaged_voices_are_listened_for_again(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer, damage: Callable[[Path], object]
) -> None:
    jobs.run("diarize", {"recording": recording.id}, Quiet())
    for blob in (library.home / "voices").iterdir():
        damage(blob)
    jobs.run("diarize", {"recording": recording.id, "exact": 3}, Quiet())
    assert diarizer.listened == [36, 36]


def test_the_same_people_stay_the_same_speakers(jobs: Jobs, library: Library, recording: Recording) -> None:
    two = jobs.run("diarize", {"recording": recording.id}, Quiet())["take"]
    before = library.speakers.bound(two)
    assert {label: speaker.label for label, speaker in before.items()} == {"0": "Speaker 1", "1": "Speaker 2"}
    three = jobs.run("diarize", {"recording": recording.id, "exact": 3}, Quiet())["take"]
    after = library.speakers.bound(three)
    assert len({speaker.id for speaker in after.values()}) == 3
    assert {speaker.id for speaker in before.values()} < {speaker.id for speaker in after.values()}
    jobs.run("diarize", {"recording": recording.id, "exact": 4}, Quiet())
    assert [speaker.label for speaker in library.speakers.of(recording.id)] == [f"Speaker {n}" for n in (1, 2, 3, 4)]


def test_nobody_speaks_after_the_end(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    class Overlong(FakeDiarizer):
        def cluster(self, voices: object, count: object) -> Diarization:
            turns = (Turn(start=-5, end=10, label="0"), Turn(start=at(35), end=at(37), label="1"))
            return Diarization(turns=(*turns, Turn(start=at(36), end=at(38), label="0")), exclusive=turns, voices={})

    overlong = Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(diarizer=Overlong()))
    overlong.run("diarize", {"recording": recording.id}, Quiet())
    found = Diarization.model_validate_json(library.takes.find(recording.id, "diarization")[-1].payload)
    assert [(turn.start, turn.end) for turn in found.turns] == [(0, 10), (at(35), at(36))]


def test_voices_are_matched_by_the_speech_they_share() -> None:
    def turns(*stretches: tuple[str, int, int]) -> tuple[Turn, ...]:
        return tuple(Turn(label=label, start=start, end=end) for label, start, end in stretches)

    old = turns(("x", 0, 100), ("y", 100, 150), ("x", 150, 200))
    assert match(turns(("0", 100, 150), ("1", 0, 90), ("1", 160, 200)), old) == {"0": "y", "1": "x"}
    assert match(turns(("0", 0, 60), ("1", 60, 200)), old) == {"1": "x"}
    assert match(turns(("0", 300, 400)), old) == {}


def test_a_chat_reaches_the_model_as_it_was_said(library: Library, settings: Settings) -> None:
    llm = FakeLLM(replies=[{"tool": "transcribe"}])
    call = {"id": "1", "name": "transcribe", "arguments": {}}
    args = {
        "model": "local:",
        "messages": [
            {"role": "user", "content": "hello"},
            {"role": "assistant", "content": "", "tool_calls": [call]},
        ],
        "schema": {"type": "object"},
        "tools": [],
        "max_tokens": 99,
    }
    reply = Jobs(library, settings, fake_engines(llm=llm)).run("chat", args, Quiet())
    assert reply["data"] == {"tool": "transcribe"}
    assert [message.content for message in llm.asked[0]] == ["hello", ""]
    assert llm.asked[0][1].tool_calls == (call,)
    assert llm.schemas == [{"type": "object"}]
