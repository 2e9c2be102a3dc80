import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from agent.script import load
from agent.script_run import run
from auricle.errors import BadArgument, NotFound
from tests.cli_kit import CommandLine, command_line
from tests.fakes import tone
from tools.jobs import Jobs
from tools.toolbox import Toolbox
from tools.work import BATCH, PERSON, Quiet, Work

EXAMPLE = Path(__file__).parent.parent / "examples" / "minutes.yaml"


class Answered(BaseModel):
    """What ``agent.run.ask`` gives back, as far as a script looks at it."""

    answer: str
    files: list[str] = []


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, list[str]]]:
    """An agent that answers at once, and what it was asked."""
    calls: list[tuple[str, list[str]]] = []

    def ask(instruction: str, recordings: list[str], toolbox: Toolbox, **_: object) -> Answered:
        calls.append((instruction, recordings))
        return Answered(answer=f"About {instruction}")

    agent = ModuleType("agent.run")
    agent.ask = ask  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agent.run", agent)
    return calls


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> CommandLine:
    return command_line(capsys, monkeypatch)


def written(folder: Path, text: str) -> Path:
    path = folder / "minutes.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_the_example_is_a_script() -> None:
    script = load(EXAMPLE)
    assert script.name == "minutes"
    assert [step.tool for step in script.steps] == ["transcribe", "diarize", "ask", "export_transcript"]
    assert script.steps[1].arguments == {"max_speakers": 6}
    assert script.steps[2].arguments == {"instruction": "What was decided, by whom?"}
    assert script.steps[2].keep_as == "decisions"


def test_a_step_may_be_a_tool_a_short_name_or_a_word_alone(tmp_path: Path) -> None:
    script = load(
        written(tmp_path, "steps:\n- transcribe\n- search: {words: refund}\n- search_transcript: {words: x}\n")
    )
    assert script.name == "minutes"
    assert [step.tool for step in script.steps] == ["transcribe", "search_transcript", "search_transcript"]


def test_times_may_be_written_as_clocks(tmp_path: Path) -> None:
    script = load(written(tmp_path, "steps:\n- slice: {start: 1:30, end: 95}\n"))
    assert script.steps[0].arguments == {"start": "1:30", "end": 95}


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("", 1, "a script has `steps:`"),
        ("- transcribe", 1, "a script has `steps:`"),
        ("name: x\n", 1, "a script has `steps:`"),
        ("name: [x]\nsteps: [transcribe]", 1, "the name must be text"),
        ("steps:\n", 1, "at least one step"),
        ("steps: transcribe\n", 1, "must be a list"),
        ("steps: [transcribe]\nloop: 3\n", 2, "'loop' is unknown"),
        ("name: x\nsteps:\n- transcribe: {}\n- transcribbe: {}\n", 4, "'transcribbe' is unknown"),
        ("steps:\n- remove_recording: {}\n", 2, "'remove_recording' is unknown"),
        ("steps:\n- transcribe: {}\n- diarize: {speaker: 2}\n", 3, "diarize has no argument 'speaker'"),
        ("steps:\n- diarize:\n    speakers: 2\n    recording: r_1\n", 4, "no argument 'recording'"),
        ("steps:\n- diarize:\n    max_speakers: 4\n    speakers: two\n", 4, "'speakers' is not allowed"),
        ("steps:\n- diarize: 2\n", 2, "takes arguments by name"),
        ("steps:\n- search: {}\n", 2, "'words' is not allowed"),
        ("steps:\n- ask: ''\n", 2, "needs an instruction"),
        ("steps:\n- ask: 3\n", 2, "needs an instruction"),
        ("steps:\n- ask: x\n  as: [a]\n", 3, "must be a name"),
        ("steps:\n- ask: x\n  as: a\n- ask: y\n  as: a\n", 4, "is taken"),
        ("steps:\n- transcribe: {}\n  diarize: {}\n", 2, "here are 2"),
        ("steps:\n- 7\n", 2, "a step is one tool"),
        ("steps:\n- [transcribe]\n", 2, "a step is one tool"),
        ("steps:\n  - transcribe: {\n", 3, "not YAML"),
        ("steps:\n- transcribe: {}\n- a: b: c\n", 3, "not YAML"),
        ("steps:\n- diarize: {speakers: 2, speakers: 3}\n", 2, "not YAML"),
    ],
)
def test_a_mistake_names_file_and_line(text: str, line: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadArgument) as caught:
        load(written(tmp_path, text))
    assert caught.value.message.startswith(f"minutes.yaml:{line}: ")
    assert told in caught.value.message


