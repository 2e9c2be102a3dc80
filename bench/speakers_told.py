"""Who is speaking without any voiceprint: from what is said, and from the channels of a call."""

import tempfile
from pathlib import Path

from auricle.settings import Settings
from auricle.times import to_seconds
from bench.names import load, measure
from bench.scoring import DiarizationErrors, Item, eval_folder, load_items
from tools.toolbox import Toolbox
from tools.transcript import fold
from tools.views import Transcript

_SAMPLE = {"speaker90": "Diane", "speaker91": "Sheila"}
"""Who is who in the reference of pyannote's sample."""


def names() -> str:
    """Names and roles over the made dialogues, both halves, and over a real call that is really heard."""
    lines = [
        "Made dialogues, their voices told apart as written; half of them were for tuning the rules. No LLM judges.",
        "",
        "| half | names alone | names of listed people | roles |",
        "|---|---|---|---|",
    ]
    for half, tuning in (("tuned on", True), ("reported", False)):
        dialogues = [each for each in load() if each.for_tuning == tuning]
        lines.append(f"| {half}, {len(dialogues)} | {' | '.join(map(str, measure(dialogues).values()))} |")
    with tempfile.TemporaryDirectory() as home:
        toolbox = Toolbox(Settings(home=Path(home), worker="inline"))
        try:
            (item,) = load_items(eval_folder(), ["pyannote_sample"])
            lines += ["", _sample(toolbox, item)]
        finally:
            toolbox.close()
    return "\n".join(lines)


def channels() -> str:
    """A real call whose channels were joined from two recordings; the reference is how loud each of them is."""
    path = eval_folder() / "calls" / "auto_repairs_40.stereo8k.flac"
    rttm = path.with_name("auto_repairs_40.stereo8k.silver.rttm").read_text(encoding="utf-8")
    fields = [line.split() for line in rttm.splitlines() if line.startswith("SPEAKER")]
    turns = [(float(one[3]), float(one[3]) + float(one[4]), one[7]) for one in fields]
    rates = []
    with tempfile.TemporaryDirectory() as home:
        toolbox = Toolbox(Settings(home=Path(home), worker="inline"))
        try:
            recording = toolbox.add_recording(str(path)).id
            for least in (None, 3):  # more people than channels: they are told apart by voice
                toolbox.diarize(recording, min_speakers=least, max_speakers=least and 3)
                known = toolbox.library.recordings.get(recording)
                errors = DiarizationErrors()
                errors.add(
                    Item(recording, "calls", path, known.seconds, None, None, turns),
                    _turns(fold(toolbox.library, known)),
                )
                rates.append(errors.rate or 0.0)
        finally:
            toolbox.close()
    return (
        f"A call of 245 s, one person a channel, against the energy of each channel: DER **{rates[0]:.1f}** by channel "
        f"({rates[1]:.1f} by voice, asked for one person more)."
    )


def _turns(transcript: Transcript) -> list[tuple[float, float, str]]:
    return [(to_seconds(turn.start), to_seconds(turn.end), turn.label) for turn in transcript.turns]


def _sample(toolbox: Toolbox, item: Item) -> str:
    recording = toolbox.add_recording(str(item.path)).id
    toolbox.transcribe(recording)
    toolbox.diarize(recording)
    result = toolbox.name_speakers(recording, people=["Diane", "Sheila"])
    transcript = fold(toolbox.library, toolbox.library.recordings.get(recording))
    told = []
    for speaker in result.speakers:
        shared = dict.fromkeys(_SAMPLE.values(), 0.0)
        for start, end, label in _turns(transcript):
            for first, last, reference in item.turns or ():
                if label == speaker.id:
                    shared[_SAMPLE[reference]] += max(0.0, min(end, last) - max(start, first))
        truth = max(shared, key=shared.__getitem__)
        told.append(f"{truth} is called {speaker.name or 'nothing'} ({speaker.source or 'no evidence'})")
    return f"pyannote's sample, heard by the real engines: {'; '.join(told)}."
