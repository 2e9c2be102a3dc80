"""The bench of the agent: tasks are done in libraries of their own, kept, gone on with, and told in a table."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from auricle.settings import Settings
from bench.agent import Runner
from bench.agent_baselines import OnePrompt, Pipeline
from bench.agent_results import Results, failures, table
from bench.agent_run import Agent, Result, run_task
from bench.task import Task, task
from engines.protocols import Reply
from tests.agent_fakes import QueueLLM
from tests.fakes import fake_engines

PLAN = {
    "people": [],
    "speakers": 0,
    "steps": [{"tool": "slice_audio", "start": "0:05", "end": "0:20", "format": "mp3"}],
}
HELLO = {"people": [], "speakers": 0, "steps": [{"tool": "reply", "text": "Hello, I am Auricle."}]}


def cutting(**changes: Any) -> Task:
    row = {
        "id": "cut",
        "half": "tune",
        "open": ["courier_call"],
        "say": "Cut out 0:05 to 0:20 as mp3",
        "graders": [{"file": {"ending": "mp3", "seconds": 15}}, {"files": 1}],
    }
    return task("range", row | changes)


@pytest.fixture
def results(tmp_path: Path) -> Iterator[Results]:
    yield Results(tmp_path / "kept.jsonl")


def result(name: str, system: str = "auricle", passed: bool = True, **fields: Any) -> Result:
    wrong = [] if passed else ["says: friday not in 'Monday'"]
    return Result(name, system, "local:fake", passed, wrong, [], 2, 900, 100, 4.0, **fields)


def test_the_agent_does_a_task_and_what_it_costs_is_counted() -> None:
    llm = QueueLLM(Reply("", data=PLAN, prompt_tokens=800, completion_tokens=40))
    here = Path.cwd()
    done = run_task(cutting(), Agent(), llm, fake_engines())
    assert done.passed and done.steps == ["slice_audio"]
    assert (done.calls, done.prompt_tokens, done.completion_tokens) == (1, 800, 40)
    assert Path.cwd() == here


def test_what_is_wrong_is_told() -> None:
    done = run_task(
        cutting(graders=[{"file": {"ending": "mp3", "seconds": 60}}]), Agent(), QueueLLM(PLAN), fake_engines()
    )
    assert not done.passed and done.wrong == ["file: 15.0 s of sound"]


def test_the_recordings_of_a_task_are_the_whole_library() -> None:
    greeting = cutting(open=[], library=["courier_call", "standup"], say="Hello!", graders=[{"says": ["auricle"]}])
    done = run_task(greeting, Agent(), QueueLLM(HELLO), fake_engines())
    assert done.answers == ["Hello, I am Auricle."] and done.passed


def test_a_conversation_goes_on_in_one_library() -> None:
    turns = [
        {"say": "Cut out 0:05 to 0:20 as mp3", "graders": [{"file": {"ending": "mp3"}}]},
        {"say": "Please cut out 0:05 to 0:20 as mp3 again", "graders": [{"files": 1}]},
    ]
    row = {"id": "talk", "half": "tune", "open": ["courier_call"], "turns": turns}
    done = run_task(task("turns", row), Agent(), QueueLLM(PLAN, PLAN), fake_engines())
    assert done.passed and done.steps == ["slice_audio"] * 2, done.wrong


def test_one_prompt_holds_all_that_is_said_and_its_answer_counts_as_the_file() -> None:
    llm = QueueLLM("Ines: Good morning")
    done = run_task(cutting(graders=[{"file": {"ending": "md", "has": ["morning"]}}]), OnePrompt(), llm, fake_engines())
    assert done.passed and not done.cut
    assert "Speaker 2: Yes, it ends in 8 8 3." in llm.asked[0][-1].content


def test_one_prompt_is_cut_to_the_context_and_that_is_told() -> None:
    llm = QueueLLM("No idea.", context=1100)
    done = run_task(cutting(open=["budget_meeting"]), OnePrompt(), llm, fake_engines())
    assert done.cut and not done.passed
    assert "I'm Priya" in llm.asked[0][-1].content and "twentieth of May" not in llm.asked[0][-1].content


def test_the_pipeline_writes_the_same_whatever_is_asked_for() -> None:
    done = run_task(
        cutting(graders=[{"file": {"ending": "md", "has": ["back door"]}}]), Pipeline(), QueueLLM(), fake_engines()
    )
    assert done.passed and done.steps == ["transcribe", "diarize"] and done.calls == 0


def test_a_run_goes_on_where_it_was(results: Results, tmp_path: Path) -> None:
    first = Runner(QueueLLM(PLAN), fake_engines(), results).run(cutting(), Agent)
    again = Results(tmp_path / "kept.jsonl")
    assert Runner(QueueLLM(), fake_engines(), again).run(cutting(), Agent) == first


def test_a_fresh_run_does_the_agents_part_again_and_keeps_the_baselines(results: Results) -> None:
    Runner(QueueLLM(PLAN, "Never mind."), fake_engines(), results).run(cutting(), Agent)
    Runner(QueueLLM("Never mind."), fake_engines(), results).run(cutting(), OnePrompt)
    fresh = Runner(QueueLLM(HELLO), fake_engines(), results, fresh=True)
    assert not fresh.run(cutting(), Agent).passed
    assert fresh.run(cutting(), OnePrompt).answers == ["Never mind."]


def test_a_changed_task_is_another_one(results: Results) -> None:
    results.add(result("range/cut", key=cutting().key))
    assert results.get(cutting(), "local:fake", "auricle") is not None
    assert results.get(cutting(say="Cut out 0:05 to 0:20"), "local:fake", "auricle") is None
    assert results.get(cutting(), "local:other", "auricle") is None


def test_the_table_has_rates_by_family_and_for_all() -> None:
    tasks = [cutting(), cutting(id="other"), cutting(id="third")]
    rows = [result("range/cut"), result("range/other", passed=False), result("range/cut", "prompt", passed=False)]
    told = table(tasks, rows).splitlines()
    assert told[0] == "| family | tasks | Auricle | one prompt | calls | tokens | seconds | invented quotes |"
    assert told[2] == "| range | 3 | 50 % | 0 % | 2.0 | 1000 | 4 | 0 |"
    assert told[3].startswith("| **all** | 3 | 50 % |")
    assert failures(tasks, rows) == "- range/other: says: friday not in 'Monday'"


def test_settings_of_the_person_are_left_alone(settings: Settings) -> None:
    run_task(cutting(), Agent(), QueueLLM(PLAN), fake_engines())
    assert not settings.home.exists()
