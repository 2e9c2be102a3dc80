"""`auricle doctor` tells whether the stored sound is whole; `list` and `show` tell what became of the files."""

import hashlib
import os
from pathlib import Path

import pytest

from engines.known_models import KnownModels
from tests.cli_kit import CommandLine, command_line
from tests.fakes import tone


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    monkeypatch.setenv("AURICLE_OLLAMA_URL", "http://127.0.0.1:9")
    return command_line(capsys, monkeypatch)


def audio(auricle: CommandLine, *options: str) -> dict[str, object]:
    ran = auricle("doctor", "--json", *options)
    assert ran.code == 0
    found: dict[str, object] = ran.document["audio"]
    return found


def test_an_empty_library_has_no_sound_and_is_not_made(auricle: CommandLine, home: Path) -> None:
    assert audio(auricle) == {"recordings": 0, "bytes": 0, "hashed": False, "damaged": []}
    assert not home.exists()


def test_whole_sound_is_counted(auricle: CommandLine, tmp_path: Path) -> None:
    auricle("add", tone(tmp_path / "a.wav", 1), tone(tmp_path / "b.wav", 1, pitch=220))
    assert audio(auricle) == {"recordings": 2, "bytes": 2 * 32044, "hashed": False, "damaged": []}
    assert audio(auricle, "--deep")["hashed"] is True
    assert "2 recordings" in auricle("doctor").out
    assert "all intact" in auricle("doctor").out


@pytest.mark.parametrize("harm", ["cut", "byte"])
@pytest.mark.parametrize("original", ["there", "missing"])
def test_damaged_sound_is_told_with_what_to_do(auricle: CommandLine, tmp_path: Path, harm: str, original: str) -> None:
    file = tone(tmp_path / "a.wav", 1)
    added = auricle("add", file, "--json").document["recordings"][0]["id"]
    stored = tmp_path / "home" / "audio" / f"{hashlib.sha256(file.read_bytes()).hexdigest()}.wav"
    data = bytearray(stored.read_bytes())
    data[20_000] ^= 1
    stored.write_bytes(data[:30_000] if harm == "cut" else data)
    if original == "missing":
        file.unlink()
    assert audio(auricle)["damaged"] == ([added] if harm == "cut" else [])
    assert audio(auricle, "--deep")["damaged"] == [added]
    told = " ".join(auricle("doctor", "--deep", "--json").document["trouble"])
    if original == "missing":
        assert "auricle add NEWPATH" in told
    else:
        assert (f"delete {stored}" in told) is (harm == "byte")


def test_list_and_show_say_that_a_file_moved_or_was_edited(auricle: CommandLine, tmp_path: Path) -> None:
    for name, pitch in (("stays", 200), ("moves", 210), ("edited", 220)):
        auricle("add", tone(tmp_path / f"{name}.wav", 1, pitch=pitch))
    (tmp_path / "moves.wav").rename(tmp_path / "moved.wav")
    tone(tmp_path / "edited.wav", 1, pitch=230)
    listed = auricle("list", "--json").document["recordings"]
    assert [item["original"] for item in listed] == ["there", "missing", "changed"]
    shown = auricle("list").out
    assert "auricle add NEWPATH" in shown
    assert "auricle add PATH" in shown
    assert "auricle add NEWPATH" in auricle("show", listed[1]["id"]).out
    assert auricle("show", listed[1]["id"], "--json").document["original"] == "missing"
    assert "NEWPATH" not in auricle("show", listed[0]["id"]).out
    auricle("add", tmp_path / "moved.wav")
    assert auricle("list", "--json").document["recordings"][1]["original"] == "there"
    assert listed[1]["id"] == auricle("list", "--json").document["recordings"][1]["id"]


def test_a_touched_file_is_still_there(auricle: CommandLine, tmp_path: Path) -> None:
    auricle("add", tone(tmp_path / "a.wav", 1))
    os.utime(tmp_path / "a.wav", (1, 1))
    assert auricle("list", "--json").document["recordings"][0]["original"] == "there"
    assert "NEWPATH" not in auricle("list").out


def test_which_way_an_llm_needs_is_told(auricle: CommandLine, home: Path) -> None:
    known = KnownModels(home)
    known.note("ollama:able@1", name="ollama:able", tools=True, tried="it called two tools in a row rightly")
    known.note("ollama:small@1", name="ollama:small", tools=False, tried="it said nothing when all was done")
    known.note("openai:m@url", name="openai:m", tokens_per_byte=0.3)
    assert [(llm["name"], llm["tools"]) for llm in auricle("doctor", "--json").document["llms"]] == [
        ("ollama:able", True),
        ("ollama:small", False),
    ]
    assert "ollama:small is given a plan to fill: it said nothing" in auricle("doctor").out
