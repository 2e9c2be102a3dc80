import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from agent.cli.errors import STOPPED
from tests.cli_kit import CommandLine, command_line
from tests.fakes import FakeRecognizer, fake_engines, tone

ROOT = Path(__file__).parent.parent


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    """The command line, in a folder of its own."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return command_line(capsys, monkeypatch)


@pytest.fixture
def call(tmp_path: Path) -> Path:
    return tone(tmp_path / "call.wav", 12)


def test_adding_a_file_twice_gives_one_recording(auricle: CommandLine, call: Path, tmp_path: Path) -> None:
    first = auricle("add", call, "--json").document["recordings"][0]
    assert set(first) == {"id", "path", "sha256", "duration", "original", "already_known"}
    copy = tmp_path / "copy.wav"
    copy.write_bytes(call.read_bytes())
    again = auricle("add", copy, "--json").document["recordings"][0]
    assert again["id"] == first["id"]
    assert again["already_known"]
    listed = auricle("list", "--json").document
    assert [list(item) for item in listed["recordings"]] == [["id", "path", "sha256", "duration", "original"]]
    assert listed["recordings"][0]["duration"] == 12.0
    assert first["id"] in auricle("list").out


def test_adding_several_goes_on_after_one_that_fails(auricle: CommandLine, call: Path, tmp_path: Path) -> None:
    ran = auricle("add", tmp_path / "none.wav", call, "--json")
    assert ran.code == 2
    assert ran.error["code"] == "not_found"
    assert [item["path"] for item in ran.document["recordings"]] == [str(call)]
    assert ran.document["failed"][0]["path"] == str(tmp_path / "none.wav")


def test_an_empty_library_says_what_to_do(auricle: CommandLine) -> None:
    assert "auricle add" in auricle("list").out
    assert auricle("jobs", "--json").document == {"jobs": []}


def test_transcribing_prints_the_whole_transcript(auricle: CommandLine, call: Path) -> None:
    document = auricle("transcribe", call, "--json").document
    assert document["language"] == "en"
    assert document["duration"] == 12.0
    assert {"recording", "revision", "language", "language_probability", "duration", "segments"} <= set(document)
    segment = document["segments"][0]
    assert {"start", "end", "text", "speaker", "words"} <= set(segment)
    assert {"start", "end", "text", "probability", "speaker"} <= set(segment["words"][0])
    assert isinstance(segment["start"], float)
    assert sum(len(segment["words"]) for segment in document["segments"]) == 24
    assert auricle("transcribe", call).out.splitlines()[0] == "[0:00] well the refund was"


def test_a_range_is_all_that_is_printed(auricle: CommandLine, call: Path) -> None:
    ran = auricle("transcribe", call, "--start", "0:04", "--end", "6", "--json")
    assert [(segment["start"], segment["end"]) for segment in ran.document["segments"]] == [(4.025, 6.025)]


def test_a_recording_is_found_by_its_id_and_a_path_is_added_by_itself(auricle: CommandLine, call: Path) -> None:
    heard = auricle("transcribe", call, "--json").document
    assert auricle("transcribe", heard["recording"], "--json").document["revision"] == heard["revision"]
    assert auricle("show", heard["recording"], "--json").document["transcribed_seconds"] == 12.0
    shown = auricle("show", call).out
    assert shown.startswith(heard["recording"])
    assert "[0:00] well the refund was" in shown


def test_diarizing_prints_who_speaks_when(auricle: CommandLine, call: Path) -> None:
    document = auricle("diarize", call, "--speakers", "3", "--json").document
    assert document["speakers"] == ["Speaker 1", "Speaker 2", "Speaker 3"]
    assert {turn["speaker"] for turn in document["turns"]} == set(document["speakers"])
    assert set(document["turns"][0]) == {"start", "end", "speaker"}
    assert [turn["start"] for turn in document["turns"]] == [0.0, 4.0, 8.0]
    person = auricle("diarize", call)
    assert person.out.startswith("[0:00 - 0:04] Speaker 1\n")


def test_an_export_lands_where_it_was_asked_for_or_here(auricle: CommandLine, call: Path, tmp_path: Path) -> None:
    auricle("transcribe", call)
    asked = tmp_path / "subtitles.srt"
    ran = auricle("export", call, "--format", "srt", "-o", asked)
    assert ran.out == f"{asked}\n"
    assert asked.read_text().startswith("1\n00:00:00,000 --> ")
    here = Path(auricle("export", call, "--format", "txt", "--json").document["path"])
    assert here.parent == Path.cwd()


def test_a_slice_takes_its_format_from_its_name(auricle: CommandLine, call: Path, tmp_path: Path) -> None:
    ran = auricle("slice", call, "--start", "1", "--end", "0:03", "-o", tmp_path / "cut.flac", "--json")
    assert ran.document["format"] == "flac"
    assert (tmp_path / "cut.flac").read_bytes().startswith(b"fLaC")
    assert auricle("slice", call, "--start", "1", "--end", "3", "--json").document["format"] == "wav"


def test_words_are_found_in_one_recording_in_several_or_everywhere(
    auricle: CommandLine, call: Path, tmp_path: Path
) -> None:
    other = tone(tmp_path / "other.wav", 6, pitch=220)
    for path in (call, other):
        auricle("transcribe", path)
    everywhere = auricle("search", "refund", "--json").document["hits"]
    assert {hit["recording"] for hit in everywhere} == {
        auricle("add", path, "--json").document["recordings"][0]["id"] for path in (call, other)
    }
    both = auricle("search", "refund", call, other, "--json").document["hits"]
    assert len(both) == len(everywhere)
    assert len(auricle("search", "refund", other, "--json").document["hits"]) < len(both)
    none = auricle("search", "unsaid")
    assert none.code == 0
    assert none.out.strip()


def test_removing_needs_a_yes(auricle: CommandLine, call: Path) -> None:
    known = auricle("add", call, "--json").document["recordings"][0]["id"]
    refused = auricle("remove", known, "--json")
    assert (refused.code, refused.error["code"]) == (2, "not_confirmed")
    assert auricle("remove", call, "--yes", "--json").document["recording"] == known
    assert call.exists()
    assert auricle("list", "--json").document == {"recordings": []}
    assert auricle("remove", call, "--yes").code == 2


def test_the_agent_answers_with_citations_files_and_steps(
    auricle: CommandLine, call: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from agent import run as agent

    asked: list[tuple[str, list[str], str | None]] = []

    def ask(
        instruction: str,
        recordings: list[str],
        toolbox: object,
        *,
        model: str | None,
        work: object,
        on_step: Callable[[str, dict[str, Any]], None],
    ) -> agent.Answer:
        asked.append((instruction, recordings, model))
        on_step("transcribe", {"recording": recordings[0], "start": 60})
        return agent.Answer(
            answer="On Monday.",
            citations=[
                agent.Citation(recording=recordings[0], start=65.0, end=66.0, quote="on monday", verified=False)
            ],
            files=["/somewhere/call.md"],
            steps=[agent.Step(tool="transcribe", arguments={}, seconds=1.5)],
            model="local:fake",
        )

    monkeypatch.setattr(agent, "ask", ask)
    document = auricle("ask", call, "When?", "--model", "local:x", "--json").document
    assert set(document) == {"answer", "citations", "files", "steps", "model", "assumed", "warnings"}
    assert asked == [("When?", [document["citations"][0]["recording"]], "local:x")]
    person = auricle("ask", call, "When?")
    assert person.err.splitlines()[-2:] == ["   0 s  plan", "   0 s  transcribe start=60"]
    assert person.out.splitlines() == [
        "On Monday.",
        "",
        "  [1:05] “on monday”  (not verified)",
        "File: /somewhere/call.md",
        "",
        "1 step: transcribe 1.5 s; answered by local:fake",
    ]


@pytest.mark.parametrize(
    ("line", "code", "kind"),
    [
        ("transcribe none.wav", 2, "not_found"),
        ("transcribe r_0123456789", 2, "not_found"),
        ("transcribe CALL --start 9 --end 3", 2, "bad_argument"),
        ("transcribe CALL --start soon", 2, "bad_argument"),
        ("transcribe CALL --start 1:00", 2, "bad_argument"),
        ("transcribe CALL --end 0", 2, "bad_argument"),
        ("transcribe CALL --language klingon", 2, "bad_argument"),
        ("diarize CALL --speakers 0", 2, "bad_argument"),
        ("diarize CALL --speakers 4 --max-speakers 3", 2, "bad_argument"),
        ("diarize CALL --min-speakers 4 --max-speakers 2", 2, "bad_argument"),
        ("export CALL --format pdf", 2, "bad_argument"),
        ("slice CALL --start 5 --end 5", 2, "bad_argument"),
        ("slice CALL --start 5 --end 99", 2, "bad_argument"),
        ("slice CALL --start 1 --end 2 -o cut.mid", 2, "bad_argument"),
        ("show r_0123456789", 2, "not_found"),
        ("remove r_0123456789 --yes", 2, "not_found"),
        ("search refund r_0123456789", 2, "not_found"),
        ("jobs cancel j_0123456789", 2, "not_found"),
        ("models pull whisper-colossal", 2, "not_found"),
        ("models list --profile vast", 2, "bad_argument"),
        ("mcp-config --allow none", 2, "bad_argument"),
        ("serve --allow none", 2, "bad_argument"),
        ("run none.yaml CALL", 2, "not_found"),
        ("add FOLDER", 1, "bad_audio"),
        ("add EMPTY", 1, "bad_audio"),
        ("add TEXT", 1, "bad_audio"),
        ("add SHORT", 1, "bad_audio"),
    ],
)
def test_bad_input_is_one_line(
    line: str, code: int, kind: str, auricle: CommandLine, call: Path, tmp_path: Path
) -> None:
    files = {"CALL": call, "FOLDER": tmp_path, "EMPTY": tmp_path / "empty.wav", "TEXT": tmp_path / "text.mp3"}
    files["EMPTY"].touch()
    files["TEXT"].write_text("This is text. " * 50)
    files["SHORT"] = tone(tmp_path / "short.wav", 0.05)
    words = [files.get(word, word) for word in line.split()]
    as_json = auricle(*words, "--json")
    person = auricle(*words)
    assert (as_json.code, as_json.error["code"]) == (code, kind) or (kind == "bad_audio" and as_json.code in (1, 2))
    assert person.code == as_json.code
    assert person.out == ""
    assert person.err == f"Error: {as_json.error['message']}\n"


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_keeps_what_was_finished(auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def during(call: int) -> None:
        if call == 3:
            signal.raise_signal(signal.SIGINT)

    recognizer = FakeRecognizer(during=during)
    auricle.engines = fake_engines(recognizer=recognizer)
    monkeypatch.setenv("AURICLE_PIECE_SECONDS", "5")
    long = tone(tmp_path / "long.wav", 20)
    stopped = auricle("transcribe", long)
    assert (stopped.code, stopped.out) == (1, "")
    assert stopped.err.endswith(f"{STOPPED}\n")
    assert "Traceback" not in stopped.err
    heard = sum(recognizer.seconds[:2])
    recognizer.seconds.clear()
    assert auricle("transcribe", long).code == 0
    assert sum(recognizer.seconds) == pytest.approx(20 - heard)


def test_the_configuration_for_a_client_starts_this_auricle(auricle: CommandLine, tmp_path: Path) -> None:
    ran = auricle("mcp-config", "--allow", tmp_path)
    server = json.loads(ran.out)["mcpServers"]["auricle"]
    assert Path(server["command"]).is_absolute()
    assert server["args"][-3:] == ["serve", "--allow", str(tmp_path)]
    assert auricle("mcp-config", "--allow", tmp_path, "--json").document == json.loads(ran.out)


@pytest.mark.parametrize("command", ["mcp-config", "serve"])
def test_folders_for_clients_are_named_and_are_no_whole_disk_or_home(
    command: str, auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = tmp_path / "homes" / "person"
    (person / "Recordings").mkdir(parents=True)
    monkeypatch.setenv("HOME", str(person))
    monkeypatch.setenv("USERPROFILE", str(person))
    (person / "Recordings" / "all").symlink_to("/")
    monkeypatch.chdir(person)
    refused = {
        "Clients may use no folder yet" if command == "serve" else "could use a whole home": [],
        "clients could use every file": ["--allow", person / "Recordings" / "all"],
        "a whole home": ["--allow", "~"],
        "With --allow": ["--allow", person / "Recordings", "--allow", person.parent],
        "is no folder": ["--allow", person / "none"],
    }
    for told, arguments in refused.items():
        error = auricle(command, *arguments, "--json").error
        assert error["code"] == "bad_argument"
        assert told in error["message"]


def test_the_folders_in_a_clients_configuration_are_absolute(
    auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "Recordings").mkdir()
    monkeypatch.chdir(tmp_path)
    config = auricle("mcp-config", "--allow", "Recordings", "--json").document
    assert config["mcpServers"]["auricle"]["args"][-1] == str((tmp_path / "Recordings").resolve())
    assert auricle("mcp-config", "--json").document["mcpServers"]["auricle"]["args"][-1] == str(tmp_path.resolve())


def test_the_doctor_tells_where_each_setting_comes_from(
    auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "auricle.toml"
    file.write_text("beam_size = 3")
    monkeypatch.setenv("AURICLE_CONFIG", str(file))
    monkeypatch.setenv("AURICLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("AURICLE_OLLAMA_URL", "http://127.0.0.1:9")
    ran = auricle("doctor", "--json")
    assert ran.code == 0
    sources = {row["name"]: (row["value"], row["source"]) for row in ran.document["settings"]}
    assert sources["beam_size"] == ("3", str(file))
    assert sources["models"] == (str(tmp_path / "models"), "AURICLE_MODELS")
    assert sources["device"] == ("auto", "default")
    assert "whisper-base" in ran.document["missing"]
    assert ran.document["ollama"]["reachable"] is False
    assert "auricle models pull" in auricle("doctor").out


def test_offline_weights_are_refused_with_the_command_that_would_fetch_them(
    auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AURICLE_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("AURICLE_OFFLINE", "1")
    ran = auricle("models", "pull", "--json")
    assert (ran.code, ran.error["code"]) == (1, "model_unavailable")
    assert "auricle models pull" in ran.error["message"]
    listed = auricle("models", "list", "--json").document
    assert {model["state"] for model in listed["models"]} == {"missing"}
    assert auricle("models", "verify").code == 0


def test_a_reader_that_leaves_early_meets_no_traceback(tmp_path: Path) -> None:
    line = [sys.executable, "-c", "from agent.cli import main; main()", "doctor"]
    environment = os.environ | {"AURICLE_HOME": str(tmp_path / "home")}
    with subprocess.Popen(
        line, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        process.stdout.close()
        said = process.stderr.read()
    assert process.returncode == 1
    assert said == ""


def test_a_name_with_a_line_break_is_shown_on_one_line(auricle: CommandLine, tmp_path: Path) -> None:
    shown = auricle("add", tone(tmp_path / "a\nb.wav", 1)).out
    assert len(shown.splitlines()) == 1
    assert "a?b.wav" in shown
