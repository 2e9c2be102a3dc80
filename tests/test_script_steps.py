"""Scripts that look at earlier results, go over lists, are stopped and go on, and put recordings together."""

import csv
import io
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from pydantic import BaseModel

from agent.script import Script, load
from agent.script_plan import plan
from agent.script_report import write_report
from agent.script_run import RecordingReport, ScriptReport, run
from auricle.domain import Evidence
from auricle.errors import BadArgument, Cancelled, WorkError
from engines.protocols import LLMTraits
from tests.cli_kit import CommandLine, command_line
from tests.fakes import FakeLLM, tone
from tools.toolbox import Toolbox
from tools.work import Quiet

EXAMPLES = Path(__file__).parent.parent / "examples"


class Answered(BaseModel):
    answer: str
    citations: list[dict[str, Any]] = []
    files: list[str] = []
    steps: list[str] = []


class Agent:
    """Answers at once; ``said`` are the instructions, ``before`` may raise or decide something."""

    def __init__(self) -> None:
        self.said: list[str] = []
        self.own: list[str] = []
        self.before: Callable[[str, list[str]], None] = lambda instruction, recordings: None

    def ask(self, instruction: str, recordings: list[str], toolbox: Toolbox, **more: Any) -> Answered:
        self.before(instruction, recordings)
        self.said.append(instruction)
        self.own.append(more["own_words"])
        return Answered(answer=f"About {instruction}")


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Agent:
    made, module = Agent(), ModuleType("agent.run")
    module.ask = made.ask  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "agent.run", module)
    return made


@pytest.fixture
def llm(monkeypatch: pytest.MonkeyPatch) -> FakeLLM:
    """What fills in schemas."""
    import agent.script_ask as asking

    fake = FakeLLM(traits=LLMTraits(tools=False, context=8192))
    monkeypatch.setattr(asking, "llm_for", lambda model, toolbox, work: fake)
    return fake


@pytest.fixture
def auricle(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> CommandLine:
    monkeypatch.chdir(tmp_path)
    return command_line(capsys, monkeypatch)


@pytest.fixture
def call(toolbox: Toolbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    return toolbox.add_recording(str(tone(tmp_path / "call.wav", 12))).id


def written(folder: Path, text: str) -> Script:
    path = folder / "script.yaml"
    path.write_text(text, encoding="utf-8")
    return load(path)


def ran(script: Script, recordings: list[str], toolbox: Toolbox, **more: Any) -> ScriptReport:
    return run(script, recordings, toolbox, str, work=Quiet(), **more)


def only(report: ScriptReport) -> RecordingReport:
    (done,) = report.recordings
    assert done.error is None, done.error
    return done


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        (
            "steps:\n- ask: 'Who is {{ nobody }}?'\n",
            2,
            "'nobody' is nothing yet: there is recording, seg",
        ),
        ("steps:\n- ask: 'x {{ a b }}'\n", 2, "is not understood"),
        ("steps:\n- transcribe\n- when: found\n  ask: x\n", 3, "'found' is nothing yet"),
        ("steps:\n- ask: x\n  when: ''\n", 3, "followed by an expression"),
        ("steps:\n- ask: x\n  for: speakers\n", 3, "`for:` names each of a list"),
        ("steps:\n- ask: x\n  for: recording in found\n", 3, "'found' is nothing yet"),
        ("steps:\n- ask: x\n  for: speakers in speakers\n", 3, "is something else already"),
        ("steps:\n- ask: x\n  as: speakers\n", 2, "is taken by what every script knows"),
        ("steps:\n- ask: x\n  as: two words\n", 3, "must be a name"),
        ("steps:\n- ask: x\n  schema: {type: thing}\n", 3, "no JSON schema"),
        ("steps:\n- ask: x\n  schema: {type: string}\n", 3, "must be object or array"),
        ("steps:\n- ask: x\n  schema: 3\n", 3, "no JSON schema"),
        ("steps:\n- diarize\n- transcribe: {}\n  schema: {type: object}\n", 4, "stands beside ask"),
        ("steps:\n- ask: x\n  about: {start: 3}\n", 3, "needs a `schema:`"),
        ("steps:\n- ask: x\n  schema: {type: object}\n  about: {from: 3}\n", 4, "'from' is unknown"),
        ("steps:\n- ask: x\n  schema: {type: object}\n  about: all\n", 4, "is a range"),
        ("steps: [transcribe]\ntogether: [transcribe]\n", 2, "add `for: recording in recordings`"),
        ("steps: [transcribe]\ntogether:\n- ask: x\n  schema: {type: object}\n", 3, "say what to read"),
        ("steps: [transcribe]\ntogether: []\n", 2, "together must be a list"),
        ("values: {a b: 3}\nsteps: [transcribe]\n", 1, "cannot be a value's name"),
        ("values: [3]\nsteps: [transcribe]\n", 1, "values have names"),
        ("steps:\n- slice: {start: '{{ recording.duration - 2 }}', end: never}\n", 2, "'never' is not understood"),
        ("steps:\n- slice: {start: '{{ recording.duration - 2 }}'}\n", 2, "'end' is not allowed"),
        ("steps:\n- export: {format: '{{ recording.name }}', ending: 3}\n", 2, "no argument 'ending'"),
    ],
)
def test_a_mistake_names_file_and_line(text: str, line: int, told: str, tmp_path: Path) -> None:
    with pytest.raises(BadArgument) as caught:
        written(tmp_path, text)
    assert caught.value.message.startswith(f"script.yaml:{line}: ")
    assert told in caught.value.message


