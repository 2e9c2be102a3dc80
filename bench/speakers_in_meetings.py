"""Names in meetings: people enrolled from other utterances, through the tools themselves, and strangers among them."""

import json
import tempfile
import wave
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import linear_sum_assignment

from auricle.settings import Settings
from auricle.times import SAMPLE_RATE, to_seconds
from bench.scoring import Item, eval_folder, load_items
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.views import Transcript
from tools.work import Quiet

KEPT = Path(__file__).parents[1] / ".bench" / "meetings"
"""A home in which what was listened to is kept from run to run."""


class _Agreed(Quiet):
    """The people of LibriSpeech read for everybody."""

    def confirm(self, question: str) -> bool:
        return True


@dataclass(frozen=True)
class Named:
    """Seconds of reference speech under names, when everybody is enrolled and when each one in turn is not.

    Attributes:
        possible: What the best naming of the voices that were told apart would give.
        right: Under the right name.
        total: In all.
        voices: For whom each voice mostly speaks, and what it is called.
    """

    possible: float
    right: float
    total: float
    voices: list[tuple[str, str | None]]


def meetings() -> str:
    """The table."""
    lines = [
        "Everybody is enrolled from two other utterances by `known_voices`; then voices are told apart and identified",
        "by the tools. In brackets what is right of what the diarization allows: the best naming of its voices.",
        "",
        "| meeting | speech under the right name | voices wrongly named | named while each in turn is a stranger |",
        "|---|---|---|---|",
    ]
    KEPT.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        toolbox = Toolbox(Settings(home=KEPT, worker="inline"))
        try:
            for item in load_items(eval_folder(), ["meetings"]):
                lines.append(_measured(toolbox, item, Path(folder)))
                print(lines[-1], flush=True)
        finally:
            toolbox.close()
    return "\n".join(lines)


def _measured(toolbox: Toolbox, item: Item, folder: Path) -> str:
    people = _enrolments(item.id)
    recording = toolbox.add_recording(str(item.path)).id
    toolbox.diarize(recording)
    for person, files in people.items():
        _enroll(toolbox, person, files, folder)
    everybody = _named(toolbox, item, recording)
    strangers: list[str | None] = []
    for person, files in people.items():
        toolbox.known_voices("forget", name=person, work=_Agreed())
        strangers += [name for whose, name in _named(toolbox, item, recording).voices if whose == person]
        _enroll(toolbox, person, files, folder)
    swapped = sum(name not in (None, whose) for whose, name in everybody.voices)
    return (
        f"| {item.id} | {everybody.right / everybody.total:.1%} ({everybody.right / everybody.possible:.1%}) | "
        f"{swapped} of {len(everybody.voices)} | {sum(name is not None for name in strangers)} of {len(strangers)} |"
    )


def _enroll(toolbox: Toolbox, person: str, files: list[Path], folder: Path) -> None:
    """From a file of that person alone, as somebody would who has one."""
    from faster_whisper import decode_audio

    if toolbox.library.voiceprints.find(person):
        return
    path = folder / f"{person}.wav"
    if not path.is_file():
        sound = np.concatenate([decode_audio(str(file), sampling_rate=SAMPLE_RATE) for file in files])
        with wave.open(str(path), "wb") as out:
            out.setparams((1, 2, SAMPLE_RATE, 0, "NONE", ""))
            out.writeframes((sound * 32767).astype("<i2").tobytes())
    recording = toolbox.add_recording(str(path)).id
    toolbox.diarize(recording, speakers=1)
    toolbox.known_voices("enroll", name=person, recording=recording, speaker="Speaker 1", work=_Agreed())


def _named(toolbox: Toolbox, item: Item, recording: str) -> Named:
    transcript = fold(toolbox.library, toolbox.library.recordings.get(recording))
    names = {match.id: match.name for match in toolbox.identify_speakers(recording).matches}
    shared, voices, people = _shared(item, transcript)
    rows, columns = linear_sum_assignment(shared, maximize=True)
    right = sum(
        seconds
        for voice, its in zip(voices, shared, strict=True)
        for person, seconds in zip(people, its, strict=True)
        if names.get(voice) == person
    )
    total = sum(end - start for start, end, _ in item.turns or ())
    whose = [people[column] for column in shared.argmax(axis=1)]
    called = [(person, names.get(voice)) for voice, person in zip(voices, whose, strict=True)]
    return Named(float(shared[rows, columns].sum()), float(right), total, called)


def _shared(item: Item, transcript: Transcript) -> tuple[Any, list[str], list[str]]:
    """Seconds that each voice told apart shares with each person."""
    assert item.turns is not None
    voices = [view.id for view in transcript.speakers]
    people = sorted({person for *_, person in item.turns})
    shared = np.zeros((len(voices), len(people)))
    for turn in transcript.turns:
        for start, end, person in item.turns:
            both = min(end, to_seconds(turn.end)) - max(start, to_seconds(turn.start))
            shared[voices.index(turn.label), people.index(person)] += max(0.0, both)
    return shared, voices, people


def _enrolments(name: str) -> dict[str, list[Path]]:
    folder = eval_folder()
    rows = [json.loads(line) for line in (folder / "manifest.jsonl").read_text(encoding="utf-8").splitlines() if line]
    paths = {row["id"]: folder / row["path"] for row in rows}
    enrol: dict[str, list[str]] = next(row["enrol"] for row in rows if row["id"] == name)
    return {person: [paths[f"libri-{one}"] for one in its] for person, its in enrol.items()}
