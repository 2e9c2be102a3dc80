import json
import subprocess
import sys
from pathlib import Path

import pytest
import typer

from agent.cli import app as cli
from agent.cli import main
from agent.cli.errors import STOPPED
from auricle.settings import get_settings

WRONG = [
    "",
    "bogus",
    "ask",
    "chat --bogus",
    "add",
    "list extra",
    "show",
    "remove",
    "transcribe",
    "transcribe a.wav b.wav",
    "transcribe a.wav --start",
    "diarize",
    "diarize a.wav --speakers two",
    "diarize a.wav --min-speakers 1.5",
    "export a.wav",
    "search",
    "slice a.wav --start 1",
    "slice a.wav --end 1",
    "speakers",
    "speakers bogus",
    "speakers list extra",
    "speakers identify",
    "speakers enroll Alice",
    "run",
    "run script.yaml",
    "serve --port many",
    "serve extra",
    "tokens create",
    "tokens create Alice --expires 0",
    "tokens revoke",
    "mcp-config extra",
    "models",
    "models bogus",
    "models list --profile",
    "models verify extra",
    "jobs bogus",
    "jobs cancel",
    "doctor extra",
    "clean --bogus",
]

ROOT = Path(__file__).parent.parent


COMMANDS = [
    *["ask", "chat", "run", "transcribe", "diarize", "export", "search", "slice", "add", "list", "show", "remove"],
    *["speakers", "serve", "tokens", "mcp-config", "models", "jobs", "doctor", "clean", "backup", "restore"],
]


def error_of(printed: str) -> dict[str, str]:
    document = json.loads(printed)
    assert set(document) == {"error"}
    error: dict[str, str] = document["error"]
    assert set(error) == {"code", "message"}
    assert "\n" not in error["message"]
    return error


