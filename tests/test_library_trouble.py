"""No space, a folder that may not be written: one clear line, nothing lost, and the next run goes on."""

import errno
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle.errors import LibraryError
from auricle.times import SAMPLE_RATE
from library import Library
from tests.fakes import tone

ROOT = Path(__file__).parent.parent
LIMITED = """
import resource, sys
from pathlib import Path
from auricle.errors import LibraryError
from library import Library, resuming
resuming.EVERY = 20 * 16_000
with Library(Path(sys.argv[1])) as library:
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[3]), resource.RLIM_INFINITY))
    try:
        library.recordings.add(Path(sys.argv[2]), lambda done, total: None)
    except LibraryError as error:
        print(error.message)
"""
READING = """
import os, sys
from pathlib import Path
import sqlalchemy.dialects.sqlite
from auricle.errors import LibraryError
from library import Library
if os.geteuid() == 0:  # who may write everywhere
    os.setuid(65534)
with Library(Path(sys.argv[1])) as library:
    (recording,) = library.recordings.list()
    print(library.recordings.read(recording).size, library.recordings.verify(recording))
    print(library.recordings.original(recording))
    for change in (
        lambda: library.recordings.add(Path(sys.argv[2]), lambda done, total: None),
        lambda: library.recordings.remove(recording.id),
    ):
        try:
            change()
        except LibraryError as error:
            print(error.message)
"""


def quiet(_done: float, _total: float) -> None:
    pass


def full(*_: object, **__: object) -> Any:
    raise OSError(errno.ENOSPC, "No space left on device")


def after(calls: int, real: Callable[..., Any]) -> Callable[..., Any]:
    """Runs out of space at one call of a function."""
    count = 0

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal count
        count += 1
        return full() if count > calls else real(*args, **kwargs)

    return call


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("library.resuming.EVERY", 20 * SAMPLE_RATE)


WRITES = [
    ("stored.Track.append", 0),
    ("stored.Track.append", 100),
    ("stored.Track.append", 1000),
    ("stored.Track.flush", 0),
    ("stored.Track.finish", 0),
    ("stored.Track.__init__", 1),
    ("resuming.save", 0),
    ("resuming.save", 1),
    ("recordings.Recordings._keep", 0),
]


@pytest.mark.parametrize(("where", "calls"), WRITES)
def test_a_disk_that_is_full_at_any_write_loses_nothing(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, calls: int
) -> None:
    file = tone(tmp_path / "a.wav", 60, 44_100, 2)
    with Library(tmp_path / "undisturbed") as other:
        expected = other.recordings.add(file, quiet)
    module, _, name = where.partition(".")
    owner = getattr(__import__(f"library.{module}", fromlist=["_"]), name.partition(".")[0])
    owner, name = (owner, name.partition(".")[2]) if "." in name else (sys.modules[f"library.{module}"], name)
    with monkeypatch.context() as disk:
        disk.setattr(owner, name, after(calls, getattr(owner, name)))
        with pytest.raises(LibraryError, match="make room") as raised:
            library.recordings.add(file, quiet)
    assert "\n" not in raised.value.message
    recording = library.recordings.add(file, quiet)
    assert library.recordings.read(recording).size == expected.duration
    assert library.recordings.verify(recording)
    assert recording.sound == expected.sound
    assert not list((library.home / "audio").glob("*.part*"))


def test_a_full_disk_at_the_row_is_told_and_the_sound_is_not_decoded_again(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tone(tmp_path / "a.wav", 60)
    with monkeypatch.context() as disk:
        disk.setattr("library.recordings.insert", lambda table: _FullInsert())
        with pytest.raises(LibraryError, match="disk is full"):
            library.recordings.add(file, quiet)
    assert library.recordings.list() == []
    told: list[float] = []
    library.recordings.add(file, lambda done, total: told.append(done))
    assert min(told) >= 40


class _FullInsert:
    def values(self, **_: object) -> object:
        raise LibraryError("The library cannot be used, the disk is full: make room, what was stored so far is safe.")


def test_a_real_limit_is_one_clear_line_and_the_next_run_goes_on(home: Path, tmp_path: Path) -> None:
    file = tone(tmp_path / "a.wav", 60)
    command = [sys.executable, "-c", LIMITED, str(home), str(file)]
    ran = subprocess.run([*command, "1500000"], cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    assert len(ran.stdout.splitlines()) == 1
    assert "make room" in ran.stdout
    with Library(home) as library:
        told: list[float] = []
        recording = library.recordings.add(file, lambda done, total: told.append(done))
        assert min(told) >= 20
        assert library.recordings.verify(recording)


@pytest.fixture
def read_only() -> Iterator[Path]:
    """A folder that the test's child may read and not write, with a library and a second file beside it."""
    folder = Path(tempfile.mkdtemp())
    with Library(folder / "home") as library:
        library.recordings.add(tone(folder / "a.wav", 1), quiet)
    tone(folder / "b.wav", 1, pitch=220)
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield folder
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755)
    shutil.rmtree(folder)


def test_what_is_known_can_be_read_in_a_home_that_cannot_be_written(read_only: Path) -> None:
    command = [sys.executable, "-c", READING, str(read_only / "home"), str(read_only / "b.wav")]
    ran = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert ran.returncode == 0, ran.stderr
    read, original, adding, removing = ran.stdout.splitlines()
    assert read == "16000 True"
    assert original == "there"
    assert "allow writing" in adding
    assert "may not be written" in removing
