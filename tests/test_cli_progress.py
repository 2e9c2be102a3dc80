import io
import sys

import pytest

from agent.cli.progress import CommandLineWork
from tools.work import BATCH


class Clock:
    """A clock that goes when told."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_elsewhere_than_on_a_terminal_a_line_comes_for_each_tenth(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with CommandLineWork(now=clock) as work:
        for done in range(101):
            work.report(done, 100, "Listening")
            clock.seconds += 0.4
    printed = capsys.readouterr()
    assert printed.out == ""
    lines = printed.err.splitlines()
    assert len(lines) == 11
    assert lines[0] == "Listening 0%"
    assert lines[-1] == "Listening 100%"


def test_quick_work_is_one_line_or_none(capsys: pytest.CaptureFixture[str]) -> None:
    with CommandLineWork(now=Clock()) as work:
        for done in range(101):
            work.report(done, 100, "decoding")
    assert capsys.readouterr().err == "decoding 0%\n"
    with CommandLineWork(now=Clock()) as work:
        work.report(100, 100, "decoding")
    assert capsys.readouterr().err == ""


def test_slow_work_is_heard_of_every_few_seconds_with_the_time_that_remains(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with CommandLineWork(now=clock) as work:
        for done in range(10):
            work.report(done, 1000, "Listening")
            clock.seconds += 2
    assert capsys.readouterr().err.splitlines() == [
        "Listening 0%",
        "Listening 0%, about 33:14 left",
        "Listening 1%, about 33:08 left",
        "Listening 1%, about 33:02 left",
    ]


def test_work_of_unknown_length_is_named_once(capsys: pytest.CaptureFixture[str]) -> None:
    with CommandLineWork(now=Clock()) as work:
        for _ in range(5):
            work.report(0, 0, "Thinking")
    assert capsys.readouterr().err == "Thinking …\n"


def test_weights_tell_their_bytes(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with CommandLineWork(now=clock) as work:
        work.say("Fetching campplus (embedding, 28 MB, Apache-2.0) …")
        clock.seconds += 2
        work.fetched("campplus", 14_000_000, 28_000_000)
    lines = capsys.readouterr().err.splitlines()
    assert lines[0] == "Fetching campplus (embedding, 28 MB, Apache-2.0) …"
    assert lines[1] == "Fetching campplus (14 MB of 28 MB) 50%"


def test_a_terminal_gets_a_bar_on_stderr(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with CommandLineWork() as work:
        work.report(30, 60, "Listening")
        work.report(60, 60, "Listening")
        work.report(1, 2, "Telling voices apart")
        work.say("[brackets] stay")
    shown = terminal.getvalue()
    assert "Listening" in shown
    assert "Telling voices apart" in shown
    assert "[brackets] stay" in shown
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(("typed", "yes"), [("y\n", True), ("Yes\n", True), ("\n", False), ("n\n", False), ("", False)])
def test_a_person_at_a_terminal_is_asked(typed: str, yes: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    with CommandLineWork() as work:
        assert work.confirm("Remove it?") is yes


@pytest.mark.parametrize(("typed", "said"), [("2\n", "Bob"), ("\n", ""), ("3\n", ""), ("Bob\n", ""), ("", "")])
def test_a_person_at_a_terminal_chooses(typed: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Terminal())
    monkeypatch.setattr(sys, "stdin", Terminal(typed))
    with CommandLineWork() as work:
        assert work.choose("Who is it?", ["Alice", "Bob"]) == said
    with CommandLineWork(priority=BATCH) as work:  # a script over many recordings does not stop to ask
        assert work.choose("Who is it?", ["Alice", "Bob"]) is None


def test_without_a_terminal_nobody_says_yes_but_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("y\n"))
    with CommandLineWork() as work:
        assert not work.confirm("Remove it?")
    with CommandLineWork(yes=True) as work:
        assert work.confirm("Remove it?")


def test_the_workers_estimate_is_shown_where_it_gives_one(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with CommandLineWork(now=clock) as work:
        work.report(10, 100, "Listening", left=80)
        clock.seconds += 10
        work.report(20, 100, "Listening", left=65)
    assert capsys.readouterr().err.splitlines() == [
        "Listening 10%, about 1:20 left",
        "Listening 20%, about 1:05 left",
    ]


def test_a_terminal_counts_the_time_left_down(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal, clock = Terminal(), Clock()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    with CommandLineWork(now=clock) as work:
        work.report(10, 100, "Listening", left=80)
        clock.seconds += 13
        work.say("a line draws it again")
    assert "1:20" in terminal.getvalue() or "1:07" in terminal.getvalue()


def test_a_job_that_is_paused_says_at_once_how_to_go_on(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    with CommandLineWork(now=clock) as work:
        work.report(10, 100, "Listening", left=80)
        clock.seconds += 0.1
        work.report(0, 0, "paused: `auricle jobs resume j_0123456789` goes on")
    assert "auricle jobs resume j_0123456789" in capsys.readouterr().err
