"""`auricle clean`, `backup` and `restore`: what may go, and a library in one file and back."""

import io
import json
import sqlite3
import tarfile
from pathlib import Path

import pytest

from auricle.settings import get_settings
from library import Library
from library.backup import MANIFEST
from tests.cli_kit import CommandLine, command_line
from tests.fakes import tone


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AURICLE_WORKER", "inline")
    return command_line(capsys, monkeypatch)


@pytest.fixture
def call(auricle: CommandLine, tmp_path: Path) -> str:
    """A recording with a transcript, voices, a page and its sound."""
    (tmp_path / "calls").mkdir()
    sound = tone(tmp_path / "calls" / "call.wav", 8)
    found: str = auricle("add", sound, "--json").document["recordings"][0]["id"]
    auricle("transcribe", found)
    auricle("diarize", found)
    auricle("export", found, "--format", "html")
    return found


def words(auricle: CommandLine, call: str) -> list[str]:
    return [part["text"] for part in auricle("show", call, "--json").document["segments"]]


def test_clean_shows_first_and_then_removes_only_what_is_made_again(
    auricle: CommandLine, call: str, tmp_path: Path
) -> None:
    before = words(auricle, call)
    shown = auricle("clean", "--json").document
    may_go = sum(room["bytes"] for room in shown["rooms"] if room["may_go"])
    assert may_go > 8 * 32_000
    assert auricle("clean", "--json").document == shown  # nothing was removed
    assert "frees" in auricle("clean").out
    assert auricle("clean", "--yes", "--json").document["freed"] == may_go
    assert not any(room["may_go"] for room in auricle("clean", "--json").document["rooms"])
    assert words(auricle, call) == before
    assert auricle("slice", call, "--start", 1, "--end", 2).code == 0  # decoded again from the original


def test_sound_whose_original_is_gone_stays(auricle: CommandLine, call: str, tmp_path: Path) -> None:
    (tmp_path / "calls" / "call.wav").unlink()
    auricle("clean", "--yes")
    assert auricle("slice", call, "--start", 1, "--end", 2).code == 0


def test_old_recordings_are_forgotten_only_with_a_yes(auricle: CommandLine, call: str, tmp_path: Path) -> None:
    assert auricle("clean", "--older-than", 1, "--yes", "--json").document["forgotten"] == []
    with sqlite3.connect(get_settings().home / "library.db") as database:
        database.execute("UPDATE recordings SET added = added - 10 * 86400")
    database.close()
    shown = auricle("clean", "--older-than", 9, "--json").document
    assert (shown["old"], shown["forgotten"]) == ([call], [])
    assert auricle("clean", "--older-than", 9, "--yes", "--json").document["forgotten"] == [call]
    assert auricle("list", "--json").document == {"recordings": []}
    assert (tmp_path / "calls" / "call.wav").exists()


@pytest.mark.parametrize("options", [[], ["--without-sound"]], ids=["whole", "without sound"])
def test_a_library_moves_in_one_file(
    auricle: CommandLine, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: list[str]
) -> None:
    before = words(auricle, call)
    made = auricle("backup", "library.tar", *options, "--json")
    assert made.code == 0
    assert (tmp_path / "library.tar").stat().st_mode & 0o077 == 0
    (tmp_path / "calls").rename(tmp_path / "elsewhere")
    monkeypatch.setenv("AURICLE_HOME", str(tmp_path / "other machine"))
    get_settings.cache_clear()
    moved = f"{tmp_path / 'calls'}={tmp_path / 'elsewhere'}"
    restored = auricle("restore", "library.tar", "--moved", moved, "--json").document
    assert (restored["recordings"], restored["missing"]) == (1, [])
    assert words(auricle, call) == before
    assert auricle("slice", call, "--start", 1, "--end", 2).code == 0
    again = auricle("restore", "library.tar")
    assert (again.code, "already" in again.err) == (2, True)


def test_uploads_move_with_their_library(auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = get_settings().home / "uploads" / "u1"
    folder.mkdir(parents=True)
    call = auricle("add", tone(folder / "sent.wav", 5), "--json").document["recordings"][0]["id"]
    auricle("backup", "library.tar")
    monkeypatch.setenv("AURICLE_HOME", str(tmp_path / "other"))
    get_settings.cache_clear()
    assert auricle("restore", "library.tar", "--json").document["missing"] == []
    with Library(tmp_path / "other") as library:
        assert library.recordings.get(call).path == str(tmp_path / "other" / "uploads" / "u1" / "sent.wav")


def rewritten(source: Path, target: Path, change: dict[str, bytes | None]) -> None:
    """A copy of a tar with parts changed, added, or left out."""
    with tarfile.open(source) as given, tarfile.open(target, "w") as made:
        parts = {part.name: given.extractfile(part).read() for part in given}  # type: ignore[union-attr]
        for name, data in {**parts, **change}.items():
            if data is not None:
                about = tarfile.TarInfo(name)
                about.size = len(data)
                made.addfile(about, io.BytesIO(data))


def test_what_is_no_backup_or_is_damaged_restores_nothing(
    auricle: CommandLine, call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    auricle("backup", "good.tar")
    good = tmp_path / "good.tar"
    manifest = {"version": 1, "home": "/x", "created": 0, "parts": {}}
    rewritten(good, tmp_path / "changed.tar", {"library.db": b"SQLite format 3\0"})
    rewritten(good, tmp_path / "outside.tar", {"../../evil": b"x"})
    rewritten(good, tmp_path / "absolute.tar", {"/etc/evil": b"x"})
    rewritten(good, tmp_path / "strange.tar", {"worker.pid": b"1"})
    rewritten(good, tmp_path / "without.tar", {MANIFEST: None})
    rewritten(good, tmp_path / "empty.tar", {"library.db": None, MANIFEST: json.dumps(manifest).encode()})
    (tmp_path / "cut.tar").write_bytes(good.read_bytes()[:-20_000])
    (tmp_path / "text.tar").write_text("not a tar")
    with tarfile.open(tmp_path / "link.tar", "w") as made:
        link = tarfile.TarInfo("uploads/x")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        made.addfile(link)
    home = tmp_path / "other"
    monkeypatch.setenv("AURICLE_HOME", str(home))
    get_settings.cache_clear()
    for name in ("changed", "outside", "absolute", "strange", "without", "empty", "cut", "text", "link", "missing"):
        ran = auricle("restore", f"{name}.tar")
        assert ran.code == 2, (name, ran.err)
        assert [line[:7] for line in ran.err.splitlines() if "restoring" not in line] == ["Error: "], (name, ran.err)
        assert not home.exists()
    assert sorted(path.name for path in tmp_path.iterdir() if path.name.startswith(".auricle")) == []


def test_a_backup_is_refused_where_it_makes_no_sense(auricle: CommandLine, tmp_path: Path) -> None:
    assert auricle("backup", "library.tar").code == 1  # nothing is there yet
    auricle("list")
    assert auricle("backup", "library.zip").code == 2
    assert auricle("backup", get_settings().home / "library.tar").code == 2
    assert auricle("restore", "library.tar", "--moved", "nothing").code == 2
