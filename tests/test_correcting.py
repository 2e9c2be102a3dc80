"""Corrections of who speaks: they can be undone, everything follows them, and later listening leaves them alone."""

from pathlib import Path

import pytest

from auricle.domain import Edit, Turn, Word
from auricle.errors import BadArgument, NotFound
from auricle.settings import Settings
from tests.fakes import FakeDiarizer, FakeEmbedder, conversation, fake_engines
from tests.test_voiceprints import ALICE, BOB, CARL, enroll, talk
from tools.corrected import corrected
from tools.toolbox import Toolbox

AB = [ALICE, BOB] * 3
"""Speaker 1 and Speaker 2 take turns of four seconds."""


@pytest.fixture
def call(toolbox: Toolbox, tmp_path: Path) -> str:
    recording = talk(toolbox, tmp_path / "call.wav", *AB)
    toolbox.transcribe(recording)
    return recording


def lines(toolbox: Toolbox, recording: str) -> list[tuple[float, str | None]]:
    """When who begins to say something."""
    return [(line.start, line.speaker) for line in toolbox.read_transcript(recording, max_tokens=5000).lines]


def voices(toolbox: Toolbox, recording: str) -> dict[str, float]:
    return {talk.speaker: talk.seconds for talk in toolbox.describe_recording(recording).speakers}


def test_a_name_by_hand_can_be_undone_and_redone(toolbox: Toolbox, call: str) -> None:
    toolbox.correct_speakers(call, "rename", speaker="Speaker 1", to="Alice")
    toolbox.correct_speakers(call, "rename", speaker="Alice", to="Alicia")
    assert list(voices(toolbox, call)) == ["Alicia", "Speaker 2"]
    assert "Taken back: Alice is called Alicia" in toolbox.correct_speakers(call, "undo").next
    assert list(voices(toolbox, call)) == ["Alice", "Speaker 2"]
    toolbox.correct_speakers(call, "undo")
    assert list(voices(toolbox, call)) == ["Speaker 1", "Speaker 2"]
    assert "Nothing to undo" in toolbox.correct_speakers(call, "undo").next
    toolbox.correct_speakers(call, "redo")
    toolbox.correct_speakers(call, "redo")
    assert list(voices(toolbox, call)) == ["Alicia", "Speaker 2"]
    assert "Nothing to redo" in toolbox.correct_speakers(call, "redo").next
    history = toolbox.correct_speakers(call, "history").history
    assert [(step.what, step.undone) for step in history] == [
        ("Speaker 1 is called Alice", False),
        ("Alice is called Alicia", False),
    ]


def test_what_was_undone_is_not_redone_over_a_newer_decision(toolbox: Toolbox, call: str) -> None:
    toolbox.correct_speakers(call, "rename", speaker="Speaker 1", to="Alice")
    toolbox.correct_speakers(call, "undo")
    toolbox.correct_speakers(call, "rename", speaker="Speaker 1", to="Bea")
    assert "Nothing to redo" in toolbox.correct_speakers(call, "redo").next
    assert list(voices(toolbox, call)) == ["Bea", "Speaker 2"]


def test_two_voices_are_one_person_in_words_turns_and_exports(toolbox: Toolbox, call: str, tmp_path: Path) -> None:
    toolbox.correct_speakers(call, "rename", speaker="Speaker 2", to="Bob")
    toolbox.correct_speakers(call, "merge", speaker="Bob", to="Speaker 1")
    assert voices(toolbox, call) == {"Bob": 24.0}  # the one name they had is kept
    assert {speaker for _, speaker in lines(toolbox, call)} == {"Bob"}
    rttm = tmp_path / "call.rttm"
    toolbox.export_transcript(call, "rttm", path=str(rttm))
    assert len(rttm.read_text().splitlines()) == 1
    toolbox.correct_speakers(call, "undo")
    assert voices(toolbox, call) == {"Speaker 1": 12.0, "Bob": 12.0}


def test_a_line_is_given_to_another_voice_by_its_time(toolbox: Toolbox, call: str) -> None:
    assert lines(toolbox, call)[:2] == [(0.0, "Speaker 1"), (4.0, "Speaker 2")]
    result = toolbox.correct_speakers(call, "reassign", to="Speaker 2", start="0:02.5")
    assert lines(toolbox, call)[:2] == [(0.0, "Speaker 1"), (2.0, "Speaker 2")]
    assert result.speakers == {"Speaker 1": 10.0, "Speaker 2": 14.0}


def test_searching_and_counting_follow_a_correction(toolbox: Toolbox, call: str) -> None:
    assert toolbox.search_transcript("refund", recording=call).hits[0].speaker == "Speaker 1"
    toolbox.correct_speakers(call, "reassign", to="Speaker 2", start="0", end="4")
    assert toolbox.search_transcript("refund", recording=call).hits[0].speaker == "Speaker 2"
    said_by = toolbox.measure_talk(call, words="refund").said_by
    toolbox.correct_speakers(call, "undo")
    assert toolbox.measure_talk(call, words="refund").said_by != said_by


def test_a_range_of_one_voice_is_given_away_and_the_other_keeps_its_own(toolbox: Toolbox, call: str) -> None:
    toolbox.correct_speakers(call, "split", speaker="Speaker 1", start="8", end="14")
    assert voices(toolbox, call) == {"Speaker 1": 8.0, "Speaker 2": 12.0, "Speaker 3": 4.0}
    toolbox.correct_speakers(call, "reassign", speaker="Speaker 2", to="Speaker 3", start="12", end="24")
    assert voices(toolbox, call) == {"Speaker 1": 8.0, "Speaker 2": 4.0, "Speaker 3": 12.0}


