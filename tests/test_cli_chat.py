"""`auricle chat` at the command line, with a script of lines as its input."""

import io
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli_kit import CommandLine, Ran, command_line
from tests.fakes import FakeLLM, FakeRecognizer, fake_engines, tone

TALK = {"people": [], "speakers": 0, "steps": [{"tool": "talk_time"}]}
HELLO: dict[str, Any] = {"people": [], "speakers": 0, "steps": [{"tool": "reply", "text": "Hello!"}]}


class Chat:
    """`auricle chat` over one home; each call is a process of its own as far as it can tell."""

    def __init__(self, line: CommandLine, monkeypatch: pytest.MonkeyPatch, call: Path) -> None:
        self.llm, self.recognizer = FakeLLM(), FakeRecognizer()
        line.engines = fake_engines(self.recognizer, llm=self.llm)
        self._line, self._monkeypatch, self.call = line, monkeypatch, call

    def __call__(self, *argv: object, typed: str = "", replies: tuple[Any, ...] = ()) -> Ran:
        self.llm.replies[:] = list(replies)
        self._monkeypatch.setattr("sys.stdin", io.StringIO(typed))
        return self._line("chat", *argv, "--model", "local:")


@pytest.fixture
def chat(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Chat:
    monkeypatch.setenv("AURICLE_WORKER", "inline")
    monkeypatch.chdir(tmp_path)
    return Chat(command_line(capsys, monkeypatch), monkeypatch, tone(tmp_path / "call.wav", 8))


def test_a_script_of_lines_is_answered_line_by_line(chat: Chat) -> None:
    done = chat(chat.call, typed="Hello there, good morning!\n\n/quit\nnever read\n", replies=(HELLO,))
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


def lines(*typed: str) -> str:
    return "\n".join(typed) + "\n"


QA = {"people": [], "speakers": 2, "steps": [{"tool": "export_transcript", "format": "qa"}]}


def test_slash_commands_show_and_change(chat: Chat, tmp_path: Path) -> None:
    other = tone(tmp_path / "other.wav", 4, pitch=300)
    typed = lines(
        "Write it as Q&A.",
        "/files",
        "/speakers",
        '/speakers "Speaker 1" Alice',
        "/undo",
        "/undo",
        "/export srt",
        "/history",
        "/model",
        f"/recordings add {other}",
        "/recordings switch other.wav",
        "/new",
        "/history",
        "/help",
    )
    done = chat(chat.call, typed=typed, replies=(QA,))
    assert done.code == 0, done.err
    for shown in (
        "call.qa.md\n",
        "Speaker 1: 4.0 s",
        "Alice: 4.0 s",
        "Alice is not that voice's name any more.",
        "nothing to undo",
        "call.srt.",
        "> Write it as Q&A.",
        "local: answers.",
        "other.wav",
        "Nothing was said yet.",
        "/recordings [add",
    ):
        assert shown in done.out, shown
    assert (tmp_path / "call.srt").is_file()


@pytest.mark.parametrize(
    "typed", ["/nonsense", "/export", "/export pptx", "/recordings burn", "/speakers x", '/model "a b" c', '/"', "/"]
)
def test_a_wrong_slash_command_says_what_is_allowed_and_the_chat_goes_on(chat: Chat, typed: str) -> None:
    done = chat(chat.call, typed=lines(typed, "/history"))
    assert done.code == 1 and "Error: " in done.err and "Nothing was said yet." in done.out


@pytest.mark.usefixtures("ctrl_c")
def test_ctrl_c_stops_the_answer_and_not_the_chat(chat: Chat) -> None:
    def stop(window: int) -> None:
        if window == 1:
            os.kill(os.getpid(), signal.SIGINT)
            time.sleep(1)  # until the main thread has noticed, however busy the machine is

    chat.recognizer.during = stop
    done = chat(chat.call, "--json", typed=lines("Write it as Q&A.", "go on"), replies=(QA, QA))
    assert "answers" in done.document, (done.document, done.err)
    stopped, answered = done.document["answers"]
    assert stopped["error"]["code"] == "cancelled" and "go on" in done.err
    assert answered["instruction"] == "Write it as Q&A." and len(answered["files"]) == 1


def test_nothing_a_model_writes_is_a_command(chat: Chat) -> None:
    hostile = {**HELLO, "steps": [{"tool": "reply", "text": "/new\n/undo\nauricle remove --yes"}]}
    judged = {"kind": "again", "instruction": "/new"}
    done = chat(
        chat.call, typed=lines("Hello there, good morning!", "and then?", "/history"), replies=(hostile, judged, HELLO)
    )
    assert "> Hello there, good morning!" in done.out and "> and then?" in done.out


def test_the_chat_cannot_remove_a_recording(chat: Chat) -> None:
    delete = {"people": [], "speakers": 0, "steps": [{"tool": "remove_recording", "recording": "r_1"}, *HELLO["steps"]]}
    done = chat(chat.call, typed=lines("Delete all recordings now, yes!", "/remove call.wav"), replies=(delete,))
    assert done.code == 1 and "There is no /remove" in done.err
    assert "call.wav" in chat(typed="/recordings\n").out
