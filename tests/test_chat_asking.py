"""What only the person can tell: asked with a quote and a clip of each voice, or said to be assumed."""

import os
import pty
import wave
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.clarifying import NEITHER, Clarifier, Option, Question
from agent.cli.person import asks_person
from agent.cli.progress import CommandLineWork
from agent.conversation import Conversation
from agent.run import Answer, ask
from auricle.errors import Cancelled
from auricle.settings import Settings
from tests.agent_fakes import FakeToolbox, QueueLLM, fake_catalog
from tests.fakes import fake_engines, tone
from tools.introducing import VoiceSample
from tools.results import NamedSpeaker, RecordingInfo, RecordingList, SpeakerNames
from tools.toolbox import Toolbox
from tools.work import Quiet, Work

QA = {"people": ["Diane", "Sheila"], "speakers": 2, "steps": [{"tool": "export_transcript", "format": "qa"}]}
INSTRUCTION = "A call between Diane and Sheila: as Q&A."


class UnclearVoices(FakeToolbox):
    """Nothing that is said tells who is who; what a person says is believed, and the last one left is found."""

    def __init__(self) -> None:
        super().__init__()
        self.known: dict[str, str] = {}

    def name_speakers(
        self,
        recording: str,
        people: list[str] | None = None,
        names: dict[str, str] | None = None,
        *,
        work: Work = Quiet(),
    ) -> SpeakerNames:
        """Gives the voices names, from what is said or as the person said."""
        self._note("name_speakers", recording=recording, people=people, names=names)
        self.known |= names or {}
        labels = ("Speaker 1", "Speaker 2")
        left = [one for one in people or [] if one not in self.known.values()]
        if len(self.known) == len(left) == 1:
            self.known[next(label for label in labels if label not in self.known)] = left[0]
        speakers = [
            NamedSpeaker(id=f"s_{n}", label=label, name=self.known.get(label), source=None)
            for n, label in enumerate(labels)
        ]
        return SpeakerNames(recording=recording, revision="v", speakers=speakers, conflicts=["Both say so."], next="")

    def introduce(self, recording: str) -> list[VoiceSample]:
        return [VoiceSample("Speaker 1", "Hello?", 6.7, "/clips/1.wav"), VoiceSample("Speaker 2", "Hi.", 8.4, "")]


def answered(toolbox: UnclearVoices, person: Callable[[Question, Callable[[], None]], str | None] | None) -> Answer:
    return ask(
        INSTRUCTION,
        ["r_1"],
        toolbox,
        llm=QueueLLM(QA),
        catalog=fake_catalog(),
        clarifier=Clarifier(toolbox, person),
    )


def test_a_voice_that_is_open_is_asked_for_with_quote_and_clip() -> None:
    asked: list[Question] = []

    def person(question: Question, check: Callable[[], None]) -> str:
        asked.append(question)
        return "Speaker 2"

    toolbox = UnclearVoices()
    answer = answered(toolbox, person)
    assert toolbox.known == {"Speaker 2": "Diane", "Speaker 1": "Sheila"} and answer.assumed == []
    (question,) = asked  # who is left needs no question
    assert question.text == "Which voice is Diane? Both say so."
    assert question.options[0] == Option("Speaker 1", "“Hello?” at 0:06", "/clips/1.wav")
    assert question.options[-1].label == NEITHER


def test_neither_leaves_the_voices_as_they_are() -> None:
    toolbox = UnclearVoices()
    answered(toolbox, lambda question, check: NEITHER)
    assert toolbox.known == {}


def test_without_a_person_it_is_said_what_was_assumed() -> None:
    toolbox = UnclearVoices()
    answer = answered(toolbox, None)
    assert toolbox.known == {}
    assert answer.assumed[0] == (
        "Nobody could be asked which voice Diane is: Speaker 1 and Speaker 2 stay as they are called."
    )


def test_a_conversation_asks_each_thing_once(tmp_path: Path) -> None:
    toolbox, asked = UnclearVoices(), []
    toolbox.settings = Settings(home=tmp_path)

    def person(question: Question, check: Callable[[], None]) -> str:
        asked.append(question.text)
        return NEITHER

    chat = Conversation(toolbox, llm=QueueLLM(QA, QA), catalog=fake_catalog(), ask_person=person)
    chat.open(["r_1"])
    chat.say(INSTRUCTION)
    chat.say(INSTRUCTION)
    chat.close()
    assert len(asked) == 2  # Diane, Sheila


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
    chat = Conversation(
        toolbox,
        llm=QueueLLM(talk, talk),
        catalog=fake_catalog(),
        ask_person=lambda question, check: question.options[0].label,
    )
    chat.open(opened)
    chat.say("How much does each of them talk?")
    said = chat.say(follow_up)
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


class AtTerminal:
    """A terminal to type at."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.mine, theirs = pty.openpty()
        monkeypatch.setattr("sys.stdin", os.fdopen(theirs, "r"))
        monkeypatch.setattr("sys.stderr", os.fdopen(os.dup(theirs), "w"))

    def ask(self, typed: bytes, check: Callable[[], None] = lambda: None) -> str | None:
        os.write(self.mine, typed)
        with CommandLineWork() as work:
            person = asks_person(work)
            assert person is not None
            return person(
                Question("Which voice is Ann?", (Option("Speaker 1", "“Hi”", "/c.wav"), Option(NEITHER))), check
            )


def test_the_person_chooses_by_number_until_it_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = AtTerminal(monkeypatch)
    assert terminal.ask(b"what?\n7\n1\n") == "Speaker 1"
    shown = b""
    while b"Give a number, 1 to 2" not in shown:
        shown += os.read(terminal.mine, 10_000)
    assert b"Which voice is Ann?" in shown and b"listen: /c.wav" in shown


def test_a_question_that_was_given_up_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    def check() -> None:
        raise Cancelled("Stopped.")

    with pytest.raises(Cancelled):
        AtTerminal(monkeypatch).ask(b"", check)