def test_what_is_no_script_is_said(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="There is no script"):
        load(tmp_path / "none.yaml")
    with pytest.raises(NotFound, match="There is no script"):
        load(tmp_path)
    sound = tone(tmp_path / "tone.wav", 1)
    with pytest.raises(BadArgument, match="not text"):
        load(sound)
    endless = tmp_path / "long.yaml"
    endless.write_text("#" * 1_000_001)
    with pytest.raises(BadArgument, match="too long"):
        load(endless)


def test_steps_run_in_order_and_results_are_kept_by_name(
    toolbox: Toolbox, asked: list[tuple[str, list[str]]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    call = toolbox.add_recording(str(tone(tmp_path / "call.wav", 12))).id
    told: list[str] = []
    report = run(load(EXAMPLE), [call], toolbox, str, work=Quiet(), tell=told.append)
    done = report.recordings[0]
    assert done.error is None
    assert [step.tool for step in done.steps] == ["transcribe", "diarize", "ask", "export_transcript"]
    assert asked == [("What was decided, by whom?", [call])]
    assert done.results == {"decisions": {"answer": "About What was decided, by whom?", "files": []}}
    assert [Path(file).suffix for file in done.files] == [".md"]
    assert Path(done.files[0]).is_file()
    assert told[0] == "1 of 1, call.wav: transcribe …"


def test_one_path_for_several_recordings_is_refused_before_anything_runs(toolbox: Toolbox, tmp_path: Path) -> None:
    script = load(written(tmp_path, "steps:\n- transcribe: {}\n- export: {format: md, path: out.md}\n"))
    with pytest.raises(BadArgument, match=r"minutes\.yaml:3: .*leave `path` out"):
        run(script, ["a", "b"], toolbox, str, work=Quiet())


def test_a_recording_that_fails_does_not_stop_the_next(
    auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    broken = tmp_path / "broken.wav"
    broken.write_bytes(b"RIFF nothing")
    good = tone(tmp_path / "good.wav", 5)
    script = written(tmp_path, "steps:\n- transcribe: {}\n- export: {format: srt}\n  as: subtitles\n")
    ran = auricle("run", script, broken, good, "--json")
    assert ran.code == 1
    first, second = ran.document["recordings"]
    assert first["error"]["code"] == "bad_audio"
    assert ran.error == first["error"]
    assert "error" not in second
    assert Path(second["files"][0]).read_text().startswith("1\n")
    assert second["results"]["subtitles"]["format"] == "srt"
    person = auricle("run", script, broken, good)
    assert person.code == 1
    assert "Failed: " in person.out
    assert "File: " in person.out


def test_a_script_lets_people_go_first(auricle: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[int] = []
    real = Jobs.run

    def run(self: Jobs, kind: str, args: dict[str, object], work: Work, priority: int | None = None) -> dict[str, Any]:
        asked.append(work.priority)
        return real(self, kind, args, work, priority)

    monkeypatch.setattr(Jobs, "run", run)
    call = tone(tmp_path / "call.wav", 4)
    assert auricle("run", written(tmp_path, "steps: [transcribe]"), call).code == 0
    assert auricle("transcribe", call).code == 0
    assert asked == [BATCH, PERSON]


def test_a_recording_that_is_not_there_is_found_before_anything_runs(auricle: CommandLine, tmp_path: Path) -> None:
    script = written(tmp_path, "steps: [transcribe]\n")
    ran = auricle("run", script, tone(tmp_path / "good.wav", 5), tmp_path / "none.wav", "--json")
    assert (ran.code, ran.error["code"]) == (2, "not_found")
    assert auricle("list", "--json").document == {"recordings": []}


def test_a_mistake_in_a_script_is_one_line_at_the_command_line(auricle: CommandLine, tmp_path: Path) -> None:
    ran = auricle("run", written(tmp_path, "steps:\n- transcribbe: {}\n"), tone(tmp_path / "good.wav", 5))
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Error: minutes.yaml:2: the step 'transcribbe' is unknown: there is ask, ")
    assert ran.err.count("\n") == 1


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("transcribe: {start: 5, end: 1}", "end 1.0 is not after start 5.0"),
        ("transcribe: {language: klingon}", "klingon"),
        ("diarize: {min_speakers: 5, max_speakers: 2}", "speakers"),
    ],
)
def test_values_are_checked_before_anything_runs(tmp_path: Path, step: str, told: str) -> None:
    script = tmp_path / "wrong.yaml"
    script.write_text(f"steps:\n  - {step}\n")
    with pytest.raises(BadArgument, match=r"wrong\.yaml:2: ") as error:
        load(script)
    assert told in error.value.message
