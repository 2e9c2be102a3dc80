"""Names from what is said, over made dialogues: `python -m bench.names [--half tune|report] [--shown]`.

Voices are told apart as they are written, so that names alone are measured. A voice in brackets has no name that
anything said tells: whoever gives it one is wrong.
"""

import argparse
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from auricle.domain import Span, Turn
from auricle.times import to_samples
from tools.mentions import candidates, find
from tools.names import decide
from tools.roles import roles
from tools.views import PlacedWord, SpeakerView, Transcript, Utterance

FOLDER = Path(__file__).parent / "dialogues"
_LINE = re.compile(r"(?P<voice>\(?\w+\)?)(?: \[(?P<role>\w+)\])?: (?P<text>.+)")
_WORD, _PAUSE = 0.35, 0.6
_SAME_ROLE = {"host": "interviewer"}
_ROLES = {"agent", "customer", "interviewer"}


@dataclass(frozen=True)
class Dialogue:
    """What is said, and who says it: the name and role of each voice (by id), empty where nothing said tells it."""

    title: str
    transcript: Transcript
    names: dict[str, str]
    roles: dict[str, str]

    @property
    def for_tuning(self) -> bool:
        return int(self.title.split()[0]) % 2 == 1


@dataclass
class Score:
    """Of voices: those that got their name, somebody else's or one that nothing said tells; and those that have one."""

    right: int = 0
    wrong: int = 0
    nameable: int = 0
    twice: int = 0
    mistakes: list[str] = field(default_factory=list)

    def add(self, title: str, given: dict[str, str], true: dict[str, str]) -> None:
        for voice, name in true.items():
            got = given.get(voice, "")
            self.nameable += bool(name)
            if got and name and name.casefold() in got.casefold().replace(".", "").split():
                self.right += 1
            elif got:
                self.wrong += 1
                self.mistakes.append(f"{title}: {name or voice} is called {got}")
            elif name:
                self.mistakes.append(f"{title}: {name} has no name")
        self.twice += len(given) - len({name.casefold() for name in given.values()})

    def __str__(self) -> str:
        given = self.right + self.wrong
        return (
            f"{self.right / given if given else 0:.1%} of {given} names are right, {self.right / self.nameable:.1%} of "
            f"{self.nameable} are found, {self.twice} name(s) given twice"
        )


def load() -> list[Dialogue]:
    """All of them, in order."""
    texts = "".join(file.read_text(encoding="utf-8") for file in sorted(FOLDER.glob("*.txt")))
    return [_dialogue(part) for part in re.split(r"^== ", texts, flags=re.MULTILINE)[1:]]


def measure(dialogues: Sequence[Dialogue]) -> dict[str, Score]:
    """Names when nobody says who speaks, when the people are listed, and roles."""
    alone, listed, role = Score(), Score(), Score()
    for each in dialogues:
        people = candidates(each.transcript)
        alone.add(each.title, _decided(each.transcript, people), each.names)
        listed.add(each.title, _decided(each.transcript, [name for name in each.names.values() if name]), each.names)
        role.add(each.title, {one.voice: one.role for one in roles(each.transcript)}, each.roles)
    # Two people may well be customers.
    role.twice = 0
    return {"names alone": alone, "names of listed people": listed, "roles": role}


def _decided(transcript: Transcript, people: Sequence[str]) -> dict[str, str]:
    decision = decide(transcript, people, find(transcript, people), {})
    return {voice: name for voice, (name, _) in decision.names.items()}


def _dialogue(text: str) -> Dialogue:
    title, _, body = text.partition("\n")
    said, names, roles_ = list(_said(body)), dict[str, str](), dict[str, str]()
    for voice, role, _ in said:
        names.setdefault(voice, "" if voice.startswith("(") else voice)
        if role or voice not in roles_:
            roles_[voice] = role
    utterances = tuple(_spoken(said))
    speakers = tuple(
        SpeakerView(id=voice, label=f"Speaker {place}", name=None, evidence=None, seconds=10.0)
        for place, voice in enumerate(names, 1)
    )
    whole = Span(start=0, end=utterances[-1].end)
    transcript = Transcript(
        recording="r_dialogue00", revision="", duration=whole.end, language="en", language_probability=1.0,
        heard=(whole,), utterances=utterances, speakers=speakers, told_apart=(whole,),
        turns=tuple(Turn(start=one.start, end=one.end, label=one.speaker or "") for one in utterances),
    )  # fmt: skip
    known = {voice: _SAME_ROLE.get(role, role) for voice, role in roles_.items()}
    return Dialogue(title, transcript, names, {voice: role if role in _ROLES else "" for voice, role in known.items()})


def _said(body: str) -> Iterator[tuple[str, str, str]]:
    for line in body.splitlines():
        if match := _LINE.fullmatch(line.strip()):
            yield match["voice"], match["role"] or "", match["text"]


def _spoken(said: Sequence[tuple[str, str, str]]) -> Iterator[Utterance]:
    clock = 0.5
    for number, (voice, _, text) in enumerate(said):
        words = []
        for place, word in enumerate(text.split()):
            start, end = to_samples(clock), to_samples(clock + 0.9 * _WORD)
            words.append(
                PlacedWord(
                    id=f"t.{number}.{place}", start=start, end=end, text=f" {word}", probability=1.0, speaker=voice
                )
            )
            clock += _WORD
        clock += _PAUSE
        yield Utterance(start=words[0].start, end=words[-1].end, speaker=voice, words=tuple(words))


def main() -> None:
    arguments = argparse.ArgumentParser(description="Names and roles from what is said.")
    arguments.add_argument("--half", choices=["tune", "report"], default="report")
    arguments.add_argument("--shown", action="store_true", help="what went wrong, too: of the half for tuning alone")
    given = arguments.parse_args()
    chosen = [each for each in load() if each.for_tuning == (given.half == "tune")]
    for name, score in measure(chosen).items():
        print(f"{name}: {score}")
        if given.shown and given.half == "tune":
            print(*(f"    {mistake}" for mistake in score.mistakes), sep="\n")


if __name__ == "__main__":
    main()
