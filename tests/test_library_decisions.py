"""Speakers and the log of what was decided about them."""

from pathlib import Path

import pytest

from auricle.domain import Evidence, Recording
from auricle.errors import NotFound
from library import Library
from tests.fakes import tone


@pytest.fixture
def recording(library: Library, tmp_path: Path) -> Recording:
    return library.recordings.add(tone(tmp_path / "a.wav", 1), lambda done, total: None)


def test_a_label_names_one_speaker(library: Library, recording: Recording) -> None:
    first = library.speakers.create(recording.id, "Speaker 1")
    assert library.speakers.create(recording.id, "Speaker 1") == first
    second = library.speakers.create(recording.id, "Speaker 2")
    assert library.speakers.of(recording.id) == [first, second]


def test_a_take_says_whose_its_labels_are(library: Library, recording: Recording) -> None:
    take = library.takes.add(recording.id, "diarization", "e@1", {}, recording.span, "{}")
    one, two = (library.speakers.create(recording.id, f"Speaker {number}") for number in (1, 2))
    assert library.speakers.bound(take.id) == {}
    library.speakers.bind(take.id, {"0": one.id, "1": two.id})
    library.speakers.bind(take.id, {"0": two.id, "1": one.id})
    assert library.speakers.bound(take.id) == {"0": two, "1": one}


def test_decisions_are_kept_in_order_and_taken_back(library: Library, recording: Recording) -> None:
    speaker = library.speakers.create(recording.id, "Speaker 1")
    said = Evidence(source="said", quote="I'm Sheila", at=16_000)
    first = library.edits.append(recording.id, "name", speaker.id, "Sheila", said)
    second = library.edits.append(recording.id, "name", speaker.id, "Diane", Evidence(source="person"))
    assert library.edits.of(recording.id) == [first, second]
    assert first.evidence == said
    library.edits.undo(second.seq)
    library.edits.undo(second.seq)
    assert library.edits.of(recording.id) == [first]


def test_an_unknown_decision_cannot_be_undone(library: Library) -> None:
    with pytest.raises(NotFound):
        library.edits.undo(7)