def test_a_voice_that_sounds_like_two_is_split_by_its_sound(toolbox: Toolbox, tmp_path: Path) -> None:
    mixed = talk(toolbox, tmp_path / "mixed.wav", ALICE, BOB, ALICE, BOB, CARL, BOB, CARL, BOB, ALICE, BOB)
    toolbox.correct_speakers(mixed, "split", speaker="Speaker 1")
    assert voices(toolbox, mixed) == {"Speaker 1": 12.0, "Speaker 2": 20.0, "Speaker 3": 8.0}
    with pytest.raises(BadArgument, match="sounds like one person"):
        toolbox.correct_speakers(mixed, "split", speaker="Speaker 2")


def test_listening_again_leaves_corrections_alone(settings: Settings, tmp_path: Path) -> None:
    diarizer = FakeDiarizer()
    toolbox = Toolbox(settings, engines=fake_engines(diarizer=diarizer))
    call = talk(toolbox, tmp_path / "call.wav", *AB)
    toolbox.transcribe(call)
    toolbox.correct_speakers(call, "rename", speaker="Speaker 1", to="Alice")
    toolbox.correct_speakers(call, "reassign", to="Speaker 2", start="0", end="4")
    assert lines(toolbox, call)[0] == (0.0, "Speaker 2")
    toolbox.transcribe(call, hints="refund")  # other words, with other ids
    assert lines(toolbox, call)[0] == (0.0, "Speaker 2")
    toolbox.diarize(call, speakers=3)
    assert lines(toolbox, call)[0] == (0.0, "Speaker 2")
    toolbox.diarize(call, speakers=1)
    assert lines(toolbox, call)[0] == (0.0, "Speaker 2")
    assert "Alice" in voices(toolbox, call)
    toolbox.close()


def test_a_range_stays_given_even_where_its_first_voice_is_not_heard_any_more() -> None:
    edit = Edit(
        recording="r", kind="assign", speaker="s_to", other="s_from", start=0, end=100, seq=1, step=1, created=0.0
    )
    turns = [Turn(start=0, end=60, label="s_new"), Turn(start=80, end=200, label="s_else")]
    words = [Word(start=at, end=at + 10, text=" so", probability=1.0) for at in (0, 50, 90, 120)]
    heard = [("s_new", False), (None, False), ("s_else", True), ("s_else", False)]
    turns, given = corrected(turns, words, heard, [edit])
    assert [voice for voice, _ in given] == ["s_to", "s_to", "s_to", "s_else"]
    assert sorted((turn.start, turn.end, turn.label) for turn in turns) == [
        (0, 60, "s_to"), (80, 100, "s_to"), (100, 200, "s_else"),
    ]  # fmt: skip


def test_a_voiceprint_follows_what_is_corrected_in_the_recording_it_was_learnt_from(
    settings: Settings, tmp_path: Path
) -> None:
    embedder = FakeEmbedder()
    toolbox = Toolbox(settings, engines=fake_engines(embedder=embedder))
    call = talk(toolbox, tmp_path / "call.wav", *AB)
    enroll(toolbox, "Alice", call, "Speaker 1")
    toolbox.correct_speakers(call, "reassign", to="Speaker 2", start="0", end="4")
    toolbox.identify_speakers(call)
    (alice,) = toolbox.known_voices("list").people
    assert alice.seconds == 8.0
    toolbox.correct_speakers(call, "reassign", to="Speaker 2", start="8", end="12")
    result = toolbox.identify_speakers(call)
    assert "somebody else's: enroll it again" in result.warnings[0]
    assert {match.name for match in result.matches} == {None}
    toolbox.close()


@pytest.mark.parametrize(
    ("arguments", "error", "said"),
    [
        ({"action": "rename", "speaker": "Speaker 1", "to": "Speaker 2"}, BadArgument, "action=merge"),
        ({"action": "rename", "speaker": "Speaker 1"}, BadArgument, "give to"),
        ({"action": "merge", "speaker": "Speaker 1", "to": "Speaker 1"}, BadArgument, "one voice already"),
        ({"action": "merge", "speaker": "Speaker 9", "to": "Speaker 1"}, NotFound, "there are Speaker 1, Speaker 2"),
        ({"action": "reassign", "to": "Speaker 1"}, BadArgument, "Give start"),
        ({"action": "reassign", "to": "Speaker 1", "start": "9:00"}, BadArgument, "Nobody speaks at 9:00"),
    ],
)
def test_a_correction_that_cannot_be_says_what_can(
    toolbox: Toolbox, call: str, arguments: dict[str, str], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        toolbox.correct_speakers(call, **arguments)  # type: ignore[arg-type]
    assert toolbox.correct_speakers(call, "history").history == []


def test_voices_have_to_be_told_apart_before_they_are_corrected(toolbox: Toolbox, tmp_path: Path) -> None:
    recording = toolbox.add_recording(str(conversation(tmp_path / "new.wav", AB))).id
    with pytest.raises(BadArgument, match="call diarize first"):
        toolbox.correct_speakers(recording, "rename", speaker="Speaker 1", to="Alice")
