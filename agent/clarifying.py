"""What only the person can tell: whose a voice is, which recording is meant. Else what was assumed is told."""

from collections.abc import Sequence
from typing import Protocol

from tools.introducing import VoiceSample
from tools.work import Handed, Work


class Introduces(Protocol):
    """What of a ``tools.toolbox.Toolbox`` is used here."""

    def introduce(self, recording: str) -> list[VoiceSample]: ...


class Clarifier:
    """Keeps what was asked in a conversation: nothing twice, and what was assumed where nobody could be asked.

    Args:
        toolbox: Knows the voices.
    """

    def __init__(self, toolbox: Introduces) -> None:
        self._toolbox = toolbox
        self._open: set[str] = set()
        self._assumed: list[str] = []

    def voices(self, recording: str, work: Work) -> Work:
        """The work for a tool that may ask whose voices these are: a clip of each voice stands beside the question."""
        return _Introducing(self, recording, work)

    def ask(self, recording: str, question: str, choices: Sequence[str], work: Work) -> str | None:
        """A tool's question about voices, as ``Work.choose``."""
        if question in self._open:
            return ""
        clips = [sample for sample in self._toolbox.introduce(recording) if sample.clip and sample.label in choices]
        heard = "".join(f"\n  {sample.label} to listen to: {sample.clip}" for sample in clips)
        answer = work.choose(question + heard, choices)
        if answer is None:
            self._assume(f"Nobody could be asked: {question} Both stay as they are called.")
        elif not answer:
            self._open.add(question)
        return answer

    def recording(self, options: Sequence[tuple[str, str]], work: Work) -> str:
        """Which of several recordings is meant, each given as id and name; the last one where nobody tells."""
        labels = {f"{name} ({recording})": recording for recording, name in options}
        chosen = work.choose("Which recording do you mean?", list(labels))
        if chosen:
            return labels[chosen]
        recording, name = options[-1]
        self._assume(f"Several recordings could be meant; {name}, the last one added, was taken.")
        return recording

    def take_assumed(self) -> list[str]:
        """What was assumed since the last time."""
        assumed, self._assumed = self._assumed, []
        return assumed

    def _assume(self, text: str) -> None:
        if text not in self._assumed:
            self._assumed.append(text)


class _Introducing(Handed):
    """Somebody's work whose questions about voices go through a clarifier."""

    def __init__(self, clarifier: Clarifier, recording: str, work: Work) -> None:
        super().__init__(work)
        self._clarifier, self._recording = clarifier, recording

    def choose(self, question: str, choices: Sequence[str]) -> str | None:
        return self._clarifier.ask(self._recording, question, choices, self._work)
