"""`auricle chat` at the command line, with a script of lines as its input."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.cli_kit import CommandLine, Ran, command_line
from tests.fakes import FakeLLM, fake_engines, tone

TALK = {"people": [], "speakers": 0, "steps": [{"tool": "talk_time"}]}
HELLO = {"people": [], "speakers": 0, "steps": [{"tool": "reply", "text": "Hello!"}]}


class Chat:
    """`auricle chat` over one home; each call is a process of its own as far as it can tell."""

    def __init__(self, line: CommandLine, llm: FakeLLM, monkeypatch: pytest.MonkeyPatch, call: Path) -> None:
        self._line, self.llm, self._monkeypatch, self.call = line, llm, monkeypatch, call

    def __call__(self, *argv: object, typed: str = "", replies: tuple[Any, ...] = ()) -> Ran:
        self.llm.replies[:] = list(replies)
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return self._line("chat", *argv, "--model", "local:")


@pytest.fixture
def chat(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chat:
    monkeypatch.setenv("AURICLE_WORKER", "inline")
    monkeypatch.chdir(tmp_path)
    llm = FakeLLM()
    line = command_line(capsys, monkeypatch, fake_engines(llm=llm))
    return Chat(line, llm, monkeypatch, tone(tmp_path / "call.wav", 8))


def test_a_script_of_lines_is_answered_line_by_line(chat: Chat) -> None:
    done = chat(chat.call, typed="Hello there, who are you?\n\n/quit\nnever read\n", replies=(HELLO,))
    assert done.code == 0 and done.out.startswith("Hello!")
    assert "Ctrl-D leaves" in done.err and "\x1b" not in done.out


def test_json_is_one_document_at_the_end(chat: Chat) -> None:
    done = chat(chat.call, "--json", typed="How much does each talk?\n", replies=(TALK,))
    (answer,) = done.document["answers"]
    assert {"answer", "citations", "files", "steps", "model", "said", "instruction"} <= set(answer)
    assert done.document["session"] == "chat" and done.document["recordings"] == answer["recordings"]


def test_the_next_start_goes_on_with_the_same_recordings(chat: Chat) -> None:
    first = chat(chat.call, "--json", typed="How much does each talk?\n", replies=(TALK,)).document
    again = chat("--json", typed="shorter\n", replies=({"answer": "It is shared."},)).document
    assert again["recordings"] == first["recordings"] and again["answers"][0]["answer"] == "It is shared."


def test_new_begins_anew(chat: Chat) -> None:
    chat(chat.call, typed="How much does each talk?\n", replies=(TALK,))
    done = chat("--new", "--json", typed="shorter\n", replies=(HELLO,)).document
    assert done["recordings"] == [] and done["answers"][0]["instruction"] == "shorter"
