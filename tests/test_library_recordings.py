"""Recordings are known by what they hold."""

import errno
import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from auricle.domain import Evidence, Recognition, Span
from auricle.errors import BadArgument, LibraryError, NotFound
from library import Library
from tests.fakes import tone

ADD = """
import sys
from pathlib import Path
from library import Library
with Library(Path(sys.argv[1])) as library:
    print(library.recordings.add(Path(sys.argv[2]), lambda done, total: None).id)
"""
NOTHING = Recognition(language="en", language_probability=1.0, segments=()).model_dump_json()


def quiet(_done: float, _total: float) -> None:
    pass


def test_the_same_file_twice_is_one_recording(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    first = library.recordings.add(file, quiet)
    assert library.recordings.add(file, quiet) == first
    assert library.recordings.list() == [first]


def test_a_copy_is_the_same_recording(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    first = library.recordings.add(file, quiet)
    copy = tmp_path / "b.wav"
    copy.write_bytes(file.read_bytes())
    assert library.recordings.add(copy, quiet) == first


def test_a_file_that_moved_is_found_at_its_new_place(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    first = library.recordings.add(file, quiet)
    file.rename(tmp_path / "b.wav")
    again = library.recordings.add(tmp_path / "b.wav", quiet)
    assert again.id == first.id
    assert again.path == str(tmp_path / "b.wav")
    assert library.recordings.get(first.id).path == again.path


def test_other_bytes_at_the_same_path_are_another_recording(library: Library, tmp_path: Path) -> None:
    first = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    second = library.recordings.add(tone(tmp_path / "a.wav", 1, pitch=220), quiet)
    assert first.id != second.id
    assert library.recordings.get(str(tmp_path / "a.wav")) == second


def test_two_processes_adding_at_once_make_one_recording(home: Path, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 300)
    command = [sys.executable, "-c", ADD, str(home), str(file)]
    root = Path(__file__).parent.parent
    adding = [subprocess.Popen(command, stdout=subprocess.PIPE, cwd=root, text=True) for _ in range(3)]
    ids = {process.communicate(timeout=120)[0].strip() for process in adding}
    assert [process.returncode for process in adding] == [0, 0, 0]
    with Library(home) as library:
        assert ids == {library.recordings.list()[0].id}
        assert len(library.recordings.list()) == 1
        assert [path.suffix for path in (home / "audio").iterdir() if path.suffix != ".lock"] == [".wav"]


def test_a_recording_is_found_by_id_path_and_name(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "call.wav", 1), quiet)
    for ref in (recording.id, recording.path, "call.wav", "call"):
        assert library.recordings.get(ref) == recording


def test_a_name_that_two_have_is_not_guessed(library: Library, tmp_path: Path) -> None:
    for number, folder in enumerate(("a", "b")):
        (tmp_path / folder).mkdir()
        library.recordings.add(tone(tmp_path / folder / "call.wav", 1, pitch=200 + number), quiet)
    with pytest.raises(BadArgument, match="r_"):
        library.recordings.get("call.wav")


@pytest.mark.parametrize("ref", ["r_0000000000", "nothing.wav", "", "a\0b", "\udcff", "~nobody/x", "x" * 9000, "r_%"])
def test_an_unknown_recording_lists_the_known(library: Library, tmp_path: Path, ref: str) -> None:
    recording = library.recordings.add(tone(tmp_path / "call.wav", 1), quiet)
    with pytest.raises(NotFound, match=recording.id) as raised:
        library.recordings.get(ref)
    assert len(raised.value.message) < 500
    raised.value.message.encode()


def test_a_range_outside_the_recording_is_refused(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    for start, end in ((0, 16001), (-1, 5), (10, 5)):
        with pytest.raises(BadArgument, match="from 0 to 1"):
            library.recordings.read(recording, Span(start=start, end=end))


@pytest.mark.parametrize("loss", ["gone", "cut"])
def test_lost_audio_is_decoded_again_from_the_original(library: Library, tmp_path: Path, loss: str) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    sound = library.recordings.read(recording)
    stored = library.home / "audio" / f"{recording.sha256}.wav"
    if loss == "gone":
        stored.unlink()
    else:
        stored.write_bytes(stored.read_bytes()[:5000])
    assert np.array_equal(library.recordings.read(recording), sound)


def test_lost_audio_without_its_original_says_what_to_do(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    (library.home / "audio" / f"{recording.sha256}.wav").unlink()
    tone(tmp_path / "a.wav", 2)
    with pytest.raises(LibraryError, match=r"add a\.wav again"):
        library.recordings.read(recording)


def test_adding_the_file_again_brings_lost_audio_back(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    recording = library.recordings.add(file, quiet)
    (library.home / "audio" / f"{recording.sha256}.wav").unlink()
    file.rename(tmp_path / "b.wav")
    library.recordings.add(tmp_path / "b.wav", quiet)
    assert library.recordings.read(library.recordings.get(recording.id)).size == 16000


def test_removing_forgets_everything_but_the_original(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    recording = library.recordings.add(file, quiet)
    take = library.takes.add(recording.id, "recognition", "e@1", {}, recording.span, NOTHING)
    voices = library.takes.add(recording.id, "voices", "e@1", {}, recording.span, blob=b"voices")
    speaker = library.speakers.create(recording.id, "Speaker 1")
    library.speakers.bind(take.id, {"0": speaker.id})
    library.edits.append(recording.id, "name", speaker.id, "Alice", Evidence(source="person"))
    job = library.jobs.submit("recognize", {"recording": recording.id}, "key")

    library.recordings.remove(recording.id)

    assert file.exists()
    assert library.recordings.list() == []
    assert library.takes.find(recording.id, "recognition") == []
    assert library.speakers.of(recording.id) == []
    assert library.edits.of(recording.id) == []
    with pytest.raises(NotFound):
        library.takes.blob(voices.id)
    assert not list((library.home / "audio").glob("*.wav"))
    with pytest.raises(NotFound):
        library.jobs.get(job.id)
    with pytest.raises(NotFound):
        library.takes.add(recording.id, "recognition", "e@1", {}, recording.span, NOTHING)


def test_what_a_killed_decoding_left_is_cleared_by_the_next(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    (library.home / "audio" / f"{sha256}.part").write_bytes(b"half a wav")
    (library.home / "audio" / f"{sha256}.wav").write_bytes(b"a wav whose row was never written")
    recording = library.recordings.add(file, quiet)
    assert library.recordings.read(recording).size == 16000
    assert not list((library.home / "audio").glob("*.part"))


def test_a_full_disk_is_one_clear_line(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("library.recordings.audio.decode", full)
    with pytest.raises(LibraryError, match="make room"):
        library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    assert library.recordings.list() == []


def test_a_file_that_stays_is_there_without_being_hashed(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    monkeypatch.setattr("library.files.sha256", lambda path: pytest.fail("hashed for nothing"))
    assert library.recordings.original(recording) == "there"


def test_a_file_that_went_is_missing(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    (tmp_path / "a.wav").unlink()
    assert library.recordings.original(recording) == "missing"


@pytest.mark.parametrize("edit", ["touched", "edited"])
def test_a_file_that_was_touched_is_hashed_once(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, edit: str
) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    if edit == "touched":
        os.utime(tmp_path / "a.wav", (1, 1))
    else:
        tone(tmp_path / "a.wav", 1, pitch=220)
    expected = "there" if edit == "touched" else "changed"
    assert library.recordings.original(recording) == expected
    monkeypatch.setattr("library.files.sha256", lambda path: pytest.fail("hashed twice"))
    assert library.recordings.original(recording) == expected


def test_a_file_that_was_put_back_is_there_again(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    before = file.read_bytes()
    recording = library.recordings.add(file, quiet)
    file.write_bytes(b"something else")
    assert library.recordings.original(recording) == "changed"
    file.write_bytes(before)
    assert library.recordings.original(recording) == "there"


def test_a_moved_file_is_linked_though_its_old_place_holds_another(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    first = library.recordings.add(file, quiet)
    file.rename(tmp_path / "b.wav")
    tone(tmp_path / "a.wav", 1, pitch=220)
    again = library.recordings.add(tmp_path / "b.wav", quiet)
    assert (again.id, again.path) == (first.id, str(tmp_path / "b.wav"))
    assert library.recordings.original(again) == "there"


def test_a_copy_does_not_take_the_place_of_its_original(library: Library, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 1)
    first = library.recordings.add(file, quiet)
    (tmp_path / "b.wav").write_bytes(file.read_bytes())
    assert library.recordings.add(tmp_path / "b.wav", quiet).path == first.path


def test_a_clock_that_jumps_back_does_not_change_the_order(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    added = []
    for number, clock in enumerate((2e9, 0.0, 1e9)):
        monkeypatch.setattr("library.recordings.time.time", lambda clock=clock: clock)
        added.append(library.recordings.add(tone(tmp_path / f"{number}.wav", 1, pitch=200 + number), quiet))
    assert library.recordings.list() == added


def test_the_stored_sound_is_hashed(library: Library, tmp_path: Path) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet)
    stored = library.home / "audio" / f"{recording.sha256}.wav"
    assert recording.sound == hashlib.sha256(stored.read_bytes()[44:]).hexdigest()
    assert library.recordings.get(recording.id).sound == recording.sound
    assert library.recordings.verify(recording)
    assert library.recordings.stored_bytes(recording) == 44 + 2 * 16000
    data = bytearray(stored.read_bytes())
    data[5000] ^= 1
    stored.write_bytes(data)
    assert library.recordings.intact(recording)
    assert not library.recordings.verify(recording)
    stored.unlink()
    assert not library.recordings.intact(recording)
    assert not library.recordings.verify(recording)


@pytest.mark.parametrize("sound", ["", "0" * 64])
def test_what_is_decoded_again_must_be_what_it_was(library: Library, tmp_path: Path, sound: str) -> None:
    recording = library.recordings.add(tone(tmp_path / "a.wav", 1), quiet).model_copy(update={"sound": sound})
    (library.home / "audio" / f"{recording.sha256}.wav").unlink()
    if sound:
        with pytest.raises(LibraryError, match="another sound"):
            library.recordings.read(recording)
    else:
        assert library.recordings.read(recording).size == 16000
    assert not list((library.home / "audio").glob("*.part*"))
