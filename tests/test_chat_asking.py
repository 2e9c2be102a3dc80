"""What only the person can tell: asked with a quote and a clip of each voice, or said to be assumed."""

import os
import pty
import threading
import time
import wave
from collections.abc import Sequence
from pathlib import Path

import pytest

from agent.cli.progress import CommandLineWork
from agent.conversation import Conversation
from agent.stopping import Stoppable, run_stoppable
from auricle.errors import Cancelled
from auricle.settings import Settings
from tests.agent_fakes import FakeToolbox, QueueLLM, fake_catalog
from tests.fakes import fake_engines, tone
from tools.results import RecordingInfo, RecordingList
from tools.toolbox import Toolbox
from tools.work import Quiet, Work

QA = {"people": ["Ann", "Bob"], "speakers": 2, "steps": [{"tool": "export_transcript", "format": "qa"}]}
INSTRUCTION = "A call between Ann and Bob: as Q&A."


class Person(Quiet):
    """Somebody to ask, who answers one of the choices, nothing, or is not there."""

    def __init__(self, *answers: str | None) -> None:
        super().__init__()
        self.answers = list(answers)
        self.asked: list[str] = []

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        self.asked.append(question)
        return self.answers.pop(0)


@pytest.fixture
def chat(settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Conversation:
    """About a call in which nothing that is said tells who is who."""
    monkeypatch.chdir(tmp_path)
    toolbox = Toolbox(settings, engines=fake_engines())
    started = Conversation(toolbox, llm=QueueLLM(QA, QA))
    started.open([toolbox.add_recording(str(tone(tmp_path / "call.wav", 12))).id])
    return started


def test_a_voice_that_is_open_is_asked_for_with_quote_and_clip(chat: Conversation) -> None:
    person = Person("Speaker 2")
    said = chat.say(INSTRUCTION, work=person)
    assert "Bob 8 s, Ann 4 s" in said.answer and said.assumed == []
    (question,) = person.asked  # who is left needs no question
    assert question.startswith('Which voice is Ann: Speaker 1 ("well the refund')
    (clip,) = [line for line in question.splitlines() if "Speaker 2 to listen to" in line]
    with wave.open(clip.partition(": ")[2]) as sound:
        assert 0.5 <= sound.getnframes() / sound.getframerate() <= 8


def test_what_the_person_does_not_know_is_not_asked_again(chat: Conversation) -> None:
    person = Person("", "")
    for _ in range(2):
        said = chat.say(INSTRUCTION, work=person)
    assert len(person.asked) == 1 and "Speaker 1" in said.answer and said.assumed == []


def test_without_a_person_it_is_said_what_was_assumed(chat: Conversation) -> None:
    (assumed,) = chat.say(INSTRUCTION).assumed
    assert assumed.startswith("Nobody could be asked: Which voice is Ann")
    assert assumed.endswith("stay as they are called.")


class Three(FakeToolbox):
    """A library of three recordings."""

    def list_recordings(self, *, work: Work = Quiet()) -> RecordingList:
        """Lists the recordings in the library."""
        infos = [RecordingInfo(id=f"r_{n}", path=f"/calls/{n}.wav", sha256="0", duration=30) for n in (1, 2, 3)]
        return RecordingList(recordings=infos, next="")


@pytest.mark.parametrize(
    ("opened", "follow_up", "meant"),
    [
        (["r_1", "r_2"], "and in the second recording?", "r_2"),
        (["r_1"], "and in 3.wav?", "r_3"),
        (["r_1"], "and in the other recording?", "r_2"),
        ([], "and in the last one?", "r_3"),
    ],
)
def test_another_recording_is_found_or_asked_for(tmp_path: Path, opened: list[str], follow_up: str, meant: str) -> None:
    talk = {"people": [], "speakers": 0, "steps": [{"tool": "talk_time"}]}
    toolbox = Three()
    toolbox.settings = Settings(home=tmp_path)
    chat = Conversation(toolbox, llm=QueueLLM(talk, talk), catalog=fake_catalog())
    chat.open(opened)
    chat.say("How much does each of them talk?")
    said = chat.say(follow_up, work=Person("2.wav (r_2)"))
    chat.close()
    assert (said.recordings, said.instruction) == ([meant], "How much does each of them talk?")


def test_the_last_one_is_assumed_where_nobody_can_be_asked(tmp_path: Path) -> None:
    talk = {"people": [], "speakers": 0, "steps": [{"tool": "talk_time"}]}
    toolbox = Three()
    toolbox.settings = Settings(home=tmp_path)
    chat = Conversation(toolbox, llm=QueueLLM(talk, talk), catalog=fake_catalog())
    chat.open(["r_1"])
    chat.say("How much does each of them talk?")
    said = chat.say("and in the other recording?")
    chat.close()
    assert said.recordings == ["r_3"] and "3.wav, the last one added, was taken" in said.assumed[0]


def test_voices_are_introduced_by_a_short_clip_that_goes_with_the_recording(settings: Settings, tmp_path: Path) -> None:
    class Yes(Quiet):
        def confirm(self, question: str) -> bool:
            return True

    toolbox = Toolbox(settings, engines=fake_engines())
    recording = toolbox.add_recording(str(tone(tmp_path / "call.wav", 12))).id
    toolbox.transcribe(recording)
    toolbox.diarize(recording)
    samples = toolbox.introduce(recording)
    assert [sample.label for sample in samples] == ["Speaker 1", "Speaker 2"] and samples[0].quote
    with wave.open(samples[0].clip) as clip:
        assert 0.5 <= clip.getnframes() / clip.getframerate() <= 8
    toolbox.remove_recording(recording, work=Yes())
    toolbox.close()
    assert not any(Path(sample.clip).exists() for sample in samples)


def test_a_question_at_the_terminal_is_given_up_with_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    mine, theirs = pty.openpty()
    monkeypatch.setattr("sys.stdin", os.fdopen(theirs, "r"))
    monkeypatch.setattr("sys.stderr", os.fdopen(os.dup(theirs), "w"))
    stop = threading.Event()
    with CommandLineWork() as work:
        asking: Work = Stoppable(work, stop)
        os.write(mine, b"1\n")
        assert run_stoppable(lambda: asking.choose("Who is it?", ["Ann", "Bob"]), stop) == "Ann"
        threading.Timer(0.3, stop.set).start()
        began = time.monotonic()
        with pytest.raises(Cancelled):
            run_stoppable(lambda: asking.choose("Who is it?", ["Ann", "Bob"]), stop)
        assert time.monotonic() - began < 5
