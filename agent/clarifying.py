"""What only the person can tell: whose a voice is, which recording is meant. Else what was assumed is told."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from auricle.times import clock
from tools.introducing import VoiceSample
from tools.results import SpeakerNames
from tools.work import Work

NEITHER = "none of them"


@dataclass(frozen=True)
class Option:
    """One answer to choose: ``told`` helps to choose it, ``clip`` is a file to listen to."""

    label: str
    told: str = ""
    clip: str = ""


@dataclass(frozen=True)
class Question:
    """A question to the person, with the answers there are."""

    text: str
    options: tuple[Option, ...]


AskPerson = Callable[[Question, Callable[[], None]], str | None]
"""Asks, and returns the label that was chosen; None where nobody answers. The second one raises to stop asking."""


class KnowsVoices(Protocol):
    """What of a ``tools.toolbox.Toolbox`` is used here."""

    def introduce(self, recording: str) -> list[VoiceSample]: ...
    def name_speakers(
        self,
        recording: str,
        people: list[str] | None = None,
        names: dict[str, str] | None = None,
        *,
        work: Work = ...,
    ) -> SpeakerNames: ...


class Clarifier:
    """Asks the person, each thing once; ``take_assumed`` tells what was done where nobody answered.

    Args:
        toolbox: Knows the voices, and stores names.
        ask: Asks the person; None where there is nobody to ask.
    """

    def __init__(self, toolbox: KnowsVoices, ask: AskPerson | None = None) -> None:
        self._assumed: list[str] = []
        self._toolbox = toolbox
        self._ask = ask
        self._asked: set[tuple[str, str]] = set()

    def names(self, recording: str, people: Sequence[str], found: dict[str, Any], work: Work) -> dict[str, Any]:
        """Asks whose voices those are that what is said leaves open.

        Args:
            people: Everybody who was listed.
            found: What ``name_speakers`` came to, as plain data.
            work: Asked whether to stop.

        Returns:
            The same with what the person said.
        """
        while missing := self._missing(recording, people, found):
            person, voices = missing
            self._asked.add((recording, person))
            chosen = None
            if self._ask is not None:
                chosen = self._ask(self._question(recording, person, voices, found), work.check_cancelled)
            if chosen is None:
                self._assume(
                    f"Nobody could be asked which voice {person} is: {_listed(voices)} stay as they are called."
                )
            elif chosen != NEITHER:
                self._toolbox.name_speakers(recording, names={chosen: person}, work=work)
                # Once more: who is left is the only one left.
                found = self._toolbox.name_speakers(recording, people=list(people), work=work).model_dump(mode="json")
        return found

    def recording(self, options: Sequence[tuple[str, str]], work: Work) -> str:
        """Which of several recordings is meant, given as id and name."""
        labels = {f"{name} ({recording})": recording for recording, name in options}
        question = Question("Which recording do you mean?", tuple(Option(label) for label in labels))
        chosen = self._ask(question, work.check_cancelled) if self._ask is not None else None
        if chosen in labels:
            return labels[chosen]
        recording, name = options[-1]
        self._assume(f"Several recordings could be meant; {name}, the last one added, was taken.")
        return recording

    def take_assumed(self) -> list[str]:
        """What was assumed since the last time."""
        assumed, self._assumed = self._assumed, []
        return assumed

    def _missing(self, recording: str, people: Sequence[str], found: dict[str, Any]) -> tuple[str, list[str]] | None:
        """Somebody who was listed and whose voice is open, and the voices without a name."""
        named = {str(voice["name"]).casefold() for voice in found["speakers"] if voice["name"]}
        voices = [voice["label"] for voice in found["speakers"] if not voice["name"]]
        open_ = [one for one in people if one.casefold() not in named and (recording, one) not in self._asked]
        return (open_[0], voices) if open_ and voices else None

    def _question(self, recording: str, person: str, voices: Sequence[str], found: dict[str, Any]) -> Question:
        samples = {sample.label: sample for sample in self._toolbox.introduce(recording)}
        options = []
        for voice in voices:
            sample = samples.get(voice)
            told = f"“{sample.quote}” at {clock(sample.start)}" if sample and sample.quote else ""
            options.append(Option(voice, told, sample.clip if sample else ""))
        why = " ".join(found.get("conflicts", [])) or "What is said does not tell."
        return Question(f"Which voice is {person}? {why}", (*options, Option(NEITHER)))

    def _assume(self, text: str) -> None:
        if text not in self._assumed:
            self._assumed.append(text)


def _listed(voices: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(voices[:-1]), voices[-1]]))
