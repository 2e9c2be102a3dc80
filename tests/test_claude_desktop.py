"""Auricle in Claude Desktop's configuration: found on every system, edited without harm."""

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from auricle.errors import WorkError
from mcp_server import claude_desktop
from mcp_server.claude_desktop import FILE, config_file, write_server
from tests.cli_kit import CommandLine, command_line

SERVER = {"command": "/bin/auricle", "args": ["serve", "--allow", "/sound"]}
THEIRS = {
    "globalShortcut": "Ctrl+Space",
    "mcpServers": {"files": {"command": "npx", "args": ["files", "/tmp"], "env": {"KEY": "secret"}}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "Claude" / FILE
    made.parent.mkdir()
    return made


def read(file: Path) -> Any:
    return json.loads(file.read_text(encoding="utf-8"))


def beside(file: Path) -> set[str]:
    return {path.name for path in file.parent.iterdir()} - {file.name}


def test_the_file_is_found_on_every_system(tmp_path: Path) -> None:
    assert config_file("darwin", {}, tmp_path) == tmp_path / "Library/Application Support/Claude" / FILE
    assert config_file("linux", {}, tmp_path) == tmp_path / ".config/Claude" / FILE
    assert config_file("linux", {"XDG_CONFIG_HOME": "/etc/mine"}, tmp_path) == Path("/etc/mine/Claude") / FILE
    windows = {"APPDATA": str(tmp_path / "roaming"), "LOCALAPPDATA": str(tmp_path / "local")}
    assert config_file("win32", windows, tmp_path) == tmp_path / "roaming/Claude" / FILE


def test_on_windows_a_packaged_app_reads_in_its_own_folder(tmp_path: Path) -> None:
    own = tmp_path / "AppData/Local/Packages/Claude_abc/LocalCache/Roaming/Claude"
    own.mkdir(parents=True)
    assert config_file("win32", {}, tmp_path) == own / FILE


def test_a_configuration_is_made_where_there_is_none(tmp_path: Path) -> None:
    written = write_server(tmp_path / "new" / FILE, SERVER)
    assert written.changed and written.backup is None
    assert read(written.file) == {"mcpServers": {"auricle": SERVER}}


def test_other_servers_and_settings_stay_and_the_file_as_it_was_is_kept(file: Path) -> None:
    file.write_text(json.dumps(THEIRS), encoding="utf-8")
    file.chmod(0o600)
    written = write_server(file, SERVER)
    assert read(file) == THEIRS | {"mcpServers": THEIRS["mcpServers"] | {"auricle": SERVER}}  # type: ignore[operator]
    assert written.backup is not None and read(written.backup) == THEIRS
    assert stat.S_IMODE(file.stat().st_mode) == stat.S_IMODE(written.backup.stat().st_mode) == 0o600
    assert beside(file) == {written.backup.name}, "nothing temporary is left"


def test_a_second_time_changes_nothing(file: Path) -> None:
    write_server(file, SERVER)
    before = file.read_bytes()
    again = write_server(file, SERVER)
    assert not again.changed and again.backup is None
    assert file.read_bytes() == before and not beside(file)


def test_every_change_keeps_a_backup_of_its_own_and_what_the_person_added_to_the_entry(file: Path) -> None:
    mine = {"command": "old", "args": [], "env": {"AURICLE_MODEL": "ollama:q", "AURICLE_HOME": "/a"}, "disabled": True}
    file.write_text(json.dumps({"mcpServers": {"auricle": mine}}), encoding="utf-8")
    write_server(file, SERVER | {"env": {"AURICLE_HOME": "/b"}})
    write_server(file, SERVER | {"args": ["serve", "--allow", "/elsewhere"]})
    entry = read(file)["mcpServers"]["auricle"]
    assert entry["args"] == ["serve", "--allow", "/elsewhere"] and entry["disabled"]
    assert entry["env"] == {"AURICLE_MODEL": "ollama:q", "AURICLE_HOME": "/b"}
    assert len(beside(file)) == 2


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b'{"mcpServers": {\n  "files": {,}\n}}', "line 2, column 13"),
        (b"[]", "no object"),
        (b'{"mcpServers": ["files"]}', '"mcpServers" is no object'),
        (b'{"mcpServers": null}', '"mcpServers" is no object'),
        (b"\xff\xfe{\x00}\x00", "not UTF-8"),
    ],
)
def test_a_broken_configuration_is_refused_and_left_alone(file: Path, content: bytes, said: str) -> None:
    file.write_bytes(content)
    with pytest.raises(WorkError, match=said) as failed:
        write_server(file, SERVER)
    assert str(file) in failed.value.message
    assert file.read_bytes() == content and not beside(file)


def test_an_empty_file_and_a_mark_at_the_beginning_are_no_harm(file: Path) -> None:
    for content in (b"", b"  \n", b"\xef\xbb\xbf{}"):
        file.write_bytes(content)
        assert write_server(file, SERVER).changed
        assert read(file)["mcpServers"]["auricle"] == SERVER


def test_a_link_stays_a_link(file: Path, tmp_path: Path) -> None:
    real = tmp_path / "dotfiles.json"
    real.write_text("{}")
    file.symlink_to(real)
    assert write_server(file, SERVER).file == real.resolve()
    assert file.is_symlink() and read(real)["mcpServers"]["auricle"] == SERVER


def test_a_failure_while_writing_leaves_the_file_as_it_was(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(json.dumps(THEIRS))

    def full(_: int) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(WorkError, match="No space left on device"):
        write_server(file, SERVER)
    assert read(file) == THEIRS
    assert all(name.endswith(".backup") for name in beside(file))


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, file: Path) -> CommandLine:
    monkeypatch.setattr(claude_desktop, "config_file", lambda: file)
    return command_line(capsys, monkeypatch)


def test_the_command_edits_the_file_and_says_where(auricle: CommandLine, file: Path, tmp_path: Path) -> None:
    sound = tmp_path / "sound"
    sound.mkdir()
    ran = auricle("mcp-config", "--write", "--allow", sound, "--json")
    assert ran.document["file"] == str(file) and ran.document["changed"]
    entry = read(file)["mcpServers"]["auricle"]
    assert entry["args"][-3:] == ["serve", "--allow", str(sound)]
    assert entry["env"]["AURICLE_HOME"] == str(tmp_path / "home")
    assert entry == ran.document["mcpServers"]["auricle"]
    said = auricle("mcp-config", "--write", "--allow", sound)
    assert "already starts Auricle" in said.out


def test_the_command_refuses_a_broken_file(auricle: CommandLine, file: Path, tmp_path: Path) -> None:
    file.write_text("{")
    ran = auricle("mcp-config", "--write", "--allow", tmp_path, "--json")
    assert ran.code == 1 and str(file) in ran.error["message"]
    assert file.read_text() == "{"
