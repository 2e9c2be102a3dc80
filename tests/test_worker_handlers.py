"""What the worker does, done inline with fakes: nothing is listened to twice."""

import wave
from pathlib import Path

import numpy as np
import pytest

from auricle.domain import Recognition, Recording
from auricle.errors import BadArgument, Cancelled, NotFound
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from library import Library
from tests.fakes import FakeDiarizer, FakeLLM, FakeRecognizer, fake_engines, tone
from tools.jobs import Jobs
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


@pytest.mark.parametrize(("start", "end"), [(-1, 10), (10, 10), (20, 10), (0, 10**9)])
def test_a_range_that_is_not_there_is_refused(jobs: Jobs, recording: Recording, start: int, end: int) -> None:
    with pytest.raises(BadArgument, match="range within 0 to 36"):
        jobs.run("recognize", {"recording": recording.id, "start": start, "end": end}, Quiet())


def test_unknown_work_and_recordings_are_refused(jobs: Jobs) -> None:
    with pytest.raises(BadArgument, match="allowed are"):
        jobs.run("dream", {}, Quiet())
    with pytest.raises(NotFound):
        jobs.run("recognize", {"recording": "r_0000000000"}, Quiet())


def test_progress_grows_from_nothing_to_all(jobs: Jobs, recording: Recording) -> None:
    told: list[tuple[float, float]] = []

    class Watching(Quiet):
        def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
            told.append((done, total))

    jobs.run("recognize", {"recording": recording.id}, Watching())
    assert told[0][0] == 0
    assert told[-1][0] == told[-1][1] >= 36  # a window costs something however little is said in it
    assert [done for done, _ in told] == sorted(done for done, _ in told)


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


def test_the_words_of_a_chat_are_told_and_stop_when_nobody_wants_them(library: Library, settings: Settings) -> None:
    args = {"model": "local:", "messages": [{"role": "user", "content": "hello"}]}
    told: list[str] = []
    jobs = Jobs(library, settings, fake_engines(llm=FakeLLM(replies=["one two three", "one two three"])))
    jobs.run("chat", args, Quiet(), on_text=told.append)
    assert told == ["one ", "two ", "three"]

    class Leaving(Quiet):
        def check_cancelled(self) -> None:
            if len(told) > 3:
                raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        jobs.run("chat", args, Leaving(), on_text=told.append)
    assert told[3:] == ["one "]