@pytest.mark.parametrize("line", WRONG)
@pytest.mark.parametrize("first", [True, False], ids=["json first", "json last"])
def test_wrong_usage_is_one_json_document_wherever_json_stands(
    line: str, first: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    words = line.split()
    assert cli.run(["--json", *words] if first else [*words, "--json"]) == 2
    printed = capsys.readouterr()
    assert error_of(printed.out)["code"] == "usage"
    assert printed.err == ""


@pytest.mark.parametrize("line", [line for line in WRONG if line])
def test_wrong_usage_is_one_line_for_a_person(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(line.split()) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("Error: ")
    assert printed.err.count("\n") == 1
    assert "--help" in printed.err


def test_an_instruction_that_is_missing_is_noticed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    call = tmp_path / "call.wav"
    call.touch()
    for words in ([str(call)], ["r_0123456789"], [""]):
        assert cli.run(["ask", *words]) == 2
        assert "instruction is missing" in capsys.readouterr().err


def test_nothing_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    shown = capsys.readouterr().out
    for command in COMMANDS:
        assert f" {command} " in shown


def test_help_and_version_are_documents_too(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["transcribe", "--help", "--json"]) == 0
    assert "--language" in json.loads(capsys.readouterr().out)["help"]
    assert cli.run(["--version", "--json"]) == 0
    assert set(json.loads(capsys.readouterr().out)) == {"version"}
    assert cli.run(["--version"]) == 0
    assert capsys.readouterr().out.startswith("auricle ")


def test_what_follows_two_dashes_is_never_taken_for_an_option(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["ask", "--", "--json", ""]) == 2
    assert capsys.readouterr().err.startswith("Error: The instruction is missing")


def test_main_leaves_with_the_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as left:
        cli.main(["bogus"])
    assert left.value.code == 2


@pytest.mark.parametrize(
    ("variable", "value", "told"),
    [
        ("AURICLE_DEVICE", "abacus", "AURICLE_DEVICE = 'abacus' is not allowed"),
        ("AURICLE_BEAM_SIZE", "0", "AURICLE_BEAM_SIZE = '0' is not allowed"),
        ("AURICLE_WAIT_SECONDS", "never", "AURICLE_WAIT_SECONDS = 'never' is not allowed"),
    ],
)
def test_a_setting_that_is_not_allowed_is_one_line(
    variable: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(variable, value)
    assert cli.run(["models", "list"]) == 2
    printed = capsys.readouterr()
    assert told in printed.err
    assert printed.err.count("\n") == 1
    assert cli.run(["models", "list", "--json"]) == 2
    assert error_of(capsys.readouterr().out)["code"] == "settings"


@pytest.mark.parametrize(
    ("text", "told"),
    [("device = [", "cannot be read"), ("devise = 'cpu'", "'devise'"), ("offline = 'perhaps'", "'offline'")],
)
def test_a_mistake_in_auricle_toml_names_the_file(
    text: str, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "auricle.toml"
    file.write_text(text)
    monkeypatch.setenv("AURICLE_CONFIG", str(file))
    assert cli.run(["doctor", "--json"]) == 2
    message = error_of(capsys.readouterr().out)["message"]
    assert told in message
    assert str(file) in message


def test_a_key_is_never_printed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "auricle.toml"
    file.write_text("openai_api_key = ['hush-hush']")
    monkeypatch.setenv("AURICLE_CONFIG", str(file))
    assert cli.run(["doctor"]) == 2
    assert "hush" not in capsys.readouterr().err
    file.write_text("openai_api_key = 'hush-hush'")
    get_settings.cache_clear()
    assert cli.run(["doctor", "--json"]) == 0
    printed = capsys.readouterr()
    assert "hush" not in printed.out + printed.err


def breaking(error: BaseException, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> None:
        raise error

    app = typer.Typer()
    app.command("broken")(broken)
    app.command("other")(broken)
    monkeypatch.setattr(cli, "app", app)


def test_a_mistake_of_its_own_is_one_line_and_its_traceback_goes_to_the_log(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").mkdir()
    breaking(ZeroDivisionError("by naught"), monkeypatch)
    assert cli.run(["broken", "--json"]) == 1
    printed = capsys.readouterr()
    assert error_of(printed.out)["code"] == "internal"
    assert "Traceback" not in printed.out + printed.err
    assert "ZeroDivisionError: by naught" in (tmp_path / "home" / "auricle.log").read_text()
    assert cli.run(["broken"]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_traceback_is_shown_to_whoever_asks(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("AURICLE_DEBUG", "1")
    breaking(ZeroDivisionError("by naught"), monkeypatch)
    assert cli.run(["broken"]) == 1
    assert "Traceback" in capsys.readouterr().err


def test_stopping_is_one_line_and_says_what_is_kept(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    breaking(KeyboardInterrupt(), monkeypatch)
    assert cli.run(["broken"]) == 1
    assert capsys.readouterr().err == f"{STOPPED}\n"
    assert cli.run(["broken", "--json"]) == 1
    assert error_of(capsys.readouterr().out) == {"code": "cancelled", "message": STOPPED}


def test_a_full_disk_is_told_as_what_it_is(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    breaking(OSError(28, "No space left on device", "/somewhere"), monkeypatch)
    assert cli.run(["broken"]) == 1
    assert "No space left on device (/somewhere)" in capsys.readouterr().err


@pytest.mark.parametrize("redirection", [">/dev/full", ">&-"])
@pytest.mark.parametrize("form", ["", "--json"])
def test_a_stdout_that_takes_nothing_is_one_line_on_stderr(home: Path, redirection: str, form: str) -> None:
    line = f'exec "$0" -m agent.cli models list {form} {redirection}'
    done = subprocess.run(["sh", "-c", line, sys.executable], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_ctrl_c_while_it_loads_is_one_line_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupted(argv: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("agent.cli.app.main", interrupted)
    for argv in (["list"], ["list", "--json"]):
        with pytest.raises(SystemExit) as left:
            main(argv)
        assert left.value.code == 1
    printed = capsys.readouterr()
    assert printed.err == "Stopped before anything was done.\n"
    assert json.loads(printed.out)["error"]["code"] == "cancelled"
