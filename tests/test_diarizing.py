"""Who speaks when, done inline with fakes: listened to once, told apart again and again."""

import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from auricle.domain import Diarization, Recording, Span, Turn
from auricle.errors import Cancelled
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from engines.protocols import SpeakerCount, VoiceMap
from library import Library
from tests.fakes import FakeDiarizer, fake_engines, tone
from tools.jobs import Jobs
from tools.matching import match
from tools.work import Quiet


def at(seconds: float) -> int:
    return round(seconds * SAMPLE_RATE)


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    return library.recordings.add(tone(tmp_path / "a.wav", 70.5), lambda done, total: None)


@pytest.fixture
def diarizer() -> FakeDiarizer:
    return FakeDiarizer()


@pytest.fixture
def jobs(library: Library, diarizer: FakeDiarizer) -> Jobs:
    return Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(diarizer=diarizer))


def diarize(jobs: Jobs, recording: Recording, start: float = 0, end: float | None = None, **count: int) -> str:
    args = {"recording": recording.id, "start": at(start), "end": at(end) if end else recording.duration, **count}
    return str(jobs.run("diarize", args, Quiet())["take"])


def with_silence(path: Path, speech: float, silence: float) -> Path:
    with wave.open(str(tone(path, speech + silence)), "rb") as sound:
        params, frames = sound.getparams(), sound.readframes(at(speech))
    with wave.open(str(path), "wb") as out:
        out.setparams(params)
        out.writeframes(frames + bytes(2 * at(silence)))
    return path


def found(library: Library, take: str, recording: Recording) -> Diarization:
    takes = {each.id: each for each in library.takes.find(recording.id, "diarization")}
    return Diarization.model_validate_json(takes[take].payload)


def test_voices_are_kept_in_pieces_of_half_a_minute(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    diarize(jobs, recording)
    spans = [take.span for take in library.takes.find(recording.id, "voices")]
    assert spans == [Span(start=0, end=at(30)), Span(start=at(30), end=at(60)), Span(start=at(60), end=at(70.5))]
    assert diarizer.listened == [30, 30, 10.5]


def test_windows_far_from_speech_are_no_work_and_those_with_little_of_it_are_less(
    jobs: Jobs, library: Library, tmp_path: Path
) -> None:
    sound = library.recordings.add(with_silence(tmp_path / "s.wav", speech=10, silence=60), lambda *_: None)
    told: list[tuple[float, float]] = []

    class Listens(Quiet):
        def report(self, done: float, total: float, note: str, *, left: float | None = None) -> None:
            if note.startswith("listening"):
                told.append((done, total))

    jobs.run("diarize", {"recording": sound.id, "start": 0, "end": sound.duration}, Listens())
    assert [total for _, total in told] == [pytest.approx(10 + 0.6)] * len(told)  # ten full, one empty
    assert [done for done, _ in told] == sorted(done for done, _ in told)
    assert told[-1][0] == pytest.approx(told[-1][1])


def test_a_stopped_diarization_goes_on_with_the_next_piece(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    class Impatient(Quiet):
        def check_cancelled(self) -> None:
            if len(diarizer.listened) == 2:
                raise Cancelled("enough")

    with pytest.raises(Cancelled):
        jobs.run("diarize", {"recording": recording.id}, Impatient())
    diarize(jobs, recording)
    assert diarizer.listened == [30, 30, 30, 10.5]


def test_a_range_listens_to_that_range_and_the_rest_later_to_the_rest(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    part = found(library, diarize(jobs, recording, 33.2, 40), recording)
    assert diarizer.listened == [7]
    assert part.heard == (Span(start=at(33), end=at(40)),)
    assert all(at(33) <= turn.start < turn.end <= at(40) for turn in part.turns)
    whole = found(library, diarize(jobs, recording), recording)
    assert sum(diarizer.listened) == 70.5
    assert whole.heard == (recording.span,)
    assert diarize(jobs, recording, 35, 36) == diarize(jobs, recording)
    assert sum(diarizer.listened) == 70.5


def test_people_stay_the_same_when_more_is_diarized_later(jobs: Jobs, library: Library, recording: Recording) -> None:
    """In the range the second voice of the recording speaks first, and is Speaker 1 from then on."""
    part = library.speakers.bound(diarize(jobs, recording, 36, 42))
    whole = library.speakers.bound(diarize(jobs, recording))
    spoken = {turn.label for turn in found(library, diarize(jobs, recording), recording).turns if turn.start >= at(36)}
    assert {speaker.label for speaker in part.values()} == {"Speaker 1", "Speaker 2"}
    assert {speaker.id for speaker in part.values()} == {whole[label].id for label in spoken}


def test_another_threshold_clusters_again(library: Library, recording: Recording, diarizer: FakeDiarizer) -> None:
    takes = []
    for threshold in (0.8, 0.6, 0.8):
        settings = Settings(home=library.home, worker="inline", speaker_threshold=threshold)
        takes.append(diarize(Jobs(library, settings, fake_engines(diarizer=diarizer)), recording))
    assert takes[0] == takes[2] != takes[1]
    assert sum(diarizer.listened) == 70.5


def test_another_count_of_speakers_listens_to_nothing(
    jobs: Jobs, library: Library, recording: Recording, diarizer: FakeDiarizer
) -> None:
    two = jobs.run("diarize", {"recording": recording.id}, Quiet())
    three = jobs.run("diarize", {"recording": recording.id, "exact": 3}, Quiet())
    assert two != three
    assert sum(diarizer.listened) == 70.5
    assert len(diarizer.clustered) == 2
    assert jobs.run("diarize", {"recording": recording.id}, Quiet()) == two
    assert len(diarizer.clustered) == 2
    assert library.takes.find(recording.id, "diarization")[-1].id == two["take"]


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
        def cluster(self, pieces: Sequence[VoiceMap], count: SpeakerCount, threshold: float) -> Diarization:
            turns = (Turn(start=-5, end=10, label="0"), Turn(start=at(70), end=at(71), label="1"))
            return Diarization(turns=(*turns, Turn(start=at(71), end=at(72), label="0")), exclusive=turns, voices={})

    overlong = Jobs(library, Settings(home=library.home, worker="inline"), fake_engines(diarizer=Overlong()))
    overlong.run("diarize", {"recording": recording.id}, Quiet())
    result = found(library, library.takes.find(recording.id, "diarization")[-1].id, recording)
    assert [(turn.start, turn.end) for turn in result.turns] == [(0, 10), (at(70), at(70.5))]


def test_voices_are_matched_by_the_speech_they_share() -> None:
    def turns(*stretches: tuple[str, int, int]) -> tuple[Turn, ...]:
        return tuple(Turn(label=label, start=start, end=end) for label, start, end in stretches)

    old = turns(("x", 0, 100), ("y", 100, 150), ("x", 150, 200))
    assert match(turns(("0", 100, 150), ("1", 0, 90), ("1", 160, 200)), old) == {"0": "y", "1": "x"}
    assert match(turns(("0", 0, 60), ("1", 60, 200)), old) == {"1": "x"}
    assert match(turns(("0", 300, 400)), old) == {}
