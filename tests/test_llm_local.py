"""The local LLM: what is kept of it on disk, how it is opened, and the real model."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from agent.local_llm import LocalLLM
from auricle.errors import BadArgument, ModelUnavailable, WorkError
from auricle.settings import Settings
from engines.chat_format import check_context, from_openai, to_openai
from engines.judge import judge_with
from engines.llamacpp import LlamaCpp, gguf_in
from engines.llm_state import SavedStates, state_key
from engines.protocols import LLM, LLMTraits, Message, OnText, Reply
from tools.work import Quiet, Work

SYSTEM = "You answer with one number. " + "Numbers are what you know, and you write nothing else. " * 12
NUMBER = {
    "type": "object",
    "properties": {"number": {"type": "integer"}},
    "required": ["number"],
    "additionalProperties": False,
}


def keep(states: SavedStates, key: str, content: bytes) -> None:
    def save(name: str) -> None:
        (states.folder / name).write_bytes(content)

    states.keep(key, save)


def test_a_saved_state_is_found_again(tmp_path: Path) -> None:
    states = SavedStates(tmp_path)
    keep(states, state_key("one"), b"state")
    found = states.find(state_key("one"))
    assert found is not None and found.read_bytes() == b"state"
    assert states.find(state_key("two")) is None


@pytest.mark.parametrize("damage", [b"", b"sta", b"stale"])
def test_a_damaged_state_is_removed_instead_of_used(tmp_path: Path, damage: bytes) -> None:
    states = SavedStates(tmp_path)
    keep(states, state_key("one"), b"state")
    next(tmp_path.glob("*.bin")).write_bytes(damage)
    assert states.find(state_key("one")) is None
    assert list(tmp_path.iterdir()) == []


def test_only_the_states_used_last_are_kept(tmp_path: Path) -> None:
    states = SavedStates(tmp_path, kept=2)
    for number, name in enumerate(("old", "middle", "new")):
        keep(states, state_key(name), name.encode())
        found = states.find(state_key(name))
        assert found is not None
        os.utime(found, (number, number))
        states._prune()
    keep(states, state_key("newest"), b"newest")
    assert states.find(state_key("old")) is None
    assert states.find(state_key("newest")) is not None
    assert len(list(tmp_path.iterdir())) == 2


def test_a_state_that_cannot_be_written_leaves_nothing(tmp_path: Path) -> None:
    states = SavedStates(tmp_path)

    def save(name: str) -> None:
        (tmp_path / name).write_bytes(b"half")
        raise OSError("disk full")

    with pytest.raises(OSError, match="full"):
        states.keep(state_key("one"), save)
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path) -> None:
    settings = Settings(home=tmp_path / "home")
    text = tmp_path / "notes.gguf"
    text.write_text("not a model")
    with pytest.raises(ModelUnavailable, match="not a GGUF"):
        LlamaCpp("notes", text, settings)
    with pytest.raises(ModelUnavailable, match="no model"):
        LlamaCpp("gone", tmp_path / "gone.gguf", settings)
    with pytest.raises(ModelUnavailable, match=r"no \.gguf"):
        gguf_in(tmp_path / "home")


def test_what_does_not_fit_the_context_is_refused_before_it_is_said() -> None:
    with pytest.raises(BadArgument, match="shorter range"):
        check_context([Message("user", "word " * 4000)], (), 512, 4096)
    check_context([Message("user", "word")], (), 512, 4096)


def test_messages_with_tool_calls_survive_the_openai_format() -> None:
    messages = [
        Message("assistant", "", tool_calls=({"id": "1", "name": "add", "arguments": {"a": 1}},)),
        Message("tool", "2", tool_call_id="1"),
    ]
    calls = to_openai(messages)[0]["tool_calls"]
    completion = {"choices": [{"message": {"content": None, "tool_calls": calls}, "finish_reason": "tool_calls"}]}
    reply = from_openai(completion, schema=None, model="m")
    assert reply.tool_calls == messages[0].tool_calls
    assert to_openai(messages)[1] == {"role": "tool", "content": "2", "tool_call_id": "1"}


@pytest.mark.parametrize(("text", "reason"), [('{"a": ', "length"), ("[1]", "stop"), ("hello", "stop")])
def test_an_answer_that_is_no_object_is_an_error(text: str, reason: str) -> None:
    completion = {"choices": [{"message": {"content": text}, "finish_reason": reason}]}
    with pytest.raises(WorkError, match="cannot be used"):
        from_openai(completion, schema=NUMBER, model="m")


def test_a_judge_gives_what_the_model_decides() -> None:
    class Four:
        name = "fake:four"
        traits = LLMTraits(tools=False, context=4096)

        def chat(self, messages: Sequence[Message], **options: Any) -> Reply:
            assert options["schema"] == NUMBER and messages[-1].content == "How many?"
            return Reply("", data={"number": 4})

    llm: LLM = Four()
    assert judge_with(llm)("How many?", NUMBER) == {"number": 4}


def test_in_a_face_the_local_llm_is_a_job(tmp_path: Path) -> None:
    class Jobs:
        asked: tuple[str, dict[str, Any]] = ("", {})

        def run(
            self,
            kind: str,
            args: dict[str, Any],
            work: Work,
            priority: int | None = None,
            on_text: OnText | None = None,
        ) -> dict[str, Any]:
            self.asked = (kind, args)
            return {"text": "hi", "data": None, "tool_calls": [], "prompt_tokens": 1, "completion_tokens": 1}

    jobs = Jobs()
    weights = tmp_path / "own.gguf"
    weights.touch()
    known = LocalLLM("", jobs, Quiet(), Settings(home=tmp_path))
    assert known.name == "local:qwen2.5-coder-1.5b" and not known.traits.tools
    llm = LocalLLM(str(weights), jobs, Quiet(), Settings(home=tmp_path))
    assert llm.chat([Message("user", "hello")], max_tokens=9) == Reply("hi", prompt_tokens=1, completion_tokens=1)
    assert llm.traits.tools  # until it was tried
    assert jobs.asked[0] == "chat"
    assert jobs.asked[1]["model"] == f"local:{weights}" and jobs.asked[1]["max_tokens"] == 9


@pytest.mark.models
def test_the_real_model_obeys_a_schema_and_its_state_is_kept(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    from engines.llamacpp import open_local

    settings = Settings(home=tmp_path / "home")
    question = [Message("system", SYSTEM), Message("user", "How much is two and three?")]
    first = open_local("local:", settings)
    reply = first.chat(question, schema=NUMBER, max_tokens=20)
    first.close()
    assert isinstance((reply.data or {})["number"], int)
    assert " " not in reply.text and "\n" not in reply.text

    saved = list((settings.home / "llm").glob("*.bin"))
    assert len(saved) == 1
    second = open_local("", settings)
    assert second.chat(question, schema=NUMBER, max_tokens=20).data == reply.data
    with pytest.raises(BadArgument, match="context"):
        second.chat([Message("user", "word " * settings.context_tokens)])
    second.close()

    saved[0].write_bytes(b"x" * 1000)
    third = open_local("", settings)
    assert third.chat(question, schema=NUMBER, max_tokens=20).data == reply.data
    third.close()
    assert capfd.readouterr().out == ""
