"""Voices that are known: learnt with consent from good speech, recognised or left strangers, and erased."""

import time
import wave
from pathlib import Path

import numpy as np
import pytest

from auricle.errors import BadArgument, NotConfirmed, NotFound
from auricle.settings import Settings
from auricle.times import SAMPLE_RATE
from tests.fakes import FakeEmbedder, conversation, fake_engines, tone
from tools.results import KnownVoices
from tools.toolbox import Toolbox
from tools.work import Quiet

ALICE, BOB, CARL = 350.0, 950.0, 1750.0


class Agrees(Quiet):
    """A person who says yes, and remembers to what."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def confirm(self, question: str) -> bool:
        self.asked.append(question)
        return True


def talk(toolbox: Toolbox, path: Path, *pitches: float) -> str:
    """A recording in which people take turns, with their voices told apart."""
    recording = toolbox.add_recording(str(conversation(path, pitches))).id
    toolbox.diarize(recording)
    return recording


def enroll(toolbox: Toolbox, name: str, recording: str, speaker: str, **more: str) -> KnownVoices:
    return toolbox.known_voices("enroll", name=name, recording=recording, speaker=speaker, work=Agrees(), **more)


@pytest.fixture
def monday(toolbox: Toolbox, tmp_path: Path) -> str:
    return talk(toolbox, tmp_path / "monday.wav", *[ALICE, BOB] * 3)


@pytest.fixture
def tuesday(toolbox: Toolbox, tmp_path: Path) -> str:
    return talk(toolbox, tmp_path / "tuesday.wav", *[CARL, ALICE] * 3)


def names(toolbox: Toolbox, recording: str) -> dict[str, str]:
    """What each voice of a recording is called."""
    return {talk.id: talk.speaker for talk in toolbox.describe_recording(recording).speakers}


def test_a_voice_is_known_again_in_another_recording_and_a_stranger_stays_one(
    toolbox: Toolbox, monday: str, tuesday: str
) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    carl, alice = toolbox.identify_speakers(tuesday).matches
    assert (alice.name, alice.decision, alice.best, alice.second) == ("Alice", "known", "Alice", None)
    assert alice.seconds == pytest.approx(12, abs=0.1)
    assert alice.score > alice.margin - 0.01 > 3
    assert (carl.name, carl.decision, carl.best) == (None, "unknown", "Alice")
    assert carl.score < 1


def test_nothing_is_computed_of_anybodys_voice_before_somebody_agreed(settings: Settings, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    toolbox = Toolbox(settings, engines=fake_engines(embedder=embedder))
    recording = talk(toolbox, tmp_path / "a.wav", *[ALICE, BOB] * 3)
    result = toolbox.identify_speakers(recording)
    assert [match.name for match in result.matches] == [None, None]
    assert "No voice is enrolled" in result.next
    with pytest.raises(NotConfirmed, match="--consent"):
        toolbox.known_voices("enroll", name="Alice", recording=recording, speaker="Speaker 1")
    assert embedder.embedded == []
    assert toolbox.known_voices("list").people == []
    toolbox.close()


def test_a_voice_is_embedded_once(settings: Settings, tmp_path: Path) -> None:
    embedder = FakeEmbedder()
    toolbox = Toolbox(settings, engines=fake_engines(embedder=embedder))
    monday = talk(toolbox, tmp_path / "monday.wav", *[ALICE, BOB] * 3)
    enroll(toolbox, "Alice", monday, "Speaker 1")
    toolbox.identify_speakers(monday)
    once = len(embedder.embedded)
    toolbox.identify_speakers(monday, label=True)
    toolbox.identify_speakers()
    assert len(embedder.embedded) == once
    toolbox.close()


def test_consent_is_asked_for_in_words_and_kept_with_its_end(toolbox: Toolbox, monday: str) -> None:
    person = Agrees()
    result = toolbox.known_voices(
        "enroll", name="Alice", recording=monday, speaker="Speaker 1", agreed_by="Her mother", until="2096-05-01",
        work=person,
    )  # fmt: skip
    assert person.asked == [
        "Does Her mother agree that a voiceprint of Alice is kept on this machine (only until 2096-05-01), to name "
        "that voice in recordings?"
    ]
    (alice,) = result.people
    assert (alice.agreed_by, alice.until, alice.seconds, alice.usable) == ("Her mother", "2096-05-01", 12.0, True)
    assert alice.sources == [f"{monday} (monday.wav)"]


def test_when_consent_ends_the_voiceprint_is_erased(toolbox: Toolbox, monday: str, tuesday: str) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1", until="2096-05-01")
    assert toolbox.library.voiceprints.expire(time.time() + 3600) == []
    assert toolbox.library.voiceprints.expire(4_000_000_000) == ["Alice"]
    assert toolbox.known_voices("list").people == []
    assert {match.name for match in toolbox.identify_speakers(tuesday).matches} == {None}


@pytest.mark.parametrize("until", ["yesterday", "2001-01-01", "31.12.2090"])
def test_a_consent_that_is_over_or_unclear_is_none(toolbox: Toolbox, monday: str, until: str) -> None:
    with pytest.raises(BadArgument):
        enroll(toolbox, "Alice", monday, "Speaker 1", until=until)
    assert toolbox.known_voices("list").people == []


def test_too_little_speech_makes_no_voiceprint(toolbox: Toolbox, tmp_path: Path) -> None:
    recording = talk(toolbox, tmp_path / "short.wav", ALICE, BOB, ALICE)
    with pytest.raises(BadArgument, match=r"speaks alone for 4\.0 s there: a voiceprint needs 8 s"):
        enroll(toolbox, "Bob", recording, "Speaker 2")


def test_a_label_that_is_two_people_makes_no_voiceprint(toolbox: Toolbox, tmp_path: Path) -> None:
    recording = talk(toolbox, tmp_path / "mixed.wav", ALICE, BOB, ALICE, BOB, CARL, BOB, CARL, BOB)
    with pytest.raises(BadArgument, match="sounds like two people, the other one at 0:"):
        enroll(toolbox, "Alice", recording, "Speaker 1")
    assert toolbox.known_voices("list").people == []


def test_a_range_in_which_two_people_speak_makes_no_voiceprint(toolbox: Toolbox, monday: str) -> None:
    with pytest.raises(BadArgument, match=r"2 voices speak there \(Speaker 1, Speaker 2\)"):
        toolbox.known_voices("enroll", name="Alice", recording=monday, start="0", end="12", work=Agrees())


def test_distorted_speech_makes_no_voiceprint(toolbox: Toolbox, tmp_path: Path) -> None:
    square = np.sign(np.sin(np.arange(40 * SAMPLE_RATE) / 8)) * 32767
    path = tmp_path / "loud.wav"
    with wave.open(str(path), "wb") as out:
        out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
        out.writeframes(square.astype("<i2").tobytes())
    recording = toolbox.add_recording(str(path)).id
    toolbox.diarize(recording)
    with pytest.raises(BadArgument, match="distorted"):
        enroll(toolbox, "Alice", recording, "Speaker 1")


def test_a_file_of_one_person_is_enrolled_without_saying_more(settings: Settings, tmp_path: Path) -> None:
    toolbox = Toolbox(settings, engines=fake_engines())
    recording = toolbox.add_recording(str(tone(tmp_path / "alice.wav", 12, pitch=ALICE))).id
    toolbox.diarize(recording, speakers=1)
    result = toolbox.known_voices("enroll", name="Alice", recording=recording, work=Agrees())
    assert [person.seconds for person in result.people] == [12.0]
    toolbox.close()


def test_a_voice_that_is_somebody_elses_or_not_theirs_is_refused(toolbox: Toolbox, monday: str, tuesday: str) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    with pytest.raises(BadArgument, match="known as Alice already"):
        enroll(toolbox, "Eve", tuesday, "Speaker 2")
    with pytest.raises(BadArgument, match="does not sound like the Alice that is known"):
        enroll(toolbox, "Alice", tuesday, "Speaker 1")
    assert len(enroll(toolbox, "alice", tuesday, "Speaker 2").people[0].sources) == 2


def test_one_person_is_at_most_one_voice_of_a_recording(toolbox: Toolbox, monday: str, tmp_path: Path) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    twice = talk(toolbox, tmp_path / "twice.wav", *[ALICE] * 6)
    assert sorted(str(match.name) for match in toolbox.identify_speakers(twice).matches) == ["Alice", "None"]


def test_a_voiceprint_of_another_model_is_never_compared_but_computed_again_or_told(
    settings: Settings, tmp_path: Path
) -> None:
    before = Toolbox(settings, engines=fake_engines(embedder=FakeEmbedder(identity="older@1")))
    monday = talk(before, tmp_path / "monday.wav", *[ALICE, BOB] * 3)
    recording = before.library.recordings.get(monday)
    alice = before.library.voiceprints.agreed("Alice", "Alice", None)
    half = recording.span.model_copy(update={"end": 4 * SAMPLE_RATE})
    first = before.library.speakers.of(monday)[0]
    before.library.voiceprints.add(alice, first, "monday.wav", [half], "older@1", b"\0" * 96)
    before.close()
    toolbox = Toolbox(settings, engines=fake_engines())
    assert [person.usable for person in toolbox.known_voices("list").people] == [False]
    assert [match.name for match in toolbox.identify_speakers(monday).matches] == ["Alice", None]
    assert toolbox.library.voiceprints.of(alice)[0].models == ("campplus@ae81f520.1", "older@1")
    lost = toolbox.library.voiceprints.agreed("Lost", "Lost", None)
    gone = talk(toolbox, tmp_path / "gone.wav", BOB, CARL)
    voice = toolbox.library.speakers.of(gone)[0]
    toolbox.library.voiceprints.add(lost, voice, "gone.wav", [half], "older@1", b"\0" * 96)
    toolbox.library.recordings.remove(gone)
    result = toolbox.identify_speakers(monday)
    assert result.warnings == [
        "Lost's voiceprint is another embedding model's and its recording is gone: enroll it again."
    ]
    assert "Lost" not in {match.best for match in result.matches}
    toolbox.close()


def test_earlier_recordings_are_labelled_after_a_preview_in_one_step_that_is_undone_at_once(
    toolbox: Toolbox, monday: str, tuesday: str, tmp_path: Path
) -> None:
    wednesday = talk(toolbox, tmp_path / "wednesday.wav", *[BOB, ALICE] * 3)
    enroll(toolbox, "Alice", monday, "Speaker 1")
    preview = toolbox.identify_speakers()
    assert (preview.would_label, preview.labelled) == (2, 0)
    assert {match.recording for match in preview.matches if match.would_label} == {tuesday, wednesday}
    assert "Alice" not in names(toolbox, tuesday).values()
    assert toolbox.identify_speakers(label=True).labelled == 2
    assert list(names(toolbox, tuesday).values()) == ["Speaker 1", "Alice"]
    assert list(names(toolbox, wednesday).values()) == ["Speaker 1", "Alice"]
    step = toolbox.library.edits.undo_last([tuesday])
    assert step is not None
    assert step.note == "labelled by voice: Alice"
    assert "Alice" not in {*names(toolbox, tuesday).values(), *names(toolbox, wednesday).values()}
    assert toolbox.library.edits.redo_last([wednesday])
    assert list(names(toolbox, tuesday).values()) == ["Speaker 1", "Alice"]


def test_a_name_that_a_person_gave_stands_against_a_voiceprint_and_the_conflict_is_told(
    toolbox: Toolbox, monday: str, tuesday: str
) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    toolbox.transcribe(tuesday)
    toolbox.name_speakers(tuesday, names={"Speaker 2": "Eve"})
    result = toolbox.identify_speakers(tuesday, label=True)
    assert result.labelled == 0
    assert "the voice called Eve (person) sounds like Alice" in result.warnings[0]
    assert list(names(toolbox, tuesday).values()) == ["Speaker 1", "Eve"]


def test_a_known_voice_is_named_with_the_others_and_a_person_may_say_otherwise(
    toolbox: Toolbox, monday: str, tuesday: str
) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    toolbox.transcribe(tuesday)
    (candidate,) = toolbox.name_speakers(tuesday).candidates
    assert (candidate.name, candidate.speaker, candidate.points_at) == ("Alice", "Speaker 2", "speaker")
    chosen = toolbox.name_speakers(tuesday, names={"Speaker 2": "Alice"})  # as an LLM does
    assert [speaker.source for speaker in chosen.speakers] == [None, "voiceprint"]
    toolbox.library.edits.undo_last([tuesday])
    result = toolbox.name_speakers(tuesday, people=["Alice", "Carl"])
    assert [(speaker.name, speaker.source) for speaker in result.speakers] == [
        ("Carl", "elimination"),
        ("Alice", "voiceprint"),
    ]
    told = toolbox.name_speakers(tuesday, names={"Speaker 2": "Eve"})
    assert told.conflicts == ["Eve sounds like Alice, whose voice is known: the name that was given stands."]


def test_forgetting_leaves_no_byte_of_a_voice_on_disk(toolbox: Toolbox, monday: str, tuesday: str) -> None:
    enroll(toolbox, "Alice", monday, "Speaker 1")
    enroll(toolbox, "Bob", monday, "Speaker 2")
    toolbox.identify_speakers(label=True)
    alice = toolbox.library.voiceprints.find("Alice")
    assert alice is not None
    gallery = toolbox.library.voiceprints.gallery("campplus@ae81f520.1")
    vector = gallery.vectors[gallery.people.index(alice.id)].tobytes()
    heard = [toolbox.library.takes.blob(take.id) for take in toolbox.library.takes.find(tuesday, "embedding")]
    traces = [vector, *heard, alice.id.encode()]
    assert all(trace in _on_disk(toolbox) for trace in traces)
    with pytest.raises(NotConfirmed, match="--yes"):
        toolbox.known_voices("forget", name="Alice")
    toolbox.known_voices("forget", name="alice", work=Agrees())
    assert [trace for trace in traces if trace in _on_disk(toolbox)] == []
    assert list(names(toolbox, tuesday).values()) == ["Speaker 1", "Speaker 2"]
    assert list(names(toolbox, monday).values()) == ["Alice", "Bob"]  # as the person who enrolled them said
    assert [person.name for person in toolbox.known_voices("list").people] == ["Bob"]
    with pytest.raises(NotFound, match="there is Bob"):
        toolbox.known_voices("forget", name="Alice", work=Agrees())


def _on_disk(toolbox: Toolbox) -> bytes:
    """The library's file with its log, as they lie there."""
    return b"".join(file.read_bytes() for file in sorted(toolbox.library.home.glob("library.db*")))
