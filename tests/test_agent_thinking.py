"""An LLM's thinking comes to an end, with an answer that says so."""

from collections.abc import Sequence
from typing import Any

from agent.thinking import Thinking, time_is_over
from engines.protocols import LLM, Message, Reply
from tests.agent_fakes import FakeToolbox, QueueLLM, plan, run
from tools.results import Line

QUESTION = {"tool": "answer", "question": "What is done?"}


class Slow(QueueLLM):
    """Thinks for a minute each time."""

    clock = 0.0

    def chat(self, messages: Sequence[Message], **options: Any) -> Reply:
        Slow.clock += 60
        return super().chat(messages, **options)


def timed(llm: LLM, seconds: float) -> Thinking:
    Slow.clock = 0.0
    return Thinking(llm, seconds, lambda: Slow.clock)


def test_only_thinking_is_timed_and_the_end_says_why() -> None:
    llm = timed(Slow("yes", "no"), 120)
    Slow.clock += 1000  # a tool listens
    llm.chat([])
    assert not time_is_over(llm)
    llm.chat([])
    assert time_is_over(llm).startswith("The model thought for 2 minutes, which is all it may")
    assert not time_is_over(Slow())


def test_a_long_transcript_is_read_no_further_than_time_allows(monkeypatch: Any) -> None:
    monkeypatch.setattr("agent.run.Thinking", lambda llm, seconds: timed(llm, 150))
    lines = [Line(start=n, end=n + 1, speaker="Diane", text="They talk and talk. " * 4) for n in range(120)]
    llm = Slow(plan(QUESTION), {"lines": [1]}, {"lines": [2]}, {"lines": [1], "answer": "They talk."})
    llm.traits = QueueLLM(context=2048).traits
    answer = run("What is done?", FakeToolbox(lines=lines), llm)
    assert answer.answer == "They talk."
    assert any("which is all it may" in warning for warning in answer.warnings)
    assert llm.replies == []


def test_a_wrong_answer_is_not_written_again_when_time_is_over(monkeypatch: Any) -> None:
    monkeypatch.setattr("agent.run.Thinking", lambda llm, seconds: timed(llm, 100))
    wrong = {"lines": [1], "answer": "They say “we bought a big red boat”."}
    answer = run("What is done?", FakeToolbox(), Slow(plan(QUESTION), wrong))
    assert answer.answer.endswith("(unverified)")
    assert not answer.citations[0].verified


def test_a_model_that_calls_tools_is_stopped_too(monkeypatch: Any) -> None:
    monkeypatch.setattr("agent.run.Thinking", lambda llm, seconds: timed(llm, 100))
    calls = [
        Reply(
            text="", tool_calls=({"id": "1", "name": "read_transcript", "arguments": {"recording": "r_1", "start": n}},)
        )
        for n in range(5)
    ]
    answer = run("What is done?", FakeToolbox(), Slow(*calls, tools=True))
    assert answer.answer.startswith("I stopped after 2 turns")