@pytest.mark.parametrize("example", sorted(EXAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_example_is_a_script(example: Path) -> None:
    assert load(example).name == example.stem


def test_later_steps_see_named_results_and_conditions_hold(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path
) -> None:
    script = written(
        tmp_path,
        "steps:\n- transcribe\n- search: {words: refund}\n  as: found\n"
        "- when: found.hits | length > 100\n  ask: never\n  as: never\n"
        "- when: found.hits and not never\n  ask: 'Why \"{{ found.hits[0].text }}\" at {{ found.hits[0].start }}?'\n"
        "- export: {format: txt, path: '{{ recording.stem }} of {{ segments | length }}.txt'}\n",
    )
    done = only(ran(script, [call], toolbox))
    assert [step.tool for step in done.steps] == ["transcribe", "search_transcript", "ask", "export_transcript"]
    assert agent.said == ['Why "well the refund was" at 0.0?']
    assert agent.own == ['Why " " at  ?']  # what was said names no file
    assert done.results["never"] is None
    assert Path(done.files[0]).name.startswith("call of ")


def test_a_loop_goes_over_speakers_and_keeps_a_list(toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path) -> None:
    script = written(
        tmp_path,
        "steps:\n- transcribe\n- diarize\n- for: speaker in speakers\n  when: speaker.name != 'Speaker 2'\n"
        "  ask: 'What does {{ speaker.name }} want?'\n  as: wishes\n",
    )
    done = only(ran(script, [call], toolbox))
    assert agent.said == ["What does Speaker 1 want?"]
    (wish,) = done.results["wishes"]
    assert wish["speaker"]["name"] == "Speaker 1"
    assert wish["answer"] == "About What does Speaker 1 want?"


def test_places_that_were_found_are_cut_out(toolbox: Toolbox, llm: FakeLLM, call: str) -> None:
    llm.replies = [{"lines": [1], "value": {"gist": "It was promised."}}]
    report = ran(load(EXAMPLES / "mentions.yaml", {"words": "promised"}), [call], toolbox)
    done = report.recordings[0]
    assert done.error is None
    assert len(done.files) == len(done.results["found"]["hits"]) > 0
    assert all(Path(file).stat().st_size > 0 for file in done.files)
    assert done.results["clips"][0]["hit"]["text"] == done.results["found"]["hits"][0]["text"]


def test_an_answer_obeys_its_schema_and_says_where_it_is_from(
    toolbox: Toolbox, llm: FakeLLM, call: str, tmp_path: Path
) -> None:
    script = written(
        tmp_path,
        "steps:\n- transcribe\n- ask: 'What was promised?'\n  about: {start: 0, end: 4}\n"
        "  schema:\n    type: object\n    properties: {what: {type: string}, amount: {type: number}}\n"
        "    required: [what, amount]\n"
        "  as: promise\n",
    )
    llm.replies = [
        {"lines": [1], "value": {"what": "a refund"}},
        {"lines": [1], "value": {"what": "a refund", "amount": 3}},
    ]
    done = only(ran(script, [call], toolbox))
    assert done.results["promise"] == {"what": "a refund", "amount": 3}
    assert "'amount' is a required property" in llm.asked[1][-1].content
    (cited,) = done.steps[-1].citations
    assert (cited["recording"], cited["start"]) == (call, 0.0)
    assert "refund" in cited["quote"]


def test_an_answer_that_never_obeys_fails_its_recording_alone(
    toolbox: Toolbox, llm: FakeLLM, call: str, tmp_path: Path
) -> None:
    other = toolbox.add_recording(str(tone(tmp_path / "other.wav", 5, pitch=300))).id
    script = written(tmp_path, "steps:\n- transcribe\n- ask: x\n  schema: {type: array}\n  as: it\n")
    llm.replies = [{"lines": [], "value": 3}, {"lines": [], "value": 4}, {"lines": [], "value": [5]}]
    first, second = ran(script, [call, other], toolbox).recordings
    assert first.error is not None and "obeys the schema" in first.error["message"]
    assert second.results == {"it": [5]}


def test_what_was_asked_once_is_not_asked_again(toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path) -> None:
    text = "steps:\n- transcribe\n- ask: one\n  as: a\n- ask: two\n  as: b\n"
    first = only(ran(written(tmp_path, text), [call], toolbox))
    again = only(ran(written(tmp_path, text), [call], toolbox))
    assert agent.said == ["one", "two"]
    assert again.results == first.results
    assert [step.kept for step in again.steps] == [False, True, True]
    edited = only(ran(written(tmp_path, text.replace("two", "three")), [call], toolbox))
    assert agent.said == ["one", "two", "three"]
    assert [step.kept for step in edited.steps] == [False, True, False]
    ran(written(tmp_path, text), [call], toolbox, fresh=True)
    assert agent.said == ["one", "two", "three", "one", "two"]
    ran(written(tmp_path, text.replace("transcribe", "transcribe: {hints: Alice}")), [call], toolbox)
    assert agent.said[-2:] == ["one", "two"]  # what is read may be another text


def test_a_run_that_was_stopped_goes_on_where_it_was(toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path) -> None:
    script = written(tmp_path, "steps:\n- transcribe\n- ask: one\n- ask: two\n- ask: three\n")

    def stopped(instruction: str, recordings: list[str]) -> None:
        if instruction == "two":
            raise KeyboardInterrupt

    agent.before = stopped
    with pytest.raises(KeyboardInterrupt):
        ran(script, [call], toolbox)
    agent.before = lambda instruction, recordings: None
    only(ran(script, [call], toolbox))
    assert agent.said == ["one", "two", "three"]


def named(toolbox: Toolbox, call: str, name: str, source: Any) -> None:
    (voice, *_) = toolbox.describe_recording(call).speakers
    toolbox.library.edits.append(call, "name", voice.id, name, Evidence(source=source))


def test_names_that_a_person_gave_since_make_answers_anew_and_those_of_a_step_do_not(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path
) -> None:
    script = written(tmp_path, "steps:\n- transcribe\n- diarize\n- ask: one\n- ask: two\n")
    agent.before = lambda instruction, recordings: named(toolbox, call, f"Alice {instruction}", "said")
    only(ran(script, [call], toolbox))
    agent.before = lambda instruction, recordings: None
    only(ran(script, [call], toolbox))
    assert agent.said == ["one", "two"]
    named(toolbox, call, "Bob", "person")
    only(ran(script, [call], toolbox))
    assert agent.said == ["one", "two", "one", "two"]


def test_a_file_that_is_gone_is_written_again(toolbox: Toolbox, call: str, tmp_path: Path) -> None:
    script = written(tmp_path, "steps:\n- slice: {start: 1, end: 2}\n")
    first = only(ran(script, [call], toolbox))
    assert only(ran(script, [call], toolbox)).steps[0].kept
    Path(first.files[0]).unlink()
    again = only(ran(script, [call], toolbox))
    assert again.files == first.files
    assert Path(again.files[0]).exists()


def test_what_was_asked_of_a_recording_is_forgotten_with_it(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path
) -> None:
    other = toolbox.add_recording(str(tone(tmp_path / "other.wav", 5, pitch=300))).id
    script = written(tmp_path, "steps:\n- transcribe\n- ask: secret\ntogether:\n- ask: 'secrets of all'\n")
    ran(script, [call, other], toolbox)
    folder = toolbox.library.home / "kept"
    assert sum("ecret" in file.read_text() for file in folder.rglob("*.json")) == 3

    class Yes(Quiet):
        def confirm(self, question: str) -> bool:
            return True

    toolbox.remove_recording(call, work=Yes())
    left = [file for file in folder.rglob("*.json") if "ecret" in file.read_text()]
    assert [file.parent.name for file in left] == [other]


def test_together_sees_the_results_of_all_that_did_not_fail(
    toolbox: Toolbox, agent: Agent, llm: FakeLLM, call: str, tmp_path: Path
) -> None:
    other = toolbox.add_recording(str(tone(tmp_path / "other.wav", 5, pitch=300))).id
    script = written(
        tmp_path,
        "steps:\n- transcribe\n- ask: 'one'\n  as: a\ntogether:\n- ask: Which come up again?\n"
        "  about: \"{{ recordings | map(attribute='a') | map(attribute='answer') | list }}\"\n"
        "  schema: {type: array, items: {type: string}}\n  as: common\n"
        "- for: recording in recordings\n  export: {format: srt}\n- ask: 'Of all {{ recordings | length }}?'\n",
    )

    def fails(instruction: str, recordings: list[str]) -> None:
        if recordings == [call]:
            raise WorkError("It broke.")

    agent.before = fails
    llm.replies = [{"lines": [1], "value": ["one"]}]
    report = ran(script, [call, other], toolbox)
    assert report.together is not None and report.together.error is None
    assert report.together.results["common"] == ["one"]
    assert "About one" in llm.asked[0][-1].content
    assert [Path(file).name for file in report.together.files] == ["other.srt"]
    assert agent.said == ["one", "Of all 1?"]
    assert [failure["code"] for failure in report.failures] == ["failed"]


def test_together_is_not_begun_where_every_recording_failed(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path
) -> None:
    def fails(instruction: str, recordings: list[str]) -> None:
        raise Cancelled("Stopped.")

    agent.before = fails
    report = ran(written(tmp_path, "steps:\n- ask: one\ntogether:\n- ask: all\n"), [call], toolbox)
    assert len(report.failures) == 2
    assert agent.said == []


def test_words_said_in_a_recording_are_not_evaluated(toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path) -> None:
    script = written(
        tmp_path,
        "values: {said: \"{{ 7 * 7 }} </transcript> {% raw %}\"}\nsteps:\n- ask: 'What is {{ said }}?'\n"
        "- when: '\"\".__class__'\n  ask: never\n",
    )
    (done,) = ran(script, [call], toolbox).recordings
    assert agent.said == ["What is {{ 7 * 7 }} ‹/transcript› {% raw %}?"]
    assert done.error is not None and "script.yaml:4: " in done.error["message"]


@pytest.mark.parametrize(
    ("step", "told"),
    [
        ("slice: {start: '{{ 5 }}', end: '{{ speakers }}'}", "'end' is not allowed"),
        ("slice: {start: '{{ 5 }}', end: '{{ 4 }}'}", "end 4.0 is not after start 5.0"),
        ("search: {words: '{{ recording.missing }}'}", "recording.missing"),
        ("ask: x\n  for: a in recording.duration", "no list"),
        ("ask: x\n  for: a in range(5000)", "more than 1000"),
        ("ask: x\n  when: recording.duration / 0", "cannot be worked out"),
    ],
)
def test_mistakes_that_only_show_while_it_runs_name_their_line(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path, step: str, told: str
) -> None:
    (done,) = ran(written(tmp_path, f"steps:\n- transcribe\n- {step}\n"), [call], toolbox).recordings
    assert done.error is not None
    assert done.error["message"].startswith("script.yaml:3: ")
    assert told in done.error["message"]


def test_a_plan_says_what_is_known_and_what_the_rest_takes(
    toolbox: Toolbox, agent: Agent, call: str, tmp_path: Path
) -> None:
    new = tone(tmp_path / "new.wav", 60, pitch=300)
    script = written(
        tmp_path,
        "steps:\n- transcribe\n- ask: one\n  as: a\n- ask: two\n- for: speaker in speakers\n  ask: three\n"
        "together:\n- ask: all\n",
    )
    only(ran(written(tmp_path, "steps:\n- transcribe\n- ask: one\n"), [call], toolbox))
    planned = plan(script, [call, str(new)], toolbox, None)
    known, unknown = planned.recordings
    assert [step.state for step in known.steps] == ["known", "known", "to do", "unknown"]
    assert (unknown.recording, unknown.duration) == (None, 60.0)
    assert [step.state for step in unknown.steps] == ["to do", "to do", "to do", "unknown"]
    assert unknown.steps[0].seconds > 1
    assert planned.at_least and planned.seconds > 60
    assert agent.said == ["one"]
    assert len(toolbox.list_recordings().recordings) == 1


def test_the_command_line_plans_runs_and_reports(auricle: CommandLine, agent: Agent, tmp_path: Path) -> None:
    sound = tone(tmp_path / "call.wav", 8)
    script = tmp_path / "s.yaml"
    script.write_text("values: {word: refund}\nsteps:\n- transcribe\n- ask: 'About {{ word }}?'\n  as: it\n")
    planned = auricle("run", script, sound, "--dry-run")
    assert (planned.code, agent.said) == (0, [])
    assert "line 3: transcribe: to do" in planned.out and "Nothing was done." in planned.out
    report = tmp_path / "report.csv"
    done = auricle("run", script, sound, "--set", "word=money", "--report", report, "--json")
    assert done.code == 0
    assert done.document["recordings"][0]["results"]["it"]["answer"] == "About About money?"
    assert next(csv.DictReader(report.open()))["it"] == "About About money?"
    assert "1 of 2 steps were known from before" in auricle("run", script, sound, "--set", "word=money").out
    assert auricle("run", script, sound, "--dry-run", "--set", "word=money", "--json").document["seconds"] == 0.0
    for wrong in (["--set", "word"], ["--set", "nothing=3"], ["--report", "x.pdf"]):
        assert auricle("run", script, sound, *wrong).code == 2


def test_a_report_reads_in_all_three_forms_and_runs_no_formula(tmp_path: Path) -> None:
    whole = RecordingReport(
        recording="r_1",
        path="/x/call.wav",
        results={
            "check": {"mood": "=SUM(A1)", "score": 3},
            "said": {"answer": "*bold*\nline", "citations": [], "steps": [], "model": "m", "files": []},
            "tasks": [{"task": "write", "owner": None}],
        },
        files=["/x/call.srt"],
    )
    broken = RecordingReport(recording=None, path="/x/b.wav", error={"code": "bad_audio", "message": "It is broken."})
    report = ScriptReport(script="calls", recordings=[whole, broken])
    rows = list(csv.DictReader(io.StringIO(write_report(report, str(tmp_path / "r.csv")).read_text())))
    assert rows[0]["check.mood"] == "'=SUM(A1)"
    assert (rows[0]["check.score"], rows[0]["said"]) == ("3", "*bold* line")
    assert json.loads(rows[0]["tasks"]) == [{"task": "write", "owner": None}]
    assert rows[1]["error"] == "It is broken."
    shown = write_report(report, str(tmp_path / "r.md")).read_text()
    assert "- **task:** write; **owner:** —" in shown
    assert r"\*bold\* line" in shown and "**Failed:** It is broken." in shown
    assert json.loads(write_report(report, str(tmp_path / "r.json")).read_text())["script"] == "calls"
